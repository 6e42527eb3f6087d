"""Flows through kinks in tubes: pieces along which every unit keeps its side, or slides, and short
events between them; standard library only.

Of solutions of u̇ ∈ ∂N(u) (Clarke) *all* are enclosed. ∂N(u) lies in the hull of what slopes between α
and 1 at units with z = 0 make of ∇N. So where free units of a piece keep their signs, and θ_s ∈ (α, 1)
and λ_s < 0 for all sliding ones, ½zᵀG⁻¹z of these, G_st = ⟨c_s, c_t⟩, falls at Σ λ_s z_s (θ_s − θ*_s) < 0
off z = 0: z stays 0, and u̇ is the field f of the piece. Where z is at its kink when a piece begins, ż
has the sign of its side for all slopes; or it is exactly 0 with the slope of that side, where z
rests: a neuron that died.

In an event units change sides. Whatever slopes these have, solutions stay in a box, and there
units that go on sliding do so; a unit that crosses is led to its kink in time, and never comes
back; one that enters slides from then on; one that leaves is kept from its other side. Only units of the layer of sliding ones, or above it,
change: others would turn the c_s.
"""

from fractions import Fraction

from .modes import ABOVE, BELOW, SLIDING, Kinked, gram, is_nothing, slopes_sliding, solve
from .networks import number, unit
from .numbers import Ball, ball, need
from .registry import proof
from .tubes import Tube

PIECES = 60


class Mode:
    """The sides of all units, and the field they make; units of `leaving` may set out from z = 0.

    All solutions are meant or, if not `every`, one that may slide where others do not.
    """

    def __init__(self, kinked, sides, leaving=(), every=True):
        self.kinked, self.sides, self.every = kinked, sides, every
        self.leaving, self.field = set(leaving), kinked.field(sides)

    def stays(self, x):
        """Whether at weights x, boxes or curves, units stay on their sides, or slide."""
        point = self.field.at(x)
        if not (point.attract() if self.every else point.allow()):
            return False
        free = [each for each, side in self.sides.items() if side]
        return self.are_on_sides(free, point)

    def are_on_sides(self, units, point):
        """Whether units stay on their sides at a point, of the mode's field or of an event."""
        near = [
            each
            for each in units
            if not (point.is_silent(each) or point.z(each) * self.sides[each] > 0)
        ]
        if not self.leaving.issuperset(near):
            return False
        resting = [each for each in near if is_nothing(point.moves(each))]
        moving = [each for each in near if each not in resting]
        if not self.every:
            return all(point.moves(each) * self.sides[each] > 0 for each in moving)
        if not self._rest(resting, moving, point):
            return False
        while left := [each for each in moving if self._leaves(each, moving, point)]:
            moving = [each for each in moving if each not in left]
        return moving == []

    def _rest(self, resting, moving, point):
        """Whether z of units that died stays 0: their side is that of α, and λ < 0."""
        if resting == []:
            return True
        slopes = {each: self.kinked.any_slope(each) for each in moving}
        field = point.field.replaced(slopes | self._heard(resting, point))
        at = field.at(point.u)
        solve(gram([at.normal(each) for each in resting]), [Ball(0)] * len(resting))
        return at.attract() and all(
            self.sides[each] == BELOW and is_nothing(at.moves(each)) and at.signals[each] < 0
            for each in resting
        )

    def _heard(self, resting, point):
        """Slopes of silent units, if they heard units that rest: by the sign of the weight between."""
        found = {}
        for unit in self.sides:
            l, j, i = unit
            weights = [point.W[l][j][k] for below, k, n in resting if (below, n) == (l - 1, i)]
            if point.is_silent(unit) and any(n == i for _, _, n in resting):
                found[unit] = self.kinked.any_slope(unit)
                for side in (ABOVE, BELOW):
                    if weights and all(each * side > 0 for each in weights):
                        found[unit] = self.kinked.slope(unit, side)
        return found

    def _leaves(self, unit, near, point):
        """Whether ż of a unit that may be at its kink has the sign of its side for all slopes of
        those near: then it is off its kink at all later times, and of one slope for others.
        """
        field, side, kinked = point.field, self.sides[unit], self.kinked
        every = [{each: kinked.any_slope(each) for each in near}]
        # ż is affine in the slope of a unit of the layer of the sliding ones.
        if near == [unit] and all(l == unit[0] for l, _, _ in field.sliding):
            every = [{unit: kinked.slope(unit, each)} for each in (ABOVE, BELOW)]
        points = [field.replaced(slopes).at(point.u) for slopes in every]
        return all(each.attract() and each.moves(unit) * side > 0 for each in points)


