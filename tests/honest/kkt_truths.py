"""KKT points: the margins at the exact KKT point next to the one that was computed (theory §5)."""

from __future__ import annotations

import numpy as np
from flint import arb

from ncfcheck.model.ncf import balances, group_squares
from ncfcheck.properties.conjectures.conjectures import _maximum
from ncfcheck.properties.flow.instances import convolved
from ncfcheck.properties.kkt.controls import zeroed
from ncfcheck.properties.kkt.one_sample import _inside
from ncfcheck.properties.kkt.theorems import CURVATURE, NONE, limit_point, strict_maximum
from ncfcheck.theory.kkt.points import polish, positive_limit
from tests.honest.audit import truth
from tests.honest.exact import Exact, exactly, floats, kkt_point, length, sine, unit
from tests.honest.homogeneity_truths import equal


def near(ncf, u) -> Exact | None:
    """N at the exact KKT point next to u; None where there is none to be told."""
    point = kkt_point(ncf, u)
    return None if point is None else Exact(ncf, point)


def told(exact: Exact | None, count: int, parts):
    """parts(exact), or as many that are not known."""
    return [None] * count if exact is None else parts(exact)


def multiplier_at(exact: Exact):
    size = length(exact.gradient)
    expected = exact.network.order * exact.value
    multiplier = exact.gradient @ exact.theta
    return [equal(multiplier, expected, size), equal(size, abs(expected), size)]


def layer_balance_at(exact: Exact):
    network = exact.network
    squares = group_squares(network, exact.theta)
    return [
        equal(square, arb(order) / network.order, arb(1))
        for square, order in zip(squares, network.orders)
    ]


def neuron_balance_at(exact: Exact, layers=None):
    network = exact.network
    layers = network.between_unshared if layers is None else layers
    found = balances(network, [exactly(W) for W in network.matrices(exact.theta)], layers)
    return [equal(_largest(abs(each)), arb(0), arb(1)) for each in found]


def _largest(values) -> arb:
    found = values[0]
    for each in values[1:]:
        found = found.max(each)
    return found


def flipped(exact: Exact, ncf) -> Exact:
    """N at the point with W_L negated."""
    theta = exact.theta.copy()
    theta[exact.network.slices[-1]] *= -1
    return Exact(ncf, theta)


def sign_flip_at(exact: Exact, ncf):
    other = flipped(exact, ncf)
    return [
        equal(other.value, -exact.value, abs(exact.value)),
        equal(sine(other.gradient, other.theta), arb(0), arb(1)),
    ]


def unstable(exact: Exact) -> tuple[arb, ...]:
    """One margin for every side of a kink of p = 2, where ∇²N has no value of its own."""
    return tuple(1 + (each.top_curvature() - 2) / CURVATURE for each in exact.sides())


def _limit(instance) -> Exact | None:
    return near(instance.ncf, limit_point(instance).u)


@truth("kkt.multiplier")
def multiplier(instance):
    return told(_limit(instance), 2, multiplier_at)


@truth("kkt.layer_balance")
def layer_balance(instance):
    return told(_limit(instance), instance.network.depth, layer_balance_at)


@truth("kkt.neuron_balance")
def neuron_balance(instance):
    return told(_limit(instance), instance.network.depth - 1, neuron_balance_at)


@truth("kkt.sign_flip")
def sign_flip(instance):
    return told(_limit(instance), 2, lambda exact: sign_flip_at(exact, instance.ncf))


@truth("kkt.negative_unstable")
def negative_unstable(instance):
    exact = _limit(instance)
    is_flipped = exact is not None and not limit_point(instance).value < 0
    exact = flipped(exact, instance.ncf) if is_flipped else exact
    return told(exact, 1, lambda exact: [unstable(exact)])


@truth("control.positive_unstable")
def positive_unstable(instance):
    return told(_limit(instance), 1, lambda exact: [unstable(exact)])


def second_row(exact: Exact) -> arb:
    """1 − (second largest row of the last hidden layer/largest)/NONE."""
    return one_alone(rows(exact.network.matrices(exact.theta)[-2]))


def rows(W) -> list:
    """The lengths of the rows in descending order."""
    return sorted(map(length, exactly(W)), key=float, reverse=True)


def one_alone(sizes) -> arb:
    """1 − (second size/first)/NONE."""
    return 1 - (sizes[1] / sizes[0] if len(sizes) > 1 else arb(0)) / NONE


@truth("kkt.one_last_neuron")
def one_last_neuron(instance):
    exact = near(instance.ncf, strict_maximum(instance).u)
    return told(exact, 1, lambda exact: [second_row(exact)])


@truth("control.shared_neurons")
def shared_neurons(instance):
    return one_last_neuron(convolved(instance))


@truth("control.saddles")
def saddles(instance):
    return told(near(instance.ncf, instance.start), 1, lambda exact: [second_row(exact)])


