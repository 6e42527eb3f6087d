"""What happens first along a flow of a fixed mode, and the sides that units are on afterwards, in
floats (theory §11).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ncfcheck.certify.boxes import exactly
from ncfcheck.certify.certificate import NotProved
from ncfcheck.certify.mode_series import Series, coefficients
from ncfcheck.verifier.mode_tubes import Mode
from ncfcheck.verifier.modes import ABOVE, BELOW, SLIDING, Kinked, is_nothing
from ncfcheck.verifier.numbers import Ball, Dual, ball

SAMPLES = 48  # points of a step at which events are looked for
TOGETHER = 1e-9  # relative: times that rounding does not tell apart
VANISHES = 1e-7  # share of what flows back to a unit at which it branches
BRANCHES = "the flow branches: nothing flows back to a sliding unit"


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


def moved(series: np.ndarray, time: float) -> np.ndarray:
    """The Taylor polynomial at a time, (P,)."""
    return np.polynomial.polynomial.polyval(time, series)


def first_change(mode: Mode, series: np.ndarray, longest: float) -> Change | None:
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
    spread = _spread(mode, moved(series, time), unit, side)
    return Change(time, unit, tuple(other[1] for other in others), side, rate, spread)


def _watched(mode: Mode, point):
    """What is positive as long as nothing happens: (unit, None, z·side); (unit, the side it leaves
    to, what of λ_s keeps θ_s within that bound).
    """
    for each, side in mode.sides.items():
        if side and not point.is_silent(each):
            yield each, None, point.z(each) * side
    point = point if mode.every else point.scaled()
    for each, pull in zip(mode.field.sliding, point.pulls):
        signal = point.signals[each]
        sign = 1 if mode.every or float(coefficients(signal)[0]) < 0 else -1
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


def settled(mode: Mode, change: Change, at: np.ndarray) -> dict:
    """The sides after an event: a unit crosses if ż keeps its direction there, and slides if not;
    one whose θ comes to a bound leaves.
    """
    kinked, point = mode.kinked, exactly(at)
    sides, together = dict(mode.sides), (change.unit, *change.others)
    if change.side is not None:
        signal = abs(float(mode.field.at(point).signals[change.unit]))
        if signal < VANISHES * float(np.linalg.norm(at)):
            raise NotProved(BRANCHES)
        sides[change.unit] = change.side
    else:
        sides |= {each: -mode.sides[each] for each in together if mode.sides[each]}
        after = kinked.field(sides).at(widened(point))
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
    """The sides, units that fall silent below. Raises NotProved where one is heard again."""
    near, found = widened(point), dict(sides)
    old = kinked.field(before).at(near)
    for each in kinked.units:  # layer by layer
        is_silent = kinked.field(found).at(near).is_silent(each)
        if found[each] and is_silent:
            found[each] = BELOW
        elif old.is_silent(each) and not is_silent:
            raise NotProved("a unit that heard nothing is heard again")
    return found


def widened(point: list[Ball]) -> list[Ball]:
    """Near a point, where only what is 0 by construction is 0."""
    return [each + Ball(-1, 1, -60) for each in point]
