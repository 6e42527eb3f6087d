"""Compiled kernels: the network's output and gradient at a flat weight vector.

Samples are columns, so that an activation passes contiguous memory once and products are GEMMs.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from ncfcheck.core.compiling import bare, compiled, inlined, internal, matrix_view
from ncfcheck.model.kernels.matrix_products import product, product_with_transposed
from ncfcheck.model.layouts import times_power
from ncfcheck.model.losses import NCF_CODE, SECOND_ORDER_CODE, descent


@register_jitable(inline="always")
def workspace(layout, samples):
    """Scratch for some samples: expanded weights, their gradient, activations, slopes, deltas."""
    entries, units, widest = layout.offsets[-1], samples * layout.units, samples * layout.widest
    return (
        np.empty(entries),
        np.empty(entries),
        np.empty(units),
        np.empty(units),
        np.empty(widest),
        np.empty(widest),
    )


@register_jitable(inline="always")
def _block(layout, samples):
    """`workspace` in one block, which takes a little longer to make, but can be made repeatedly.

    Several large ones the C library would hand back to the system, and ask for again, at every
    call: that takes three times as long as a gradient.
    """
    entries, units, widest = layout.offsets[-1], samples * layout.units, samples * layout.widest
    room, first, last = np.empty(2 * (entries + units + widest)), 2 * entries, 2 * (entries + units)
    return (
        room[:entries],
        room[entries:first],
        room[first : first + units],
        room[first + units : last],
        room[last : last + widest],
        room[last + widest :],
    )


_times_power = inlined(_nrt=False)(times_power)


@bare()
def _activate(values, slopes, start, stop, power, slope):
    """σ(z) = max(z, αz)^p in place of z, and σ'(z), of units start to stop; at 0 as for z > 0."""
    negative = _times_power(1.0, slope, power)
    if power == 2:
        for i in range(start, stop):
            z = values[i]
            lower = z if z >= 0 else negative * z
            slopes[i] = 2 * lower
            values[i] = lower * z
        return
    for i in range(start, stop):
        z = values[i]
        lower = _times_power(1.0 if z >= 0 else negative, z, power - 1)
        slopes[i] = power * lower
        values[i] = lower * z


@bare()
def _expand(index, theta, weights):
    """The entries of all weight matrices, structural zeros included, written to weights."""
    for entry in range(index.size):
        number = index[entry]
        weights[entry] = theta[number] if number >= 0 else 0.0


@bare()
def _collect(index, entries, out):
    """Sums of entries that are one parameter, written to out."""
    out.fill(0.0)
    for entry in range(index.size):
        if index[entry] >= 0:
            out[index[entry]] += entries[entry]


@internal()
def entries_of(layout, theta):
    """The entries of all weight matrices, one after another."""
    if not layout.index.size:
        return theta.copy()
    entries = np.empty(layout.index.size)
    _expand(layout.index, theta, entries)
    return entries


@internal()
def collected(layout, entries, size):
    """Sum of what is told of the entries, for each parameter."""
    if not layout.index.size:
        return entries
    out = np.empty(size)
    _collect(layout.index, entries, out)
    return out


@compiled(_nrt=False, forceinline=True)
def forward(layout, theta, X, work):
    """Fill the workspace with activations at θ, H(X; θ) last, for samples as columns X (d, n)."""
    widths, offsets = layout.widths, layout.offsets
    weights, _, values, slopes, _, _ = work
    if layout.index.size:
        _expand(layout.index, theta, weights)
    else:
        weights = theta
    depth, samples = widths.size - 1, X.shape[1]
    start, below = 0, X
    for layer in range(1, depth + 1):
        above = matrix_view(values, start, widths[layer], samples)
        product(
            matrix_view(weights, offsets[layer - 1], widths[layer], widths[layer - 1]), below, above
        )
        stop = start + widths[layer] * samples
        if layer < depth:
            _activate(
                values, slopes, start, stop, layout.powers[layer - 1], layout.slopes[layer - 1]
            )
        start, below = stop, above


@inlined(_nrt=False)
def _backward(layout, theta, X, output_weights, work, gradient):
    """Gradient (size,) in θ of Σ output_weights ∘ H(X; θ), both (k_L, n), after `forward` at θ."""
    widths, offsets = layout.widths, layout.offsets
    weights, weight_gradient, values, slopes, delta, lower = work
    shared = layout.index.size > 0
    if not shared:
        weights, weight_gradient = theta, gradient
    depth, samples = widths.size - 1, X.shape[1]
    above = output_weights
    stop = values.size - widths[depth] * samples
    for layer in range(depth, 1, -1):
        rows, columns, first = widths[layer], widths[layer - 1], offsets[layer - 1]
        start = stop - columns * samples
        below = matrix_view(values, start, columns, samples)
        product_with_transposed(above, below, matrix_view(weight_gradient, first, rows, columns))
        here = matrix_view(lower, 0, columns, samples)
        product(matrix_view(weights, first, rows, columns).T, above, here)
        for i in range(stop - start):
            lower[i] *= slopes[start + i]
        above = here
        delta, lower, stop = lower, delta, start
    product_with_transposed(above, X, matrix_view(weight_gradient, 0, widths[1], widths[0]))
    if shared:
        _collect(layout.index, weight_gradient, gradient)


@compiled(_nrt=False)
def pull_back(layout, theta, X, y, loss, factor, scale, weights, work, gradient):
    """Σ_i w_i H(x_i; θ), its gradient at fixed w = −ℓ'(factor · H(X; θ), y)/scale, left in weights.

    y, weights (k_L, n). For the NCF's loss code y holds ȳ and w = ȳ/scale.
    """
    forward(layout, theta, X, work)
    count, values = y.shape[0] * y.shape[1], work[2]
    outputs = matrix_view(values, values.size - count, y.shape[0], y.shape[1])
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
    rows, samples = layout.widths[-1], X.shape[1]
    work = workspace(layout, samples)
    forward(layout, theta, X, work)
    return work[2][-rows * samples :].reshape(rows, samples)


def correlation(layout, theta, X, ybar):
    """N(θ) = Σ ȳ ∘ H(X; θ) and its gradient (size,), for pseudo-labels ȳ (k_L, n)."""
    gradient, work = np.empty(theta.size), _block(layout, X.shape[1])
    return pull_back(
        layout, theta, X, ybar, NCF_CODE, 0.0, 1.0, np.empty(ybar.shape), work, gradient
    ), gradient


def second_orders(layout, thetas, X, curvature):
    """Jᵀ(ℓ''(0) ∘ H(X; θ)), (m, P), at every row θ of thetas (m, P); curvature ℓ''(0) (k_L, n)."""
    gradients, work = np.empty(thetas.shape), workspace(layout, X.shape[1])
    weights = np.empty(curvature.shape)
    for theta, gradient in zip(thetas, gradients):
        arguments = layout, theta, X, curvature, SECOND_ORDER_CODE, 1.0, 1.0
        pull_back(*arguments, weights, work, gradient)
    return gradients
