"""What claims about the NCF flow measure: bounds on its blow-up, drifts of balances (theory §3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import repeat

import numpy as np

from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, worst
from ncfcheck.model.identities import value_at
from ncfcheck.model.loss_functions import sizes
from ncfcheck.model.ncf import Ncf, Problem
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


def agreed(fine: Margin, coarse: Margin) -> Margin:
    """The margin of a run, known as far as that of a looser run agrees."""
    return replace(fine, error=fine.error + abs(fine.value - coarse.value))


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
    """balances(network, w), arrays, stay constant along the NCF flow and the loss flow."""
    numerics, delta = replace(instance.numerics, calls=6000), balancing(instance)
    flow = ncf_flow(instance.ncf, instance.start, numerics, norm_reaches(2.0))
    trained = loss_flow(instance.problem, instance.start, delta, numerics, norm_reaches(2.0))
    flows = (flow, repeat(instance.ncf)), (trained, _fields(instance.problem, trained, delta))
    return worst(_drift(instance, each, fields, balances) for each, fields in flows)


def _fields(problem: Problem, flow: Trajectory, delta: float) -> Iterator[Ncf]:
    """The NCF whose gradient is that of the training loss, at every row of a flow from δ v_0: its
    pseudo-labels are −ℓ' there, rounding of which leaves every balance as it is.
    """
    for norm, v in zip(delta * np.exp(flow.log_norm), flow.directions):
        yield Ncf(
            problem.network, problem.X, problem.loss.descent(problem.outputs(norm * v), problem.y)
        )


def _drift(instance, flow: Trajectory, fields: Iterable[Ncf], balances) -> Margin:
    """1 − largest drift of the balance in units of the largest ‖s‖² and a resolution of 10^-4."""
    if flow.stop is Stop.NOT_FINITE:
        raise Unresolved(flow.stop.value)
    network, norms = instance.network, np.exp(flow.log_norm)
    points = (r * v for r, v in zip(norms, flow.directions))
    values = np.array([np.concatenate(balances(network, each)) for each in points])
    drift = np.abs(values - values[0]).max() / norms.max() ** 2
    # Local errors of an invariant add up without growing; a factor for steps across kinks of ∇²H.
    error = 20 * instance.numerics.tolerance * len(norms) + 2 * strayed(fields, flow)
    return Margin(1 - drift / 1e-4, float(error) / 1e-4)
