"""Computed numbers with bounds on their errors, which arithmetic carries along."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ncfcheck.core.claims import Margin
from ncfcheck.core.tolerances import EPS


@dataclass(frozen=True)
class Bounded:
    """A computed number, and a bound on how far the exact one is from it.

    A quotient by what may be zero has an infinite error: its margin is unresolved.
    """

    value: float
    error: float = 0.0

    @property
    def is_positive(self) -> bool:
        """Whether the exact number is above 0 for sure."""
        return self.value > self.error

    @property
    def size(self) -> float:
        """The largest that the exact number may be, in absolute value."""
        return abs(self.value) + self.error

    @property
    def most(self) -> float:
        """The largest that the exact number may be."""
        return self.value + self.error

    def __add__(self, other: Bounded | float) -> Bounded:
        other = _bounded(other)
        return _rounded(self.value + other.value, self.error + other.error)

    def __mul__(self, other: Bounded | float) -> Bounded:
        other = _bounded(other)
        error = self.size * other.error + abs(other.value) * self.error
        return _rounded(self.value * other.value, error)

    def __truediv__(self, other: Bounded | float) -> Bounded:
        other = _bounded(other)
        least = abs(other.value) - other.error
        if not least > 0:
            return Bounded(math.nan, math.inf)
        value = self.value / other.value
        return _rounded(value, (self.error + abs(value) * other.error) / least)

    def __neg__(self) -> Bounded:
        return Bounded(-self.value, self.error)

    def __abs__(self) -> Bounded:
        return Bounded(abs(self.value), self.error)

    def __sub__(self, other: Bounded | float) -> Bounded:
        return self + -_bounded(other)

    def __rsub__(self, other: float) -> Bounded:
        return -self + other

    def __rtruediv__(self, other: float) -> Bounded:
        return _bounded(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def margin(self, note: str = "") -> Margin:
        """The margin of "the number is above 0"."""
        return Margin(self.value, self.error, note)


def _bounded(number: Bounded | float) -> Bounded:
    return number if isinstance(number, Bounded) else Bounded(float(number))


def _rounded(value: float, error: float) -> Bounded:
    return Bounded(float(value), float(error + EPS * abs(value)))
