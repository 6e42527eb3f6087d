"""Descents as trajectories, beside the flows that they follow (theory §12)."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np

from ncfcheck.core.stated import must_be, shown
from ncfcheck.model.arrays import finite_vector, unit_vector
from ncfcheck.model.ncf import NCF_HINT, Ncf, Problem
from ncfcheck.theory.descent import kernels
from ncfcheck.theory.descent.rules import Rule
from ncfcheck.theory.flow import stepper
from ncfcheck.theory.flow.fields import ModelField, ProgramField
from ncfcheck.theory.flow.trajectories import NO_EVENT, STOPS, Event, Stop, Trajectory, field_of

STEPS = 10_000_000  # that are allowed unless told
ROWS = 512  # of a trajectory, at most, besides its end
Rows = tuple[int, int, np.ndarray, np.ndarray]


def ncf_descent(
    ncf: Ncf, start: np.ndarray, rule: Rule, until: Event = NO_EVENT, steps: int = STEPS
) -> Trajectory:
    """Ascent of the NCF from the unit vector start (P,) by a rule, until the event, which is met
    between two iterates, or after so many steps.

    Its `time` is that of the flow which steps stand for. Raises ValueError and TypeError as
    `ncf_flow` does.
    """
    must_be(Ncf, "ncf", ncf, NCF_HINT)
    return _descent(field_of(ncf, ncf.ybar, None, 0.0, 1.0), ncf, start, rule, until, steps)


def loss_descent(
    problem: Problem,
    start: np.ndarray,
    delta: float,
    rule: Rule,
    until: Event = NO_EVENT,
    steps: int = STEPS,
) -> Trajectory:
    """Descent of the loss from δ·start by a rule, in s = w/δ and the time tδ^{D−2}; the same."""
    must_be(Problem, "problem", problem)
    if not (isinstance(delta, Real) and 0 < delta < math.inf):
        raise ValueError(f"delta must be above 0, not {shown(delta)}")
    field = field_of(problem.ncf, problem.y, problem.loss, math.log(delta), 1.0)
    return _descent(field, problem.ncf, start, rule, until, steps)


def is_compiled(ncf: Ncf, loss=None) -> bool:
    """Whether descents of a model, and a loss, run compiled: others take their gradients' time."""
    field = field_of(ncf, ncf.ybar, loss, 0.0, 1.0)
    return isinstance(field, stepper.Field | ProgramField)


def _descent(field, ncf: Ncf, start, rule: Rule, until: Event, steps: int) -> Trajectory:
    must_be(Rule, "rule", rule)
    must_be(Event, "until", until, "norm_reaches and time_reaches make one")
    size = ncf.network.size
    start, direction = unit_vector(start, size, "start"), np.zeros(size)
    if until.kind == stepper.ALIGNMENT_EVENT:
        direction = finite_vector(until.direction, size, "direction")
    arguments = np.array(start), rule.pace, until.kind, float(until.target), direction, int(steps)
    if isinstance(field, ProgramField):
        field = field.compiled
    descend = kernels.descend if isinstance(field, stepper.Field) else _walked
    with np.errstate(all="ignore"):
        found = descend(field, rule, *arguments, ROWS)
    return _trajectory(found, until)


def _trajectory(found: Rows, until: Event) -> Trajectory:
    code, steps, scalars, directions = found
    sigma, log_norm, time, value, gradient_norm, sine = scalars.T
    if code == stepper.EVENT:
        stop = Stop.ESCAPED if until.kind == stepper.NORM_EVENT else Stop.REACHED
    else:
        stop = STOPS[code]
    told = sigma, log_norm, time, value, gradient_norm, sine, directions
    return Trajectory(stop, int(steps) + 1, *told)


def _walked(field: ModelField, rule, start, pace, kind, target, direction, steps, rows) -> Rows:
    """`kernels.descend` for models whose gradients Python computes, on all samples."""
    if rule.batch:
        raise ValueError("batches are for models that are compiled")
    order, s, before, new = float(field.order), start, start.copy(), start.copy()
    m, q, count, sigma, time, stride = *np.zeros((2, s.size)), 0, 0.0, 0.0, 1
    event = kind, target, direction
    told, stop = [], None
    if kind and kernels.excess(*event, s, 0.0) >= 0:
        stop = stepper.EVENT
    while True:
        value, g = field.gradient(s, 0.0)  # in units of δ, whatever the norm of s is
        if stop is None:
            stop = _stopped(s, g, count == steps)
        if stop is not None or count % stride == 0:
            told.append((sigma, time, s.copy(), value, g))
        if stop is not None:
            break
        if len(told) > rows:
            told, stride = told[::2], 2 * stride
        count += 1
        length = kernels.moved(rule, count, s, g, m, q, new) / float(np.linalg.norm(s))
        time = count * pace
        if kind and kernels.excess(*event, new, time) >= 0:
            times, end = (time - pace, time), new.copy()
            part = kernels.landed(*event, before, s, new, times, end)
            new = end
            length, time = part * length, times[0] + part * pace
            stop = stepper.EVENT
        sigma += length
        before, s, new = s, new, before
    scalars, directions = np.empty((len(told), kernels.COLUMNS)), np.empty((len(told), s.size))
    for row, (*place, each, value, g) in enumerate(told):
        kernels.recorded(row, *place, each, value, g, order, scalars, directions)
    return stop, count, scalars, directions


def _stopped(s: np.ndarray, g: np.ndarray, is_last: bool) -> int | None:
    """The stop code of where a descent is without an event; None where it goes on."""
    if not (np.isfinite(s).all() and np.isfinite(g).all()):
        return stepper.NOT_FINITE
    if not g.any():
        return stepper.DEAD
    return stepper.BUDGET if is_last else None
