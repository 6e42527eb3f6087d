"""Weight decay: the direction stays on the NCF flow's path, escape has a threshold (§12)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import THEOREM, Margin, claim, worst
from ncfcheck.properties.descent.theorems import HYPOTHESES, slopes
from ncfcheck.properties.hypotheses import (
    EARLY,
    LIPSCHITZ,
    POSITIVE_LIMIT,
    SMALL_START,
    STRONG_DECAY,
    SUPERQUADRATIC,
    TRUE_LABELS,
    WEAK_DECAY,
)
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.descent.decay import Fate, fate
from ncfcheck.theory.descent.ladders import Decayed
from ncfcheck.theory.early.training import aligning, log_forcing, resolved
from ncfcheck.theory.kkt.points import Inertia, Limit, blowup_time

# The share of its path that decay leaves to the part looked at, at most.
PATH = 0.9
# How far from μ_c decays are taken, relative to it; and the norm to escape to, in units of δ.
GAP, ESCAPED = 0.02, 1e4
# Relative change of the gradient by the loss at that norm, at u*; before ‖s‖ is 10, at most.
BENT, UNBENT = 0.1, 1e-6
# Local errors of flows with decay, fine and coarse.
TOLERANCES = 1e-6, 1e-5


@claim(
    "descent.decay_path",
    kind=THEOREM,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=HYPOTHESES,
)
def decay_path(instance) -> Margin:
    """Descent with weight decay μ goes along the NCF flow's own path, to order δ^{D−2}: at time t
    it is near e^{−μt} u(τ), τ = (1 − e^{−μ(D−2)t})/(μ(D−2)), in direction and norm.

    All at the t at which u(τ) reaches ρ; μ such that this τ is a share 1 − ε-share of 1/(μ(D−2)),
    up to which the path is gone along, nine tenths at most.
    """
    return resolved(_path, instance)


def _path(instance) -> Margin:
    decayed = Decayed(instance, min(PATH, 1 - instance.fraction))
    return slopes(decayed, instance.network.order - 2)


@claim(
    "descent.decay_threshold",
    kind=THEOREM,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=(
        SUPERQUADRATIC,
        LIPSCHITZ,
        TRUE_LABELS,
        POSITIVE_LIMIT,
        SMALL_START,
        WEAK_DECAY,
        STRONG_DECAY,
    ),
)
def decay_threshold(instance) -> Margin:
    """With weight decay μ the NCF flow escapes from the origin for μ = 0.98 μ_c and does not for
    1.02 μ_c, where μ_c = δ^{D−2}/((D−2)T*), T* its blow-up time.

    As δ → 0 the loss flow does the same, if the NCF's limit is a strict maximum, nondegenerate.
    """
    return resolved(_threshold, instance)


def _threshold(instance) -> Margin:
    limit, sides = aligning(instance), ((1 - GAP, 1.0), (1 + GAP, -1.0))
    # Of the loss, where the limit is approached at a rate.
    both = (False, True) if limit.point.inertia is Inertia.MAXIMUM else (False,)
    return worst(
        escape(instance, share, trained, sign) for trained in both for share, sign in sides
    )


def escape(instance, share: float, trained: bool = False, sign: float = 1.0) -> Margin:
    """How surely a flow with decay μ = share · μ_c escapes, or, for sign −1, does not.

    Of one that does, what is left of e^{−μ(D−2)t} then, in units of GAP: of the NCF's, exactly (1 −
    share)/GAP; of one that does not, what log r lacks. `trained`: of the loss, not of the NCF.
    """
    order, limit = instance.network.order, aligning(instance)
    time, optimum = blowup_time(instance.ncf, instance.start, instance.numerics)
    decay = share / ((order - 2) * time.value)
    log_delta, log_radius = _scale(instance, limit) if trained else (None, math.log(ESCAPED))
    told = log_delta, decay, log_radius, optimum.value
    fine, coarse = (_surely(fate(instance, *told, each)) for each in TOLERANCES)
    error = abs(fine - coarse) + time.error / time.value / GAP
    return Margin(sign * fine, error)


def _surely(found: Fate) -> float:
    return found.left / GAP if found.is_escaped else found.short


def _scale(instance, limit: Limit) -> tuple[float, float]:
    """log δ, and the log of the norm to escape to in units of δ: one at which the loss changes the
    gradient by BENT at u*, so that its flow without decay gets there; δ so small that this is
    ESCAPED or more, and the loss changes nothing much before ‖s‖ is 10.
    """
    order, flow = instance.network.order, limit.trajectory
    early = int(np.count_nonzero(flow.log_norm <= math.log(10)))
    # Its last row is next to u*.
    end = replace(flow, directions=flow.directions[-1:], log_norm=np.zeros(1))
    reach = (math.log(BENT) - log_forcing(instance, end)) / order
    log_delta = (math.log(UNBENT) - log_forcing(instance, flow, max(early, 1))) / order
    log_delta = min(log_delta, reach - math.log(ESCAPED))
    return log_delta, reach - log_delta
