"""Changing the sizes of a model that is one of a family; Inapplicable where there is no such model.

Weights keep their places in their groups, by name; data keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.model.families import Family
from ncfcheck.model.instance import Instance
from ncfcheck.model.models import Model
from ncfcheck.strategies.models import build, shape_of
from ncfcheck.strategies.moves import changed, fitted, normalised

Array = np.ndarray
INPUTS, OUTPUTS = "inputs", "outputs"  # d and m, where the family leaves them open


def dimensions(instance: Instance) -> dict[str, int]:
    """All that can be made smaller of a model, by name: its sizes; d and m where these are free."""
    network, found = instance.network, dict(instance.network.sizes)
    own = {INPUTS: network.inputs, OUTPUTS: network.width}
    fixed = zip(own, shape_of(_family(instance), found))
    return found | {name: own[name] for name, size in fixed if size is None}


def least(instance: Instance, name: str) -> int:
    """The least that one of the dimensions can be."""
    return _family(instance).ranges.get(name, (1, 0))[0]


def resized(instance: Instance, told: Mapping[str, int], samples: int | None = None, seed: int = 0):
    """The instance with other dimensions, and another number of samples.

    What is cut is cut at the end, what is added is standard normal from the seed, in units of the
    typical entry beside it.
    """
    old, problem, family = instance.network, instance.problem, _family(instance)
    sizes = {name: told.get(name, size) for name, size in old.sizes.items()}
    d, m = shape_of(family, sizes)
    d = told.get(INPUTS, old.inputs) if d is None else d
    m = told.get(OUTPUTS, old.width) if m is None else m
    network, rng = build(family, d, m, sizes), np.random.default_rng(seed)
    n = len(problem.X) if samples is None else samples
    X = fitted(problem.X, (n, d), rng)
    y = problem.loss.labels.fit(fitted(problem.y, (n, m), rng))
    weights, parts = _alike(instance, network), {}
    for group in network.groups:
        own = weights.get(group.name, rng.standard_normal(group.shape) / np.sqrt(network.size))
        parts[group.name] = fitted(own, group.shape, rng)
    return changed(instance, network=network, X=X, y=y, start=_start(network, parts))


def _alike(instance: Instance, network: Model) -> dict[str, Array]:
    """The weights of groups that the other model has, too, by name."""
    dimensions = {group.name: len(group.shape) for group in network.groups}
    parts = instance.network.parts(instance.start).items()
    return {name: own for name, own in parts if own.ndim == dimensions.get(name)}


def _start(network: Model, parts: Mapping[str, Array]) -> Array:
    """The unit vector of weights by group; where nothing is left of them all weights are equal."""
    found = np.concatenate([parts[group.name].ravel() for group in network.groups])
    return normalised(found if found.any() else np.ones(network.size))


def one_less(instance: Instance, name: str) -> Iterator[partial]:
    """Moves that make one of the dimensions smaller by one: without its last, or another one."""
    size = dimensions(instance)[name]
    if size > least(instance, name):
        for index in reversed(range(size)):
            for strided in (False, True):
                yield partial(without, instance, name, index, strided)


def without(instance: Instance, name: str, index: int, strided: bool = False) -> Instance:
    """One of the dimensions smaller by one: of axes that it runs along, this index is left out.

    An axis whose length goes by that dimension runs along it, in blocks or, `strided`, in turn.
    """
    size, problem = dimensions(instance)[name], instance.problem
    smaller = resized(instance, {name: size - 1})
    cut, network = partial(_cut, of=size, index=index, strided=strided), smaller.network
    parts = network.parts(smaller.start)
    for each, own in _alike(instance, network).items():
        parts[each] = cut(own, parts[each])
    X = cut(problem.X, smaller.problem.X)
    y = cut(problem.y, smaller.problem.y) if name == OUTPUTS else smaller.problem.y
    return changed(smaller, X=X, y=y, start=_start(network, parts))


def _cut(old: Array, new: Array, of: int, index: int, strided: bool) -> Array:
    """The old array, of the shape of the new one: along axes that lose one part `of` so many,
    without that one. The new one where an axis is longer.
    """
    if any(long < short for long, short in zip(old.shape, new.shape)):
        return new
    for axis, (long, short) in enumerate(zip(old.shape, new.shape)):
        places = np.arange(long)
        if long > short and long * (of - 1) == short * of:
            part = places % of if strided else places // (long // of)
            places = places[part != index]
        old = np.take(old, places[:short], axis)
    return old


def _family(instance: Instance) -> Family:
    family = instance.network.family
    if family is None:
        raise Inapplicable("nothing is known of other sizes of such a model")
    return family
