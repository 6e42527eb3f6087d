"""What claims about the NCF flow measure: bounds on its blow-up, drifts of balances (theory §3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, worst
from ncfcheck.model.identities import value_at
from ncfcheck.model.ncf import Ncf
from ncfcheck.theory.flow.trajectories import (
    Stop,
    Trajectory,
    loss_flow,
    ncf_flow,
    norm_reaches,
    strayed,
)
from ncfcheck.theory.kkt.points import blowup_time

GAPS = 1e-1, 1e-6  # 1 − N(v)/N* where the rate of the blow-up is looked at


def bracket(instance, initial_norm: float = 1.0) -> Margin:
    """Both bounds on T* from u(0) = c·v_0, c = initial_norm: u(t) = c ũ(c^{D−2} t), ũ from v_0."""
    order, value = instance.network.order, value_at(instance.ncf, instance.start)
    time, optimum = blowup_time(instance.ncf, instance.start, instance.numerics)
    scaled = order * (order - 2) / initial_norm ** (order - 2) * time
    parts = [(scaled * optimum - 1).margin()]
    if value.is_positive:
        parts.append((1 - scaled * value).margin())
    return worst(parts)


def balancing(instance) -> float:
    """δ at which outputs at v_0 are as large as the labels; Inapplicable where they are all 0."""
    outputs = float(np.abs(instance.problem.outputs(instance.start)).max())
    if outputs == 0:
        raise Inapplicable("H(X; v_0) = 0: the network is dead on the data")
    return (float(np.abs(instance.problem.y).max()) / outputs) ** (1 / instance.network.order)


def conserved(instance, balances) -> Margin:
    """balances(network, w), arrays, stay constant along the NCF flow and the loss flow."""
    numerics, delta = replace(instance.numerics, calls=6000), balancing(instance)
    flow = ncf_flow(instance.ncf, instance.start, numerics, norm_reaches(2.0))
    trained = loss_flow(instance.problem, instance.start, delta, numerics, norm_reaches(2.0))
    flows = (flow, instance.ncf), (trained, _largest(instance, trained, delta))
    return worst(_drift(instance, flow, ncf, balances) for flow, ncf in flows)


def _largest(instance, flow: Trajectory, delta: float) -> Ncf:
    """An NCF whose pseudo-labels are no smaller than −ℓ', labels and outputs on a loss flow, so
    that its gradient's rounding is no less than that of the flow's.
    """
    problem, order = instance.problem, instance.network.order
    ends = (flow.directions[0], flow.direction)
    outputs = max(float(np.abs(problem.outputs(v)).max()) for v in ends)
    largest = outputs * delta**order * np.exp(order * flow.log_norm.max())
    return Ncf(problem.network, problem.X, np.abs(problem.y) + largest)


def _drift(instance, flow: Trajectory, ncf: Ncf, balances) -> Margin:
    """1 − largest drift of the balance in units of the largest ‖s‖² and a resolution of 10^-4; the
    flow's gradient rounds like that of `ncf`.
    """
    if flow.stop is Stop.NOT_FINITE:
        raise Unresolved(flow.stop.value)
    network, norms = instance.network, np.exp(flow.log_norm)
    points = (r * v for r, v in zip(norms, flow.directions))
    values = np.array([np.concatenate(balances(network, each)) for each in points])
    drift = np.abs(values - values[0]).max() / norms.max() ** 2
    # Local errors of an invariant add up without growing; a factor for steps across kinks of ∇²H.
    error = 20 * instance.numerics.tolerance * len(norms) + 2 * strayed(ncf, flow)
    return Margin(1 - drift / 1e-4, float(error) / 1e-4)
