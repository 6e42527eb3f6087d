"""Boxes that hold exactly one KKT point, by the Krawczyk operator (theory §9).

Unknowns are the weights θ, λ, and one μ_k for every continuous symmetry θ → e^{tA_k}θ of N:

    F = (∇N − λθ + Σ μ_k A_k θ, (‖θ‖² − 1)/2, ⟨A_k θ_0, θ⟩).

If |Y F(x_0)|_i + ‖(I − Y·DF(box))_i‖₁ r < r for every i, F has exactly one zero within r of x_0, whatever the matrix Y. There
μ = 0, because ∇N and θ are orthogonal to every A_k θ and these are independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from flint import arb, fmpq

from checker.certify.certificate import NotProved, check_time
from checker.certify.evaluate import Evaluation
from checker.certify.rings import Balls, Rationals, halves
from checker.networks import Network

LARGEST = 160  # unknowns of a box
REFINEMENTS = (2.0, 8.0, 64.0, 1024.0)  # radii tried, in units of the Newton step at the centre


@dataclass(frozen=True)
class System:
    """KKT equations of a network on data X (n, d), ȳ (n, k_L) near the weights `theta`.

    N is multiplied by 2^scale, so that λ is about 1. A generator (l, a, b) turns neurons a and b of hidden layer l, counted
    from 0, into each other.
    """

    network: Network
    X: np.ndarray
    ybar: np.ndarray
    theta: np.ndarray
    generators: tuple[tuple[int, int, int], ...] = ()
    scale: int = 0

    @property
    def free(self) -> int:
        """Number of unknown weights."""
        return self.theta.size

    def evaluate(self, theta) -> Evaluation:
        """The network at weights that are balls."""
        factor = arb(2) ** self.scale
        ybar = [[arb(float(each)) * factor for each in row] for row in self.ybar]
        return Evaluation(Balls, self.network, list(theta), self.X, ybar)

    def turned(self, theta, generator) -> list:
        """A_k θ for a list θ over any ring, (P,)."""
        layer, a, b = generator
        below, own, above = self.network.widths[layer : layer + 3]
        out, start = [0 * each for each in theta], self.network.slices[layer].start
        for j in range(below):
            out[start + a * below + j], out[start + b * below + j] = -theta[start + b * below + j], theta[start + a * below + j]
        start = self.network.slices[layer + 1].start
        for i in range(above):
            out[start + i * own + a], out[start + i * own + b] = -theta[start + i * own + b], theta[start + i * own + a]
        return out

    def value(self, theta):
        """N at the unknowns given."""
        return self.evaluate(theta).value

    def gradient(self, theta) -> list:
        """∇N in the unknowns."""
        return self.evaluate(theta).gradient

    def hessian(self, theta) -> list[list]:
        """∇²N in the unknowns."""
        return self.evaluate(theta).hessian(self.free)

    def residual(self, x) -> list:
        """F(x)."""
        theta, multiplier, turns = x[: self.free], x[self.free], x[self.free + 1 :]
        gradient = self.gradient(theta)
        moved = [self.turned(theta, each) for each in self.generators]
        rows = [
            g - multiplier * t + sum((mu * A[i] for mu, A in zip(turns, moved)), arb(0))
            for i, (g, t) in enumerate(zip(gradient, theta))
        ]
        fixed = [self.turned([*map(float, self.theta)], each) for each in self.generators]
        return [*rows, (_dot(theta, theta) - 1) / 2, *(_dot(map(arb, A), theta) for A in fixed)]

    def jacobian(self, x) -> list[list]:
        """DF over the box x: an enclosure of every slope between two of its points."""
        theta, multiplier, turns = x[: self.free], x[self.free], x[self.free + 1 :]
        moved = [self.turned(theta, each) for each in self.generators]
        fixed = [self.turned([*map(float, self.theta)], each) for each in self.generators]
        rows = self.hessian(theta)
        units = [[float(i == k) for i in range(self.free)] for k in range(self.free)]
        for mu, generator in zip(turns, self.generators):
            for k, unit in enumerate(units):
                for i, each in enumerate(self.turned(unit, generator)):
                    if each:
                        rows[i][k] += mu * each
        for i, row in enumerate(rows):
            row[i] -= multiplier
            row += [-theta[i], *(A[i] for A in moved)]
        border = [arb(0)] * (1 + len(self.generators))
        return rows + [list(theta) + border] + [[arb(each) for each in A] + border for A in fixed]


@dataclass(frozen=True)
class Reduced(System):
    """The reduced problem n(u) = Σ ȳ_i φ(uᵀx_i), `theta` u and `signs` (s_2, …, s_L): φ is positively homogeneous.

    φ(t) = A t^q for t ≥ 0 and B (−t)^q for t ≤ 0, q = Π p_l, with A and B exact.
    """

    signs: tuple[float, ...] = ()

    def profile(self, t):
        """φ(t), φ'(t) and φ''(t) for a ball t; hulls where it may have either sign. Raises NotProved at a kink of q = 1."""
        q, (high, low) = math.prod(self.network.powers), branches(self.network, self.signs)
        side = Balls.side(t)
        if side is None or side == 0:
            if q == 1 and high != -low:
                raise NotProved("∇n jumps at a kink of p = 1 that the box may touch")
            above, below = halves(t)
            return [Balls.hull(a, b) for a, b in zip(_monomial(high, above, q), _mirrored(low, below, q))]
        return _monomial(high, t, q) if side > 0 else _mirrored(low, t, q)

    def _samples(self, u, order: int):
        """(ȳ_i 2^scale · φ^(order)(uᵀx_i), x_i) for every sample that is not 0."""
        factor = arb(2) ** self.scale
        for x, y in zip(self.X, self.ybar[:, 0]):
            if x.any():
                yield arb(float(y)) * factor * self.profile(_dot(u, map(float, x)))[order], [*map(float, x)]

    def value(self, theta):
        """n(u)."""
        return sum((weight for weight, _ in self._samples(theta, 0)), arb(0))

    def gradient(self, theta) -> list:
        """∇n(u)."""
        samples = list(self._samples(theta, 1))
        return [sum((weight * x[k] for weight, x in samples), arb(0)) for k in range(self.free)]

    def hessian(self, theta) -> list[list]:
        """∇²n(u)."""
        samples = list(self._samples(theta, 2))
        indices = range(self.free)
        return [[sum((weight * x[j] * x[k] for weight, x in samples), arb(0)) for k in indices] for j in indices]


