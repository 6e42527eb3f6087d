"""What claims about the NCF flow measure: bounds on its blow-up, drifts of balances (theory §3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, worst
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, loss_flow, ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import blowup_time

GAPS = 1e-1, 1e-6  # 1 − N(v)/N* where the rate of the blow-up is looked at


def bracket(instance, initial_norm: float = 1.0) -> Margin:
    """Both bounds on T* from u(0) = c·v_0, c = initial_norm: u(t) = c ũ(c^{D−2} t), ũ from v_0."""
    order, value = instance.network.order, instance.ncf.value(instance.start)
    time, error, optimum = blowup_time(instance.ncf, instance.start, instance.numerics)
    time, error = np.array([time, error]) / initial_norm ** (order - 2)
    rate = order * (order - 2)
    parts = [Margin(rate * optimum * time - 1, rate * optimum * error)]
    if value > instance.ncf.rounding(instance.start)[0]:
        parts.append(Margin(1 - rate * value * time, rate * value * error))
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
    flows = (
        ncf_flow(instance.ncf, instance.start, numerics, norm_reaches(2.0)),
        loss_flow(instance.problem, instance.start, delta, numerics, norm_reaches(2.0)),
    )
    return worst(_drift(instance, flow, balances) for flow in flows)


def _drift(instance, flow: Trajectory, balances) -> Margin:
    """1 − largest drift of the balance in units of the largest ‖s‖² and a resolution of 10^-4."""
    if flow.stop is Stop.NOT_FINITE:
        raise Unresolved(flow.stop.value)
    network, norms = instance.network, np.exp(flow.log_norm)
    points = (r * v for r, v in zip(norms, flow.directions))
    values = np.array([np.concatenate(balances(network, each)) for each in points])
    drift = np.abs(values - values[0]).max() / norms.max() ** 2
    # Local errors of an invariant add up without growing; a factor for steps across kinks of ∇²H.
    return Margin(1 - drift / 1e-4, 20 * instance.numerics.tolerance * len(norms) / 1e-4)
