"""Flows through kinks by scipy's DOP853: an independent stepper and location of events (§11).

Which mode a flow goes on in is settled by the same code; steps, dense output and roots are scipy's.
"""

from __future__ import annotations

import numpy as np
from scipy import integrate as ode
from scipy.optimize import brentq

from ncfcheck.core.compiling import compiled
from ncfcheck.theory.flow import stepper as smooth
from ncfcheck.theory.flow.kinks.events import ARRIVES, BEYOND, BRANCHES, RELEASED
from ncfcheck.theory.flow.kinks.modes import SLIDING, make_room, move
from ncfcheck.theory.flow.kinks.settling import make_ties, scale_of
from ncfcheck.theory.flow.kinks.sliding import (
    faint_of,
    onto_kinks,
    rate,
    settle_shares,
    sliding_slopes,
)
from ncfcheck.theory.flow.kinks.stepper import BRANCHED, CROSSED, MOST_EVENTS, set_out, turn

Array = np.ndarray
GRID = np.linspace(0.0, 1.0, 9)[1:]  # shares of a step at which events are looked for


def integrate(
    field, v0, log_r0, tolerance, residual, kind, target, direction, calls_allowed, given
) -> tuple:
    """The same contract as `stepper.integrate` of this package."""
    flow = _Flow(field, v0.size, (kind, target, direction))
    state = np.concatenate([v0 / np.linalg.norm(v0), [log_r0, 0.0]])
    stop = flow.set_out(state, given)
    rows = [flow.row(0.0, state, 0.0)]
    events, modes = [(0.0, float(flow.unsettled), float(CROSSED))], [flow.room.modes.copy()]
    slopes = [flow.slopes(state)]
    first_norm, sigma, elapsed = rows[0][0][4], 0.0, 0.0
    if stop < 0:
        stop = _ended(rows[0][0], residual, 0.0)
    if stop < 0 and kind and flow.distance(state, elapsed) >= 0:
        stop = smooth.EVENT
    solver = None
    while stop < 0:
        if flow.calls >= calls_allowed or len(events) >= MOST_EVENTS:
            stop = smooth.BUDGET
            break
        solver = solver or flow.solver(state, tolerance)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            solver.step()
        if solver.status != "running" and solver.status != "finished":
            stop = smooth.SMALL_STEP
            break
        share, what = flow.first_event(solver, elapsed)
        dense, old = solver.dense_output(), solver.t_old
        length = share * (solver.t - old)
        state = flow.normalised(dense(old + length) if share < 1.0 else solver.y)
        increment, state[-1] = max(state[-1], 0.0), 0.0
        sigma, elapsed = sigma + length, elapsed + increment
        rows.append(flow.row(sigma, state, increment))
        if what is None:
            # Time is counted from the last row on: no digits of it are lost.
            solver.y[-1] = 0.0
        elif what == ():
            stop = smooth.EVENT
        else:
            stop, happened, unit = flow.turn(state, *what)
            events.append((float(len(rows) - 1), float(unit), float(happened)))
            modes.append(flow.room.modes.copy())
            slopes.append(flow.slopes(state))
            solver = None
        if stop < 0:
            stop = _ended(flow.row(sigma, state, 0.0)[0], residual, first_norm)
    scalars, directions = zip(*rows)
    found = stop, flow.calls, np.array(scalars), np.array(directions)
    return *found, np.array(events), np.array(modes), np.array(slopes)


def _ended(row: Array, residual: float, first_norm: float) -> int:
    if not np.isfinite(row[4]):
        return smooth.NOT_FINITE
    if row[4] <= smooth.VANISHED * first_norm:
        return smooth.DEAD
    return smooth.CONVERGED if row[5] <= residual else -1