@truth("control.flat_neurons")
def flat_neurons(instance):
    point = positive_limit(instance.ncf, instance.start, instance.numerics).point
    return told(near(instance.ncf, point.u), 1, lambda exact: [second_row(exact)])


@truth("control.any_point")
def any_point(instance):
    exact = Exact(instance.ncf, unit(exactly(instance.start)))
    return [
        *multiplier_at(exact),
        *layer_balance_at(exact),
        *neuron_balance_at(exact),
        *sign_flip_at(exact, instance.ncf),
    ]


@truth("control.any_negative_point")
def any_negative_point(instance):
    return [unstable(Exact(instance.ncf, unit(exactly(instance.start))))]


@truth("control.zero_points")
def zero_points(instance):
    exact = Exact(instance.ncf, unit(exactly(zeroed(instance))))
    return [*layer_balance_at(exact), *neuron_balance_at(exact)]


@truth("control.shared_balance")
def shared_balance(instance):
    shared = convolved(instance)
    layers = range(shared.network.depth - 1)
    return told(_limit(shared), len(layers), lambda exact: neuron_balance_at(exact, layers))


@truth("kkt.one_sample")
def one_sample(instance):
    network, ncf = instance.network, instance.ncf
    rng, distance = np.random.default_rng([*instance.seeds, 1]), _inside(network)
    aside = rng.standard_normal(instance.start.size)
    start = instance.start + distance * (aside / np.linalg.norm(aside))
    start = start / np.linalg.norm(start)
    exact = near(ncf, polish(ncf, start).u)
    strict = min(network.powers) >= 2 and all(
        np.count_nonzero(each) == 1 for each in instance.profiles
    )
    if exact is None:
        return [None] * (11 + strict)
    top = exact.top_curvature()
    yes = arb(1)
    parts = [
        yes,
        yes,
        1 - length(exact.theta - exactly(start)) / (100 * distance),
        yes,
        yes if not strict or top < 0 else -yes if top > 0 else None,
    ]
    if strict:
        parts.append(1 - abs(top + 1) / CURVATURE)
    other = flipped(exact, ncf)
    return [*parts, yes, yes, *multiplier_at(exact), *multiplier_at(other), unstable(other)]


def rank_one(exact: Exact, layers: slice):
    """1 − (second singular value/first)/NONE of these layers."""
    return [one_alone(singular_values(W)) for W in exact.network.matrices(exact.theta)[layers]]


def singular_values(W) -> list:
    """In float64, of the exact matrix, with what that may be off by."""
    values = np.linalg.svd(floats(exactly(W)), compute_uv=False)
    return [arb(float(each), 1e-14 * float(values[0]) * max(W.shape)) for each in values]


def _at_maximum(instance, count: int, parts):
    return told(near(instance.ncf, _maximum(instance).u), count, parts)


@truth("conjecture.rank_one_limits")
def rank_one_limits(instance):
    depth = instance.network.depth
    return _at_maximum(instance, depth - 1, lambda exact: rank_one(exact, slice(None, -1)))


@truth("conjecture.rank_one_maxima")
def rank_one_maxima(instance):
    return rank_one_limits(instance)


@truth("conjecture.outputs_rank_one")
def outputs_rank_one(instance):
    depth = instance.network.depth
    return _at_maximum(instance, depth, lambda exact: rank_one(exact, slice(None)))


@truth("conjecture.above_a_filter")
def above_a_filter(instance):
    depth = instance.network.depth
    return _at_maximum(instance, depth - 2, lambda exact: rank_one(exact, slice(1, -1)))


@truth("conjecture.one_neuron_limits", "conjecture.one_signed_labels")
def one_neuron(instance):
    def parts(exact):
        hidden = exact.network.matrices(exact.theta)[:-1]
        return [one_alone(rows(W)) for W in hidden]

    return _at_maximum(instance, instance.network.depth - 1, parts)


@truth("conjecture.one_limit")
def one_limit(instance):
    ncf = instance.ncf
    reverse = instance.start[::-1]
    points = _maximum(instance), positive_limit(ncf, reverse, instance.numerics).point
    exact = [near(ncf, point.u) for point in points]
    if None in exact:
        return [None]
    one, other = (each.value for each in exact)
    return [1 - abs(one - other) / one.max(other) / NONE]


@truth("conjecture.strongest_neuron")
def strongest_neuron(instance):
    ncf, network = instance.ncf, instance.network
    exact = near(ncf, _maximum(instance).u)
    if exact is None:
        return [None]
    sizes = [float(length(row)) for row in exactly(network.matrices(exact.theta)[0])]
    there = Exact(ncf, instance.start)
    gradient = network.matrices(there.gradient)[1]
    shares = (exactly(network.matrices(instance.start)[1]) * gradient)[0]
    shares, active = shares / length(shares), int(np.argmax(sizes))
    return [shares[active] - _largest(np.delete(shares, active))]
