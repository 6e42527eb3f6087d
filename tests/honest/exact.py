"""N with hundreds of digits: values, gradients, second derivatives and KKT points as balls.

A second opinion on the compiled kernels and on their bounds, written out plainly over arrays of
`flint.arb`. Floats enter as the dyadic numbers they are.
"""

from __future__ import annotations

import contextlib
from copy import copy
from functools import cached_property

import numpy as np
from flint import acb, arb, ctx

from ncfcheck.model.architectures.biases import Biased
from ncfcheck.model.ncf import Ncf
from tests.support.formulas import outputs

BITS = 500  # data cancel to 1e-15, D times over, and scales are 1e±12
ctx.prec = max(ctx.prec, BITS)
STEP = arb(2) ** -220  # its square is nothing beside 1
STEPS = 60  # of Newton's method with one float64 inverse: it gains ten digits a step
SMALL = arb(2) ** -400  # residual of an exact KKT point
# The same where neurons of size 1e-17 switch sides; far below any bar all the same.
STALLED = arb(2) ** -85
MANY = 120  # parameters of which second derivatives take too long
KINKED = 1e-30  # radius of σ'' from which on it has not the value of one side
FLAT = 1e-9  # eigenvalues below this share of the largest are those of a continuum


def exactly(values) -> np.ndarray:
    """An array of balls of the numbers of an array or sequence of any shape."""
    return np.vectorize(_ball, otypes=[object])(np.asarray(values))


