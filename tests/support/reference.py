"""The network of theory §1 written out plainly in numpy: the second opinion on the compiled
kernels, for tests only.

Everything takes real or complex weights; the branch of an activation is the one of the real part,
so that complex steps differentiate the piece the point lies on, to full precision.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.model import rounding
from ncfcheck.model.networks import DENSE, Network, blocks, convolution, dense, diagonal, masked

EPS = 2.0**-52
COMPLEX_STEP = 1e-40  # far below rounding: its square vanishes beside 1
SLOPES = (-1.0, -0.3, 0.0, 0.5, 1.0)


def matrices(network: Network, theta):
    """W_1, …, W_L entry by entry from the patterns."""
    out, start = [], 0
    for pattern, columns, rows in zip(network.patterns, network.widths[:-1], network.widths[1:]):
        W, used = np.zeros((rows, columns), dtype=np.asarray(theta).dtype), 0
        for i in range(rows):
            for j in range(columns):
                number = i * columns + j if pattern.index is None else pattern.index[i][j]
                if number >= 0:
                    W[i, j], used = theta[start + number], max(used, number + 1)
        out.append(W)
        start += used
    return out


def activation(z, power, slope):
    """σ(z) = max(z, αz)^p; for |α| ≤ 1 the maximum is z where Re z ≥ 0 and αz elsewhere."""
    return np.where(np.real(z) >= 0, z, slope * z) ** power


def outputs(network: Network, theta, X):
    """H(X; θ), (n, k_L)."""
    below = np.asarray(X).T
    layers = matrices(network, theta)
    for W, power, slope in zip(layers, network.powers, network.slopes):
        below = activation(W @ below, power, slope)
    return (layers[-1] @ below).T


def value(network: Network, theta, X, ybar):
    """N(θ) = Σ ȳ ∘ H(X; θ)."""
    return (ybar * outputs(network, theta, X)).sum()


def derivative(function, theta, direction):
    """Derivative of a real function at theta along `direction`, by a complex step."""
    return np.imag(function(theta + 1j * COMPLEX_STEP * direction)) / COMPLEX_STEP


def gradient(network: Network, theta, X, ybar):
    """∇N(θ), (P,), by complex steps."""
    return np.array(
        [derivative(lambda w: value(network, w, X, ybar), theta, e) for e in np.eye(network.size)]
    )


def backpropagated(network: Network, theta, X, ybar):
    """∇N(θ), (P,), layer by layer; also for complex θ, so that a complex step gives ∇²N."""
    layers, below = matrices(network, theta), [np.asarray(X).T]
    slopes = []
    for W, power, slope in zip(layers, network.powers, network.slopes):
        z = W @ below[-1]
        side = np.where(np.real(z) >= 0, 1.0, slope)
        slopes.append(power * side * (side * z) ** (power - 1))
        below.append((side * z) ** power)
    delta, parts = np.asarray(ybar).T.astype(layers[0].dtype), []
    for layer in range(network.depth - 1, -1, -1):
        parts.append(_collect(network.patterns[layer], delta @ below[layer].T))
        if layer > 0:
            delta = (layers[layer].T @ delta) * slopes[layer - 1]
    return np.concatenate(parts[::-1])


def _collect(pattern, matrix):
    if pattern.index is None:
        return matrix.ravel()
    numbers = np.array(pattern.index)
    return np.array([matrix[numbers == number].sum() for number in range(numbers.max() + 1)])


def hessian(network: Network, theta, X, ybar):
    """∇²N(θ), (P, P)."""
    return np.array(
        [
            derivative(lambda w: backpropagated(network, w, X, ybar), theta, e)
            for e in np.eye(network.size)
        ]
    )


def uncancelled(network: Network, theta, X, ybar):
    """The same problem with every sign positive: its derivatives are the sums of magnitudes that
    rounding acts on.
    """
    positive = Network(
        network.widths, network.powers, tuple(map(abs, network.slopes)), network.patterns
    )
    return positive, np.abs(theta), np.abs(X), np.abs(ybar)


def problem(network: Network, seed: int, samples: int = 6):
    """Random unit weights (P,), data (n, d) and pseudo-labels (n, k_L)."""
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal(network.size)
    shape = (samples, network.widths[0]), (samples, network.widths[-1])
    return (
        theta / np.linalg.norm(theta),
        rng.standard_normal(shape[0]),
        rng.standard_normal(shape[1]),
    )


def zoo() -> dict[str, Network]:
    """Networks of every kind of layer, depth 2 to 5, every power and slope, one and several
    outputs.
    """
    nets = {
        f"dense p={p} α={slope:g}": dense((3, 4, 1), (p,), (slope,))
        for p in (1, 2, 3, 4)
        for slope in SLOPES
    }
    nets |= {
        "three layers": dense((2, 3, 4, 1), (2, 2), (0.5, -0.3)),
        "four layers": dense((3, 2, 3, 2, 1), (2, 1, 2), (-1.0, 1.0, 0.5)),
        "five layers": dense((2, 2, 2, 2, 2, 1), (1, 2, 1, 2), (0.5, 0.0, -0.3, 1.0)),
        "all widths one": dense((1, 1, 1), (3,), (0.5,)),
        "three outputs": dense((3, 4, 3), (2,), (0.5,)),
        "masked": Network(
            (4, 4, 3, 1),
            (2, 3),
            (0.5, -1.0),
            (masked(np.eye(4) + np.eye(4, k=1)), blocks(3, 4, 2), DENSE),
        ),
        "convolution": Network(
            (5, 5, 3, 1), (2, 2), (0.5, 0.0), (convolution(5, 5, 3), convolution(3, 5, 2), DENSE)
        ),
        "diagonal": Network(
            (3, 3, 3, 2),
            (3, 1),
            (-0.3, 0.5),
            (diagonal(3, 3), diagonal(3, 3), convolution(2, 3, 2)),
        ),
        "narrow diagonal": Network(
            (3, 5, 2, 1), (2, 2), (0.5, 0.5), (diagonal(5, 3), diagonal(2, 5), DENSE)
        ),
    }
    return nets


def output_bound(network, theta, X):
    """`rounding.output_bound` for samples as rows; (n, k_L)."""
    return rounding.output_bound(network.layout, theta, np.array(X.T, order="C"))


def gradient_bound(network, theta, X, weights):
    """`rounding.gradient_bound` for samples as rows X (n, d), weights (n, k_L)."""
    columns = (np.array(each.T, order="C") for each in (X, weights))
    return rounding.gradient_bound(network.layout, theta, *columns)
