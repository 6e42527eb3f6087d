"""∇²N at a flat weight vector, times directions and as a matrix: forward-over-reverse derivatives.

Plain numpy, at no compile time. The weights into one unit move it by what is below them: so the
matrix takes a derivative along every unit, not along every weight.
"""

from __future__ import annotations

import math
from copy import copy

import numpy as np

from ncfcheck.core.tolerances import EPS
from ncfcheck.model.arrays import finite, finite_vector, matrix
from ncfcheck.model.layouts import times_power


class Curvature:
    """∇²N of a network's `layout` at theta (P,), for columns X (d, n) and pseudo-labels ȳ (k_L, n).

    Exact up to rounding wherever H is twice differentiable; z = 0 counts as positive.
    """

    def __init__(self, layout, theta: np.ndarray, X: np.ndarray, ybar: np.ndarray):
        self.layout, self.size = layout, theta.size
        self.weights = [each[0] for each in self._expand(theta[None])]
        self.values, self.first, self.second = [X], [], []
        for W, power, slope in zip(self.weights, layout.powers, layout.slopes):
            value, first, second = _bend(W @ self.values[-1], int(power), float(slope))
            self.values.append(value)
            self.first.append(first)
            self.second.append(second)
        self.deltas, self.back = [ybar], []
        for W, first in zip(self.weights[:0:-1], self.first[::-1]):
            self.back.insert(0, W.T @ self.deltas[0])
            self.deltas.insert(0, self.back[0] * first)

    @property
    def outputs(self) -> np.ndarray:
        """H(X; θ), (k_L, n)."""
        return self.weights[-1] @ self.values[-1]

    def output_jacobian(self) -> np.ndarray:
        """Derivatives of the outputs, in the order of `outputs`, by θ, (k_L·n, P)."""
        count, samples = self.deltas[-1].shape
        delta, parts = np.repeat(np.eye(count)[:, :, None], samples, axis=2), []
        for layer in range(len(self.weights) - 1, -1, -1):
            part = np.einsum("oin,jn->onij", delta, self.values[layer])
            parts.insert(0, part.reshape(count * samples, -1))
            if layer:
                delta = (self.weights[layer].T @ delta) * self.first[layer - 1]
        return self._collect(np.concatenate(parts, axis=1))

    def sides(self, reach: float, negligible: float) -> tuple[Curvature, Curvature] | None:
        """The least and the most that ∇²N may be, as symmetric matrices are, where a move of θ by
        `reach` may take pre-activations across 0; None where that changes nothing but what is
        negligible in norm.
        """
        least, most = copy(self), copy(self)
        least.second, most.second = list(self.second), list(self.second)
        # Of the norm of ∂z/∂θ for every pre-activation z: a shared weight moves it more than once.
        shared = np.bincount(self.layout.index[self.layout.index >= 0]).max(initial=1)
        rates, found = np.zeros_like(self.values[0]), False
        for l, (power, slope) in enumerate(zip(self.layout.powers, self.layout.slopes)):
            W, below = self.weights[l], self.values[l]
            rates = np.linalg.norm(below, axis=0) * math.sqrt(shared) + np.abs(W) @ rates
            off = reach * rates + EPS * (len(below) + 2) * (np.abs(W) @ np.abs(below))
            low, high = _bends_within(2 * off, int(power), float(slope))
            weight = np.abs(self.back[l]) * rates**2
            near = (np.abs(W @ below) <= off) & ((high - low) * weight > negligible)
            if near.any():
                found = True
                for side, of_positive, of_negative in ((least, low, high), (most, high, low)):
                    bent = np.where(self.back[l] > 0, of_positive, of_negative)
                    side.second[l] = np.where(near, bent, self.second[l])
            rates = np.abs(self.first[l]) * rates
        return (least, most) if found else None

    def product(self, direction: np.ndarray) -> np.ndarray:
        """∇²N·direction, (P,)."""
        return self.products(finite_vector(direction, self.size, "direction")[None])[0]

    def matrix(self) -> np.ndarray:
        """∇²N, (P, P), symmetric to the last bit."""
        offsets = self.layout.offsets
        out = np.zeros((offsets[-1], offsets[-1]))
        for l in range(len(self.weights)):
            rates, bent = self._moved_by_units(l)
            for m in range(l, len(self.weights)):
                block = self._block(l, m, rates.get(m - 1), bent.get(m))
                out[offsets[m] : offsets[m + 1], offsets[l] : offsets[l + 1]] = block
                out[offsets[l] : offsets[l + 1], offsets[m] : offsets[m + 1]] = block.T
        out = self._collect(self._collect(out).T)
        return 0.5 * (out + out.T)

    def _moved_by_units(self, l: int) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
        """By every unit of z_l: rates of values above and deltas at layers m ≥ l, (k_l, k_m, n)."""
        hidden = range(l, len(self.first))
        rates, moved, bent = {}, {}, {}
        for m in hidden:
            if m == l:
                moved[m] = np.eye(len(self.first[l]))[:, :, None]
            else:
                moved[m] = self.weights[m] @ rates[m - 1]
            rates[m] = self.first[m] * moved[m]
        for m in reversed(hidden):
            bent[m] = self.second[m] * self.back[m] * moved[m]
            if m + 1 in bent:
                bent[m] += self.first[m] * (self.weights[m + 1].T @ bent[m + 1])
        return rates, bent

    def _block(self, l: int, m: int, rates, bent) -> np.ndarray:
        """∂²N/∂W_m∂W_l, m ≥ l: Σ (∂δ_m/∂z_l ⊗ a_m + δ_m ⊗ ∂a_m/∂z_l) ⊗ a_l, a_l below layer l."""
        below, rows, columns = self.values[l], *self.weights[m].shape
        out = np.zeros((rows, columns, *self.weights[l].shape))
        if bent is not None:
            out += _summed(bent, self.values[m], below).transpose(1, 2, 0, 3)
        if rates is not None:
            out += _summed(rates, self.deltas[m], below).transpose(2, 1, 0, 3)
        return out.reshape(rows * columns, -1)

    def products(self, directions: np.ndarray) -> np.ndarray:
        """∇²N·direction for every row of directions (m, P); (m, P)."""
        directions = finite(matrix(directions, (None, self.size), "directions"), "directions")
        moved = self._expand(directions)
        dvalues, bends = self._forward(moved)
        parts = [self.deltas[-1] @ dvalues[-1].transpose(0, 2, 1)]
        ddelta = None
        for layer in range(len(moved) - 1, 0, -1):
            back = moved[layer].transpose(0, 2, 1) @ self.deltas[layer]
            if ddelta is not None:
                back += self.weights[layer].T @ ddelta
            ddelta = back * self.first[layer - 1] + bends[layer - 1] * self.back[layer - 1]
            part = ddelta @ self.values[layer - 1].T
            if layer > 1:
                part += self.deltas[layer - 1] @ dvalues[layer - 2].transpose(0, 2, 1)
            parts.insert(0, part)
        flat = [part.reshape(len(directions), -1) for part in parts]
        return self._collect(np.concatenate(flat, axis=1))

    def _forward(self, moved):
        """Derivatives of every σ_l(z_l) and σ_l'(z_l) along the directions, each (m, k_l, n)."""
        dvalues, bends = [], []
        layers = zip(moved, self.weights, self.values, self.first, self.second)
        for dW, W, below, first, second in layers:
            dz = dW @ below
            if dvalues:
                dz += W @ dvalues[-1]
            dvalues.append(first * dz)
            bends.append(second * dz)
        return dvalues, bends

    def _expand(self, thetas: np.ndarray) -> list[np.ndarray]:
        """Weight matrices (m, k_l, k_{l-1}) of flat vectors (m, P)."""
        index, widths, offsets = self.layout.index, self.layout.widths, self.layout.offsets
        if index.size:
            thetas = np.where(index >= 0, thetas[:, index], 0.0)
        shapes = zip(offsets[:-1], offsets[1:], widths[1:], widths[:-1])
        return [thetas[:, a:b].reshape(-1, rows, columns) for a, b, rows, columns in shapes]

    def _collect(self, entries: np.ndarray) -> np.ndarray:
        """Sums over the entries that share a parameter, (m, P); the transpose of `_expand`."""
        index = self.layout.index
        if not index.size:
            return entries
        out = np.zeros((len(entries), self.size))
        np.add.at(out.T, index[index >= 0], entries.T[index >= 0])
        return out


def _summed(moved: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Σ_n moved (i, r, n) · first (s, n) · second (j, n), as an array (i, r, s, j)."""
    pairs = (first[:, None] * second).reshape(-1, moved.shape[2])
    sums = moved.reshape(-1, moved.shape[2]) @ pairs.T
    return sums.reshape(*moved.shape[:2], len(first), len(second))


def _bends_within(reach: np.ndarray, power: int, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """The least and the most that σ'' is within `reach` of 0."""
    if power == 1:
        return np.zeros_like(reach), np.zeros_like(reach)
    factor, rest = power * (power - 1), power - 2
    ends = [factor * reach**rest, factor * slope**power * (-reach) ** rest]
    if rest:
        ends.append(np.zeros_like(reach))
    return np.min(ends, axis=0), np.max(ends, axis=0)


def _bend(z: np.ndarray, power: int, slope: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """σ(z), σ'(z) and σ''(z) elementwise, on the side that z lies on."""
    side = np.where(z >= 0, 1.0, slope**power)
    if power == 1:
        return side * z, side, np.zeros_like(z)
    lower = times_power(side, z, power - 2)
    return lower * z * z, power * lower * z, power * (power - 1) * lower
