"""Flows of the NCF and of the loss as trajectories with a stop reason (theory §3, §4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np
from scipy.optimize import brentq

from ncfcheck.core.stated import must_be, shown
from ncfcheck.core.tolerances import DENSE_HESSIAN, FITTED, HANDOVER, INTEGRATORS, Numerics
from ncfcheck.model.arrays import finite_vector, unit_vector
from ncfcheck.model.layered import LayeredEvaluation
from ncfcheck.model.losses import NCF_CODE
from ncfcheck.model.ncf import NCF_HINT, Ncf, Problem, norm
from ncfcheck.model.program_models import ProgramEvaluation
from ncfcheck.theory.flow import any_model, stepper
from ncfcheck.theory.flow import solvers as second_integrator
from ncfcheck.theory.flow.fields import ModelField, ProgramField
from ncfcheck.theory.flow.kinks import flows as through_kinks
from ncfcheck.theory.flow.trajectory import (
    NO_EVENT,
    Event,
    Stop,
    Trajectory,
    Turns,
    aligned_with,
    first_rows,
    joined,
    norm_reaches,
    time_reaches,
)

__all__ = [
    "NO_EVENT",
    "Event",
    "Stop",
    "Trajectory",
    "aligned_with",
    "continuations",
    "loss_flow",
    "loss_flows",
    "ncf_flow",
    "ncf_flows",
    "noise",
    "norm_reaches",
    "strayed",
    "time_reaches",
]

# Rows of a flow at which rounding is looked for where bounds on it are estimates.
ESTIMATED = 16
# A target for sin∠ that is never met: the flow goes on to its event.
NEVER = -1.0


def ncf_flow(
    ncf: Ncf,
    start: np.ndarray,
    numerics: Numerics,
    until: Event = NO_EVENT,
    residual: float = HANDOVER,
    scale: float = 0.0,
) -> Trajectory:
    """u̇ = ∇N(u) from the unit vector start (P,), until the event or, without one, sin∠ ≤ residual.

    Through kinks of layers with p = 1, α ≠ 1, u̇ is the subgradient of least norm (theory §11).
    `scale` is ‖∇N(start)‖ where that is known. Raises ValueError for a start, or a direction of the
    event, that is no unit vector of the network's size; TypeError for what is no Ncf, Numerics or
    Event.
    """
    must_be(Ncf, "ncf", ncf, NCF_HINT)
    _refuse_others(numerics, until)
    start = unit_vector(start, ncf.network.size, "start")
    scale = scale or norm(ncf.gradient(start))
    return _run(field_of(ncf, ncf.ybar, None, 0.0, scale), start, numerics, until, residual)


def ncf_flows(
    ncf: Ncf, asked: Iterable[tuple[np.ndarray, Numerics]], until: Event = NO_EVENT
) -> list[Trajectory]:
    """`ncf_flow` for every (start, numerics) asked for."""
    asked, runs = list(asked), []
    if len(asked) == 1 or not are_together(ncf, [numerics for _, numerics in asked]):
        return [ncf_flow(ncf, *each, until) for each in asked]
    for start, numerics in asked:
        start = unit_vector(start, ncf.network.size, "start")
        field = field_of(ncf, ncf.ybar, None, 0.0, norm(ncf.gradient(start)))
        runs.append((_arguments(field, start, numerics, until, HANDOVER), numerics))
    return _runs(runs)


def _refuse_others(numerics, until) -> None:
    must_be(Numerics, "numerics", numerics)
    must_be(Event, "until", until, "norm_reaches and time_reaches make one")


def continuations(
    flow: Trajectory, ncf: Ncf, numerics: Numerics, until: Event = NO_EVENT
) -> list[Trajectory]:
    """Both ways on, from its last row, of an NCF flow that branched at a kink; [] where it did not.

    On the kink's positive and on its negative side; a way that leads back at once is left out.
    """
    if flow.stop is not Stop.BRANCHED or flow.turns is None or flow.turns.unsettled is None:
        return []
    field: Any = field_of(ncf, ncf.ybar, None, 0.0, norm(ncf.gradient(flow.direction)))
    found = []
    for modes in through_kinks.ways_on(field, flow.direction, flow.turns):
        on = _run(field, flow.direction, numerics, until, HANDOVER, 0.0, modes)
        if on.stop is not Stop.TIED or len(on.time) > 1:
            found.append(on)
    return found


def noise(ncf: Ncf, flow: Trajectory) -> float:
    """The largest share of ∇N that may be rounding on a flow of `ncf`: looked for at its ends, and
    where ‖∇N‖ is least. Where data cancel it is far above that of one operation.
    """
    norms = np.maximum(flow.gradient_norm, np.finfo(float).tiny)
    rows = {0, int(np.argmin(norms)), len(norms) - 1}
    settled = flow.turns is not None  # who is within rounding of its kink is on the flow's side
    bounds = (norm(ncf.gradient_bound(flow.directions[k], settled)[1]) / norms[k] for k in rows)
    return max(float(bound) for bound in bounds)


def strayed(ncf: Ncf, labels: Iterable[np.ndarray], flow: Trajectory) -> float:
    """How far rounding of the gradient may lead a flow astray, in units of its largest norm: its
    share of the gradient, summed along the way. `labels`, (n, k_L) at every row: those of the NCF
    on the data and network of `ncf` whose gradient at v is the flow's.
    """
    bounds, count = ncf.on_data.bounds, len(flow.time)
    # Estimates change little from row to row, and are dear.
    most = ESTIMATED if ncf.on_data.is_estimated else count
    rows = np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
    labels = list(islice(labels, count))
    settled = flow.turns is not None
    known = [norm(bounds(flow.directions[k], labels[k], settled)[1]) for k in rows]
    lost = np.exp(np.interp(np.arange(count), rows, np.log(np.maximum(known, 1e-300))))
    norms = np.maximum(flow.gradient_norm, np.finfo(float).tiny)
    points = np.exp(flow.log_norm - flow.log_norm.max())[:, None] * flow.directions
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    # Means over a step: where a gradient dies, so does the share of it that the last step had.
    return float((lost[1:] + lost[:-1]) / (norms[1:] + norms[:-1]) @ lengths)


def loss_flow(
    problem: Problem,
    start: np.ndarray,
    delta: float,
    numerics: Numerics,
    until: Event = NO_EVENT,
    fitted: float | None = None,
) -> Trajectory:
    """ẇ = −∇𝓛(w) from δ·start in theory §4's variables s(t) = w(t/δ^{D−2})/δ, until the event.

    It stops as fitted where the loss 𝓛 falls to `fitted`, if that is given and comes first; and
    where the gradient vanishes with the loss, at 10^-10 of 𝓛(0) or less. A loss that is positive at
    all finite weights, as most are for classes, gets there by an 𝓛 asked for only.

    Raises ValueError and TypeError as `ncf_flow` does, and ValueError for a δ that is not above 0.
    """
    must_be(Problem, "problem", problem)
    _refuse_others(numerics, until)
    start = unit_vector(start, problem.network.size, "start")
    if not (isinstance(delta, Real) and 0 < delta < math.inf):
        raise ValueError(f"delta must be above 0, not {shown(delta)}")
    scale = norm(problem.ncf.gradient(start))
    field = field_of(problem.ncf, problem.y, problem.loss, math.log(delta), scale)
    flow = _run(field, start, numerics, until, NEVER)

    def excess(flow: Trajectory, row: int = -1) -> float:
        """𝓛 − fitted at a row."""
        w = delta * math.exp(flow.log_norm[row]) * flow.directions[row]
        return problem.training_loss(w) - (fitted or 0.0)

    if fitted is not None:
        low = (row for row in range(len(flow.time)) if excess(flow, row) <= 0)
        if (row := next(low, None)) is not None:
            return replace(_crossing(flow, row, excess, field, numerics), stop=Stop.FITTED)
    return flow if fitted is not None else _fitted(problem, flow, delta)


def loss_flows(
    problem: Problem, start: np.ndarray, asked: Iterable[tuple[float, Numerics]], until: Event
) -> list[Trajectory]:
    """`loss_flow` for every (δ, numerics) asked for."""
    asked = list(asked)
    if len(asked) == 1 or not are_together(problem.ncf, [numerics for _, numerics in asked]):
        return [loss_flow(problem, start, delta, each, until) for delta, each in asked]
    scale, runs = norm(problem.ncf.gradient(start)), []
    for delta, numerics in asked:
        field = field_of(problem.ncf, problem.y, problem.loss, math.log(delta), scale)
        runs.append((_arguments(field, start, numerics, until, NEVER), numerics))
    deltas = (delta for delta, _ in asked)
    return [_fitted(problem, flow, delta) for flow, delta in zip(_runs(runs), deltas)]


def _fitted(problem: Problem, flow: Trajectory, delta: float) -> Trajectory:
    """The flow, fitted where its gradient has vanished with the loss."""
    if flow.stop is not Stop.DEAD:
        return flow
    left = problem.training_loss(delta * math.exp(flow.log_norm[-1]) * flow.direction)
    is_fitted = left <= FITTED * problem.training_loss(0 * flow.direction)
    return replace(flow, stop=Stop.FITTED) if is_fitted else flow


def _crossing(
    flow: Trajectory,
    row: int,
    excess: Callable[[Trajectory], float],
    field: Field,
    numerics: Numerics,
) -> Trajectory:
    """The flow to where `excess` at its end is 0, of which `row` is the first row beyond."""
    if row == 0:
        return first_rows(flow, 1)

    def longer(time: float) -> Trajectory:
        """The flow to the row before, and on for some time."""
        if not time:
            return first_rows(flow, row)
        last = flow.directions[row - 1], numerics, time_reaches(time), NEVER
        modes = None if flow.turns is None else flow.turns.mode_at(row - 1)
        more = _run(field, *last, flow.log_norm[row - 1], modes)
        return joined(first_rows(flow, row), more)

    # Taken in other steps it may cross a little later; where its time says nothing, not at all.
    most = 2 * (flow.time[row] - flow.time[row - 1])
    if not excess(longer(most)) <= 0:
        return first_rows(flow, row + 1)
    return longer(brentq(lambda time: excess(longer(time)), 0.0, most, xtol=1e-15 * most))


Field = stepper.Field | ModelField


def field_of(ncf: Ncf, y: np.ndarray, loss: Any, log_delta: float, scale: float) -> Field:
    """The flow of a loss against labels y (n, m), or, without one, of the NCF with ȳ = y: for the
    compiled stepper where its kernels know the model and the loss.
    """
    on_data, order, scale = ncf.on_data, ncf.network.order, scale or 1.0
    code = NCF_CODE if loss is None else loss.code
    if isinstance(on_data, LayeredEvaluation) and code is not None:
        columns = on_data.columns, on_data.rows_to_columns(y)
        return stepper.Field(on_data.layout, *columns, code, int(order), log_delta, scale)
    is_known = isinstance(on_data, ProgramEvaluation) and code is not None
    return (ProgramField if is_known else ModelField)(on_data, y, loss, order, log_delta, scale)


STOPS = {
    stepper.CONVERGED: Stop.CONVERGED,
    stepper.SMALL_STEP: Stop.STALLED,
    stepper.DEAD: Stop.DEAD,
    stepper.BUDGET: Stop.BUDGET,
    stepper.NOT_FINITE: Stop.NOT_FINITE,
    through_kinks.BRANCHED: Stop.BRANCHED,
    through_kinks.TIED: Stop.TIED,
}


def _run(
    field: Field,
    start: np.ndarray,
    numerics: Numerics,
    until: Event,
    residual: float,
    log_r: float = 0.0,
    modes: np.ndarray | None = None,
) -> Trajectory:
    run = _arguments(field, start, numerics, until, residual, log_r)
    second = numerics.integrator == "scipy"
    if isinstance(field, stepper.Field) and through_kinks.has_kinks(field):
        *rows, turns = through_kinks.integrate(run, modes, second)
        return _trajectory(run, numerics, rows, turns)
    engine = stepper if isinstance(field, stepper.Field) else any_model
    integrate = second_integrator.integrate if second else engine.integrate
    return _trajectory(run, numerics, integrate(*run))


def _arguments(field: Field, start, numerics, until: Event, residual, log_r: float = 0.0) -> tuple:
    """What integrators take."""
    direction = np.zeros(start.size)
    if until.kind == stepper.ALIGNMENT_EVENT:
        direction = finite_vector(until.direction, start.size, "direction")
    residual = NEVER if until.kind else residual
    target = until.target * field.scale if until.kind == stepper.TIME_EVENT else until.target
    numbers = numerics.tolerance, residual, until.kind, target, direction, numerics.calls
    return field, start, log_r, *numbers


def _runs(runs: list[tuple[tuple, Numerics]]) -> list[Trajectory]:
    """The trajectories of several runs on one model and data set."""
    found = any_model.integrate_together([run for run, _ in runs])
    return [_trajectory(*run, rows) for run, rows in zip(runs, found)]


def are_together(ncf: Ncf, numerics: Iterable[Numerics]) -> bool:
    """Whether several flows take less time together than one after the other."""
    return ncf.on_data.are_fast_together and all(
        each.integrator == INTEGRATORS[0] for each in numerics
    )


def _trajectory(
    run: tuple, numerics: Numerics, rows: Sequence, turns: Turns | None = None
) -> Trajectory:
    """What an integrator found; where the flow is stiff, taken up by an implicit one."""
    field, start, _, tolerance, residual, kind, target, direction, _ = run
    code, calls, scalars, directions = rows
    second = numerics.integrator == "scipy"
    is_any = not isinstance(field, stepper.Field)
    if code == stepper.STIFF and is_any and start.size > DENSE_HESSIAN:
        code = stepper.BUDGET  # a Jacobian by differences takes as long as the flow
    if code == stepper.STIFF:
        solver = second_integrator.radau if second else second_integrator.extrapolated
        code, more, late, ends = second_integrator.integrate(
            field,
            directions[-1],
            scalars[-1, 1],
            tolerance,
            residual,
            kind,
            target,
            direction,
            numerics.calls // 3,
            solver,
            scalars,
        )
        calls, scalars, directions = (
            calls + more,
            np.vstack([scalars, late[1:]]),
            np.vstack([directions, ends[1:]]),
        )
    if code == stepper.EVENT:
        stop = Stop.ESCAPED if kind == stepper.NORM_EVENT else Stop.REACHED
    else:
        stop = STOPS[code]
    sigma, log_norm, increments, value, gradient_norm, sine = scalars.T
    return Trajectory(
        stop,
        int(calls),
        sigma,
        log_norm,
        np.cumsum(increments) / field.scale,
        value * field.scale,
        gradient_norm * field.scale,
        sine,
        directions,
        turns,
    )
