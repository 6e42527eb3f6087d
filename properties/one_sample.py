"""KKT points in closed form: on one sample x, structured points along ±x, and Newton's method near them (theory §5, §8)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from checker.claims import THEOREM, Margin, claim, worst
from checker.datasets import SEEDS
from checker.generators import SLOPES, architectures
from checker.identities import equal
from checker.kkt import Inertia, describe, polish
from checker.ncf import Problem
from checker.networks import dense
from checker.rank_one import RankOneInstance, reduced_value, structured_point, structured_value
from checker.rank_one_generators import profile
from checker.starts import unit
from checker.tolerances import DENSE_HESSIAN, POLISHED
from properties.kkt_structure import multiplier_at, unstable

# How far from the KKT point Newton's method starts: far inside its basin, far beyond what counts as polished.
NEAR = 1e-4
POWERS = st.sampled_from(sorted(architectures())).flatmap(lambda order: st.sampled_from(architectures()[order]))


@st.composite
def one_sample(draw) -> RankOneInstance:
    """Dense networks on one sample x at the structured point along u = ±x/‖x‖ whose sign s_L makes n(u) > 0.

    One instance in four has more parameters than are diagonalised.
    """
    powers, seed, large = draw(POWERS), draw(SEEDS), draw(st.integers(0, 3)) == 0
    slopes = tuple(1.0 if power == 1 else draw(st.sampled_from(SLOPES)) for power in powers)
    hidden = [draw(st.integers(1, 3)) for _ in powers]
    network = dense((DENSE_HESSIAN // hidden[0] + 1 if large else draw(st.integers(1, 4)), *hidden, 1), powers, slopes)
    rng, fewest = np.random.default_rng(seed), draw(st.sampled_from((1, 3)))
    x, y = rng.standard_normal((1, network.widths[0])), rng.standard_normal((1, 1))
    profiles = [profile(rng, width, power, fewest) if fewest > 1 else np.eye(width)[rng.integers(width)]
                for width, power in zip(hidden, powers)]
    # With α = 0 a layer is dead unless its inputs are positive.
    signs = rng.choice([-1.0, 1.0], network.depth) if all(slopes) else np.ones(network.depth)
    u, signs = signs[0] * unit(x[0]), signs[1:]
    signs[-1] *= np.sign(reduced_value(network, x, y[:, 0], u, signs)[0])
    families = {"data": "one sample", "labels": "gaussian", "start": "structured"}
    start = structured_point(network, u, signs, profiles)
    return RankOneInstance(Problem(network, x, y), start, families=families, seeds=(seed,), u=u, signs=tuple(signs), profiles=tuple(profiles))


@claim("kkt.one_sample", kind=THEOREM, reference="§5", given=one_sample(), covers=(("active neurons", "several"), ("signs", "mixed")))
def one_sample_point(instance) -> Margin:
    """On one sample x the structured point along ±x is a KKT point, and Newton's method returns to it, or one of equal N, from nearby.

    With W_L negated its largest curvature is 2|λ| or more; with p_l ≥ 2 and one active neuron in every layer it is a maximum.
    """
    network, ncf, exact = instance.network, instance.ncf, instance.start
    rng = np.random.default_rng([*instance.seeds, 1])
    near = unit(exact + NEAR * unit(rng.standard_normal(exact.size)))
    point = polish(ncf, near)
    flipped = point.u.copy()
    flipped[network.slices[-1]] *= -1
    opposite = describe(ncf, flipped)
    n = reduced_value(network, ncf.X, ncf.ybar[:, 0], instance.u, instance.signs)[0]
    expected = structured_value(network, n, instance.profiles)
    strict = min(network.powers) >= 2 and all(np.count_nonzero(each) == 1 for each in instance.profiles)
    return worst(
        [
            _is(not describe(ncf, near).is_polished),
            _is(point.is_polished),
            Margin(1 - np.linalg.norm(point.u - near) / (100 * NEAR), POLISHED),
            equal(point.value, expected, 2 * ncf.rounding(point.u)[0] + 1e-9 * abs(expected), abs(expected)),
            _is(point.inertia is Inertia.MAXIMUM or not strict),
            multiplier_at(ncf, point),
            multiplier_at(ncf, opposite),
            unstable(opposite),
        ]
    )


def _is(condition: bool) -> Margin:
    """Margin of what is true or not."""
    return Margin(1.0 if condition else -1.0, 0.0)
