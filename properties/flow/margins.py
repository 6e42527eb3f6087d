"""What claims about the NCF flow measure: bounds on its blow-up, drifts of balances (theory §3)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import repeat

import numpy as np

from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, worst
from ncfcheck.model.identities import equal, size_at, value_at
from ncfcheck.model.loss_functions import sizes
from ncfcheck.model.ncf import Problem
from ncfcheck.theory.flow.trajectories import (
    Stop,
    Trajectory,
    loss_flow,
    ncf_flow,
    norm_reaches,
    strayed,
)
from ncfcheck.theory.kkt.points import (
    Inertia,
    Limit,
    blowup_time,
    blowups_ahead,
)

CALLS = 6000  # of a flow along which balances are looked at; fewer where Python computes gradients
GAPS = 1e-1, 1e-6  # 1 − N(v)/N* where the rate of the blow-up is looked at


def agreed(fine: Margin, *looser: Margin) -> Margin:
    """The margin of a run, known as far as those of looser runs agree."""
    apart = max(abs(fine.value - each.value) for each in looser)
    return replace(fine, error=fine.error + apart)


def bracket(instance, initial_norm: float = 1.0) -> Margin:
    """Both bounds on T* from u(0) = c·v_0, c = initial_norm: u(t) = c ũ(c^{D−2} t), ũ from v_0."""
    order, value = instance.network.order, value_at(instance.ncf, instance.start)
    time, optimum = blowup_time(instance.ncf, instance.start, instance.numerics)
    scaled = order * (order - 2) / initial_norm ** (order - 2) * time
    parts = [(scaled * optimum - 1).margin()]
    if value.is_positive:
        parts.append((1 - scaled * value).margin())
    return worst(parts)


def rising(instance, flow: Trajectory) -> Margin:
    """N(v), as the rows of a flow tell it, never decreases."""
    rounding = max(instance.ncf.rounding(v)[0] for v in (flow.directions[0], flow.direction))
    steepest = np.maximum(flow.gradient_norm[:-1], flow.gradient_norm[1:])
    error = 2 * rounding + steepest * instance.numerics.tolerance
    slope = flow.gradient_norm * flow.residual**2
    predicted = np.diff(flow.sigma) * np.minimum(slope[:-1], slope[1:])
    # (Increase + 2 errors)/(least predicted one + 4 errors) ≥ ½ unless N falls by over an error.
    margins = (np.diff(flow.value) + 2 * error) / (predicted + 4 * error)
    k = int(np.argmin(margins))
    return Margin(float(margins[k]), float((error / (predicted + 4 * error))[k]))


def converges(limit: Limit, instance) -> Margin:
    """A flow comes to its limit, a KKT point; its norm grows or falls there by the sign of N."""
    point = limit.point
    if point.inertia is Inertia.ZERO:
        return Margin(1 - point.residual / 1e-6, point.residual_error / 1e-6, "zero KKT point")
    flow = limit.trajectory
    # ⟨∇N, v⟩/‖∇N‖, whose sign is that of d log r.
    ncf, v = instance.ncf, flow.direction
    # Through kinks ‖∇N‖ is that of the flow: of the subgradient of least norm.
    size = size_at(ncf, v) if flow.turns is None else Bounded(float(flow.gradient_norm[-1]))
    growth = instance.network.order * value_at(ncf, v) / size
    growth *= np.sign(point.value) if abs(value_at(ncf, point.u)).is_positive else math.nan
    # A flow that has not ended yet is still so far from a maximum that is nearly flat; past a
    # saddle, errors on the way decide how far on it is.
    left = flow.residual[-1] / -point.top_curvature if point.inertia is Inertia.MAXIMUM else 0.0
    off = instance.numerics.tolerance + 2 * left + limit.distance
    return worst(
        [
            Margin(1 - point.residual / 1e-9, point.residual_error / 1e-9),
            Margin(1 - limit.distance / 1e-2, off / 1e-2),
            Margin(growth.value, growth.error + instance.numerics.tolerance),
        ]
    )


def blowup_rates(limit: Limit, instance) -> list[Margin]:
    """(T* − t) r^{D−2} against 1/(D(D−2)N*), late along the flow and from its limit itself."""
    flow, order = limit.trajectory, instance.network.order
    optimum, parts, u = value_at(instance.ncf, limit.point.u), [], limit.point.u
    starts = [late_on(flow, optimum.value, gap) for gap in GAPS]
    blowups_ahead(instance.ncf, [*starts, u], instance.numerics)
    for start, gap in zip(starts, GAPS):
        time, _ = blowup_time(instance.ncf, start, instance.numerics)
        off = abs(order * (order - 2) * optimum * time - 1)
        parts.append((1 - off / (2 * gap)).margin())
    return [*parts, _at_the_point(instance, u)]


def late_on(flow: Trajectory, optimum: float, gap: float) -> np.ndarray:
    """Where 1 − N(v)/N* first is at most `gap`."""
    late = np.flatnonzero(1 - flow.value / optimum <= gap)
    if late.size == 0:
        raise Unresolved("the flow ended before N(v) came near N*")
    return flow.directions[late[0]]


def _at_the_point(instance, u: np.ndarray) -> Margin:
    """T* D(D−2)N(u) = 1 for the flow from a KKT point u."""
    order, (time, _) = instance.network.order, blowup_time(instance.ncf, u, instance.numerics)
    product = order * (order - 2) * value_at(instance.ncf, u) * time
    return equal(product.value, 1.0, product.error, 1.0)


def balancing(instance) -> float:
    """δ at which outputs at v_0 are as large as those that the loss, to second order, is least at;
    Inapplicable where they are all 0, Unresolved where they overflow.
    """
    outputs = float(np.abs(instance.problem.outputs(instance.start)).max())
    if outputs == 0:
        raise Inapplicable("H(X; v_0) = 0: the network is dead on the data")
    problem, ybar = instance.problem, float(np.abs(instance.ncf.ybar).max())
    curvature = float(sizes(problem.loss.curvature_at_zero(problem.y)).max())
    delta = (ybar / (curvature or 1.0) / outputs) ** (1 / instance.network.order)
    if not 0 < delta < np.inf:
        raise Unresolved("outputs at v_0, or labels, over- or underflow")
    return delta


def conserved(instance, balances) -> Margin:
    """balances(network, w), arrays of sums of squares of weights, stay constant along the NCF flow
    and the loss flow.
    """
    network = instance.network
    calls = CALLS if not instance.ncf.on_data.is_estimated else CALLS // 10
    numerics = replace(instance.numerics, calls=calls)
    delta, until = balancing(instance), norm_reaches(2.0)
    flow = ncf_flow(instance.ncf, instance.start, numerics, until)
    trained = loss_flow(instance.problem, instance.start, delta, numerics, until)
    # Of every weight's square in every balance: (P, balances).
    shares = np.array([np.concatenate(balances(network, each)) for each in np.eye(network.size)])
    labels = repeat(instance.ncf.ybar), _labels(instance.problem, trained, delta)
    return worst(_drift(instance, *each, shares) for each in zip((flow, trained), labels))


def _labels(problem: Problem, flow: Trajectory, delta: float) -> np.ndarray:
    """The labels, at every row of a flow from δ v_0, of the NCF whose gradient is that of the
    training loss there, (m, n, k_L): −ℓ', rounding of which leaves every balance as it is.
    """
    points = delta * np.exp(flow.log_norm)[:, None] * flow.directions
    return problem.loss.descent(np.array([problem.outputs(w) for w in points]), problem.y)


def _last(flow: Trajectory, values: np.ndarray) -> float:
    """The largest change of values (m, …) in a flow's last step, to which it is known where it ends
    unless that is at an event.
    """
    if flow.stop.is_event:
        return 0.0
    return float(np.abs(np.diff(values[-2:], axis=0)).max(initial=0.0))


def _drift(instance, flow: Trajectory, labels: Iterable[np.ndarray], shares: np.ndarray) -> Margin:
    """1 − largest drift of the balance in units of the largest ‖s‖² and a resolution of 10^-4."""
    if flow.stop is Stop.NOT_FINITE:
        raise Unresolved(flow.stop.value)
    norms = np.exp(flow.log_norm)
    values = (norms[:, None] * flow.directions) ** 2 @ shares
    drift = np.abs(values - values[0]).max() / norms.max() ** 2
    # Local errors of an invariant add up without growing; a factor for steps across kinks of ∇²H.
    astray = strayed(instance.ncf, labels, flow)
    error = (
        20 * instance.numerics.tolerance * len(norms)
        + 2 * astray
        + _last(flow, values) / norms.max() ** 2
    )
    return Margin(1 - drift / 1e-4, float(error) / 1e-4)
