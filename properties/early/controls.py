"""Claims about early training that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

from functools import partial

import numpy as np

from ncfcheck.certify.certificate import asked
from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, Unresolved, claim
from ncfcheck.core.needs import Need
from ncfcheck.model.losses import Loss
from ncfcheck.properties.early import exact_controls
from ncfcheck.properties.early.margins import (
    NOT_GROWN,
    SLACK,
    aligned,
    both_ways,
    collapsed,
    delta_changing,
    departures,
    judged,
    large,
    misalignment,
    negative_limit,
    other_limits,
    set_aside,
    slope,
    smallest,
    time_to_shrink,
)
from ncfcheck.properties.hypotheses import (
    EARLY,
    FLOW_LIMIT,
    NONPOSITIVE_LIMIT,
    POSITIVE_LIMIT,
    SMALL_START,
)
from ncfcheck.strategies.choices import just
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.training import conditioned_window, ladder, log_forcing
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow, norm_reaches, time_reaches
from ncfcheck.theory.kkt.points import flow_limit, positive_limit


@claim(
    "control.large_init",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    refute=exact_controls.large_init,
    given=instances(),
    drops=SMALL_START,
    of=("early.direction_aligns",),
)
def large_init(instance) -> Margin:
    """⟨w, u*⟩/‖w‖ ≥ 1 − ε − ε/100 at t = T_ε/δ^{D−2}, for a large δ: δR_ε ≥ 3."""
    found = conditioned_window(instance)
    delta, until = large(instance, found, 10.0), time_reaches(found.time)
    return judged(instance, delta, until, partial(aligned, found=found))


@claim(
    "control.large_init_escape",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    refute=exact_controls.large_init_escape,
    given=instances(),
    drops=SMALL_START,
    of=("early.alignment_before_escape",),
)
def large_init_escape(instance) -> Margin:
    """Where ‖w‖ first reaches R_ε δ the direction is within 1.01 ε of u*, for a large δ: the loss
    turns the gradient around.
    """
    found = conditioned_window(instance)
    if found.radius < 1.01:
        raise Inapplicable(NOT_GROWN)
    delta = delta_changing(instance, 10.0, found.log_forcing)

    def judge(flow) -> Margin:
        if flow.stop is not Stop.ESCAPED:
            raise Inapplicable("the norm never reaches R_ε δ")
        return aligned(flow, found)

    return judged(instance, delta, norm_reaches(found.radius), judge)


# Flows of a large δ that end in time: those of higher orders, and of others, seldom do.
SATURATING, LOW = (Loss.SQUARE, Loss.LOGISTIC, Loss.EXPONENTIAL), 8


def is_of_low_order(instance) -> bool:
    """Whether D is at most LOW."""
    return instance.network.order <= LOW


@claim(
    "control.large_init_tracking",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    refute=exact_controls.large_init_tracking,
    given=instances(losses=SATURATING).assuming(is_of_low_order),
    drops=SMALL_START,
    of=("early.tracking_order", "early.tracking_constant"),
)
def large_init_tracking(instance) -> Margin:
    """For a large δ too ‖w‖ reaches 2δ, so that arrival times, like directions, differ by a finite
    multiple of δ^D.
    """
    positive_limit(instance.ncf, instance.start, instance.numerics)
    reference = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    if reference.stop is not Stop.ESCAPED:
        raise Unresolved(f"NCF flow to norm 2: {reference.stop.value}")
    delta = max(3.0, delta_changing(instance, 10.0, log_forcing(instance, reference)))
    return judged(instance, delta, norm_reaches(2.0), partial(_doubled, slack=SLACK))


def _doubled(flow, slack: float = 0.0) -> Margin:
    """max ‖s‖/2 − 1, and a slack."""
    return Margin(float(np.exp(flow.log_norm.max())) / 2 - 1 + slack, SLACK / 2)


@claim(
    "control.large_init_collapse",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    refute=exact_controls.large_init_collapse,
    given=instances(starts=("negative-kkt",), powers=just((1, 1))),
    drops=SMALL_START,
    of=("early.collapse",),
)
def large_init_collapse(instance) -> Margin:
    """‖w(T/δ^{D−2})‖ ≤ 2δε for a large δ, T the time at which the NCF flow from a negative KKT
    point has shrunk to ε = 0.01.
    """
    limit, epsilon = negative_limit(instance), 0.01
    delta = delta_changing(instance, 10.0, log_forcing(instance, limit.trajectory, 1))
    time = time_to_shrink(instance, limit.point, epsilon)
    return judged(instance, delta, time_reaches(time), partial(collapsed, epsilon=epsilon))


@claim(
    "control.order",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    scale_free=True,
    refute=exact_controls.order,
    given=instances(),
    of=("early.tracking_order",),
)
def order(instance) -> Margin:
    """The loss flow departs from the NCF flow to order δ^{D+1}: log departure over log δ has slope
    D + 1, to within ¼.
    """
    powers, sizes = departures(instance, instance, (1e-3, 1e-4))
    return Margin(0.25 - abs(slope(instance, powers, sizes) - (instance.network.order + 1)), 0.1)


@claim(
    "control.no_escape",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=asked,
    given=instances(starts=("closing",), labels=("one-signed",)),
    drops=POSITIVE_LIMIT,
    of=("early.alignment_before_escape", "early.tracking_order", "early.tracking_constant"),
)
def no_escape(instance) -> Margin:
    """‖w‖ reaches 2δ also where the NCF flow tends to a zero KKT point: what is said about that
    moment makes sense.
    """
    limit = flow_limit(instance.ncf, instance.start, instance.numerics)
    if limit.point.multiplier:
        raise Inapplicable("the NCF flow does not tend to a zero KKT point")
    delta = next(ladder(instance, log_forcing(instance, limit.trajectory, 1)))
    return judged(instance, delta, time_reaches(float(limit.trajectory.time[-1])), _doubled)


@claim(
    "control.positive_collapse",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    scale_free=True,
    refute=exact_controls.positive_collapse,
    given=instances(),
    drops=NONPOSITIVE_LIMIT,
    of=("early.collapse",),
)
def positive_collapse(instance) -> Margin:
    """‖w(T_ε/δ^{D−2})‖ ≤ 2δε where the NCF flow tends to a positive KKT point."""
    found = conditioned_window(instance)
    until, judge = time_reaches(found.time), partial(collapsed, epsilon=found.epsilon)
    return judged(instance, smallest(instance, found), until, judge)


@claim(
    "control.initial_direction",
    kind=CONTROL,
    needs=(*EARLY, Need.LINEAR_GROUP),
    reference="§7",
    scale_free=True,
    refute=exact_controls.initial_direction,
    given=instances(starts=("negative-kkt",)),
    drops=FLOW_LIMIT,
    of=("early.direction_aligns",),
)
def initial_direction(instance) -> Margin:
    """w aligns to within 0.1 with the KKT point nearest v_0, here a negative one at a distance of
    about 0.02, by T_ε/δ^{D−2}.
    """
    near = instance.start
    if instance.ncf.value(near) >= 0 or not instance.ncf.residual(near) <= 1e-6:
        raise Inapplicable("no negative KKT point was found")
    instance = set_aside(instance)
    found = conditioned_window(instance)

    def judge(flow) -> Margin:
        return Margin(1 - misalignment(flow, near) / 0.1, SLACK)

    return judged(instance, smallest(instance, found), time_reaches(found.time), judge)


@claim(
    "control.global",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=exact_controls.global_maximiser,
    given=instances(),
    drops=FLOW_LIMIT,
    of=("early.direction_aligns", "early.alignment_before_escape"),
)
def global_maximiser(instance) -> Margin:
    """w aligns with the global maximiser of N: N(v) ≥ 0.99 max N, which flows from other starts
    bound from below.
    """
    ncf, found = instance.ncf, conditioned_window(instance)
    best = max(point.value for point in (found.limit.point, *other_limits(instance)))

    def judge(flow) -> Margin:
        return Margin(ncf.value(flow.direction) / best - 0.9, SLACK)

    return both_ways(instance, found, judge)