class Piece:
    """A tube of the field of a mode, from a time on; all in it stays on its sides."""

    def __init__(self, mode, start, error, steps, begin):
        self.mode, self.field, self.begin = mode, mode.field, begin
        self.tube = Tube(self.field, start, steps, error)
        self.end = begin + self.tube.end
        self.everywhere(mode.stays, "a unit may leave its side, or θ its bounds")

    def everywhere(self, holds, reason):
        self.tube.everywhere(Fraction(0), self.tube.end, holds, reason)


class Event:
    """What a short time leads solutions to that start within `error` of `start`, while units change
    from their sides before to those after it.
    """

    def __init__(self, mode, after, start, error, duration):
        self.mode, self.kinked, self.before, self.after = mode, mode.kinked, mode.sides, after
        self.first = [ball(a) + error * Ball(-1, 1) for a in start]
        self.changed = [each for each in after if self.before[each] != after[each]]
        need(self.changed != [] and duration > 0, "not an event")
        self._add_silent()
        self.duration = ball(duration)
        self.wide = self.kinked.field(self.before, self._any(self.changed))
        self.box = self._box()
        self.point, self.later = self.wide.at(self.box), self.kinked.field(after).at(self.box)
        self._need_order()
        free = [each for each in after if self.before[each] and each not in self.changed]
        told = "another unit may change its side in an event"
        need(self.mode.are_on_sides(free, self.point), told)
        self._need_changes()
        rate = self._narrow()(self.box)
        self.end = [ball(a) + g * self.duration for a, g in zip(start, rate)]

    def _any(self, units):
        return {each: self.kinked.any_slope(each) for each in units}

    def _add_silent(self):
        """Count units that fall silent among those that change."""
        points = [self.kinked.field(each).at(self.first) for each in (self.before, self.after)]
        before, after = ({each for each in self.after if p.is_silent(each)} for p in points)
        self.fallen = after - before
        self.changed += [each for each in self.after if each in self.fallen - {*self.changed}]

    def _need_order(self):
        """Need units that change to lie in the layer of sliding ones, or above: not to turn c_s."""
        sliding = {each[0] for each, side in self.before.items() if side == SLIDING}
        need(
            all(l >= low for l, _, _ in self.changed for low in sliding),
            "a unit below sliding ones changes sides",
        )

    def _box(self):
        """A box that no solution leaves."""
        reach = sum((abs(g).upper for g in self.wide(self.first)), Ball(0)) * self.duration * 2
        box = [a + reach * Ball(-1, 1) for a in self.first]
        speeds = [abs(g) * self.duration for g in self.wide(box)]
        need(all(each < reach for each in speeds), "an event that may lead anywhere")
        return box

    def _with(self, unit, side):
        """The point where a unit that changes is on a side, the others that do anywhere; those fall
        silent as z of one below them comes to 0.
        """
        known = {unit} if side != self.before[unit] else {unit, *self.fallen}
        others = self._any(each for each in self.changed if each not in known)
        return self.kinked.field({**self.before, unit: side}, others).at(self.box)

    def _need_changes(self):
        """Need every unit to get where it is afterwards, and those that slide on to do so."""
        moved = [each for each in self.changed if each not in self.fallen]
        left = [each for each in moved if self.before[each] == SLIDING]
        for each in self.fallen:
            self._need_heard(each)
        if left and all(is_nothing(self.later.moves(each)) for each in left):
            self._need_death(moved)
            return
        entering = [each for each in moved if self.after[each] == SLIDING]
        need(len(entering) < 2, "two units start to slide at once")
        # A unit that enters is on its old side, or slides with the others.
        places = [self._with(each, side) for each in entering for side in (self.before[each], 0)]
        told = "a sliding unit may leave in an event"
        need(all(each.attract() for each in places or [self.point]), told)
        for each in moved:
            if each in left:
                rate = self._with(each, -self.after[each]).moves(each)
                need(rate * self.after[each] > 0, "a unit may leave to the wrong side")
            else:
                self._need_passed(each, self._with(each, self.before[each]))

    def _need_passed(self, unit, point):
        """Need ż so large, as long as z is on its side, that z comes to 0 from what it is at first;
        it never comes back.
        """
        side = self.before[unit]
        need(side != SLIDING, "not a side")
        rate = point.moves(unit) * -side
        way = abs(self.kinked.field(self.before).at(self.first).z(unit))
        need(rate > 0 and way < rate * self.duration, "a unit may not come to its kink")

    def _need_death(self, moved):
        """Need sliding units to come to rest as the last active unit of a neuron does: the mode
        before lasts until then; from then on ½zᵀG⁻¹z of them all never grows.
        """
        before, sides = self.mode.field.at(self.box), [self.before[each] for each in moved]
        need(before.attract() and sides.count(SLIDING) == len(sides) - 1, "not one unit that dies")
        self._need_passed(moved[sides.index(ABOVE)], before)
        resting = {**self.after, **dict.fromkeys(moved, SLIDING)}
        need(
            self.later.attract()
            and self.kinked.field(resting).at(self.box).normals != []
            and all(self.after[each] == BELOW for each in moved)
            and all(is_nothing(self.later.moves(each)) for each in moved)
            and all(self.point.signals[each] < 0 for each in moved),
            "a neuron may not come to rest",
        )

    def _need_heard(self, unit):
        """Need z of a unit that falls silent of its sign until then: a sum of σ ≥ 0 of units that
        change.
        """
        (l, j, i), side = unit, self.before[unit]
        heard = [
            (k, weight)
            for k, (weight, h) in enumerate(zip(self.point.W[l][j], self.point.passed[i][0][l]))
            if not (is_nothing(weight) or is_nothing(h))
        ]
        need(
            all(
                (l - 1, k, i) in self.changed
                and is_nothing(self.kinked.slope((l - 1, k, i), BELOW))
                and weight * side > 0
                for k, weight in heard
            ),
            "a unit that falls silent may have another sign before",
        )

    @property
    def leaving(self):
        """The units that are on their new sides at the end, or still at their kinks."""
        kept = {each for each in self.mode.leaving if each not in self.changed}
        return kept | {each for each in self.changed if self.after[each] != SLIDING}

    def _narrow(self):
        """The field of an event: slopes of units that leave lie between θ and that of their side."""
        left = [each for each in self.changed if self.before[each] == SLIDING]
        slopes = self._any(self.changed)
        if left:
            others = {each: slope for each, slope in slopes.items() if each not in left}
            point = self.kinked.field(self.before, others).at(self.box)
            for each, theta in slopes_sliding(point, left).items():
                end = self.kinked.slope(each, self.after[each])
                slopes[each] = within(theta.hull(end), slopes[each])
        return self.kinked.field(self.before, slopes)


