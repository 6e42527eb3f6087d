"""Polar gradient flows of any model, as integrators ask for them: rates and their derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from ncfcheck.core.compiling import compiled, inlined
from ncfcheck.model.loss_functions import bent_by
from ncfcheck.model.losses import NCF_CODE
from ncfcheck.model.models import Evaluation
from ncfcheck.model.program_models import ProgramEvaluation
from ncfcheck.theory.flow import stepper
from ncfcheck.theory.flow.stepper import _products

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class ModelField:
    """A gradient flow of a model on data, and what multiplies ∂H in its gradient: −ℓ' of a loss
    against labels y (n, m), or the pseudo-labels y themselves where that is None.

    The same as `stepper.Field`, whose kernels know the model and the loss.
    """

    on_data: Evaluation
    y: Array
    loss: Any
    order: float  # D
    log_delta: float
    scale: float

    def gradient(self, v: Array, log_r: float) -> tuple[float, Array]:
        """Σ −ℓ'·H and ḡ, (P,), at direction v (P,) and log r."""
        if self.loss is None:
            return self.on_data.pull_back(v, self.y)
        return self.on_data.pull_back_weighed(v, lambda outputs: self.weights(outputs, log_r))

    def weights(self, outputs: Array, log_r: float) -> Array:
        """What multiplies ∂H, (n, m), where H(X; v) are `outputs`."""
        return (
            self.y
            if self.loss is None
            else self.loss.descent(self._factor(log_r) * outputs, self.y)
        )

    def _factor(self, log_r: float) -> float:
        """(δr)^D, in whose units outputs are."""
        try:
            return math.exp(self.order * (self.log_delta + log_r))
        except OverflowError:
            return math.inf

    def calls_of_jacobian(self, size: int) -> int:
        """Gradients that a Jacobian for `size` weights takes: differences, and one an output."""
        return 2 * size + (0 if self.loss is None else self.y.size)

    def rate(self, state: Array, out: Array) -> tuple[float, float, float]:
        """Rate of (v, log r, t), (P + 2,), into out; Σ −ℓ'·H/scale, ‖ḡ‖/scale, sin∠(ḡ, v)."""
        if not math.isfinite(state.dot(state)):
            out.fill(np.nan)
            return math.nan, math.nan, math.nan
        value, out[:-2] = self.gradient(state[:-2].copy(), float(state[-2]))
        return value / self.scale, *turned(out, state, float(self.order), float(self.scale))

    def derivatives(self, v: Array, log_r: float) -> tuple[Array, Array, Array]:
        """ḡ/scale (P,) at direction v (P,) and log r; its derivatives by v, (P, P), and log r."""
        on_data, scale = self.on_data, self.scale
        if self.loss is None:
            gradient = on_data.pull_back(v, self.y)[1]
            return gradient / scale, on_data.hessian(v, self.y) / scale, np.zeros(v.size)
        factor, outputs = self._factor(log_r), on_data.outputs(v)
        weights = self.loss.descent(factor * outputs, self.y)
        curvature = on_data.curvature(v, weights)
        J = curvature.output_jacobian()
        bend = -self.loss.curvature(factor * outputs, self.y)  # of −ℓ' by ŷ
        bent = factor * bent_by(bend, J, outputs.T)
        by_direction, by_log_r = curvature.matrix() + bent[:, :-1], self.order * bent[:, -1]
        return on_data.pull_back(v, weights)[1] / scale, by_direction / scale, by_log_r / scale


class ProgramField(ModelField):
    """The same of a program and a loss that kernels know: whose steps are compiled."""

    on_data: ProgramEvaluation

    @property
    def compiled(self) -> stepper.Field:
        """The field for the compiled stepper."""
        on_data, code = self.on_data, NCF_CODE if self.loss is None else self.loss.code
        columns = on_data.fixed, on_data.rows_to_columns(self.y)
        numbers = int(self.order), float(self.log_delta), float(self.scale)
        return stepper.Field(on_data.code, *columns, code, *numbers)


def gradients(fields: Sequence[ModelField], where: Sequence[tuple[Array, float]]) -> list[tuple]:
    """`gradient` of each field at (v, log r): all of one model on the same data."""
    if not fields:
        return []
    on_data, ws = fields[0].on_data, np.array([v for v, _ in where])
    outputs: Any = repeat(None)
    if any(field.loss is not None for field in fields):
        outputs = on_data.outputs_at(ws)
    asked = zip(fields, outputs, where)
    rs = np.array([field.weights(each, log_r) for field, each, (_, log_r) in asked])
    return list(zip(*on_data.pull_backs(ws, rs)))


@inlined(_nrt=False)
def _turned(out, state, order, scale):
    """The rate of (v, log r, t) in `out` in place of ḡ there; ‖ḡ‖/scale and sin∠(ḡ, v)."""
    size = state.size - 2
    v, g = state[:size], out[:size]
    for i in range(size):
        g[i] /= scale
    along, squares, length = _products(g, v)
    radial, norm = along / length, np.sqrt(squares)
    if norm == 0.0:
        out.fill(0.0)
        return norm, 0.0
    tangential = 0.0
    for i in range(size):
        g[i] = (g[i] - radial * v[i]) / norm
        tangential += g[i] * g[i]
    out[size] = radial / norm
    out[size + 1] = np.exp(-(order - 2) * state[size]) / norm
    return norm, np.sqrt(tangential)


@compiled(_nrt=False)
def turned(out, state, order, scale):
    """`_turned` as a call."""
    return _turned(out, state, order, scale)
