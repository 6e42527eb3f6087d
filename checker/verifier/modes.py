"""Networks whose kinked units are each on a side of their kink, or slide along it; standard library
only.

A unit is (l, j, i): neuron j of a layer l with p_l = 1 and α_l < 1, on sample i. Of free units
σ' is 1 or α. Sliding units S of one layer, z_s = 0, have slopes θ_s with d/dt z_s = 0: with a = ∇N
for θ_s = 0, c_s = ∇z_s, and λ_s what flows back to s, ∂N is {a + Σ θ_s λ_s c_s}, α ≤ θ_s ≤ 1, and
solutions move at f = a + Σ y_s c_s, where ⟨c_s, f⟩ = 0 and y_s = θ_s λ_s (theory §11).
"""

from fractions import Fraction

from .boxes import is_below, slopes
from .numbers import Ball, Dual, ball, bend, dot, need
from .tubes import WEIGHTS

ABOVE, BELOW, SLIDING = 1, -1, 0


def is_nothing(x):
    """Whether a number is exactly 0, by construction."""
    return isinstance(x, Ball) and x.lo == x.hi == 0


def inner(a, b):
    """Σ a_i b_i, exactly 0 where every term is."""
    pairs = [(x, y) for x, y in zip(a, b) if not (is_nothing(x) or is_nothing(y))]
    return dot(*zip(*pairs)) if pairs else Ball(0)


def product(a, b):
    return inner([a], [b])


def reciprocal(x):
    """1/x of what is proved to be positive: an interval, one with derivatives, or curves."""
    if isinstance(x, Dual):
        v = reciprocal(x.v)
        return Dual(v, {k: -v * v * t for k, t in x.t.items()})
    need(x > 0, "normals of sliding units that may depend on each other")
    return Ball(1) / x if isinstance(x, Ball) else x.reciprocal()


def gram(normals):
    return [[inner(a, b) for b in normals] for a in normals]


def solve(G, right):
    """y with G y = right, G symmetric and proved to be positive definite."""
    rows = [[*row, b] for row, b in zip(G, right)]
    pivots, found = [], []
    for k, row in enumerate(rows):
        pivots.append(reciprocal(row[k]))
        for i in range(k + 1, len(rows)):
            factor = product(rows[i][k], pivots[k])
            rows[i] = [a - product(factor, b) for a, b in zip(rows[i], row)]
    for k in reversed(range(len(rows))):
        rest = rows[k][-1] - inner(rows[k][k + 1 : -1], found)
        found.insert(0, product(rest, pivots[k]))
    return found


class Kinked:
    """The units of a case, samples without labels left out; how a certificate lists their sides."""

    def __init__(self, case):
        self.net, self.powers = case.net, case.powers
        labelled = [i for i, row in enumerate(case.labels) if any(row)]
        self.X, self.Y = ([rows[i] for i in labelled] for rows in (case.X, case.Y))
        self.floats, self.start = [case.floats[i] for i in labelled], case.start
        laws = zip(case.powers, case.slopes)
        self.layers = [l for l, (p, alpha) in enumerate(laws) if p == 1 and alpha < 1]
        self.units = [
            (l, j, i)
            for l in self.layers
            for j in range(case.net.widths[l + 1])
            for i in range(len(labelled))
        ]
        need(self.units != [], "no kink of p = 1")
        need(case.net.size <= WEIGHTS, "too many weights")

    def at_kinks(self):
        """The units of the first layer whose z is exactly 0 at the start."""
        rows = [[Fraction(v) for v in row] for row in self.floats]
        weights = [Fraction(v) for v in self.start]
        found = set()
        for l, j, i in self.units:
            if l == 0:
                numbers = self.net.index[0][j]
                terms = (weights[k] * x for k, x in zip(numbers, rows[i]) if k >= 0)
                found |= {(l, j, i)} if sum(terms, Fraction(0)) == 0 else set()
        return found

    def sides(self, listed):
        """The side of every unit, from a certificate's list."""
        fits = isinstance(listed, list) and len(listed) == len(self.units)
        known = fits and all(type(each) is int and -1 <= each <= 1 for each in listed)
        need(known, "not a side of every unit")
        return dict(zip(self.units, listed))

    def slope(self, unit, side):
        """σ' on a side; 0 stands for that of sliding units, whose σ is 0."""
        return Ball(0) if side == SLIDING else self.net.laws[unit[0]][1 if side == ABOVE else 2]

    def any_slope(self, unit):
        """All slopes from α to 1."""
        return self.slope(unit, ABOVE).hull(self.slope(unit, BELOW))

    def field(self, sides, other=()):
        """The field where units are on these sides, some of them of other slopes."""
        sliding = [unit for unit in self.units if sides[unit] == SLIDING and unit not in other]
        each = {unit: self.slope(unit, side) for unit, side in sides.items()} | dict(other)
        return Field(self, each, sliding)


class Field:
    """u̇ where units in `slopes` have those and others slide; of intervals, curves and duals."""

    def __init__(self, kinked, slopes, sliding):
        need(len({l for l, _, _ in sliding}) < 2, "units of several layers slide at a time")
        self.kinked, self.slopes, self.sliding = kinked, slopes, sliding

    def at(self, u):
        return Point(self, u)

    def replaced(self, slopes):
        """The same with other slopes of some units."""
        return Field(self.kinked, self.slopes | slopes, self.sliding)

    def __call__(self, u):
        return self.at(u).rate

    def grows_at_most(self, growth, box):
        """Whether every eigenvalue of the symmetric parts of Df over the box is below growth."""
        return is_below(slopes(self, box), growth)


