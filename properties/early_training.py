"""Early training from small initialization follows the NCF: norms, directions, order of accuracy, collapse (theory §4)."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from checker.claims import THEOREM, Inapplicable, Margin, Outcome, Unresolved, claim, worst
from checker.early import PERTURBATION, aligning, conditioned_window, follow, ladder, log_forcing, resolved, window
from checker.flow import Stop, Trajectory, ncf_flow, norm_reaches, time_reaches
from checker.generators import collapsing, instances
from checker.kkt import flow_limit
from checker.tolerances import EPS

HYPOTHESES = ("D > 2", "∇H locally Lipschitz", "N* > 0", "δ_0 R_ε ≤ 0.3, δ → 0")
# What is left for o(1) at the last rung of the ladder: relative for norms, in units of ε for alignments.
VANISHING = 0.01
# A δ^D so small that the loss flow is the NCF flow in float64, whatever the data.
NEGLIGIBLE = 1e-60
# Largest relative change of the gradient by the loss's second order that a fit of orders starts from.
ASYMPTOTIC = 0.1


def _vanishes(instance, excess, until, deltas, in_the_limit: float = 0.0) -> Margin:
    """Margin of excess(loss flow at the event) ≤ o(1): below VANISHING on two rungs in turn, or else on the last two."""
    parts = []
    for delta in deltas:
        part = _within(instance, excess, until, delta, in_the_limit)
        if part.outcome is Outcome.UNRESOLVED:
            tightened = replace(instance, numerics=instance.numerics.tightened())
            part = _within(tightened, excess, until, delta, in_the_limit)
        parts = [*parts, part][-2:]
        if len(parts) == 2 and all(part.outcome is Outcome.HOLDS for part in parts):
            break
    return worst(parts)


def _within(instance, excess, until, delta: float, in_the_limit: float) -> Margin:
    """VANISHING − excess at one δ.

    The integrators' share of the error: a second, looser run, and what is found at a δ so small that the loss flow is
    the NCF flow, where the excess is known.
    """
    value, coarse = excess(follow(instance, delta, until)), excess(follow(instance, delta, until, loosened=30))
    limit = excess(follow(instance, NEGLIGIBLE ** (1 / instance.network.order), until))
    return Margin(VANISHING - value, abs(value - coarse) + abs(limit - in_the_limit) + 1e-9)


@claim("early.norm_stays_small", kind=THEOREM, reference="§4", given=instances(), hypotheses=HYPOTHESES)
def norm_stays_small(instance) -> Margin:
    """‖w(t)‖ ≤ (1 + o(1)) R_ε δ for all t ≤ T_ε/δ^{D−2}, down a ladder of δ."""
    return resolved(partial(_at_fixed_time, excess=_overshoot), instance)


@claim("early.direction_aligns", kind=THEOREM, reference="§4", given=instances(), hypotheses=HYPOTHESES)
def direction_aligns(instance) -> Margin:
    """⟨w, u*⟩/‖w‖ ≥ 1 − ε − o(1) at t = T_ε/δ^{D−2}, down a ladder of δ."""
    return resolved(partial(_at_fixed_time, excess=_misalignment), instance)


@claim("early.alignment_before_escape", kind=THEOREM, reference="§4", given=instances(), hypotheses=HYPOTHESES)
def alignment_before_escape(instance) -> Margin:
    """When ‖w‖ first reaches R_ε δ, the direction is within ε + o(1) of u*, down a ladder of δ."""
    return resolved(_before_escape, instance)


def _before_escape(instance) -> Margin:
    limit = aligning(instance)
    for share in (instance.fraction, 1e-2, 1e-4):
        found = window(instance, limit, share)
        if found.flow.norm >= max(1.01, found.radius * (1 - 1e-12)):
            deltas = ladder(instance, found.log_forcing, found.radius)
            return _vanishes(instance, partial(_misalignment, found=found), norm_reaches(found.radius), deltas)
    raise Inapplicable("R_ε is reached at the start: the norm has not grown by T_ε")


def _at_fixed_time(instance, excess) -> Margin:
    """Margin of excess(loss flow, window) ≤ o(1) at t = T_ε/δ^{D−2}."""
    found = conditioned_window(instance)
    deltas = ladder(instance, found.log_forcing, found.radius, found.condition)
    return _vanishes(instance, partial(excess, found=found), time_reaches(found.time), deltas)


def _overshoot(flow: Trajectory, found) -> float:
    """max ‖s‖/R_ε − 1."""
    return float(np.exp(flow.log_norm.max()) / found.radius - 1)


def _misalignment(flow: Trajectory, found) -> float:
    """(1 − ⟨v, u*⟩ − ε)/ε."""
    # ½‖v − u*‖² is 1 − ⟨v, u*⟩ without cancellation.
    return float(0.5 * np.sum((flow.direction - found.limit.point.u) ** 2) / found.epsilon - 1)


@claim(
    "early.tracking_order",
    kind=THEOREM,
    reference="§4",
    given=instances(),
    hypotheses=("D > 2", "∇H locally Lipschitz", "N* > 0"),
)
def tracking_order(instance) -> Margin:
    """Loss flow and NCF flow differ by Θ(δ^D) where each norm first reaches 2: log error over log δ has slope → D."""
    return tracking_slope(instance, instance.network.order)


def tracking_slope(instance, claimed: int) -> Margin:
    """¼ − |slope − claimed order|, for the worse of directions and relative arrival times."""
    return resolved(partial(_tracking, claimed=claimed), instance)


def _tracking(instance, claimed: int) -> Margin:
    precise = replace(instance, numerics=replace(instance.numerics, tolerance=1e-3 * instance.numerics.tolerance))
    reference, order = _to_radius_two(precise), instance.network.order
    # With δ^D far below rounding the two flows are one: what they still differ by is the integrator's.
    floor = _difference(reference, follow(precise, NEGLIGIBLE ** (1 / order), norm_reaches(2.0))) + 8 * EPS
    powers = _resolved_ladder(precise, reference)
    errors = np.array([_difference(reference, follow(precise, power ** (1 / order), norm_reaches(2.0))) for power in powers])
    parts = [_slope(powers, errors[:, column], floor[column], order, claimed) for column in range(2)]
    # Either may be too small to resolve: with a single sample, say, the directions agree exactly.
    settled = [part for part in parts if part.error < 0.2]
    if not settled:
        raise Unresolved("the slopes do not settle: no δ is both resolved and asymptotic")
    return worst(settled)


def _slope(powers: np.ndarray, errors: np.ndarray, floor: float, order: int, claimed: int) -> Margin:
    """Margin of the slope between neighbouring rungs, where it is best known.

    Its error is the difference to the slopes above and below on the ladder, and the floor's share of both errors:
    slopes that three pairs of rungs agree on are neither noise nor too far from the limit δ → 0.
    """
    steps = np.diff(np.log(powers))
    slopes = order * np.diff(np.log(errors)) / steps
    noise = order * (floor / errors[:-1] + floor / errors[1:]) / np.abs(steps)
    settling = np.abs(np.diff(slopes))
    error = noise[1:-1] + np.maximum(settling[:-1], settling[1:])
    k = int(np.argmin(error))
    return Margin(float(0.25 - abs(slopes[k + 1] - claimed)), float(error[k]))


def _to_radius_two(instance) -> Trajectory:
    flow = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    if flow.stop is not Stop.ESCAPED:
        raise Unresolved(f"NCF flow to norm 2: {flow.stop.value}")
    return flow


def _difference(a: Trajectory, b: Trajectory) -> np.ndarray:
    """(‖difference of directions‖, relative difference of arrival times)."""
    return np.array([np.linalg.norm(a.direction - b.direction), abs(a.time[-1] / b.time[-1] - 1)]) + 1e-20


def _resolved_ladder(instance, reference: Trajectory) -> np.ndarray:
    """Seven values of δ^D, a factor of ten apart, from where the loss's second order is small and the flows within 1e-3."""
    order, power = instance.network.order, math.exp(math.log(ASYMPTOTIC) - log_forcing(instance, reference))
    for _ in range(8):
        try:
            error = _difference(reference, follow(instance, power ** (1 / order), norm_reaches(2.0))).max()
        except Unresolved:  # this far up the loss flow no longer reaches norm 2
            error = math.inf
        if error <= 1e-3:
            return power * 10.0 ** -np.arange(7.0)
        power *= max(1e-4, 3e-4 / error) if error < 1 else 0.1
    raise Unresolved("no δ found at which the loss flow is near the NCF flow")


