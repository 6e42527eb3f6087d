"""What there is to see of an instance: NCF flow, loss flows down a ladder of δ (theory §3, §4)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.stated import must_be
from ncfcheck.model.instance import Instance
from ncfcheck.theory.early.tracking import Departures, departures
from ncfcheck.theory.early.training import SMALL, window
from ncfcheck.theory.flow.trajectories import (
    NO_EVENT,
    Trajectory,
    loss_flow,
    ncf_flow,
    time_reaches,
)
from ncfcheck.theory.kkt.points import Limit, blowup_time, flow_limit

RUNGS, RATIO = 4, 4.0  # δ of the ladder, and from one to the next
BEYOND = 2.0  # how far past the blow-up time loss flows are followed
CALLS, LADDER_CALLS = 6000, 2000  # gradient calls of a flow of a picture, and on the ladder
TRACKING = 5  # rungs of the tracking error


@dataclass(frozen=True, eq=False)
class Portrait:
    """Flows of one instance.

    `losses` are pairs (δ, loss flow from δ·v_0); `limit` the KKT point the NCF flow tends to,
    `blowup` (lower bound, T*, upper bound) with inf for an upper bound that there is none of,
    `aligned` (T_ε, R_ε, ε), `tracking` the departures of loss flows from the NCF flow. What could
    not be found is None, with the reason in `missing`.
    """

    instance: Instance
    flow: Trajectory
    losses: tuple[tuple[float, Trajectory], ...]
    limit: Limit | None
    blowup: tuple[float, float, float] | None
    aligned: tuple[float, float, float] | None
    tracking: Departures | None
    missing: dict[str, str]

    @property
    def target(self) -> np.ndarray:
        """What alignment is measured to: the KKT point, or the NCF flow's last direction."""
        return self.limit.point.u if self.limit else self.flow.direction


def portrait(instance: Instance) -> Portrait:
    """The flows of an instance; what cannot be computed is left out with the reason.

    Raises TypeError for what is no instance.
    """
    must_be(Instance, "instance", instance, "Instance(problem, start) is one")
    numerics = replace(instance.numerics, calls=min(CALLS, instance.numerics.calls))
    instance = replace(instance, numerics=numerics)
    missing: dict[str, str] = {}

    def attempt(name, compute, *arguments):
        try:
            return compute(instance, *arguments)
        except (Inapplicable, Unresolved, FloatingPointError) as reason:
            missing[name] = str(reason)
            return None

    limit = attempt("limit", lambda each: flow_limit(each.ncf, each.start, each.numerics))
    if limit:
        flow = limit.trajectory
    else:
        flow = ncf_flow(instance.ncf, instance.start, numerics, NO_EVENT)
    blowup = attempt("blow-up", _blowup)
    aligned = attempt("alignment", _aligned, limit)
    tracking = attempt("tracking", departures, TRACKING)
    end = blowup[1] * BEYOND if blowup else float(flow.time[-1])
    radius = aligned[1] if aligned else max(1.0, math.exp(min(flow.log_norm.max(), 5.0)))
    losses = _ladder(instance, SMALL / radius, end)
    return Portrait(instance, flow, losses, limit, blowup, aligned, tracking, missing)


def _blowup(instance: Instance) -> tuple[float, float, float]:
    """(1/(D(D−2)N*), T*, 1/(D(D−2)N(v_0)))."""
    order, value = instance.network.order, instance.ncf.value(instance.start)
    if order <= 2:
        raise Inapplicable("no blow-up at D = 2")
    found = blowup_time(instance.ncf, instance.start, instance.numerics)
    time, optimum = (each.value for each in found)
    rate = order * (order - 2)
    return 1 / (rate * optimum), time, 1 / (rate * value) if value > 0 else math.inf


def _aligned(instance: Instance, limit: Limit | None) -> tuple[float, float, float]:
    """(T_ε, R_ε, ε)."""
    if limit is None or limit.point.value <= 0 or 1 - instance.start @ limit.point.u <= 1e-9:
        raise Inapplicable("the NCF flow does not turn towards a positive KKT point")
    found = window(instance, limit, instance.fraction)
    return found.time, found.radius, found.epsilon


def _ladder(instance: Instance, delta: float, end: float) -> tuple[tuple[float, Trajectory], ...]:
    """Loss flows up to time `end` for RUNGS values of δ, the largest first, as far as each goes."""
    if not (math.isfinite(end) and end > 0):
        return ()

    numerics = replace(instance.numerics, calls=min(LADDER_CALLS, instance.numerics.calls))

    def flow(delta: float) -> Trajectory:
        return loss_flow(instance.problem, instance.start, delta, numerics, time_reaches(end))

    return tuple((each, flow(each)) for each in (delta * RATIO**-i for i in range(RUNGS)))
