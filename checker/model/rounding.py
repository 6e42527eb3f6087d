"""Running bounds on the rounding errors of a network's computed outputs and gradients.

Every stored quantity a comes with e ≥ |computed a − exact a|; products and sums propagate both
(Higham, Accuracy and Stability of Numerical Algorithms, §3.3). First order in the unit roundoff,
with room to spare in the constants. A product of two that are not 0 may underflow: by LEAST, far
more than it does.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import compiled, internal
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.kernels.gradients import collected, entries_of
from ncfcheck.model.layouts import Layout

Array = np.ndarray
LEAST = float(np.finfo(float).tiny)


def output_bound(layout: Layout, theta: Array, X: Array) -> Array:
    """Bound on the error of every computed output H(x_i; θ), (n, k_L); θ (P,), samples as columns
    X (d, n).
    """
    no_weights = np.zeros((layout.widths[-1], X.shape[1]))
    return _bounds(layout, theta, X, no_weights, False)[2].T


def gradient_bound(
    layout: Layout, theta: Array, X: Array, weights: Array, settled: bool = False
) -> tuple[float, Array]:
    """Bounds on the errors of Σ weights ∘ H(X; θ) and of its gradient (P,); θ (P,), samples as
    columns X (d, n), weights (k_L, n).

    `settled`: pre-activations of p = 1 within rounding of 0 lie on the side computed for them.
    """
    return _bounds(layout, theta, X, weights, settled)[:2]


@compiled()
def _bounds(layout, theta, X, weights, settled):
    """Bounds for Σ weights ∘ H(X; θ), its gradient (P,), H (k_L, n); X (d, n), weights (k_L, n).

    Loops throughout: expressions of arrays would take ten times as long to compile.
    """
    widths, offsets, samples = layout.widths, layout.offsets, X.shape[1]
    depth, units = widths.size - 1, samples * (layout.units + widths[0])
    entries = entries_of(layout, theta)
    values, errors, slopes, slope_errors = (
        np.zeros(units),
        np.zeros(units),
        np.zeros(units),
        np.zeros(units),
    )
    for i in range(X.shape[0]):
        for j in range(samples):
            values[i * samples + j] = X[i, j]
    start = 0
    for layer in range(depth):
        rows, columns, stop = widths[layer + 1], widths[layer], start + widths[layer] * samples
        _forward(entries[offsets[layer] :], rows, columns, samples, values, errors, start, stop)
        if layer < depth - 1:
            for i in range(stop, stop + rows * samples):
                bounds = activation_bounds(
                    values[i], errors[i], layout.powers[layer], layout.slopes[layer], settled
                )
                values[i], errors[i], slopes[i], slope_errors[i] = bounds
        start = stop
    count, value = widths[depth] * samples, 0.0
    delta, error, output_errors = np.empty(count), np.zeros(count), np.empty(weights.shape)
    for i in range(count):
        output, sample = i // samples, i % samples
        delta[i], output_errors[output, sample] = weights[output, sample], errors[start + i]
        value += abs(delta[i]) * (errors[start + i] + EPS * (count + 2) * abs(values[start + i]))
        value += underflow(delta[i], 0.0, values[start + i], errors[start + i])
    gradient = np.zeros(entries.size)
    for layer in range(depth - 1, -1, -1):
        rows, columns, first = widths[layer + 1], widths[layer], offsets[layer]
        start -= columns * samples
        _gradient_error(
            delta, error, values[start:], errors[start:], rows, columns, samples, gradient[first:]
        )
        if layer:
            delta, error = _backward(
                entries[first:],
                delta,
                error,
                slopes[start:],
                slope_errors[start:],
                rows,
                columns,
                samples,
            )
    return value, collected(layout, gradient, theta.size), output_errors


@internal()
def _forward(W, rows, columns, samples, values, errors, start, stop):
    """Products of W with the activations from start on, and their errors, from stop on."""
    for i in range(rows):
        for k in range(columns):
            w = W[i * columns + k]
            for j in range(samples):
                below = start + k * samples + j
                above = stop + i * samples + j
                values[above] += w * values[below]
                errors[above] += abs(w) * (errors[below] + EPS * (columns + 2) * abs(values[below]))
                errors[above] += underflow(w, 0.0, values[below], errors[below])


@internal()
def _gradient_error(delta, error, values, errors, rows, columns, samples, out):
    """Error of delta · activationsᵀ, (rows, columns)."""
    for i in range(rows):
        for k in range(columns):
            total = 0.0
            for j in range(samples):
                size, off = abs(delta[i * samples + j]), error[i * samples + j]
                below, below_off = abs(values[k * samples + j]), errors[k * samples + j]
                total += off * below + (size + off) * below_off + EPS * (samples + 2) * size * below
                total += underflow(size, off, below, below_off)
            out[i * columns + k] = total


@internal()
def _backward(W, delta, error, slopes, slope_errors, rows, columns, samples):
    """Deltas of the layer below, and their errors."""
    out, sizes, offs = (
        np.zeros(columns * samples),
        np.zeros(columns * samples),
        np.zeros(columns * samples),
    )
    for i in range(rows):
        for k in range(columns):
            w = W[i * columns + k]
            for j in range(samples):
                here, above = k * samples + j, i * samples + j
                out[here] += w * delta[above]
                sizes[here] += abs(w * delta[above])
                offs[here] += abs(w) * error[above] + underflow(w, 0.0, delta[above], error[above])
    for here in range(out.size):
        slope, slope_error = abs(slopes[here]), slope_errors[here]
        off = offs[here] + EPS * (rows + 2) * sizes[here]
        offs[here] = (
            off * (slope + slope_error) + sizes[here] * slope_error + 2 * EPS * sizes[here] * slope
        ) + underflow(sizes[here], off, slope, slope_error)
        out[here] *= slopes[here]
    return out, offs


@internal()
def activation_bounds(z, error, power, slope, settled):
    """σ(z), its error, σ'(z) and its error, for a z known to within `error`."""
    value, derivative = _activation(z, power, slope)
    above, below = _activation(z + error, power, slope)[1], _activation(z - error, power, slope)[1]
    bend = max(abs(above - derivative), abs(below - derivative))
    if abs(z) <= error and power > 1:  # σ' vanishes at 0 between the two ends
        bend = max(bend, abs(derivative))
    if abs(z) <= error and power == 1 and settled:
        bend = 0.0
    lipschitz, is_flat = max(abs(above), abs(below)), slope == 0 and z + error < 0
    least = 0.0 if is_flat else power * underflow(z, error, 1.0, 0.0)
    return (
        value,
        lipschitz * error + 2 * power * EPS * abs(value) + least,
        derivative,
        bend + 2 * power * EPS * abs(derivative) + power * least,
    )


@internal()
def underflow(a, a_error, b, b_error):
    """What the product of a and b, known to within their errors, may lose where it underflows."""
    is_zero = (a == 0 and a_error == 0) or (b == 0 and b_error == 0)
    return 0.0 if is_zero else LEAST


@internal()
def _activation(z, power, slope):
    """σ(z) = max(z, αz)^p and σ'(z)."""
    side = 1.0 if z >= 0 else slope**power
    return side * z**power, power * side * z ** (power - 1)
