"""Strategies of instances: sizes, powers, families and seeds are drawn, arrays built from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.families import kept
from ncfcheck.model.instance import Instance
from ncfcheck.model.loss_functions import LossFunction
from ncfcheck.model.losses import Loss
from ncfcheck.model.models import Model
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import DENSE, Network, Pattern, blocks, convolution, diagonal, masked
from ncfcheck.strategies.choices import Strategy, composite, integers, one_of, sampled_from
from ncfcheck.strategies.datasets import LABELS, SEEDS, Sample
from ncfcheck.strategies.given import Given, declared, given
from ncfcheck.strategies.models import LAYERED, draw_kind, draw_model, draw_sample
from ncfcheck.strategies.options import INSTANCES, OUTPUTS, needed, plain, slopes_at
from ncfcheck.theory.kkt.points import Inertia, flow_limit
from ncfcheck.theory.starts import EVERY, STARTS, live_start

__all__ = ["Given", "given"]

# α_l: those that matter, and tenths; and those of layers with a kink at p_l = 1.
SLOPES = (0.0, 1.0, 0.5, -1.0, 0.1, -0.3)
SLOPE, BENT = (
    one_of(
        sampled_from([alpha for alpha in SLOPES if alpha <= most]),
        integers(-10, round(10 * most)).map(lambda tenths: tenths / 10),
    )
    for most in (1.0, 0.9)
)
FRACTIONS = (0.5, 0.1, 0.01)
MAX_ORDER, MAX_DEPTH, MAX_POWER = 16, 5, 4


@cache
def architectures(
    shallow: int = 2, max_order: int = MAX_ORDER
) -> dict[int, tuple[tuple[int, ...], ...]]:
    """Powers (p_1, …, p_{L-1}), shallow ≤ L ≤ MAX_DEPTH, p_l ≤ MAX_POWER, by 3 ≤ D ≤ max_order."""
    by_order = defaultdict(list)
    for depth in range(shallow, MAX_DEPTH + 1):
        for powers in product(range(1, MAX_POWER + 1), repeat=depth - 1):
            order = int(np.cumprod((1, *reversed(powers))).sum())
            if 3 <= order <= max_order:
                by_order[order].append(powers)
    return {order: tuple(by_order[order]) for order in sorted(by_order)}


def powers_where(wanted: Callable[[tuple[int, ...]], bool]) -> Strategy:
    """For the option `powers`: those with `wanted(powers)`, every order D equally likely."""
    return _powers(_by_order(wanted))


def _by_order(wanted: Callable[[tuple[int, ...]], bool]) -> list[list[tuple[int, ...]]]:
    groups = [[each for each in group if wanted(each)] for group in architectures().values()]
    return [group for group in groups if group]


@cache
def _admitted(least: int) -> list[list[tuple[int, ...]]]:
    """All powers that are `least` or more, by order."""
    return _by_order(lambda powers: min(powers) >= least)


@composite
def _powers(draw, by_order) -> tuple[int, ...]:
    return draw.choice(draw.choice(by_order))


def draw_network(
    draw,
    inputs: int,
    reach: int = 1,
    lipschitz: bool = True,
    kinked: bool = False,
    shared: bool = True,
    filtered: bool = False,
    only_dense: bool = False,
    powers=None,
    slopes=None,
    narrowest: int = 1,
    outputs: int = 1,
) -> Network:
    """Networks of every order D from 3 to 16 on `inputs` dimensions, or with powers from `powers`.

    With `lipschitz`, α_l = 1 wherever p_l = 1; with `kinked`, α_l < 1 there; `slopes` are drawn
    from these. `shared` admits weight-shared layers; with `filtered`, the first layer is a
    convolution and the others are dense. Hidden widths from `narrowest` up, to 5·reach or that.
    """
    given = {"lipschitz": lipschitz, "kinked": kinked, "slopes": slopes}
    if powers is None:
        powers = draw(_powers(_admitted(1 if slopes_at(1, given) != () else 2)))
    else:
        powers = draw.choice(powers) if isinstance(powers, tuple) else draw(powers)
    slopes = tuple(_slope(draw, slopes_at(power, given), kinked) for power in powers)
    widest = max(5 * reach, narrowest)
    widths = (inputs, *(draw.integer(narrowest, widest) for _ in powers), outputs)
    if filtered:
        kind = "filter"
    elif only_dense:
        kind = "dense"
    else:
        kind = draw.choice(("dense", "dense", "blocks", "mixed"))
    return Network(widths, powers, slopes, _patterns(draw, widths, kind, shared))


def _slope(draw, allowed: tuple[float, ...] | None, kinked: bool) -> float:
    """One of the slopes that a layer may have, where just some are."""
    if allowed is None:
        return draw(BENT if kinked else SLOPE)
    if not allowed:
        raise Inapplicable("no slope for a layer of p = 1")
    return draw.choice(allowed) if len(allowed) > 1 else allowed[0]


networks = composite(draw_network)


def _patterns(draw, widths: tuple[int, ...], kind: str, shared: bool) -> tuple[Pattern, ...]:
    """Hidden layers of the given kind; the output layer is dense, so that every neuron is heard."""
    if kind == "dense":
        return (DENSE,) * (len(widths) - 1)
    if kind == "filter":
        width = draw.integer(1, widths[0])
        return (convolution(widths[1], widths[0], width), *(DENSE,) * (len(widths) - 2))
    patterns: list[Pattern] = []
    for columns, rows in zip(widths[:-2], widths[1:-1]):
        if kind == "mixed":
            patterns.append(_layer_pattern(draw, rows, columns, shared))
        else:
            wide = patterns and min(rows, columns) > 1
            patterns.append(blocks(rows, columns, 2) if wide else DENSE)
    return (*patterns, DENSE)


def _layer_pattern(draw, rows: int, columns: int, shared: bool) -> Pattern:
    kinds = ("dense", "masked", "diagonal", "convolution")
    kind = draw.choice(kinds if shared else kinds[:-1])
    if kind == "masked":
        mask = np.random.default_rng(draw(SEEDS)).random((rows, columns)) < 0.6
        mask[np.arange(rows), np.arange(rows) % columns] = True
        return masked(mask)
    if kind == "diagonal":
        return diagonal(rows, columns)
    return convolution(rows, columns, draw.integer(1, columns)) if kind == "convolution" else DENSE


def draw_instance(
    draw,
    data,
    models=(LAYERED,),
    needs=(),
    starts=tuple(STARTS),
    losses=tuple(Loss),
    labels=tuple(LABELS),
    outputs=OUTPUTS,
    **options,
) -> Instance:
    """Instances on every family of data, labels and starts.

    Options: `models`, what a claim `needs` of them, `starts`, `losses`, `labels`, `outputs` (what
    to draw from; a user's table brings its own labels and so has one output) and those of
    `networks`: `lipschitz`, `kinked`, `shared`, `filtered`, `only_dense`, `powers`, `slopes`,
    `narrowest`.
    """
    needs = needed(options | {"needs": needs})
    network, sample, loss = _drawn(draw, data, models, needs, losses, outputs, options)
    if sample.y is None:
        family, seed = draw.choice(labels), draw(SEEDS)
        y = LABELS[family](np.random.default_rng(seed), sample.X, network.width)
    else:
        family, seed, y = "table", 0, sample.y
    y = loss.labels.fit(y, np.median(np.unique(y)) if family == "table" else 0.0)
    problem = Problem(network, sample.X, y, loss)
    start_family, start_seed = draw.choice(starts), draw(SEEDS)
    return Instance(
        problem,
        live_start(start_family, start_seed, problem.ncf),
        draw.choice(FRACTIONS),
        {"data": sample.family, "labels": family, "start": start_family},
        (sample.seed, seed, start_seed),
    )


def _drawn(
    draw, data, models, needs, losses, outputs, options
) -> tuple[Model, Sample, Loss | LossFunction]:
    """A model that has what is needed, data that it can take, and a loss for as many outputs."""
    kind = draw_kind(draw, models, needs)
    if not isinstance(kind, str):
        network, sample = draw_model(draw, data, kind, outputs, outputs == OUTPUTS, needs)
        return network, sample, _loss(draw, losses, (network.width,))
    sample = draw_sample(draw, data)
    n, d = sample.X.shape
    loss = _loss(draw, losses, outputs if sample.y is None else (sample.y.shape[1],))
    enough = tuple(each for each in outputs if each >= loss.labels.fewest)
    outputs = draw.choice(enough) if sample.y is None else sample.y.shape[1]
    reach = 2 if max(n, d) > 10 else 1
    return draw_network(draw, d, reach, outputs=outputs, **options), sample, loss


def _loss(draw, losses, outputs: tuple[int, ...]) -> Loss | LossFunction:
    """One of the losses that may have as many outputs."""
    possible = tuple(each for each in losses if each.labels.fewest <= max(outputs))
    if not possible:
        told = f"losses {' and '.join(map(str, losses))}: not on {max(outputs)} output"
        raise ValueError(f"{told}, with labels {losses[0].labels.words} as they are")
    return draw.choice(possible)


_instances = composite(draw_instance)
_instances.__name__ = "instances"  # as its users know it
instances = declared(_instances, INSTANCES, plain)
"""Instances on every family of data, labels and starts: `instances(data=None, **options)`.

Options, each a value or several to draw from, are promises: whatever a hunt or a shrink makes of an
instance could be drawn as well. Raises TypeError or ValueError for one that is none, with those
that are possible.

- `models`: "layered" networks, unless told; "any": these, every other time, and all homogeneous
  families that come with the program; families by name, or of your own.
- `needs`: what models must have, as claims tell it: families without it are not drawn.
- `data`: a strategy of data sets, such as `families(only=("orthogonal",))`, or names of families.
- `starts`, `labels`, `losses`: by name; losses may be your own (`LossFunction`), too. `outputs`:
  their number.
- `powers`: (p_1, …, p_{L−1}), such as `(2,)`; several of these, `((2,), (1, 3))`; or a strategy.
- `slopes`: α_l, such as `(0.0, 0.5)`. `narrowest`: the least number of hidden neurons in a layer.
- `lipschitz` (True, unless `kinked`): α_l = 1 wherever p_l = 1. `kinked`: α_l < 1 everywhere.
- `only_dense`: no layer lacks weights. `shared=False`: no layer shares any. `filtered`: the first
  is a convolution, the others are dense.

Those of powers, slopes, neurons and layers go with layered networks.
"""


def relabelled(instance: Instance) -> Instance:
    """The instance at a start like its own, under the sign of its limit."""
    family = instance.families["start"]
    if family == "negative-kkt":
        start = kept(EVERY, (family,), instance.start, instance.ncf, instance.seeds[-1])
        instance = replace(instance, start=start)
    return _with_limit(instance)


@composite
def _collapsing(draw, data, models=(LAYERED,), needs=()) -> Instance:
    """Instances whose NCF flow mostly tends to negative or zero KKT points; "limit" names which."""
    drawn = {"models": models, "needs": needs}
    starts = (
        _instances(data, starts=("negative-kkt",), **drawn),
        _instances(data, starts=("closing",), labels=("one-signed",), **drawn),
    )
    return _with_limit(draw(one_of(*starts)))


def _with_limit(instance: Instance) -> Instance:
    """The instance, its family told by where its flow tends to."""
    return replace(instance, families={**instance.families, "limit": _sign_of_limit(instance)})


def _sign_of_limit(instance: Instance) -> str:
    try:
        point = flow_limit(instance.ncf, instance.start, instance.numerics).point
    except Inapplicable:
        return "dead"
    except Unresolved:
        return "unknown"
    if point.inertia is Inertia.ZERO:
        return "zero"
    return "positive" if point.value > 0 else "negative"


collapsing = declared(
    _collapsing, {name: INSTANCES[name] for name in ("models", "needs")}, plain, relabelled
)
