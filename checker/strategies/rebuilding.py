"""What derives from an instance's problem, computed again after a move, near what it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.model.instance import Instance
from ncfcheck.strategies.promises import mixed_profiles
from ncfcheck.theory.rank_one.points import (
    RankOneInstance,
    ReducedPoint,
    balanced_norms,
    mixed_point,
    structured_point,
)
from ncfcheck.theory.rank_one.reduced_points import kinked_point, nearest_reduced_point
from ncfcheck.theory.starts import unit


def same(instance: Instance) -> Instance:
    """Nothing derives from the problem."""
    return instance


def nearest(instance: RankOneInstance) -> ReducedPoint:
    """A reduced KKT point near the instance's u."""
    old, ncf = _old_point(instance), instance.ncf
    return nearest_reduced_point(instance.network, ncf.X, ncf.ybar, old, instance.seeds[-1])


def _old_point(instance: RankOneInstance) -> ReducedPoint:
    """The instance's u and signs; Inapplicable where u does not fit the network."""
    if instance.u is None or instance.u.size != instance.network.widths[0]:
        raise Inapplicable("no point to start from")
    return ReducedPoint(instance.u, instance.signs)


def uniform(instance: RankOneInstance) -> list[np.ndarray]:
    """The profiles, uniform on their support where p_l ≥ 2, with their signs."""
    return [
        unit(np.sign(e)) if power >= 2 else e
        for e, power in zip(instance.profiles, instance.network.powers)
    ]


def placed(instance: RankOneInstance, point: ReducedPoint, profiles, norms=None) -> RankOneInstance:
    """The instance at the structured point of a reduced KKT point."""
    norms = balanced_norms(instance.network) if norms is None else norms
    network = instance.network
    start = structured_point(network, point.u, point.signs, profiles, norms)
    if not all(pattern.is_dense for pattern in network.patterns):
        start = unit(start)  # where a layer lacks weights less is left of the point
    return replace(
        instance, start=start, u=point.u, signs=point.signs, profiles=tuple(profiles), norms=norms
    )


def structured(instance: RankOneInstance) -> RankOneInstance:
    """A structured point again, on a reduced KKT point near the old one."""
    return placed(instance, nearest(instance), uniform(instance))


def signless(instance: RankOneInstance) -> RankOneInstance:
    """The same where some e_l has both signs, which is looked at before the search for u."""
    if True not in mixed_profiles(instance):
        raise Inapplicable("no e_l has both signs")
    return structured(instance)


def spoilt(instance: RankOneInstance) -> RankOneInstance:
    """A structured point again, with the profile, layer norms or direction it was spoilt by."""
    kind = instance.families.get("spoilt", "").split()[:1]
    if kind == ["direction"]:
        return placed(instance, ReducedPoint(instance.u, instance.signs), uniform(instance))
    if kind == ["norms"]:
        if not (instance.norms > 0).all():
            raise Inapplicable("a layer is zero")
        return placed(instance, nearest(instance), uniform(instance), instance.norms)
    return placed(instance, nearest(instance), instance.profiles)


def mixed(instance: RankOneInstance) -> RankOneInstance:
    """Entries P and −Q again in the layer that mixed them."""
    if True not in mixed_profiles(instance):
        raise Inapplicable("no e_l has both signs")
    layer, profiles = mixed_profiles(instance).index(True), uniform(instance)
    point = nearest(instance)
    negative, positive = profiles[layer] < 0, [np.abs(each) for each in profiles]
    if instance.network.powers[layer] < 2 or instance.network.slopes[layer] == 0:
        raise Inapplicable("signs mix where p_l ≥ 2 and α_l ≠ 0")
    start = mixed_point(instance.network, instance.problem.X, point, positive, layer, negative)
    return replace(instance, start=start, u=point.u, signs=point.signs, profiles=tuple(profiles))


def masked(instance: RankOneInstance) -> RankOneInstance:
    """What is left of a structured point again."""
    if all(pattern.is_dense for pattern in instance.network.patterns):
        raise Inapplicable("no layer lacks weights")
    return structured(instance)


def kinks(instance: RankOneInstance) -> RankOneInstance:
    """A Clarke point of the reduced problem again, on the kinks of the same samples."""
    old, ncf = _old_point(instance), instance.ncf
    if set(instance.network.powers) != {1}:
        raise Inapplicable("no kink to stay on")
    point = kinked_point(instance.network, ncf.X, ncf.ybar[:, 0], old)
    return placed(instance, point, uniform(instance))
