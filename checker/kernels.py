"""Compiled kernels: the network's output and gradient at a flat weight vector.

Samples are stored as columns, so that an activation is one pass over contiguous memory and every product is a GEMM.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def workspace(layout, samples):
    """Scratch for one network and number of samples: expanded weights, their gradient, activations, slopes, deltas."""
    entries = layout.offsets[-1]
    units = samples * layout.widths[1:].sum()
    widest = samples * layout.widths.max()
    return np.empty(entries), np.empty(entries), np.empty(units), np.empty(units), np.empty(widest), np.empty(widest)


@njit(cache=True)
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


@njit(cache=True)
def _expand(layout, theta, weights):
    for entry in range(layout.index.size):
        number = layout.index[entry]
        weights[entry] = theta[number] if number >= 0 else 0.0


@njit(cache=True)
def _matrix(layout, flat, layer):
    rows, columns = layout.widths[layer], layout.widths[layer - 1]
    start = layout.offsets[layer - 1]
    return flat[start : start + rows * columns].reshape(rows, columns)


@njit(cache=True)
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


@njit(cache=True)
def backward(layout, theta, X, output_weights, work, gradient):
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


@njit(cache=True)
def output(layout, theta, X):
    """H(X; θ), (k_L, n)."""
    return forward(layout, theta, X, workspace(layout, X.shape[1])).copy()


@njit(cache=True)
def correlation(layout, theta, X, ybar):
    """N(θ) = Σ ȳ ∘ H(X; θ) and its gradient (size,), for pseudo-labels ȳ (k_L, n)."""
    work = workspace(layout, X.shape[1])
    gradient = np.empty(theta.size)
    value = (forward(layout, theta, X, work) * ybar).sum()
    backward(layout, theta, X, ybar, work, gradient)
    return value, gradient


@njit(cache=True)
def _bend(z, power, slope, derivative, curvature):
    """σ'(z) and σ''(z) elementwise, on the side that z lies on (z = 0 counts as positive)."""
    negative = slope
    for _ in range(power - 1):
        negative *= slope
    for i in range(z.size):
        side = 1.0 if z[i] >= 0 else negative
        lower = side * power * (power - 1)
        for _ in range(power - 2):
            lower *= z[i]
        curvature[i] = lower if power > 1 else 0.0
        derivative[i] = lower * z[i] / (power - 1) if power > 1 else side


@njit(cache=True)
def hessian_product(layout, theta, direction, X, ybar):
    """∇²N(θ)·direction, (size,), exact up to rounding: forward-over-reverse differentiation."""
    weights, moved = theta, direction
    entries, depth, samples = layout.offsets[-1], layout.widths.size - 1, X.shape[1]
    if layout.index.size:
        weights, moved = np.empty(entries), np.empty(entries)
        _expand(layout, theta, weights)
        _expand(layout, direction, moved)
    units = samples * layout.widths[1:].sum()
    values, first, second, dz, dvalues = np.empty(units), np.empty(units), np.empty(units), np.empty(units), np.empty(units)
    starts = samples * np.cumsum(layout.widths) - samples * layout.widths[0]
    below, dbelow = X, np.zeros(X.shape)
    for layer in range(1, depth):
        here = slice(starts[layer - 1], starts[layer])
        W, dW = _matrix(layout, weights, layer), _matrix(layout, moved, layer)
        z = np.dot(W, below).ravel()
        dz[here] = (np.dot(dW, below) + np.dot(W, dbelow)).ravel()
        _activate(z.copy(), layout.powers[layer - 1], layout.slopes[layer - 1], values[here], first[here])
        _bend(z, layout.powers[layer - 1], layout.slopes[layer - 1], first[here], second[here])
        dvalues[here] = first[here] * dz[here]
        shape = (layout.widths[layer], samples)
        below, dbelow = values[here].reshape(shape), dvalues[here].reshape(shape)
    out = np.empty(entries)
    delta, ddelta = ybar, np.zeros(ybar.shape)
    for layer in range(depth, 0, -1):
        if layer > 1:
            here, shape = slice(starts[layer - 2], starts[layer - 1]), (layout.widths[layer - 1], samples)
            below, dbelow = values[here].reshape(shape), dvalues[here].reshape(shape)
        else:
            here, shape, below, dbelow = slice(0, 0), (0, 0), X, np.zeros(X.shape)
        _matrix(layout, out, layer)[:] = np.dot(ddelta, below.T) + np.dot(delta, dbelow.T)
        if layer > 1:
            W, dW = _matrix(layout, weights, layer), _matrix(layout, moved, layer)
            back = np.dot(W.T, delta)
            dback = np.dot(dW.T, delta) + np.dot(W.T, ddelta)
            slope, bend = first[here].reshape(shape), (second[here] * dz[here]).reshape(shape)
            delta, ddelta = back * slope, dback * slope + back * bend
    if not layout.index.size:
        return out
    gradient = np.zeros(theta.size)
    for entry in range(entries):
        if layout.index[entry] >= 0:
            gradient[layout.index[entry]] += out[entry]
    return gradient


@njit(cache=True)
def hessian(layout, theta, X, ybar):
    """∇²N(θ), (size, size), column by column."""
    out = np.empty((theta.size, theta.size))
    direction = np.zeros(theta.size)
    for i in range(theta.size):
        direction[i] = 1.0
        out[i] = hessian_product(layout, theta, direction, X, ybar)
        direction[i] = 0.0
    return 0.5 * (out + out.T)
