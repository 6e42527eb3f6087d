"""Early training from small initialization follows the NCF: norms, directions, collapse (§4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, Outcome, Unresolved, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import LOOSER
from ncfcheck.model.instance import Instance
from ncfcheck.properties.early import exact
from ncfcheck.properties.early.margins import VANISHING, grown_window, shrinking, time_to_shrink
from ncfcheck.properties.hypotheses import (
    EARLY,
    FLOW_LIMIT,
    HOMOGENEOUS,
    LIPSCHITZ,
    NONPOSITIVE_LIMIT,
    POSITIVE_LIMIT,
    SMALL_START,
    SUPERQUADRATIC,
    TRUE_LABELS,
)
from ncfcheck.strategies.instances import collapsing, instances
from ncfcheck.theory.early.training import (
    NEGLIGIBLE,
    Window,
    conditioned_window,
    follow,
    follow_ahead,
    ladder,
    log_forcing,
    looser,
    resolved,
)
from ncfcheck.theory.flow.trajectories import (
    Event,
    Trajectory,
    noise,
    norm_reaches,
    time_reaches,
)
from ncfcheck.theory.kkt.points import Limit, flow_limit

# Times what runs differ by they may be off: errors do not fall like tolerances where samples change
# sides, and agree by chance.
BY_CHANCE = 4.0
HYPOTHESES = (HOMOGENEOUS, SUPERQUADRATIC, LIPSCHITZ, TRUE_LABELS, POSITIVE_LIMIT, SMALL_START)


class _Setting(NamedTuple):
    """What is looked at, excess(flow at the event), and what it is known to.

    `condition`: what a relative change of the gradient all along the flow changes the excess by;
    `own`: what the excess of an exact flow may be off by.
    """

    excess: Callable[[Trajectory], float]
    until: Event
    condition: float
    own: float = 0.0
    in_the_limit: float = 0.0


def _vanishes(instance, setting: Callable[[Instance], _Setting], deltas) -> Margin:
    """Margin of excess(flow at the event) ≤ o(1): under VANISHING on two rungs in turn, or last.

    Flows at a tighter tolerance have a setting of their own: errors of T_ε are shared by loss flows
    that take the same steps only.
    """
    parts, first = [], [*islice(deltas, 2)]
    tightened = replace(instance, numerics=instance.numerics.tightened())
    asked = [(delta, loosened) for delta in first for loosened in (1.0, LOOSER)]
    asked += [(_negligible(instance), LOOSER**2)]
    own, anew = setting(instance), partial(_anew, setting)
    follow_ahead(instance, asked, own.until)
    for delta in chain(first, deltas):
        part = _within(instance, delta, *own, anew)
        if part.outcome is Outcome.UNRESOLVED:
            part = _within(tightened, delta, *setting(tightened), anew)
        parts = [*parts, part][-2:]
        if len(parts) == 2 and all(part.outcome is Outcome.HOLDS for part in parts):
            break
    return worst(parts)


def _within(instance, delta: float, excess, until, condition, own, in_the_limit, anew) -> Margin:
    """VANISHING − excess at one δ.

    The integrators' share of the error: a second, looser run, to the same end and to its own, and
    one looser still at a δ so small that the loss flow is the NCF flow, where the excess is known.
    Rounding of the gradient, much where data cancel, is as good as a local error of its size, and
    adds up along the way.
    """
    flow = follow(instance, delta, until)
    value, lost = excess(flow), noise(instance.ncf, flow)
    coarse = excess(follow(instance, delta, until, LOOSER))
    coarsest = excess(follow(instance, _negligible(instance), until, LOOSER**2))
    integrated = max(abs(value - coarse), abs(value - anew(instance, delta)))
    integrated = BY_CHANCE * (integrated + abs(coarsest - in_the_limit) / LOOSER)
    error = integrated * (1 + lost / instance.numerics.tolerance) + condition * lost + own + 1e-9
    return Margin(VANISHING - value, error)


def _anew(setting: Callable[[Instance], _Setting], instance, delta: float) -> float:
    """The excess at one δ with all that it goes by, T_ε and R_ε too, at a looser tolerance."""
    again = looser(instance)
    try:
        found = setting(again)
    except Inapplicable as reason:  # as past a saddle
        raise Unresolved(f"at a looser tolerance {reason}") from reason
    return found.excess(follow(again, delta, found.until))


def _negligible(instance) -> float:
    """A δ at which the loss flow is the NCF flow."""
    return NEGLIGIBLE ** (1 / instance.network.order)


@claim(
    "early.norm_stays_small",
    kind=THEOREM,
    needs=EARLY,
    reference="§4",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=HYPOTHESES,
    prove=exact.norm_stays_small,
)
def norm_stays_small(instance) -> Margin:
    """‖w(t)‖ ≤ (1 + o(1)) R_ε δ for all t ≤ T_ε/δ^{D−2}, down a ladder of δ."""
    return resolved(partial(at_fixed_time, excess=overshoot), instance)


@claim(
    "early.direction_aligns",
    kind=THEOREM,
    needs=EARLY,
    reference="§4",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=(*HYPOTHESES, FLOW_LIMIT),
    prove=exact.direction_aligns,
)
def direction_aligns(instance) -> Margin:
    """⟨w, u*⟩/‖w‖ ≥ 1 − ε − o(1) at t = T_ε/δ^{D−2}, down a ladder of δ."""
    return resolved(partial(at_fixed_time, excess=lag), instance)


@claim(
    "early.alignment_before_escape",
    kind=THEOREM,
    needs=EARLY,
    reference="§4",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=(*HYPOTHESES, FLOW_LIMIT),
    prove=exact.alignment_before_escape,
)
def alignment_before_escape(instance) -> Margin:
    """When ‖w‖ first reaches R_ε δ, the direction is within ε + o(1) of u*, down a ladder of δ."""
    return resolved(before_escape, instance)


def before_escape(instance) -> Margin:
    """Margin of (1 − ⟨v, u*⟩ − ε)/ε ≤ o(1) where ‖w‖ first reaches R_ε δ."""
    found = grown_window(instance)

    def setting(instance) -> _Setting:
        found = grown_window(instance)
        excess, until = partial(lag, found=found), norm_reaches(found.radius)
        return _Setting(excess, until, _turning(found), found.rounding)

    return _vanishes(instance, setting, ladder(instance, found.log_forcing, found.radius))


def at_fixed_time(instance, excess) -> Margin:
    """Margin of excess(loss flow, window) ≤ o(1) at t = T_ε/δ^{D−2}."""
    found = conditioned_window(instance)
    deltas = ladder(instance, found.log_forcing, found.radius, found.condition)

    def setting(instance) -> _Setting:
        found = conditioned_window(instance)
        # d log r = condition · d log t, and near a maximum misalignments fall like r^-4 at most.
        condition = 4 * found.condition + _turning(found)
        own = found.rounding if excess is lag else 0.0
        return _Setting(partial(excess, found=found), time_reaches(found.time), condition, own)

    return _vanishes(instance, setting, deltas)


def _turning(found: Window) -> float:
    """What a relative change of the gradient all along a window's flow changes (1 − ⟨v, u*⟩)/ε by:
    v turns by its share of the way.
    """
    return found.flow.sigma[-1] * math.sqrt(2 / found.epsilon)


def overshoot(flow: Trajectory, found) -> float:
    """max ‖s‖/R_ε − 1."""
    return float(np.exp(flow.log_norm.max()) / found.radius - 1)


def lag(flow: Trajectory, found) -> float:
    """(1 − ⟨v, u*⟩ − ε)/ε."""
    # ½‖v − u*‖² is 1 − ⟨v, u*⟩ without cancellation.
    return float(0.5 * np.sum((flow.direction - found.limit.point.u) ** 2) / found.epsilon - 1)


@claim(
    "early.collapse",
    kind=THEOREM,
    needs=(*EARLY, Need.LINEAR_GROUP),
    reference="§4",
    scale_free=True,
    given=collapsing(models="any", needs=(*EARLY, Need.LINEAR_GROUP)),
    hypotheses=(
        HOMOGENEOUS,
        SUPERQUADRATIC,
        LIPSCHITZ,
        TRUE_LABELS,
        NONPOSITIVE_LIMIT,
        SMALL_START,
    ),
    covers=(("limit", "negative"), ("limit", "zero")),
    prove=exact.collapse,
)
def collapse(instance) -> Margin:
    """If the NCF flow tends to a negative or zero KKT point, w shrinks or nears a non-negative KKT
    point.

    Negative: ‖w(T/δ^{D−2})‖ ≤ 2δε, T the time at which the NCF flow has shrunk to ε. Zero: the
    direction is within ε of it.
    """
    limit = flow_limit(instance.ncf, instance.start, instance.numerics)
    if limit.point.value > instance.ncf.rounding(limit.point.u)[0]:
        raise Inapplicable("the NCF flow tends to a positive KKT point")
    return _shrinks(instance) if limit.point.multiplier else _stays_near(instance, limit)


def _shrinks(instance) -> Margin:
    """2 − ‖s(T)‖/ε, loss flow from a negative KKT point; at T the NCF flow has shrunk to ε."""
    limit = flow_limit(instance.ncf, instance.start, instance.numerics)
    epsilon, condition = shrinking(instance, limit)
    forcing = log_forcing(instance, limit.trajectory, 1)
    deltas = ladder(instance, forcing, condition=condition)

    def excess(flow: Trajectory) -> float:
        return (flow.norm / epsilon - 1) * VANISHING

    def setting(each) -> _Setting:
        point = flow_limit(each.ncf, each.start, each.numerics).point
        time = time_to_shrink(each, point, epsilon)
        return _Setting(excess, time_reaches(time), condition * VANISHING)

    return _vanishes(instance, setting, deltas)


def _stays_near(instance, limit: Limit) -> Margin:
    """The loss flow's direction near the zero KKT point, when the NCF's ‖∇N‖ is a hundredth."""
    flow, (u, _) = limit.trajectory, limit.end
    k = int(np.argmax(flow.gradient_norm <= 1e-2 * flow.gradient_norm[0]))
    epsilon = max(float(np.sum((flow.directions[k] - u) ** 2)), 1e-2)

    def setting(each) -> _Setting:
        end, off = flow_limit(each.ncf, each.start, each.numerics).end
        share = off / math.sqrt(epsilon)

        def excess(v: np.ndarray) -> float:
            """Half of what is allowed is the NCF flow's own distance."""
            return float(0.5 * np.sum((v - end) ** 2) / epsilon) * VANISHING

        return _Setting(
            lambda flow: excess(flow.direction),
            time_reaches(float(flow.time[k])),
            VANISHING * float(flow.sigma[k]) * math.sqrt(2 / epsilon),
            VANISHING * 2 * share * (1 + share),
            excess(flow.directions[k]),
        )

    largest = float(np.exp(flow.log_norm[: k + 1].max()))
    deltas = ladder(instance, log_forcing(instance, flow, k + 1), largest)
    return _vanishes(instance, setting, deltas)
