"""KKT equations of a network as a system F = 0 of balls (theory §9).

Unknowns are the weights θ, λ, and one μ_k for every continuous symmetry θ → e^{tA_k}θ of N:

    F = (∇N − λθ + Σ μ_k A_k θ, (‖θ‖² − 1)/2, ⟨A_k θ_0, θ⟩).

At its zeros μ = 0, because ∇N and θ are orthogonal to every A_k θ, where these are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb

from ncfcheck.certify.evaluate import Evaluation
from ncfcheck.certify.rings import Balls
from ncfcheck.certify.symmetries import Generator, turned
from ncfcheck.model.networks import Network


@dataclass(frozen=True)
class System:
    """KKT equations of a network on data X (n, d), ȳ (n, k_L) near the weights `theta`.

    N is multiplied by 2^scale, so that λ is about 1. Generators are those of
    `ncfcheck.certify.symmetries`.
    """

    network: Network
    X: np.ndarray
    ybar: np.ndarray
    theta: np.ndarray
    generators: tuple[Generator, ...] = ()
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

    def moved(self, theta) -> list[list]:
        """A_k θ for every k and a list θ over any ring, (P,) each."""
        return [turned(self.network, theta, each) for each in self.generators]

    @property
    def fixed(self) -> list[list]:
        """A_k θ_0, in floats."""
        return self.moved([*map(float, self.theta)])

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
        gradient, moved = self.gradient(theta), self.moved(theta)
        rows = [
            g - multiplier * t + sum((mu * A[i] for mu, A in zip(turns, moved)), arb(0))
            for i, (g, t) in enumerate(zip(gradient, theta))
        ]
        return [*rows, (dot(theta, theta) - 1) / 2, *(dot(map(arb, A), theta) for A in self.fixed)]

    def jacobian(self, x) -> list[list]:
        """DF over the box x: an enclosure of every slope between two of its points."""
        theta, multiplier, turns = x[: self.free], x[self.free], x[self.free + 1 :]
        moved, rows = self.moved(theta), self.hessian(theta)
        for k in range(self.free):
            unit = [float(i == k) for i in range(self.free)]
            for mu, A in zip(turns, self.moved(unit)):
                for i, each in enumerate(A):
                    if each:
                        rows[i][k] += mu * each
        for i, row in enumerate(rows):
            row[i] -= multiplier
            row += [-theta[i], *(A[i] for A in moved)]
        border = [arb(0)] * (1 + len(self.generators))
        fixed = [[*map(arb, A), *border] for A in self.fixed]
        return [*rows, [*theta, *border], *fixed]


def dot(a, b):
    """Σ a_i b_i of balls."""
    return sum((x * y for x, y in zip(a, b)), arb(0))