def branches(network: Network, signs) -> tuple[arb, arb]:
    """A and B: what the network with all widths one makes of t = 1 and of t = −1; exact rationals."""
    out = []
    for t in (fmpq(1), fmpq(-1)):
        for power, alpha, sign in zip(network.powers, network.slopes, signs):
            slope = Rationals.number(1 if t >= 0 else float(alpha))
            t = Rationals.number(float(sign)) * (slope * t) ** power
        out.append(t)
    return tuple(out)


def _monomial(scale: fmpq, t, q: int) -> list:
    """a t^q and its first two derivatives."""
    scale, powers = arb(scale), [arb(1)]
    for _ in range(q):
        powers.append(powers[-1] * t)
    return [scale * powers[q], scale * q * powers[q - 1], scale * (q * (q - 1)) * powers[max(q - 2, 0)]]


def _mirrored(scale: fmpq, t, q: int) -> list:
    """b (−t)^q and its first two derivatives."""
    value, first, second = _monomial(scale, -t, q)
    return [value, -first, second]


@dataclass(frozen=True)
class Box:
    """Exactly one KKT point lies within `radius` of the centre in every unknown; `system` says of what."""

    system: System
    centre: tuple[float, ...]
    radius: float

    @property
    def theta(self) -> list:
        """The unknown weights as balls."""
        return [_around(each, self.radius) for each in self.centre[: self.system.free]]

    def plain(self) -> dict:
        """What the verifier needs of the box."""
        return {
            "centre": [each.hex() for each in self.centre],
            "radius": self.radius.hex(),
            "scale": self.system.scale,
            "generators": [list(each) for each in self.system.generators],
        }


