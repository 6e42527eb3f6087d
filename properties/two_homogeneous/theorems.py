"""Of order D = 2: norms grow exponentially, directions converge, early training (theory §11)."""

from __future__ import annotations

from functools import partial

from ncfcheck.core.claims import THEOREM, Margin, Unresolved, claim, worst
from ncfcheck.core.tolerances import HANDOVER
from ncfcheck.properties.early.theorems import at_fixed_time, before_escape, lag, overshoot
from ncfcheck.properties.hypotheses import (
    FLOW_LIMIT,
    HOMOGENEOUS,
    NO_BRANCH,
    POSITIVE_LIMIT,
    SMALL_START,
    TRUE_LABELS,
    TWO,
    TWO_HOMOGENEOUS,
    UNIT_START,
)
from ncfcheck.properties.two_homogeneous import exact
from ncfcheck.properties.two_homogeneous.margins import (
    ASKED,
    ending,
    further,
    grown,
    grown_at,
    settled,
    unbranched,
    way,
)
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.training import resolved
from ncfcheck.theory.flow.trajectories import Stop, Trajectory
from ncfcheck.theory.kkt.points import flow_limit

LAYERS = dict(powers=((1,),), lipschitz=False)
FOLLOWED = (HOMOGENEOUS, TRUE_LABELS, POSITIVE_LIMIT, SMALL_START, NO_BRANCH)


@claim(
    "two_homogeneous.norm_bracket",
    kind=THEOREM,
    prove=exact.norm_bracket,
    needs=TWO,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    hypotheses=(HOMOGENEOUS, TWO_HOMOGENEOUS, UNIT_START),
)
def norm_bracket(instance) -> Margin:
    """e^{2N(v_0)t} ≤ ‖u(t)‖ ≤ e^{2N*t} for all t, of every solution."""
    flow, ncf, numerics = way(instance), instance.ncf, instance.numerics
    ways = further(ncf, flow, numerics)
    parts = [grown(ncf, on, numerics) for on in ways if len(on.time) > 1]
    if len(flow.time) > 1 or not parts:
        # To where it ends, not beyond, unless its direction has settled.
        asked = ASKED if flow.stop is Stop.CONVERGED else ASKED[:1]
        late, time = float(flow.value[-1]), float(flow.time[-1])
        parts.append(grown(ncf, flow, numerics))
        parts += [grown_at(instance, share * time, late) for share in asked]
    return worst(parts)


@claim(
    "two_homogeneous.direction_converges",
    kind=THEOREM,
    needs=TWO,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    hypotheses=(HOMOGENEOUS,),
)
def direction_converges(instance) -> Margin:
    """The direction of every solution tends to a KKT point of Clarke's with N ≥ 0, or u → 0."""
    ncf, numerics, flow = instance.ncf, instance.numerics, way(instance)
    if flow.stop is not Stop.BRANCHED:
        return settled(ncf, flow_limit(ncf, instance.start, numerics), numerics)
    ways = further(ncf, flow, numerics)
    ends = [on for on in ways if on.stop is not Stop.BRANCHED]
    return worst(_goes_on(ncf, on, numerics.tolerance) for on in ends)


def _goes_on(ncf, on: Trajectory, tolerance: float) -> Margin:
    """A way on from a branch ends where sin∠ is small, and N > 0."""
    if on.stop is not Stop.CONVERGED:
        raise Unresolved(f"a way on from a branch {on.stop.value}")
    parallel = Margin(1 - on.residual[-1] / (10 * HANDOVER), tolerance / HANDOVER)
    return worst([parallel, ending(ncf, on, 1.0)])


@claim(
    "two_homogeneous.norm_stays_small",
    kind=THEOREM,
    needs=TWO,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    hypotheses=FOLLOWED,
)
def norm_stays_small(instance) -> Margin:
    """‖w(t)‖ ≤ (1 + o(1)) R_ε δ for all t ≤ T_ε, which does not depend on δ, down a ladder of δ."""
    unbranched(instance)
    return resolved(partial(at_fixed_time, excess=overshoot), instance)


@claim(
    "two_homogeneous.direction_aligns",
    kind=THEOREM,
    needs=TWO,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    hypotheses=(*FOLLOWED, TWO_HOMOGENEOUS, FLOW_LIMIT),
)
def direction_aligns(instance) -> Margin:
    """⟨w, u*⟩/‖w‖ ≥ 1 − ε − o(1) at t = T_ε, which does not depend on δ, down a ladder of δ."""
    unbranched(instance)
    return resolved(partial(at_fixed_time, excess=lag), instance)


@claim(
    "two_homogeneous.alignment_before_escape",
    kind=THEOREM,
    needs=TWO,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    hypotheses=(*FOLLOWED, FLOW_LIMIT),
)
def alignment_before_escape(instance) -> Margin:
    """When ‖w‖ first reaches R_ε δ, the direction is within ε + o(1) of u*, down a ladder of δ."""
    unbranched(instance)
    return resolved(before_escape, instance)
