"""Families of arrays by name: how one is drawn, what it promises, and how others are made so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ncfcheck.core.claims import Inapplicable

Array = np.ndarray
ROUNDING = 1e-12  # relative: what is equal to this is as the family promises it


def anything(values: Array, *context) -> bool:
    """What a family whose draws may be any numbers promises: nothing."""
    return True


@dataclass(frozen=True)
class Family:
    """Arrays of one kind; calling it draws one.

    `holds(values, *context)` tells whether an array is one that could be drawn, and
    `project(values, *context)` returns one near it that is; without `project` others are turned
    down. `generic`: draws are of no special form, such as zero or equal entries.
    """

    draw: Callable[..., Array]
    holds: Callable[..., bool] = anything
    project: Callable[..., Array] | None = None
    generic: bool = False

    def __call__(self, *arguments) -> Array:
        return self.draw(*arguments)

    @property
    def promise(self) -> str:
        """What is drawn, in words."""
        return " ".join((self.draw.__doc__ or "").split()).rstrip(".")


def kept(families: Mapping[str, Family], names: Iterable[str], values: Array, *context) -> Array:
    """The same values where one of the families could draw them, or else the nearest projection.

    Raises Inapplicable where there is none.
    """
    chosen = [families[name] for name in names]
    with np.errstate(all="ignore"):
        if any(each.holds(values, *context) for each in chosen):
            return values
        found = [near for each in chosen for near in _projected(each, values, *context)]
    if not found:
        words = "; or ".join(each.promise for each in chosen)
        raise Inapplicable(f"the strategy promises otherwise: {words}")
    return min(found, key=lambda near: float(np.linalg.norm(near - values)))


def _projected(family: Family, values: Array, *context) -> Iterator[Array]:
    """The projection, if there is one."""
    if family.project is None:
        return
    try:
        found = family.project(values, *context)
    except Inapplicable:
        return
    if family.holds(found, *context):
        yield found
