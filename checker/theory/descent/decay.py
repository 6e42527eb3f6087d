"""Flows with weight decay: which of them escape from the origin (theory §12)."""

from __future__ import annotations

import math
from itertools import count
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from ncfcheck.core.claims import Unresolved
from ncfcheck.model.instance import Instance
from ncfcheck.theory.flow.fields import ModelField

EVALUATIONS = 4000  # of one flow, several times what most take
FURTHEST = 200.0  # arc-length-like time
GONE = 1.0  # what log r is below where growth and decay balance, when a flow is on its way to 0


class Fate(NamedTuple):
    """Where a flow with decay went: the largest log‖s‖, less that of where it would have escaped,
    0 if it did; and e^{−κ(D−2)t} at its end, 1 less the share of the path that decay leaves.
    """

    short: float
    left: float

    @property
    def is_escaped(self) -> bool:
        """Whether the norm was reached."""
        return self.short >= 0.0


def fate(
    instance: Instance,
    log_delta: float | None,
    decay: float,
    log_radius: float,
    optimum: float,
    tolerance: float,
) -> Fate:
    """ṡ = J(X; s)ᵀ(−ℓ'(δ^D H(X; s), y)) − κs from v_0, to ‖s‖ = e^{log_radius} or on its way to 0;
    of the NCF where log δ is None.

    In polar form: dv/dσ as without decay, d log r/dσ = ⟨ḡ,v⟩/‖ḡ‖ − κ dt/dσ, dt/dσ =
    r^{−(D−2)}/‖ḡ‖. On its way to 0: where r^{D−2} D N* is well below κ, `optimum` N*. Raises
    Unresolved where that takes too long.
    """
    problem, ncf, order = instance.problem, instance.ncf, instance.network.order
    told = (ncf.ybar, None, order, 0.0, 1.0)
    if log_delta is not None:
        told = (problem.y, problem.loss, order, log_delta, 1.0)
    field, evaluations = ModelField(ncf.on_data, *told), count()
    least = math.log(decay / (order * optimum)) / (order - 2) - GONE

    def rate(_, state):
        if next(evaluations) > EVALUATIONS:
            raise Unresolved("the flow with decay takes too many evaluations")
        v, log_r = state[:-2] / np.linalg.norm(state[:-2]), float(state[-2])
        g = field.gradient(v, log_r)[1]
        size, along = np.linalg.norm(g), g @ v
        # A step that was too long is not finite, and taken again.
        pace = np.exp(-(order - 2) * log_r) / size
        return np.concatenate([(g - along * v) / size, [along / size - decay * pace, pace]])

    def escapes(_, state):
        return state[-2] - log_radius

    def dies(_, state):
        return state[-2] - least

    escapes.terminal = dies.terminal = True
    errors = {"rtol": tolerance, "atol": 1e-3 * tolerance}
    start = np.concatenate([instance.start, [0.0, 0.0]])
    with np.errstate(all="ignore"):
        flow = solve_ivp(
            rate, (0.0, FURTHEST), start, "RK45", events=(escapes, dies), max_step=1.0, **errors
        )
    if flow.status != 1:
        raise Unresolved("a flow with decay neither escapes nor goes to 0")
    left = math.exp(-decay * (order - 2) * flow.y[-1, -1])
    if flow.t_events[0].size:
        return Fate(0.0, left)
    return Fate(float(flow.y[-2].max()) - log_radius, left)
