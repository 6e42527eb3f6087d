"""How complicated an instance is: a key, less for what is easier to read, important parts first."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.rendering import common_scale, number
from ncfcheck.strategies.found import FoundInstance
from ncfcheck.strategies.models import is_layered
from ncfcheck.strategies.moves import arrays
from ncfcheck.theory.rank_one.points import RankOneInstance, balanced_norms

Array = np.ndarray
SLOPES = (0.0, 1.0, 0.5, -1.0, -0.5, 0.1)  # simplest first
SHARES = (0.5, 0.1, 0.01)
DIRECTIONS = ("start", "u", "norms")  # arrays that count up to their length, as do e_1, e_2, …


def size(instance: Instance) -> tuple[int, ...]:
    """Layers, hidden neurons, samples, dimensions, outputs, layers that are not dense, D, Σ p_l; of
    a model that has no layers, the sum of its sizes in place of the first two, and its weights.
    """
    network, (n, d) = instance.network, instance.problem.X.shape
    if not is_layered(network):
        return (sum(network.sizes.values()), n, d, network.width, network.size)
    structured = sum(not pattern.is_dense for pattern in network.patterns)
    return (
        *(network.depth, sum(network.widths[1:-1]), n, d, network.widths[-1]),
        *(structured, network.order, sum(network.powers)),
    )


def key(instance: Instance) -> tuple:
    """Sizes first, then the loss, slopes, numbers, share and seeds."""
    network, problem = instance.network, instance.problem
    total = sum(_weight(name, values, instance) for name, values in numbers(instance).items())
    return (
        *size(instance),
        [*Loss, problem.loss].index(problem.loss),
        sum(map(_slope, network.slopes)) if is_layered(network) else 0.0,
        round(total, 6),
        SHARES.index(instance.fraction) if instance.fraction in SHARES else 99,
        (len(instance.seeds), sum(instance.seeds)),
    )


def numbers(instance: Instance) -> dict[str, Array]:
    """The arrays that a reader has to look at: not those that derive from others."""
    found = arrays(instance)
    found.pop("slopes", None)
    if isinstance(instance, RankOneInstance | FoundInstance):
        del found["start"]
    if "norms" in found and np.array_equal(found["norms"], balanced_norms(instance.network)):
        del found["norms"]
    return found


def is_direction(name: str) -> bool:
    """Whether the array of this name counts up to its length."""
    return name in DIRECTIONS or name.startswith("e_")


def _slope(alpha: float) -> float:
    return SLOPES.index(alpha) if alpha in SLOPES else 10 + abs(alpha)


def _weight(name: str, values: Array, instance: Instance) -> float:
    """Weight of the numbers, plus ½ for each size among them; 50 for data or labels all zero."""
    if is_direction(name):
        scale = common_scale(values)
        values = np.rint(values * scale) if scale != 1.0 else values
    total = sum(weight(float(each)) for each in values.flat) + 0.5 * len(np.unique(np.abs(values)))
    return total + 50.0 * (name in ("X", "y") and not values.any())


@lru_cache(maxsize=4096)
def weight(value: float) -> float:
    """0 for 0, 1 for 1, 2 for −1, then integers, fractions up to /12, roots, decimals by digits."""
    if value == int(value):
        return 2 * abs(value) - (value > 0) if abs(value) <= 10 else 20 + abs(value) / 10
    simple = Fraction(value).limit_denominator(12)
    if float(simple) == value:
        return 20 + 2 * simple.denominator + abs(simple.numerator) + (value < 0)
    if number(value).startswith(("√", "-√")):
        return 60 + (value < 0)
    for digits in (1, 2, 3):
        if value == round(value, digits):
            return 100 * digits + abs(value)
    return 1000.0
