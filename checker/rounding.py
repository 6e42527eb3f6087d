"""Running bounds on the rounding errors of a network's computed outputs and gradients.

Every stored quantity a comes with e ≥ |computed a − exact a|; products and sums propagate both (Higham, Accuracy and
Stability of Numerical Algorithms, §3.3). First order in the unit roundoff, with room to spare in the constants.
"""

from __future__ import annotations

import numpy as np

from checker.compiling import compiled, internal, matrix_view
from checker.networks import Network
from checker.tolerances import EPS

Array = np.ndarray


def output_bound(network: Network, theta: Array, X: Array) -> Array:
    """Bound on the error of every computed output H(x_i; θ); X (n, d), result (n, k_L)."""
    return _bounds(*_arguments(network, theta, X, np.zeros((len(X), network.matrices(theta)[-1].shape[0]))), False)[2].T


def gradient_bound(network: Network, theta: Array, X: Array, weights: Array, settled: bool = False) -> tuple[float, Array]:
    """Bounds on the errors of the computed Σ weights ∘ H(X; θ) and of its gradient (P,); weights (n, k_L).

    `settled` says that pre-activations of p = 1 within rounding of 0 lie on the side that was computed for them.
    """
    value, gradient = _bounds(*_arguments(network, theta, X, weights), settled)[:2]
    return value, gradient[~network.frozen] if hasattr(network, "frozen") else gradient


def _arguments(network: Network, theta: Array, X: Array, weights: Array) -> tuple:
    """The network, θ, and samples as columns, as the compiled bounds take them; biases are weights of constant units."""
    if hasattr(network, "extended"):
        network, theta = network.extended, network.expand(theta)
    return network.layout, np.ascontiguousarray(theta, float), *(np.ascontiguousarray(each.T, float) for each in (X, weights))


@compiled()
def _bounds(layout, theta, X, weights, settled):
    """Bounds for Σ weights ∘ H(X; θ), its gradient (P,), and H (k_L, n); for samples as columns X (d, n), weights (k_L, n)."""
    widths, offsets, samples = layout.widths, layout.offsets, X.shape[1]
    depth, units = widths.size - 1, samples * (layout.units + widths[0])
    entries = _entries(layout, theta)
    values, errors, slopes, slope_errors = np.zeros(units), np.zeros(units), np.zeros(units), np.zeros(units)
    values[: X.size] = X.copy().reshape(-1)
    start = 0
    for layer in range(depth):
        rows, columns = widths[layer + 1], widths[layer]
        stop = start + columns * samples
        W, below = matrix_view(entries, offsets[layer], rows, columns), matrix_view(values, start, columns, samples)
        _, error = _product(np.abs(W), np.zeros_like(W), np.abs(below), matrix_view(errors, start, columns, samples))
        values[stop : stop + rows * samples] = np.dot(W, below).reshape(-1)
        errors[stop : stop + rows * samples] = error.reshape(-1)
        if layer < depth - 1:
            power, slope = layout.powers[layer], layout.slopes[layer]
            for i in range(stop, stop + rows * samples):
                values[i], errors[i], slopes[i], slope_errors[i] = _activation_bounds(values[i], errors[i], power, slope, settled)
        start = stop
    outputs, output_errors = values[start:].copy().reshape(weights.shape), errors[start:].copy().reshape(weights.shape)
    value = (np.abs(weights) * (output_errors + EPS * (outputs.size + 2) * np.abs(outputs))).sum()
    gradient = np.zeros(entries.size)
    delta, error = weights.copy(), np.zeros_like(weights)
    for layer in range(depth - 1, -1, -1):
        rows, columns, first = widths[layer + 1], widths[layer], offsets[layer]
        start -= columns * samples
        W, below = matrix_view(entries, first, rows, columns), matrix_view(values, start, columns, samples)
        transposed = np.ascontiguousarray(matrix_view(errors, start, columns, samples).T)
        _, found = _product(np.abs(delta), error, np.ascontiguousarray(np.abs(below).T), transposed)
        gradient[first : first + rows * columns] = found.reshape(-1)
        if layer:
            W = np.ascontiguousarray(W.T)
            back, back_error = _product(np.abs(W), np.zeros_like(W), np.abs(delta), error)
            slope, slope_error = matrix_view(slopes, start, columns, samples), matrix_view(slope_errors, start, columns, samples)
            error = back_error * (np.abs(slope) + slope_error) + back * slope_error + 2 * EPS * back * np.abs(slope)
            delta = np.dot(W, delta) * slope
    return value, _collected(layout, gradient, theta.size), output_errors


@internal()
def _entries(layout, theta):
    """The entries of all weight matrices, one after another."""
    if not layout.index.size:
        return theta.copy()
    entries = np.zeros(layout.index.size)
    for entry in range(entries.size):
        if layout.index[entry] >= 0:
            entries[entry] = theta[layout.index[entry]]
    return entries


@internal()
def _collected(layout, entries, size):
    """Sum of what is told of the entries, for each parameter."""
    if not layout.index.size:
        return entries
    out = np.zeros(size)
    for entry in range(entries.size):
        if layout.index[entry] >= 0:
            out[layout.index[entry]] += entries[entry]
    return out


@internal()
def _product(a, a_error, b, b_error):
    """Product of two matrices of absolute values and the error of the signed product."""
    bound = np.dot(a, b)
    return bound, np.dot(a_error, b) + np.dot(a + a_error, b_error) + EPS * (b.shape[0] + 2) * bound


@internal()
def _activation_bounds(z, error, power, slope, settled):
    """σ(z), its error, σ'(z) and its error, for a z known to within `error`."""
    value, derivative = _activation(z, power, slope)
    above, below = _activation(z + error, power, slope)[1], _activation(z - error, power, slope)[1]
    bend = max(abs(above - derivative), abs(below - derivative))
    if abs(z) <= error and power > 1:  # σ' vanishes at 0 between the two ends
        bend = max(bend, abs(derivative))
    if abs(z) <= error and power == 1 and settled:
        bend = 0.0
    lipschitz = max(abs(above), abs(below))
    return value, lipschitz * error + 2 * power * EPS * abs(value), derivative, bend + 2 * power * EPS * abs(derivative)


@internal()
def _activation(z, power, slope):
    """σ(z) = max(z, αz)^p and σ'(z)."""
    side = 1.0 if z >= 0 else slope**power
    return side * z**power, power * side * z ** (power - 1)
