"""Changing an instance: functions return another instance; Inapplicable where there is none.

What an instance holds besides its problem (start, profiles, layer norms) is cut to the new sizes,
no more. Whatever derives from the problem, such as a KKT point, is computed again by
`rebuilt(claim, instance)`, which also refuses what the claim's strategy could not have drawn: call
it on the result of any number of moves, before the instance is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Claim, Inapplicable
from ncfcheck.model.instance import Instance, Space
from ncfcheck.model.loss_functions import LossFunction
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import DENSE, Network, Pattern, masked
from ncfcheck.theory.starts import STARTS

Array = np.ndarray
MOVED = "moved"  # the family of data, labels or a start that a move has changed
BROUGHT = ("table", "table, moved")  # the family of labels that came with the data, and moved ones


def rebuilt(claim: Claim, instance):
    """The instance with what derives from its problem computed again, as the strategy promises it.

    Raises Inapplicable where it could not have been drawn, or nothing is known about what may be.
    """
    if getattr(claim.given, "promise", None) is None:
        raise Inapplicable(f"nothing is known about what the strategy of {claim.id} promises")
    return claim.given.rebuilt(instance)


def changed(
    instance: Instance, *, network=None, X=None, y=None, loss=None, matrices=None, **fields
) -> Instance:
    """The instance with other parts of its problem; `matrices` of the start are normalised.

    Where nothing is left of the start, all weights are equal.
    """
    old, families = instance.problem, dict(instance.families)
    network = old.network if network is None else network
    X, y = (
        mine if new is None or np.array_equal(new, mine) else new
        for new, mine in ((X, old.X), (y, old.y))
    )
    families |= {} if X is old.X else {"data": MOVED}
    if y is not old.y:
        families["labels"] = BROUGHT[1] if families.get("labels") in BROUGHT else MOVED
    try:
        problem = Problem(network, X, y, old.loss if loss is None else loss)
        if any(group.part.start == group.part.stop for group in network.groups):
            raise Inapplicable("a layer without weights")
        if matrices is not None:
            start = network.flatten(matrices)
            fields["start"] = normalised(start if start.any() else np.ones(network.size))
    except ValueError as error:
        raise Inapplicable(str(error)) from error
    return replace(instance, problem=problem, families=families, **fields)


def moved_data(instance: Instance) -> bool:
    """Whether a move has changed the data, or the labels that came with them."""
    families = instance.families
    return families.get("data") == MOVED or families.get("labels") == BROUGHT[1]


def normalised(vector: Array) -> Array:
    """The unit vector of its direction; Inapplicable for one that has none."""
    size = np.linalg.norm(vector)
    if not (np.isfinite(size) and size > 0):
        raise Inapplicable("a vector without direction")
    return vector / size


def with_samples(instance: Instance, kept: Sequence[int]) -> Instance:
    """Only the samples of these indices, in this order."""
    kept = list(kept)
    return changed(instance, X=instance.problem.X[kept], y=instance.problem.y[kept])


def without_dimension(instance: Instance, index: int) -> Instance:
    """One dimension less: a column of X, of W_1 and an entry of u."""
    network = instance.network
    if network.widths[0] == 1:
        raise Inapplicable("d = 1")
    first, *rest = network.matrices(instance.start)
    patterns = (_cut(network.patterns[0], [], [index]), *network.patterns[1:])
    widths = (network.widths[0] - 1, *network.widths[1:])
    smaller = replace(network, widths=widths, patterns=patterns)
    matrices = [np.delete(first, index, axis=1), *rest]
    X = np.delete(instance.problem.X, index, axis=1)
    cut = {name: normalised(np.delete(u, index)) for name, u in directions(instance).items()}
    return changed(instance, network=smaller, X=X, matrices=matrices, **cut)


def without_output(instance: Instance, index: int) -> Instance:
    """One output less: a row of W_L and a column of y."""
    network = instance.network
    if network.widths[-1] == 1:
        raise Inapplicable("one output")
    *rest, last = network.matrices(instance.start)
    patterns = (*network.patterns[:-1], _cut(network.patterns[-1], [index], []))
    widths = (*network.widths[:-1], network.widths[-1] - 1)
    smaller = replace(network, widths=widths, patterns=patterns)
    y = instance.problem.loss.labels.fit(np.delete(instance.problem.y, index, axis=1))
    return changed(instance, network=smaller, y=y, matrices=[*rest, np.delete(last, index, axis=0)])


def without_neuron(instance: Instance, layer: int, index: int) -> Instance:
    """One neuron less in hidden layer `layer`, counted from 0."""
    network = instance.network
    if network.widths[layer + 1] == 1:
        raise Inapplicable("the layer has one neuron")
    widths, patterns = list(network.widths), list(network.patterns)
    widths[layer + 1] -= 1
    patterns[layer] = _cut(patterns[layer], [index], [])
    patterns[layer + 1] = _cut(patterns[layer + 1], [], [index])
    matrices = network.matrices(instance.start)
    matrices[layer] = np.delete(matrices[layer], index, axis=0)
    matrices[layer + 1] = np.delete(matrices[layer + 1], index, axis=1)
    cut = {
        name: (*own[:layer], normalised(np.delete(own[layer], index)), *own[layer + 1 :])
        for name, own in instance.parts(Space.NEURONS).items()
        if own[layer].size == network.widths[layer + 1]
    }
    smaller = replace(network, widths=tuple(widths), patterns=tuple(patterns))
    return changed(instance, network=smaller, matrices=matrices, **cut)


def without_layer(instance: Instance, layer: int) -> Instance:
    """Hidden layer `layer`, from 0, without activation: the matrices around it are multiplied."""
    before, after = instance.network.matrices(instance.start)[layer : layer + 2]
    return _bridged(instance, layer, after @ before, _product(instance.network, layer))


def without_matrix(instance: Instance, layer: int, left: int) -> Instance:
    """Hidden layer `layer`, from 0, left out with one of the matrices around it, the one into it or
    (`left` 1) out of it; the other stays as it is, and keeps its pattern.
    """
    network, stays = instance.network, layer + 1 - left
    matrix = network.matrices(instance.start)[stays]
    if matrix.shape != (network.widths[layer + 2], network.widths[layer]):
        raise Inapplicable("the matrix that stays does not fit")
    return _bridged(instance, layer, matrix, network.patterns[stays])


def _bridged(instance: Instance, layer: int, matrix: Array, pattern: Pattern) -> Instance:
    """One matrix in place of the two around a hidden layer."""
    network = instance.network
    if network.depth == 2:
        raise Inapplicable("two layers")
    matrices, patterns = network.matrices(instance.start), list(network.patterns)
    matrices[layer : layer + 2], patterns[layer : layer + 2] = [matrix], [pattern]
    widths, powers, slopes = ([*part[:i], *part[i + 1 :]] for part, i in _along(network, layer))
    hidden = instance.parts(Space.NEURONS) | instance.parts(Space.HIDDEN)
    cut = {name: (*own[:layer], *own[layer + 1 :]) for name, own in hidden.items()}
    for name, own in instance.parts(Space.LAYERS).items():
        cut[name] = normalised(np.delete(own, layer + 1))
    smaller = Network(tuple(widths), tuple(powers), tuple(slopes), tuple(patterns))
    return changed(instance, network=smaller, matrices=matrices, **cut)


def _product(network: Network, layer: int) -> Pattern:
    """Pattern of the product of two: no weight where no path leads, all others its own."""
    paths = [
        pattern.expand(rows, columns) >= 0
        for pattern, rows, columns in zip(network.patterns, network.widths[1:], network.widths[:-1])
    ]
    mask = (paths[layer + 1].astype(int) @ paths[layer].astype(int)) > 0
    return DENSE if mask.all() else masked(mask)


def _along(network: Network, layer: int):
    return (network.widths, layer + 1), (network.powers, layer), (network.slopes, layer)


def with_activations(
    instance: Instance, powers: Sequence[int] | None = None, slopes: Sequence[float] | None = None
) -> Instance:
    """Other powers p_l or slopes α_l, one a hidden layer."""
    network = instance.network
    powers = network.powers if powers is None else powers
    slopes = network.slopes if slopes is None else slopes
    try:
        network = replace(network, powers=tuple(powers), slopes=tuple(map(float, slopes)))
    except ValueError as error:
        raise Inapplicable(str(error)) from error
    return changed(instance, network=network)


def with_dense_layer(instance: Instance, layer: int) -> Instance:
    """Weight matrix `layer`, counted from 0, dense: every entry a parameter of its own."""
    patterns = list(instance.network.patterns)
    patterns[layer] = DENSE
    network = replace(instance.network, patterns=tuple(patterns))
    return changed(instance, network=network, matrices=instance.network.matrices(instance.start))


def with_loss(instance: Instance, loss: Loss | LossFunction) -> Instance:
    """Another loss with the same pseudo-labels ȳ."""
    if loss is instance.problem.loss:
        return instance
    return changed(instance, loss=loss, y=loss.labels_of(instance.ncf.ybar))


def with_seed(instance: Instance, seed: int) -> Instance:
    """A single seed, which what is drawn again from seeds depends on."""
    return replace(instance, seeds=(seed,))


def arrays(instance: Instance) -> dict[str, Array]:
    """The numbers that may be set one by one, by the name `with_array` takes; profiles e_1, e_2, ….

    Directions (start, u, e_l) count up to their length.
    """
    found = {"X": instance.problem.X, "y": instance.problem.y}
    if isinstance(instance.network, Network):
        found["slopes"] = np.array(instance.network.slopes)
    found |= directions(instance)
    for own in instance.parts(Space.NEURONS).values():
        found |= {f"e_{l + 1}": each for l, each in enumerate(own)}
    return {**found, **instance.parts(Space.LAYERS), "start": instance.start}


def directions(instance: Instance) -> dict[str, Array]:
    """The parts that are directions of the data's space, (d,), by name."""
    d = instance.network.inputs
    return {name: u for name, u in instance.parts(Space.INPUT).items() if u.size == d}


