"""What claims about flows through kinks measure (theory §11)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, worst
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.identities import equal, value_at
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Ncf
from ncfcheck.properties.flow.margins import GAPS, late_on, rising
from ncfcheck.properties.kinks.instances import beyond_branches
from ncfcheck.properties.kkt.theorems import layer_balance_at
from ncfcheck.theory.flow.ahead import ncf_flow_kept
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, ncf_flow, noise, norm_reaches
from ncfcheck.theory.kkt.clarke import clarke_error, clarke_residual
from ncfcheck.theory.kkt.points import KktPoint, Limit, positive_limit

ENDED = 1e-3  # a sin∠ far above that at which a flow ends
CLARKE = 1e-6  # what least squares for slopes at kinks are told apart to


def on_every_way(judge: Callable[[Instance], Margin], instance: Instance) -> Margin:
    """The worst margin on all ways on of a flow that branches, where the claim applies to one."""
    parts = []
    for each in beyond_branches(instance):
        try:
            parts.append(judge(each))
        except Inapplicable as reason:
            why = reason
    if not parts:
        raise why
    return worst(parts)


def rises(instance: Instance, flow: Trajectory) -> Margin:
    """N(v) never decreases, and N(u) rises at the rate ‖u̇‖², N as the network itself has it."""
    if len(flow.sigma) < 2:
        if flow.stop in (Stop.DEAD, Stop.CONVERGED, Stop.BRANCHED):
            raise Inapplicable(f"the flow does not move: {flow.stop.value}")
        raise Unresolved(f"NCF flow {flow.stop.value}")
    if flow.stop is Stop.NOT_FINITE or flow.norm == np.inf:
        raise Unresolved(f"NCF flow {flow.stop.value}")
    value = np.array([instance.ncf.value(v) for v in flow.directions])
    return worst([rising(instance, replace(flow, value=value)), steepest(instance, flow, value)])


def steepest(instance: Instance, flow: Trajectory, value: np.ndarray) -> Margin:
    """‖Δu‖² ≤ Δt·ΔN(u) between rows, by dN/dt = ‖u̇‖² and Cauchy–Schwarz: with half to spare.

    Rounding of t, of which little is left before a blow-up, is in the error.
    """
    order, ncf = instance.network.order, instance.ncf
    scale = np.exp(flow.log_norm[1:] - flow.log_norm[:-1])[:, None]
    ahead = scale * flow.directions[1:]  # u in units of its norm at the row before
    moved = np.sum((ahead - flow.directions[:-1]) ** 2, axis=1)
    # Times of u/r are those of u divided by r^{−(D−2)}.
    unit_time, grown = np.exp((order - 2) * flow.log_norm[:-1]), scale[:, 0] ** order
    lasted, gained = np.diff(flow.time) * unit_time, grown * value[1:] - value[:-1]
    tolerance, size = instance.numerics.tolerance, flow.gradient_norm[:-1] * grown
    rounding = max(ncf.rounding(v)[0] for v in (flow.directions[0], flow.direction))
    error = tolerance * (np.sqrt(moved) * grown + lasted * size) + 2 * lasted * grown * rounding
    error += 64 * EPS * flow.time[1:] * unit_time * np.abs(gained)
    # ≥ ¾ unless N(u) rises by too little by over an error.
    margins = (lasted * gained + 7 * error) / (moved + 8 * error) - 0.5
    bounds = error / (moved + 8 * error)
    k = int(np.argmin(margins))
    return Margin(float(margins[k]), float(bounds[k]))


def is_dead(ncf: Ncf, start: np.ndarray) -> bool:
    """Whether ∇N(v_0) is no more than rounding."""
    return float(np.linalg.norm(ncf.gradient(start))) <= ncf.rounding(start)[1]


def has_clarke_subgradient(instance: Instance, point: KktPoint) -> list[Margin]:
    """sin∠ of the nearest Clarke subgradient at a limit, by bounded least squares for the slopes;
    none where kinks of several layers meet there.
    """
    try:
        residual = clarke_residual(instance.ncf, point.u)
    except Unresolved:
        return []
    return [Margin(1 - residual / CLARKE, clarke_error(instance.ncf, point.u) / CLARKE)]


def ends_well(instance: Instance) -> Margin | None:
    """1 − sin∠/ENDED of the nearest Clarke subgradient where a flow takes that to have vanished;
    None where it does not, or kinks of several layers meet.
    """
    flow = ncf_flow_kept(instance.ncf, instance.start, instance.numerics)
    if flow.stop is not Stop.CONVERGED:
        return None
    try:
        residual = clarke_residual(instance.ncf, flow.direction)
    except Unresolved:
        return None
    return Margin(1 - residual / ENDED, clarke_error(instance.ncf, flow.direction) / ENDED)


def multiplier_there(instance: Instance, point: KktPoint) -> Margin:
    """λ = D·N(u), N as the network has it, and ‖W_l‖_F² = P_l/D, at the limit of a flow."""
    ncf, network = instance.ncf, instance.network
    expected, error = network.order * value_at(ncf, point.u), 4 * point.residual_error + 32 * EPS
    error = error * abs(point.multiplier) + expected.error
    own = equal(point.multiplier, expected.value, error, abs(point.multiplier))
    return worst([own, layer_balance_at(network, point)])


def blowup_rates(instance: Instance) -> list[Margin]:
    """(T* − t) r^{D−2} against 1/(D(D−2)N*) late along the flow, and r(t) from its limit itself."""
    limit = positive_limit(instance.ncf, instance.start, instance.numerics)
    late = [_rate(instance, limit, gap) for gap in GAPS]
    return [*late, _from_the_limit(instance, limit.point.u)]


def _rate(instance: Instance, limit: Limit, gap: float) -> Margin:
    """1 − |(T* − t) r^{D−2} D(D−2)N* − 1|/(2·gap) where 1 − N(v)/N* first is at most the gap."""
    ncf, order, numerics = instance.ncf, instance.network.order, instance.numerics
    optimum, passed = value_at(ncf, limit.point.u), limit.trajectory
    # Taken up there with r = 1, before times differ by no more than their rounding.
    flow = ncf_flow(ncf, late_on(passed, optimum.value, gap), numerics)
    if flow.stop is not Stop.CONVERGED:
        raise Unresolved(f"NCF flow from late on the way: {flow.stop.value}")
    unit = order * (order - 2) * optimum
    rest = math.exp(-(order - 2) * flow.log_norm[-1]) / unit
    short = abs(float(flow.value[-1]) / optimum - 1).size * rest.value
    product = (Bounded(float(flow.time[-1]), short) + rest) * unit
    way = float(1 + (order - 2) * flow.sigma[-1])
    lost = (numerics.tolerance + noise(ncf, flow)) * way
    return (1 - abs(product - Bounded(1.0, lost)) / (2 * gap)).margin()


def _from_the_limit(instance: Instance, u: np.ndarray) -> Margin:
    """From u itself the norm reaches 2 after (1 − 2^{−(D−2)})/(D(D−2)N(u))."""
    order, ncf = instance.network.order, instance.ncf
    flow = ncf_flow(ncf, u, instance.numerics, norm_reaches(2.0))
    if flow.stop is not Stop.ESCAPED:
        raise Unresolved(f"NCF flow from its limit: {flow.stop.value}")
    product = order * (order - 2) * value_at(ncf, u) * float(flow.time[-1])
    error = (instance.numerics.tolerance + noise(ncf, flow)) * (1 + order * flow.sigma[-1])
    return equal(product.value, 1 - 2.0 ** -(order - 2), product.error + error, 1.0)
