"""Taylor coefficients of flows in floats: what a validated step is tried with, never what it rests on (theory §9)."""

from __future__ import annotations

import numpy as np

from checker.losses import Loss

MATRICES = "iab,kibc->kac"  # products of series of matrices
LONGEST = 40
_DIFFERENCES = np.subtract.outer(np.arange(LONGEST), np.arange(LONGEST))
_SHIFTS = np.where(_DIFFERENCES >= 0, _DIFFERENCES, LONGEST)  # where a coefficient of the second factor comes from, or none


def taylor(problem, strength: float, start: np.ndarray, order: int, free=True) -> np.ndarray:
    """u(t) = Σ c_k t^k from start (P,) for u̇ = J(X; u)ᵀ(−ℓ'(strength · H(X; u), y)), (order + 1, P).

    `strength` is δ^D, 0 for ∇N; where a neuron is at a kink, the side it goes to first counts. Weights that are not `free` (P,)
    stay what they are.
    """
    c = np.zeros((order + 1, start.size))
    c[0] = start
    for k in range(order):
        c[k + 1] = np.where(free, _field(problem, strength, c[: k + 1])[k] / (k + 1), 0.0)
    return c


def _field(problem, strength: float, theta: np.ndarray) -> np.ndarray:
    """The right-hand side of power series, (k, P); series are along the first axis throughout."""
    network, length = problem.network, len(theta)
    W = [np.stack(layer) for layer in zip(*(network.matrices(row) for row in theta))]
    h, slopes = [np.zeros((length, *problem.X.T.shape))], []
    h[0][0] = problem.X.T
    for w, power, alpha in zip(W, network.powers, network.slopes):
        value, slope = _bent(product(w, h[-1], MATRICES), power, alpha)
        h.append(value)
        slopes.append(slope)
    delta = _descent(problem, strength, product(W[-1], h[-1], MATRICES))
    parts = []
    for l in range(network.depth - 1, -1, -1):
        parts.insert(0, product(delta, h[l].transpose(0, 2, 1), MATRICES))
        if l:
            delta = product(product(W[l].transpose(0, 2, 1), delta, MATRICES), slopes[l - 1])
    return np.concatenate([_collected(network, l, part) for l, part in enumerate(parts)], axis=1)


def product(a: np.ndarray, b: np.ndarray, form: str = "iab,kiab->kab") -> np.ndarray:
    """The product of power series, cut to their length; `form` says how coefficients of a meet shifted ones of b."""
    n = len(a)
    shifted = np.concatenate([b, np.zeros((1, *b.shape[1:]))])[np.minimum(_SHIFTS[:n, :n], n)]
    return np.einsum(form, a, shifted)


def _bent(z: np.ndarray, power: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """σ(z) and σ'(z)."""
    first = np.take_along_axis(z, np.argmax(z != 0, axis=0)[None], axis=0)[0]
    scale, lower = np.where(first >= 0, 1.0, alpha**power), np.zeros_like(z)
    lower[0] = 1.0
    for _ in range(power - 1):
        lower = product(lower, z)
    return scale * product(lower, z), power * scale * lower


def _descent(problem, strength: float, outputs: np.ndarray) -> np.ndarray:
    """−ℓ' of series of outputs; for the logistic loss to third order in them."""
    x = strength * outputs
    out = -x if problem.loss is Loss.SQUARE else product(product(x, x), x) / 48 - x / 4
    out[0] += problem.ncf.ybar.T
    return out


def _collected(network, layer: int, part: np.ndarray) -> np.ndarray:
    """Sums of the entries of a layer's matrices by parameter, (k, P_l)."""
    numbers = network.patterns[layer].expand(*part.shape[1:]).ravel()
    out = np.zeros((len(part), network.parameter_counts[layer]))
    for entry, number in zip(part.reshape(len(part), -1).T, numbers):
        if number >= 0:
            out[:, number] += entry
    return out
