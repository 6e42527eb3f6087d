"""How the loss flow departs from the NCF flow: a ladder of δ^D, and the first order (theory §4)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from scipy.integrate import solve_ivp

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.arrays import Value
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import norm
from ncfcheck.theory.early.training import (
    NEGLIGIBLE,
    follow,
    follow_ahead,
    is_forced,
    log_forcing,
    looser,
    second_orders,
)
from ncfcheck.theory.flow.ahead import ncf_flow_kept, ncf_flows_ahead
from ncfcheck.theory.flow.stepper import STIFF_STEPS
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, noise, norm_reaches

# Where the two flows are compared: the first time either norm reaches this, in units of δ.
RADIUS = 2.0
# Largest relative change of the gradient by the loss's second order that a ladder starts from.
ASYMPTOTIC = 0.1
# Where there is no second order: what −ℓ' may change by for outputs of size 1, per output.
UNFORCED = 1e-6
# Local errors of the variational equation, fine and coarse: what it predicts is compared to a few
# per cent. And the evaluations allowed, several times what it usually takes.
VARIATIONAL, COARSE, EVALUATIONS = 1e-6, 1e-4, 2000


@dataclass(frozen=True, eq=False)
class Departures(Value):
    """Loss flows down a ladder of δ^D against the NCF flow, each where its norm reaches RADIUS.

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
    reference = _to_radius(precise)
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
    coarse, lost = _to_radius(looser(instance)), noise(instance.ncf, reference)
    apart, same = _difference(coarse, reference), _departure(instance, reference, NEGLIGIBLE)
    off = np.array([[np.linalg.norm(direction), abs(delay)] for direction, delay in (apart, same)])
    return off[0] * (1 + lost / instance.numerics.tolerance) + off[1] + lost + 8 * EPS


def _to_radius(instance: Instance) -> Trajectory:
    flow = ncf_flow_kept(instance.ncf, instance.start, instance.numerics, norm_reaches(RADIUS))
    if flow.stop is not Stop.ESCAPED:
        raise Unresolved(f"NCF flow to norm {RADIUS:g}: {flow.stop.value}")
    # Every rung would take a second of the implicit integrator.
    if len(flow.sigma) > STIFF_STEPS:
        raise Unresolved(f"NCF flow to norm {RADIUS:g} is stiff")
    return flow


def _departure(instance: Instance, reference: Trajectory, power: float) -> tuple[np.ndarray, float]:
    """(difference of directions (P,), relative difference of arrival times) at δ^D = power."""
    flow = follow(instance, _delta(instance, power), norm_reaches(RADIUS))
    return _difference(flow, reference)


def _delta(instance: Instance, power: float) -> float:
    return float(power) ** (1 / instance.network.order)


def _difference(flow: Trajectory, reference: Trajectory) -> tuple[np.ndarray, float]:
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


def predicted(
    instance: Instance, reference: Trajectory
) -> tuple[np.ndarray, float, tuple[float, float]]:
    """Limits of (change of direction, relative change of time)/δ^D as δ → 0, and errors of both.

    Errors are differences to what the variational equation gives at a hundred times its tolerance.
    Raises Unresolved where its flow does not end where `reference` does.
    """
    direction, delay = _first_order(instance, reference, VARIATIONAL)
    coarse_direction, coarse_delay = _first_order(instance, reference, COARSE)
    return direction, delay, (norm(direction - coarse_direction), abs(delay - coarse_delay))


def _first_order(
    instance: Instance, reference: Trajectory, tolerance: float
) -> tuple[np.ndarray, float]:
    """(E/RADIUS, τ/T): what direction and time where the norm reaches RADIUS change by, per δ^D.

    With s = u + δ^D e + O(δ^{2D}) that is at T + δ^D τ, τ = −⟨e,u⟩/⟨u̇,u⟩, and s there is u + δ^D
    E, E = e + u̇τ.
    """
    u, e = variation(instance, reference, tolerance)
    _refuse_other_ends(u, reference, tolerance)
    rate = instance.ncf.gradient(u)
    shift = -(e @ u) / (rate @ u)
    return (e + shift * rate) / RADIUS, float(shift / reference.time[-1])


def _refuse_other_ends(u: np.ndarray, reference: Trajectory, tolerance: float) -> None:
    """Raise Unresolved where the variational equation has left the flow."""
    if norm(u / RADIUS - reference.direction) > math.sqrt(tolerance):
        raise Unresolved("the variational equation ends elsewhere than the flow")


def variation(
    instance: Instance, reference: Trajectory, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """u and e (P,) where the NCF flow `reference` ends: ė = ∇²N(u)e − Jᵀ(ℓ''(0)·H(X; u)), e(0) = 0.

    Integrated in the flow's own arc-length-like time, dt = ‖u‖/‖∇N(u)‖ dσ, and with e in units of
    the largest relative forcing. Weights of u are followed from the size of rounding on: near a
    zero KKT point the smallest decide where a flow goes. Raises Unresolved where that is stiff.
    """
    ncf, size, evaluations = instance.ncf, instance.network.size, count()
    # As it is on the data: what users call looks at every argument first.
    on_data, ybar = ncf.on_data, ncf.ybar
    second_order = second_orders(instance.problem)
    unit = math.exp(log_forcing(instance, reference))

    def rate(sigma: float, state: np.ndarray) -> np.ndarray:
        if next(evaluations) > EVALUATIONS:
            raise Unresolved("the variational equation is stiff")
        u, e = state[:size], state[size:]
        gradient = on_data.pull_back(u, ybar)[1]
        if not (gradient.any() and np.isfinite(gradient).all() and np.isfinite(e).all()):
            raise Unresolved("the variational equation steps off the flow")
        curved = on_data.curvature_product(u, ybar, e)
        rates = np.concatenate([gradient, curved - second_order(u[None])[0] / unit])
        return norm(u) / norm(gradient) * rates

    span, state = (0.0, reference.sigma[-1]), np.concatenate([instance.start, np.zeros(size)])
    least = np.repeat([EPS, 1e-3 * tolerance], size)
    end = solve_ivp(rate, span, state, "DOP853", rtol=tolerance, atol=least)
    if not end.success:
        raise Unresolved(f"variational equation: {end.message}")
    return end.y[:size, -1], unit * end.y[size:, -1]
