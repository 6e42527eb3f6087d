"""Polynomials in τ ∈ [0, 1] up to a bounded error, in integers; standard library only."""

from itertools import zip_longest
from math import comb

from .numbers import Ball, Number, ball, limits, need, power

NEWTON = 8  # steps to a reciprocal, of errors that are squared in each


class Poly(Number):
    """Functions within r of Σ c_k τ^k for all τ ∈ [0, 1]; c, r integers times 2^-`limits.bits`."""

    __slots__ = ("c", "r")

    def __init__(self, c, r=0):
        self.c, self.r = c, r

    def __add__(self, other):
        other = poly(other)
        return Poly([a + b for a, b in zip_longest(self.c, other.c, fillvalue=0)], self.r + other.r)

    def __neg__(self):
        return Poly([-a for a in self.c], self.r)

    def __mul__(self, other):
        """The product, cut to as many coefficients as the longer factor has."""
        need(True, "")
        other, bits = poly(other), limits.bits
        a, b, length = self.c, other.c, max(len(self.c), len(other.c))
        full = [0] * (len(a) + len(b) - 1)
        for i, x in enumerate(a):
            for j, y in enumerate(b, i):
                full[j] += x * y
        cut, size, other_size = (sum(map(abs, each)) for each in (full[length:], a, b))
        left_out = cut + size * other.r + other_size * self.r + self.r * other.r
        return Poly([x >> bits for x in full[:length]], (left_out >> bits) + 1 + length)

    __radd__, __rmul__ = __add__, __mul__

    def __gt__(self, other):
        return (self - other).range.lo > 0

    def __lt__(self, other):
        return (self - other).range.hi < 0

    @property
    def derivative(self):
        """The derivative of a polynomial proper."""
        need(self.r == 0, "a function without a derivative")
        return Poly([k * a for k, a in enumerate(self.c)][1:] or [0])

    @property
    def bound(self):
        """An upper bound of the absolute value."""
        return Ball(sum(map(abs, self.c)) + self.r, None, -limits.bits)

    @property
    def range(self):
        """All values, by the coefficients in Bernstein's basis."""
        n = len(self.c) - 1
        values = [
            sum(a * comb(j, k) // comb(n, k) for k, a in enumerate(self.c[: j + 1]))
            for j in range(n + 1)
        ]
        return Ball(min(values) - self.r, max(values) + n + 1 + self.r, -limits.bits)

    def reciprocal(self):
        """1/x of positive functions: r with |1 − x·r| ≤ e ≤ ½, and so within 2e·r."""
        values = self.range
        need(values.lo > 0, "division by what may be 0")
        out = poly(Ball(2) / (Ball(values.lo, None, values.e) + values.upper))
        for _ in range(NEWTON):
            out = out * (2 - self * out)
        off = abs((1 - self * out).range).upper
        need(off < Ball(1, None, -1), "a step too long for a division")
        return out * (1 + 2 * off * Ball(-1, 1))

    def at(self, tau):
        """The values over an interval of τ."""
        out = Ball(0)
        for a in reversed(self.c):
            out = out * tau + Ball(a, None, -limits.bits)
        return out + Ball(-self.r, self.r, -limits.bits)

    def part(self, a, b):
        """The same functions between τ = a and τ = b, with τ running from 0 to 1 again."""
        if (a, b) == (0, 1):
            return self
        first, length, out = poly(a), poly(b - a), Poly([0] * len(self.c))
        line = Poly([first.c[0], length.c[0]], first.r + length.r)
        for each in reversed(self.c):
            out = out * line + Poly([each])
        return Poly(out.c, out.r + self.r)

    def bend(self, q, plus, minus):
        """σ and σ'; where the sign changes, those of one side, and what the other may differ by."""
        values, gap = self.range, abs(plus - minus)
        need(q > 1 or gap.hi == 0, "∇N jumps at a kink of p = 1")
        below, above = max(-values.lo, 0), max(values.hi, 0)
        law, beyond = (plus, below) if below <= above else (minus, above)
        beyond = Ball(0, beyond, values.e)
        wide = [gap * size * Ball(-1, 1) for size in (power(beyond, q), power(beyond, q - 1) * q)]
        lower = poly(law)
        for _ in range(q - 1):
            lower = lower * self
        return lower * self + wide[0], lower * q + wide[1]


def poly(value):
    """A constant as a polynomial: an interval as its middle and half its width."""
    if isinstance(value, Poly):
        return value
    value = ball(value)
    shift = value.e + limits.bits
    left, right = max(shift, 0), max(-shift, 0)
    low, high = value.lo << left >> right, -(-value.hi << left >> right)
    middle = (low + high) >> 1
    return Poly([middle], high - middle)
