"""Ways to break one hypothesis of a claim on an instance that refutes it, all else left as it is;
shared by tests of the verifier.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.model.ncf import Problem, unit
from ncfcheck.model.networks import DENSE, Network, Pattern, masked
from ncfcheck.theory.rank_one.points import balanced_norms, structured_point


def _on(instance, network: Network, start, **parts):
    """The instance on another network, its weights scaled to length 1."""
    problem = replace(instance.problem, network=network)
    return replace(instance, problem=problem, start=unit(np.asarray(start, dtype=float)), **parts)


def _patterned(instance, rng, change):
    """The instance with a layer's pattern changed: change(numbers) → pattern, start's entries."""
    if set(instance.network.widths) == {1}:
        instance = _doubled(instance)
    network = instance.network
    wide = [l for l, W in enumerate(network.matrices(instance.start)) if W.size > 1]
    if not wide:
        return None
    l = int(rng.choice(wide))
    W = network.matrices(instance.start)
    found = change(rng, W[l])
    if found is None:
        return None
    patterns = [*network.patterns[:l], found[0], *network.patterns[l + 1 :]]
    parts = [instance.start[part] for part in network.slices]
    start = np.concatenate([*parts[:l], found[1], *parts[l + 1 :]])
    return _on(instance, replace(network, patterns=tuple(patterns)), start)


def _doubled(instance):
    """The instance with every neuron of the last hidden layer twice."""
    network, (*W, last) = instance.network, instance.network.matrices(instance.start)
    widths = (*network.widths[:-2], 2 * network.widths[-2], network.widths[-1])
    other = Network(widths, network.powers, network.slopes, (DENSE,) * network.depth)
    doubled = [*W[:-1], np.vstack([W[-1]] * 2), np.hstack([last] * 2)]
    return _on(instance, other, other.flatten(doubled))


def sparse(instance, rng):
    """A layer without one of its weights."""

    def change(rng, W):
        mask = np.ones(W.shape, dtype=bool)
        mask[rng.integers(W.shape[0]), rng.integers(W.shape[1])] = False
        return masked(mask), W[mask]

    return _patterned(instance, rng, change)


def sharing(instance, rng):
    """A layer two entries of which are one parameter."""

    def change(rng, W):
        numbers, (a, b) = np.arange(W.size), sorted(rng.choice(W.size, 2, replace=False))
        numbers[b], numbers[b + 1 :] = a, numbers[b + 1 :] - 1
        pattern = Pattern("convolution", tuple(map(tuple, numbers.reshape(W.shape).tolist())))
        return pattern, np.delete(W.ravel(), b)

    return _patterned(instance, rng, change)


def _structured(instance, profiles=None, norms=None, u=None):
    """The instance at the structured point of other parts."""
    profiles = instance.profiles if profiles is None else tuple(map(unit, profiles))
    u, norms = instance.u if u is None else unit(u), instance.norms if norms is None else norms
    parts = {"profiles": profiles, "norms": norms, "u": u}
    start = structured_point(instance.network, u, instance.signs, profiles, norms)
    return _on(instance, instance.network, start, **parts)


def _profiles(instance, rng, change, least: int = 1):
    """The instance with an entry of a profile changed, of layers with p_l ≥ least."""
    choices = [
        (l, j)
        for l, profile in enumerate(instance.profiles)
        for j in np.flatnonzero(profile)
        if instance.network.powers[l] >= least and np.count_nonzero(profile) > 1
    ]
    if not choices:
        return None
    l, j = choices[rng.integers(len(choices))]
    profiles = [np.array(each) for each in instance.profiles]
    profiles[l][j] = change(profiles[l][j])
    return _structured(instance, profiles)


def mixed(instance, rng):
    """Entries of profiles negative."""
    profiles = [np.array(each) * rng.choice((-1, 1), each.size) for each in instance.profiles]
    is_mixed = any((each < 0).any() for each in profiles)
    return _structured(instance, profiles) if is_mixed else None


def uneven(instance, rng):
    """An entry of a profile larger, where p_l ≥ 2."""
    return _profiles(instance, rng, lambda entry: entry * (1 + 10 ** rng.uniform(-5, 1)), 2)


def reweighted(instance, rng):
    """Other norms of layers."""
    spread = 10 ** rng.uniform(-7, 0)
    factors = 1 + spread * rng.uniform(0.5, 1, instance.network.depth) * rng.choice((0, 1))
    factors[rng.integers(len(factors))] += spread
    return _structured(instance, norms=unit(balanced_norms(instance.network) * factors))


def turned(instance, rng):
    """Along another direction u."""
    if instance.u.size < 2:
        return _structured(instance, u=-instance.u)
    aside = 10 ** rng.uniform(-7, 0) * rng.standard_normal(instance.u.size)
    return _structured(instance, u=instance.u + aside)


def moved(instance, rng):
    """A start 10⁻⁷ to 1 away."""
    aside = 10 ** rng.uniform(-7, 0) * rng.standard_normal(instance.start.size)
    return replace(instance, start=unit(instance.start + aside))


def elsewhere(instance, rng):
    """A start drawn at random."""
    return replace(instance, start=unit(rng.standard_normal(instance.start.size)))


def lighter(instance, rng):
    """A start with ‖w_j‖² > p v_j² for the neuron of two layers, one input."""
    v, w = rng.uniform(-1, 1), rng.choice((-1, 1)) * rng.uniform(1.5, 3)
    return replace(instance, start=unit(np.array([w, v])))


def _labelled(instance, y):
    return replace(instance, problem=replace(instance.problem, y=np.asarray(y, dtype=float)))


def relabelled(instance, rng):
    """Labels of other sizes, each for itself; data of the logistic loss moved in their place."""
    problem, size = instance.problem, 10 ** rng.uniform(-4, 0)
    if str(problem.loss) != "square":
        X = problem.X * (1 + size * rng.uniform(0.1, 1, problem.X.shape))
        return replace(instance, problem=replace(problem, X=X))
    return _labelled(instance, problem.y * (1 + size * rng.uniform(0.1, 1, problem.y.shape)))


def negated(instance, rng):
    """All labels of the other sign; of the square loss, of another size, too."""
    factor = rng.uniform(0.5, 2) if str(instance.problem.loss) == "square" else 1.0
    return _labelled(instance, -factor * instance.problem.y)


def dead(instance, rng):
    """All labels 0, N ≡ 0; the data of another size. None for the logistic loss."""
    if str(instance.problem.loss) != "square":
        return None
    X = instance.problem.X * rng.uniform(0.5, 2)
    return _labelled(
        replace(instance, problem=replace(instance.problem, X=X)), 0 * instance.problem.y
    )


def one_signed(instance, rng):
    """Labels of one sign."""
    size = rng.choice((-1, 1)) * rng.uniform(0.5, 2)
    return _labelled(instance, size * np.abs(instance.problem.y))


def two_signed(instance, rng):
    """Labels of both signs, as they were; of another size."""
    y = instance.problem.y
    return _labelled(instance, rng.uniform(0.5, 2) * y) if y.min() < 0 < y.max() else None


def silenced(instance, rng):
    """The last layer 0: N(u) = 0."""
    start = instance.start + 0.1 * rng.standard_normal(instance.start.size)
    start[instance.network.slices[-1]] = 0.0
    return replace(instance, start=unit(start))


def powers(change):
    """Other powers, change(powers, rng), linear layers where 1; labels of another size."""

    def other_powers(instance, rng):
        network = instance.network
        changed = tuple(map(int, change(network.powers, rng)))
        slopes = tuple(a if p > 1 else 1.0 for p, a in zip(changed, network.slopes))
        other = replace(network, powers=changed, slopes=slopes)
        return _labelled(_on(instance, other, instance.start), _sized(instance, rng))

    return other_powers


def _sized(instance, rng):
    """Labels, of another size where they may be."""
    is_square = str(instance.problem.loss) == "square"
    return instance.problem.y * (rng.uniform(0.5, 2) if is_square else 1.0)


def flat_mixed(instance, rng):
    """p_l = 1 in the layer that mixes signs."""
    mixed = [bool((each < 0).any()) for each in instance.profiles]
    powers = tuple(1 if own else p for own, p in zip(mixed, instance.network.powers))
    return rescaled(_on(instance, replace(instance.network, powers=powers), instance.start), rng)


def rescaled(instance, rng):
    """The data of another size."""
    X = instance.problem.X * rng.uniform(0.5, 2)
    return replace(instance, problem=replace(instance.problem, X=X))


def some_flat(powers, rng):
    """One of them 1."""
    l = rng.integers(len(powers))
    return (*powers[:l], 1, *powers[l + 1 :])


def flat_last(powers, rng):
    """The last of them 1."""
    return (*powers[:-1], 1)


def outputs(count: int):
    """So many outputs: those that there are, and others with small labels, or the same again."""

    def changed(instance, rng):
        network, y = instance.network, _sized(instance, rng)
        is_square = str(instance.problem.loss) == "square"
        small = 0.05 * rng.standard_normal((len(y), count)) if is_square else np.tile(y, count)
        y = np.hstack([y, small])[:, :count]
        *W, last = network.matrices(instance.start)
        last = np.vstack([last, 0.05 * rng.standard_normal((count, last.shape[1]))])[:count]
        other = Network(
            (*network.widths[:-1], count), network.powers, network.slopes, network.patterns
        )
        problem = Problem(other, instance.problem.X, y, instance.problem.loss)
        return replace(instance, problem=problem, start=unit(other.flatten([*W, last])))

    return changed


def deeper(power: int):
    """A layer more, of a neuron for every output."""

    def changed(instance, rng):
        network, outputs = instance.network, instance.network.widths[-1]
        parts = (outputs,), (power,), (1.0,), (DENSE,)
        old = network.widths, network.powers, network.slopes, network.patterns
        other = Network(*(own + more for own, more in zip(old, parts)))
        last = rng.uniform(0.3, 0.6) * np.eye(outputs)
        return _on(instance, other, [*instance.start, *last.ravel()])

    return changed
