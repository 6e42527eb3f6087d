"""Running bounds on the rounding errors of a network's computed outputs and gradients.

Every stored quantity a comes with e ≥ |computed a − exact a|; products and sums propagate both (Higham, Accuracy and
Stability of Numerical Algorithms, §3.3). First order in the unit roundoff, with room to spare in the constants.
"""

from __future__ import annotations

import numpy as np

from checker.networks import Network
from checker.tolerances import EPS

Array = np.ndarray


def output_bound(network: Network, theta: Array, X: Array) -> Array:
    """Bound on the error of every computed output H(x_i; θ); X (n, d), result (n, k_L)."""
    return _forward(network, network.matrices(theta), X.T)[0][-1][1].T


def gradient_bound(network: Network, theta: Array, X: Array, weights: Array, settled: bool = False) -> tuple[float, Array]:
    """Bounds on the errors of the computed Σ weights ∘ H(X; θ) and of its gradient (P,); weights (n, k_L).

    `settled` says that pre-activations of p = 1 within rounding of 0 lie on the side that was computed for them.
    """
    matrices = network.matrices(theta)
    activations, slopes = _forward(network, matrices, X.T, settled)
    outputs, output_errors = activations[-1]
    delta, error = weights.T, np.zeros(weights.T.shape)
    value = float((np.abs(delta) * (output_errors + EPS * (outputs.size + 2) * np.abs(outputs))).sum())
    gradients = []
    for W, (below, below_error), (slope, slope_error) in zip(matrices[::-1], activations[-2::-1], [*slopes[::-1], (0, 0)]):
        gradients.append(_product(np.abs(delta), error, np.abs(below).T, below_error.T)[1])
        back, back_error = _product(np.abs(W).T, np.zeros(W.T.shape), np.abs(delta), error)
        error = back_error * (np.abs(slope) + slope_error) + back * slope_error + 2 * EPS * back * np.abs(slope)
        delta = (W.T @ delta) * slope
    return value, network.collect(gradients[::-1])


def _product(a: Array, a_error: Array, b: Array, b_error: Array) -> tuple[Array, Array]:
    """Product of two matrices of absolute values and the error of the signed product."""
    bound = a @ b
    return bound, a_error @ b + (a + a_error) @ b_error + EPS * (b.shape[0] + 2) * bound


def _forward(network: Network, matrices: list[Array], columns: Array, settled: bool = False):
    """Activations and slopes of every layer, samples as columns, each with its error bound."""
    activations, slopes = [(columns, np.zeros(columns.shape))], []
    for layer, W in enumerate(matrices):
        below, error = activations[-1]
        z = W @ below
        _, error = _product(np.abs(W), np.zeros(W.shape), np.abs(below), error)
        if layer == len(matrices) - 1:
            activations.append((z, error))
            break
        power, slope = network.powers[layer], network.slopes[layer]
        value, derivative = _activation(z, power, slope)
        ends = [_activation(z + side * error, power, slope) for side in (1, -1)]
        straddles = (np.abs(z) <= error) & (power > 1)  # σ' vanishes at 0 between the two ends
        lipschitz = np.maximum(np.abs(ends[0][1]), np.abs(ends[1][1]))
        bend = np.maximum(np.abs(ends[0][1] - derivative), np.abs(ends[1][1] - derivative))
        bend = np.where(straddles, np.maximum(bend, np.abs(derivative)), bend)
        bend = np.where((np.abs(z) <= error) & (power == 1) & settled, 0.0, bend)
        activations.append((value, lipschitz * error + 2 * power * EPS * np.abs(value)))
        slopes.append((derivative, bend + 2 * power * EPS * np.abs(derivative)))
    return activations, slopes


def _activation(z: Array, power: int, slope: float) -> tuple[Array, Array]:
    """σ(z) = max(z, αz)^p and σ'(z)."""
    side = np.where(z >= 0, 1.0, slope**power)
    return side * z**power, power * side * z ** (power - 1)
