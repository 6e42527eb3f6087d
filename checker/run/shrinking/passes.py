"""Ways to make an instance simpler: candidates, none of which need violate, the boldest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations, product, takewhile

import numpy as np

from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.rendering import common_scale
from ncfcheck.run.shrinking.complexity import SHARES, SLOPES, is_direction, numbers, weight
from ncfcheck.run.shrinking.smallest import smallest
from ncfcheck.strategies import moves, resizing
from ncfcheck.strategies.models import is_layered

Array = np.ndarray
Candidate = Callable[[], Instance]  # a move and its arguments; raises Inapplicable if there is none
SCALES = (1, 2, 3, 4, 5, 6, 8, 10)  # largest integers that directions are rounded to
SEEDS = 8


def layers(instance: Instance) -> Iterator[Candidate]:
    """Hidden layers left out; with a larger power in another, as D falls; or joined to another."""
    network = instance.network
    hidden = range(network.depth - 1)
    ways = [partial(moves.without_layer, instance, layer) for layer in hidden]
    ways += [
        partial(moves.without_matrix, instance, layer, left)
        for layer, left in product(hidden, (0, 1))
        if not network.patterns[layer + 1 - left].is_dense
    ]
    yield from ways
    for smaller, curved, power in product(ways, hidden[:-1], (2, 3, network.order - 1)):
        yield partial(_curved, smaller, curved, power)
    if network.depth > 2:
        d, *widths, second, last, k = network.widths
        shape = {"widths": (d, *widths, second + last, k), "slopes": network.slopes[:-1]}
        for power in (1, 2):
            powers = (max(power, network.powers[0]), *network.powers[1:-1])
            yield partial(moves.reshaped, instance, powers=powers, **shape)


def _curved(left_out: Candidate, curved: int, power: int) -> Instance:
    smaller = left_out()
    powers = list(smaller.network.powers)
    powers[curved] = max(power, powers[curved])
    return moves.with_activations(smaller, powers=powers)


def neurons(instance: Instance) -> Iterator[Candidate]:
    """Neurons left out: all but a few of every layer, then one by one."""
    network = instance.network
    d, *hidden, k = network.widths
    for width in (1, 2):
        yield partial(moves.reshaped, instance, widths=(d, *[width] * len(hidden), k))
    for layer, width in enumerate(hidden):
        for index in range(width if width > 1 else 0):
            yield partial(moves.without_neuron, instance, layer, index)


def samples(instance: Instance) -> Iterator[Candidate]:
    """All but one or two samples, halves, samples one by one, then equal ones as one."""
    n = len(instance.problem.X)
    single, pairs = [[i] for i in range(min(n, 6))], [[i, i + 1] for i in range(min(n - 1, 4))]
    for kept in [*single, *pairs, range(n // 2), range(n // 2, n)]:
        if 0 < len(kept) < n:
            yield partial(moves.with_samples, instance, kept)
    for left in range(n):
        yield partial(moves.with_samples, instance, [i for i in range(n) if i != left])
    for kept, left in combinations(range(n), 2):
        if np.array_equal(instance.problem.X[kept], instance.problem.X[left]):
            yield partial(_joined, instance, kept, left)


def _joined(instance: Instance, kept: int, left: int) -> Instance:
    """Two equal samples as one, their labels added: with the square loss N stays the same."""
    X, y = instance.problem.X, instance.problem.y.copy()
    y[kept] += y[left]
    return moves.changed(instance, X=np.delete(X, left, axis=0), y=np.delete(y, left, axis=0))


def dimensions(instance: Instance) -> Iterator[Candidate]:
    """A single dimension, two, then dimensions left out one by one."""
    d = instance.problem.X.shape[1]
    for kept in [{i} for i in range(d)] + [{0, i} for i in range(1, d)]:
        if len(kept) < d - 1:
            yield partial(_only, instance, kept)
    for index in range(d):
        yield partial(moves.without_dimension, instance, index)


def _only(instance: Instance, kept: set[int]) -> Instance:
    for index in reversed(range(instance.problem.X.shape[1])):
        if index not in kept:
            instance = moves.without_dimension(instance, index)
    return instance


def rotations(instance: Instance) -> Iterator[Candidate]:
    """The frame with the first sample on the first axis, the second in the plane of two, …"""
    yield partial(_rotated, instance, instance.problem.X)
    for u in moves.directions(instance).values():
        yield partial(_rotated, instance, np.vstack([u, instance.problem.X]))


def _rotated(instance: Instance, rows: Array) -> Instance:
    Q, R = np.linalg.qr(rows.T, mode="complete")
    Q = Q * _signs(R, len(Q))
    X = _cleaned(instance.problem.X @ Q)
    first, *rest = instance.network.matrices(instance.start)
    directions = moves.directions(instance).items()
    turned = {name: moves.normalised(_cleaned(u @ Q)) for name, u in directions}
    return moves.changed(instance, X=X, matrices=[_cleaned(first @ Q), *rest], **turned)


def _signs(R: Array, d: int) -> Array:
    signs = np.ones(d)
    diagonal = np.diag(R)
    signs[: diagonal.size] = np.where(diagonal < 0, -1.0, 1.0)
    return signs


def _cleaned(matrix: Array) -> Array:
    """Without entries that are rounding, and with integers where entries are that close to them."""
    matrix = np.where(np.abs(matrix) <= 1e-14 * np.abs(matrix).max(initial=0.0), 0.0, matrix)
    whole = np.rint(matrix)
    return np.where(np.abs(matrix - whole) <= 4e-16 * np.abs(matrix), whole, matrix)


def outputs(instance: Instance) -> Iterator[Candidate]:
    """Outputs left out."""
    for index in range(instance.network.widths[-1]):
        yield partial(moves.without_output, instance, index)


def patterns(instance: Instance) -> Iterator[Candidate]:
    """Dense layers in place of structured ones."""
    for layer, pattern in enumerate(instance.network.patterns):
        if not pattern.is_dense:
            yield partial(moves.with_dense_layer, instance, layer)


def sizes(instance: Instance) -> Iterator[Candidate]:
    """Sizes of a model of a family, d and m: each as small as can be, then one less."""
    told = resizing.dimensions(instance)
    for name in told:
        yield partial(resizing.resized, instance, {name: resizing.least(instance, name)})
    for name in told:
        yield from resizing.one_less(instance, name)


def powers(instance: Instance) -> Iterator[Candidate]:
    """Smaller powers: the same for all layers, then one by one."""
    old = instance.network.powers
    for power in (1, 2, 3):
        yield partial(moves.with_activations, instance, powers=[min(power, each) for each in old])
        yield partial(_linear, instance, [min(power, each) for each in old])
    for layer, most in enumerate(old):
        for power in range(1, most):
            changed = [*old[:layer], power, *old[layer + 1 :]]
            yield partial(moves.with_activations, instance, powers=changed)
            yield partial(_linear, instance, changed)


def _linear(instance: Instance, powers: list[int]) -> Instance:
    """Other powers, with α = 1 wherever p = 1, so that no kink appears."""
    slopes = [1.0 if power == 1 else slope for power, slope in zip(powers, instance.network.slopes)]
    return moves.with_activations(instance, powers=powers, slopes=slopes)


def losses(instance: Instance) -> Iterator[Candidate]:
    """Simpler losses, with the same pseudo-labels or the same labels."""
    for loss in takewhile(lambda each: each is not instance.problem.loss, Loss):
        yield partial(moves.with_loss, instance, loss)
        labels = loss.labels.fit(instance.problem.y.copy())
        yield partial(moves.changed, instance, loss=loss, y=labels)


def slopes(instance: Instance) -> Iterator[Candidate]:
    """Slopes 0, 1, ½, −1 for all layers, for one, or fewer digits."""
    old = instance.network.slopes
    for alpha in SLOPES:
        yield partial(moves.with_activations, instance, slopes=[alpha] * len(old))
    for layer in range(len(old)):
        for alpha in (*SLOPES, round(old[layer], 1)):
            changed = [*old[:layer], alpha, *old[layer + 1 :]]
            yield partial(moves.with_activations, instance, slopes=changed)


def whole_arrays(instance: Instance) -> Iterator[Candidate]:
    """All numbers of an array at once: signs, multiples of small integers, fewer digits."""
    for name, values in numbers(instance).items():
        largest = np.abs(values).max(initial=0.0) or 1.0
        scaled = [np.rint(values * scale / largest) for scale in SCALES]
        for simpler in [np.ones(values.shape), np.sign(values), *scaled]:
            if simpler.any():
                yield partial(moves.with_array, instance, name, simpler)
        for digits in (0, 1, 2) if not is_direction(name) else ():
            yield partial(moves.with_array, instance, name, np.round(values, digits))


def entries(instance: Instance) -> Iterator[Candidate]:
    """The numbers one by one, complicated ones first: simpler numbers, or equal to another."""
    for name, values in numbers(instance).items():
        if is_direction(name):
            scaled = values / (np.abs(values).max(initial=0.0) or 1.0)
            values = scaled if is_irregular(scaled) else np.rint(values * common_scale(values))
        for place in sorted(
            np.ndindex(values.shape), key=lambda place: -weight(float(values[place]))
        ):
            yield from _entry(instance, name, values, place)


def is_irregular(values: Array) -> bool:
    """Whether the direction is no multiple of small integers."""
    return common_scale(values) == 1.0 and not np.array_equal(values, np.rint(values))


def _entry(
    instance: Instance, name: str, values: Array, place: tuple[int, ...]
) -> Iterator[Candidate]:
    old = float(values[place])
    fractions = [float(np.rint(old * q)) / q for q in (1, 2, 3, 4)]
    nearest = [*fractions, round(old, 1), round(old, 2)]
    others = [float(each) for each in np.unique(np.abs(values))[:4]]
    negated = [-each for each in others]
    for new in dict.fromkeys([0.0, 1.0, -1.0, 2.0, -2.0, *nearest, *others, *negated]):
        if weight(new) < weight(old):
            changed = values.copy()
            changed[place] = new
            yield partial(moves.with_array, instance, name, changed)


def shares(instance: Instance) -> Iterator[Candidate]:
    """A larger ε, and δ with it."""
    for share in SHARES:
        yield partial(replace, instance, fraction=share)


def seeds(instance: Instance) -> Iterator[Candidate]:
    """A single small seed, which parts that are drawn by the claim itself depend on."""
    for seed in range(SEEDS):
        yield partial(moves.with_seed, instance, seed)
    yield partial(moves.with_seed, instance, instance.seeds[-1] if instance.seeds else 0)


PASSES = (smallest, layers, neurons, samples, dimensions, rotations, outputs, patterns)
PASSES += (powers, losses, slopes, whole_arrays, entries, shares, seeds)
# Of models that have no layers: of a family, or else of one size.
OF_FAMILIES = (smallest, sizes, samples, losses, whole_arrays, entries, shares, seeds)
OF_OTHERS = OF_FAMILIES[2:]


def passes(instance: Instance) -> tuple[Callable[[Instance], Iterator[Candidate]], ...]:
    """The passes that there are for the instance's model."""
    if is_layered(instance.network):
        return PASSES
    return OF_OTHERS if instance.network.family is None else OF_FAMILIES
