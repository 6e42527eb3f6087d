"""∇²N times one direction, compiled: what the variational equation of a flow needs at every evaluation."""

from __future__ import annotations

import numpy as np

from checker.compiling import compiled, internal, matrix_view
from checker.kernels import collected, entries_of
from checker.products import product, product_with_transposed


@internal()
def _bend(z, dz, power, slope, first, bend):
    """σ(z) in place of z, σ'(z)·dz of dz; σ'(z) and σ''(z)·dz are left in first and bend. z = 0 counts as positive."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            side = 1.0 if z[i, j] >= 0 else slope**power
            first[i, j] = power * side * z[i, j] ** (power - 1)
            bend[i, j] = power * (power - 1) * side * z[i, j] ** max(power - 2, 0) * dz[i, j]
            z[i, j], dz[i, j] = side * z[i, j] ** power, first[i, j] * dz[i, j]


@compiled()
def curvature_product(layout, theta, direction, X, ybar):
    """∇²N·direction (P,) at theta (P,), for samples as columns X (d, n) and pseudo-labels ȳ (k_L, n): forward over reverse."""
    widths, offsets, samples = layout.widths, layout.offsets, X.shape[1]
    depth = widths.size - 1
    weights, moved = entries_of(layout, theta), entries_of(layout, direction)
    size = layout.units * samples
    values, dvalues, firsts, bends = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    spare = np.empty(layout.widest * samples)
    starts = np.empty(depth + 1, np.int64)
    starts[0] = starts[1] = 0
    below, dbelow = X, X
    for layer in range(1, depth):
        rows, columns, first = widths[layer], widths[layer - 1], offsets[layer - 1]
        start = starts[layer]
        z, dz = matrix_view(values, start, rows, samples), matrix_view(dvalues, start, rows, samples)
        product(matrix_view(weights, first, rows, columns), below, z)
        product(matrix_view(moved, first, rows, columns), below, dz)
        if layer > 1:
            more = matrix_view(spare, 0, rows, samples)
            product(matrix_view(weights, first, rows, columns), dbelow, more)
            dz += more
        here = matrix_view(firsts, start, rows, samples), matrix_view(bends, start, rows, samples)
        _bend(z, dz, layout.powers[layer - 1], layout.slopes[layer - 1], here[0], here[1])
        below, dbelow = z, dz
        starts[layer + 1] = start + rows * samples
    return _reverse(layout, X, ybar, weights, moved, values, dvalues, firsts, bends, starts, theta.size)


@compiled()
def curvature_matrix(layout, theta, X, ybar):
    """∇²N (P, P) at theta, symmetric to the last bit: a product for every direction, which pays for few parameters."""
    out, direction = np.empty((theta.size, theta.size)), np.zeros(theta.size)
    for k in range(theta.size):
        direction[k] = 1.0
        out[k] = curvature_product(layout, theta, direction, X, ybar)
        direction[k] = 0.0
    return 0.5 * (out + out.T)


@internal()
def _reverse(layout, X, ybar, weights, moved, values, dvalues, firsts, bends, starts, size):
    """The backward pass of `curvature_product`: deltas ∂N/∂z of every layer and their derivatives along the direction."""
    widths, offsets, samples = layout.widths, layout.offsets, X.shape[1]
    entries = np.zeros(offsets[-1])
    delta, ddelta = ybar.copy(), np.zeros(ybar.shape)
    for layer in range(widths.size - 1, 1, -1):
        rows, columns, first, start = widths[layer], widths[layer - 1], offsets[layer - 1], starts[layer - 1]
        W, dW = matrix_view(weights, first, rows, columns), matrix_view(moved, first, rows, columns)
        part, more = matrix_view(entries, first, rows, columns), np.empty((rows, columns))
        product_with_transposed(delta, matrix_view(dvalues, start, columns, samples), part)
        product_with_transposed(ddelta, matrix_view(values, start, columns, samples), more)
        part += more
        back, dback, other = np.empty((columns, samples)), np.empty((columns, samples)), np.empty((columns, samples))
        product(W.T, delta, back)
        product(dW.T, delta, dback)
        product(W.T, ddelta, other)
        here = matrix_view(firsts, start, columns, samples)
        delta, ddelta = here * back, here * (dback + other) + matrix_view(bends, start, columns, samples) * back
    product_with_transposed(ddelta, X, matrix_view(entries, 0, widths[1], widths[0]))
    return collected(layout, entries, size)
