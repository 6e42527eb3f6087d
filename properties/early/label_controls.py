"""False claims about early training: on other labels than the NCF's (theory §7)."""

from __future__ import annotations

from functools import partial

from ncfcheck.core.claims import CONTROL, Margin, claim
from ncfcheck.core.needs import Need
from ncfcheck.model.losses import Loss
from ncfcheck.properties.early import exact_controls
from ncfcheck.properties.early.margins import (
    SHALLOW,
    aligned,
    both_ways,
    collapsed,
    contained,
    follows,
    judged,
    mirrored,
    negative_limit,
    smallest,
)
from ncfcheck.properties.homogeneity.labels import mislabelled, relabelled
from ncfcheck.properties.hypotheses import EARLY, TRUE_LABELS
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.training import conditioned_window
from ncfcheck.theory.flow.trajectories import norm_reaches, time_reaches

SIGNED = tuple(each for each in Loss if each.labels.fewest == 1)  # whose labels may be negated


@claim(
    "control.wrong_target",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    scale_free=True,
    refute=exact_controls.wrong_target,
    given=instances(),
    drops=TRUE_LABELS,
    of=("early.direction_aligns", "early.alignment_before_escape"),
)
def wrong_target(instance) -> Margin:
    """Trained on shuffled labels, w aligns with u* of the labels as they were, by T_ε/δ^{D−2} or
    where ‖w‖ reaches R_ε δ.
    """
    trained, found = mislabelled(instance), conditioned_window(instance)
    return both_ways(trained, found, partial(aligned, found=found))


@claim(
    "control.wrong_norm",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    scale_free=True,
    refute=exact_controls.wrong_norm,
    given=instances(losses=(Loss.SQUARE,)),
    drops=TRUE_LABELS,
    of=("early.norm_stays_small",),
)
def wrong_norm(instance) -> Margin:
    """Trained on labels ten times as large, ‖w(t)‖ ≤ 1.01 R_ε δ for t ≤ T_ε/δ^{D−2} with R_ε, T_ε
    of the labels as they were.
    """
    found, trained = conditioned_window(instance), relabelled(instance, 10 * instance.problem.y)
    until, judge = norm_reaches(2 * found.radius), partial(contained, found=found)
    return judged(trained, smallest(instance, found), until, judge)


@claim(
    "control.wrong_labels_tracking",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    scale_free=True,
    refute=exact_controls.wrong_labels_tracking,
    given=instances(),
    drops=TRUE_LABELS,
    of=("early.tracking_order", "early.tracking_constant"),
)
def wrong_labels_tracking(instance) -> Margin:
    """Trained on shuffled labels, w departs from the NCF flow of the true labels to order δ^D, or
    by a multiple of it.
    """
    return follows(instance, mislabelled(instance))


@claim(
    "control.wrong_labels_collapse",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    refute=exact_controls.wrong_labels_collapse,
    given=instances(starts=("negative-kkt",), powers=SHALLOW, losses=SIGNED),
    drops=TRUE_LABELS,
    of=("early.collapse",),
)
def wrong_labels_collapse(instance) -> Margin:
    """Trained on labels of the opposite sign, ‖w(T/δ^{D−2})‖ ≤ 2δε, T the time at which the NCF
    flow has shrunk to ε.

    The NCF flow is that of the labels as they were, from a negative KKT point.
    """
    limit, order = negative_limit(instance), instance.network.order
    # Nine tenths of the time T* in which the flow of −N blows up.
    time, epsilon = 0.9 / (order * (order - 2) * -limit.point.value), 1.9 ** (-1 / (order - 2))
    trained = relabelled(instance, -instance.problem.y)
    delta = mirrored(instance, limit)
    return judged(trained, delta, time_reaches(time), partial(collapsed, epsilon=epsilon))