class Point:
    """A network at weights u: z, N, ∇N, what flows back to units, and the rate u̇."""

    def __init__(self, field, u):
        self.field, self.kinked, self.net = field, field.kinked, field.kinked.net
        self.W, self.u = self.net.matrices(u), u
        self.passed = [self._forward(i, x) for i, x in enumerate(self.kinked.X)]
        self.value, self.signals, terms = Ball(0), {}, {}
        for i, ((h, bent, _), y) in enumerate(zip(self.passed, self.kinked.Y)):
            self.value = self.value + inner(y, [inner(row, h[-1]) for row in self.W[-1]])
            for l, row in self._back(h, bent, self.net.depth - 1, y, terms):
                self.signals |= {(l, j, i): signal for j, signal in enumerate(row)}
        self.gradient = self._gathered(terms)
        self.normals = [self.normal(unit) for unit in field.sliding]
        self.pulls = self._pulls() if field.sliding else []
        self.rate = self.gradient
        if field.sliding:
            columns = zip(*self.normals)
            self.rate = [g + inner(self.pulls, each) for g, each in zip(self.gradient, columns)]

    def _forward(self, i, x):
        """Activations, slopes and pre-activations of a sample, layer by layer."""
        h, bent, z = [x], [], []
        for l, law in enumerate(self.net.laws):
            need(True, "")
            z.append([inner(row, h[-1]) for row in self.W[l]])
            if l in self.kinked.layers:
                bent.append([self.field.slopes[l, j, i] for j in range(len(z[l]))])
                h.append(list(map(product, bent[l], z[l])))
            else:
                found = [bend(each, *law) for each in z[l]]
                bent.append([slope for _, slope in found])
                h.append([value for value, _ in found])
        return h, bent, z

    def _back(self, h, bent, top, delta, terms):
        """Add to terms, by weight, what delta behind matrix `top` makes of it; for every layer
        below, what flows back to its units.
        """
        for l in reversed(range(top + 1)):
            for d, row in zip(delta, self.net.index[l]):
                for k, below in zip(row, h[l]):
                    if k >= 0 and not (is_nothing(d) or is_nothing(below)):
                        terms.setdefault(self.net.starts[l] + k, []).append((d, below))
            if l:
                back = [inner(column, delta) for column in zip(*self.W[l])]
                yield l - 1, back
                delta = list(map(product, bent[l - 1], back))

    def _gathered(self, terms):
        need(True, "")
        return [dot(*zip(*terms[k])) if k in terms else Ball(0) for k in range(self.net.size)]

    def normal(self, unit):
        """∇z of a unit."""
        (l, j, i), terms = unit, {}
        h, bent, z = self.passed[i]
        delta = [Ball(int(k == j)) for k in range(len(z[l]))]
        list(self._back(h, bent, l, delta, terms))
        return self._gathered(terms)

    def z(self, unit):
        l, j, i = unit
        return self.passed[i][2][l][j]

    def moves(self, unit):
        """ż of a unit."""
        return inner(self.normal(unit), self.rate)

    def _pulls(self):
        """y_s = θ_s λ_s of sliding units."""
        return solve(gram(self.normals), [-inner(each, self.gradient) for each in self.normals])

    def is_silent(self, unit):
        """Whether z is 0 all around, as all that the unit hears is."""
        l, _, i = unit
        heard = any(below < l and i == sample for below, _, sample in self.field.sliding)
        return is_nothing(self.z(unit)) and not heard

    def attract(self):
        """Whether θ_s lies inside (α, 1), and λ_s < 0: all solutions near z_s = 0 go there."""
        return all(self._between(unit, y) for unit, y in zip(self.field.sliding, self.pulls))

    def _between(self, unit, y):
        signal = self.signals[unit]
        low = product(signal, self.kinked.slope(unit, BELOW))
        return y - signal > 0 and low - y > 0

    def allow(self):
        """Whether every θ_s lies inside (α, 1), so that one solution slides, whatever the sign of
        λ_s.
        """
        return self.scaled()._allow()

    def scaled(self):
        """The same with v_j = 1 for neurons that slide, of two layers and one output: both sides of
        ż_s = 0 have the factor v_j, and θ_s does not depend on it.
        """
        if not (self.net.dense and self.net.depth == 2 and self.net.widths[-1] == 1):
            return self
        u = list(self.u)
        for _, j, _ in self.field.sliding:
            u[self.net.starts[1] + self.net.index[1][0][j]] = Ball(1)
        return self.field.at(u)

    def _allow(self):
        for unit, y in zip(self.field.sliding, self.pulls):
            signal = self.signals[unit]
            low = product(signal, self.kinked.slope(unit, BELOW))
            below, above = low - y, y - signal
            if not ((below > 0 and above > 0) or (below < 0 and above < 0)):
                return False
        return True


def slopes_sliding(point, units):
    """Intervals that hold the slopes y/λ of sliding units."""
    found = dict(zip(point.field.sliding, point.pulls))
    return {unit: ball(found[unit]) / point.signals[unit] for unit in units}
