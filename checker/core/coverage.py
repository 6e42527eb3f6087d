"""Pairs of strata that instances lie in: architecture and data in classes that can be counted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations

PAIRED = ("model", "D", "p", "α", "data")
LINEAR, LEAKY, RELU, NEGATIVE = "linear", "0 < α < 1", "ReLU, α = 0", "α < 0"


def coarse(key: str, value: str) -> str:
    """Class of a value: the largest power for p, the least slope's sign for α, or else itself."""
    try:
        if key == "p":
            return str(max(map(int, value.split(","))))
        if key == "α":
            return _slope(min(map(float, value.split(","))))
    except ValueError:
        pass
    return value


def _slope(alpha: float) -> str:
    if alpha < 0:
        return NEGATIVE
    return RELU if alpha == 0 else LINEAR if alpha >= 1 else LEAKY


def pairs(coverage: Mapping[str, object]) -> list[tuple[str, str]]:
    """Pairs of strata of one instance: ("D × p", "3 × 2") …, for the keys of PAIRED it has."""
    return list(_pairs(tuple((key, str(coverage[key])) for key in PAIRED if key in coverage)))


@lru_cache(maxsize=4096)
def _pairs(values: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    classes = [(key, coarse(key, value)) for key, value in values]
    both = combinations(classes, 2)
    return tuple((f"{a} × {b}", f"{one} × {other}") for (a, one), (b, other) in both)
