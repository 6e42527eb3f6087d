"""Tubes around flows, found in floats: a polynomial, a radius and a growth for every step, such
that the verifier's bounds hold (theory §3, §4, §9).

The verifier bounds errors of a step by ‖q̇ − f(q)‖ and by the eigenvalues of Df about the curve q
(`ncfcheck.verifier.tubes`). Both are computed here as it will, rounded, with room left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ncfcheck.certify.certificate import NotProved, check_time, hexadecimal, need
from ncfcheck.certify.curves import Curves
from ncfcheck.certify.fields import ORDER, Field
from ncfcheck.certify.spans import Span, is_below

LARGEST, STEPS = 18, 400  # weights of a network, and steps of a flow
DEFECT = 2.0**-46  # of a polynomial, per step, in units of ‖u‖
ROUNDING = 2.0**-52  # of its coefficients, in the same units
STRETCH = 0.5  # h·μ at most
SLACK = 16.0  # radius of a tube in units of the error that was found
UNBOUNDED = "the eigenvalues of the Jacobian are not bounded"


@dataclass(frozen=True)
class Step:
    """A solution stays within `radius` of Σ c_k τ^k, τ = (t − time)/duration ∈ [0, 1];
    `coefficients` (k, P).

    `growth` is μ; `error` about the distance at the end of the step.
    """

    time: float
    duration: float
    coefficients: np.ndarray
    growth: float
    radius: float
    error: float

    @property
    def end(self) -> np.ndarray:
        """The polynomial at the end of the step, (P,)."""
        return self.coefficients.sum(axis=0)

    def plain(self) -> dict:
        """What the verifier needs."""
        curve = [hexadecimal(each) for each in self.coefficients]
        return {
            "duration": self.duration.hex(),
            "growth": self.growth.hex(),
            "radius": self.radius.hex(),
            "curve": curve,
        }


@dataclass(frozen=True)
class Tube:
    """Steps one after another, from time 0."""

    steps: tuple[Step, ...]

    @property
    def time(self) -> float:
        """Where the last step ends."""
        return self.steps[-1].time + self.steps[-1].duration

    def at(self, t: float) -> np.ndarray:
        """The curve at a time, (P,)."""
        step = next((each for each in self.steps if t <= each.time + each.duration), self.steps[-1])
        tau = min(max((t - step.time) / step.duration, 0.0), 1.0)
        return np.polynomial.polynomial.polyval(tau, step.coefficients)

    def plain(self) -> list[dict]:
        """What the verifier needs."""
        return [each.plain() for each in self.steps]


def need_small(size: int) -> None:
    """Raise NotProved for networks of more weights than flows are enclosed of."""
    if size > LARGEST:
        raise NotProved(f"more than {LARGEST} weights: the flow is not enclosed")


def enclose(
    field: Field,
    start: np.ndarray,
    error: float,
    is_over: Callable[[Step], bool],
    time: float = math.inf,
) -> Tube:
    """The tube of all solutions that start within `error` of start, to the first step that is_over,
    or to the time.

    Raises NotProved where it cannot be had, and for more than LARGEST weights.
    """
    need_small(start.size)
    need(field.problem.network.has_lipschitz_gradient, "∇N jumps at a kink of p = 1")
    steps: list[Step] = []
    now, at, duration = 0.0, start.astype(float), math.inf
    while len(steps) < STEPS:
        check_time()
        step = _step(field, now, at, error, min(duration, time - now))
        steps.append(step)
        now, at, duration = now + step.duration, step.end, 4 * step.duration
        error = step.error + 4 * np.finfo(float).eps * float(np.abs(at).sum())
        if now >= time or is_over(step):
            return Tube(tuple(steps))
    raise NotProved(f"the flow takes more than {STEPS} steps")


def _step(field: Field, now: float, at: np.ndarray, error: float, longest: float) -> Step:
    """One step, as long as its polynomial and the growth of errors allow."""
    series = field.series(at)
    size = float(np.linalg.norm(at))
    duration = min(longest, _reach(series, size))
    for _ in range(60):
        check_time()
        # A time that is a sum of these is exact.
        duration = _rounded(duration) if duration < longest else duration
        with np.errstate(all="ignore"):  # what is not finite bounds nothing
            found = _tried(field, now, duration, series, size, error)
        if found is not None:
            return found
        duration /= 2
    raise NotProved("steps become too short: a kink, or a flow that cannot be enclosed")


def _reach(series: np.ndarray, size: float) -> float:
    """How far the polynomial is good to DEFECT, by its last coefficients."""
    sizes = {k: float(np.abs(series[k]).sum()) for k in (ORDER - 1, ORDER)}
    reaches = [(DEFECT / 16 * size / each) ** (1 / k) for k, each in sizes.items() if each > 0]
    speed = float(np.linalg.norm(series[1]))
    return min([*reaches, size / speed if speed else math.inf])


def _rounded(duration: float) -> float:
    """The duration rounded down to 20 bits."""
    mantissa, exponent = math.frexp(duration)
    return math.ldexp(math.floor(mantissa * 2**20), exponent - 20)


def _tried(
    field: Field, now: float, duration: float, series: np.ndarray, size: float, error: float
) -> Step | None:
    """The step of this duration if its tube seems to hold every solution, None if not."""
    if not duration < math.inf:
        raise NotProved("the flow does not move")
    coefficients = series * duration ** np.arange(len(series))[:, None]
    f, q = field.curve(coefficients), Curves(coefficients.T, np.zeros(coefficients.shape[1]))
    rate = np.zeros(q.c.shape)
    rate[:, :-1] = q.c[:, 1:] * np.arange(1, len(series))
    defect = float((abs(rate - duration * f.c).sum(axis=-1) + duration * f.r).sum())
    if not defect < DEFECT * size:
        return None
    defect += ROUNDING * size
    radius = SLACK * (error + defect)
    low, high = q.ends
    growth = _growth(field, Span(low - radius, high + radius))
    stretch = duration * growth
    if not stretch < STRETCH:
        return None
    factor = 1 + stretch + stretch * stretch
    after = error * factor + defect * max(factor, 1.0)
    if not (error + defect) * max(factor, 1.0) < radius / 2:
        return None
    return Step(now, duration, coefficients, growth, radius, after)


def _growth(field: Field, box: Span) -> float:
    """A bound on the eigenvalues of Df over a box, a little above the least that there seems."""
    _, slopes = field.box(box)
    middle, width = (slopes.lo + slopes.hi) / 2, (slopes.hi - slopes.lo) / 2
    if not (np.isfinite(middle).all() and np.isfinite(width).all()):
        raise NotProved(UNBOUNDED)
    spread = float(np.linalg.norm(width, 2)) + 1e-6 * float(np.linalg.norm(middle, 2))
    top = float(np.linalg.eigvalsh((middle + middle.T) / 2).max())
    for _ in range(20):
        bound = top + 2 * spread
        if is_below(slopes, bound):
            return bound
        spread = 2 * spread + 1e-300
    raise NotProved(UNBOUNDED)
