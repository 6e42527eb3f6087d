"""Steps of tubes around flows of fixed modes, in the verifier's own arithmetic (theory §9, §11)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ncfcheck.certify.certificate import NotProved, check_time, hexadecimal
from ncfcheck.certify.flows import DEFECT
from ncfcheck.verifier.boxes import is_below, slopes
from ncfcheck.verifier.numbers import Ball, ball
from ncfcheck.verifier.polynomials import Poly, poly

STRETCH = 0.5  # h·μ at most
ROOM = 1.05  # radius in units of what is needed
HALVINGS, LAST = 40, 1 - Fraction(1, 2**40)


@dataclass(frozen=True)
class Step:
    """A step of `duration` along Σ c_k τ^k; all that is enclosed ends within `error` of `end`."""

    duration: float
    coefficients: np.ndarray
    growth: float
    radius: float
    end: list[Ball]
    error: Ball

    @property
    def at_end(self) -> np.ndarray:
        """The curve at its end, (P,)."""
        return np.array([float(each) for each in self.end])

    @property
    def last_part(self) -> list[Poly]:
        """What the verifier looks at there: the last bit of the curve, and all around it."""
        around = ball(self.radius) * Ball(-1, 1)
        return [each.part(LAST, Fraction(1)) + around for each in curves(self.coefficients)]

    def plain(self) -> dict:
        """What the verifier needs."""
        return {
            "duration": self.duration.hex(),
            "growth": self.growth.hex(),
            "radius": self.radius.hex(),
            "curve": [hexadecimal(each) for each in self.coefficients],
        }


def curves(coefficients: np.ndarray) -> list[Poly]:
    """The verifier's curves of coefficients (K, P)."""
    return [Poly([poly(float(a)).c[0] for a in column]) for column in coefficients.T]


def reach(series: np.ndarray) -> float:
    """How far a Taylor polynomial (K, P) is good to DEFECT, by its last coefficients."""
    size, last = float(np.linalg.norm(series[0])), len(series) - 1
    sizes = {k: float(np.abs(series[k]).sum()) for k in (last - 1, last)}
    reaches = [(DEFECT / 16 * size / each) ** (1 / k) for k, each in sizes.items() if each > 0]
    speed = float(np.linalg.norm(series[1]))
    return min([*reaches, size / speed if speed else math.inf])


def step(field, start, error, series: np.ndarray, longest: float) -> Step:
    """The longest step that seems to hold all solutions from within `error` of start. Raises
    NotProved.
    """
    duration = longest
    for _ in range(HALVINGS):
        check_time()
        found = _tried(field, start, error, series, duration)
        if found is not None:
            return found
        duration /= 2
    raise NotProved("steps become too short: a flow that cannot be enclosed")


def _tried(field, start, error, series: np.ndarray, duration: float) -> Step | None:
    """The step of this duration if its tube holds every solution, None if not."""
    if not 0 < duration < math.inf:
        raise NotProved("the flow does not move, or an event follows at once")
    coefficients = series * duration ** np.arange(len(series))[:, None]
    q = curves(coefficients)
    first = sum((abs(a - each.at(Ball(0))) for a, each in zip(start, q)), error)
    h, size = ball(duration), float(np.linalg.norm(series[0]))
    gaps = [(each.derivative - f * h).bound for each, f in zip(q, field(q))]
    defect = sum(gaps, Ball(0))
    if not float(defect.upper) < DEFECT * size:
        return None
    off = float((first + defect).upper)
    growth = _growth(field, [each.range + ball(4 * off) * Ball(-1, 1) for each in q])
    stretch = ball(growth) * h
    if not stretch < STRETCH:
        return None
    factor = 1 + stretch + stretch * stretch
    larger = factor.hull(Ball(1))
    radius = ROOM * float(((first + defect) * larger).upper)
    after = first * factor + defect * larger
    end = [each.at(Ball(1)) for each in q]
    return Step(duration, coefficients, growth, radius, end, after.upper)


def _growth(field, box: list[Ball]) -> float:
    """A bound on the eigenvalues of the symmetric part of Df over a box, a little above the least
    that there seems.
    """
    H = slopes(field, box)
    middle = np.array([[float(each) for each in row] for row in H])
    width = np.array([[float(each.upper) for each in row] for row in H]) - middle
    middle = (middle + middle.T) / 2
    spread = float(np.linalg.norm(width, 2)) + 1e-6 * float(np.linalg.norm(middle, 2))
    top = float(np.linalg.eigvalsh(middle).max())
    for _ in range(10):
        bound = top + 2 * spread
        if is_below(H, bound):
            return bound
        spread = 2 * spread + 1e-300
    raise NotProved("the eigenvalues of the Jacobian are not bounded")
