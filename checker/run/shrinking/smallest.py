"""The smallest instances there are, in order of size: counterexamples are often among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice, product

import numpy as np

from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.strategies import moves, resizing
from ncfcheck.strategies.models import all_sizes, is_layered

MOST = 1200  # candidates
# Samples by (n, d), labels of one output by n.
DATA = {
    (1, 1): (((1,),),),
    (1, 2): (((1, 0),), ((1, 1),)),
    (2, 1): (((1,), (-1,)), ((1,), (1,))),
    (2, 2): (((1, 0), (0, 1)), ((1, 0), (1, 1)), ((1, 0), (-1, 1))),
}
LABELS = {1: ((1,), (-1,)), 2: ((1, 1), (1, -1), (-1, 1))}
SLOPES = (0.0, 1.0, 0.5)
STARTS = 4  # as it is, all ones, all ones but for the sign of W_L, all −1
DRAWN, LARGEST = 16, 2  # instances of smaller sizes drawn at random, and their largest integer


def smallest(instance: Instance) -> Iterator[partial]:
    """The smallest instances up to its own size: layers first, neurons, samples, dimensions; of a
    model that has no layers, the sum of its sizes first.
    """
    found = _layered if is_layered(instance.network) else _of_family
    return islice(found(instance), MOST)


def _layered(instance: Instance) -> Iterator[partial]:
    network, (n, d) = instance.network, instance.problem.X.shape
    largest = (network.depth, sum(network.widths[1:-1]), n, d)
    # Of candidates in turn, all in one size are made of the same, and those that differ in the
    # start alone of the same data: neither is made for each.
    sized = lru_cache(maxsize=1)(partial(_sized, instance))
    built = lru_cache(maxsize=1)(partial(_built, sized))
    return (
        partial(_at, built, depth, width, outputs, powers, slope, X, y, start=start)
        for depth, width, samples, dimensions in product((2, 3), (1, 2), (1, 2), (1, 2))
        if (depth, width * (depth - 1), samples, dimensions) <= largest
        for outputs, powers in product(
            sorted({1, network.widths[-1]}), _powers(network.powers, depth)
        )
        for slope, X, y, start in product(
            SLOPES, DATA[samples, dimensions], LABELS[samples], range(STARTS)
        )
    )


def _powers(old: tuple[int, ...], depth: int) -> list[tuple[int, ...]]:
    """The simplest powers, and those of the instance."""
    simple = [(1,), (2,)] if depth == 2 else [(1, 1)]
    return list(dict.fromkeys([*simple, old[: depth - 1]]))


def _at(built: Callable[..., Instance], *which, start: int) -> Instance:
    """The instance that is `built` of what is told, at one of the STARTS."""
    return _started(built(*which), start)


def _built(
    sized: Callable[..., Instance], depth: int, width: int, outputs: int, powers, slope, X, y
) -> Instance:
    """The instance in another size, with data and labels."""
    X, y = np.array(X, dtype=float), np.array(y, dtype=float)[:, None]
    found = sized((X.shape[1], *[width] * (depth - 1), outputs), powers, slope, len(X))
    return moves.changed(found, X=X, y=np.repeat(y, outputs, axis=1), loss=Loss.SQUARE)


def _sized(instance: Instance, widths, powers, slope: float, samples: int) -> Instance:
    """The instance in another size, of seed 0; α = 1 where p = 1 needs it."""
    slopes = [
        1.0 if power == 1 and instance.network.has_lipschitz_gradient else slope for power in powers
    ]
    found = moves.reshaped(instance, widths=widths, powers=powers, slopes=slopes, samples=samples)
    return moves.with_seed(found, 0)


def _started(instance: Instance, start: int) -> Instance:
    """The instance at one of the STARTS."""
    if start == 0:
        return instance
    weights = np.full(instance.start.size, -1.0 if start == 3 else 1.0)
    if start == 2:
        weights[instance.network.groups[-1].part] *= -1
    return moves.with_array(instance, "start", weights)


def _of_family(instance: Instance) -> Iterator[partial]:
    """With sizes of no larger a sum, few samples, and numbers as they are or simple, or, of a
    smaller sum, drawn; d and m, where they are free, 1 or as they are.
    """
    network, n = instance.network, len(instance.problem.X)
    free = {k: v for k, v in resizing.dimensions(instance).items() if k not in network.sizes}
    total = sum(network.sizes.values())
    fitting = (each for each in all_sizes(network.family) if sum(each.values()) <= total)
    for sizes, samples in product(fitting, (1, 2)[:n]):
        for others in (dict.fromkeys(free, 1), free) if free else ({},):
            yield from _simple(instance, sizes | others, samples)
            for seed in range(DRAWN if sum(sizes.values()) < total else 0):
                yield partial(_drawn, instance, sizes | others, samples, seed)


def _simple(instance: Instance, told: dict, samples: int) -> Iterator[partial]:
    """With simple data, labels and starts, then with the instance's own."""
    for labels, start in (*product(LABELS[samples], range(STARTS)), (None, 0)):
        yield partial(_resized, instance, told, samples, labels, start)


def _drawn(instance: Instance, told: dict, samples: int, seed: int) -> Instance:
    """The instance in other sizes, with small random integers, half of those of samples 0."""
    found, rng = resizing.resized(instance, told, samples), np.random.default_rng(seed)
    X, y = found.problem.X, found.problem.y
    X = rng.integers(-LARGEST, LARGEST + 1, X.shape) * rng.integers(0, 2, X.shape)
    y = rng.choice([-1.0, 1.0], y.shape)
    found = moves.changed(moves.with_seed(found, 0), X=X.astype(float), y=y, loss=Loss.SQUARE)
    start = rng.integers(-LARGEST, LARGEST + 1, found.start.size)
    return moves.with_array(found, "start", start.astype(float))


def _resized(instance: Instance, told: dict, samples: int, labels, start: int) -> Instance:
    """The instance in other sizes; with labels, samples of ones but for their signs, in turn."""
    found = resizing.resized(instance, told, samples)
    if labels is None:
        return found
    n, d = found.problem.X.shape
    X = np.where((np.arange(n)[:, None] * np.arange(1, d + 1)) % 2, -1.0, 1.0)
    y = np.repeat(np.array(labels, dtype=float)[:, None], found.network.width, axis=1)
    found = moves.changed(moves.with_seed(found, 0), X=X, y=y, loss=Loss.SQUARE)
    return _started(found, start)
