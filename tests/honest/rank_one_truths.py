"""Rank-one points: the margins at the exact structured or KKT point (theory §5, §6)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from flint import arb, arb_mat
from scipy.linalg import qr
from scipy.optimize import lsq_linear

from ncfcheck.core.tolerances import RESOLUTION
from ncfcheck.model.ncf import Ncf, sign_flipped
from ncfcheck.model.networks import Network, dense
from ncfcheck.properties.rank_one.controls import FAR
from ncfcheck.properties.rank_one.margins import angle_error, built
from ncfcheck.strategies.promises import mixed_profiles
from ncfcheck.theory.kkt.clarke import _slopes, kinks
from ncfcheck.theory.rank_one.criterion import hidden_layers
from ncfcheck.theory.rank_one.points import structured_point
from ncfcheck.theory.rank_one.reduced_points import on_kink
from ncfcheck.theory.rank_one.two_layer import defect
from tests.honest.audit import truth
from tests.honest.exact import Exact, exactly, floats, kkt_point, length, sine, unit
from tests.honest.kkt_truths import (
    layer_balance_at,
    near,
    neuron_balance_at,
    one_alone,
    rows,
    singular_values,
    told,
)

# sin²∠ below which float64 does not tell which slopes at kinks are at their bounds.
TOLD = 1e-16


def vanishes(gap: arb) -> arb:
    return 1 - gap / RESOLUTION


def positive(exact: Exact) -> arb:
    """The margin of N > 0."""
    X, ybar, order = exact.below[0].T, exact.ybar[0], exact.network.orders[0]
    return exact.value / sum(abs(b) * length(x) ** order for b, x in zip(ybar, X))


def angle(exact: Exact) -> arb:
    return sine(exact.gradient, exact.theta)


def reduced_point(instance):
    """The exact KKT point u (d,) of the reduced problem next to the instance's; None if untold."""
    network, ncf = instance.network, instance.ncf
    narrow = dense((network.widths[0], *[1] * network.depth), network.powers, network.slopes)
    theta = structured_point(narrow, instance.u, instance.signs, [np.ones(1)] * (network.depth - 1))
    found = kkt_point(Ncf(narrow, ncf.X, ncf.ybar), theta / np.linalg.norm(theta))
    return None if found is None else unit(found[: network.widths[0]])


def ideal_profiles(instance) -> list:
    """The profiles as unit vectors, uniform on their support where p_l ≥ 2."""
    return [
        unit(exactly(np.sign(e) if power >= 2 else e))
        for e, power in zip(instance.profiles, instance.network.powers)
    ]


def balanced(network: Network) -> list:
    return [(arb(order) / network.order).sqrt() for order in network.orders]


def structured(instance, u, outward, inward=None, norms=None) -> np.ndarray:
    """W_1 = c_1 e_1 uᵀ, …, flat, of a dense network."""
    inward, one = inward or outward, exactly([1.0])
    layers = zip(
        norms or balanced(instance.network), (1.0, *instance.signs), [*outward, one], [u, *inward]
    )
    return np.concatenate([(c * s * np.outer(row, column)).ravel() for c, s, row, column in layers])


def mixed(instance, u) -> np.ndarray:
    """P and −Q in one e_l, as exact as they may be."""
    network, profiles = instance.network, ideal_profiles(instance)
    layer = mixed_profiles(instance).index(True)
    power, alpha = network.powers[layer], arb(network.slopes[layer])
    above = (instance.ncf.X @ instance.u)[0] > 0 if layer == 0 else instance.signs[layer - 1] > 0
    ratio = (-alpha) ** power if above else 1 / (-alpha) ** power
    size, sign = (-(abs(ratio).log()) / (power - 1)).exp(), 1 if ratio > 0 else -1
    negative = instance.profiles[layer] < 0
    used = exactly(np.abs(np.sign(instance.profiles[layer])))
    sizes = used * np.where(negative, size, arb(1))
    outward, inward = list(profiles), list(profiles)
    outward[layer] = unit(np.where(negative, -sizes, sizes))
    inward[layer] = unit(np.where(negative, sign * sizes, sizes))
    return structured(instance, u, outward, inward)


def _built(instance, count: int, parts, make=None):
    """The parts at the exact structured point."""
    u = reduced_point(built(instance))
    if u is None:
        return [None] * count
    theta = structured(instance, u, ideal_profiles(instance)) if make is None else make(instance, u)
    return parts(Exact(instance.ncf, theta))


@truth("rank_one.sufficient")
def sufficient(instance):
    def parts(exact):
        return [
            vanishes(angle(exact)),
            arb(1),
            positive(exact),
            *layer_balance_at(exact),
            *neuron_balance_at(exact),
        ]

    return _built(instance, 2 + 2 * instance.network.depth, parts)


