"""The flows of `stepper` integrated by scipy: the independent second opinion, and the implicit path for stiff instances."""

from __future__ import annotations

import numpy as np
from scipy import integrate as ode
from scipy.optimize import brentq

from checker import stepper
from checker.kernels import workspace


def integrate(field, v0, log_r0, tolerance, residual, kind, target, direction, calls_allowed, method="DOP853", before=None):
    """Same contract as `stepper.integrate`; `method` names an integrator of scipy.integrate (DOP853, Radau, …).

    `before` holds the scalars of a flow to be taken up where it ended: v0 and log_r0 are then its last row.
    """
    work, weights = workspace(field.layout, field.X.shape[1]), np.empty(field.y.shape)
    size, calls = v0.size, 0

    def rhs(_, state):
        nonlocal calls
        calls += 1
        out = np.empty(size + 2)
        stepper.rate(field, np.ascontiguousarray(state), out, weights, work)
        return out

    def row(sigma, state, elapsed):
        point = state.copy()
        point[:size] /= np.linalg.norm(point[:size])
        value, norm, sine = stepper.rate(field, point, np.empty(size + 2), weights, work)
        return np.array([sigma, state[size], state[size + 1] - elapsed, value, norm, sine]), point[:size]

    def event(state):
        unit = state.copy()
        unit[:size] /= np.linalg.norm(unit[:size])
        return stepper._event(kind, target, direction, unit, 0.0)

    sigma0, elapsed0 = (0.0, 0.0) if before is None else (before[-1, 0], before[:, 2].sum())
    state = np.concatenate([v0 / np.linalg.norm(v0), [log_r0, elapsed0]])
    first, unit = row(sigma0, state, elapsed0)
    first_norm = first[4] if before is None else before[0, 4]
    scalars, directions = [first], [unit]
    code = _ended(first, residual, kind, event(state) if kind else -1.0)
    atol = np.full(size + 2, tolerance)
    atol[-1] = 1e-300
    solver = getattr(ode, method)(rhs, sigma0, state, np.inf, rtol=max(tolerance, 3e-14), atol=atol, first_step=1e-6)
    while code is None:
        old, elapsed = solver.y.copy(), solver.y[-1]
        try:
            with np.errstate(
                over="ignore", invalid="ignore"
            ):  # zero columns of the numerical Jacobian are probed ever further out
                solver.step()
        except ValueError:  # how scipy reports a Jacobian with infinite entries
            code = stepper.NOT_FINITE
            break
        if solver.status == "failed":
            code = stepper.SMALL_STEP
            break
        sigma, state, crossed = solver.t, solver.y, False
        if kind and event(old) < 0 <= event(state):
            dense, crossed = solver.dense_output(), True
            sigma = brentq(lambda s, dense=dense: event(dense(s)), solver.t_old, solver.t, xtol=1e-15, rtol=1e-14)
            state = dense(sigma)
        latest, unit = row(sigma, state, elapsed)
        scalars.append(latest)
        directions.append(unit)
        code = stepper.EVENT if crossed else _ended(latest, residual, 0, -1.0)
        if code is None and latest[4] <= stepper.VANISHED * first_norm:
            code = stepper.DEAD
        if code is None and calls >= calls_allowed:
            code = stepper.BUDGET
    return code, calls, np.array(scalars), np.array(directions)


def _ended(row, residual, kind, event):
    norm, sine = row[4], row[5]
    if not np.isfinite(norm):
        return stepper.NOT_FINITE
    if norm == 0.0:
        return stepper.DEAD
    if sine <= residual:
        return stepper.CONVERGED
    return stepper.EVENT if kind and event >= 0 else None