def enclose(system: System) -> Box:
    """The box around the KKT point that `theta` approximates. Raises NotProved where none is found."""
    system, centre = _scaled(system)
    if len(centre) > LARGEST:
        raise NotProved(f"too many unknowns for a box: {len(centre)}")
    middle = _floats(system.jacobian([arb(each) for each in centre]))
    try:
        Y = np.linalg.inv(middle)
    except np.linalg.LinAlgError as error:
        raise NotProved("a continuum, or a degenerate point: the Jacobian is singular") from error
    if not np.isfinite(Y).all():
        raise NotProved("the Jacobian cannot be inverted")
    precondition = Balls.matrix(len(Y), len(Y), [arb(float(each)) for each in Y.ravel()])
    step = (precondition * Balls.matrix(len(Y), 1, system.residual([arb(each) for each in centre]))).entries()
    reach = max(float(abs(each).upper()) for each in step)
    if not reach < 1e-3:
        raise NotProved(f"Newton's method leaves the point by {reach:.0e}: approximate at best")
    for factor in REFINEMENTS:
        check_time()
        radius = 2.0 ** math.ceil(math.log2(max(factor * reach, 2.0**-80)))
        if _contracts(system, centre, radius, precondition, step):
            box = Box(system, tuple(map(float, centre)), radius)
            _check_independent(box)
            return box
    raise NotProved("the Krawczyk operator does not contract: a degenerate point or a kink")


def _contracts(system: System, centre, radius: float, Y, step) -> bool:
    """Whether |Y F(x_0)|_i + ‖(I − Y·DF(box))_i‖₁ r < r for every i."""
    size = len(step)
    jacobian = system.jacobian([_around(each, radius) for each in centre])
    product = Y * Balls.matrix(size, size, [each for row in jacobian for each in row])
    for i in range(size):
        defect = sum((abs(product[i, j] - (i == j)) for j in range(size)), arb(0))
        if not abs(step[i]) + defect * radius < radius:
            return False
    return True


def _check_independent(box: Box) -> None:
    """Every ⟨A_jθ, A_kθ⟩ matrix over the box is regular: it dominates its diagonal after elimination."""
    moved = [box.system.turned(box.theta, each) for each in box.system.generators]
    gram = [[_dot(a, b) for b in moved] for a in moved]
    if not is_positive_definite(gram):
        raise NotProved("the symmetries are not independent over the box")


def is_positive_definite(rows: list[list]) -> bool:
    """Whether every symmetric matrix in a matrix of balls, or the exact one, is: all pivots are positive."""
    rows = [list(row) for row in rows]
    for k in range(len(rows)):
        check_time()
        if not rows[k][k] > 0:
            return False
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            for j in range(k, len(rows)):
                rows[i][j] = rows[i][j] - factor * rows[k][j]
    return True


def _scaled(system: System) -> tuple[System, list[float]]:
    """The system with λ about 1, and its centre (θ, λ, 0, …)."""
    theta = system.theta / np.linalg.norm(system.theta)
    start = [arb(float(each)) for each in theta]
    multiplier = _dot(start, system.gradient(start))
    if not (multiplier > 0 or multiplier < 0):
        raise NotProved("λ is not known to differ from 0")
    scale = -_exponent(multiplier)
    value = float((multiplier * arb(2) ** scale).mid())
    scaled = replace(system, theta=theta, scale=system.scale + scale)
    return scaled, [*map(float, theta), value, *[0.0] * len(system.generators)]


def _exponent(value: arb) -> int:
    """log₂|value| of a ball's midpoint, to within 1."""
    mantissa, exponent = value.mid().man_exp()
    return int(exponent) + abs(int(mantissa)).bit_length()


def _around(centre: float, radius: float) -> arb:
    return arb(centre, radius)


def _dot(a, b):
    return sum((x * y for x, y in zip(a, b)), arb(0))


def _floats(rows) -> np.ndarray:
    return np.array([[float(each.mid()) for each in row] for row in rows])
