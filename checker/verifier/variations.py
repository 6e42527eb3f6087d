"""The variational equation along the NCF flow, ė = ∇²N(u)e − Jᵀ(ℓ''(0)·H(X; u)), in tubes; standard
library only.

It is what the loss flow's right-hand side changes by where u moves by e and δ^D by 1. Along every
solution u it is linear: for a curve r, D⁺‖e − r‖ ≤ μ‖e − r‖ + ‖ṙ − ∇²N(u)r + Jᵀ(ℓ''(0)·H)‖, μ a
bound on the eigenvalues of ∇²N there.
"""

from fractions import Fraction
from functools import partial

from .networks import numbers
from .numbers import Ball, Number, ball, need
from .polynomials import poly
from .tubes import Enclosure


class Moved(Number):
    """A value v, and how it moves, t: both curves, or intervals."""

    __slots__ = ("t", "v")

    def __init__(self, v, t):
        self.v, self.t = v, t

    def __add__(self, other):
        v, t = parts(other)
        return Moved(self.v + v, self.t + t)

    def __neg__(self):
        return Moved(-self.v, -self.t)

    def __mul__(self, other):
        v, t = parts(other)
        return Moved(self.v * v, self.t * v + t * self.v)

    __radd__, __rmul__ = __add__, __mul__

    def bend(self, q, plus, minus):
        """σ and σ', and how they move: σ' is the law of q − 1 with q times the factors."""
        value, first = self.v.bend(q, plus, minus)
        return Moved(value, first * self.t), Moved(first, second(self.v, q, plus, minus) * self.t)


def parts(value):
    """The value and how it moves, 0 for what stays."""
    return (value.v, value.t) if isinstance(value, Moved) else (ball(value), Ball(0))


def second(z, q, plus, minus):
    """σ'' on a curve; where it jumps, at q = 2, all between both sides."""
    if q == 1:
        return Ball(0)
    if q > 2:
        return z.bend(q - 1, plus * q, minus * q)[1]
    values = z.range
    if values.lo >= 0 or values.hi <= 0:
        return (plus if values.lo >= 0 else minus) * 2
    return poly((plus * 2).hull(minus * 2))


class Variation(Enclosure):
    """What holds e from e(0) = 0 along every solution in a tube, step by step."""

    def __init__(self, case, tube, growths, curves):
        need(
            isinstance(curves, list) and len(curves) <= len(tube.steps),
            "not curves along the steps of a tube",
        )
        self.case, self.steps, self.end = case, [], Fraction(0)
        start, error = [Ball(0)] * case.net.size, Ball(0)
        for (time, duration, q, around), growth, curve in zip(tube.steps, growths, curves):
            rate = partial(self._rate, [each + around for each in q])
            r, farthest, (start, error) = self.follow(
                start, error, numbers(curve), ball(growth), ball(duration), rate
            )
            self.steps.append((time, duration, r, farthest * Ball(-1, 1)))
            self.end = time + duration

    def _rate(self, u, r):
        """∇²N(u)r − Jᵀ(ℓ''(0)·H): ȳ, which is −ℓ'(0), moves by −ℓ''(0)·H, ℓ''(0) = 1 or ¼."""
        net, X, bend = self.case.net, self.case.X, Ball(1, None, 0 if self.case.square else -2)
        theta = list(map(Moved, u, r))
        outputs = net.run(theta, X)[0]
        Y = [
            [Moved(y, -parts(z)[0] * bend) for y, z in zip(*rows)]
            for rows in zip(self.case.Y, outputs)
        ]
        return [parts(each)[1] for each in net.run(theta, X, Y)[2]]
