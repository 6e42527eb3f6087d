"""The NCF flow in a tube, until aligned with the KKT point it tends to (theory §3, §4, §9)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from flint import arb

from ncfcheck.certify.boxes import Found, found_near
from ncfcheck.certify.certificate import NotProved, check_time, hexadecimal
from ncfcheck.certify.flows import RingField, Tube, enclose, need_small
from ncfcheck.certify.krawczyk import defects, is_below
from ncfcheck.certify.rings import Balls, precision
from ncfcheck.certify.system import System, dot
from ncfcheck.theory.starts import unit

BITS = 128  # of balls
# Distances tried from within which a KKT point attracts.
REACHES = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3)
CONTRACTION = 0.8  # of the Krawczyk operator over a box of which the verifier needs 1
MARGIN = 0.9  # share of the reach that a flow has to come within
# Width of the brackets of T_ε, in units of ε, and of R_ε, relative, besides that of tubes.
WITHIN = 1e-9
LOOSE = 1e-3  # the same of an R_ε that is not the norm at T_ε
ERROR = 1e-15  # ‖v_0 − start‖ at most: starts are unit vectors to rounding


@dataclass(frozen=True)
class Attractor:
    """A KKT point θ (P,) of the whole network, boxed; sphere flows tend to it from `reach` away."""

    found: Found
    theta: np.ndarray
    reach: float

    @property
    def cosine(self) -> float:
        """The cosine with θ of what is within MARGIN of the reach."""
        return 1 - (MARGIN * self.reach) ** 2 / 2


def filled(network, found: Found) -> np.ndarray:
    """The centre of a box as weights of the whole network, zeros for silent neurons, (P,)."""
    pruned, out = found.pruned, network.matrices(np.zeros(network.size))
    small = pruned.network.matrices(np.array(found.box.centre[: pruned.theta.size]))
    kept = [range(network.widths[0]), *pruned.active, range(network.widths[-1])]
    for whole, part, rows, columns in zip(out, small, kept[1:], kept):
        whole[np.ix_(rows, columns)] = part
    return network.flatten(out)


def attractor(instance, u: np.ndarray, reaches=REACHES) -> Attractor:
    """The exact KKT point near u with the largest reach that is proved. Raises NotProved."""
    found = found_near(instance.network, instance.ncf, u)
    if not found.value > 0:
        raise NotProved("N > 0 is not proved")
    theta = filled(instance.network, found)
    for reach in reaches:
        check_time()
        if _attracts(RingField(instance.problem), theta, reach * (1 + 1e-6)):
            return Attractor(found, theta, reach)
    raise NotProved(
        "the KKT point is not proved to attract what is near: no strict maximum, or a kink"
    )


def _attracts(field: RingField, theta: np.ndarray, reach: float) -> bool:
    """Whether −∇²N + ⟨∇N(v), v⟩ is positive across v for every v within reach of θ."""
    v, order = [arb(float(each), reach) for each in theta], field.problem.network.order
    radial = dot(field.at(Balls, v).gradient, v)
    lift = abs(field.at(Balls, list(map(float, theta))).value) * order**2
    return is_below(field.jacobian(v), radial, v, lift)


def is_alone(instance, found: Found, distance: float) -> bool:
    """Whether no other KKT point is that near: ‖I − Y·DF‖ < 1 over a box, F the KKT equations."""
    theta, ncf = filled(instance.network, found), instance.ncf
    system = System(instance.network, ncf.X, ncf.ybar, theta, scale=found.system.scale - 2)
    box = [arb(float(each), distance) for each in theta]
    J = system.jacobian([*box, instance.network.order * system.value(box)])
    Y = np.linalg.inv([[float(each.mid()) for each in row] for row in J])
    Y = Balls.matrix(len(J), len(J), [arb(float(each)) for each in Y.ravel()])
    return all(each < CONTRACTION for each in defects(Y, J))


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
    with precision(BITS):
        goal = attractor(instance, u)
        cosine = max(goal.cosine, 1 - (epsilon or 1.0) * (1 - 1e-3))

        def is_over(step) -> bool:
            near = cosine_of(step.end, goal.theta) > cosine and np.linalg.norm(step.end) > norm
            return (
                near
                and 1 - instance.ncf.value(unit(step.end)) / instance.ncf.value(goal.theta) < gap
            )

        found = Approach(
            goal, enclose(RingField(instance.problem), instance.start, ERROR, is_over), epsilon
        )
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
