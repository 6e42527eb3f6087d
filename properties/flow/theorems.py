"""The NCF flow: N rises, finite blow-up, a limit in direction, conserved balance (theory §3)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import HANDOVER
from ncfcheck.model.ncf import group_balance, is_odd, neuron_balance, norm, sign_flipped
from ncfcheck.model.networks import Network
from ncfcheck.properties.flow import exact
from ncfcheck.properties.flow.margins import (
    blowup_rates,
    bracket,
    conserved,
    converges,
    rising,
)
from ncfcheck.properties.hypotheses import (
    EARLY,
    FLOW,
    LIPSCHITZ,
    POSITIVE_LIMIT,
    SUPERQUADRATIC,
    UNIT_START,
    UNSHARED,
)
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.flow.ahead import ncf_flow_kept
from ncfcheck.theory.kkt.points import flow_limit, positive_limit


@claim(
    "flow.monotone",
    kind=THEOREM,
    needs=FLOW,
    reference="§3",
    scale_free=True,
    given=instances(models="any"),
    hypotheses=(LIPSCHITZ,),
    prove=exact.monotone,
)
def monotone(instance) -> Margin:
    """N(v(t)) never decreases along the flow of the NCF."""
    flow = ncf_flow_kept(instance.ncf, instance.start, instance.numerics)
    if norm(instance.ncf.gradient(instance.start)) <= instance.ncf.rounding(instance.start)[1]:
        raise Inapplicable("∇N(v_0) is no more than rounding")
    if len(flow.sigma) < 2:
        raise Inapplicable(f"the flow does not move: {flow.stop.value}")
    return rising(instance, flow)


@claim(
    "flow.blowup_bracket",
    kind=THEOREM,
    needs=EARLY,
    reference="§3",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=(SUPERQUADRATIC, LIPSCHITZ, UNIT_START, POSITIVE_LIMIT),
    prove=exact.blowup_bracket,
)
def blowup_bracket(instance) -> Margin:
    """r → ∞ at a finite T* ≥ 1/(D(D−2)N*), and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0."""
    if instance.ncf.residual(instance.start) <= HANDOVER:
        raise Inapplicable("v_0 is a KKT point to working accuracy: both bounds are equalities")
    return bracket(instance)


@claim(
    "flow.blowup_rate",
    kind=THEOREM,
    needs=EARLY,
    reference="§3",
    scale_free=True,
    given=instances(models="any", needs=EARLY),
    hypotheses=(SUPERQUADRATIC, LIPSCHITZ, POSITIVE_LIMIT),
    prove=exact.blowup_rate,
)
def blowup_rate(instance) -> Margin:
    """(T* − t) r^{D−2} → 1/(D(D−2)N*).

    The flow taken up at v with r = 1 blows up after (T* − t) r^{D−2}, and 1 − N(v)/N* falls to 0
    along the flow: where it first is below 10 % and a millionth, the product with D(D−2)N* is
    within twice that of 1. Taken up at the KKT point itself, it is 1; and with W_L negated, where N
    < 0, nothing blows up (in other models with a group of order 1 whose sign H follows).
    """
    limit = positive_limit(instance.ncf, instance.start, instance.numerics)
    parts, u = blowup_rates(limit, instance), limit.point.u
    if is_odd(instance.ncf, u):
        parts.append(_never(instance, u))
    return worst(parts)


def _never(instance, u: np.ndarray) -> Margin:
    """The flow from a KKT point u with W_L negated, of value −N(u), has no positive limit."""
    try:
        positive_limit(instance.ncf, sign_flipped(instance.network, u), instance.numerics)
    except Inapplicable:
        return Margin(1.0, 0.0)
    return Margin(-1.0, 0.0)


@claim(
    "flow.direction_converges",
    kind=THEOREM,
    needs=FLOW,
    reference="§3",
    scale_free=True,
    given=instances(models="any"),
    hypotheses=(LIPSCHITZ,),
    prove=exact.direction_converges,
)
def direction_converges(instance) -> Margin:
    """v(t) converges to a KKT point; the norm grows without bound if it is positive and falls if it
    is negative.
    """
    return converges(flow_limit(instance.ncf, instance.start, instance.numerics), instance)


@claim(
    "flow.balance",
    kind=THEOREM,
    needs=(*FLOW, Need.GROUPS),
    reference="§3",
    scale_free=True,
    given=instances(models="any", needs=(*FLOW, Need.GROUPS), shared=False),
    hypotheses=(LIPSCHITZ, UNSHARED),
    prove=exact.balance,
)
def balance(instance) -> Margin:
    """‖row_j(W_l)‖² − p_l ‖col_j(W_{l+1})‖² is constant for every hidden neuron, along the NCF flow
    and the loss flow.

    Of other models: ‖θ_g‖²/P_g − ‖θ_h‖²/P_h for groups of weights g, h in which H is homogeneous
    alone, which for layers follows from that.
    """
    is_layered = isinstance(instance.network, Network)
    return conserved(instance, neuron_balance if is_layered else group_balance)
