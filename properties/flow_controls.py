"""Claims about flows and early training that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from checker.claims import CONTROL, Margin, Unresolved, claim
from checker.early import conditioned_window
from checker.flow import Stop, loss_flow, ncf_flow, norm_reaches, time_reaches
from checker.generators import instances
from checker.kkt import positive_limit


@claim(
    "control.degree_two",
    kind=CONTROL,
    reference="§7",
    given=instances(powers=st.just((1,))),
    hypotheses=("D = 2 instead of D > 2", "N* > 0"),
)
def degree_two(instance) -> Margin:
    """r → ∞ at a finite T*: a late doubling of the norm takes at most ¾ of the time of the one before (D > 2: at most ½)."""
    positive_limit(instance.ncf, instance.start, instance.numerics)
    times = []
    for doublings in (30, 31, 32):
        flow = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0**doublings))
        if flow.stop is not Stop.ESCAPED:
            raise Unresolved(f"NCF flow to norm 2^{doublings}: {flow.stop.value}")
        times.append(flow.time[-1])
    ratio = (times[2] - times[1]) / (times[1] - times[0])
    return Margin(0.75 - ratio, 1e3 * instance.numerics.tolerance * times[2] / (times[1] - times[0]))


@claim(
    "control.large_init",
    kind=CONTROL,
    reference="§7",
    given=instances(),
    hypotheses=("δ R_ε ≥ 3 instead of δ → 0", "N* > 0"),
)
def large_init(instance) -> Margin:
    """⟨w, u*⟩/‖w‖ ≥ 1 − ε − ε/100 at t = T_ε/δ^{D−2}, for a large δ."""
    found = conditioned_window(instance)
    delta = max(3 / found.radius, math.exp((math.log(10) - found.log_forcing) / instance.network.order))
    flow = loss_flow(instance.problem, instance.start, delta, instance.numerics, time_reaches(found.time))
    if flow.stop not in (Stop.REACHED, Stop.DEAD):  # dead: the data are fitted and nothing moves any more
        raise Unresolved(f"loss flow {flow.stop.value}")
    misalignment = 0.5 * np.sum((flow.direction - found.limit.point.u) ** 2) / found.epsilon
    return Margin(float(1.01 - misalignment), 1e4 * instance.numerics.tolerance)
