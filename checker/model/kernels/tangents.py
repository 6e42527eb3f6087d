"""∇²N times directions, compiled, for few parameters and for the variational equation of a flow:
forward over reverse.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from ncfcheck.core.compiling import bare, compiled, inlined, matrix_view
from ncfcheck.model.kernels.gradients import collected, entries_of
from ncfcheck.model.kernels.matrix_products import product, product_with_transposed
from ncfcheck.model.layouts import times_power

_times_power = inlined(_nrt=False)(times_power)


@register_jitable(inline="always")
def _point(layout, theta, X, ybar):
    """At θ: the entries, and σ_l(z_l), σ_l', δ_l = ∂N/∂z_l, σ_l'' ∂N/∂σ_l(z_l) of hidden layers."""
    size = (layout.units - ybar.shape[0]) * X.shape[1]
    weights = entries_of(layout, theta)
    values, firsts, deltas, bends = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    _fill(layout, weights, X, ybar, values, firsts, deltas, bends)
    return weights, values, firsts, deltas, bends


@bare()
def _fill(layout, weights, X, ybar, values, firsts, deltas, bends):
    """What `_point` returns besides the entries; z = 0 counts as positive."""
    widths, offsets, samples = layout.widths, layout.offsets, X.shape[1]
    depth, stop, below = widths.size - 1, 0, X
    for layer in range(1, depth):
        start, stop = stop, stop + widths[layer] * samples
        z = matrix_view(values, start, widths[layer], samples)
        _product(
            matrix_view(weights, offsets[layer - 1], widths[layer], widths[layer - 1]), below, z
        )
        power, negative = (
            layout.powers[layer - 1],
            layout.slopes[layer - 1] ** layout.powers[layer - 1],
        )
        for i in range(start, stop):
            lower = _times_power(1.0 if values[i] >= 0 else negative, values[i], power - 2)
            # At p = 1 there is no z to divide by: σ'' = 0, and σ' is what `lower` is.
            bends[i] = power * (power - 1) * lower
            firsts[i] = power * lower * values[i] if power > 1 else lower
            values[i] *= firsts[i] / power
        below = z
    above = ybar
    for layer in range(depth, 1, -1):
        start = stop - widths[layer - 1] * samples
        here = matrix_view(deltas, start, widths[layer - 1], samples)
        _product(
            matrix_view(weights, offsets[layer - 1], widths[layer], widths[layer - 1]).T,
            above,
            here,
        )
        for i in range(start, stop):
            bends[i] *= deltas[i]
            deltas[i] *= firsts[i]
        above, stop = here, start


@bare()
def _product(A, B, out):
    """`product`, compiled once."""
    product(A, B, out)


@bare()
def _add_product(A, B, out, spare):
    """out += A B, with room for A B in spare."""
    more = matrix_view(spare, 0, out.shape[0], out.shape[1])
    product(A, B, more)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] += more[i, j]


@bare()
def _derivative(layout, point, moved, X, ybar, work, out):
    """Derivative of ∂N by all entries, moved by `moved`, into out; `work` is from `_workspace`."""
    widths, offsets, samples = layout.widths, layout.offsets, X.shape[1]
    weights, values, firsts, deltas, bends = point
    dz, dvalues, ddeltas, spare = work
    depth, stop, below, dbelow = widths.size - 1, 0, X, X
    for layer in range(1, depth):
        rows, columns, first = widths[layer], widths[layer - 1], offsets[layer - 1]
        start, stop = stop, stop + rows * samples
        here = matrix_view(dz, start, rows, samples)
        _product(matrix_view(moved, first, rows, columns), below, here)
        if layer > 1:
            _add_product(matrix_view(weights, first, rows, columns), dbelow, here, spare)
        for i in range(start, stop):
            dvalues[i] = firsts[i] * dz[i]
        below, dbelow = (
            matrix_view(values, start, rows, samples),
            matrix_view(dvalues, start, rows, samples),
        )
    delta, ddelta = ybar, ybar
    for layer in range(depth, 1, -1):
        rows, columns, first = widths[layer], widths[layer - 1], offsets[layer - 1]
        start = stop - columns * samples
        part, dback = (
            matrix_view(out, first, rows, columns),
            matrix_view(ddeltas, start, columns, samples),
        )
        product_with_transposed(delta, matrix_view(dvalues, start, columns, samples), part)
        _product(matrix_view(moved, first, rows, columns).T, delta, dback)
        if layer < depth:
            more = matrix_view(spare, 0, rows, columns)
            product_with_transposed(ddelta, matrix_view(values, start, columns, samples), more)
            for i in range(rows * columns):
                out[first + i] += spare[i]
            _add_product(matrix_view(weights, first, rows, columns).T, ddelta, dback, spare)
        for i in range(start, stop):
            ddeltas[i] = firsts[i] * ddeltas[i] + bends[i] * dz[i]
        delta, ddelta, stop = matrix_view(deltas, start, columns, samples), dback, start
    product_with_transposed(ddelta, X, matrix_view(out, 0, widths[1], widths[0]))


@register_jitable(inline="always")
def _workspace(layout, point, samples):
    size = point[1].size
    return (
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(layout.widest * max(samples, layout.widest)),
    )


@compiled()
def curvature_product(layout, theta, direction, X, ybar):
    """∇²N·direction (P,) at theta (P,), for columns X (d, n) and pseudo-labels ȳ (k_L, n)."""
    point, entries = _point(layout, theta, X, ybar), np.empty(layout.offsets[-1])
    _derivative(
        layout,
        point,
        entries_of(layout, direction),
        X,
        ybar,
        _workspace(layout, point, X.shape[1]),
        entries,
    )
    return collected(layout, entries, theta.size)


@compiled()
def curvature_matrix(layout, theta, X, ybar):
    """∇²N (P, P) at theta, symmetric to the last bit, by products: this pays for few parameters."""
    point, entries = _point(layout, theta, X, ybar), np.empty(layout.offsets[-1])
    work, out, direction = (
        _workspace(layout, point, X.shape[1]),
        np.empty((theta.size, theta.size)),
        np.zeros(theta.size),
    )
    for k in range(theta.size):
        direction[k] = 1.0
        _derivative(layout, point, entries_of(layout, direction), X, ybar, work, entries)
        out[k] = collected(layout, entries, theta.size)
        direction[k] = 0.0
    for i in range(theta.size):
        for j in range(i):
            out[i, j] = out[j, i] = 0.5 * (out[i, j] + out[j, i])
    return out
