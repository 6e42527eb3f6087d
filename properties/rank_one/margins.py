"""What claims about rank-one points measure: distance from KKT, from the criterion (theory §5)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, worst
from ncfcheck.core.tolerances import EPS, RESOLUTION
from ncfcheck.model.identities import size_at, value_at
from ncfcheck.model.ncf import norm
from ncfcheck.theory.rank_one.criterion import (
    chain_defects,
    class_spreads,
    hidden_layers,
    inner_signs,
    refuse_other_sides,
    singular_ratio,
)
from ncfcheck.theory.rank_one.points import (
    balanced_norms,
    input_sides,
    reduced_rounding,
    reduced_shift,
    reduced_value,
    tangent,
)
from ncfcheck.theory.rank_one.reduced_points import on_kink

NONE_FOUND = "the reduced problem has no positive KKT point in sight"


def built(instance):
    """The structured instance; Inapplicable where there was nothing to build on."""
    if instance.u is None:
        raise Inapplicable(NONE_FOUND)
    for vector in (instance.u, *instance.profiles):
        if not abs(vector @ vector - 1) <= EPS * (vector.size + 8):
            raise Inapplicable("u, or an e_l, is no unit vector to rounding")
    return instance


def mixed_sides(instance) -> set[int]:
    """The signs, ±1, of the inputs of the one layer whose e_l has entries of both signs.

    Inapplicable unless p ≥ 2 and α ≠ 0 there, nonzero |entries| are equal where p_l ≥ 2, and an
    input is not 0; Unresolved where they hang on a uᵀx_i that is 0 to rounding.
    """
    network, X, u = instance.network, instance.ncf.X, instance.u
    layers = [l for l, each in enumerate(instance.profiles) if (each < 0).any()]
    if len(layers) != 1 or not (instance.profiles[layers[0]] > 0).any():
        raise Inapplicable("not one e_l has entries of both signs")
    if network.powers[layers[0]] == 1 or network.slopes[layers[0]] == 0:
        raise Inapplicable("p = 1 or α = 0 where signs are mixed")
    curved = (e for e, p in zip(instance.profiles, network.powers) if p >= 2)
    sizes = (np.abs(e[e != 0]) for e in curved)
    if any(each.max() > (1 + 8 * EPS) * each.min() for each in sizes):
        raise Inapplicable("an e_l is not uniform, up to signs, where p_l ≥ 2")
    z, rounding = X @ u, EPS * (len(u) + 2) * (np.abs(X) @ np.abs(u))

    def sides(z):
        return set(input_sides(network, z, instance.signs, layers[0]).astype(int)) - {0}

    lost = (np.abs(z) <= rounding) & (rounding > 0)
    found = sides(z[~lost])
    if lost.any() and not sides(np.array([1.0, -1.0])) <= found:
        raise Unresolved("uᵀx_i is 0 to rounding")
    if not found:
        raise Inapplicable("all inputs of the layer that mixes signs are 0")
    return found


def angle_error(instance) -> float:
    """Bound on the rounding of sin∠(∇N, w)."""
    size = _size(instance)
    return 2 * (Bounded(size.error) / size).size + 16 * EPS


def _size(instance) -> Bounded:
    """‖∇N‖; Inapplicable where 0: signs of an e_l cancel in the next layer, or α = 0 kills it."""
    size = size_at(instance.ncf, instance.start)
    if size.value == 0:
        raise Inapplicable("∇N = 0 at the point: it makes no angle")
    return size


def is_kkt(instance, error: float = 0.0) -> Margin:
    """1 − sin∠ in units of the resolution; `error` is what the point itself was computed to."""
    return Margin(
        1 - instance.ncf.residual(instance.start) / RESOLUTION,
        (error + angle_error(instance)) / RESOLUTION,
    )


def is_positive(instance, off: float = 0.0) -> Margin:
    """N/Σ |ȳ_i|‖x_i‖^{P_1} > 0: unlike ‖∇N‖ that sum does not jump on kinks.

    At the exact point next to `start` N is another by `off`, and by the rounding of weights.
    """
    ncf, order = instance.ncf, instance.network.order
    value = value_at(ncf, instance.start)
    rounding = off + value.error + 16 * order * EPS * abs(value.value)
    terms = np.abs(ncf.ybar[:, 0]) * np.linalg.norm(ncf.X, axis=1) ** instance.network.orders[0]
    size = float(terms.sum())
    lost = EPS * (ncf.X.shape[0] + instance.network.orders[0] * (ncf.X.shape[1] + 4)) * size
    return (Bounded(value.value, rounding) / Bounded(size, lost)).margin()


def on_kinks(instance) -> float:
    """By how much N may be off for samples that at the exact point, p_l = 1, lie on kinks.

    There they add nothing to N, here up to |ȳ_i z_i|; and what is off of u towards them changes the
    rest of N by as much, as slopes in [α, 1] balance its gradient.
    """
    ncf, u = instance.ncf, instance.u
    kinked = on_kink(ncf.X, u)
    z, size = np.abs(ncf.X[kinked] @ u), np.linalg.norm(ncf.X[kinked], axis=1)
    most = np.abs(ncf.ybar[kinked, 0]) * (z + EPS * (u.size + 2) * size)
    return float(2 * most.sum() * np.prod(balanced_norms(instance.network)))


def reduced_tangent(instance) -> Bounded:
    """tan∠(∇n(u), u)."""
    lost = reduced_rounding(*_reduced(instance))[1]
    slope = reduced(instance)[1]
    found = tangent(slope, instance.u)
    share = Bounded(lost) / Bounded(norm(slope), lost)
    return Bounded(found, (1 + found**2) * share.size)


def reduced(instance):
    """n(u) and ∇n(u), (d,)."""
    return reduced_value(*_reduced(instance))


def reduced_at(instance) -> Bounded:
    """n(u), with what rounding may have left of it."""
    return Bounded(reduced(instance)[0], reduced_rounding(*_reduced(instance))[0])


def _reduced(instance) -> tuple:
    X, ybar = instance.ncf.X, instance.ncf.ybar[:, 0]
    return instance.network, X, ybar, instance.u, instance.signs


def criterion(instance, accuracy: float) -> Margin:
    """Margin of the rank-one criterion at the instance's `start`, known to the accuracy."""
    network, theta = instance.network, instance.start
    layers = hidden_layers(network, theta, accuracy)
    parts = [_vanishes(spread, accuracy / size) for spread, size in class_spreads(network, layers)]
    if all(layer.is_coherent for layer in layers):
        sizes = [size for _, size in class_spreads(network, layers)]
        error = accuracy / min(sizes + [layer.c for layer in layers])
        parts += [_vanishes(gap, error) for gap in chain_defects(network, theta, layers)]
        parts += _reduced_kkt(instance, layers, accuracy)
    if not parts:
        raise Inapplicable(
            "signs are mixed and no layer with p_l ≥ 2 has two neurons of one sign: nothing is "
            "claimed"
        )
    return worst(parts)


def _vanishes(gap: float, error: float) -> Margin:
    """1 − gap in units of the resolution."""
    return Margin(1 - gap / RESOLUTION, error / RESOLUTION)


def _reduced_kkt(instance, layers, accuracy: float) -> list[Margin]:
    """u is a KKT point of the reduced problem, of positive value."""
    network, ncf, u = instance.network, instance.ncf, layers[0].b
    W = network.matrices(instance.start)[0]
    refuse_other_sides(network, ncf.X, W, layers[0])
    signs = inner_signs(network, instance.start, layers)
    problem = network, ncf.X, ncf.ybar[:, 0], u, signs
    value, gradient = reduced_value(*problem)
    if not gradient.any():
        raise Unresolved("∇n(u) = 0: the reduced problem is dead at the direction u")
    lost = reduced_rounding(*problem)
    off = reduced_shift(*problem, singular_ratio(W) + 16 * EPS)
    size = Bounded(norm(gradient), lost[1] + off)
    error = accuracy / layers[0].c + (Bounded(size.error) / size).size
    positive = (Bounded(value, lost[0]) / size).margin()
    return [
        _vanishes(float(np.tanh(tangent(gradient, u))), error),
        Margin(positive.value, positive.error + accuracy),
    ]
