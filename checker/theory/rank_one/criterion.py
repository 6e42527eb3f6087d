"""The rank-one criterion: how far a point's weights are from positive KKT points' (theory §5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.model.ncf import norm
from ncfcheck.model.networks import Network
from ncfcheck.theory.rank_one.points import balanced_norms

Array = np.ndarray
# Ratios of its two largest singular values below which a layer is rank one, and above which not.
RANK_ONE, RANK_TWO = 1e-8, 1e-3
# Entries of a_l that are this small are zero, unless the point is known less well.
ZERO = 1e-9
# Where larger ones would have to count as zero, nothing can be told of signs and supports.
COARSE = 1e-2


@dataclass(frozen=True, eq=False)
class Layer:
    """A rank-one matrix c·a bᵀ: norm c, unit vectors a (rows; largest entry positive), b (columns).

    Entries of a up to `zero` in size count as zero.
    """

    c: float
    a: Array
    b: Array
    zero: float

    @property
    def active(self) -> Array:
        """Which entries of a count, (k,)."""
        return np.abs(self.a) > self.zero

    @property
    def classes(self) -> list[Array]:
        """|a_j| of the positive entries and of the negative ones; either may be empty."""
        return [self.a[self.a > self.zero], -self.a[self.a < -self.zero]]

    @property
    def is_coherent(self) -> bool:
        """Whether no entry of a is negative."""
        return not self.classes[1].size


def singular_ratio(W: Array) -> float:
    """Second singular value over the first, 0 for one row or column; NaN for W = 0."""
    values = np.linalg.svd(W, compute_uv=False)
    return float(values[1] / values[0]) if values.size > 1 else 0.0


def factor(W: Array, accuracy: float = 0.0) -> Layer:
    """W as a rank-one matrix; `accuracy` is what the point satisfies its KKT equation to.

    A neuron of size a that does not meet its own equation adds c·a to the residual, so that smaller
    entries are noise. Raises Inapplicable if W has rank two or more, Unresolved where that, or
    which entries are zero, cannot be told.
    """
    ratio = singular_ratio(W)
    if ratio > RANK_TWO:
        raise Inapplicable("a hidden layer has rank two or more")
    if not ratio <= RANK_ONE:
        raise Unresolved(f"rank one or two: σ_2/σ_1 = {ratio:.0e}")
    left, values, right = np.linalg.svd(W, full_matrices=False)
    a, b = left[:, 0], right[0]
    sign = np.sign(a[np.argmax(np.abs(a))])
    zero = max(ZERO, 100 * accuracy / float(values[0]))
    if not zero <= COARSE:
        doubtful = f"entries up to {zero:.0e} of a_l may be zero"
        raise Unresolved(f"the point is known too coarsely: {doubtful}")
    return Layer(float(values[0]), sign * a, sign * b, zero)


def hidden_layers(network: Network, theta: Array, accuracy: float = 0.0) -> list[Layer]:
    """The hidden layers of theta (P,) as rank-one matrices; `accuracy` and errors of `factor`."""
    return [factor(W, accuracy) for W in network.matrices(theta)[:-1]]


def refuse_other_sides(network: Network, X: Array, W: Array, layer: Layer) -> None:
    """Raise Unresolved where p_1 = 1 and a row of W_1 is across a sample's kink from b to rounding.

    The gradient of the reduced problem at b would then say nothing of the one at the row.
    """
    kinked = network.powers[0] == 1 and network.slopes[0] != 1
    expected = np.outer(np.sign(layer.a[layer.active]), np.sign(X @ layer.b))
    if kinked and (np.sign(W[layer.active] @ X.T) != expected).any():
        raise Unresolved("a kink within rounding of the direction u")


def class_spreads(network: Network, layers: list[Layer]) -> Iterator[tuple[float, float]]:
    """1 − smallest/largest |a_j| of a sign where p_l ≥ 2, and the smallest neuron's size c|a_j|."""
    for layer, power in zip(layers, network.powers):
        if power >= 2:
            for sizes in layer.classes:
                if sizes.size > 1:
                    yield float(1 - sizes.min() / sizes.max()), layer.c * float(sizes.min())


def chain_defects(network: Network, theta: Array, layers: list[Layer]) -> Iterator[float]:
    """How far c_l is from √(P_l/D) in every layer, and W_{l+1}'s row from ±a_l in hidden ones."""
    last = network.matrices(theta)[-1]
    norms = [*(layer.c for layer in layers), norm(last)]
    yield from np.abs(np.array(norms) - balanced_norms(network))
    for layer, row in zip(layers, [*(layer.b for layer in layers[1:]), last[0] / norms[-1]]):
        yield min(norm(row - layer.a), norm(row + layer.a))


def inner_signs(network: Network, theta: Array, layers: list[Layer]) -> tuple[float, ...]:
    """(s_2, …, s_L): the sign of ⟨b_{l+1}, a_l⟩ for every hidden layer."""
    last = network.matrices(theta)[-1][0]
    return tuple(
        float(np.sign(row @ layer.a))
        for layer, row in zip(layers, [*(each.b for each in layers[1:]), last])
    )
