"""The flows of `stepper` by solvers of scipy's kind: independent second opinions, stiff flows."""

from __future__ import annotations

import numpy as np
from scipy import integrate as ode
from scipy.optimize import brentq

from ncfcheck.theory.flow import linearised, stepper
from ncfcheck.theory.flow.implicit import ExtrapolatedEuler


def explicit(flow, state, tolerance: float) -> ode.OdeSolver:
    """Scipy's DOP853."""
    return _scipy(ode.DOP853, flow, state, tolerance)


def radau(flow, state, tolerance: float) -> ode.OdeSolver:
    """Scipy's Radau, the second opinion on stiff flows."""
    return _scipy(ode.Radau, flow, state, tolerance, jac=flow.jacobian)


def extrapolated(flow, state, tolerance: float) -> ode.OdeSolver:
    """The project's own, for stiff flows."""
    return ExtrapolatedEuler(flow, 0.0, state, np.inf, jac=flow.jacobian, tolerance=tolerance)


def _scipy(solver, flow, state, tolerance: float, **options) -> ode.OdeSolver:
    atol = np.concatenate([np.full(state.size - 2, tolerance), [1e-300, 1.0]])
    return solver(
        flow, 0.0, state, np.inf, rtol=max(tolerance, 3e-14), atol=atol, first_step=1e-6, **options
    )


def integrate(
    field,
    v0,
    log_r0,
    tolerance,
    residual,
    kind,
    target,
    direction,
    calls_allowed,
    method=explicit,
    before=None,
):
    """Same contract as `stepper.integrate`, for either kind of field; `method` is one of the
    solvers above.

    `before` holds the scalars of a flow to be taken up where it ended, at v0 and log_r0.
    """
    flow = _Flow(field, v0.size, paced=method is explicit)
    past = np.zeros((1, 6)) if before is None else before
    state = np.concatenate([v0 / np.linalg.norm(v0), [log_r0, past[:, 2].sum(), past[-1, 0]]])
    rows = [flow.row(state, state[-2])]
    first_norm = rows[0][0][4] if before is None else before[0, 4]
    code = _ended(rows[0][0], residual)
    if code is None and kind and flow.distance(state, kind, target, direction) >= 0:
        code = stepper.EVENT
    solver = method(flow, state, tolerance)
    while code is None:
        old = solver.y.copy()
        code = _advance(solver)
        if code is not None:
            break
        state = solver.y
        event = kind, target, direction
        if kind and flow.distance(old, *event) < 0 <= flow.distance(state, *event):
            state, code = _crossing(solver, flow, kind, target, direction), stepper.EVENT
        rows.append(flow.row(state, old[-2]))
        code = _ended(rows[-1][0], residual) if code is None else code
        if code is None and rows[-1][0][4] <= stepper.VANISHED * first_norm:
            code = stepper.DEAD
        if code is None and flow.calls >= calls_allowed:
            code = stepper.BUDGET
        if code is None and method is explicit and len(rows) > stepper.STIFF_STEPS:
            code = stepper.STIFF
    scalars, directions = zip(*rows)
    return code, flow.calls, np.array(scalars), np.array(directions)


class _Flow:
    """Right-hand side for the state (v, log r, t, σ), and what is recorded of a state.

    Paced, the independent variable is σ itself; an implicit method goes by dτ = dσ/‖ḡ‖ instead:
    close to a zero KKT point the direction of ḡ turns ever faster in σ, while in τ the flow is
    smooth and steps can grow.
    """

    def __init__(self, field, size: int, paced: bool):
        self.field, self.size, self.paced, self.calls = field, size, paced, 0

    def __call__(self, _, state):
        self.calls += 1
        out = np.empty(self.size + 3)
        state = np.ascontiguousarray(state[:-1])
        _, norm, _ = self.field.rate(state, out[:-1])
        out[-1] = 1.0
        return out if self.paced else norm * out

    def jacobian(self, _, state) -> np.ndarray:
        """Derivative of the slope in τ by the state."""
        self.calls += self.field.calls_of_jacobian(self.size)
        return linearised.jacobian(self.field, state)

    def row(self, state, elapsed: float):
        """Scalars of `stepper.integrate` and the direction, of a state reached since `elapsed`."""
        state = self._normalised(state)
        size, out = self.size, np.empty(self.size + 2)
        rate = self.field.rate(np.ascontiguousarray(state[:-1]), out)
        # Late in a flow that escapes, time passes by less than what t is rounded to.
        increment = max(state[size + 1] - elapsed, 0.0)
        return np.array([state[-1], state[size], increment, *rate]), state[:size]

    def distance(self, state, kind, target, direction) -> float:
        """Signed distance from the event."""
        return stepper._event(kind, target, direction, self._normalised(state)[:-1], 0.0)

    def _normalised(self, state):
        state = np.array(state)
        state[: self.size] /= np.linalg.norm(state[: self.size])
        return state


def _advance(solver) -> int | None:
    """One step; the stop code where the solver fails."""
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            solver.step()
    except ValueError:  # how scipy reports a Jacobian with infinite entries
        return stepper.NOT_FINITE
    return stepper.SMALL_STEP if solver.status == "failed" else None


def _crossing(solver, flow: _Flow, kind, target, direction):
    """State at which the event happens within the last step."""
    dense = solver.dense_output()

    def distance(at: float) -> float:
        return flow.distance(dense(at), kind, target, direction)

    # A step taken again ends where it did but for rounding, by which it may miss the event.
    if distance(solver.t_old) >= 0:
        return dense(solver.t_old)
    if distance(solver.t) <= 0:
        return dense(solver.t)
    return dense(brentq(distance, solver.t_old, solver.t, xtol=1e-15, rtol=1e-14))


def _ended(row, residual: float) -> int | None:
    norm, sine = row[4], row[5]
    if not np.isfinite(norm):
        return stepper.NOT_FINITE
    if norm == 0.0:
        return stepper.DEAD
    return stepper.CONVERGED if sine <= residual else None
