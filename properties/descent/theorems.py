"""Gradient descent and heavy ball follow the NCF to order δ^{D−2}, with their constants (§12)."""

from __future__ import annotations

from functools import partial

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
from ncfcheck.theory.descent.ladders import Descents
from ncfcheck.theory.early.tracking import Departures
from ncfcheck.theory.early.training import resolved
from ncfcheck.theory.early.variations import predicted

# Rungs of the ladder of steps: enough for slopes, and for ratios, that neighbours agree on.
SLOPE_RUNGS, RATIO_RUNGS = 5, 4
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
    return resolved(partial(order_of, claimed=instance.network.order - 2), instance)


def order_of(instance, claimed: float) -> Margin:
    """¼ − |slope − claimed order|, for the worse of directions and relative arrival times."""
    return slopes(Descents(instance).departures(SLOPE_RUNGS), instance.network.order - 2, claimed)


def slopes(found: Departures, order: float, claimed: float) -> Margin:
    """The worse margin of the slopes of both sizes, over δ: log H is `order` times log δ."""
    parts = [settled_slope(found, column, order, claimed) for column in range(2)]
    settled = [part for part in parts if part.error < SETTLED_SLOPE]
    if not settled:
        raise Unresolved("the slopes do not settle: no step is both resolved and asymptotic")
    return worst(settled)


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
    found = descents.departures(RATIO_RUNGS)
    direction, delay, accuracy = predicted(instance, found.reference, descents.force)
    stronger, late = (1 + memory) / (1 - memory), memory / (1 - memory) / descents.time
    times = np.array([stronger * delay + late])
    settled = [
        part
        for part in (
            settled_ratio(
                found.directions,
                stronger * direction,
                found.powers,
                found.floor[0],
                stronger * accuracy[0],
            ),
            settled_ratio(
                found.delays[:, None], times, found.powers, found.floor[1], stronger * accuracy[1]
            ),
        )
        if part.error < SETTLED_CONSTANT
    ]
    if not settled:
        raise Unresolved("the ratios to h do not settle: no step is both resolved and asymptotic")
    return worst(settled)
