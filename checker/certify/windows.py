"""The NCF flow in a tube, until aligned with the KKT point it tends to (theory §3, §4, §9)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ncfcheck.certify.boxes import Found, filled, found_near
from ncfcheck.certify.certificate import NotProved, check_time, hexadecimal
from ncfcheck.certify.fields import Field
from ncfcheck.certify.flows import Tube, enclose, need_small
from ncfcheck.certify.spans import Span, is_below
from ncfcheck.theory.starts import unit

# Distances tried from within which a KKT point attracts.
REACHES = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3)
ROOM = 1e-6  # share of the reach that is left to rounding
MARGIN = 0.9  # share of the reach that a flow has to come within
# Width of the brackets of T_ε, in units of ε, and of R_ε, relative, besides that of tubes.
WITHIN = 1e-9
LOOSE = 1e-3  # the same of an R_ε that is not the norm at T_ε
ERROR = 1e-15  # ‖v_0 − start‖ at most: starts are unit vectors to rounding


@dataclass(frozen=True)
class Attractor:
    """A KKT point θ (P,) of the whole network, boxed; sphere flows seem to tend to it from `reach`
    away.
    """

    found: Found
    theta: np.ndarray
    reach: float

    @property
    def cosine(self) -> float:
        """The cosine with θ of what is within MARGIN of the reach."""
        return 1 - (MARGIN * self.reach) ** 2 / 2


def attractor(instance, found: Found, reaches=REACHES) -> Attractor:
    """The KKT point with the largest reach that the verifier seems to allow. Raises NotProved."""
    if not found.point.value > 0:
        raise NotProved("N > 0 does not hold at the point")
    field, theta = Field(instance.problem), filled(instance.network, found)
    lift = abs(found.point.value) * instance.network.order**2
    for reach in reaches:
        check_time()
        if _attracts(field, theta, reach * (1 + ROOM), lift):
            return Attractor(found, theta, reach)
    raise NotProved("the KKT point seems not to attract what is near: no strict maximum, or a kink")


def _attracts(field: Field, theta: np.ndarray, reach: float, lift: float) -> bool:
    """Whether −∇²N + ⟨∇N(v), v⟩ seems positive across v for every v within reach of θ."""
    v = Span(theta - reach, theta + reach)
    gradient, slopes = field.box(v)
    along = gradient * v
    return is_below(slopes, Span(along.lo.sum(), along.hi.sum()), v, lift)


@dataclass(frozen=True)
class Approach:
    """The NCF flow from v_0 to within reach of the KKT point; T_ε, R_ε in brackets, given an ε."""

    attractor: Attractor
    tube: Tube
    epsilon: float | None
    times: tuple[float, ...] = ()
    norms: tuple[float, ...] = ()

    def plain(self) -> dict:
        """What the verifier needs."""
        found = {
            "limit": self.attractor.found.plain(),
            "reach": self.attractor.reach.hex(),
            "ncf": self.tube.plain(),
        }
        if self.epsilon is None:
            return found
        return found | {
            "epsilon": self.epsilon.hex(),
            "times": hexadecimal(self.times),
            "norms": hexadecimal(self.norms),
        }


def approach(
    instance, u: np.ndarray, epsilon: float | None, norm: float = 0.0, gap: float = math.inf
) -> Approach:
    """The NCF flow of the instance to the KKT point near u, to a norm and 1 − N(v)/N* < gap, and
    its window of ε.

    Raises NotProved.
    """
    need_small(u.size)
    ncf, goal = instance.ncf, attractor(instance, found_near(instance.network, instance.ncf, u))
    cosine, best = max(goal.cosine, 1 - (epsilon or 1.0) * (1 - 1e-3)), ncf.value(goal.theta)

    def is_over(step) -> bool:
        near = cosine_of(step.end, goal.theta) > cosine and np.linalg.norm(step.end) > norm
        return near and 1 - ncf.value(unit(step.end)) / best < gap

    tube = enclose(Field(instance.problem), instance.start, ERROR, is_over)
    found = Approach(goal, tube, epsilon)
    return found if epsilon is None else bracketed(found)


def bracketed(found: Approach) -> Approach:
    """The same with T_ε and R_ε in brackets."""
    tube, theta = found.tube, found.attractor.theta
    radius = max(step.radius / float(np.linalg.norm(step.end)) for step in tube.steps)
    width = WITHIN * found.epsilon + 4 * radius
    times = tuple(_first_aligned(tube, theta, 1 - found.epsilon + side * width) for side in (-1, 1))
    first, *norms, last = (
        float(np.linalg.norm(tube.at(t)))
        for t in (times[0], *np.linspace(0, times[1], 400), times[1])
    )
    rising = max(norms) <= last
    largest = max(last, *norms) * (1 + 4 * radius + (WITHIN if rising else LOOSE))
    return replace(
        found, times=times, norms=(first * (1 - 4 * radius - WITHIN) if rising else 1.0, largest)
    )


def cosine_of(x: np.ndarray, u: np.ndarray) -> float:
    """⟨x, u⟩/(‖x‖‖u‖)."""
    return float(x @ u / (np.linalg.norm(x) * np.linalg.norm(u)))


def _first_aligned(tube: Tube, theta: np.ndarray, cosine: float) -> float:
    return first_time(tube, lambda x: cosine_of(x, theta) > cosine)


def first_time(tube: Tube, happens) -> float:
    """The first time at which happens(point of the curve), by ends of steps and bisection."""
    for step in tube.steps:
        if happens(step.end):
            low, high = step.time, step.time + step.duration
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (low, middle) if happens(tube.at(middle)) else (middle, high)
            return high
    raise NotProved("the flow does not come that far")
