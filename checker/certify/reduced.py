"""The reduced problem n(u) = Σ ȳ_i φ(uᵀx_i), all widths one, as KKT equations (theory §5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flint import arb, fmpq

from ncfcheck.certify.certificate import NotProved
from ncfcheck.certify.rings import Balls, Rationals, halves
from ncfcheck.certify.system import System, dot
from ncfcheck.model.networks import Network


@dataclass(frozen=True)
class Reduced(System):
    """The reduced problem n(u) = Σ ȳ_i φ(uᵀx_i), `theta` u and `signs` (s_2, …, s_L): φ is
    positively homogeneous.

    φ(t) = A t^q for t ≥ 0 and B (−t)^q for t ≤ 0, q = Π p_l, with A and B exact.
    """

    signs: tuple[float, ...] = ()

    def profile(self, t):
        """φ(t), φ'(t), φ''(t) of a ball t; hulls where t may be 0. NotProved at a kink of q = 1."""
        q, (high, low) = math.prod(self.network.powers), branches(self.network, self.signs)
        side = Balls.side(t)
        if side is None or side == 0:
            if q == 1 and high != -low:
                raise NotProved("∇n jumps at a kink of p = 1 that the box may touch")
            above, below = halves(t)
            return [
                Balls.hull(a, b)
                for a, b in zip(_monomial(high, above, q), _mirrored(low, below, q))
            ]
        return _monomial(high, t, q) if side > 0 else _mirrored(low, t, q)

    def _samples(self, u, order: int):
        """(ȳ_i 2^scale · φ^(order)(uᵀx_i), x_i) for every sample that is not 0."""
        factor = arb(2) ** self.scale
        for x, y in zip(self.X, self.ybar[:, 0]):
            if x.any():
                yield (
                    arb(float(y)) * factor * self.profile(dot(u, map(float, x)))[order],
                    [*map(float, x)],
                )

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
        return [
            [sum((weight * x[j] * x[k] for weight, x in samples), arb(0)) for k in indices]
            for j in indices
        ]


def branches(network: Network, signs) -> tuple[arb, arb]:
    """A and B: what the network of widths one makes of t = 1 and t = −1; exact rationals."""
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
    return [
        scale * powers[q],
        scale * q * powers[q - 1],
        scale * (q * (q - 1)) * powers[max(q - 2, 0)],
    ]


def _mirrored(scale: fmpq, t, q: int) -> list:
    """b (−t)^q and its first two derivatives."""
    value, first, second = _monomial(scale, -t, q)
    return [value, -first, second]
