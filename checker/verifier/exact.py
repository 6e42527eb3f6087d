"""Numbers that criteria of the user's reckon with: what intervals do not prove is never answered;
standard library only.
"""

import math
from fractions import Fraction
from operator import index

from .numbers import Ball, Rejected, ball, need, power

HIGHEST = 1000  # power that a number is raised to


class Undecided(Rejected):
    """Intervals do not tell which of two numbers is larger."""


class Unanswerable(Rejected, TypeError):
    """Intervals never tell whether numbers are equal."""


class Exact:
    """An exact number known to lie in an interval: + − × ÷ with numbers of any kind, whole powers,
    abs, and comparisons.

    `a > b` and its like are True or False where the intervals prove it, and raise Undecided
    otherwise. There is no ==, which they never prove, and no float of it.
    """

    __slots__ = ("_within",)
    __hash__ = None

    def __init__(self, within):
        object.__setattr__(self, "_within", within)

    def __setattr__(self, name, value):
        raise AttributeError("exact numbers do not change")

    def __add__(self, other):
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other):
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other):
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other):
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other):
        return self._with(other, lambda a, b: b / a)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return Exact(-self._within)

    def __pos__(self):
        return self

    def __abs__(self):
        return Exact(abs(self._within))

    def __pow__(self, exponent):
        if not isinstance(exponent, int) or not 0 <= exponent <= HIGHEST:
            return NotImplemented
        half = power(self._within, exponent // 2)
        square = half * half  # not below 0, whatever the interval
        square = Ball(max(square.lo, 0), max(square.hi, 0), square.e)
        return Exact(square * self._within if exponent % 2 else square)

    def __gt__(self, other):
        return self._with(other, lambda a, b: _decided(a - b, strict=True))

    def __lt__(self, other):
        return self._with(other, lambda a, b: _decided(b - a, strict=True))

    def __ge__(self, other):
        return self._with(other, lambda a, b: _decided(a - b, strict=False))

    def __le__(self, other):
        return self._with(other, lambda a, b: _decided(b - a, strict=False))

    def __eq__(self, other):
        raise Unanswerable("exact numbers are not compared by == or !=: intervals never prove it")

    def __bool__(self):
        raise Unanswerable("an exact number is no condition: compare it, as in `number > 0`")

    def __repr__(self):
        middle, radius = float(self._within), float(_radius(self._within))
        return f"{middle:.6g} ± {radius:.0e}"

    def _with(self, other, operation):
        need(True, "")  # the clock
        found = interval(other)
        if found is None:
            return NotImplemented
        result = operation(self._within, found)
        return result if isinstance(result, bool) else Exact(result)


def interval(value):
    """The interval of a number that an exact one can be reckoned with; None for anything else."""
    if isinstance(value, Exact):
        return value._within
    if isinstance(value, Fraction) or (isinstance(value, float) and math.isfinite(value)):
        return ball(value)
    try:
        return ball(index(value))
    except TypeError:
        return None


def is_positive(value):
    """Whether an exact number is proved to be above 0."""
    return value._within.lo > 0


def descending(values):
    """The largest of the numbers, the second largest, …: as exact as these are, ties or not."""
    within = [interval(each) for each in values]
    if None in within:
        raise TypeError("descending(…) takes exact numbers")
    lows = sorted((Ball(each.lo, None, each.e) for each in within), key=_sortable, reverse=True)
    highs = sorted((Ball(each.hi, None, each.e) for each in within), key=_sortable, reverse=True)
    return [Exact(low.hull(high)) for low, high in zip(lows, highs)]


def _sortable(end):
    return Fraction(end.lo) * Fraction(2) ** end.e


def _radius(within):
    return Ball(within.hi - within.lo, None, within.e - 1)


def _decided(difference, strict):
    """Whether a difference is > 0, or ≥ 0. Raises Undecided where its interval does not tell."""
    above = difference.lo > 0 if strict else difference.lo >= 0
    below = difference.hi <= 0 if strict else difference.hi < 0
    if not above and not below:
        raise Undecided("two numbers are too near to each other to be compared")
    return above
