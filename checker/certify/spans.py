"""Arrays of intervals in floats, rounded to nearest: how far boxes and steps may reach."""

from __future__ import annotations

from math import perm

import numpy as np

JUMP = 1e200  # in place of σ'' where σ' jumps


class Span:
    """Arrays of numbers between `lo` and `hi`."""

    def __init__(self, lo, hi=None):
        self.lo, self.hi = lo, lo if hi is None else hi

    @classmethod
    def constant(cls, array: np.ndarray) -> Span:
        """Exact numbers."""
        return cls(array)

    def __getitem__(self, place) -> Span:
        return Span(self.lo[place], self.hi[place])

    def __add__(self, other) -> Span:
        other = other if isinstance(other, Span) else Span(other)
        return Span(self.lo + other.lo, self.hi + other.hi)

    def __neg__(self) -> Span:
        return Span(-self.hi, -self.lo)

    def __mul__(self, other) -> Span:
        other = other if isinstance(other, Span) else Span(other)
        first, last = ([a * b for b in (other.lo, other.hi)] for a in (self.lo, self.hi))
        low, high = (end(end(*first), end(*last)) for end in (np.minimum, np.maximum))
        return Span(low, high)

    def __matmul__(self, other: Span) -> Span:
        if self.lo is self.hi:  # exact numbers: the ends are sums of products of matrices
            a, b = np.maximum(self.lo, 0), np.minimum(self.lo, 0)
            return Span(a @ other.lo + b @ other.hi, a @ other.hi + b @ other.lo)
        if other.lo is other.hi:
            return (other.T @ self.T).T
        products = self[..., None] * other[..., None, :, :]
        return Span(products.lo.sum(axis=-2), products.hi.sum(axis=-2))

    @property
    def T(self) -> Span:
        """The last two axes swapped."""
        low = self.lo.swapaxes(-1, -2)
        return Span(low, low if self.lo is self.hi else self.hi.swapaxes(-1, -2))

    def bend(self, power: int, alpha: float) -> tuple[Span, Span, Span]:
        """σ, σ' and σ''; hulls where the sign is not known."""
        at_zero = (self.lo == 0) & (self.hi == 0)
        above, below = (self.hi > 0) | at_zero, (self.lo < 0) | at_zero
        high = Span(np.maximum(self.lo, 0), np.maximum(self.hi, 0))
        low = Span(np.minimum(self.lo, 0), np.minimum(self.hi, 0))
        found = []
        for k in range(3):
            a, b = (
                _power(each, max(power - k, 0)) * (scale * perm(power, k))
                for each, scale in ((high, 1.0), (low, alpha**power))
            )
            both = above & below
            found.append(
                Span(
                    np.where(both, np.minimum(a.lo, b.lo), np.where(above, a.lo, b.lo)),
                    np.where(both, np.maximum(a.hi, b.hi), np.where(above, a.hi, b.hi)),
                )
            )
        if power == 1 and alpha != 1:
            found[2] = Span(np.where(above & below, -JUMP, 0.0), np.where(above & below, JUMP, 0.0))
        return tuple(found)


def _power(z: Span, k: int) -> Span:
    """z^k of numbers of one sign."""
    ends = z.lo**k, z.hi**k
    return Span(np.minimum(*ends), np.maximum(*ends))


class Moved:
    """Arrays of intervals `v`, and `t`, how they move in some directions, the first axis of it."""

    def __init__(self, v: Span, t: Span):
        self.v, self.t = v, t

    @classmethod
    def constant(cls, array: np.ndarray) -> Moved:
        """Numbers that stay."""
        return cls(Span(array), Span(np.zeros((1, *array.shape))))

    def __add__(self, other: Moved) -> Moved:
        return Moved(self.v + other.v, self.t + other.t)

    def __neg__(self) -> Moved:
        return Moved(-self.v, -self.t)

    def __mul__(self, other) -> Moved:
        if not isinstance(other, Moved):
            return Moved(self.v * other, self.t * other)
        return Moved(self.v * other.v, self.t * other.v + other.t * self.v)

    def __matmul__(self, other: Moved) -> Moved:
        return Moved(self.v @ other.v, self.t @ other.v + self.v @ other.t)

    @property
    def T(self) -> Moved:
        """The last two axes swapped."""
        return Moved(self.v.T, self.t.T)

    def bend(self, power: int, alpha: float) -> tuple[Moved, Moved]:
        """σ and σ'."""
        value, first, second = self.v.bend(power, alpha)
        return Moved(value, first * self.t), Moved(first, second * self.t)

    def left_out(self) -> Moved:
        """Nothing: by the logistic loss's polynomial little is left out of −ℓ'."""
        return self * 0.0


def is_positive(form: Span) -> bool:
    """Whether symmetric matrices (n, n) seem positive definite, all of them: by their pivots."""
    while form.lo.size:
        pivot, rest = form[0, 0], form[1:, 1:]
        if not pivot.lo > 0:
            return False
        row = form[0, 1:]
        factor = row * Span(1 / pivot.hi, 1 / pivot.lo)
        form = rest + -(factor[:, None] * row[None])
    return True


def is_below(H: Span, bound, v: Span | None = None, lift: float = 0.0) -> bool:
    """Whether (H + Hᵀ)/2 < bound across v seems to hold, as `ncfcheck.verifier.boxes` asks it."""
    eye = np.eye(len(H.lo))
    form = (bound if isinstance(bound, Span) else Span(bound)) * eye + -((H + H.T) * 0.5)
    return is_positive(form if v is None else form + v[:, None] * v[None] * lift)
