"""The smallest instances there are, in order of size: counterexamples are often among them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice, product

import numpy as np

from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.strategies import moves

MOST = 1200  # candidates
# Samples by (n, d), labels of one output by n.
DATA = {
    (1, 1): ([[1]],),
    (1, 2): ([[1, 0]], [[1, 1]]),
    (2, 1): ([[1], [-1]], [[1], [1]]),
    (2, 2): ([[1, 0], [0, 1]], [[1, 0], [1, 1]], [[1, 0], [-1, 1]]),
}
LABELS = {1: ([1], [-1]), 2: ([1, 1], [1, -1], [-1, 1])}
SLOPES = (0.0, 1.0, 0.5)
STARTS = 4  # as it is, all ones, all ones but for the sign of W_L, all −1


def smallest(instance: Instance) -> Iterator[partial]:
    """The smallest instances up to its own size: layers first, neurons, samples, dimensions."""
    network, (n, d) = instance.network, instance.problem.X.shape
    largest = (network.depth, sum(network.widths[1:-1]), n, d)
    found = (
        partial(_built, instance, depth, width, outputs, powers, slope, X, y, start)
        for depth, width, samples, dimensions in product((2, 3), (1, 2), (1, 2), (1, 2))
        if (depth, width * (depth - 1), samples, dimensions) <= largest
        for outputs, powers in product(
            sorted({1, network.widths[-1]}), _powers(network.powers, depth)
        )
        for slope, X, y, start in product(
            SLOPES, DATA[samples, dimensions], LABELS[samples], range(STARTS)
        )
    )
    return islice(found, MOST)


def _powers(old: tuple[int, ...], depth: int) -> list[tuple[int, ...]]:
    """The simplest powers, and those of the instance."""
    simple = [(1,), (2,)] if depth == 2 else [(1, 1)]
    return list(dict.fromkeys([*simple, old[: depth - 1]]))


def _built(
    instance: Instance, depth: int, width: int, outputs: int, powers, slope: float, X, y, start: int
) -> Instance:
    """The instance in another size, with data, labels and a start; α = 1 where p = 1 needs it."""
    X, y = np.array(X, dtype=float), np.array(y, dtype=float)[:, None]
    slopes = [
        1.0 if power == 1 and instance.network.has_lipschitz_gradient else slope for power in powers
    ]
    widths = (X.shape[1], *[width] * (depth - 1), outputs)
    found = moves.reshaped(instance, widths=widths, powers=powers, slopes=slopes, samples=len(X))
    found = moves.changed(
        moves.with_seed(found, 0), X=X, y=np.repeat(y, outputs, axis=1), loss=Loss.SQUARE
    )
    if start == 0:
        return found
    weights = np.full(found.start.size, -1.0 if start == 3 else 1.0)
    if start == 2:
        weights[found.network.slices[-1]] *= -1
    return moves.with_array(found, "start", weights)
