"""Hypothesis strategies of structured points: rank-one hidden layers built from a KKT point of the reduced problem."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import strategies as st

from checker.claims import Inapplicable
from checker.datasets import SEEDS
from checker.generators import architectures, given, instances
from checker.instances import Instance
from checker.rank_one import RankOneInstance, reduced_point, structured_point, two_direction_point

# Powers of some layer at least 2, which is where profiles must be uniform.
CURVED = st.sampled_from([powers for group in architectures().values() for powers in group if max(powers) >= 2])


@st.composite
def _rank_one_points(draw, data, uniform: bool = True, **options) -> RankOneInstance:
    """Sign-coherent structured points; with `uniform` false, one layer with p ≥ 2 has a profile of unequal entries.

    `u` is None where the reduced problem had no positive KKT point to build on.
    """
    instance = draw(instances(starts=("gaussian",), only_dense=True, outputs=(1,), **options).strategy(data))
    seed = draw(SEEDS)
    network, rng = instance.network, np.random.default_rng(seed)
    profiles = [_profile(rng, width, power) for width, power in zip(network.widths[1:-1], network.powers)]
    if not uniform:
        layer = draw(st.sampled_from([l for l, power in enumerate(network.powers) if power >= 2]))
        profiles[layer] = _uneven(rng, network.widths[layer + 1])
    try:
        point = reduced_point(network, instance.problem.X, instance.ncf.ybar, seed)
    except Inapplicable:
        return _extended(instance, seed)
    start = structured_point(network, point.u, point.signs, profiles)
    return _extended(instance, seed, start=start, u=point.u, signs=point.signs, profiles=tuple(profiles))


def _extended(instance: Instance, seed: int, **changes) -> RankOneInstance:
    values = {each.name: getattr(instance, each.name) for each in fields(Instance)}
    families = {**instance.families, "start": "structured"}
    return RankOneInstance(**{**values, "families": families, "seeds": (*instance.seeds, seed), **changes})


def _profile(rng, width: int, power: int) -> np.ndarray:
    """A unit vector ≥ 0 on a random support: uniform there for p ≥ 2, free for p = 1."""
    profile = np.zeros(width)
    active = rng.permutation(width)[: rng.integers(1, width + 1)]
    profile[active] = 1.0 if power >= 2 else rng.uniform(0.1, 1.0, active.size)
    return profile / np.linalg.norm(profile)


def _uneven(rng, width: int) -> np.ndarray:
    """A unit vector > 0 whose first entry is between a half and a tenth of the others."""
    profile = np.ones(width)
    profile[0] = rng.uniform(0.1, 0.5)
    return profile / np.linalg.norm(profile)


@st.composite
def _two_direction_points(draw, data) -> RankOneInstance:
    """KKT points of two-layer networks, p ≥ 2, with two neurons on different directions; `u` is None where none was found."""
    powers = st.integers(2, 6).map(lambda power: (power,))
    instance = draw(instances(starts=("gaussian",), only_dense=True, outputs=(1,), powers=powers, narrowest=2).strategy(data))
    seed = draw(st.integers(0, 2**31))
    try:
        start = two_direction_point(instance.network, instance.problem.X, instance.ncf.ybar, seed)
    except Inapplicable:
        return _extended(instance, seed)
    return _extended(instance, seed, start=start, u=start)


rank_one_points = given(_rank_one_points)
two_direction_points = given(_two_direction_points)