class _Flow:
    """The right-hand side in the mode that the flow is in, and what is looked at on the way."""

    def __init__(self, field, size: int, event: tuple):
        self.field, self.size, self.event = field, size, event
        self.room = make_room(field.layout, field.X.shape[1], size)
        self.ties = make_ties(self.room.modes.size)
        self.out = np.empty(size + 2)
        self.unsettled, self.calls = -1, 0  # gradients that steps took, not looking for events

    def __call__(self, _, state: Array) -> Array:
        self.calls += 1
        rate(self.field, np.ascontiguousarray(state), self.out, self.room)
        return self.out.copy()

    def solver(self, state: Array, tolerance: float) -> ode.OdeSolver:
        """Scipy's, from a state on."""
        atol = np.concatenate([np.full(self.size, tolerance), [tolerance, 1e-300]])
        options = {"rtol": max(tolerance, 3e-14), "atol": atol, "first_step": 1e-6}
        return ode.DOP853(self, 0.0, state.copy(), np.inf, **options)

    def set_out(self, state: Array, given: Array) -> int:
        """The mode of a start."""
        stop = set_out(self.field, state, given, self.room, self.ties, self.out)
        self.unsettled = int(self.ties.counts[1]) if stop == BRANCHED else -1
        return stop

    def turn(self, state: Array, unit: int, side: int) -> tuple:
        """The mode on from an event."""
        return turn(self.field, state, unit, side, self.room, self.ties, self.out)

    def slopes(self, state: Array) -> Array:
        """Those of sliding units, (H,)."""
        out = np.empty(self.room.modes.size)
        rate(self.field, state, self.out, self.room)
        settle_shares(self.field, self.room)
        sliding_slopes(self.field, self.room, out)
        return out

    def row(self, sigma: float, state: Array, increment: float) -> tuple[Array, Array]:
        """Scalars of `stepper.integrate` and the direction."""
        found = rate(self.field, state, self.out, self.room)
        return np.array([sigma, state[-2], increment, *found]), state[:-2].copy()

    def normalised(self, state: Array) -> Array:
        """A state with a unit direction whose sliding units have z = 0."""
        state = np.array(state)
        state[:-2] /= np.linalg.norm(state[:-2])
        rate(self.field, state, self.out, self.room)
        onto_kinks(self.field, state[:-2], self.room)
        return state

    def distance(self, state: Array, elapsed: float) -> float:
        """Signed distance from the event asked for."""
        return smooth._event(*self.event, state, elapsed)

    def first_event(self, solver, elapsed: float) -> tuple[float, tuple | None]:
        """The share of a step at which something happens first, and what: a unit and its side, ()
        for the event asked for; 1, None where nothing does.
        """
        dense, old, length = solver.dense_output(), solver.t_old, solver.t - solver.t_old

        def seen(share: float) -> Array:
            state = self.normalised(dense(old + share * length))
            asked = self.distance(state, elapsed) if self.event[0] else -1.0
            return np.append(self._excesses(state), asked)

        last, before = 0.0, seen(0.0)
        for share in GRID:
            after = seen(share)
            crossed = np.flatnonzero(after > 0.0)
            if crossed.size:
                roots = [
                    brentq(lambda x, k=k: seen(x)[k], last, share, xtol=1e-14)
                    if before[k] < 0.0
                    else last
                    for k in crossed
                ]
                first = int(np.argmin(roots))
                return roots[first], self._what(int(crossed[first]), before.size - 1)
            last, before = share, after
        return 1.0, None

    def _excesses(self, state: Array) -> Array:
        """How far free units are beyond their kinks, in units of what z could be, and groups that
        slide beyond what lets them, three each: > 0 where something has happened.
        """
        out = np.full(self.room.modes.size + 3 * self.room.shares.size, -1.0)
        _excesses(self.field, state, self.room, self.out, out)
        return out

    def _what(self, k: int, last: int) -> tuple:
        if k == last:
            return ()
        units = self.room.modes.size
        if k < units:
            return k, ARRIVES
        group, how = divmod(k - units, 3)
        return int(self.room.representatives[group]), (-1, 1, BRANCHES)[how]


@compiled(_nrt=False)
def _excesses(field, state, room, rates, out):
    rate(field, state, rates, room)
    units = room.modes.size
    if room.counts[0]:
        settle_shares(field, room)
    move(field, rates[: state.size - 2], room)
    for unit in range(units):
        mode = room.modes[unit]
        if mode != SLIDING and mode != 2:
            scale = scale_of(field, unit, room)
            # Who is on its kink and moves to its side has just come from there.
            is_leaving = mode * room.moved[unit] > 0.0
            if scale > 0.0 and not (is_leaving and abs(room.pre[unit]) <= 1e3 * BEYOND * scale):
                out[unit] = -mode * room.pre[unit] / scale - BEYOND
    for group in range(room.counts[0]):
        share, strength, first = room.shares[group], room.strengths[group], units + 3 * group
        faint = faint_of(field, room.representatives[group], room)
        if strength < -faint:
            out[first], out[first + 1] = -share - RELEASED, share - 1.0 - RELEASED
        out[first + 2] = strength - faint
