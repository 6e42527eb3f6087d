"""Stochastic descent: with replacement, √h by the Lyapunov equation; without, O(h) (§12)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from scipy.stats import chi2

from ncfcheck.core.claims import (
    CONTROL,
    THEOREM,
    Inapplicable,
    Margin,
    Outcome,
    Unresolved,
    claim,
    worst,
)
from ncfcheck.core.needs import Need
from ncfcheck.properties.hypotheses import (
    EARLY,
    LIPSCHITZ,
    POSITIVE_LIMIT,
    REPLACED,
    SHUFFLED,
    SMALL_START,
    TRUE_LABELS,
)
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.descent.ladders import Descents, is_too_long
from ncfcheck.theory.descent.rules import stochastic
from ncfcheck.theory.descent.spread import spread
from ncfcheck.theory.early.tracking import difference
from ncfcheck.theory.early.training import aligning

# Runs for a mean square: more where fewer leave it undecided. And for each of two root mean squares
# that a slope is taken between, with the steps to norm ρ, at least, of the longer ones.
RUNS, FEW, SLOPES = (200, 800), (60,), ((24, 30), (48, 120))
# Root mean square departures that steps are chosen for, and the share of all runs that may be lost.
MODERATE, LOST = 0.08, 0.01
# How far a mean square may be from what is predicted, relative to that.
WITHIN = 0.5
# Chance that an interval misses the truth, on either side.
CHANCE = 1e-3
# Standard errors of a logarithm that are as good as certain.
CERTAIN = 4.0
# Steps to norm ρ, at least; how much shorter those of the second root mean square are, and the
# least slope of what is O(h): that of noise drawn anew is a half.
FEWEST, SHORTER, LEAST = 60, 32.0, 0.75
# Weights and samples at most: noise is told by matrices, and many runs are made.
WEIGHTS, SAMPLES = 36, 20


def is_small(instance) -> bool:
    """Whether there are few weights and samples."""
    return instance.network.size <= WEIGHTS and len(instance.problem.X) <= SAMPLES


# Where gradients of samples do not cancel, which would be noise and nothing else.
NOISY = instances(
    powers=((2,), (3,)),
    outputs=(1,),
    labels=("one-signed", "teacher"),
    starts=("gaussian", "balanced"),
).assuming(is_small)
HYPOTHESES = (LIPSCHITZ, TRUE_LABELS, POSITIVE_LIMIT, SMALL_START)


def _aligning(instance):
    """The instance from further along the NCF flow, where N(v) is half of N*: long ways there, past
    saddles, take many steps and much noise.
    """
    limit = aligning(instance)
    late = int(np.argmax(limit.trajectory.value >= 0.5 * limit.point.value))
    return replace(instance, start=limit.trajectory.directions[late])


def batch_of(instance) -> int:
    """b, a third of all samples, or one."""
    return max(1, len(instance.problem.X) // 3)


class Runs:
    """Departures of runs with different seeds from the NCF flow where norms first reach ρ: those of
    directions (m, P) and of relative arrival times (m,).
    """

    def __init__(self, descents: Descents, step: float, count: int, shuffled: bool):
        instance, found = descents.instance, []
        steps = descents.time / step
        if is_too_long(instance, count * steps):
            raise Unresolved("descents would take too many steps")
        first = 1000 * (instance.seeds or (0,))[-1]
        for seed in range(first, first + count):
            rule = stochastic(instance.network.size, step, batch_of(instance), seed, shuffled)
            try:
                flow = descents.along(rule, descents.delta, descents.until, steps)
            except Unresolved:
                continue
            found.append(difference(flow, descents.reference))
        if len(found) < (1 - LOST) * count:
            raise Unresolved("runs do not arrive: their noise is too large")
        self.turned = np.array([direction for direction, _ in found])
        self.late = np.array([[delay] for _, delay in found])


def mean_squares(instance, shuffled: bool = False, counts: Iterable[int] = RUNS) -> Margin:
    """WITHIN − |mean square/(h tr GPGᵀ) − 1| of departures about their mean, for the worse of
    directions and times.
    """
    descents = Descents(_aligning(instance))
    told = spread(descents.instance, descents.reference, batch_of(instance))
    least = max(told.turned.sum(), told.late)
    if not least * descents.time > 1e-9:
        raise Inapplicable("all batches have the same gradient: there is no noise")
    step = min(MODERATE**2 / least, descents.time / FEWEST, 0.1 / descents.steepness)

    def judge(count: int) -> Margin:
        runs, parts = Runs(descents, step, count, shuffled), []
        for found, variances in ((runs.turned, told.turned), (runs.late, np.array([told.late]))):
            if variances.sum() > 1e-6 * least:
                parts.append(_compared(found, step * variances))
        return worst(parts)

    return _decided(judge, counts)


def _decided(judge: Callable[..., Margin], looks: Iterable) -> Margin:
    """judge(look) for each in turn, up to the first that decides."""
    for look in looks:
        margin = judge(look)
        if margin.outcome is not Outcome.UNRESOLVED:
            break
    return margin


def _compared(found: np.ndarray, variances: np.ndarray) -> Margin:
    """The margin of the mean of |each − mean|² against the sum of variances (k,).

    Its error: how far the mean of so many weighted χ² may be off by chance, by the χ² of as large a
    spread; and what is not linear, about as large as the mean square itself.
    """
    predicted, count = variances.sum(), len(found) - 1
    ratio = float(((found - found.mean(axis=0)) ** 2).sum()) / count / predicted
    freedom = count * predicted**2 / (variances**2).sum()
    least, most = ratio * freedom / chi2.ppf([1 - CHANCE, CHANCE], freedom)
    return Margin(WITHIN - abs(ratio - 1), max(ratio - least, most - ratio) + 4 * predicted)


def slope_of_spread(instance, shuffled: bool = True, looks: Iterable = SLOPES) -> Margin:
    """How far the slope of log root mean square departure over log δ^{D−2} is above LEAST, between
    two δ, for the less of directions and times.
    """
    descents = Descents(_aligning(instance))
    return _decided(lambda look: _slope(descents, *look, shuffled), looks)


def _slope(descents: Descents, count: int, fewest: int, shuffled: bool) -> Margin:
    """The same of so many runs each, of so many epochs at least."""
    instance = descents.instance
    epoch = len(instance.problem.X) / batch_of(instance)
    longest = min(descents.time / fewest, 0.1 / descents.steepness) / epoch
    both = [Runs(descents, step, count, shuffled) for step in (longest, longest / SHORTER)]
    parts, across = [], math.log(SHORTER)
    for long, short in zip(*((each.turned, each.late) for each in both)):
        squares = [(found**2).sum(axis=1) for found in (long, short)]
        if math.sqrt(squares[1].mean()) < 1e3 * descents.lost.max():
            continue
        logs = [0.5 * math.log(each.mean()) for each in squares]
        chance = 0.5 * math.hypot(*(each.std() / each.mean() for each in squares))
        error = CERTAIN * chance / math.sqrt(count) / across
        parts.append(Margin((logs[0] - logs[1]) / across - LEAST, error))
    if not parts:
        raise Unresolved("departures are no more than what flows are known to")
    return worst(parts)


@claim(
    "descent.stochastic",
    kind=THEOREM,
    needs=(*EARLY, Need.LAYERED),
    reference="§12",
    scale_free=True,
    given=NOISY,
    hypotheses=(*HYPOTHESES, REPLACED),
)
def stochastic_spread(instance) -> Margin:
    """With gradients of b samples drawn with replacement, directions and arrival times where norms
    first reach ρ depart from the NCF flow by mean squares h tr GPGᵀ, to first order in h, about a
    mean that is O(h).

    Ṗ = AP + PAᵀ + Σ, P(0) = 0, A = ∇²N(u), Σ the covariance of a step's gradient; G takes e to E/ρ,
    or to τ/T, E = e + u̇τ, τ = −⟨e,u⟩/⟨u̇,u⟩. Over runs that arrive; to within a half.
    """
    return mean_squares(instance)


@claim(
    "descent.shuffled",
    kind=THEOREM,
    needs=(*EARLY, Need.LAYERED),
    reference="§12",
    scale_free=True,
    given=NOISY,
    hypotheses=(*HYPOTHESES, SHUFFLED),
)
def shuffled_order(instance) -> Margin:
    """Without replacement, permutation by permutation, root mean square departures are O(δ^{D−2}):
    between two δ they fall at least like δ^{¾(D−2)}, where noise drawn anew falls like δ^{(D−2)/2}.
    """
    return slope_of_spread(instance)


@claim(
    "control.shuffled_noise",
    kind=CONTROL,
    needs=(*EARLY, Need.LAYERED),
    reference="§12",
    scale_free=True,
    given=NOISY,
    drops=REPLACED,
    of=("descent.stochastic",),
)
def shuffled_noise(instance) -> Margin:
    """Without replacement too mean square departures are h tr GPGᵀ, to within a half."""
    return mean_squares(instance, shuffled=True, counts=FEW)


@claim(
    "control.replaced_noise",
    kind=CONTROL,
    needs=(*EARLY, Need.LAYERED),
    reference="§12",
    scale_free=True,
    given=NOISY,
    drops=SHUFFLED,
    of=("descent.shuffled",),
)
def replaced_noise(instance) -> Margin:
    """With replacement too root mean square departures fall at least like δ^{¾(D−2)}."""
    return slope_of_spread(instance, shuffled=False, looks=SLOPES[:1])
