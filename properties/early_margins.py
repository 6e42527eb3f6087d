"""What the controls of early training measure: one loss flow against the NCF flow, at one or two
small δ (theory §4).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, mildest
from ncfcheck.model.ncf import norm
from ncfcheck.strategies.choices import sampled_from
from ncfcheck.theory.early.training import ladder, log_forcing
from ncfcheck.theory.flow.trajectories import (
    Event,
    Stop,
    Trajectory,
    loss_flow,
    ncf_flow,
    norm_reaches,
    time_reaches,
)
from ncfcheck.theory.kkt.points import positive_limit

# The share of an instance's gradient calls that one flow may take: five times what most do, too few
# for the implicit integrator.
CALLS = 1 / 20
# Powers of all networks of order 3 and 4, where norms still change much within a share of T*.
SHALLOW = sampled_from(((2,), (1, 1), (3,), (1, 1, 1)))
# How far a flow from an instance's own numbers may be off: controls are violated by far more.
SLACK = 1e-3


def train(instance, delta: float, until: Event) -> Trajectory:
    """Loss flow from δ·v_0 to the event, or to where the data are fitted and nothing moves any
    more.
    """
    numerics = replace(instance.numerics, calls=int(CALLS * instance.numerics.calls))
    flow = loss_flow(instance.problem, instance.start, delta, numerics, until)
    if not (flow.stop.is_event or flow.stop is Stop.DEAD):
        raise Unresolved(f"loss flow {flow.stop.value}")
    return flow


def misalignment(flow: Trajectory, target: np.ndarray) -> float:
    """1 − ⟨v, target⟩ of the flow's last direction, without cancellation."""
    return float(0.5 * np.sum((flow.direction - target) ** 2))


def both_ways(trained, found, judge) -> Margin:
    """The milder of judge(flow) for the loss flow of `trained` up to t = T_ε/δ^{D−2} and up to ‖w‖
    = R_ε δ, for a small δ.
    """
    if found.flow.norm < max(1.01, found.radius * (1 - 1e-12)):
        raise Inapplicable("R_ε is reached at the start: the norm has not grown by T_ε")
    delta = next(ladder(trained, found.log_forcing, found.radius, found.condition))
    return mildest(
        judge(train(trained, delta, until))
        for until in (time_reaches(found.time), norm_reaches(found.radius))
    )


def departures(instance, trained, powers) -> tuple[np.ndarray, np.ndarray]:
    """δ^D, and the size of the loss flow's departure from the NCF flow where each norm first
    reaches 2, (m,) both.

    The size is that of directions plus the relative one of times; the NCF flow is that of
    `instance`, the loss flow that of `trained`; `powers` (m,) are δ^D in units of what changes the
    gradient by its own size.
    """
    positive_limit(instance.ncf, instance.start, instance.numerics)
    reference, order = (
        ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0)),
        instance.network.order,
    )
    powers = np.exp(np.log(powers) - log_forcing(instance, reference))
    flows = [train(trained, power ** (1 / order), norm_reaches(2.0)) for power in powers]
    if not all(flow.stop is Stop.ESCAPED for flow in (reference, *flows)):
        raise Unresolved("a flow does not reach norm 2")
    sizes = [
        norm(flow.direction - reference.direction) + abs(flow.time[-1] / reference.time[-1] - 1)
        for flow in flows
    ]
    if min(sizes) < 1e3 * instance.numerics.tolerance:
        raise Unresolved("the flows differ by no more than what they are computed to")
    return powers, np.array(sizes)


def slope(instance, powers: np.ndarray, sizes: np.ndarray) -> float:
    """Slope of log departure over log δ between two values of δ^D."""
    return float(
        instance.network.order * np.log(sizes[1] / sizes[0]) / np.log(powers[1] / powers[0])
    )


def follows(instance, trained) -> Margin:
    """Either the departure is of order δ^D, to within ¼, or it is proportional to δ^D, to within a
    twentieth.
    """
    powers, sizes = departures(instance, trained, (1e-6, 1e-12))
    ratio = (sizes[1] / powers[1]) / (sizes[0] / powers[0])
    return mildest(
        [
            Margin(0.25 - abs(slope(instance, powers, sizes) - instance.network.order), 0.1),
            Margin(1 - abs(ratio - 1) / 0.05, SLACK * ratio),
        ]
    )
