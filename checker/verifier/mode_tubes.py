"""Flows through kinks in tubes, along which every unit keeps its side, or slides; standard library
only.

Of solutions of u̇ ∈ ∂N(u) (Clarke) *all* are enclosed. ∂N(u) lies in the hull of what slopes
between α and 1 at units with z = 0 make of ∇N. So where free units keep their signs, and θ*_s ∈ (α,
1) and λ_s < 0 for all sliding ones, ½zᵀG⁻¹z of these, G_st = ⟨c_s, c_t⟩, changes near z = 0 at the
rate Σ λ_s z_s (θ_s − θ*_s) < 0, whatever the slopes of others: z stays 0, and u̇ is the field f of
the mode. Where z is at its kink when a piece begins, ż has the sign of its side for all slopes; or
it is exactly 0 with the slope of that side, where z rests: a neuron that died.
"""

from fractions import Fraction

from .mode_events import Event
from .modes import ABOVE, BELOW, SLIDING, Kinked, gram, is_nothing, solve
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
        return self.are_on_sides(free, point, self.every)

    def are_on_sides(self, units, point, every):
        """Whether units stay on their sides at a point, of the mode's field or of an event."""
        near = [
            each
            for each in units
            if not (point.is_silent(each) or point.z(each) * self.sides[each] > 0)
        ]
        # A unit below sliding ones would turn the c_s.
        lowest = max((l for l, _, _ in point.field.sliding), default=0)
        if not self.leaving.issuperset(near) or any(l < lowest for l, _, _ in near):
            return False
        resting = [each for each in near if is_nothing(point.moves(each))]
        moving = [each for each in near if each not in resting]
        if not every:
            signed = all(point.moves(each) * self.sides[each] > 0 for each in moving)
            return signed and resting == []
        above = self._heard(near, point)
        if not self._rest(resting, moving, point, above):
            return False
        while left := [each for each in moving if self._leaves(each, moving, point, above)]:
            moving = [each for each in moving if each not in left]
        return moving == []

    def _rest(self, resting, moving, point, above):
        """Whether z of units that died stays 0: their side is that of α, and λ < 0."""
        if resting == []:
            return True
        slopes = {each: self.kinked.any_slope(each) for each in moving}
        field = point.field.replaced(slopes | above)
        at = field.at(point.u)
        solve(gram([at.normal(each) for each in resting]), [Ball(0)] * len(resting))
        return at.attract() and all(
            self.sides[each] == BELOW and is_nothing(at.moves(each)) and at.signals[each] < 0
            for each in resting
        )

    def _heard(self, near, point):
        """Slopes of silent units if they heard those near: by signs of weights between."""
        found = {}
        for above in self.sides:
            l, j, i = above
            weights = [point.W[l][j][k] for below, k, n in near if (below, n) == (l - 1, i)]
            if point.is_silent(above) and any(n == i for _, _, n in near):
                found[above] = self.kinked.any_slope(above)
                for side in (ABOVE, BELOW):
                    if weights and all(each * side > 0 for each in weights):
                        found[above] = self.kinked.slope(above, side)
        return found

    def _leaves(self, unit, near, point, above):
        """Whether ż of a unit that may be at its kink has the sign of its side for all slopes of
        those near: then it is off its kink at all later times, and of one slope for others.
        """
        field, side, kinked = point.field, self.sides[unit], self.kinked
        every = [{each: kinked.any_slope(each) for each in near}]
        # ż is affine in the slope of a unit of the layer of the sliding ones.
        if near == [unit] and all(l == unit[0] for l, _, _ in field.sliding):
            every = [{unit: kinked.slope(unit, each)} for each in (ABOVE, BELOW)]
        points = [field.replaced(slopes | above).at(point.u) for slopes in every]
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


class ModeFlow:
    """All Clarke solutions from `start`, or one if not `every`, through pieces: each has `signs`
    and a tube `ncf` and, but for the first, the `duration` of the event before it.
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
        zero = self.kinked.at_kinks()
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
        self.end, self.last = self.end + duration, (event.end, event.error)
        return event.leaving

    @property
    def at_end(self):
        """The box of all that is enclosed at the end."""
        center, error = self.last
        return [ball(a) + error * Ball(-1, 1) for a in center]

    def at(self, time):
        """The same of a time in the last piece."""
        piece = self.pieces[-1]
        return piece.tube.at(time - piece.begin)

    def everywhere(self, holds, reason):
        """Need a condition on points, of all solutions at all times of pieces."""
        for each in self.pieces:
            each.everywhere(lambda x, each=each: holds(each.field.at(x)), reason)


@proof
def followed(case, data):
    """Every solution of u̇ ∈ ∂N(u) from `start`, through kinks, up to a time: none branches, as
    nothing that flows back to a sliding unit vanishes.
    """
    return ModeFlow(case, data["ncf"])
