"""Flows through kinks: N rises, a limit in direction, blow-up, balance, λ (theory §11)."""

from __future__ import annotations

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, Outcome, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import HANDOVER
from ncfcheck.model.ncf import neuron_balance
from ncfcheck.properties.flow.margins import bracket, conserved, converges
from ncfcheck.properties.hypotheses import (
    LEAST_NORM,
    POSITIVE_LIMIT,
    SUPERQUADRATIC,
    UNIT_START,
    UNSHARED,
    WEIGHED,
)
from ncfcheck.properties.kinks import exact
from ncfcheck.properties.kinks.instances import CURVED, kinked, ways
from ncfcheck.properties.kinks.margins import (
    blowup_rates,
    ends_well,
    has_clarke_subgradient,
    is_dead,
    multiplier_there,
    on_every_way,
    rises,
)
from ncfcheck.properties.kkt.theorems import limit_point
from ncfcheck.theory.kkt.points import Inertia, flow_limit

DEAD = "∇N(v_0) is no more than rounding"


@claim(
    "kinks.monotone",
    kind=THEOREM,
    prove=exact.changed,
    needs=(Need.LAYERED, Need.KINKS),
    reference="§11",
    scale_free=True,
    given=kinked(),
    hypotheses=(LEAST_NORM,),
)
def monotone(instance) -> Margin:
    """N(v(t)) never decreases and N(u) rises at the rate ‖u̇‖², ‖Δu‖² ≤ Δt·ΔN(u), along every
    branch of the flow of the NCF.
    """
    if is_dead(instance.ncf, instance.start):
        raise Inapplicable(DEAD)
    flows = ways(instance.ncf, instance.start, instance.numerics)
    parts = [rises(instance, next(flows))]
    for flow in flows:
        if len(flow.sigma) > 1:
            parts.append(rises(instance, flow))
    return worst(parts)


@claim(
    "kinks.direction_converges",
    kind=THEOREM,
    needs=(Need.LAYERED, Need.KINKS),
    reference="§11",
    scale_free=True,
    given=kinked(),
    hypotheses=(LEAST_NORM,),
)
def direction_converges(instance) -> Margin:
    """v(t) converges, on every branch, to a point with a Clarke subgradient parallel to it; the
    norm grows without bound if N is positive there and falls if it is negative.
    """

    def judge(instance) -> Margin:
        end = ends_well(instance)
        if end is not None and end.outcome is Outcome.VIOLATES:
            return end
        limit = flow_limit(instance.ncf, instance.start, instance.numerics)
        if limit.point.inertia is Inertia.ZERO:
            return converges(limit, instance)
        return worst([converges(limit, instance), *has_clarke_subgradient(instance, limit.point)])

    return on_every_way(judge, instance)


@claim(
    "kinks.blowup_bracket",
    kind=THEOREM,
    prove=exact.blowup_bracket,
    needs=(Need.LAYERED, Need.KINKS, Need.SUPERQUADRATIC),
    reference="§11",
    scale_free=True,
    given=kinked(CURVED),
    hypotheses=(SUPERQUADRATIC, UNIT_START, POSITIVE_LIMIT, LEAST_NORM),
)
def blowup_bracket(instance) -> Margin:
    """r → ∞ at a finite T* ≥ 1/(D(D−2)N*), and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0."""

    def judge(instance) -> Margin:
        if instance.ncf.residual(instance.start) <= HANDOVER:
            raise Inapplicable("v_0 is a KKT point to working accuracy: both bounds are equalities")
        return bracket(instance)

    return on_every_way(judge, instance)


@claim(
    "kinks.blowup_rate",
    kind=THEOREM,
    needs=(Need.LAYERED, Need.KINKS, Need.SUPERQUADRATIC),
    reference="§11",
    scale_free=True,
    given=kinked(CURVED),
    hypotheses=(SUPERQUADRATIC, POSITIVE_LIMIT, LEAST_NORM),
)
def blowup_rate(instance) -> Margin:
    """(T* − t) r^{D−2} → 1/(D(D−2)N*): within twice 1 − N(v)/N* of it, relatively, late along the
    flow; from its limit itself r(t) = (1 − D(D−2)N*t)^{−1/(D−2)}.
    """
    return on_every_way(lambda each: worst(blowup_rates(each)), instance)


@claim(
    "kinks.balance",
    kind=THEOREM,
    needs=(Need.LAYERED, Need.KINKS),
    reference="§11",
    scale_free=True,
    given=kinked(shared=False),
    hypotheses=(UNSHARED, WEIGHED),
)
def balance(instance) -> Margin:
    """‖row_j(W_l)‖² − p_l ‖col_j(W_{l+1})‖² is constant for every hidden neuron through all kinks,
    along the NCF flow and the loss flow.
    """
    return conserved(instance, neuron_balance)


@claim(
    "kinks.multiplier",
    kind=THEOREM,
    needs=(Need.LAYERED, Need.KINKS),
    reference="§11",
    scale_free=True,
    given=kinked(),
    hypotheses=(LEAST_NORM,),
)
def multiplier(instance) -> Margin:
    """Where v(t) tends to, the subgradient of least norm is λu with λ = D·N(u), and ‖W_l‖_F² =
    P_l/D for every layer l, unless λ = 0.
    """

    return on_every_way(lambda each: multiplier_there(each, limit_point(each)), instance)
