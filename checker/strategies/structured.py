"""Strategies of structured points: rank-one hidden layers on a KKT point of the reduced problem."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.options import Option, flag, names_of, numbers, whole
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import masked
from ncfcheck.strategies import promises, rebuilding
from ncfcheck.strategies.choices import composite, integers, just, sampled_from
from ncfcheck.strategies.datasets import SEEDS
from ncfcheck.strategies.given import declared
from ncfcheck.strategies.instances import architectures, draw_instance
from ncfcheck.strategies.options import NARROWEST, POINTS
from ncfcheck.strategies.rebuilding import placed
from ncfcheck.theory.rank_one.points import (
    RankOneInstance,
    ReducedPoint,
    balanced_norms,
    clarke_problem,
    is_two_sided,
    mixed_layers,
    mixed_point,
    reduced_point,
)
from ncfcheck.theory.rank_one.reduced_points import on_kink
from ncfcheck.theory.starts import unit

# Powers of some layer at least 2, which is where profiles must be uniform; and powers all 1.
CURVED = sampled_from(
    [powers for group in architectures().values() for powers in group if max(powers) >= 2]
)
LINEAR = integers(1, 3).map(lambda layers: (1,) * layers)
# What a structured point can be spoilt by.
PROFILE, NORMS, DIRECTION = "profile", "norms", "direction"


def bare_instance(draw, data, **options) -> RankOneInstance:
    """Dense networks of one output with data and labels, and no point on them yet."""
    starts = {"starts": ("gaussian",)}
    instance = draw_instance(draw, data, **starts | promises.BARE | options)
    families = {**instance.families, "start": "structured"}
    seeds = (*instance.seeds, draw(SEEDS))
    return replace(RankOneInstance(**vars(instance)), families=families, seeds=seeds)


def reduced(instance: RankOneInstance) -> ReducedPoint | None:
    """A positive KKT point of the reduced problem, from the last seed; None if none was found."""
    try:
        ncf = instance.ncf
        return reduced_point(instance.network, ncf.X, ncf.ybar, instance.seeds[-1])
    except Inapplicable:
        return None


def profile(rng, width: int, power: int, fewest: int = 1) -> np.ndarray:
    """A unit vector ≥ 0 on a random support: uniform there for p ≥ 2, free for p = 1."""
    entries = np.zeros(width)
    active = rng.permutation(width)[: rng.integers(min(fewest, width), width + 1)]
    entries[active] = 1.0 if power >= 2 else rng.uniform(0.1, 1.0, active.size)
    return unit(entries)


def profiles_of(instance: RankOneInstance, rng, fewest: int = 1) -> list[np.ndarray]:
    """A profile for every hidden layer."""
    network = instance.network
    return [
        profile(rng, width, power, fewest)
        for width, power in zip(network.widths[1:-1], network.powers)
    ]


@composite
def _rank_one_points(draw, data, fewest: int = 1, **options) -> RankOneInstance:
    """Sign-coherent structured points, at least `fewest` neurons active in layers of so many."""
    instance = bare_instance(draw, data, **options)
    rng, point = np.random.default_rng(instance.seeds[-1]), reduced(instance)
    if point is None:
        return instance
    return placed(instance, point, profiles_of(instance, rng, fewest))


@composite
def _perturbed_points(
    draw, data, kinds=(PROFILE, NORMS, DIRECTION), sizes=(1e-1, 1e-2, 1e-3, 1e-4), **options
):
    """Structured points spoilt by a relative size: a profile with p ≥ 2, the layer norms, or u."""
    instance = bare_instance(draw, data, narrowest=2, **options)
    size, (network, d) = draw.choice(sizes), (instance.network, instance.problem.X.shape[1])
    possible = {PROFILE: max(network.powers) >= 2, NORMS: True, DIRECTION: d > 1}
    kinds = [kind for kind in kinds if possible[kind]]
    rng, point = np.random.default_rng(instance.seeds[-1]), reduced(instance)
    if point is None or not kinds:
        return instance
    kind, norms = str(rng.choice(kinds)), balanced_norms(network)
    profiles = profiles_of(instance, rng, fewest=2)
    if kind == PROFILE:
        layer = int(rng.choice([l for l, power in enumerate(network.powers) if power >= 2]))
        profiles[layer] = _spread(rng, profiles[layer], size)
    elif kind == NORMS:
        norms = _spread(rng, norms, size)
    else:
        aside = rng.standard_normal(d)
        point = replace(point, u=unit(point.u + size * unit(aside - (aside @ point.u) * point.u)))
    instance = replace(instance, families={**instance.families, "spoilt": f"{kind} by {size:g}"})
    return placed(instance, point, profiles, norms)


def _spread(rng, vector: np.ndarray, size: float) -> np.ndarray:
    """The unit vector whose entries are off, all unequally, by up to a relative size."""
    return unit(vector * (1 + size * rng.permutation(np.linspace(-1, 1, vector.size))))


@composite
def _signless_points(draw, data) -> RankOneInstance:
    """Structured points but for the signs of some entries of one e_l."""
    instance = bare_instance(draw, data, narrowest=2)
    rng, point = np.random.default_rng(instance.seeds[-1]), reduced(instance)
    if point is None:
        return instance
    profiles = profiles_of(instance, rng, fewest=2)
    layer = int(rng.integers(len(profiles)))
    profiles[layer][rng.choice(np.flatnonzero(profiles[layer]))] *= -1
    return placed(instance, point, profiles)


@composite
def _mixed_points(draw, data, one_sided: bool = True, **options) -> RankOneInstance:
    """Points with P > 0 and −Q < 0 in one e_l, whose inputs have one sign, or both."""
    instance = bare_instance(draw, data, narrowest=2, powers=CURVED, **options)
    rng, point = np.random.default_rng(instance.seeds[-1]), reduced(instance)
    if point is None:
        return instance
    network, X = instance.network, instance.problem.X
    layers = mixed_layers(network, X, point.u)
    if not one_sided:
        bent = [l for l, p in enumerate(network.powers) if p >= 2 and network.slopes[l] != 0]
        layers = [l for l in bent if is_two_sided(network, X, point.u, point.signs, l)]
    if not layers:
        return instance
    layer = int(rng.choice(layers))
    profiles = profiles_of(instance, rng, fewest=2)
    active = np.flatnonzero(profiles[layer])
    chosen = rng.permutation(active)[: rng.integers(1, active.size)]
    negative = np.isin(np.arange(profiles[layer].size), chosen)
    start = mixed_point(network, X, point, profiles, layer, negative)
    profiles[layer] = np.where(negative, -profiles[layer], profiles[layer])
    return replace(instance, start=start, u=point.u, signs=point.signs, profiles=tuple(profiles))


@composite
def _clarke_points(draw, data, inside: bool = True) -> RankOneInstance:
    """Structured points, all p_l = 1, one slope α ≠ 1, on kinks of just some independent samples.

    The slopes that balance the gradient there lie inside [α, 1], or above 1.
    """
    powers = draw(LINEAR)
    instance = bare_instance(draw, data, powers=just(powers), losses=(Loss.SQUARE,))
    slopes = [1.0] * len(powers)
    slopes[draw.integer(0, len(powers) - 1)] = draw.integer(-10, 9) / 10
    network, X = replace(instance.network, slopes=tuple(slopes)), instance.problem.X
    rng, (n, d) = np.random.default_rng(instance.seeds[-1]), X.shape
    kinked = int(rng.integers(1, min(n, d))) if min(n, d) > 1 else 0
    try:
        if not kinked or np.linalg.matrix_rank(X[:kinked]) < kinked:
            raise Inapplicable("too few samples or dimensions")
        shares = rng.uniform(0.2, 0.8, kinked) + (0.0 if inside else 1.0)
        point, labels = clarke_problem(network, X, instance.problem.y[:, 0], shares, rng)
        if np.count_nonzero(on_kink(X, point.u)) > kinked:
            raise Inapplicable("multiples of the samples on kinks lie there too")
    except Inapplicable:
        return instance
    instance = replace(instance, problem=Problem(network, X, labels[:, None]))
    return placed(instance, point, profiles_of(instance, rng))


@composite
def _masked_points(draw, data) -> RankOneInstance:
    """What is left, rescaled, of a structured point where a hidden layer lacks some weights."""
    instance = bare_instance(draw, data, narrowest=3)
    rng, point = np.random.default_rng(instance.seeds[-1]), reduced(instance)
    if point is None:
        return instance
    whole = placed(instance, point, profiles_of(instance, rng, fewest=3))
    layer = int(rng.integers(instance.network.depth - 1))
    mask = np.ones(instance.network.matrices(whole.start)[layer].shape, dtype=bool)
    mask[0, int(rng.integers(mask.shape[1]))] = False
    patterns = list(instance.network.patterns)
    patterns[layer] = masked(mask)
    network = replace(instance.network, patterns=tuple(patterns))
    problem = replace(instance.problem, network=network)
    left = network.flatten(instance.network.matrices(whole.start))
    return replace(whole, problem=problem, start=unit(left))


FEWEST = {"fewest": Option(1, whole(1))}
SPOILT = {
    "kinds": Option(None, names_of((PROFILE, NORMS, DIRECTION))),
    "sizes": Option(None, numbers(0, 1)),
}
UNCURVED = {name: option for name, option in POINTS.items() if name != "powers"}

rank_one_points = declared(
    _rank_one_points, POINTS | NARROWEST | FEWEST, promises.structured, rebuilding.structured
)
"""Structured points: rank-one hidden layers along a KKT point of the reduced problem (§5).

Options as for `instances`: `losses`, `labels`, `powers`, `slopes`, `narrowest`, `kinked` and, False
here unless it is given, `lipschitz`. At least `fewest` neurons are active in layers of so many.
"""
perturbed_points = declared(_perturbed_points, POINTS | SPOILT, promises.spoilt, rebuilding.spoilt)
mixed_points = declared(
    _mixed_points,
    UNCURVED | {"one_sided": Option(True, flag)},
    promises.mixed,
    rebuilding.mixed,
)
signless_points = declared(_signless_points, {}, promises.signless, rebuilding.signless)
clarke_points = declared(
    _clarke_points,
    {"inside": Option(True, flag)},
    partial(promises.kinks, powers=LINEAR),
    rebuilding.kinks,
)
masked_points = declared(_masked_points, {}, promises.masked, rebuilding.masked)