@truth("rank_one.mixed_sign_even_p")
def mixed_sign(instance):
    return _built(instance, 2, lambda exact: [vanishes(angle(exact)), positive(exact)], mixed)


def at_start(instance) -> Exact:
    return Exact(instance.ncf, unit(exactly(instance.start)))


@truth(
    "control.nonuniform",
    "control.unbalanced",
    "control.any_direction",
    "control.signless",
    "control.sparse_layers",
    "control.two_sided",
)
def is_kkt(instance):
    return [1 - angle(at_start(built(instance))) / FAR]


@truth("rank_one.perturbed_fails")
def perturbed_fails(instance):
    return [angle(at_start(instance)), arb(1)]


@truth("rank_one.spoilt_at_once")
def spoilt_at_once(instance):
    return [arb(1)]


def criterion(instance, exact: Exact, accuracy: float):
    """The parts of the criterion, with the layers counted as the float64 point has them."""
    network, ncf = instance.network, instance.ncf
    layers = hidden_layers(network, instance.start, accuracy)
    W = [exactly(each) for each in network.matrices(exact.theta)]
    factors, parts = [_factor(matrix) for matrix in W[:-1]], []
    for layer, (_, a, _), power in zip(layers, factors, network.powers):
        for sign in (1, -1) if power >= 2 else ():
            sizes = [abs(each) for each in a[sign * layer.a > layer.zero]]
            if len(sizes) > 1:
                sizes.sort(key=float)
                parts.append(vanishes(1 - sizes[0] / sizes[-1]))
    if not all(layer.is_coherent for layer in layers):
        return parts
    norms = [*(c for c, _, _ in factors), length(W[-1])]
    parts += [vanishes(abs(c - right)) for c, right in zip(norms, balanced(network))]
    inner = [*(b for _, _, b in factors[1:]), W[-1][0] / norms[-1]]
    for (_, a, _), row in zip(factors, inner):
        parts.append(vanishes(length(row - a).min(length(row + a))))
    signs = [1 if row @ a > 0 else -1 for (_, a, _), row in zip(factors, inner)]
    value, gradient = reduced(ncf, network, factors[0][2], signs)
    u = factors[0][2]
    along = gradient @ u
    tangent = length(gradient - along * u) / abs(along)
    return [*parts, vanishes(tangent.tanh()), value / length(gradient)]


def _factor(W):
    """c, a and b of a rank-one matrix c·a bᵀ, its largest a_j positive."""
    largest = max(range(len(W)), key=lambda j: float(length(W[j])))
    b = unit(W[largest])
    along = W @ b
    return length(along), along / length(along), b


def reduced(ncf, network, u, signs):
    """n(u) and ∇n(u)."""
    narrow = dense((network.widths[0], *[1] * network.depth), network.powers, network.slopes)
    exact = Exact(Ncf(narrow, ncf.X, ncf.ybar), np.concatenate([u, exactly(signs)]))
    return exact.value, exact.gradient[: u.size]


def _criterion_at_kkt(instance, accuracy: float):
    exact = near(instance.ncf, instance.start)
    if exact is None:
        exact = Exact(instance.ncf, instance.start)
        return [None] * len(criterion(instance, exact, accuracy))
    return criterion(instance, exact, accuracy)


@truth("rank_one.necessary")
def necessary(instance):
    ncf = instance.ncf
    return _criterion_at_kkt(instance, 4 * (ncf.residual(instance.start) + angle_error(instance)))


@truth("control.blind_input")
def blind_input(instance):
    return _criterion_at_kkt(instance, 4 * (instance.point.residual + angle_error(instance)))


@truth("control.negative_value")
def negative_value(instance):

    flipped = sign_flipped(instance.network, built(instance).start)
    accuracy = 4 * (instance.ncf.residual(flipped) + angle_error(instance))
    return _criterion_at_kkt(replace(instance, start=flipped), accuracy)


@truth("control.any_rank_one")
def any_rank_one(instance):
    return criterion(instance, Exact(instance.ncf, instance.start), 64 * 2.0**-52)


@truth("rank_one.two_layer_iff")
def two_layer_iff(instance):
    network, ncf, theta = instance.network, instance.ncf, instance.start
    residual, error = ncf.residual(theta), angle_error(instance)
    found = defect(network, ncf.X, ncf.ybar[:, 0], theta, 4 * error)
    if found.value <= RESOLUTION:
        return [arb(1)]
    if residual <= 10 * error:
        return [arb(1)]
    return [angle(at_start(instance))]


@truth("control.every_kkt_rank_one")
def every_kkt_rank_one(instance):
    def parts(exact):
        values = singular_values(instance.network.matrices(exact.theta)[0])
        return [one_alone(values)]

    return told(near(instance.ncf, built(instance).start), 1, parts)


def _spread(layers):
    """1 − (largest/smallest entry − 1)/0.01 for the layer where they differ most."""
    ratios = [max(each, key=float) / min(each, key=float) for each in layers]
    return [1 - (max(ratios, key=float) - 1) / 0.01]