def with_array(instance: Instance, name: str, values: Array) -> Instance:
    """Other numbers for one of `arrays`, of the same shape."""
    if name in ("X", "y"):
        return changed(instance, **{name: values})
    if name == "slopes":
        return with_activations(instance, slopes=values)
    if name == "start" and instance.families.get("start") in STARTS:
        families = {**instance.families, "start": MOVED}
        return replace(instance, start=normalised(values), families=families)
    if name in ("start", *directions(instance), *instance.parts(Space.LAYERS)):
        return replace(instance, **{name: normalised(values)})
    ((part, own),) = instance.parts(Space.NEURONS).items()
    layer = int(name.removeprefix("e_")) - 1
    return replace(instance, **{part: (*own[:layer], normalised(values), *own[layer + 1 :])})


def reshaped(
    instance: Instance,
    *,
    widths: Sequence[int] | None = None,
    powers: Sequence[int] | None = None,
    slopes: Sequence[float] | None = None,
    samples: int | None = None,
    seed: int = 0,
) -> Instance:
    """Any other sizes (k_0, …, k_L), powers, slopes and number of samples, all layers dense.

    What is cut is cut at the end, what is added is standard normal from the seed, in units of the
    typical entry beside it. Layers are added before the last one.
    """
    old, rng = instance.network, np.random.default_rng(seed)
    powers = tuple(old.powers if powers is None else powers)
    slopes = tuple(old.slopes if slopes is None else slopes)
    widths = tuple(old.widths if widths is None else widths)
    matrices = old.matrices(instance.start)
    try:
        network = Network(widths, powers, tuple(map(float, slopes)), (DENSE,) * (len(widths) - 1))
    except ValueError as error:
        raise Inapplicable(str(error)) from error
    inner = [*matrices[:-1], *[matrices[-2]] * network.depth][: network.depth - 1]
    shapes = zip(widths[1:], widths[:-1])
    matrices = [fitted(W, shape, rng) for W, shape in zip([*inner, matrices[-1]], shapes)]
    n = len(instance.problem.X) if samples is None else samples
    X = fitted(instance.problem.X, (n, widths[0]), rng)
    y = instance.problem.loss.labels.fit(fitted(instance.problem.y, (n, widths[-1]), rng))
    parts = _fitted_parts(instance, network, rng)
    return changed(instance, network=network, X=X, y=y, matrices=matrices, **parts)


