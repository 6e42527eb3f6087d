"""Flows of networks with biases, which have no polar form: integrated as they stand (theory §4)."""

from __future__ import annotations

from itertools import count

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from ncfcheck.core.claims import Unresolved
from ncfcheck.theory.biases.networks import BiasedInstance

Array = np.ndarray
# Evaluations of one flow, several times what most take.
EVALUATIONS = 5000
PRECISION = 1e-6  # relative local error


def ncf_flow_with_biases(
    instance: BiasedInstance, norm: float, precision: float = PRECISION
) -> tuple[Array, Array, Array]:
    """u̇ = ∇N(u) from v_0 to the norm given: times (m,), norms (m,) and directions (m, P).

    Unresolved short of the norm.
    """
    states = _to_norm(instance, norm, precision).y
    return states[-1], *_polar(states[:-1])


def window_with_biases(
    instance: BiasedInstance, norm: float, share: float, precision: float = PRECISION
) -> tuple[Array, float, float, float]:
    """u* (P,), the direction of u̇ = ∇N(u) from v_0 at the norm given; ε, `share` of 1 − ⟨v_0, u*⟩;
    T_ε, when 1 − ⟨v, u*⟩ first is ε; R_ε, the largest norm until then.
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
    return target, epsilon, states[-1, -1], np.linalg.norm(states[:-1], axis=0).max()


def _to_norm(instance: BiasedInstance, norm: float, precision: float):
    """The flow in arc-length-like time, du/dσ = ‖u‖ ∇N/‖∇N‖, dt/dσ = ‖u‖/‖∇N‖: states (u, t)."""
    budget, field = count(), instance.ncf.field()

    def rate(_, state):
        gradient = field(_spend(budget, state[:-1]))
        pace = np.linalg.norm(state[:-1]) / np.linalg.norm(gradient)
        return np.append(pace * gradient, pace)

    def arrival(_, state):
        return np.linalg.norm(state[:-1]) / norm - 1

    arrival.terminal = True
    start, errors = np.append(instance.start, 0.0), {"rtol": precision, "atol": 1e-3 * precision}
    flow = solve_ivp(rate, (0.0, 100.0), start, "RK45", dense_output=True, events=arrival, **errors)
    if flow.status != 1:
        raise Unresolved("the flow of N does not reach a large norm")
    return flow


def loss_flow_with_biases(
    instance: BiasedInstance,
    delta: float,
    time: float,
    norm: float = np.inf,
    precision: float = PRECISION,
) -> tuple[Array, Array, Array]:
    """ẇ = −∇𝓛(w) from δ·v_0 up to the time given: times (m,), norms (m,) and directions (m, P);
    one of them is where ‖w‖ first is `norm`, if it rises to that.
    """
    budget, field = count(), instance.problem.field()

    def rate(_, w):
        return field(_spend(budget, w))

    def arrival(_, w):
        return np.linalg.norm(w) / norm - 1

    arrival.direction = 1
    start, errors = delta * instance.start, {"rtol": precision, "atol": 1e-3 * delta * precision}
    events = () if norm == np.inf else (arrival,)
    flow = solve_ivp(rate, (0.0, time), start, "LSODA", events=events, **errors)
    if not flow.success:
        raise Unresolved(f"loss flow with biases: {flow.message}")
    if not events:
        return flow.t, *_polar(flow.y)
    first = np.searchsorted(flow.t, flow.t_events[0][:1])
    weights = np.insert(flow.y, first, flow.y_events[0][:1].T, axis=1) if first.size else flow.y
    return np.insert(flow.t, first, flow.t_events[0][:1]), *_polar(weights)


def _spend(budget, weights: Array) -> Array:
    """The weights, as long as there are evaluations left."""
    if next(budget) >= EVALUATIONS:
        raise Unresolved("flow with biases: the allowed evaluations were used up")
    return weights


def _polar(weights: Array) -> tuple[Array, Array]:
    """Norms (m,) and directions (m, P) of weights (P, m)."""
    norms = np.linalg.norm(weights, axis=0)
    return norms, (weights / norms).T
