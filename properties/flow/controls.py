"""Claims about the flow of the NCF that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.certify.certificate import asked
from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, Unresolved, claim
from ncfcheck.core.needs import Need
from ncfcheck.model.ncf import norm, sine, unit
from ncfcheck.properties.flow import exact
from ncfcheck.properties.flow.instances import convolved, every_balance, kinked
from ncfcheck.properties.flow.margins import agreed, bracket, conserved
from ncfcheck.properties.hypotheses import (
    EARLY,
    LIPSCHITZ,
    POSITIVE_LIMIT,
    SUPERQUADRATIC,
    UNIT_START,
    UNSHARED,
)
from ncfcheck.strategies.choices import just
from ncfcheck.strategies.instances import collapsing, instances
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import flow_limit, positive_limit


@claim(
    "control.degree_two",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=exact.degree_two,
    given=instances(powers=just((1,))),
    drops=SUPERQUADRATIC,
    of=("flow.blowup_bracket", "flow.blowup_rate"),
)
def degree_two(instance) -> Margin:
    """At D = 2 too r → ∞ at a finite T*: a late doubling of the norm takes at most ¾ of the time of
    the one before (D > 2: ½).
    """
    positive_limit(instance.ncf, instance.start, instance.numerics)
    found = [_doublings(instance.ncf, instance.start, each) for each in instance.numerics.runs()]
    ratios = [later / earlier for earlier, later, _ in found]
    earlier, later, time = found[0]
    error = 1e3 * instance.numerics.tolerance * time / earlier + max(ratios) - min(ratios)
    return Margin(0.75 - later / earlier, error)


def _doublings(ncf, start, numerics) -> tuple[float, float, float]:
    """Times of two late doublings of the norm in turn, and all the time up to then."""
    times = []
    for doublings in (30, 31, 32):
        flow = ncf_flow(ncf, start, numerics, norm_reaches(2.0**doublings))
        if flow.stop is not Stop.ESCAPED:
            raise Unresolved(f"NCF flow to norm 2^{doublings}: {flow.stop.value}")
        times.append(flow.time[-1])
    return times[1] - times[0], times[2] - times[1], times[2]


@claim(
    "control.doubled_start",
    kind=CONTROL,
    needs=EARLY,
    reference="§7",
    scale_free=True,
    refute=exact.doubled_start,
    given=instances(),
    drops=UNIT_START,
    of=("flow.blowup_bracket",),
)
def doubled_start(instance) -> Margin:
    """From ‖u(0)‖ = 2 too 1/(D(D−2)N*) ≤ T*, and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0."""
    return bracket(instance, initial_norm=2.0)


@claim(
    "control.no_blowup",
    kind=CONTROL,
    needs=(*EARLY, Need.LINEAR_GROUP),
    reference="§7",
    scale_free=True,
    refute=exact.no_blowup,
    given=collapsing(),
    drops=POSITIVE_LIMIT,
    of=("flow.blowup_bracket", "flow.blowup_rate"),
)
def no_blowup(instance) -> Margin:
    """The norm blows up whatever the sign of N*, so that it grows where the flow has come close to
    its limit: ⟨∇N(v), v⟩ > 0.
    """
    limit = flow_limit(instance.ncf, instance.start, instance.numerics)
    if limit.point.multiplier == 0:
        raise Inapplicable("the NCF flow tends to a zero KKT point")
    v = limit.trajectory.direction
    gradient = instance.ncf.gradient(v)
    return Margin(float(gradient @ v) / norm(gradient), instance.numerics.tolerance)


BESIDE = 1e-6  # a point's distance from a kink that it is next to


@claim(
    "control.kinks",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    given=kinked(attracting=True),
    refute=asked,
    drops=LIPSCHITZ,
    of=("flow.direction_converges",),
)
def kinks(instance) -> Margin:
    """With p = 1, α ≠ 1 too v(t) tends to a point where ∇N(v) ∥ v: sin∠ ≤ 0.01 at the end, ∇N with
    the slopes of the side where that is less.
    """
    flow = ncf_flow(instance.ncf, instance.start, replace(instance.numerics, calls=3000))
    X, matrices = instance.problem.X, instance.network.matrices(flow.direction)
    if abs(float(matrices[0][0] @ X[0])) > 1e-3 * norm(matrices[0]):
        raise Unresolved("the flow has not come to the kink")
    if _on_kink(instance, flow.direction) > 1e-3:
        raise Unresolved("the flow has not come to its limit on the kink")
    sides = _beside_kink(instance, flow.direction)
    return Margin(1 - min(map(instance.ncf.residual, sides)) / 0.01, 0.1)


def _on_kink(instance, v: np.ndarray) -> float:
    """sin∠ at v of ∇N without its part across the kink, all that the slopes of two sides tell."""
    first, gradient = instance.network.slices[0], instance.ncf.gradient(v)
    kink = unit(instance.problem.X[0])
    gradient[first] -= (gradient[first] @ kink) * kink
    return sine(gradient, v)


def _beside_kink(instance, v: np.ndarray) -> list[np.ndarray]:
    """The points next to v on either side of the kink: which one v is on, rounding may tell."""
    first, kink = instance.network.slices[0], unit(instance.problem.X[0])
    sides = []
    for aside in (-BESIDE, BESIDE):
        sides.append(v.copy())
        sides[-1][first] += (aside - v[first] @ kink) * kink
    return sides


@claim(
    "control.shared_conserved",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=asked,
    given=instances(only_dense=True, narrowest=2),
    drops=UNSHARED,
    of=("flow.balance",),
)
def shared_conserved(instance) -> Margin:
    """‖row_j(W_l)‖² − p_l ‖col_j(W_{l+1})‖² is constant along both flows also where layers share
    weights.
    """
    shared = convolved(instance)
    runs = (replace(shared, numerics=each) for each in instance.numerics.runs())
    return agreed(*(conserved(each, every_balance) for each in runs))
