"""Power series in time of flows of fixed modes, in floats, through the verifier's own fields."""

from __future__ import annotations

import numpy as np

from ncfcheck.verifier.numbers import Ball, Number

ORDER = 14  # of the polynomials


class Series(Number):
    """Σ c_k t^k cut to as many coefficients as the longer of two; c (K,)."""

    def __init__(self, c: np.ndarray):
        self.c = c

    def __add__(self, other):
        a, b = self.c, _series(other).c
        if len(a) < len(b):
            a, b = b, a
        found = a.copy()
        found[: len(b)] += b
        return Series(found)

    def __neg__(self):
        return Series(-self.c)

    def __mul__(self, other):
        if isinstance(other, Ball):
            return Series(self.c * float(other))
        a, b = self.c, _series(other).c
        return Series(np.convolve(a, b)[: max(len(a), len(b))])

    __radd__, __rmul__ = __add__, __mul__

    def __gt__(self, other):
        return bool(self.c[0] > float(other))

    def __lt__(self, other):
        return bool(self.c[0] < float(other))

    def reciprocal(self):
        """1/x by its recursion."""
        c = self.c
        found = np.zeros(len(c))
        found[0] = 1 / c[0]
        for k in range(1, len(c)):
            found[k] = -(c[1 : k + 1] @ found[k - 1 :: -1][:k]) / c[0]
        return Series(found)

    def bend(self, q: int, plus: Ball, minus: Ball):
        """σ and σ' on the side where the series begins."""
        lower = Series(np.array([float(plus if self.c[0] >= 0 else minus)]))
        for _ in range(q - 1):
            lower = lower * self
        return lower * self, lower * q


def _series(value) -> Series:
    return value if isinstance(value, Series) else Series(np.array([float(value)]))


def coefficients(value, length: int = ORDER + 1) -> np.ndarray:
    """Those of a series, a number or an interval, (length,)."""
    c = _series(value).c[:length]
    return np.pad(c, (0, length - len(c)))


def taylor(field, start: np.ndarray, order: int = ORDER) -> np.ndarray:
    """u(t) = Σ c_k t^k from start (P,) for u̇ = field(u), (order + 1, P)."""
    c = np.zeros((order + 1, start.size))
    c[0] = start
    for k in range(order):
        rate = field([Series(column[: k + 1]) for column in c.T])
        c[k + 1] = [coefficients(each, k + 1)[k] / (k + 1) for each in rate]
    return c