@contextlib.contextmanager
def precision(bits: int):
    """Balls of `bits` bits inside; what was set before is set again afterwards."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def _ball(value) -> arb:
    return value if isinstance(value, arb) else arb(float(value))


def length(vector) -> arb:
    """‖vector‖₂ of an array of balls of any shape."""
    square = arb(sum(each * each for each in vector.ravel()))
    return square.sqrt() if square > 0 else arb(0).union(arb(square.upper()).sqrt())


def unit(vector) -> np.ndarray:
    """The unit vector of its direction."""
    return vector / length(vector)


def sine(gradient, u) -> arb:
    """sin∠(∇N, u)."""
    off = gradient - (gradient @ u) / (u @ u) * u
    return length(off) / length(gradient)


class Exact:
    """N at weights (P,) of any numbers, of a layered network or one with biases."""

    def __init__(self, ncf, theta):
        self.network, self.theta = ncf.network, exactly(theta)
        self.ybar, self.is_biased = exactly(ncf.ybar).T, isinstance(ncf.network, Biased)
        self.layers = layers = ncf.network.plain if self.is_biased else ncf.network
        self.W = [exactly(W) for W in self._matrices(self.theta)]
        self.below, self.bends = [self._heard(exactly(ncf.X).T)], []
        for W, power, slope in zip(self.W, layers.powers, layers.slopes):
            bends = [_bend(each, power, arb(slope)) for each in (W @ self.below[-1]).ravel()]
            shape = (len(W), len(ncf.X))
            sheets = [np.array(part, dtype=object).reshape(shape) for part in zip(*bends)]
            self.below.append(self._heard(sheets[0]))
            self.bends.append(sheets[1:])

    @cached_property
    def outputs(self) -> np.ndarray:
        """H(X; θ), (n, k_L)."""
        return (self.W[-1] @ self.below[-1]).T

    @cached_property
    def value(self) -> arb:
        """N(θ)."""
        return arb((self.ybar.T * self.outputs).sum())

    @cached_property
    def size(self) -> arb:
        """Σ |ȳ ∘ H|."""
        return arb(abs(self.ybar.T * self.outputs).sum())

    @cached_property
    def deltas(self) -> list:
        """∂N/∂z_l of every layer, (k_l, n) each."""
        deltas = [self.ybar]
        for W, (first, _) in zip(self.W[:0:-1], self.bends[::-1]):
            deltas.insert(0, (W.T @ deltas[0])[: len(first)] * first)
        return deltas

    @cached_property
    def gradient(self) -> np.ndarray:
        """∇N(θ), (P,)."""
        parts = [delta @ below.T for delta, below in zip(self.deltas, self.below)]
        if self.is_biased:
            return np.concatenate([part.ravel() for part in parts])
        return exactly(self.network.collect(parts))

    @cached_property
    def hessian(self) -> np.ndarray:
        """∇²N(θ), (P, P): the derivative of the gradient in all directions at once."""
        moves = [exactly(np.stack(each)) for each in zip(*map(self._matrices, np.eye(self.size_)))]
        d_below, d_slopes = [0 * exactly(self.below[0])], []
        for l, (first, second) in enumerate(self.bends):
            dz = moves[l] @ self.below[l] + self.W[l] @ d_below[l]
            d_below.append(first * dz)
            d_slopes.append(second * dz)
        d_delta, parts = 0 * self.ybar, []
        for l in range(len(self.W) - 1, -1, -1):
            below, d_under = self.below[l].T, np.swapaxes(np.atleast_3d(d_below[l]), -1, -2)
            d_under = below * 0 if l == 0 else d_under
            parts.insert(0, d_delta @ below + self.deltas[l] @ d_under)
            if l:
                first = self.bends[l - 1][0]
                back = self.W[l].T @ self.deltas[l]
                d_back = self.W[l].T @ d_delta + np.swapaxes(moves[l], -1, -2) @ self.deltas[l]
                d_delta = d_back * first + back * d_slopes[l - 1]
        shapes = [(self.size_, *W.shape) for W in self.W]
        sheets = [np.broadcast_to(part, shape) for part, shape in zip(parts, shapes)]
        return exactly([self.network.collect([s[k] for s in sheets]) for k in range(self.size_)])

    @property
    def size_(self) -> int:
        return self.network.size

    def _matrices(self, direction) -> list:
        if self.is_biased:
            return list(self.network.parts(direction).values())
        return self.network.matrices(direction)

    def _heard(self, units) -> np.ndarray:
        """What the next layer hears of these units (k, n): with biases a constant, too."""
        constant = exactly(np.ones((1, units.shape[1])))
        return np.concatenate([units, constant]) if self.is_biased else units

    def sides(self) -> list[Exact]:
        """Itself; on a kink of p = 2 twice, with σ'' such that ∇²N is the least and the most."""
        backs = [W.T @ delta for W, delta in zip(self.W[1:], self.deltas[1:])]
        if not any(
            _kinked(second).any()
            for (_, second), power in zip(self.bends, self.layers.powers)
            if power == 2
        ):
            return [self]
        found = []
        for sign in (-1, 1):
            side = copy(self)
            layers = zip(self.bends, backs, self.layers.powers, self.layers.slopes)
            side.bends = [
                (first, _ends(second, sign * back, arb(slope)) if power == 2 else second)
                for (first, second), back, power, slope in layers
            ]
            found.append(side)
        return found

    def top_curvature(self) -> arb:
        """The largest eigenvalue of the projected Hessian at a unit vector, −|λ| across, over |λ|.

        In float64 from the exact matrix, with what that may be off by; of many parameters anything.
        """
        if self.size_ > MANY:
            return arb(0, np.inf)
        u, multiplier = self.theta, arb(self.gradient @ self.theta)
        curved = self.hessian @ u
        normal = curved - (curved @ u + multiplier - abs(multiplier)) / 2 * u
        matrix = self.hessian - np.outer(u, normal) - np.outer(normal, u)
        matrix = (matrix - multiplier * exactly(np.eye(u.size))) / abs(multiplier)
        values = np.linalg.eigvalsh(floats(matrix))
        error = 1e-14 * u.size * float(np.abs(values).max())
        error += sum(float(each.rad()) for each in matrix.ravel())
        return arb(float(values[-1]), error)


class ExactModel:
    """The same of a built-in model, by its formula: ∇N by steps along the imaginary axis."""

    def __init__(self, ncf, theta):
        self.ncf, self.theta = ncf, exactly(theta)
        self.ybar, self.X = exactly(ncf.ybar), np.vectorize(acb, otypes=[object])(exactly(ncf.X))

    @cached_property
    def outputs(self) -> np.ndarray:
        """H(X; θ), (n, m)."""
        return np.vectorize(lambda each: each.real, otypes=[object])(self._outputs())

    @cached_property
    def value(self) -> arb:
        """N(θ)."""
        return arb((self.ybar * self.outputs).sum())

    @cached_property
    def gradient(self) -> np.ndarray:
        """∇N(θ), (P,)."""
        slopes = ((self.ybar * self._outputs(k)).sum().imag / STEP for k in range(self.theta.size))
        return np.array(list(slopes), dtype=object)

    def _outputs(self, moved: int | None = None) -> np.ndarray:
        """H, (n, m), with one weight moved by STEP along the imaginary axis."""
        theta = [acb(each, STEP if k == moved else 0) for k, each in enumerate(self.theta)]
        return outputs(self.ncf.network, self.X, np.array(theta, dtype=object))


def _ends(second, signs, slope: arb) -> np.ndarray:
    """σ'' of p = 2 with the larger of its values on kinks, or the smaller for signs below 0."""
    least, most = sorted((2 * slope * slope, arb(2)), key=float)
    return np.where(_kinked(second), np.where(signs > 0, most, least), second)


_kinked = np.vectorize(lambda ball: float(ball.rad()) >= KINKED, otypes=[bool])


def floats(balls) -> np.ndarray:
    """Their midpoints."""
    return np.vectorize(float, otypes=[float])(balls)


def _bend(z: arb, power: int, slope: arb) -> tuple[arb, arb, arb]:
    """σ, σ' and σ'' at z, the hull of both sides where its sign is not known; at 0 that above."""
    above, below = (_side(z, power, side) for side in (arb(1), _power(slope, power)))
    if z >= 0:
        return above
    return below if z < 0 else tuple(map(arb.union, above, below))


