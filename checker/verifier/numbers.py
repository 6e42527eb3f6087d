"""Integer interval arithmetic and first derivatives; standard library only."""

import math
from fractions import Fraction
from time import monotonic
from types import SimpleNamespace


class Rejected(Exception):
    """The certificate proves nothing; the message says where it fails.

    All are kept in `limits.heard` while that is a list: whoever catches them does not undo them.
    """

    def __init__(self, *reason):
        super().__init__(*reason)
        if limits.heard is not None:
            limits.heard.append(self)


def need(condition, reason):
    """Raise Rejected with the reason unless the condition is True, or when the time is up."""
    if condition is not True:
        raise Rejected(reason)
    if monotonic() > limits.deadline:
        raise Rejected("time is up")


# Bits that intervals are rounded to, the time at which to give up, and what was rejected while a
# criterion of the user's runs, None while none does.
limits = SimpleNamespace(bits=192, deadline=math.inf, heard=None)


class Number:
    """What can be added, negated, multiplied: intervals, duals, curves with their own `bend`."""

    __slots__ = ()

    def __sub__(self, other):
        return self + -ball(other)

    def __rsub__(self, other):
        return ball(other) + -self


class Ball(Number):
    """The interval [lo·2^e, hi·2^e], rounded outwards to `limits.bits` bits."""

    __slots__ = ("e", "hi", "lo")

    def __init__(self, lo, hi=None, e=0):
        hi = lo if hi is None else hi
        cut = max(abs(lo), abs(hi)).bit_length() - limits.bits
        if cut > 0:
            lo, hi, e = lo >> cut, -(-hi >> cut), e + cut
        self.lo, self.hi, self.e = lo, hi, e
        if monotonic() > limits.deadline:  # here, as every loop makes intervals
            raise Rejected("time is up")

    def _aligned(self, other):
        e = min(self.e, other.e)
        a, b = self.e - e, other.e - e
        return self.lo << a, self.hi << a, other.lo << b, other.hi << b, e

    def __add__(self, other):
        other = ball(other)
        if not isinstance(other, Ball):
            return other + self
        a, b, c, d, e = self._aligned(other)
        return Ball(a + c, b + d, e)

    def __neg__(self):
        return Ball(-self.hi, -self.lo, self.e)

    def __mul__(self, other):
        other = ball(other)
        if not isinstance(other, Ball):
            return other * self
        ends = self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi
        return Ball(min(ends), max(ends), self.e + other.e)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other):
        other = ball(other)
        if other.hi < 0:
            return -self / -other
        need(other.lo > 0, "division by an interval that contains 0")
        m = limits.bits + other.hi.bit_length()
        return self * Ball((1 << m) // other.hi, -(-(1 << m) // other.lo), -m - other.e)

    def __gt__(self, other):
        return (self - other).lo > 0

    def __lt__(self, other):
        return (self - other).hi < 0

    def __abs__(self):
        if self.lo >= 0:
            return self
        return -self if self.hi <= 0 else Ball(0, max(-self.lo, self.hi), self.e)

    def root(self, k):
        need(self.lo >= 0, "a root of an interval that is not positive")
        s = k * limits.bits + (self.e - k * limits.bits) % k
        return Ball(_root(self.lo << s, k), _root(self.hi << s, k) + 1, (self.e - s) // k)

    def hull(self, other):
        a, b, c, d, e = self._aligned(other)
        return Ball(min(a, c), max(b, d), e)

    def __float__(self):
        cut = max(abs(self.lo + self.hi).bit_length() - 64, 0)
        return math.ldexp((self.lo + self.hi) >> cut, self.e - 1 + cut)

    nonzero = property(lambda self: self.lo > 0 or self.hi < 0)
    upper = property(lambda self: Ball(self.hi, None, self.e))


def _root(n, k):
    """The largest r with r^k ≤ n."""
    if n == 0 or k == 1:
        return n
    r = 1 << -(-n.bit_length() // k)
    while (s := ((k - 1) * r + n // r ** (k - 1)) // k) < r:
        r = s
    return r


def ball(value):
    if isinstance(value, Number):
        return value
    if isinstance(value, int):
        return Ball(value)
    value = Fraction(value)
    if value.denominator & (value.denominator - 1):
        return Ball(value.numerator) / Ball(value.denominator)
    return Ball(value.numerator, None, 1 - value.denominator.bit_length())


class Dual(Number):
    """A value v and its derivatives t, {number of the direction: Ball}; those left out are 0."""

    __slots__ = ("t", "v")

    def __init__(self, v, t):
        self.v, self.t = v, t

    def __add__(self, other):
        if not isinstance(other, Dual):
            return Dual(self.v + other, self.t)
        return Dual(self.v + other.v, _merged(self.t, other.t))

    def __mul__(self, other):
        if not isinstance(other, Dual):
            return Dual(self.v * other, {k: a * other for k, a in self.t.items()})
        v, w = self.v, other.v
        return Dual(
            v * w,
            _merged({k: a * w for k, a in self.t.items()}, {k: a * v for k, a in other.t.items()}),
        )

    def __neg__(self):
        return Dual(-self.v, {k: -a for k, a in self.t.items()})

    __radd__, __rmul__ = __add__, __mul__


def _merged(a, b):
    return a | {k: a[k] + t if k in a else t for k, t in b.items()}


def dot(a, b):
    """Σ a_i b_i."""
    pairs = [(ball(x), ball(y)) for x, y in zip(a, b)]
    kinds = {type(each) for pair in pairs for each in pair}
    if kinds <= {Ball}:
        return _dot(pairs)
    if not kinds <= {Ball, Dual}:
        return sum((x * y for x, y in pairs), Ball(0))
    values, moved = [], {}
    for x, y in pairs:
        v, w = getattr(x, "v", x), getattr(y, "v", y)
        values.append((v, w))
        for one, other in ((x, w), (y, v)):
            for k, t in getattr(one, "t", {}).items():
                moved.setdefault(k, []).append((t, other))
    return Dual(_dot(values), {k: _dot(each) for k, each in moved.items()})


def _dot(pairs):
    """Σ x·y of intervals, rounded once."""
    low = high = e = 0
    for x, y in pairs:
        a, b, c, d = x.lo, x.hi, y.lo, y.hi
        if a == b == 0 or c == d == 0:
            continue
        ends = (a * c, b * d) if a >= 0 <= c else (a * c, a * d, b * c, b * d)
        shift = x.e + y.e - e
        if shift < 0:
            low, high, e, shift = low << -shift, high << -shift, e + shift, 0
        low, high = low + (min(ends) << shift), high + (max(ends) << shift)
    return Ball(low, high, e)


def power(z, k):
    return math.prod([z] * k, start=Ball(1))


def bend(z, q, plus, minus):
    """σ, σ' of z: plus·z^q above 0, minus·z^q below; hulls with all slopes between where either."""
    if not isinstance(z, Ball | Dual):
        return z.bend(q, plus, minus)
    v, moves = (z.v, z.t) if isinstance(z, Dual) else (z, {})
    parts = [(plus, Ball(max(v.lo, 0), max(v.hi, 0), v.e))] * (v.hi > 0 or v.lo == 0 == v.hi)
    parts += [(minus, Ball(min(v.lo, 0), min(v.hi, 0), v.e))] * (v.lo < 0 or v.lo == 0 == v.hi)
    found = [[c * math.perm(q, k) * power(b, max(q - k, 0)) for c, b in parts] for k in range(3)]
    value, first, second = (each[0] if len(each) == 1 else each[0].hull(each[1]) for each in found)
    if not isinstance(z, Dual):
        return value, first
    moved = {k: t for k, t in moves.items() if t.lo or t.hi}
    straight = plus.lo == plus.hi == minus.lo == minus.hi and plus.e == minus.e
    need(
        len(parts) == 1 or q > 1 or straight or not moved,
        "∇N jumps at a kink that the box may touch",
    )
    rates, bends = ({k: slope * t for k, t in moved.items()} for slope in (first, second))
    return Dual(value, rates), Dual(first, bends)
