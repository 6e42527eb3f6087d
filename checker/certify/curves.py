"""Polynomials in τ ∈ [0, 1] up to an error, in floats: what the verifier will find of a step.

The same arithmetic as in `ncfcheck.verifier.polynomials`, rounded.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np


class Curves:
    """Arrays of functions within `r` (…) of Σ c_k τ^k, `c` (…, K)."""

    def __init__(self, c: np.ndarray, r: np.ndarray):
        self.c, self.r = c, r

    @classmethod
    def constant(cls, array: np.ndarray, length: int) -> Curves:
        """Numbers, as curves of so many coefficients."""
        c = np.zeros((*array.shape, length))
        c[..., 0] = array
        return cls(c, np.zeros(array.shape))

    def __getitem__(self, place) -> Curves:
        place = place if isinstance(place, tuple) else (place,)
        return Curves(self.c[(*place, ...)], self.r[place])

    def __add__(self, other: Curves) -> Curves:
        return Curves(self.c + other.c, self.r + other.r)

    def __neg__(self) -> Curves:
        return Curves(-self.c, self.r)

    def __mul__(self, other) -> Curves:
        """The product, what is beyond K coefficients counted among the error."""
        if not isinstance(other, Curves):
            return Curves(self.c * np.asarray(other)[..., None], self.r * abs(other))
        length, shape = self.c.shape[-1], np.broadcast_shapes(self.r.shape, other.r.shape)
        full = np.zeros((*shape, 2 * length - 1))
        for k in range(length):
            full[..., k : k + length] += self.c[..., k : k + 1] * other.c
        a, b = abs(self.c).sum(axis=-1), abs(other.c).sum(axis=-1)
        cut = abs(full[..., length:]).sum(axis=-1)
        return Curves(full[..., :length], cut + a * other.r + b * self.r + self.r * other.r)

    def __matmul__(self, other: Curves) -> Curves:
        products = self[:, :, None] * other[None]
        return Curves(products.c.sum(axis=1), products.r.sum(axis=1))

    @property
    def T(self) -> Curves:
        """The two axes of a matrix swapped."""
        return Curves(self.c.swapaxes(0, 1), self.r.T)

    @property
    def size(self) -> np.ndarray:
        """Bounds of absolute values."""
        return abs(self.c).sum(axis=-1) + self.r

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of values, below and above, by the coefficients in Bernstein's basis."""
        values = self.c @ _bernstein(self.c.shape[-1])
        return values.min(axis=-1) - self.r, values.max(axis=-1) + self.r

    def bend(self, power: int, alpha: float) -> tuple[Curves, Curves]:
        """σ and σ', p ≥ 2: those of one side; what the other side's may differ by is an error."""
        gap, (low, high) = abs(1 - alpha**power), self.ends
        below, above = np.maximum(-low, 0), np.maximum(high, 0)
        is_above = below <= above
        beyond = np.where(is_above, below, above)
        law, lower = np.where(is_above, 1.0, alpha**power), self
        for _ in range(power - 2):
            lower = lower * self
        value, first = lower * self * law, lower * law * float(power)
        value.r = value.r + gap * beyond**power
        first.r = first.r + gap * power * beyond ** (power - 1)
        return value, first

    def left_out(self) -> Curves:
        """What the logistic loss's polynomial leaves out of −ℓ'(x), |x|⁵/480 at most."""
        return Curves(np.zeros(self.c.shape), self.size**5 / 480)


@lru_cache
def _bernstein(length: int) -> np.ndarray:
    """The matrix (K, K) that turns coefficients into those in Bernstein's basis."""
    n = range(length)
    return np.array([[comb(j, k) / comb(length - 1, k) for j in n] for k in n])