@claim(
    "early.collapse",
    kind=THEOREM,
    reference="§4",
    given=collapsing(),
    hypotheses=("D > 2", "∇H locally Lipschitz", "N* ≤ 0"),
)
def collapse(instance) -> Margin:
    """If the NCF flow tends to a negative or zero KKT point, w shrinks or nears a non-negative KKT point.

    Negative: ‖w(T/δ^{D−2})‖ ≤ 2δε, T the time at which the NCF flow has shrunk to ε. Zero: the direction is within ε of it.
    """
    limit = flow_limit(instance.ncf, instance.start, instance.numerics)
    if limit.point.value > instance.ncf.rounding(limit.point.u)[0]:
        raise Inapplicable("the NCF flow tends to a positive KKT point")
    return _shrinks(instance) if limit.point.multiplier else _stays_near(instance, limit)


def _shrinks(instance) -> Margin:
    """2 − ‖s(T)‖/ε for the loss flow from a negative KKT point, T the time at which the NCF flow has shrunk to ε."""
    limit, order = flow_limit(instance.ncf, instance.start, instance.numerics), instance.network.order
    # The point is unstable: by T, perturbations have grown by (1/ε)^κ with κ the top curvature.
    curvature = max(limit.point.top_curvature, 1.0)
    epsilon = max(instance.fraction, PERTURBATION ** (1 / (2 * curvature)))
    time = math.expm1(-(order - 2) * math.log(epsilon)) / (order * (order - 2) * abs(limit.point.value))
    deltas = ladder(instance, log_forcing(instance, limit.trajectory, slice(1)), condition=epsilon**-curvature)
    return _vanishes(instance, lambda flow: (flow.norm / epsilon - 1) * VANISHING, time_reaches(time), deltas)


def _stays_near(instance, limit) -> Margin:
    """The loss flow's direction near the zero KKT point, at the time the NCF flow's gradient has fallen to a hundredth."""
    flow = limit.trajectory
    k = int(np.argmax(flow.gradient_norm <= 1e-2 * flow.gradient_norm[0]))
    epsilon = max(float(np.sum((flow.directions[k] - limit.point.u) ** 2)), 1e-3)

    def excess(v) -> float:
        """Half of what is allowed is the NCF flow's own distance."""
        return float(0.5 * np.sum((v - limit.point.u) ** 2) / epsilon) * VANISHING

    deltas = ladder(instance, log_forcing(instance, flow, slice(k + 1)), float(np.exp(flow.log_norm[: k + 1].max())))
    until = time_reaches(float(flow.time[k]))
    return _vanishes(instance, lambda end: excess(end.direction), until, deltas, excess(flow.directions[k]))
