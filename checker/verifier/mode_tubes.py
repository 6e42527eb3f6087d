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

from .modes import SLIDING, Kinked, is_nothing, slopes_sliding
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
        return all(
            self.on_side(each, side, point, self.field) for each, side in self.sides.items() if side
        )

    def on_side(self, unit, side, point, field):
        """Whether a unit stays on its side at a point of a field."""
        return (
            point.is_silent(unit)
            or point.z(unit) * side > 0
            or (unit in self.leaving and self._leaves(unit, side, point, field))
        )

    def _leaves(self, unit, side, point, field):
        """Whether ż of a unit that may be at its kink has the sign of its side, or is 0 on it and
        has that sign on the other.
        """
        rate = point.moves(unit)
        if not (rate * side > 0 or is_nothing(rate)):
            return False
        if not self.every:
            return True
        # ż is affine in the slope of a unit of the layer of the sliding ones.
        affine = all(l == unit[0] for l, _, _ in field.sliding)
        slope = self.kinked.slope(unit, -side) if affine else self.kinked.any_slope(unit)
        other = field.replaced(unit, slope).at(point.u)
        return other.attract() and other.moves(unit) * side > 0


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
        kinked, before = self.kinked, self.before
        self.changed = [each for each in kinked.units if before[each] != after[each]]
        sliding = {each[0] for each, side in before.items() if side == SLIDING}
        need(self.changed != [] and duration > 0, "not an event")
        need(
            all(l >= low for l, _, _ in self.changed for low in sliding),
            "a unit below sliding ones changes sides",
        )
        self.duration, around = ball(duration), error * Ball(-1, 1)
        self.first = [ball(a) + around for a in start]
        self.wide = kinked.field(before, {each: kinked.any_slope(each) for each in self.changed})
        self.box = self._box()
        self._need_sides()
        for each in self.changed:
            self._need_change(each)
        self.field = self._narrow()
        rate = self.field(self.box)
        self.end = [ball(a) + g * self.duration for a, g in zip(start, rate)]

    def _box(self):
        """A box that no solution leaves."""
        reach = sum((abs(g).upper for g in self.wide(self.first)), Ball(0)) * self.duration * 2
        box = [a + reach * Ball(-1, 1) for a in self.first]
        speeds = [abs(g) * self.duration for g in self.wide(box)]
        need(all(each < reach for each in speeds), "an event that may lead anywhere")
        return box

    def _need_sides(self):
        """Need units that do not change to keep their sides, or to slide."""
        point = self.wide.at(self.box)
        need(point.attract(), "a sliding unit may leave in an event")
        free = [each for each, side in self.before.items() if side and each not in self.changed]
        need(
            all(self.mode.on_side(each, self.before[each], point, self.wide) for each in free),
            "another unit may change its side in an event",
        )

    def _with(self, unit, side):
        """The field where a unit that changes is on a side, the others that do anywhere."""
        slopes = {each: self.kinked.any_slope(each) for each in self.changed if each != unit}
        return self.kinked.field({**self.before, unit: side}, slopes)

    def _need_change(self, unit):
        before, after = self.before[unit], self.after[unit]
        if after == SLIDING:
            entering = [each for each in self.changed if self.after[each] == SLIDING]
            need(len(entering) == 1, "two units start to slide at once")
            slides = self._with(unit, SLIDING).at(self.box)
            need(slides.attract(), "a unit may not slide on")
            self._need_passed(unit)
        elif before == SLIDING:
            rate = self._with(unit, -after).at(self.box).moves(unit)
            need(rate * after > 0, "a unit may leave to the wrong side")
        elif not self.kinked.field(self.after).at(self.box).is_silent(unit):
            self._need_passed(unit)

    def _need_passed(self, unit):
        """Need ż so large, as long as z is on its side, that z comes to 0 from what it is at first;
        it never comes back.
        """
        side = self.before[unit]
        rate = self._with(unit, side).at(self.box).moves(unit) * -side
        way = abs(self.kinked.field(self.before).at(self.first).z(unit))
        need(rate > 0 and way < rate * self.duration, "a unit may not come to its kink")

    @property
    def leaving(self):
        """The units that are on their new sides at the end, or still at their kinks."""
        kept = {each for each in self.mode.leaving if each not in self.changed}
        return kept | {each for each in self.changed if self.after[each] != SLIDING}

    def _narrow(self):
        """The field of an event: slopes of units that leave lie between θ and that of their side."""
        leaving = [each for each in self.changed if self.before[each] == SLIDING]
        slopes = {each: self.kinked.any_slope(each) for each in self.changed}
        if leaving:
            others = {each: slope for each, slope in slopes.items() if each not in leaving}
            point = self.kinked.field(self.before, others).at(self.box)
            for each, theta in slopes_sliding(point, leaving).items():
                end = self.kinked.slope(each, self.after[each])
                slopes[each] = within(theta.hull(end), slopes[each])
        return self.kinked.field(self.before, slopes)

    def aside(self):
        """Whether the rate is certainly not along u all through the event: N(v) rises."""
        point = self.field.at(self.box)
        square = sum((x * x for x in self.box), Ball(0))
        along = point.value * self.kinked.net.order
        return any((g * square - x * along).nonzero for g, x in zip(point.rate, self.box))


def within(a, b):
    """The intersection of two intervals that meet."""
    e = min(a.e, b.e)
    low, high = (pick(x << a.e - e, y << b.e - e) for pick, x, y in ((max, a.lo, b.lo), (min, a.hi, b.hi)))
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