def _fitted_parts(instance: Instance, network: Network, rng) -> dict[str, object]:
    """What the instance holds besides its problem and start, for the sizes of the network."""
    found: dict[str, object] = {}
    d, *hidden, _ = network.widths
    for name, u in directions(instance).items():
        found[name] = normalised(fitted(u[None], (1, d), rng)[0])
    for name, own in instance.parts(Space.NEURONS).items():
        sized = map(np.resize, _as_many(own, len(hidden)), hidden)
        found[name] = tuple(map(normalised, sized))
    for name, own in instance.parts(Space.HIDDEN).items():
        found[name] = (*own, *[1.0] * len(hidden))[: len(hidden)]
    for name, own in instance.parts(Space.LAYERS).items():
        found[name] = normalised(np.resize(own, network.depth))
    return found


def _as_many(profiles: tuple[Array, ...], count: int) -> list[Array]:
    """Profiles cut to a number, or repeated up to it.

    Of those cut, one with both signs goes last: points with mixed signs are of no use without it.
    """
    mixed = [each for each in profiles if each.min() < 0]
    kept = profiles[: count - len(mixed)] if count < len(profiles) else profiles
    return [*kept, *mixed[-1:], *[profiles[-1]] * count] if len(kept) < count else [*kept]


def fitted(array: Array, shape: tuple[int, ...], rng) -> Array:
    """The array cut to the shape, or enlarged by random entries of its own size."""
    found = rng.standard_normal(shape) * (np.sqrt(np.mean(array**2)) or 1.0)
    kept = tuple(slice(min(sizes)) for sizes in zip(array.shape, shape))
    found[kept] = array[kept]
    return found


def _cut(pattern: Pattern, rows: list[int], columns: list[int]) -> Pattern:
    """The pattern without some rows and columns, its parameters numbered anew."""
    if pattern.index is None:
        return pattern
    index = np.delete(np.delete(np.array(pattern.index), rows, axis=0), columns, axis=1)
    left = dict.fromkeys(int(each) for each in index.flat if each >= 0)
    numbers = {old: new for new, old in enumerate(left)}
    rows = (tuple(numbers.get(int(each), -1) for each in row) for row in index)
    return Pattern(pattern.kind, tuple(rows))