def _side(z: arb, power: int, side: arb) -> tuple[arb, arb, arb]:
    second = power * (power - 1) * side * _power(z, power - 2) if power > 1 else arb(0)
    return side * _power(z, power), power * side * _power(z, power - 1), second


def _power(z: arb, power: int) -> arb:
    found = arb(1)
    for _ in range(power):
        found = found * z
    return found


def kkt_point(ncf: Ncf, u: np.ndarray) -> np.ndarray | None:
    """The KKT point (P,) that the unit vector u is next to, or None where none can be told.

    Newton's method with one float64 pseudo-inverse, for residuals with all digits. Along a
    continuum of such points it is the nearest.
    """
    inverse = _inverse(ncf, u)
    here, last = unit(exactly(u)), arb(1)
    # Weights of neurons that are silent either way are zero at the KKT point, too.
    silent = (u == 0) & np.array([each == 0 for each in Exact(ncf, here).gradient])
    for _ in range(STEPS if inverse is not None else 0):
        gradient = Exact(ncf, here).gradient
        size, along = length(gradient), gradient @ here
        if not size > 0:
            return None
        off = (gradient - along * here) / size
        residual = length(off)
        if residual < SMALL or (residual < STALLED and not residual < last / 2):
            return here + arb(0, 1e3 * float(np.linalg.norm(inverse)) + 1) * residual
        if not residual < last / 2:
            return None
        last = residual
        step = residual * exactly(np.where(silent, 0.0, inverse @ floats(off / residual)))
        here = np.vectorize(arb.mid, otypes=[object])(unit(here - step))
    return None


def _inverse(ncf: Ncf, u: np.ndarray) -> np.ndarray | None:
    """Pseudo-inverse of the projected Hessian over ‖∇N‖, with the sphere's normal left alone."""
    exact = Exact(ncf, unit(exactly(u)))
    size = length(exact.gradient)
    if not size > 0:
        return None
    if u.size > MANY:
        matrix = ncf.hessian(u) / float(size)
    else:
        matrix = floats(exact.hessian / size)
    matrix -= floats(exact.gradient @ exact.theta / size) * np.eye(u.size)
    across = np.eye(u.size) - np.outer(u, u)
    values, vectors = np.linalg.eigh(across @ matrix @ across)
    kept = np.abs(values) > FLAT * np.abs(values).max()
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
