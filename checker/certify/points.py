"""Exact counterparts at single points: inequalities of exact numbers (theory §1, §2, §5, §9)."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import numpy as np
from flint import fmpq

from ncfcheck.certify.certificate import NotProved, check_time, no_certificates
from ncfcheck.certify.evaluate import Evaluation
from ncfcheck.certify.rings import PRECISIONS, Balls, Rationals, precision
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import balances, euler_sides, layer_euler_sides, layer_squares
from ncfcheck.model.networks import times_power

FACTORS = (3, fmpq(1, 2))  # by which weights are scaled
SHARES = (1e-1, 1e-3)  # sizes of the largest output at which losses are expanded


def proved(statement: Callable, exact: bool = True) -> None:
    """Raise NotProved unless statement(ring) is True over balls of some precision, or rationals."""
    for bits in PRECISIONS:
        check_time()
        with precision(bits):
            if statement(Balls) is True:
                return
    if not exact or statement(Rationals) is not True:
        raise NotProved("no strict inequality at this point")


class At:
    """N and ∇N at `factor` times the weights, biases or not, on data and ȳ of an instance."""

    def __init__(self, ring, instance, weights, factor=1, ybar=None):
        network, ncf = instance.network, instance.ncf
        self.ring, self.network, self.factor = ring, network, ring.number(factor)
        self.u = [ring.number(float(each)) * self.factor for each in weights]
        frozen = getattr(network, "frozen", np.zeros(len(weights), dtype=bool))
        full, own = [], iter(self.u)
        for fixed in frozen:
            full.append(ring.number(1) if fixed else next(own))
        extended, ybar = getattr(network, "extended", network), ncf.ybar if ybar is None else ybar
        self.evaluation = Evaluation(ring, extended, full, ncf.X, ybar)
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

    def of(self, identity: Callable):
        """What an identity of N says are equal here."""
        u, gradient = (np.array(each, dtype=object) for each in (self.u, self.gradient))
        return identity(self.network, u, gradient, self.value)

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


def euler_fails(ring, instance, weights) -> bool:
    """⟨u, ∇N⟩ ≠ D·N."""
    found, expected = At(ring, instance, weights).of(euler_sides)
    return nonzero(ring, found - expected)


def layer_euler_fails(ring, instance, weights) -> bool:
    """⟨W_l, ∂N/∂W_l⟩ ≠ P_l·N for some layer."""
    pairs = At(ring, instance, weights).of(layer_euler_sides)
    return any(nonzero(ring, found - expected) for found, expected in pairs)


def output_scaling_fails(ring, instance, weights, sign: int = 1) -> bool:
    """H(x; cu) ≠ c^D H(x; u) for some factor c of the sign, some sample and output."""
    order = instance.network.order
    return _scaling_fails(ring, instance, weights, sign, attrgetter("outputs"), order)


def gradient_scaling_fails(ring, instance, weights, sign: int = 1) -> bool:
    """∇N(cu) ≠ c^{D−1} ∇N(u) for some factor c of the sign."""
    order = instance.network.order - 1
    return _scaling_fails(ring, instance, weights, sign, attrgetter("gradient"), order)


def _scaling_fails(ring, instance, weights, sign: int, values: Callable, order: int) -> bool:
    """values(N at cu) ≠ c^order values(N at u) for some factor c of the sign."""
    ones = values(At(ring, instance, weights))
    for factor in FACTORS:
        other = At(ring, instance, weights, sign * factor)
        scaled = (times_power(each, other.factor, order) for each in ones)
        if any(nonzero(ring, a - b) for a, b in zip(values(other), scaled)):
            return True
    return False


def expansion_fails(instance, ybar=None) -> float:
    """A δ with |𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ², N of ȳ where given. Raises NotProved for none."""
    second, order = _second_order(instance.problem.loss), instance.network.order
    largest = float(np.abs(instance.problem.outputs(instance.start)).max())
    if not 0 < largest < np.inf:
        raise NotProved("the network is dead on the data")
    for share in SHARES:
        delta = float((share / largest) ** (1 / order))
        try:
            proved(lambda ring, delta=delta: _departs(ring, instance, delta, ybar, second))
        except NotProved:
            continue
        return delta
    raise NotProved("the expansion fails at none of the δ tried")


def _second_order(loss: Loss) -> tuple[int, int]:
    """Between which multiples of ŷ²/8 ℓ(ŷ, y) − ℓ(0, y) + ȳŷ lies."""
    match loss:
        case Loss.SQUARE:
            return 4, 4
        case Loss.LOGISTIC:  # log cosh x lies between 0 and x²/2
            return 0, 1
    raise no_certificates(loss)


def _departs(ring, instance, delta: float, ybar, second: tuple[int, int]) -> bool:
    """E + second/8·S beyond ±S; E = δ^D N(u) − Σ ȳŷ, S = Σ ŷ²."""
    small = At(ring, instance, instance.start, delta)
    value = At(ring, instance, instance.start, ybar=ybar).value
    expected = times_power(value, small.factor, instance.network.order)
    departure, square = expected - small.value, dot(small.outputs, small.outputs)
    sides = (
        ring.side(8 * departure + (second[0] - 8) * square),
        ring.side(8 * departure + (second[1] + 8) * square),
    )
    return sides[0] == 1 or sides[1] == -1


def layers_unbalanced(ring, network, u) -> bool:
    """D‖θ_l‖² ≠ P_l‖θ‖² for some layer."""
    u = np.array([ring.number(float(each)) for each in u], dtype=object)
    pairs = zip(layer_squares(network, u), network.orders)
    return any(nonzero(ring, network.order * part - order * (u @ u)) for part, order in pairs)


def neurons_unbalanced(ring, network, matrices, layers=None) -> bool:
    """‖row_j(W_l)‖² ≠ p_l ‖col_j(W_{l+1})‖² for some j between unshared layers, or those given."""
    layers = network.between_unshared if layers is None else layers
    arrays = [np.array(W.tolist(), dtype=object) for W in matrices]
    gaps = balances(network, arrays, layers)
    return any(nonzero(ring, gap) for layer in gaps for gap in layer)
