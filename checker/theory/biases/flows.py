"""Flows of networks with biases, which have no polar form: integrated as they stand (theory §4)."""

from __future__ import annotations

from itertools import count

import numpy as np
from scipy.integrate import solve_ivp

from ncfcheck.core.claims import Unresolved
from ncfcheck.theory.biases.networks import BiasedInstance, BiasedProblem

Array = np.ndarray
# Evaluations of one flow, several times what most take.
EVALUATIONS = 2500


def ncf_flow_with_biases(instance: BiasedInstance, norm: float) -> tuple[Array, Array, Array]:
    """u̇ = ∇N(u) from v_0 to the norm given: times (m,), norms (m,) and directions (m, P).

    In arc-length-like time, du/dσ = ‖u‖ ∇N/‖∇N‖, dt/dσ = ‖u‖/‖∇N‖. Unresolved short of the norm.
    """
    budget = count()

    def rate(_, state):
        gradient = instance.ncf.gradient(_spend(budget, state[:-1]))
        pace = np.linalg.norm(state[:-1]) / np.linalg.norm(gradient)
        return np.append(pace * gradient, pace)

    def arrival(_, state):
        return np.linalg.norm(state[:-1]) / norm - 1

    arrival.terminal = True
    start, precision = np.append(instance.start, 0.0), {"rtol": 1e-6, "atol": 1e-9}
    flow = solve_ivp(rate, (0.0, 100.0), start, "RK45", events=arrival, **precision)
    if flow.status != 1:
        raise Unresolved("the flow of N does not reach a large norm")
    return flow.y[-1], *_polar(flow.y[:-1])


def loss_flow_with_biases(
    instance: BiasedInstance, delta: float, time: float
) -> tuple[Array, Array, Array]:
    """ẇ = −∇𝓛(w) from δ·v_0 up to the time given: times (m,), norms (m,) and directions (m, P)."""
    budget = count()

    def rate(_, w):
        return _descent(instance.problem, _spend(budget, w))

    start, precision = delta * instance.start, {"rtol": 1e-6, "atol": 1e-9 * delta}
    flow = solve_ivp(rate, (0.0, time), start, "LSODA", **precision)
    if not flow.success:
        raise Unresolved(f"loss flow with biases: {flow.message}")
    return flow.t, *_polar(flow.y)


def _descent(problem: BiasedProblem, w: Array) -> Array:
    """−∇𝓛(w), (P,)."""
    weights = problem.loss.descent(problem.outputs(w), problem.y)
    return problem.ncf.pull_back(w, weights)[1]


def _spend(budget, weights: Array) -> Array:
    """The weights, as long as there are evaluations left."""
    if next(budget) >= EVALUATIONS:
        raise Unresolved("flow with biases: the allowed evaluations were used up")
    return weights


def _polar(weights: Array) -> tuple[Array, Array]:
    """Norms (m,) and directions (m, P) of weights (P, m)."""
    norms = np.linalg.norm(weights, axis=0)
    return norms, (weights / norms).T
