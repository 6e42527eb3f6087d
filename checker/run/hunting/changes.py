"""Random changes of instances: small moves from a near miss, and snaps to values theorems break at.

Each returns an instance that the claim's strategy could have drawn, or raises Inapplicable.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import Claim, Inapplicable, Unresolved
from ncfcheck.model.instance import Instance
from ncfcheck.strategies import moves, resizing
from ncfcheck.strategies.models import is_layered

Array = np.ndarray
ATTEMPTS = 6  # at a change that the claim's strategy could draw
SPECIAL = (0.0, 1.0, 0.5, -1.0)  # slopes


def mutated(claim: Claim, instance, rng) -> object:
    """The instance after one to three random moves; Inapplicable where none can be or succeeds."""
    return _tried(claim, instance, rng, (MOVES, MOVES_OF_ANY), (1, 1, 2, 3))


def snapped(claim: Claim, instance, rng) -> object:
    """The instance with one to three of its parts symmetric, antipodal, on a lattice, equal …"""
    return _tried(claim, instance, rng, (SNAPS, SNAPS_OF_ANY), (1, 2, 3))


def _tried(claim: Claim, instance, rng, changes: tuple, counts: tuple[int, ...]):
    """Some of the changes: of the first tuple for layered networks, the second for other models."""
    if not isinstance(instance, Instance):
        raise Inapplicable("nothing is known about the parts of such an instance")
    changes = changes[not is_layered(instance.network)]
    for _ in range(ATTEMPTS):
        found = instance
        try:
            for _ in range(rng.choice(counts)):
                change = changes[rng.integers(len(changes))]
                found = change(found, rng)
            if found is not instance:
                return rebuilt(claim, found)
        except Inapplicable:
            continue
    raise Inapplicable("no change tried is one that the claim's strategy could draw")


def rebuilt(claim: Claim, instance):
    """The instance, what derives from its problem made anew; Inapplicable where it cannot be, or a
    start that is promised to be generic would be special.
    """
    try:
        with np.errstate(all="ignore"):
            found = moves.rebuilt(claim, instance)
    except (Unresolved, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise Inapplicable(str(error)) from error
    if getattr(claim.given, "is_generic", False) and _is_special(found.start):
        raise Inapplicable("the start is promised to be generic")
    return found


def _is_special(start: Array) -> bool:
    """Whether a weight is zero, or two are of one size, which a generic start's never are."""
    sizes = np.abs(start)
    return not sizes.all() or np.unique(sizes).size < sizes.size


def noise(instance: Instance, rng) -> Instance:
    """All numbers of one array moved by a relative amount of any size."""
    name, values = _array(instance, rng)
    size = 10 ** rng.uniform(-4, 0) * (np.sqrt(np.mean(values**2)) or 1.0)
    moved = values + size * rng.standard_normal(values.shape)
    return moves.with_array(instance, name, within(name, moved))


def one_number(instance: Instance, rng) -> Instance:
    """One number of an array zero, negated, doubled, halved, rounded, another's or random."""
    name, values = _array(instance, rng)
    values, place = values.copy(), tuple(int(rng.integers(size)) for size in values.shape)
    old, other = values[place], rng.choice(values.ravel())
    changed = [0.0, -old, 2 * old, old / 2, np.round(old), other, rng.standard_normal()]
    values[place] = rng.choice(changed)
    return moves.with_array(instance, name, within(name, values))


def sizes(instance: Instance, rng) -> Instance:
    """One width, power or the number of samples one more or less; the network then is dense."""
    widths, powers = list(instance.network.widths), list(instance.network.powers)
    samples = len(instance.problem.X)
    part, step, seed = rng.integers(3), int(rng.choice((-1, 1))), int(rng.integers(2**31))
    if part == 0:
        i = int(rng.integers(len(widths) - 1))
        widths[i] = max(1, widths[i] + step)
    elif part == 1:
        i = int(rng.integers(len(powers)))
        powers[i] = max(1, powers[i] + step)
    elif part == 2:
        samples = max(1, samples + step)
    return moves.reshaped(instance, widths=widths, powers=powers, samples=samples, seed=seed)


def smaller(instance: Instance, rng) -> Instance:
    """One sample, dimension, neuron or layer less."""
    network, n = instance.network, len(instance.problem.X)
    layer = int(rng.integers(network.depth - 1))
    part = rng.integers(4)
    if part == 0 and n > 1:
        return moves.with_samples(instance, np.delete(np.arange(n), rng.integers(n)))
    if part == 1:
        return moves.without_dimension(instance, int(rng.integers(network.widths[0])))
    if part == 2:
        return moves.without_neuron(instance, layer, int(rng.integers(network.widths[layer + 1])))
    return moves.without_layer(instance, layer)


def other_sizes(instance: Instance, rng) -> Instance:
    """One size of a model of a family, d, m or the number of samples one more or less."""
    told, samples = resizing.dimensions(instance), len(instance.problem.X)
    step, seed = int(rng.choice((-1, 1))), int(rng.integers(2**31))
    name = sorted((*told, ""))[rng.integers(len(told) + 1)]
    if not name:
        return resizing.resized(instance, {}, max(1, samples + step), seed)
    size = max(resizing.least(instance, name), told[name] + step)
    return resizing.resized(instance, {name: size}, seed=seed)


def fewer(instance: Instance, rng) -> Instance:
    """One sample less, or a size of a model of a family, d or m smaller by one."""
    n, told = len(instance.problem.X), resizing.dimensions(instance)
    name = sorted((*told, ""))[rng.integers(len(told) + 1)]
    if not name and n > 1:
        return moves.with_samples(instance, np.delete(np.arange(n), rng.integers(n)))
    if not name or told[name] <= resizing.least(instance, name):
        raise Inapplicable("none less")
    return resizing.without(instance, name, int(rng.integers(told[name])), rng.random() < 0.5)