def within(a, b):
    """The intersection of two intervals that meet."""
    e = min(a.e, b.e)
    low, high = (
        pick(x << a.e - e, y << b.e - e) for pick, x, y in ((max, a.lo, b.lo), (min, a.hi, b.hi))
    )
    need(low <= high, "intervals that do not meet")
    return Ball(low, high, e)


class ModeFlow:
    """All Clarke solutions from `start`, or one if not `every`, through the pieces of a certificate:
    {signs, ncf} and, of all but the first, the `duration` of the event before it.
    """

    def __init__(self, case, pieces, every=True):
        self.kinked, self.every = Kinked(case), every
        need(isinstance(pieces, list) and 0 < len(pieces) <= PIECES, "not a list of pieces")
        self.start = unit(case.theta)
        self.pieces, self.events, self.end, self.last = [], [], Fraction(0), (self.start, Ball(0))
        for each in pieces:
            sides = self.kinked.sides(each["signs"])
            leaving = self._changed(sides, each) if self.pieces else self._first(sides)
            mode = Mode(self.kinked, sides, leaving, every)
            piece = Piece(mode, *self.last, each["ncf"], self.end)
            self.pieces.append(piece)
            self.end, self.last = piece.end, piece.tube.last

    def _first(self, sides):
        """The units whose z is exactly 0 at the start; need all that slide among them."""
        net, kinked = self.kinked.net, self.kinked
        rows = [[Fraction(v) for v in row] for row in kinked.floats]
        weights = [Fraction(v) for v in kinked.start]
        zero = set()
        for each in kinked.units:
            l, j, i = each
            if l == 0:
                numbers = net.index[0][j]
                terms = (weights[k] * x for k, x in zip(numbers, rows[i]) if k >= 0)
                zero |= {each} if sum(terms, Fraction(0)) == 0 else set()
        sliding = {each for each, side in sides.items() if side == SLIDING}
        need(sliding <= zero, "a unit that slides at the start is not on its kink")
        return zero - sliding

    def _changed(self, sides, data):
        """Units that may be at their kinks when the event between two pieces is over."""
        before = self.pieces[-1].mode.sides
        if "duration" not in data:
            left = [each for each in sides if sides[each] != before[each]]
            fits = left and all(before[each] == SLIDING for each in left)
            need(not self.every and fits, "a change of sides without an event")
            return left
        duration = Fraction(number(data["duration"]))
        event = Event(self.pieces[-1].mode, sides, *self.last, duration)
        self.events.append(event)
        self.end, self.last = self.end + duration, (event.end, self.last[1])
        return event.leaving

    @property
    def at_end(self):
        """The box of all that is enclosed at the end."""
        center, error = self.last
        return [ball(a) + error * Ball(-1, 1) for a in center]

    def everywhere(self, holds, reason):
        """Need a condition on points, of all solutions at all times of pieces."""
        for each in self.pieces:
            each.everywhere(lambda x, each=each: holds(each.field.at(x)), reason)


@proof
def followed(case, data):
    """Every solution of u̇ ∈ ∂N(u) from `start`, through kinks, up to a time: none branches, as
    nothing that flows back to a sliding unit vanishes.
    """
    return ModeFlow(case, data["pieces"])
