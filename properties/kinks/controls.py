"""Claims about flows through kinks that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

import numpy as np

from ncfcheck.certify.certificate import asked
from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, claim
from ncfcheck.core.needs import Need
from ncfcheck.model.identities import value_at
from ncfcheck.properties.flow import controls as smooth
from ncfcheck.properties.flow import exact as smooth_exact
from ncfcheck.properties.flow.instances import convolved, every_balance
from ncfcheck.properties.flow.instances import kinked as one_kink
from ncfcheck.properties.flow.margins import bracket, conserved
from ncfcheck.properties.hypotheses import (
    LEAST_NORM,
    POSITIVE_LIMIT,
    SUPERQUADRATIC,
    UNIT_START,
    UNSHARED,
    WEIGHED,
)
from ncfcheck.properties.kinks import exact
from ncfcheck.properties.kinks.instances import CURVED, kinked, slopes_kept
from ncfcheck.properties.kinks.margins import rises
from ncfcheck.theory.flow.trajectories import ncf_flow
from ncfcheck.theory.kkt.clarke import clarke_error, clarke_residual
from ncfcheck.theory.kkt.points import positive_limit

KINKED = Need.LAYERED, Need.KINKS
FAR = 0.01  # a sin∠ beyond which no subgradient is parallel for sure


@claim(
    "control.kept_slopes",
    kind=CONTROL,
    refute=exact.kept_slopes,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=one_kink(attracting=True),
    drops=LEAST_NORM,
    of=("kinks.monotone",),
)
def kept_slopes(instance) -> Margin:
    """With the slopes of the side where it starts kept through kinks, too, N(v) never decreases
    and N(u) rises at the rate ‖u̇‖².
    """
    linear = slopes_kept(instance)
    return rises(instance, ncf_flow(linear.ncf, instance.start, instance.numerics))


@claim(
    "control.kept_limit",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=one_kink(attracting=True),
    drops=LEAST_NORM,
    of=("kinks.direction_converges", "kinks.multiplier", "kinks.extremal"),
)
def kept_limit(instance) -> Margin:
    """With the slopes of the side where it starts kept through kinks v(t) tends to a point with a
    Clarke subgradient parallel to it, too.
    """
    linear = slopes_kept(instance)
    u = positive_limit(linear.ncf, instance.start, instance.numerics).point.u
    error = clarke_error(instance.ncf, u) + instance.numerics.tolerance
    return Margin(1 - clarke_residual(instance.ncf, u) / FAR, error / FAR)


@claim(
    "control.kept_blowup",
    kind=CONTROL,
    needs=(*KINKED, Need.SUPERQUADRATIC),
    reference="§7",
    scale_free=True,
    given=one_kink(attracting=True),
    drops=LEAST_NORM,
    of=("kinks.blowup_bracket", "kinks.blowup_rate"),
)
def kept_blowup(instance) -> Margin:
    """With the slopes of the side where it starts kept through kinks, too, N* = lim N(v) bounds
    T* ≥ 1/(D(D−2)N*): from the limit in direction itself, where that is T*.
    """
    order, linear = instance.network.order, slopes_kept(instance)
    u = positive_limit(linear.ncf, instance.start, instance.numerics).point.u
    own, found = (value_at(each.ncf, u) for each in (instance, linear))
    if order == 2 or not own.is_positive:
        raise Inapplicable("D = 2, or N* ≤ 0")
    return (own / found - (1 - FAR)).margin()


@claim(
    "control.kinks_degree_two",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=kinked(((1,),)),
    drops=SUPERQUADRATIC,
    of=("kinks.blowup_bracket", "kinks.blowup_rate"),
)
def kinks_degree_two(instance) -> Margin:
    """At D = 2 too r → ∞ at a finite T*: a late doubling of the norm takes at most ¾ of the time of
    the one before (D > 2: ½).
    """
    return smooth.degree_two(instance)


@claim(
    "control.kinks_doubled_start",
    kind=CONTROL,
    refute=smooth_exact.doubled_start,
    needs=(*KINKED, Need.SUPERQUADRATIC),
    reference="§7",
    scale_free=True,
    given=kinked(CURVED),
    drops=UNIT_START,
    of=("kinks.blowup_bracket",),
)
def kinks_doubled_start(instance) -> Margin:
    """From ‖u(0)‖ = 2 too 1/(D(D−2)N*) ≤ T*, and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0."""
    return bracket(instance, initial_norm=2.0)


@claim(
    "control.kinks_no_blowup",
    kind=CONTROL,
    refute=smooth_exact.no_blowup,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=kinked(CURVED, starts=("negative-kkt",)),
    drops=POSITIVE_LIMIT,
    of=("kinks.blowup_bracket", "kinks.blowup_rate"),
)
def kinks_no_blowup(instance) -> Margin:
    """The norm blows up whatever the sign of N*, so that it grows where the flow has come close to
    its limit: ⟨∇N(v), v⟩ > 0.
    """
    return smooth.no_blowup(instance)


@claim(
    "control.kinks_shared",
    kind=CONTROL,
    refute=asked,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=kinked(only_dense=True, narrowest=2),
    drops=UNSHARED,
    of=("kinks.balance",),
)
def kinks_shared(instance) -> Margin:
    """‖row_j(W_l)‖² − p_l ‖col_j(W_{l+1})‖² is constant through kinks also where layers share
    weights.
    """
    return conserved(convolved(instance), every_balance)


@claim(
    "control.unweighed_balance",
    kind=CONTROL,
    refute=exact.unweighed_balance,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=kinked(CURVED[1:], shared=False, only_dense=True),
    drops=WEIGHED,
    of=("kinks.balance",),
)
def unweighed_balance(instance) -> Margin:
    """‖row_j(W_l)‖² − ‖col_j(W_{l+1})‖² is constant through kinks for every hidden neuron, whatever
    its p_l.
    """
    return conserved(instance, _unweighed)


def _unweighed(network, theta: np.ndarray) -> list[np.ndarray]:
    squares = [W**2 for W in network.matrices(theta)]
    return [low.sum(axis=1) - high.sum(axis=0) for low, high in zip(squares, squares[1:])]
