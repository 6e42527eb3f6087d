"""What early training's claims measure: NCF windows, and loss flows at one or two δ (theory §4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable, Margin, Unresolved, mildest
from ncfcheck.model.ncf import norm
from ncfcheck.properties.flow.margins import agreed
from ncfcheck.strategies.choices import sampled_from
from ncfcheck.theory.early.training import (
    PERTURBATION,
    Window,
    aligning,
    ladder,
    log_forcing,
    trained_flow,
    window,
)
from ncfcheck.theory.flow.trajectories import (
    Event,
    Stop,
    Trajectory,
    ncf_flow,
    norm_reaches,
    time_reaches,
)
from ncfcheck.theory.kkt.points import KktPoint, Limit, flow_limit, positive_limit
from ncfcheck.theory.starts import gaussian_start, unit

# Share of an instance's gradient calls for one flow: 5 times what most take, too few if implicit.
CALLS = 1 / 20
# Powers of all networks of order 3 and 4, where norms still change much within a share of T*.
SHALLOW = sampled_from(((2,), (1, 1), (3,), (1, 1, 1)))
# How far a flow from an instance's own numbers may be off: controls are violated by far more.
SLACK = 1e-3
# What is left for o(1) at the last rung: relative for norms, in units of ε for alignments.
VANISHING = 0.01
ASIDE = 0.02  # distance of a v_0 from a KKT point nearby, but for rounding and what both share
NOT_GROWN = "R_ε is reached at the start: the norm has not grown by T_ε"


def grown_window(instance) -> Window:
    """The window of an ε by whose T_ε the norm has grown: R_ε is the norm at T_ε."""
    limit = aligning(instance)
    for share in (instance.fraction, 1e-2, 1e-4):
        found = window(instance, limit, share)
        if found.radius == np.inf:
            raise Unresolved("R_ε is beyond floating-point numbers")
        if found.flow.norm >= max(1.01, found.radius * (1 - 1e-12)):
            return found
    raise Inapplicable(NOT_GROWN)


def shrinking(instance, limit) -> tuple[float, float]:
    """ε, and what perturbations grow to as the flow from a negative KKT point shrinks to it."""
    # The point is unstable: by then they have grown by (1/ε)^κ with κ the top curvature.
    curvature = max(limit.point.top_curvature, 1.0)
    epsilon = max(instance.fraction, PERTURBATION ** (1 / (2 * curvature)))
    return epsilon, epsilon**-curvature


def set_aside(instance):
    """The instance from a v_0 about ASIDE away from its start: less as much of it in reverse."""
    return replace(instance, start=unit(instance.start - ASIDE * instance.start[::-1]))


def negative_limit(instance) -> Limit:
    """The limit of the NCF flow where it is a KKT point with N < 0. Raises Inapplicable."""
    limit = flow_limit(instance.ncf, instance.start, instance.numerics)
    if not limit.point.value < 0:
        raise Inapplicable("the NCF flow does not tend to a negative KKT point")
    return limit


def time_to_shrink(instance, point: KktPoint, epsilon: float) -> float:
    """T, when the NCF flow from a KKT point with N < 0 has norm ε: ε^{−(D−2)} = 1 − D(D−2)N·T."""
    order = instance.network.order
    return math.expm1(-(order - 2) * math.log(epsilon)) / (order * (order - 2) * -point.value)


def other_limits(instance) -> list[KktPoint]:
    """KKT points with N > 0 that the NCF flow tends to from three other starts, at most."""
    rng, found = np.random.default_rng((0, *instance.seeds)[-1]), []
    for _ in range(3):
        try:
            start = gaussian_start(rng, instance.ncf)
            found.append(positive_limit(instance.ncf, start, instance.numerics).point)
        except (Inapplicable, Unresolved):
            continue
    return found


def smallest(instance, found: Window) -> float:
    """The first δ of the ladder."""
    return next(ladder(instance, found.log_forcing, found.radius, found.condition))


def train(instance, delta: float, until: Event) -> Trajectory:
    """Loss flow from δ·v_0 to the event, or to where data are fitted and nothing moves any more."""
    numerics = replace(instance.numerics, calls=math.ceil(CALLS * instance.numerics.calls))
    flow = trained_flow(instance, delta, until, numerics)
    if not (flow.stop.is_event or flow.stop in (Stop.FITTED, Stop.DEAD)):
        raise Unresolved(f"loss flow {flow.stop.value}")
    return flow


def judged(instance, delta: float, until: Event, judge: Callable[[Trajectory], Margin]) -> Margin:
    """judge(loss flow from δ·v_0 to the event), known as far as looser runs agree:
    what leaves a saddle, or creeps along minima, goes where errors lead it.
    """
    runs = (replace(instance, numerics=each) for each in instance.numerics.runs())
    return agreed(*(judge(train(each, delta, until)) for each in runs))


def misalignment(flow: Trajectory, target: np.ndarray) -> float:
    """1 − ⟨v, target⟩ of the flow's last direction, without cancellation."""
    return float(0.5 * np.sum((flow.direction - target) ** 2))


