"""Closed-form KKT points on one sample x, structured along ±x; Newton near them (theory §5, §8)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, Outcome, Unresolved, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import DEGENERATE, DENSE_HESSIAN, POLISHED
from ncfcheck.model.identities import equal
from ncfcheck.model.layered import FEW
from ncfcheck.model.ncf import Problem, norm, sign_flipped
from ncfcheck.model.networks import dense
from ncfcheck.properties.kkt.theorems import CURVATURE, multiplier_at, unstable
from ncfcheck.strategies import promises, rebuilding
from ncfcheck.strategies.choices import composite
from ncfcheck.strategies.datasets import SEEDS
from ncfcheck.strategies.instances import SLOPES, given, powers_where
from ncfcheck.strategies.structured import profile
from ncfcheck.theory.kkt.points import Inertia, describe, polish
from ncfcheck.theory.rank_one.points import (
    RankOneInstance,
    ReducedPoint,
    reduced_value,
    structured_point,
    structured_value,
)
from ncfcheck.theory.starts import unit

# How far from the KKT point Newton's method starts, far inside its basin; in POLISHED at least.
NEAR, BEYOND = 1e-4, 1e3
POWERS = powers_where(lambda powers: True)


@composite
def _one_sample(draw, data) -> RankOneInstance:
    """Dense networks on one sample x at the structured point along u = ±x/‖x‖ whose sign s_L makes
    n(u) > 0.

    One instance in four has more parameters than are diagonalised, one more than compiled second
    derivatives are taken of. Data sets have more samples, and are not used.
    """
    powers, seed, least = draw(POWERS), draw(SEEDS), draw.choice((0, 0, FEW, DENSE_HESSIAN))
    slopes = tuple(1.0 if power == 1 else draw.choice(SLOPES) for power in powers)
    hidden = [draw.integer(1, 3) for _ in powers]
    inputs = least // hidden[0] + 1 if least else draw.integer(1, 4)
    network = dense((inputs, *hidden, 1), powers, slopes)
    rng, fewest = np.random.default_rng(seed), draw.choice((1, 3))
    x, y = rng.standard_normal((1, network.widths[0])), rng.standard_normal((1, 1))
    profiles = [
        profile(rng, width, power, fewest) if fewest > 1 else np.eye(width)[rng.integers(width)]
        for width, power in zip(hidden, powers)
    ]
    # With α = 0 a layer is dead unless its inputs are positive.
    signs = rng.choice([-1.0, 1.0], network.depth) if all(slopes) else np.ones(network.depth)
    u, signs = signs[0] * unit(x[0]), signs[1:]
    signs[-1] *= np.sign(reduced_value(network, x, y[:, 0], u, signs)[0])
    families = {"data": "one sample", "labels": "gaussian", "start": "structured"}
    start = structured_point(network, u, signs, profiles)
    where = {"u": u, "signs": tuple(signs), "profiles": tuple(profiles)}
    return RankOneInstance(Problem(network, x, y), start, families=families, seeds=(seed,), **where)


def _promised(instance) -> None:
    """One sample, along which the structured point has N > 0."""
    promises.structured(instance, lipschitz=True)
    promises.require(len(instance.problem.X) == 1, "one sample")
    promises.require(instance.ncf.value(instance.start) > 0, "N > 0")


def _placed_again(instance: RankOneInstance) -> RankOneInstance:
    """The structured point along the sample, on the side of it that u is on."""
    network, X = instance.network, instance.problem.X
    if (
        instance.u is None
        or instance.u.size != X.shape[1]
        or len(X) != 1
        or len(instance.signs) != network.depth - 1
    ):
        raise Inapplicable("no point on one sample to start from")
    u = np.copysign(1.0, X[0] @ instance.u) * unit(X[0])
    value = reduced_value(network, X, instance.ncf.ybar[:, 0], u, instance.signs)[0]
    signs = (*instance.signs[:-1], instance.signs[-1] * float(np.copysign(1.0, value)))
    return rebuilding.placed(instance, ReducedPoint(u, signs), rebuilding.uniform(instance))


one_sample = given(_one_sample, _promised, _placed_again)


def _inside(network) -> float:
    """NEAR, or less where the other side of a kink, which counts |α_l|^{−p_l} times as much, would
    outweigh the point's.

    A neuron of weights of size r has a curvature of order r^{p_l − 1}. Raises Unresolved where that
    is no more than rounding.
    """
    bent = [
        abs(a) ** (p / (p - 1))
        for p, a in zip(network.powers, network.slopes)
        if p > 1 and 0 < abs(a) < 1
    ]
    distance = NEAR * min(bent, default=1.0)
    if distance < BEYOND * POLISHED:
        raise Unresolved("the other side of a kink outweighs all that is near")
    return distance


@claim(
    "kkt.one_sample",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    given=one_sample(),
    covers=(("active neurons", "several"), ("signs", "mixed")),
)
def one_sample_point(instance) -> Margin:
    """On one sample x the structured point along u = ±x is KKT; Newton's method returns to it, or
    one of equal N, from nearby.

    With W_L negated its largest curvature is 2|λ| or more; with p_l ≥ 2 and one active neuron in
    every layer it is a maximum whose largest curvature is −|λ|: N depends on one weight a layer to
    second order, and on x alone. ⟨u, ∇n(u)⟩ = P_1 n(u).
    """
    network, ncf, exact = instance.network, instance.ncf, instance.start
    rng = np.random.default_rng([*instance.seeds, 1])
    distance = _inside(network)
    near = unit(exact + distance * unit(rng.standard_normal(exact.size)))
    point = polish(ncf, near)
    opposite = describe(ncf, sign_flipped(network, point.u))
    n, slope = reduced_value(network, ncf.X, ncf.ybar[:, 0], instance.u, instance.signs)
    expected = structured_value(network, n, instance.profiles)
    strict = min(network.powers) >= 2 and all(
        np.count_nonzero(each) == 1 for each in instance.profiles
    )
    parts = [
        _is(not describe(ncf, near).is_polished),
        _is(point.is_polished),
        Margin(1 - np.linalg.norm(point.u - near) / (100 * distance), POLISHED / distance),
        _is((point.inertia is Inertia.SADDLE) == (len(point.escape) > 0)),
        _is(point.inertia is Inertia.MAXIMUM or not strict),
    ]
    if strict:
        parts.append(Margin(1 - abs(point.top_curvature + 1) / CURVATURE, DEGENERATE / CURVATURE))
    if worst(parts).outcome is not Outcome.HOLDS:
        return worst(parts)  # the identities may not be decided then
    error, size = 2 * ncf.rounding(point.u)[0] + 1e-9 * abs(expected), norm(slope)
    return worst(
        [
            *parts,
            equal(point.value, expected, error, abs(expected)),
            equal(float(slope @ instance.u), network.orders[0] * n, 1e-9 * size, size),
            multiplier_at(ncf, point),
            multiplier_at(ncf, opposite),
            unstable(ncf, opposite),
        ]
    )


def _is(condition: bool) -> Margin:
    """Margin of what is true or not."""
    return Margin(1.0 if condition else -1.0, 0.0)
