"""Strategies of instances: sizes, powers, families and seeds are drawn, arrays built from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import DENSE, Network, Pattern, blocks, convolution, diagonal, masked
from ncfcheck.strategies import promises, rebuilding
from ncfcheck.strategies.choices import (
    Strategy,
    as_call,
    composite,
    integers,
    one_of,
    sampled_from,
)
from ncfcheck.strategies.datasets import LABELS, SEEDS, families
from ncfcheck.theory.kkt.points import Inertia, flow_limit
from ncfcheck.theory.starts import STARTS, live_start

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
OUTPUTS = (1, 1, 1, 1, 2, 3)
MAX_ORDER, MAX_DEPTH, MAX_POWER = 16, 5, 4


@dataclass(frozen=True, eq=False, repr=False)
class Given(Strategy):
    """What a claim quantifies over: a strategy of instances that can be rebuilt on other data.

    `promise(instance, **options)` raises Inapplicable for an instance that the strategy could not
    draw, and `rebuild(instance)` computes again what derives from the instance's problem.
    """

    build: Callable[..., Strategy]
    options: dict = field(default_factory=dict)
    data: Strategy | None = None
    promise: Callable[..., None] | None = None
    rebuild: Callable[[Instance], Instance] = rebuilding.same

    def strategy(self, data: Strategy | None = None) -> Strategy:
        """The strategy on `data` (of `Sample`), or on the claim's own data, or on every family."""
        own = families() if self.data is None else self.data
        return self.build(own if data is None else data, **self.options)

    def drawn_by(self, draw):
        return draw(self.strategy())

    def __repr__(self) -> str:
        return as_call(self.build, (), self.options)

    @property
    def stream(self) -> str:
        """A name that equal strategies share, in every process; empty where an option has none."""
        plain = all(isinstance(value, int | str | tuple) for value in self.options.values())
        if self.data is not None or not plain:
            return ""
        return f"{self.build.__qualname__}{sorted(self.options.items())}"

    def rebuilt(self, instance: Instance) -> Instance:
        """An instance that was changed, with what derives from its problem computed again.

        Raises Inapplicable where it could not be drawn, or nothing is known about what is drawn.
        """
        if self.promise is None:
            raise Inapplicable("nothing is known about what the strategy promises")
        found = self.rebuild(instance)
        self.promise(found, **self.options)
        return found


def given(
    build: Callable[..., Strategy], promise=None, rebuild=rebuilding.same
) -> Callable[..., Given]:
    """Turn a strategy function `build(data, **options)` into one for `@claim(given=…)`.

    What that returns keeps what `promise(instance, **options)` promises, which raises Inapplicable
    for an instance that could not be drawn; `rebuild(instance)` computes again what derives from
    the problem of one that was changed. `data` are data sets of its own.
    """

    if isinstance(build, Strategy):
        raise TypeError("ncfcheck.given takes a function; @hypothesis.given takes strategies")

    def strategy(data: Strategy | None = None, **options) -> Given:
        return Given(build, options, data, promise, rebuild)

    strategy.__doc__ = build.__doc__
    return strategy


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
    by_order = [
        [powers for powers in group if wanted(powers)] for group in architectures().values()
    ]
    return _powers([group for group in by_order if group])


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
    narrowest: int = 1,
    outputs: int = 1,
) -> Network:
    """Networks of every order D from 3 to 16 on `inputs` dimensions, or with powers from `powers`.

    With `lipschitz`, α_l = 1 wherever p_l = 1; with `kinked`, α_l < 1 there. `shared` admits
    weight-shared layers; with `filtered`, the first layer is a convolution and the others are
    dense. Hidden widths from `narrowest` to 5·reach.
    """
    orders = architectures()
    powers = draw.choice(draw.choice(tuple(orders.values()))) if powers is None else draw(powers)
    slopes = tuple(
        1.0 if lipschitz and power == 1 and not kinked else draw(BENT if kinked else SLOPE)
        for power in powers
    )
    widths = (inputs, *(draw.integer(narrowest, 5 * reach) for _ in powers), outputs)
    if filtered:
        kind = "filter"
    elif only_dense:
        kind = "dense"
    else:
        kind = draw.choice(("dense", "dense", "blocks", "mixed"))
    return Network(widths, powers, slopes, _patterns(draw, widths, kind, shared))


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
    starts=tuple(STARTS),
    losses=tuple(Loss),
    labels=tuple(LABELS),
    outputs=OUTPUTS,
    **options,
) -> Instance:
    """Instances on every family of data, labels and starts.

    Options: `starts`, `losses`, `labels`, `outputs` (what to draw from; a user's table brings its
    own labels and so has one output) and those of `networks`: `lipschitz`, `kinked`, `shared`,
    `filtered`, `only_dense`, `powers`, `narrowest`.
    """
    sample = draw(data)
    n, d = sample.X.shape
    outputs = draw.choice(outputs) if sample.y is None else sample.y.shape[1]
    network = draw_network(draw, d, 2 if max(n, d) > 10 else 1, outputs=outputs, **options)
    if sample.y is None:
        family, seed = draw.choice(labels), draw(SEEDS)
        y = LABELS[family](np.random.default_rng(seed), sample.X, outputs)
    else:
        family, seed, y = "table", 0, sample.y
    loss = draw.choice(losses)
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


_instances = composite(draw_instance)
instances = given(_instances, promises.plain)
"""Instances on every family of data, labels and starts: `instances(data=None, **options)`."""


def relabelled(instance: Instance) -> Instance:
    """The instance at a start like its own, under the sign of its limit."""
    return _with_limit(rebuilding.same(instance))


@composite
def _collapsing(draw, data) -> Instance:
    """Instances whose NCF flow mostly tends to negative or zero KKT points; "limit" names which."""
    starts = (
        _instances(data, starts=("negative-kkt",)),
        _instances(data, starts=("closing",), labels=("one-signed",)),
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


collapsing = given(_collapsing, promises.plain, relabelled)