def aligned(flow: Trajectory, found: Window) -> Margin:
    """1.01 − (1 − ⟨v, u*⟩)/ε for the flow's last direction."""
    ratio = misalignment(flow, found.limit.point.u) / found.epsilon
    return Margin(1.01 - ratio, SLACK * max(1.0, ratio) + found.rounding)


def contained(flow: Trajectory, found: Window) -> Margin:
    """1.01 − max ‖s‖/R_ε until T_ε, of a flow that goes on until then or a larger norm."""
    largest = float(np.exp(flow.log_norm[flow.time <= found.time].max()))
    return Margin(1.01 - largest / found.radius, SLACK)


def collapsed(flow: Trajectory, epsilon: float) -> Margin:
    """2 − ‖s‖/ε at the flow's end."""
    return Margin(2 - flow.norm / epsilon, SLACK * flow.norm / epsilon)


def both_ways(trained, found, judge) -> Margin:
    """The milder judge(flow of `trained`), to t = T_ε/δ^{D−2} and to ‖w‖ = R_ε δ, for a small δ."""
    if found.flow.norm < max(1.01, found.radius * (1 - 1e-12)):
        raise Inapplicable(NOT_GROWN)
    delta = smallest(trained, found)
    return mildest(
        judged(trained, delta, until, judge)
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
    doubled, order = norm_reaches(2.0), instance.network.order
    reference = ncf_flow(instance.ncf, instance.start, instance.numerics, doubled)
    powers = np.exp(np.log(powers) - log_forcing(instance, reference))
    flows = [train(trained, power ** (1 / order), doubled) for power in powers]
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
    changes = np.log(sizes[1] / sizes[0]), np.log(powers[1] / powers[0])
    return float(instance.network.order * changes[0] / changes[1])


def follows(instance, trained) -> Margin:
    """Departure of order δ^D, to within ¼, or else proportional to δ^D, to within a twentieth."""
    powers, sizes = departures(instance, trained, (1e-6, 1e-12))
    ratio = (sizes[1] / powers[1]) / (sizes[0] / powers[0])
    return mildest(
        [
            Margin(0.25 - abs(slope(instance, powers, sizes) - instance.network.order), 0.1),
            Margin(1 - abs(ratio - 1) / 0.05, SLACK * ratio),
        ]
    )


def delta_changing(instance, change: float, log_forcing: float) -> float:
    """The δ at which the loss's second order changes the gradient by `change` times its size."""
    return math.exp((math.log(change) - log_forcing) / instance.network.order)


def mirrored(instance, limit: Limit) -> float:
    """The first δ of the ladder up to 9/10 of T*, for the flow of −N from a KKT point with N < 0:
    there ‖u‖^{D−2} is 10.
    """
    grown = math.log(10) / (instance.network.order - 2)
    forcing = log_forcing(instance, limit.trajectory, 1) + instance.network.order * grown
    return next(ladder(instance, forcing, math.exp(grown)))


def large(instance, found: Window, change: float) -> float:
    """The same, or more: δR_ε ≥ 3."""
    return max(3 / found.radius, delta_changing(instance, change, found.log_forcing))
