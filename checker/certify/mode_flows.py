"""Flows through kinks, found in floats: pieces with units on sides, and events between them, such
that the verifier's bounds hold (theory §11, `ncfcheck.verifier.mode_tubes`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np

from ncfcheck.certify.boxes import exactly, net_of
from ncfcheck.certify.certificate import NotProved, check_time
from ncfcheck.certify.flows import need_small
from ncfcheck.certify.mode_changes import Change, first_change, moved, settled, widened
from ncfcheck.certify.mode_series import taylor
from ncfcheck.certify.mode_steps import Step, reach, step
from ncfcheck.theory.starts import unit
from ncfcheck.verifier.mode_tubes import Event, Mode
from ncfcheck.verifier.modes import ABOVE, BELOW, SLIDING, Kinked, is_nothing
from ncfcheck.verifier.networks import unit as normed
from ncfcheck.verifier.numbers import Ball, Rejected, ball

TURNED = 1e-3  # what flows back to a unit, in units of ‖u‖, that its kink repels
FACTORS = (1.1, 1.2, 1.5, 2.0, 3.0)  # times tried, in units of that of the first event
STEPS, TRIES = 200, 14  # steps of a flow, and doublings of a time that is too short


def kinked_of(instance) -> Kinked:
    """The kinked units of an instance, as the verifier has them."""
    network, ncf = instance.network, instance.ncf
    labels = ncf.ybar.tolist()
    return Kinked(
        SimpleNamespace(
            net=net_of(network),
            powers=list(network.powers),
            slopes=list(network.slopes),
            labels=labels,
            X=exactly(ncf.X),
            Y=exactly(labels),
            floats=ncf.X.tolist(),
            start=instance.start.tolist(),
        )
    )


@dataclass(frozen=True)
class Path:
    """Pieces of a certificate, the last one not yet closed; where all that is enclosed is then."""

    kinked: Kinked
    sides: dict
    start: list[Ball]
    error: Ball = field(default_factory=lambda: Ball(0))
    leaving: tuple = ()
    pieces: tuple = ()
    steps: tuple[Step, ...] = ()
    duration: float | None = None
    time: Fraction = Fraction(0)
    every: bool = True

    @property
    def mode(self) -> Mode:
        """The mode of the last piece."""
        return Mode(self.kinked, self.sides, self.leaving, self.every)

    @property
    def at(self) -> np.ndarray:
        """About where the flow is, (P,)."""
        return np.array([float(each) for each in self.start])

    def plain(self) -> list[dict]:
        """What the verifier needs."""
        return [*self.pieces, self._piece()]

    def _piece(self) -> dict:
        found: dict = {} if self.duration is None else {"duration": self.duration.hex()}
        signs = [self.sides[each] for each in self.kinked.units]
        return found | {"signs": signs, "ncf": [each.plain() for each in self.steps]}

    def longer(self, by: Step) -> Path:
        """The same with one more step."""
        time = self.time + Fraction(by.duration)
        return replace(self, steps=(*self.steps, by), start=by.end, error=by.error, time=time)

    def after(self, sides: dict, event: Event | None, duration: float | None) -> Path:
        """The same with a new piece, after an event."""
        changed = {each for each in sides if sides[each] not in (self.sides[each], SLIDING)}
        return replace(
            self,
            sides=sides,
            leaving=tuple(changed if event is None else event.leaving),
            pieces=tuple(self.plain()),
            steps=(),
            duration=duration,
            start=self.start if event is None else event.end,
            error=self.error if event is None else event.error,
            time=self.time + Fraction(duration or 0.0),
        )


def begin(instance, every: bool = True, sides: dict | None = None) -> Path:
    """The flow of an instance at its start, on these sides of kinks on which it is exactly; by
    itself it slides along those that attract.
    """
    kinked = kinked_of(instance)
    at = normed(exactly(instance.start))
    found = {each: ABOVE for each in kinked.units}
    for each in kinked.units:  # layer by layer
        point = kinked.field(found).at(widened(at))
        below = point.is_silent(each) or float(point.z(each)) < 0
        found[each] = BELOW if below else ABOVE
        if sides and each in sides:
            found[each] = sides[each]
    if sides is None:
        sides = _on_kinks(kinked, found, at)
        found |= sides
    zero = tuple(each for each in sides if found[each] != SLIDING)
    return Path(kinked, found, at, leaving=zero, every=every)


def _on_kinks(kinked: Kinked, sides: dict, at: list[Ball]) -> dict:
    """Where units go that are exactly on their kinks: along them where these attract, or to the
    side to which z moves.
    """
    found: dict = {}
    for each in sorted(kinked.at_kinks()):
        slides = kinked.field(sides | found | {each: SLIDING}).at(at)
        if not is_nothing(slides.signals[each]) and slides.attract():
            found[each] = SLIDING
            continue
        rate = float(kinked.field(sides | found).at(at).moves(each))
        found[each] = ABOVE if rate > 0 else BELOW
    return found


def follow(path: Path, is_over: Callable, time: float = math.inf) -> Path:
    """The flow on to the first step where is_over(path), or to the time. Raises NotProved."""
    for _ in range(STEPS):
        check_time()
        mode = path.mode
        series = taylor(mode.field, path.at)
        longest = min(reach(series), float(Fraction(time) - path.time) if time < math.inf else time)
        if math.isinf(longest):
            raise NotProved("the flow rests")
        change = first_change(mode, series, longest)
        if change is None:
            path = path.longer(step(mode.field, path.start, path.error, series, longest))
            if is_over(path) or path.time >= time * (1 - 1e-15):
                return path
            continue
        nearer = _up_to(path, series, change)
        if nearer is None:  # the step had to be shorter, and the event lies beyond it
            path = path.longer(step(mode.field, path.start, path.error, series, change.time / 2))
            continue
        if is_over(nearer[0]):
            return nearer[0]
        path = _through(*nearer, change, moved(series, change.time))
    raise NotProved(f"the flow takes more than {STEPS} steps")


def _up_to(path: Path, series: np.ndarray, change: Change) -> tuple[Path, float] | None:
    """The flow to just before an event, where all is certain, and the time left to it; None if that
    takes a second step.
    """
    if not abs(change.rate) > 0:
        raise NotProved("a unit only touches its kink")
    ahead = 2 * float(path.error.upper) + 1e-15
    for _ in range(TRIES):
        wait = ahead * change.spread / abs(change.rate)
        if not wait < change.time:
            break
        found = step(path.mode.field, path.start, path.error, series, change.time - wait)
        if found.duration < (change.time - wait) / 1.5:
            return None
        if path.mode.stays(found.last_part):
            return path.longer(found), wait
        ahead *= 2
    if path.steps and path.mode.stays(path.steps[-1].last_part):
        return path, change.time
    raise NotProved("events that follow each other at once")


def _through(path: Path, wait: float, change: Change, at: np.ndarray) -> Path:
    """The flow just after an event that follows so soon, where all is certain again."""
    mode = path.mode
    sides = settled(mode, change, at)
    duration = 2 * wait
    reason = ""
    for _ in range(TRIES):
        check_time()
        try:
            event = Event(mode, sides, path.start, path.error, Fraction(duration))
            found = path.after(sides, event, duration)
            if found.mode.stays(_around(found)):
                return found
            reason = reason or "what follows is not certain"
        except Rejected as rejected:
            reason = reason or str(rejected)
        duration *= 2
    raise NotProved(f"an event is not enclosed: {reason}")


def _around(path: Path) -> list[Ball]:
    around = ball(1.01) * path.error * Ball(-1, 1)
    return [each + around for each in path.start]


def through(instance, is_over: Callable, time: float = math.inf) -> Path:
    """The flow of an instance from its start, through kinks: its `plain()` is the entry `ncf` of a
    certificate. Raises NotProved.
    """
    need_small(instance.start.size)
    return follow(begin(instance), is_over, time)


def has_changed(low: float, high: float) -> Callable:
    """Whether the norm has left (low, high)."""
    return lambda path: not low < np.linalg.norm(path.at) < high


def apart(instance, time: float = math.inf, least: float = 2e-3) -> dict:
    """The flow to a time after its first event at which its direction is `least` from that of the
    flow that keeps the slopes of the start: entries `ncf` and `other`. Raises NotProved.
    """
    need_small(instance.start.size)
    first = follow(begin(instance), lambda path: bool(path.pieces), time)
    if not first.pieces:
        raise NotProved("the flow comes to no kink")
    for factor in FACTORS:
        path = follow(first, _never, min(time, factor * float(first.time)))
        other = _ignoring(instance, float(path.time))
        if np.linalg.norm(unit(path.at) - unit(other.at)) > least:
            return {"ncf": path.plain(), "other": [each.plain() for each in other.steps]}
    raise NotProved("the flow that ignores kinks is as near as that")


def _ignoring(instance, time: float) -> Path:
    """The flow that keeps the slopes of the start, to a time and a little longer."""
    path, end = begin(instance), time * (1 + 2**-40)
    for _ in range(STEPS):
        if path.time > time:
            return path
        check_time()
        series = taylor(path.mode.field, path.at)
        longest = min(reach(series), end - float(path.time))
        path = path.longer(step(path.mode.field, path.start, path.error, series, longest))
    raise NotProved(f"the flow takes more than {STEPS} steps")


def parted(instance, time: float, turn: float | None = None) -> tuple[Path, Path]:
    """Two flows from the start, which slide until what flows back to a sliding unit has changed its
    sign, by the time `turn`, and go to either side from there on: the entries `first` and `second`.
    Raises NotProved.
    """
    need_small(instance.start.size)
    turned = follow(begin(instance, every=False), _repelling, time if turn is None else turn)
    units = _repelling(turned)
    if not units:
        raise NotProved("no sliding unit's kink turns repelling")
    sides = [{**turned.sides, units[0]: each} for each in (ABOVE, BELOW)]
    first, second = (follow(turned.after(each, None, None), _never, time) for each in sides)
    return first, second


def _repelling(path: Path) -> list:
    """Sliding units whose kinks repel."""
    point = path.mode.field.at(path.start)
    least = TURNED * float(np.linalg.norm(path.at))
    return [each for each in point.field.sliding if float(point.signals[each]) > least]


def _never(path: Path) -> bool:
    return False
