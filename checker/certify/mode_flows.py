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
from ncfcheck.certify.mode_series import Series, coefficients, taylor
from ncfcheck.certify.mode_steps import Step, reach, step
from ncfcheck.verifier.mode_tubes import Event, Mode
from ncfcheck.verifier.modes import ABOVE, BELOW, SLIDING, Kinked, is_nothing
from ncfcheck.verifier.networks import unit as normed
from ncfcheck.verifier.numbers import Ball, Dual, Rejected, ball

STEPS, TRIES = 200, 14  # steps of a flow, and doublings of a time that is too short
SAMPLES = 48  # points of a step at which events are looked for
TOGETHER = 1e-9  # relative: times that rounding does not tell apart
VANISHES = 1e-7  # share of what flows back to a unit at which it branches
BRANCHES = "the flow branches: nothing flows back to a sliding unit"


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
            time=self.time + Fraction(duration or 0.0),
        )


@dataclass(frozen=True)
class Change:
    """When a unit of a piece comes to its kink, or θ to a bound (`side`, else None); the rate of
    what becomes 0 then, and what it is off by where weights are; `others` that do so with it.
    """

    time: float
    unit: tuple[int, int, int]
    others: tuple[tuple[int, int, int], ...]
    side: int | None
    rate: float
    spread: float


def begin(instance, every: bool = True, sides: dict | None = None) -> Path:
    """The flow of an instance at its start, on these sides of kinks on which the start is exactly."""
    kinked = kinked_of(instance)
    at = normed(exactly(instance.start))
    found = {each: ABOVE for each in kinked.units}
    for each in kinked.units:  # layer by layer
        point = kinked.field(found).at(_widened(at))
        below = point.is_silent(each) or float(point.z(each)) < 0
        found[each] = BELOW if below else ABOVE
        if sides and each in sides:
            found[each] = sides[each]
    zero = tuple(each for each in sides or () if found[each] != SLIDING)
    return Path(kinked, found, at, leaving=zero, every=every)


def follow(path: Path, is_over: Callable, time: float = math.inf) -> Path:
    """The flow on to the first step that is_over(point (P,)), or to the time. Raises NotProved."""
    for _ in range(STEPS):
        check_time()
        mode = path.mode
        series = taylor(mode.field, path.at)
        longest = min(reach(series), float(Fraction(time) - path.time) if time < math.inf else time)
        change = _first_change(mode, series, longest)
        if change is None:
            path = path.longer(step(mode.field, path.start, path.error, series, longest))
            if is_over(path.at) or path.time >= time:
                return path
            continue
        nearer = _up_to(path, series, change)
        if nearer is None:  # the step had to be shorter, and the event lies beyond it
            path = path.longer(step(mode.field, path.start, path.error, series, change.time / 2))
            continue
        path = _through(*nearer, change, _moved(series, change.time))
    raise NotProved(f"the flow takes more than {STEPS} steps")


def _moved(series: np.ndarray, time: float) -> np.ndarray:
    """The Taylor polynomial at a time, (P,)."""
    return np.polynomial.polynomial.polyval(time, series)


def _first_change(mode: Mode, series: np.ndarray, longest: float) -> Change | None:
    """What happens first along a Taylor polynomial, up to a time."""
    point = mode.field.at([Series(column) for column in series.T])
    roots = []
    for each, side, value in _watched(mode, point):
        c = coefficients(value)
        time = _first_root(c, longest, each in mode.leaving)
        roots += [] if time is None else [(time, each, side, c)]
    if not roots:
        return None
    soonest = min(roots, key=lambda root: root[0])[0]
    # Of units that fall silent with one below, that one comes first.
    (time, unit, side, c), *others = [root for root in roots if root[0] <= soonest * (1 + TOGETHER)]
    rate = float(np.polynomial.polynomial.polyval(time, np.polynomial.polynomial.polyder(c)))
    spread = _spread(mode, _moved(series, time), unit, side)
    return Change(time, unit, tuple(other[1] for other in others), side, rate, spread)


def _watched(mode: Mode, point):
    """What is positive as long as nothing happens: (unit, None, z·side); (unit, the side it leaves
    to, what of λ_s keeps θ_s within that bound).
    """
    for each, side in mode.sides.items():
        if side and not point.is_silent(each):
            yield each, None, point.z(each) * side
    for each, pull in zip(mode.field.sliding, point.pulls):
        signal = point.signals[each]
        sign = 1 if mode.every or coefficients(signal)[0] < 0 else -1
        yield each, ABOVE, (pull - signal) * sign
        yield each, BELOW, (signal * mode.kinked.slope(each, BELOW) - pull) * sign


