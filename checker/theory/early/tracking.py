"""How the loss flow departs from the NCF flow: a ladder of δ^D, and the first order (theory §4)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.arrays import Value
from ncfcheck.model.instance import Instance
from ncfcheck.theory.early import variations
from ncfcheck.theory.early.training import (
    NEGLIGIBLE,
    follow,
    follow_ahead,
    is_forced,
    log_forcing,
    looser,
    second_orders,
)
from ncfcheck.theory.early.variations import Force
from ncfcheck.theory.flow.ahead import ncf_flow_kept, ncf_flows_ahead
from ncfcheck.theory.flow.stepper import STIFF_STEPS
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, noise, norm_reaches

# Where the two flows are compared: the first time either norm reaches this, in units of δ.
RADIUS = 2.0
# Largest relative change of the gradient by the loss's second order that a ladder starts from.
ASYMPTOTIC = 0.1
# Where there is no second order: what −ℓ' may change by for outputs of size 1, per output.
UNFORCED = 1e-6


@dataclass(frozen=True, eq=False)
class Departures(Value):
    """Loss flows down a ladder of δ^D against the NCF flow, each where its norm reaches RADIUS;
    or descents, down one of steps, where theirs reaches what `reference` ends at.

    `powers` (m,) holds δ^D, `directions` (m, P) the differences v_loss − v_ncf, `delays` (m,) the
    relative differences of arrival times; `floor` is what (‖direction‖, delay) may be off by: the
    integrators' errors, and rounding. `outputs` are the largest on the first rung where the loss
    has no second order all along, so that departures are o(δ^D); None where it has.
    """

    reference: Trajectory
    powers: np.ndarray
    directions: np.ndarray
    delays: np.ndarray
    floor: np.ndarray
    outputs: float | None = None

    @property
    def sizes(self) -> np.ndarray:
        """(‖difference of directions‖, |relative difference of times|) of every rung, (m, 2)."""
        turned = np.linalg.norm(self.directions, axis=1)
        return np.column_stack([turned, np.abs(self.delays)]) + 1e-20


def departures(instance: Instance, rungs: int) -> Departures:
    """The ladder of an instance at a thousandth of its tolerance; each δ^D a tenth of the last."""
    numerics = replace(instance.numerics, tolerance=1e-3 * instance.numerics.tolerance)
    precise = replace(instance, numerics=numerics)
    both = [(precise.start, each) for each in (numerics, looser(precise).numerics)]
    ncf_flows_ahead(precise.ncf, both, norm_reaches(RADIUS))
    reference = to_radius(precise)
    outputs = None
    if is_forced(precise, reference):
        first = _first_power(precise, reference, rungs)
    else:
        first, outputs = _unforced_power(precise, reference)
    powers = _ladder(first, rungs)
    directions, delays = zip(*(_departure(precise, reference, power) for power in powers))
    floor = _floor(precise, reference)
    return Departures(reference, powers, np.array(directions), np.array(delays), floor, outputs)


def _ladder(first: float, rungs: int) -> np.ndarray:
    return first * 10.0 ** -np.arange(float(rungs))


def _floor(instance: Instance, reference: Trajectory) -> np.ndarray:
    """What (‖direction‖, delay) may be off by.

    At δ^D ≈ 0 the loss flow takes the NCF flow's own steps and errors; on a rung it may take
    others, and what these come to a looser run tells. Where data cancel,
    rounding of the gradient, which −ℓ' adds to for δ^D > 0, is as good as local errors of its size.
    """
    coarse, lost = to_radius(looser(instance)), noise(instance.ncf, reference)
    apart, same = difference(coarse, reference), _departure(instance, reference, NEGLIGIBLE)
    off = np.array([[np.linalg.norm(direction), abs(delay)] for direction, delay in (apart, same)])
    return off[0] * (1 + lost / instance.numerics.tolerance) + off[1] + lost + 8 * EPS


def to_radius(instance: Instance, radius: float = RADIUS) -> Trajectory:
    """The NCF flow to where its norm first reaches `radius`; Unresolved if it does not."""
    flow = ncf_flow_kept(instance.ncf, instance.start, instance.numerics, norm_reaches(radius))
    if flow.stop is not Stop.ESCAPED:
        raise Unresolved(f"NCF flow to norm {radius:g}: {flow.stop.value}")
    # Every rung would take a second of the implicit integrator.
    if len(flow.sigma) > STIFF_STEPS:
        raise Unresolved(f"NCF flow to norm {radius:g} is stiff")
    return flow


def _departure(instance: Instance, reference: Trajectory, power: float) -> tuple[np.ndarray, float]:
    """(difference of directions (P,), relative difference of arrival times) at δ^D = power."""
    flow = follow(instance, _delta(instance, power), norm_reaches(RADIUS))
    return difference(flow, reference)


def _delta(instance: Instance, power: float) -> float:
    return float(power) ** (1 / instance.network.order)


def difference(flow: Trajectory, reference: Trajectory) -> tuple[np.ndarray, float]:
    """(difference of directions (P,), relative difference of arrival times) at their ends."""
    return flow.direction - reference.direction, float(flow.time[-1] / reference.time[-1] - 1)


def _first_power(instance: Instance, reference: Trajectory, rungs: int) -> float:
    """The δ^D a ladder starts from: the second order is small there, and the flows within 1e-3."""
    power = math.exp(math.log(ASYMPTOTIC) - log_forcing(instance, reference))
    for attempt in range(8):
        if attempt:  # the first is seldom small enough
            powers = *_ladder(power, rungs), NEGLIGIBLE
            deltas = [(_delta(instance, each), 1.0) for each in powers]
            follow_ahead(instance, deltas, norm_reaches(RADIUS))
        try:
            direction, delay = _departure(instance, reference, power)
            error = max(float(np.linalg.norm(direction)), abs(delay))
        except Unresolved:  # this far up the loss flow no longer reaches the radius
            error = math.inf
        if error <= 1e-3:
            return power
        power *= max(1e-4, 3e-4 / error) if error < 1 else 0.1
    raise Unresolved("no δ found at which the loss flow is near the NCF flow")


def _unforced_power(instance: Instance, reference: Trajectory) -> tuple[float, float]:
    """A δ^D for which the loss changes ȳ by next to nothing on the way, and the largest output."""
    problem, order = instance.problem, instance.network.order
    scales = np.exp(order * reference.log_norm)
    rows = [scale * problem.outputs(v) for scale, v in zip(scales, reference.directions)]
    largest, size = float(np.abs(rows).max()), float(np.abs(instance.ncf.ybar).max())
    for output in ASYMPTOTIC * 10.0 ** -np.arange(8.0):
        power = output / largest
        moved = [problem.loss.descent(power * each, problem.y) - instance.ncf.ybar for each in rows]
        if np.abs(moved).max() <= UNFORCED * output * size:
            return power, float(output)
    raise Unresolved("without a second order the loss has no δ at which it changes nothing")


def loss_force(instance: Instance, reference: Trajectory) -> Force:
    """−Jᵀ(ℓ''(0)·H(X; u)), by δ^D times which the loss moves s besides the NCF."""
    second_order = second_orders(instance.problem)
    unit = math.exp(log_forcing(instance, reference))
    return Force(lambda u, gradient: -second_order(u[None])[0], unit)


def predicted(
    instance: Instance, reference: Trajectory
) -> tuple[np.ndarray, float, tuple[float, float]]:
    """Limits of (change of direction, relative change of time)/δ^D as δ → 0, and errors of both:
    s(t) = u(t) + δ^D e(t) + O(δ^{2D}), ė = ∇²N(u)e − Jᵀ(ℓ''(0)·H(X; u)). Raises Unresolved as
    `variations.predicted` does.
    """
    return variations.predicted(instance, reference, loss_force(instance, reference))