@truth("control.equal_entries")
def equal_entries(instance):
    def parts(exact):
        layers = zip(instance.network.matrices(exact.theta), instance.network.powers)
        return _spread([[r for r in rows(W) if r > 1e-9] for W, p in layers if p >= 2])

    return told(near(instance.ncf, built(instance).start), 1, parts)


@truth("control.flat_entries")
def flat_entries(instance):
    flat = [e for e, p in zip(built(instance).profiles, instance.network.powers) if p == 1]
    return _spread([exactly(np.abs(e[np.abs(e) > 1e-9])) for e in flat])


def clarke_point(instance):
    """The exact u (d,) on the kinks, and the slopes there that balance the gradient; or None."""
    network, ncf = instance.network, instance.ncf
    kinked = on_kink(ncf.X, instance.u)
    off = ~kinked
    z = ncf.X[off] @ instance.u
    alpha, sign = min(network.slopes), float(np.prod(instance.signs))
    bent = network.slopes.index(alpha)
    side = z * np.prod([1.0, *instance.signs[:bent]])
    slopes = exactly(np.where(side > 0, 1.0, alpha))
    X, ybar = exactly(ncf.X), exactly(ncf.ybar[:, 0])
    gradient = sign * (X[off].T @ (ybar[off] * slopes))
    K = X[kinked]
    gram = arb_mat(len(K), len(K), list((K @ K.T).ravel()))
    try:
        along = gram.solve(arb_mat(len(K), 1, list(K @ gradient))).entries()
    except ZeroDivisionError:
        return None
    u = gradient - np.array(along, dtype=object) @ K
    needed = -np.array(along, dtype=object) * sign / ybar[kinked]
    sides = np.array([float(each) for each in X[off] @ u])
    if not (np.sign(sides) == np.sign(z)).all() or not (np.abs(sides) > 0).all():
        return None
    return unit(u), needed, alpha


@truth("rank_one.clarke")
def clarke(instance):
    found = clarke_point(built(instance))
    if found is None:
        return [None, None]
    u, needed, alpha = found
    inside = all(each > arb(alpha) and each < 1 for each in needed)
    exact = Exact(instance.ncf, structured(instance, u, ideal_profiles(instance)))
    return [arb(1) if inside else None, positive(exact)]


@truth("control.slope_outside")
def slope_outside(instance):
    """The least angle over slopes in [α, 1]; which are at their ends is found in float64."""
    network, ncf = instance.network, instance.ncf
    found = clarke_point(built(instance))
    layers = kinks(ncf, instance.start)
    if found is None or layers is None:
        return [None]
    u = found[0]
    theta = structured(instance, u, ideal_profiles(instance))
    exact, free = Exact(ncf, theta), [tuple(each) for each in layers.where]
    slopes = [exactly(each) for each in _slopes(ncf, instance.start)]

    def gradient(values):
        slopes[layers.layer] = slopes[layers.layer].copy()
        for place, value in zip(free, values):
            slopes[layers.layer][place] = value
        exact.bends = [(first, None) for first in slopes]
        exact.__dict__.pop("deltas", None), exact.__dict__.pop("gradient", None)
        return exact.gradient

    alpha = arb(network.slopes[layers.layer])
    base = [alpha] * len(free)
    g = gradient(base)
    columns = []
    for k in range(len(free)):
        columns.append(gradient([*base[:k], alpha + 1, *base[k + 1 :]]) - g)
    off, scale = g - (g @ theta) * theta, length(g)
    columns = [each - (each @ theta) * theta for each in columns]
    A = np.array([floats(each / scale) for each in columns]).T
    most = 1 - network.slopes[layers.layer]
    solved = lsq_linear(A, -floats(off / scale), (0, most), tol=1e-15, method="bvls", max_iter=1000)
    sizes = np.linalg.norm(A, axis=0)
    free = list(np.flatnonzero((solved.active_mask == 0) & (sizes > 0)))
    fixed = [arb(1) - alpha if end > 0 else arb(0) for end in solved.active_mask]
    if 2 * solved.cost < TOLD:
        return [None]
    best = off + sum(c * each for c, each in zip(fixed, columns))
    if free:
        _, R, order = qr(A[:, free] / sizes[free], mode="economic", pivoting=True)
        spanning = np.abs(np.diag(R)) > 1e-9 * np.abs(R).max()
        A = np.array([columns[free[k]] for k in order[: spanning.sum()]], dtype=object)
        free = range(len(A))
        gram = arb_mat(len(free), len(free), list((A @ A.T).ravel()))
        best = best - np.array(gram.solve(arb_mat(len(free), 1, list(A @ best))).entries()) @ A
    return [1 - length(best) / (best @ best + (g @ theta) ** 2).sqrt() / 1e-3]