def _spread(mode: Mode, at: np.ndarray, unit, side) -> float:
    """‖∇φ‖₁ of what becomes 0."""
    duals = [Dual(ball(float(x)), {k: Ball(1)}) for k, x in enumerate(at)]
    for each, own, value in _watched(mode, mode.field.at(duals)):
        if each == unit and own == side:
            return sum(abs(float(t)) for t in getattr(value, "t", {}).values())
    return 0.0


def _first_root(c: np.ndarray, longest: float, leaves: bool) -> float | None:
    """The first time at which Σ c_k t^k turns negative; where a unit leaves its kink, after it was
    positive.
    """
    times = longest * np.linspace(0, 1, SAMPLES + 1)
    values = np.polynomial.polynomial.polyval(times, c)
    positive = not leaves
    for k in range(1, len(times)):
        if values[k] > 0:
            positive = True
        elif positive:
            low, high = float(times[k - 1]), float(times[k])
            for _ in range(60):
                middle = (low + high) / 2
                inside = np.polynomial.polynomial.polyval(middle, c) > 0
                low, high = (middle, high) if inside else (low, middle)
            return high
    return None


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
        if path.mode.stays(found.box):
            return path.longer(found), wait
        ahead *= 2
    if path.steps and path.mode.stays(path.steps[-1].box):
        return path, change.time
    raise NotProved("events that follow each other at once")


def _through(path: Path, wait: float, change: Change, at: np.ndarray) -> Path:
    """The flow just after an event that follows so soon, where all is certain again."""
    mode, sides = path.mode, _settled(path, change, at)
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


def _widened(point: list[Ball]) -> list[Ball]:
    """Near a point, where only what is 0 by construction is 0."""
    return [each + Ball(-1, 1, -60) for each in point]


def _around(path: Path) -> list[Ball]:
    around = ball(1.01) * path.error * Ball(-1, 1)
    return [each + around for each in path.start]


def _settled(path: Path, change: Change, at: np.ndarray) -> dict:
    """The sides after an event: a unit crosses if ż keeps its direction there, and slides if not;
    one whose θ comes to a bound leaves.
    """
    mode, kinked, point = path.mode, path.kinked, exactly(at)
    sides, together = dict(mode.sides), (change.unit, *change.others)
    if change.side is not None:
        signal = abs(float(mode.field.at(point).signals[change.unit]))
        if signal < VANISHES * float(np.linalg.norm(at)):
            raise NotProved(BRANCHES)
        sides[change.unit] = change.side
    else:
        sides |= {each: -mode.sides[each] for each in together if mode.sides[each]}
        after = kinked.field(sides).at(_widened(point))
        for each in together:
            if mode.sides[each] and not _goes_on(after, each, sides[each]):
                if change.others:
                    raise NotProved("several units come to their kinks at once")
                sides[each] = SLIDING
    for _ in kinked.units:
        left = _leaving(kinked, sides, point)
        if not left:
            break
        sides |= left
    return _silenced(kinked, mode.sides, sides, point)


def _goes_on(after, unit, side: int) -> bool:
    """Whether a unit goes on to a side, or rests there, or falls silent."""
    moves = after.moves(unit)
    return after.is_silent(unit) or is_nothing(moves) or float(moves) * side > 0


def _leaving(kinked: Kinked, sides: dict, point: list[Ball]) -> dict:
    """Sliding units whose θ is beyond a bound, and the sides they go to."""
    found, at = {}, kinked.field(sides).at(point)
    for each, pull in zip(at.field.sliding, at.pulls):
        signal, alpha = float(at.signals[each]), float(kinked.slope(each, BELOW))
        theta = float(pull) / signal if signal else math.nan
        if not alpha < theta < 1:
            found[each] = ABOVE if theta >= 1 else BELOW
    return found


def _silenced(kinked: Kinked, before: dict, sides: dict, point: list[Ball]) -> dict:
    """The sides, of units that fall silent the lower one. Raises NotProved where one is heard again."""
    near, found = _widened(point), dict(sides)
    old = kinked.field(before).at(near)
    for each in kinked.units:  # layer by layer
        is_silent = kinked.field(found).at(near).is_silent(each)
        if found[each] and is_silent:
            found[each] = BELOW
        elif old.is_silent(each) and not is_silent:
            raise NotProved("a unit that heard nothing is heard again")
    return found