def slope(instance: Instance, rng) -> Instance:
    """One slope α_l moved, or special."""
    slopes = list(instance.network.slopes)
    i = int(rng.integers(len(slopes)))
    if rng.random() < 0.5:
        slopes[i] = float(rng.choice(SPECIAL))
    else:
        slopes[i] = float(np.clip(slopes[i] + 0.2 * rng.standard_normal(), -1, 1))
    return moves.with_activations(instance, slopes=slopes)


def another_seed(instance: Instance, rng) -> Instance:
    """Whatever is drawn again from the instance's seed drawn from another."""
    return moves.with_seed(instance, int(rng.integers(2**32)))


def lattice(instance: Instance, rng) -> Instance:
    """Data and labels rounded to multiples of ½ of their size."""
    X, y = instance.problem.X, instance.problem.y
    return moves.changed(instance, X=_rounded(X), y=instance.problem.loss.labels.fit(_rounded(y)))


def antipodal(instance: Instance, rng) -> Instance:
    """For every sample its negative, with the same label, or with the opposite one."""
    X, y = instance.problem.X, instance.problem.y
    half = (len(X) + 1) // 2
    sign = rng.choice((-1.0, 1.0))
    return moves.changed(
        instance,
        X=np.concatenate([X[:half], -X[:half]]),
        y=np.concatenate([y[:half], sign * y[:half]]),
    )


def symmetric(instance: Instance, rng) -> Instance:
    """Data, with labels, that reflecting the first axis, or swapping two, leaves as they are."""
    X, y = instance.problem.X, instance.problem.y
    half, mirrored = (len(X) + 1) // 2, X.copy()
    if X.shape[1] > 1 and rng.random() < 0.5:
        mirrored[:, [0, 1]] = X[:, [1, 0]]
    else:
        mirrored[:, 0] *= -1
    return moves.changed(
        instance,
        X=np.concatenate([X[:half], mirrored[:half]]),
        y=np.concatenate([y[:half], y[:half]]),
    )


def repeated(instance: Instance, rng) -> Instance:
    """One sample in place of another, or of all of them."""
    X, y, n = instance.problem.X.copy(), instance.problem.y.copy(), len(instance.problem.X)
    which = slice(None) if rng.random() < 0.3 else int(rng.integers(n))
    X[which] = X[rng.integers(n)]
    return moves.changed(instance, X=X, y=y)


def equal_labels(instance: Instance, rng) -> Instance:
    """Labels all of one size; or all equal."""
    y = instance.problem.y
    equal = np.where(y >= 0, 1.0, -1.0) if rng.random() < 0.5 else np.ones_like(y)
    return moves.changed(instance, y=equal)


def equal_weights(instance: Instance, rng) -> Instance:
    """A start whose weights are equal in size, or equal, layer by layer, or group by group."""
    start, same = instance.start, rng.random() < 0.5
    values = np.where(start >= 0, 1.0, -1.0) * (start != 0)
    for part in [group.part for group in instance.network.groups] if same else ():
        values[part] = 1.0 if start[part].sum() >= 0 else -1.0
    return moves.with_array(instance, "start", values)


def special_slopes(instance: Instance, rng) -> Instance:
    """Every slope that is not 1 the same special value."""
    value = rng.choice(SPECIAL)
    slopes = [each if each == 1 else value for each in instance.network.slopes]
    return moves.with_activations(instance, slopes=slopes)


def line(instance: Instance, rng) -> Instance:
    """d = 1: the first dimension only."""
    while instance.network.widths[0] > 1:
        instance = moves.without_dimension(instance, instance.network.widths[0] - 1)
    return instance


# Some are twice as likely as the others.
MOVES = (noise, noise, one_number, one_number)
MOVES += (sizes, smaller, slope, another_seed, repeated, lattice)
SNAPS = (lattice, lattice)
SNAPS += (antipodal, symmetric, repeated, equal_labels, equal_weights)
SNAPS += (special_slopes, line, smaller)
# Of models that have no layers.
MOVES_OF_ANY = (noise, noise, one_number, one_number)
MOVES_OF_ANY += (other_sizes, fewer, another_seed, repeated, lattice)
SNAPS_OF_ANY = (lattice, lattice, antipodal, symmetric, repeated, equal_labels, equal_weights)
SNAPS_OF_ANY += (fewer,)


def _array(instance: Instance, rng) -> tuple[str, Array]:
    """One of the instance's arrays that can be moved."""
    arrays = movable(instance)
    name = sorted(arrays)[rng.integers(len(arrays))]
    return name, arrays[name]


def movable(instance: Instance, fixed: frozenset[str] = frozenset()) -> dict[str, Array]:
    """Arrays that move continuously: none that is `fixed`, not labels of some values, nor slopes if
    a p = 1 has α = 1.
    """
    network = instance.network
    arrays = {name: each for name, each in moves.arrays(instance).items() if name not in fixed}
    if not instance.problem.loss.labels.are_numbers:
        arrays.pop("y", None)
    if is_layered(network) and (1, 1.0) in zip(network.powers, network.slopes):
        arrays.pop("slopes", None)
    return arrays


def within(name: str, values: Array) -> Array:
    """The numbers of the array of this name within its range."""
    return np.clip(values, -1, 1) if name == "slopes" else values


def _rounded(values: Array) -> Array:
    unit = np.abs(values).max() / 2 or 1.0
    return np.round(values / unit)
