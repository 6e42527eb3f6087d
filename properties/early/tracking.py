"""The loss flow follows the NCF flow to order δ^D, with constants by linearisation (theory §4)."""

from __future__ import annotations

from functools import partial

import numpy as np

from ncfcheck.core.claims import THEOREM, Margin, Unresolved, claim, worst
from ncfcheck.model.ncf import norm
from ncfcheck.properties.early import exact
from ncfcheck.properties.hypotheses import (
    EARLY,
    LIPSCHITZ,
    POSITIVE_LIMIT,
    SMALL_START,
    TRUE_LABELS,
)
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.tracking import Departures, departures, predicted
from ncfcheck.theory.early.training import resolved

# A predicted constant is met when the ratio at the best rung is within this share of it.
AGREEMENT = 0.05
# Rungs of the ladder of δ^D: enough for three pairs of neighbouring slopes; for a ratio to settle.
SLOPE_RUNGS, RATIO_RUNGS = 7, 4
# Rungs count as settled below these errors: of slopes, and of constants in units of AGREEMENT.
SETTLED_SLOPE, SETTLED_CONSTANT = 0.2, 0.5


@claim(
    "early.tracking_order",
    kind=THEOREM,
    needs=EARLY,
    reference="§4",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=(LIPSCHITZ, TRUE_LABELS, POSITIVE_LIMIT, SMALL_START),
    prove=exact.tracking_order,
)
def tracking_order(instance) -> Margin:
    """Loss flow and NCF flow differ by Θ(δ^D) where each norm first reaches 2: log error over log δ
    has slope → D; by o(δ^D) where ℓ''(0)·H vanishes all along.
    """
    return tracking_slope(instance, instance.network.order)


def tracking_slope(instance, claimed: int) -> Margin:
    """¼ − |slope − claimed order|, for the worse of directions and relative arrival times."""
    return resolved(partial(_order, claimed=claimed), instance)


def _order(instance, claimed: int) -> Margin:
    found, order = departures(instance, SLOPE_RUNGS), instance.network.order
    if found.outputs is not None:
        return _one_sided(found)
    parts = [settled_slope(found, column, order, claimed) for column in range(2)]
    # Either may be too small to resolve: with a single sample, say, the directions agree exactly.
    settled = [part for part in parts if part.error < SETTLED_SLOPE]
    if not settled:
        raise Unresolved("the slopes do not settle: no δ is both resolved and asymptotic")
    return worst(settled)


def _one_sided(found: Departures) -> Margin:
    """1 − departure/|ŷ| on the first rung, for the worse of directions and times: without a second
    order of the loss there is no constant to compare to, and no order that they have.
    """
    pairs = zip(found.sizes[0], found.floor)
    return worst(Margin(1 - size / found.outputs, floor / found.outputs) for size, floor in pairs)


def settled_slope(found: Departures, column: int, order: int, claimed: int) -> Margin:
    """Margin of the slope between neighbouring rungs, where it is best known.

    Its error is the difference to the slopes above and below on the ladder, and the floor's share
    of both errors: slopes that three pairs of rungs agree on are neither noise nor too far from the
    limit δ → 0.
    """
    errors, floor = found.sizes[:, column], found.floor[column]
    steps = np.diff(np.log(found.powers))
    slopes = order * np.diff(np.log(errors)) / steps
    noise = order * (floor / errors[:-1] + floor / errors[1:]) / np.abs(steps)
    settling = np.abs(np.diff(slopes))
    error = noise[1:-1] + np.maximum(settling[:-1], settling[1:])
    k = int(np.argmin(error))
    return Margin(float(0.25 - abs(slopes[k + 1] - claimed)), float(error[k]))


@claim(
    "early.tracking_constant",
    kind=THEOREM,
    needs=EARLY,
    reference="§4",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=(LIPSCHITZ, TRUE_LABELS, POSITIVE_LIMIT, SMALL_START),
    prove=exact.tracking_constant,
)
def tracking_constant(instance) -> Margin:
    """Where each norm first reaches 2, directions differ by δ^D E/2 and arrival times by the share
    δ^D τ/T, to first order.

    s(t) = u(t) + δ^D e(t) + O(δ^{2D}) with ė = ∇²N(u)e − Jᵀ(ℓ''(0)·H(X; u)), e(0) = 0; τ =
    −⟨e,u⟩/⟨u̇,u⟩, E = e + u̇τ.
    """
    return resolved(_constant, instance)


def _constant(instance) -> Margin:
    found = departures(instance, RATIO_RUNGS)
    if found.outputs is not None:
        return _one_sided(found)
    direction, delay, accuracy = predicted(instance, found.reference)
    parts = [
        settled_ratio(found.directions, direction, found.powers, found.floor[0], accuracy[0]),
        settled_ratio(
            found.delays[:, None], np.array([delay]), found.powers, found.floor[1], accuracy[1]
        ),
    ]
    settled = [part for part in parts if part.error < SETTLED_CONSTANT]
    if not settled:
        raise Unresolved("the ratios to δ^D do not settle: no δ is both resolved and asymptotic")
    return worst(settled)


def settled_ratio(
    differences: np.ndarray, constant: np.ndarray, powers: np.ndarray, floor: float, accuracy: float
) -> Margin:
    """1 − |difference/δ^D − constant|/(AGREEMENT·|constant|) at the rung where the ratio is best
    known.

    `differences` (m, …), one row a rung. The error: how far the ratio is from the one a rung up,
    which bounds what is left of O(δ^D); the floor's share; and the accuracy of the constant.
    """
    size = norm(constant) + 1e-300
    ratios = differences / powers[:, None]
    deviations = np.linalg.norm(ratios[1:] - constant, axis=1) / size
    settling = np.linalg.norm(np.diff(ratios, axis=0), axis=1)
    error = (settling + floor / powers[1:] + accuracy) / size
    k = int(np.argmin(error))
    return Margin(float(1 - deviations[k] / AGREEMENT), float(error[k] / AGREEMENT))
