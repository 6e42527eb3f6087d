"""Flows of models that are not homogeneous, which have no polar form: integrated as they stand, in
w and its own time (theory §4).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from ncfcheck.core.claims import Unresolved
from ncfcheck.model.instance import Instance

Array = np.ndarray
EVALUATIONS = 5000  # of one flow, several times what most take
PRECISION = 1e-6  # relative local error


def window(
    instance: Instance, norm: float, share: float, precision: float = PRECISION
) -> tuple[Array, float, float, float]:
    """u* (P,), the direction of u̇ = ∇N(u) from v_0 at the norm given; ε, `share` of 1 − ⟨v_0, u*⟩;
    T_ε, when 1 − ⟨v, u*⟩ first is ε; R_ε, the largest norm until then.

    Raises Unresolved where the norm is not reached, or v_0 has that direction.
    """
    flow = _to_norm(instance, norm, precision)
    target = _polar(flow.y[:-1, -1:])[1][0]

    def misalignment(states) -> Array:
        return 0.5 * np.sum((_polar(states[:-1])[1] - target) ** 2, axis=1)

    rows = misalignment(flow.y)
    epsilon, end = share * rows[0], int(np.argmax(rows <= share * rows[0]))
    if not end:
        raise Unresolved("v_0 is what the flow of N tends to")
    last = flow.t[end - 1], flow.t[end]
    sigma = brentq(lambda sigma: misalignment(flow.sol(sigma)[:, None])[0] - epsilon, *last)
    states = np.column_stack([flow.y[:, :end], flow.sol(sigma)])
    return target, epsilon, states[-1, -1], _polar(states[:-1])[0].max()


def _to_norm(instance: Instance, norm: float, precision: float):
    """The flow in arc-length-like time, du/dσ = ‖u‖ ∇N/‖∇N‖, dt/dσ = ‖u‖/‖∇N‖: states (u, t)."""
    ncf = instance.ncf
    gradient = _counted(lambda u: ncf.on_data.pull_back(u, ncf.ybar)[1])

    def rate(_, state):
        slope = gradient(state[:-1].copy())
        pace = np.linalg.norm(state[:-1]) / np.linalg.norm(slope)
        return np.append(pace * slope, pace)

    def arrival(_, state):
        return np.linalg.norm(state[:-1]) / norm - 1

    arrival.terminal = True
    start, errors = np.append(instance.start, 0.0), {"rtol": precision, "atol": 1e-3 * precision}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        flow = solve_ivp(
            rate, (0.0, 100.0), start, "RK45", dense_output=True, events=arrival, **errors
        )
    if flow.status != 1:
        raise Unresolved("the flow of N does not reach a large norm")
    return flow


def loss_flow(
    instance: Instance,
    delta: float,
    time: float,
    norm: float = np.inf,
    precision: float = PRECISION,
) -> tuple[Array, Array]:
    """ẇ = −∇𝓛(w) from δ·v_0 up to the time given: norms (m,) and directions (m, P); one of them is
    where ‖w‖ first is `norm`, if it rises to that. Raises Unresolved where integration fails.
    """
    problem, on_data = instance.problem, instance.ncf.on_data

    def weigh(outputs: Array) -> Array:
        return problem.loss.descent(outputs, problem.y)

    gradient = _counted(lambda w: on_data.pull_back_weighed(w, weigh)[1])

    def arrival(_, w):
        return np.linalg.norm(w) / norm - 1

    arrival.direction = 1
    start, errors = delta * instance.start, {"rtol": precision, "atol": 1e-3 * delta * precision}
    with np.errstate(over="ignore", invalid="ignore"):
        flow = solve_ivp(
            lambda _, w: gradient(w.copy()), (0.0, time), start, "LSODA", events=arrival, **errors
        )
    if not flow.success:
        raise Unresolved(f"loss flow: {flow.message}")
    first = np.searchsorted(flow.t, flow.t_events[0][:1])
    return _polar(
        np.insert(flow.y, first, flow.y_events[0][:1].T, axis=1) if first.size else flow.y
    )


def ncf_flow_to(instance: Instance, time: float, precision: float = PRECISION) -> Array:
    """u̇ = ∇N(u) from v_0 at the time given, (P,). Raises Unresolved where integration fails."""
    ncf = instance.ncf
    gradient = _counted(lambda u: ncf.on_data.pull_back(u, ncf.ybar)[1])
    with np.errstate(over="ignore", invalid="ignore"):
        flow = solve_ivp(
            lambda _, u: gradient(u.copy()),
            (0.0, time),
            instance.start,
            "LSODA",
            rtol=precision,
            atol=1e-3 * precision,
        )
    if not flow.success:
        raise Unresolved(f"flow of N: {flow.message}")
    return flow.y[:, -1]


def _counted(gradient: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The gradient, as long as there are evaluations left."""
    budget = count()

    def counted(w: Array) -> Array:
        if next(budget) >= EVALUATIONS:
            raise Unresolved("flow in w: the allowed evaluations were used up")
        return gradient(w)

    return counted


def _polar(weights: Array) -> tuple[Array, Array]:
    """Norms (m,) and directions (m, P) of weights (P, m)."""
    norms = np.linalg.norm(weights, axis=0)
    return norms, (weights / norms).T
