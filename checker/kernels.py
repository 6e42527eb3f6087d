"""Compiled kernels: the network's output and gradient at a flat weight vector.

Samples are stored as columns, so that an activation is one pass over contiguous memory and every product is a GEMM.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from checker.compiling import compiled, inlined, internal
from checker.losses import NCF_CODE, descent


@register_jitable(inline="always")
def workspace(layout, samples):
    """Scratch for one network and number of samples: expanded weights, their gradient, activations, slopes, deltas."""
    entries, units, widest = layout.offsets[-1], samples * layout.units, samples * layout.widest
    return np.empty(entries), np.empty(entries), np.empty(units), np.empty(units), np.empty(widest), np.empty(widest)


@internal()
def _activate(z, power, slope, value, derivative):
    """σ(z) = max(z, αz)^p and σ'(z), elementwise; the slope at 0 is the one of the positive side."""
    negative = slope
    for _ in range(power - 1):
        negative *= slope
    if power == 1:
        for i in range(z.size):
            side = 1.0 if z[i] >= 0 else negative
            derivative[i] = side
            value[i] = side * z[i]
    elif power == 2:
        for i in range(z.size):
            scaled = z[i] if z[i] >= 0 else negative * z[i]
            derivative[i] = 2.0 * scaled
            value[i] = scaled * z[i]
    else:
        for i in range(z.size):
            lower = z[i] if z[i] >= 0 else negative * z[i]
            for _ in range(power - 2):
                lower *= z[i]
            derivative[i] = power * lower
            value[i] = lower * z[i]


@internal()
def _expand(layout, theta, weights):
    for entry in range(layout.index.size):
        number = layout.index[entry]
        weights[entry] = theta[number] if number >= 0 else 0.0


@internal()
def _matrix(layout, flat, layer):
    rows, columns = layout.widths[layer], layout.widths[layer - 1]
    start = layout.offsets[layer - 1]
    return flat[start : start + rows * columns].reshape(rows, columns)


@compiled()
def forward(layout, theta, X, work):
    """Output H(X; θ), (k_L, n), for samples as columns X (d, n); fills the workspace for `backward`."""
    weights, _, values, slopes, _, _ = work
    if layout.index.size:
        _expand(layout, theta, weights)
    else:
        weights = theta
    depth, samples = layout.widths.size - 1, X.shape[1]
    start, below = 0, X
    for layer in range(1, depth + 1):
        stop = start + layout.widths[layer] * samples
        here = values[start:stop]
        above = here.reshape(layout.widths[layer], samples)
        np.dot(_matrix(layout, weights, layer), below, above)
        if layer < depth:
            _activate(here, layout.powers[layer - 1], layout.slopes[layer - 1], here, slopes[start:stop])
        start, below = stop, above
    return below


@inlined()
def _backward(layout, theta, X, output_weights, work, gradient):
    """Gradient in θ of Σ output_weights ∘ H(X; θ), both (k_L, n), after `forward` at the same θ; written to gradient (size,)."""
    weights, weight_gradient, values, slopes, delta, lower = work
    shared = layout.index.size > 0
    if not shared:
        weights, weight_gradient = theta, gradient
    depth, samples = layout.widths.size - 1, X.shape[1]
    above = output_weights
    stop = values.size - layout.widths[depth] * samples
    for layer in range(depth, 1, -1):
        start = stop - layout.widths[layer - 1] * samples
        below = values[start:stop].reshape(layout.widths[layer - 1], samples)
        np.dot(above, below.T, _matrix(layout, weight_gradient, layer))
        here = lower[: stop - start]
        np.dot(_matrix(layout, weights, layer).T, above, here.reshape(layout.widths[layer - 1], samples))
        for i in range(here.size):
            here[i] *= slopes[start + i]
        above = here.reshape(layout.widths[layer - 1], samples)
        delta, lower, stop = lower, delta, start
    np.dot(above, X.T, _matrix(layout, weight_gradient, 1))
    if shared:
        gradient[:] = 0.0
        for entry in range(layout.index.size):
            if layout.index[entry] >= 0:
                gradient[layout.index[entry]] += weight_gradient[entry]


@compiled()
def pull_back(layout, theta, X, y, loss, factor, scale, weights, work, gradient):
    """Σ_i w_i H(x_i; θ) and its gradient at fixed w, for w = −ℓ'(factor · H(X; θ), y)/scale; w (k_L, n) is left in weights.

    For the NCF's loss code y holds ȳ and w = ȳ/scale.
    """
    outputs = forward(layout, theta, X, work)
    descent(loss, y, outputs, factor, weights)
    value = 0.0
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            weights[i, j] /= scale
            value += weights[i, j] * outputs[i, j]
    _backward(layout, theta, X, weights, work, gradient)
    return value


def output(layout, theta, X):
    """H(X; θ), (k_L, n)."""
    return forward(layout, theta, X, workspace(layout, X.shape[1]))


def correlation(layout, theta, X, ybar):
    """N(θ) = Σ ȳ ∘ H(X; θ) and its gradient (size,), for pseudo-labels ȳ (k_L, n)."""
    gradient, work = np.empty(theta.size), workspace(layout, X.shape[1])
    return pull_back(layout, theta, X, ybar, NCF_CODE, 0.0, 1.0, np.empty(ybar.shape), work, gradient), gradient
