"""Exact counterparts of claims about single points: inequalities between exact numbers (theory §1,
§2, §5, §9).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import fmpq

from ncfcheck.certify.certificate import NotProved, check_time
from ncfcheck.certify.evaluate import Evaluation
from ncfcheck.certify.rings import PRECISIONS, Balls, Rationals, precision
from ncfcheck.model.losses import Loss

FACTORS = (3, fmpq(1, 2))  # by which weights are scaled
SHARES = (1e-1, 1e-3, 1e-6, 1e-9)  # sizes of the largest output at which losses are expanded


def proved(statement: Callable, exact: bool = True) -> None:
    """Return if statement(ring) is True over balls of some precision, or over the rationals. Raises
    NotProved if not.
    """
    for bits in PRECISIONS:
        check_time()
        with precision(bits):
            if statement(Balls) is True:
                return
    if not exact or statement(Rationals) is not True:
        raise NotProved("no strict inequality at this point")


class At:
    """N and its gradient at `factor` times the weights, for networks with and without biases, on
    data and ȳ of an instance.
    """

    def __init__(self, ring, instance, weights, factor=1, ybar=None):
        network, ncf = instance.network, instance.ncf
        self.ring, self.factor = ring, ring.number(factor)
        self.u = [ring.number(float(each)) * self.factor for each in weights]
        frozen = getattr(network, "frozen", np.zeros(len(weights), dtype=bool))
        full, own = [], iter(self.u)
        for fixed in frozen:
            full.append(ring.number(1) if fixed else next(own))
        self.evaluation = Evaluation(
            ring,
            getattr(network, "extended", network),
            full,
            ncf.X,
            ncf.ybar if ybar is None else ybar,
        )
        self.free = np.flatnonzero(~frozen)

    @property
    def outputs(self) -> list:
        """H(X; u), every output of every sample."""
        return self.evaluation.outputs.entries()

    @property
    def value(self):
        """N(u)."""
        return self.evaluation.value

    @property
    def gradient(self) -> list:
        """∇N(u) in the weights that are free."""
        return [self.evaluation.gradient[k] for k in self.free]

    def is_kkt_direction_false(self) -> bool:
        """Whether |u|²g − (g·u)u ≠ 0 for sure."""
        g, square, along = self.gradient, dot(self.u, self.u), dot(self.gradient, self.u)
        return any(nonzero(self.ring, square * a - along * b) for a, b in zip(g, self.u))


def dot(a, b):
    """Σ a_i b_i, 0 for none."""
    return sum((x * y for x, y in zip(a, b)), 0)


def nonzero(ring, value) -> bool:
    """Whether a number differs from 0 for sure."""
    return ring.side(ring.number(value)) in (1, -1)


def power(value, exponent: int):
    """value^exponent by multiplication."""
    out = value * 0 + 1
    for _ in range(exponent):
        out = out * value
    return out


def euler_fails(ring, instance, weights) -> bool:
    """⟨u, ∇N⟩ ≠ D·N."""
    at = At(ring, instance, weights)
    return nonzero(ring, dot(at.u, at.gradient) - instance.network.order * at.value)


def layer_euler_fails(ring, instance, weights) -> bool:
    """⟨W_l, ∂N/∂W_l⟩ ≠ P_l·N for some layer."""
    at, network = At(ring, instance, weights), instance.network
    g = at.gradient
    return any(
        nonzero(ring, dot(at.u[part], g[part]) - order * at.value)
        for part, order in zip(network.slices, network.orders)
    )


def output_scaling_fails(ring, instance, weights, sign: int = 1) -> bool:
    """H(x; cu) ≠ c^D H(x; u) for some factor c of the sign, some sample and output."""
    one, order = At(ring, instance, weights), instance.network.order
    for factor in FACTORS:
        other = At(ring, instance, weights, sign * factor)
        if any(
            nonzero(ring, a - power(other.factor, order) * b)
            for a, b in zip(other.outputs, one.outputs)
        ):
            return True
    return False


def gradient_scaling_fails(ring, instance, weights, sign: int = 1) -> bool:
    """∇N(cu) ≠ c^{D−1} ∇N(u) for some factor c of the sign."""
    one, order = At(ring, instance, weights), instance.network.order
    for factor in FACTORS:
        other = At(ring, instance, weights, sign * factor)
        if any(
            nonzero(ring, a - power(other.factor, order - 1) * b)
            for a, b in zip(other.gradient, one.gradient)
        ):
            return True
    return False


def expansion_fails(instance, ybar=None) -> float:
    """A δ at which |𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ² is proved; N that of ȳ where given. Raises
    NotProved for none.
    """
    largest, order = (
        float(np.abs(instance.problem.outputs(instance.start)).max()),
        instance.network.order,
    )
    if not 0 < largest < np.inf:
        raise NotProved("the network is dead on the data")
    for share in SHARES:
        delta = float((share / largest) ** (1 / order))
        try:
            proved(lambda ring, delta=delta: _departs(ring, instance, delta, ybar))
        except NotProved:
            continue
        return delta
    raise NotProved("the expansion fails at none of the δ tried")


def _departs(ring, instance, delta: float, ybar) -> bool:
    """E + ½S (square loss) or E + [0, ⅛]S (logistic) beyond ±S; E = δ^D N(u) − Σ ȳŷ, S = Σ ŷ²."""
    small = At(ring, instance, instance.start, delta)
    expected = (
        power(small.factor, instance.network.order)
        * At(ring, instance, instance.start, ybar=ybar).value
    )
    departure, square = expected - small.value, dot(small.outputs, small.outputs)
    # log cosh x lies between 0 and x²/2.
    low, high = (4, 4) if instance.problem.loss is Loss.SQUARE else (0, 1)
    sides = (
        ring.side(8 * departure + (low - 8) * square),
        ring.side(8 * departure + (high + 8) * square),
    )
    return sides[0] == 1 or sides[1] == -1


def layers_unbalanced(ring, network, u) -> bool:
    """D‖θ_l‖² ≠ P_l‖θ‖² for some layer."""
    u = [ring.number(float(each)) for each in u]
    whole, parts = dot(u, u), zip(network.slices, network.orders)
    return any(
        nonzero(ring, network.order * dot(u[part], u[part]) - order * whole)
        for part, order in parts
    )


def neurons_unbalanced(ring, network, matrices, layers=None) -> bool:
    """‖row_j(W_l)‖² ≠ p_l ‖col_j(W_{l+1})‖² for some neuron between two unshared layers, or in the
    layers given.
    """
    if layers is None:
        layers = [
            l
            for l in range(network.depth - 1)
            if not (network.patterns[l].is_shared or network.patterns[l + 1].is_shared)
        ]
    return any(nonzero(ring, gap) for l in layers for gap in balances(network, matrices, l))


def balances(network, matrices, l: int) -> list:
    """‖row_j(W_l)‖² − p_l ‖col_j(W_{l+1})‖² of every neuron of hidden layer l, for matrices over
    any ring.
    """
    W, V = matrices[l], matrices[l + 1]
    rows = [sum(W[j, i] * W[j, i] for i in range(W.ncols())) for j in range(W.nrows())]
    columns = [sum(V[i, j] * V[i, j] for i in range(V.nrows())) for j in range(V.ncols())]
    return [a - network.powers[l] * b for a, b in zip(rows, columns)]
