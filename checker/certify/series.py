"""Taylor coefficients of flows in floats: what steps are tried with, no proof (theory §9)."""

from __future__ import annotations

from functools import partial

import numpy as np

from ncfcheck.certify.certificate import no_certificates
from ncfcheck.model.losses import Loss

# W·h, Wᵀ·δ, δ·hᵀ and entries of two series of matrices.
MATRICES, TRANSPOSED, OUTER, ENTRIES = "iab,ibn->an", "iba,ibn->an", "ian,ibn->ab", "ian,ian->an"
IMAGINARY = 1e-100  # its square is nothing beside 1


def taylor(problem, strength: complex, start: np.ndarray, order: int, free=True) -> np.ndarray:
    """u(t) = Σ c_k t^k from start (P,) for u̇ = J(X; u)ᵀ(−ℓ'(strength · H(X; u), y)), (order + 1,
    P).

    `strength` is δ^D, 0 for ∇N; where a neuron is at a kink, the side it goes to first counts.
    Weights that are not `free` (P,) stay what they are.
    """
    dtype = np.result_type(start, float)
    c = np.zeros((order + 1, start.size), dtype)
    field = SeriesField(problem, strength, order, dtype)
    c[0] = start
    for k in range(order):
        c[k + 1] = np.where(free, field.rate(k, c[k]) / (k + 1), 0.0)
    return c


def variation(problem, start: np.ndarray, moved: np.ndarray, order: int) -> np.ndarray:
    """Coefficients (order + 1, P) of e(t) from e(0) = moved, ė = ∇²N(u)e − Jᵀ(ℓ''(0)·H), along the
    NCF flow from start (P,).

    It is the derivative by δ^D of the loss flow, taken in the imaginary direction, where no digits
    cancel.
    """
    return taylor(problem, IMAGINARY * 1j, start + IMAGINARY * 1j * moved, order).imag / IMAGINARY


def product(a: np.ndarray, b: np.ndarray, k: int, form: str = ENTRIES) -> np.ndarray:
    """Coefficient k of the product of two power series, along the first axis of each."""
    return np.einsum(form, a[: k + 1], b[k::-1])


class SeriesField:
    """Power series of all between weights and u̇, one coefficient after another."""

    def __init__(self, problem, strength: complex, order: int, dtype):
        network, samples = problem.network, len(problem.X)
        zeros = partial(np.zeros, dtype=dtype)
        sheets = [(width, samples) for width in network.widths]
        self.problem, self.strength = problem, strength
        self.W = [zeros((order, *shape)) for shape in zip(network.widths[1:], network.widths)]
        self.h, self.back = ([zeros((order, *sheet)) for sheet in sheets[:-1]] for _ in range(2))
        self.slopes, self.delta = (
            [zeros((order, *sheet)) for sheet in sheets[1:]] for _ in range(2)
        )
        self.sides = [np.zeros(sheet) for sheet in sheets[1:-1]]
        self.powers = [
            zeros((power + 1, order, *sheet)) for power, sheet in zip(network.powers, sheets[1:])
        ]
        self.outputs = zeros((3, order, *sheets[-1]))
        self.h[0][0] = problem.X.T
        for each in self.powers:
            each[0, 0] = 1.0

    def rate(self, k: int, theta: np.ndarray) -> np.ndarray:
        """Coefficient k of u̇, (P,), for that of u, theta (P,), once those below are known."""
        network, W, h, delta = self.problem.network, self.W, self.h, self.delta
        for series, matrix in zip(W, network.matrices(theta)):
            series[k] = matrix
        for l in range(network.depth - 1):
            h[l + 1][k], self.slopes[l][k] = self._bent(l, product(W[l], h[l], k, MATRICES), k)
        delta[-1][k] = self._descent(product(W[-1], h[-1], k, MATRICES), k)
        for l in range(network.depth - 1, 0, -1):
            self.back[l][k] = product(W[l], delta[l], k, TRANSPOSED)
            delta[l - 1][k] = product(self.back[l], self.slopes[l - 1], k)
        return network.collect([product(each, below, k, OUTER) for each, below in zip(delta, h)])

    def _bent(self, l: int, z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Coefficient k of σ(z) and of σ'(z) in a layer, for that of z."""
        network, powers = self.problem.network, self.powers[l]
        power, alpha = network.powers[l], network.slopes[l]
        self.sides[l] = np.where(self.sides[l] == 0, np.sign(z.real), self.sides[l])
        scale = np.where(self.sides[l] >= 0, 1.0, alpha**power)
        powers[1][k] = z
        for q in range(2, power + 1):
            powers[q][k] = product(powers[q - 1], powers[1], k)
        return scale * powers[power][k], power * scale * powers[power - 1][k]

    def _descent(self, outputs: np.ndarray, k: int) -> np.ndarray:
        """Coefficient k of −ℓ' for that of the outputs, the logistic loss to their third order."""
        first = self.problem.ncf.ybar.T if k == 0 else 0.0
        x, square, cube = self.outputs
        x[k] = self.strength * outputs
        match self.problem.loss:
            case Loss.SQUARE:
                return first - x[k]
            case Loss.LOGISTIC:
                square[k] = product(x, x, k)
                cube[k] = product(square, x, k)
                return first + cube[k] / 48 - x[k] / 4
        raise no_certificates(self.problem.loss)
