"""Derivatives of a flow's rate by its state (v, log r, t, σ), for implicit integrators."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.curvature import Curvature
from ncfcheck.model.kernels.gradients import pull_back, workspace
from ncfcheck.model.loss_functions import bent_by
from ncfcheck.model.losses import CODED, NCF_CODE


def jacobian(field, state: np.ndarray) -> np.ndarray:
    """Derivative of d(v, log r, t, σ)/dτ, dτ = dσ/‖ḡ‖, by the state (P + 3,); (P + 3, P + 3); the
    field is a `stepper.Field` or a `ModelField`.
    """
    size, order = state.size - 3, field.order
    v, log_r = np.ascontiguousarray(state[:size]), state[size]
    g, dg, dg_dlog_r = field.derivatives(v, log_r)
    square, norm = v @ v, np.linalg.norm(g)
    radial, dradial_dlog_r = g @ v / square, dg_dlog_r @ v / square
    dradial = (dg @ v + g - 2 * radial * v) / square
    out = np.zeros((size + 3, size + 3))
    out[:size, :size] = dg - radial * np.eye(size) - np.outer(v, dradial)
    out[:size, size] = dg_dlog_r - dradial_dlog_r * v
    out[size, :size], out[size, size] = dradial, dradial_dlog_r
    out[size + 1, size] = -(order - 2) * np.exp(-(order - 2) * log_r)
    if norm:
        out[size + 2, :size], out[size + 2, size] = g @ dg / norm, g @ dg_dlog_r / norm
    return out


def compiled_derivatives(
    field, v: np.ndarray, log_r: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ḡ/scale (P,) at direction v (P,) and log r; its derivatives by v, (P, P), and log r, (P,)."""
    factor = np.exp(field.order * (field.log_delta + log_r)) if field.loss != NCF_CODE else 0.0
    g, weights = np.empty(v.size), np.empty(field.y.shape)
    work = workspace(field.layout, field.X.shape[1])
    pull_back(field.layout, v, field.X, field.y, field.loss, factor, field.scale, weights, work, g)
    curvature = Curvature(field.layout, v, field.X, weights)
    if field.loss == NCF_CODE:
        return g, curvature.matrix(), np.zeros(v.size)
    outputs, J = curvature.outputs, curvature.output_jacobian()
    bend = -CODED[field.loss].curvature(factor * outputs.T, field.y.T)  # of −ℓ' by ŷ
    bent = factor / field.scale * bent_by(bend, J, outputs)
    return g, curvature.matrix() + bent[:, :-1], field.order * bent[:, -1]
