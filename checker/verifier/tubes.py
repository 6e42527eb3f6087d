"""Flows in tubes around polynomials, every step checked from what is given; standard library only.

Where ‖u − q‖ ≤ ρ, D⁺‖u − q‖ ≤ μ‖u − q‖ + ‖q̇ − f(q)‖ for u̇ = f(u), μ a bound on the eigenvalues of
the symmetric matrices Df within ρ of q; so that ‖u − q‖ stays below ρ if the bound that follows for
a whole step does.
"""

from fractions import Fraction

from .boxes import is_below, slopes
from .networks import number, numbers
from .numbers import Ball, Dual, ball, need, power
from .polynomials import Poly, poly

WEIGHTS, STEPS, LENGTH, PARTS, HALVINGS = 20, 500, 30, 5000, 60


class Field:
    """u̇ = J(X; u)ᵀ(−ℓ'(δ^D H(X; u), y)), Y the values of ȳ; δ = 0 stands for ∇N."""

    def __init__(self, case, Y, delta=0):
        self.net, self.X, self.Y, self.square = case.net, case.X, Y, case.square
        self.strength = power(ball(delta), case.net.order)
        need(case.net.size <= WEIGHTS, "too many weights")

    def __call__(self, u):
        Y = self.Y
        if self.strength.nonzero:
            outputs = self.net.run(u, self.X)[0]
            Y = [
                [self.descent(y, x * self.strength) for y, x in zip(*rows)]
                for rows in zip(Y, outputs)
            ]
        return self.net.run(u, self.X, Y)[2]

    def descent(self, y, x):
        """−ℓ'(x): ȳ − x, or ȳ − x/4 + x³/48 within |x|⁵/480; slope in [−¼, −¼ + x²/16]."""
        if self.square:
            return y - x
        if isinstance(x, Dual):
            curvature = Ball(1, None, -2) - Ball(0, 1) * x.v * x.v * Ball(1, None, -4)
            return Dual(self.descent(y, x.v), {k: -curvature * t for k, t in x.t.items()})
        size = x.bound if isinstance(x, Poly) else abs(x)
        left_out = power(size, 5) * ball(Fraction(1, 480)) * Ball(-1, 1)
        return y - x * Ball(1, None, -2) + x * x * x * ball(Fraction(1, 48)) + left_out

    def grows_at_most(self, growth, box):
        """Whether every eigenvalue of the symmetric matrices Df over the box is below growth."""
        return is_below(slopes(self, box), growth)


class Enclosure:
    """Curves in turn, what lies around them: steps (time, duration, curves, radius), to `end`."""

    @staticmethod
    def follow(start, error, curve, growth, h, rate):
        """Curves q of a step of length h; how far from them what starts within `error` of start may
        be then; the same of its end.

        The distance grows at most by `growth` times itself and by ‖q̇ − h·rate(q)‖.
        """
        need(2 <= len(curve) <= LENGTH, "not a step")
        need(all(len(row) == len(start) for row in curve), "a curve of other dimensions")
        q = [Poly([poly(a).c[0] for a in column]) for column in zip(*curve)]
        error = sum((abs(a - each.at(Ball(0))) for a, each in zip(start, q)), error)
        defect = sum(((each.derivative - f * h).bound for each, f in zip(q, rate(q))), Ball(0))
        stretch = growth * h
        need(stretch < 1, "a step too long for its growth")
        factor = 1 + stretch + stretch * stretch  # at least e^(growth·h)
        larger = factor.hull(Ball(1))
        end = [each.at(Ball(1)) for each in q], error * factor + defect * larger
        return q, (error + defect) * larger, end

    def at(self, time):
        """The box of all that is enclosed at a time."""
        return self.over(time, time)[0]

    def over(self, low, high):
        """Boxes for the parts of steps between two times."""
        return [
            [each.at(ball(a).hull(ball(b))) + around for each in q]
            for q, around, a, b in self.parts(low, high)
        ]

    def hull(self, low, high):
        """One box for all times between two."""
        first, *others = self.over(low, high)
        for other in others:
            first = [a.hull(b) for a, b in zip(first, other)]
        return first

    def parts(self, low, high):
        """(curve, radius, τ, τ'), the parts of steps between two times."""
        need(0 <= low <= high <= self.end, "times beyond the tube")
        found = []
        for start, duration, q, around in self.steps:
            a = max((low - start) / duration, Fraction(0))
            b = min((high - start) / duration, Fraction(1))
            if a <= b:
                found.append((q, around, a, b))
        return found


class Tube(Enclosure):
    """What holds every solution from within `error` of a start in intervals, step by step."""

    def __init__(self, field, start, steps, error=0):
        need(isinstance(steps, list) and 0 < len(steps) <= STEPS, "not a list of steps")
        self.steps, self.end, error = [], Fraction(0), ball(error)
        self.rests = all(g.lo == g.hi == 0 for g in field(start))  # for ever, then
        for each in steps:
            given = (number(each[name]) for name in ("duration", "growth", "radius"))
            start, error = self._step(field, start, error, *given, each["curve"])
        self.last = start, error  # all solutions end within `error` of this

    def _step(self, field, start, error, duration, growth, radius, curve):
        """Check a step of all solutions within `error` of start, and return the same of its end."""
        need(duration > 0 and radius > 0, "not a step")
        growth, radius = ball(growth), ball(radius)
        q, farthest, end = self.follow(start, error, numbers(curve), growth, ball(duration), field)
        around = radius * Ball(-1, 1)
        need(farthest < radius, "a solution may leave the tube")
        need(
            field.grows_at_most(growth, [each.range + around for each in q]),
            "the growth of errors is not proved",
        )
        self.steps.append((self.end, Fraction(duration), q, around))
        self.end += Fraction(duration)
        return end

    def everywhere(self, low, high, holds, reason):
        """Need a condition on curves, of all solutions between two times; halves steps for it."""
        waiting = [(part, 0) for part in self.parts(low, high)]
        for _ in range(PARTS):
            if not waiting:
                return
            (q, around, a, b), halvings = waiting.pop()
            if not holds([each.part(a, b) + around for each in q]):
                need(halvings < HALVINGS and a < b, reason)
                halves = (a, (a + b) / 2), ((a + b) / 2, b)
                waiting += [((q, around, *ends), halvings + 1) for ends in halves]
        need(False, reason)
