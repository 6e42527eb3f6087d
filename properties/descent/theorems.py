"""Gradient descent and heavy ball follow the NCF to order δ^{D−2}, with their constants (§12)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import zip_longest

import numpy as np

from ncfcheck.core.claims import THEOREM, Margin, Unresolved, claim, worst
from ncfcheck.properties.early.tracking import (
    SETTLED_CONSTANT,
    SETTLED_SLOPE,
    settled_ratio,
    settled_slope,
)
from ncfcheck.properties.hypotheses import (
    EARLY,
    FIXED_RATE,
    GRADIENT_STEPS,
    LIPSCHITZ,
    ONE_RATE,
    POSITIVE_LIMIT,
    SMALL_START,
    SUPERQUADRATIC,
    TRUE_LABELS,
)
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.descent.ladders import LARGEST, Descents
from ncfcheck.theory.early.tracking import Departures
from ncfcheck.theory.early.training import resolved
from ncfcheck.theory.early.variations import predicted

# Rungs of a ladder of steps, at least: enough for slopes, or ratios, that neighbours agree on.
SLOPE_RUNGS, RATIO_RUNGS = 4, 3
# Errors of slopes, and of ratios in units of a twentieth, with which a ladder ends; and the share
# to which they are to fall with a rung for it to go on.
SLOPE_KNOWN, RATIO_KNOWN, FALLING = 0.06, 0.2, 0.8
# The largest β tried: a heavy ball's transient and departures grow with 1/(1 − β).
MEMORY = 0.8
HYPOTHESES = (
    SUPERQUADRATIC,
    LIPSCHITZ,
    TRUE_LABELS,
    POSITIVE_LIMIT,
    SMALL_START,
    GRADIENT_STEPS,
    ONE_RATE,
    FIXED_RATE,
)


@claim(
    "descent.tracking_order",
    kind=THEOREM,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=HYPOTHESES,
)
def tracking_order(instance) -> Margin:
    """Descent at a fixed η differs from the NCF flow by Θ(δ^{D−2}) where norms first reach ρ: log
    error over log δ has slope → D − 2, for directions and relative arrival times.
    """
    return resolved(lambda each: slopes(Descents(each), each.network.order - 2), instance)


def slopes(descents: Descents, claimed: float) -> Margin:
    """¼ − |slope − claimed order|, for the worse of both sizes of departures at one η, over δ."""

    def judge(found: Departures) -> list[Margin]:
        return [settled_slope(found, column, 1, claimed) for column in range(2)]

    return down_to(descents.ladder(SLOPE_RUNGS), judge, SLOPE_KNOWN, SETTLED_SLOPE)


def down_to(
    ladder: Iterable[Departures],
    judge: Callable[[Departures], list[Margin]],
    known: float,
    settled: float,
) -> Margin:
    """The worse margin, of directions and times, of what a ladder shows where both are known to
    `known`, or to no more than a rung before; of those that have settled, and of departures being
    small there.
    """
    parts: list[Margin] = []
    for found in ladder:
        before, parts = parts, judge(found)
        pairs = zip_longest(parts, before)
        if all(
            now.error <= known or (last is not None and now.error > FALLING * last.error)
            for now, last in pairs
        ):
            break
    parts = [part for part in parts if part.error < settled]
    near = 1 - found.sizes[-1].max() / (2 * LARGEST)
    if not parts and near > 0:
        raise Unresolved("departures do not settle: no step is both resolved and asymptotic")
    return worst([*parts, Margin(near, found.floor.max() / LARGEST)])


@claim(
    "descent.tracking_constant",
    kind=THEOREM,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=HYPOTHESES,
)
def tracking_constant(instance) -> Margin:
    """Where norms first reach ρ directions of descent and NCF flow differ by hE/ρ and arrival times
    by the share hτ/T, to first order in h = ηδ^{D−2}.

    ė = ∇²N(u)e − ½∇²N(u)∇N(u), e(0) = 0, τ = −⟨e,u⟩/⟨u̇,u⟩, E = e + u̇τ: descent goes along the
    flow of N − (h/4)‖∇N‖², to that order.
    """
    return resolved(constants, instance)


@claim(
    "descent.momentum",
    kind=THEOREM,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=HYPOTHESES,
)
def momentum(instance) -> Margin:
    """With momentum, m ← βm − ∇𝓛(w), w ← w + ηm, directions differ by (1+β)/(1−β) HE/ρ and
    times by the share (H/T)[(1+β)/(1−β) τ + β/(1−β)], to first order in H = ηδ^{D−2}/(1−β).

    E and τ are those of descent, of which a step goes along H of the flow's time; β = 1 − ε-share,
    0.8 at most.
    """
    return resolved(partial(constants, memory=min(MEMORY, 1 - instance.fraction)), instance)


def constants(instance, memory: float = 0.0) -> Margin:
    """1 − |departure/H − constant| in units of a twentieth of the constant, for the worse of
    directions and arrival times.
    """
    descents = Descents(instance, memory)
    direction, delay, accuracy = predicted(instance, descents.reference, descents.force)
    stronger, late = (1 + memory) / (1 - memory), memory / (1 - memory) / descents.time
    turned, times = stronger * direction, np.array([stronger * delay + late])

    def judge(found: Departures) -> list[Margin]:
        delays, steps = found.delays[:, None], descents.step(found.powers)
        pairs = (found.directions, turned), (delays, times)
        told = zip(pairs, found.floor, accuracy)
        return [settled_ratio(*pair, steps, off, stronger * each) for pair, off, each in told]

    return down_to(descents.ladder(RATIO_RUNGS), judge, RATIO_KNOWN, SETTLED_CONSTANT)
