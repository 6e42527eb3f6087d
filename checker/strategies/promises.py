"""What strategies of points promise besides their options: functions raise Inapplicable for
instances theirs could not draw.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.families import ROUNDING
from ncfcheck.strategies.options import plain, require
from ncfcheck.theory.rank_one.points import balanced_norms, is_two_sided, mixed_layers
from ncfcheck.theory.rank_one.reduced_points import balancing_slopes

__all__ = ["BARE", "plain", "require"]

# Options of networks that points are built or found on.
BARE = {"only_dense": True, "outputs": (1,), "lipschitz": False}


def structured(instance, fewest: int = 1, **options) -> None:
    """Sign-coherent structured points of dense networks of one output."""
    bare(instance, **options)
    for profile in instance.profiles:
        require(bool((profile >= 0).all()), "every e_l ≥ 0")
        require(np.count_nonzero(profile) >= min(fewest, profile.size), f"{fewest} active neurons")


def bare(instance, **options) -> None:
    """Dense networks of one output, with a point found on them."""
    require(instance.u is not None, "a KKT point of the reduced problem")
    plain(instance, **BARE | options)


def spoilt(instance, kinds=None, sizes=None, **options) -> None:
    """Structured points, sign-coherent, spoilt in one of the ways `kinds`, no more than the largest
    of `sizes`; how far a direction is off is not known.
    """
    structured(instance, **options)
    how = instance.families.get("spoilt", "").split()[:1]
    require(kinds is None or how in [[kind] for kind in kinds], f"spoilt by {kinds}")
    network = instance.network
    curved = zip(instance.profiles, network.powers)
    spread = [_spread(profile) for profile, power in curved if power >= 2]
    spread.append(_spread(instance.norms / balanced_norms(network)))
    within = sizes is None or max(spread) <= max(sizes) + ROUNDING
    require(within, f"spoilt by a relative size of {sizes}")


def _spread(entries: np.ndarray) -> float:
    """By how much of their middle nonzero entries are above and below it."""
    least, most = (reach(entries[entries != 0]) for reach in (np.min, np.max))
    return float((most - least) / (most + least))


def signless(instance, **options) -> None:
    """Structured points but for the signs of some entries of one e_l."""
    bare(instance, **options)
    require(mixed_profiles(instance).count(True) == 1, "both signs in one e_l")


def mixed(instance, one_sided: bool = True, **options) -> None:
    """Entries P and −Q in one e_l, of a layer whose inputs have one sign, or both."""
    signless(instance, **options)
    layer, network = mixed_profiles(instance).index(True), instance.network
    require(network.powers[layer] >= 2 and network.slopes[layer] != 0, "p_l ≥ 2 and α_l ≠ 0 there")
    X, u = instance.problem.X, instance.u
    as_asked = (
        layer in mixed_layers(network, X, u)
        if one_sided
        else is_two_sided(network, X, u, instance.signs, layer)
    )
    require(as_asked, "the signs of that layer's inputs")


def mixed_profiles(instance) -> list[bool]:
    """For every e_l, whether it has entries of both signs."""
    return [bool((each < 0).any() and (each > 0).any()) for each in instance.profiles]


def masked(instance, **options) -> None:
    """Structured points where one hidden layer lacks some of its weights."""
    require(instance.u is not None, "a KKT point of the reduced problem")
    plain(instance, **BARE | {"only_dense": False, "shared": False} | options)
    dense = [each.is_dense for each in instance.network.patterns]
    require(dense.count(False) == 1, "one layer that lacks weights")


def kinks(instance, inside: bool = True, **options) -> None:
    """All p_l = 1, one slope ≠ 1, samples on kinks, balancing slopes inside [α, 1], or above 1."""
    structured(instance, **options)
    network, ncf = instance.network, instance.ncf
    one_kink = sum(slope != 1 for slope in network.slopes) == 1
    require(set(network.powers) == {1} and one_kink, "p_l = 1, one α ≠ 1")
    slopes = balancing_slopes(network, ncf.X, ncf.ybar[:, 0], instance.u, instance.signs)
    lowest, highest = (min(network.slopes), 1.0) if inside else (1.0, np.inf)
    within = bool(((lowest < slopes) & (slopes < highest)).all())
    require(slopes.size > 0 and within, "slopes that balance the gradient")
