"""What claims about networks of order 2 measure: growth, and what is compared (theory §11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, worst
from ncfcheck.core.tolerances import EPS, HANDOVER, RESOLUTION, Numerics
from ncfcheck.model.ncf import Ncf, norm
from ncfcheck.theory.flow.ahead import ncf_flow_kept
from ncfcheck.theory.flow.kinks.flows import Mode
from ncfcheck.theory.flow.trajectories import (
    Stop,
    Trajectory,
    continuations,
    ncf_flow,
    noise,
    time_reaches,
)
from ncfcheck.theory.kkt.points import Inertia, Limit

MOST = 32  # ways on from branches that are followed
STEPS = 20.0  # local errors that a step may add to log r − 2Nt, some across kinks
# Times at which norms are asked for, in units of the time that the direction takes to its limit.
ASKED = 1 / 3, 1.25
BRANCHED = "the NCF flow branches: two solutions go on from where it slides off a kink"


def way(instance) -> Trajectory:
    """The NCF flow from v_0 as far as it can be followed. Raises Inapplicable for a dead start."""
    ncf, start = instance.ncf, instance.start
    if norm(ncf.gradient(start)) <= ncf.rounding(start)[1]:
        raise Inapplicable("∇N(v_0) is no more than rounding")
    flow = ncf_flow_kept(ncf, start, instance.numerics)
    if flow.stop is Stop.NOT_FINITE:
        raise Unresolved(f"NCF flow {flow.stop.value}")
    return flow


def further(ncf: Ncf, flow: Trajectory, numerics: Numerics) -> list[Trajectory]:
    """All ways on from where a flow branches, and from where these do; Unresolved beyond MOST."""
    found, at = [], [flow]
    while at:
        ways = continuations(at.pop(), ncf, numerics)
        found += ways
        at += ways
        if len(found) > MOST:
            raise Unresolved("the flow branches again and again")
    return found


def unbranched(instance) -> None:
    """Raise Inapplicable where the NCF flow from v_0 branches."""
    if way(instance).stop is Stop.BRANCHED:
        raise Inapplicable(BRANCHED)


@dataclass(frozen=True, eq=False)
class Growth:
    """log r − 2N(v_0)t and 2N*t − log r at times of an NCF flow from norm 1, (m,) both; what they
    add up to, and what they may be off by.
    """

    lower: np.ndarray
    upper: np.ndarray
    unit: np.ndarray
    error: np.ndarray

    def margin(self, apart: float = 0.0) -> Margin:
        """The less of both in units of their sum, at the worst row. Where it is below 0 by no more
        than its error the margin is above its own: (x + 2 errors)/(unit + 4 errors).
        """
        error = self.error + apart
        unit = self.unit + 4 * error
        values = (np.minimum(self.lower, self.upper) + 2 * error) / unit
        k = int(np.argmin(values - error / unit))
        return Margin(float(values[k]), float((error / unit)[k]))

    def apart(self, other: Growth) -> float:
        """How far those at the last time are from those of another run."""
        ends = ((self.lower, other.lower), (self.upper, other.upper))
        return max(abs(float(one[-1] - two[-1])) for one, two in ends)


def settled(ncf: Ncf, limit: Limit, numerics: Numerics) -> Margin:
    """That a flow tends to a KKT point of Clarke's, and that the norm grows there if N > 0 and
    falls if N < 0.
    """
    point, flow = limit.point, limit.trajectory
    if point.inertia is Inertia.ZERO:
        share = _least(ncf, flow) / (flow.gradient_norm[0] or 1.0)
        return Margin(1 - share / HANDOVER, share / HANDOVER, "zero KKT point")
    # A flow that has not ended yet is still so far from a maximum that is nearly flat.
    left = flow.residual[-1] / -point.top_curvature if point.inertia is Inertia.MAXIMUM else 0.0
    off = numerics.tolerance + 2 * left + limit.distance
    return worst(
        [
            Margin(1 - point.residual / RESOLUTION, point.residual_error / RESOLUTION),
            Margin(1 - limit.distance / 1e-2, off / 1e-2),
            ending(ncf, flow, np.sign(point.value)),
        ]
    )


def ending(ncf: Ncf, flow: Trajectory, sign: float) -> Margin:
    """d log r/dσ at a flow's end, times the sign that it is to have: 2N(v)/‖ḡ‖."""
    growth = sign * 2 * flow.value[-1] / flow.gradient_norm[-1]
    return Margin(growth, 2 * ncf.rounding(flow.direction)[0] / flow.gradient_norm[-1] + EPS)


def _least(ncf: Ncf, flow: Trajectory) -> float:
    """The norm of the subgradient of least norm where a flow has ended."""
    if flow.turns is None:
        return float(flow.gradient_norm[-1])
    return norm(Mode.of(ncf, flow.turns.modes[-1], flow.direction).gradient(flow.direction)[1])


def growth(ncf: Ncf, flow: Trajectory, numerics: Numerics, late: float) -> Growth:
    """That of every row of a flow but the first; N* is `late`."""
    first, log_r, t = float(flow.value[0]), flow.log_norm[1:], flow.time[1:]
    if not t.size:
        raise Inapplicable(f"the flow does not move: {flow.stop.value}")
    rounding = max(ncf.rounding(v)[0] for v in (flow.directions[0], flow.direction))
    # Every step goes on from where it is, on a flow along which N rises; rounding of ∇N adds up.
    largest = 2 * max(abs(first), abs(late)) * t
    steps = STEPS * numerics.tolerance * np.arange(1, t.size + 1)
    rounded = noise(ncf, flow) * (flow.sigma[1:] + largest) + 2 * rounding * t
    error = (steps + 64 * EPS) * (1 + largest) + rounded
    unit = 2 * max(late - first, 0.0) * t
    return Growth(log_r - 2 * first * t, 2 * late * t - log_r, unit, error)


def grown(ncf: Ncf, flow: Trajectory, numerics: Numerics) -> Margin:
    """2N(v_0)t ≤ log r ≤ 2N*t at every row of an NCF flow from norm 1.

    N* is the last N(v), which no later one is below.
    """
    return growth(ncf, flow, numerics, float(flow.value[-1])).margin()


def grown_at(instance, time: float, late: float) -> Margin:
    """The same at one time that is asked for, known as far as three runs agree; `late` is an N that
    the flow comes to, if not by then.
    """
    found = []
    for numerics in instance.numerics.runs():
        flow = ncf_flow(instance.ncf, instance.start, numerics, time_reaches(time))
        if not flow.stop.is_event:
            raise Unresolved(f"NCF flow to a time: {flow.stop.value}")
        late = max(late, float(flow.value[-1]))
        found.append(growth(instance.ncf, flow, numerics, late))
    return found[0].margin(max(map(found[0].apart, found[1:])))
