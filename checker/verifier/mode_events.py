"""Short events of flows through kinks, in which units change sides; standard library only.

Whatever slopes units that change have, solutions stay in a box. There units that go on sliding do
so; a unit that crosses is led to its kink in time, and never comes back; one that enters slides
from then on; one that leaves is kept from its other side; the last active unit of a neuron that
dies brings sliding ones to rest. Only units of the layer of sliding ones, or above it, change:
others would turn the c_s.
"""

from itertools import product

from .modes import ABOVE, BELOW, SLIDING, is_nothing, slopes_sliding
from .numbers import Ball, ball, dot, need

CORNERS = 3  # units whose slopes are looked at one end after another


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
        need(self.mode.are_on_sides(free, self.point, every=True), told)
        self._need_changes()
        rate = self.kinked.field(self.before, self._narrow())(self.box)
        end = [ball(a) + g * self.duration for a, g in zip(start, rate)]
        widths = [Ball(each.hi - each.lo, None, each.e - 1) for each in end]
        # All solutions end within `error` of this.
        self.end = [Ball(each.lo + each.hi, None, each.e - 1) for each in end]
        self.error = error + dot(widths, widths).root(2).upper

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

    def _corners(self, field):
        """Points whose slopes of units that change are ends of what they may be: of one layer, the
        rates of z are affine in them.
        """
        moving = [each for each in self.changed if each not in field.sliding]
        layers = {l for l, _, _ in [*self.changed, *field.sliding]}
        if len(layers) > 1 or len(moving) > CORNERS:
            return [field.at(self.box)]
        ends = [[Ball(v, None, s.e) for v in (s.lo, s.hi)] for s in map(field.slopes.get, moving)]
        fields = [field.replaced(dict(zip(moving, each))) for each in product(*ends)]
        return [each.at(self.box) for each in fields]

    def _with(self, unit, side):
        """Where a unit that changes is on a side, the others that do anywhere."""
        others = self._any(each for each in self.changed if each != unit)
        return self._corners(self.kinked.field({**self.before, unit: side}, others))

    def _ahead(self, unit):
        """Where a unit is still on its old side: so are those above that fall silent as
        it comes to its kink; where z of one that leaves stays 0, θ is that of sliding units.
        """
        l, _, i = unit
        above = [(m, j, n) for m, j, n in self.fallen if (m, n) == (l + 1, i)]
        with_it = above if self.before[unit] == ABOVE else []
        known = {each: self.kinked.slope(each, self.before[each]) for each in (unit, *with_it)}
        return self._corners(self.kinked.field(self.before, self._narrow(known)))

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
        points = [point for each in places or [self._corners(self.wide)] for point in each]
        need(all(each.attract() for each in points), "a sliding unit may leave in an event")
        for each in moved:
            if each in left:
                rates = [point.moves(each) for point in self._with(each, -self.after[each])]
                signed = all(rate * self.after[each] > 0 for rate in rates)
                need(signed, "a unit may leave to the wrong side")
            else:
                self._need_passed(each, self._ahead(each))

    def _need_passed(self, unit, points):
        """Need ż so large, as long as z is on its side, that z comes to 0 from what it is at first;
        it never comes back.
        """
        side = self.before[unit]
        need(side != SLIDING, "not a side")
        rates = [point.moves(unit) * -side for point in points]
        way = abs(self.kinked.field(self.before).at(self.first).z(unit))
        passes = all(rate > 0 and way < rate * self.duration for rate in rates)
        need(passes, "a unit may not come to its kink")

    def _need_death(self, moved):
        """Need sliding units to come to rest as the last active unit of a neuron does: the mode
        before lasts until then; from then on ½zᵀG⁻¹z of them all never grows.
        """
        before, sides = self.mode.field.at(self.box), [self.before[each] for each in moved]
        need(before.attract() and sides.count(SLIDING) == len(sides) - 1, "not one unit that dies")
        self._need_passed(moved[sides.index(ABOVE)], [before])
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

    def _narrow(self, known=()):
        """Slopes of units that change, some of them known: if one leaves, its lies between θ, as
        long as z = 0, and that of its side.
        """
        slopes = self._any(self.changed) | dict(known)
        left = [each for each in self.changed if self.before[each] == SLIDING]
        if len(left) == 1:
            others = {each: slope for each, slope in slopes.items() if each not in left}
            point = self.kinked.field(self.before, others).at(self.box)
            for each, theta in slopes_sliding(point, left).items():
                end = self.kinked.slope(each, self.after[each])
                slopes[each] = within(theta.hull(end), slopes[each])
        return slopes


def within(a, b):
    """The intersection of two intervals that meet."""
    e = min(a.e, b.e)
    low, high = (
        pick(x << a.e - e, y << b.e - e) for pick, x, y in ((max, a.lo, b.lo), (min, a.hi, b.hi))
    )
    need(low <= high, "intervals that do not meet")
    return Ball(low, high, e)
