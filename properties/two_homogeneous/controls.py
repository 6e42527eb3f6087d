"""Claims about flows of order 2 that are false because they drop one hypothesis (theory §11)."""

from __future__ import annotations

import math

import numpy as np

from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, Unresolved, claim
from ncfcheck.core.needs import Need
from ncfcheck.model.architectures.biases import biased_instance
from ncfcheck.model.ncf import norm
from ncfcheck.properties.early.margins import SHALLOW, SLACK
from ncfcheck.properties.early.model_controls import PRECISIONS
from ncfcheck.properties.flow.margins import agreed
from ncfcheck.properties.hypotheses import HOMOGENEOUS, TWO_HOMOGENEOUS, UNIT_START
from ncfcheck.properties.two_homogeneous.margins import growth, way
from ncfcheck.properties.two_homogeneous.theorems import LAYERS
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.flow import plain
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import flow_limit, positive_limit

DOUBLINGS = 100  # of the norm, up to which a flow of higher order is followed
# A time over which a flow with biases hardly turns, in units of 1/‖∇N(v_0)‖; and a norm at which
# its direction has settled.
SHORT, FAR = 0.02, 1e6
# Dense networks, α = 1, with biases that the labels pull at.
BIASED = dict(powers=((1,),), only_dense=True, starts=("gaussian",), labels=("one-signed",))


@claim(
    "control.cubic_growth",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(powers=SHALLOW),
    drops=TWO_HOMOGENEOUS,
    of=("two_homogeneous.norm_bracket",),
)
def cubic_growth(instance) -> Margin:
    """For D > 2 too norms grow exponentially: ‖u(t)‖ ≤ e^{DN*t} until it is 2^100."""
    rates, order = [], instance.network.order
    for numerics in instance.numerics.runs():
        optimum = positive_limit(instance.ncf, instance.start, numerics).point.value
        until = norm_reaches(2.0**DOUBLINGS)
        flow = ncf_flow(instance.ncf, instance.start, numerics, until)
        if flow.stop is not Stop.ESCAPED:
            raise Unresolved(f"NCF flow to norm 2^{DOUBLINGS}: {flow.stop.value}")
        share = order * optimum * float(flow.time[-1]) / flow.log_norm[-1]
        rates.append(Margin(share - 1, SLACK * share))
    return agreed(*rates)


@claim(
    "control.quadratic_doubled_start",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    drops=UNIT_START,
    of=("two_homogeneous.norm_bracket",),
)
def quadratic_doubled_start(instance) -> Margin:
    """From ‖u(0)‖ = 2 too e^{2N(v_0)t} ≤ ‖u(t)‖ ≤ e^{2N*t} for all t."""
    flow = way(instance)
    found = growth(instance.ncf, flow, instance.numerics, float(flow.value[-1]))
    over = found.upper / math.log(2) - 1
    k = int(np.argmin(over))
    return Margin(float(over[k]), float(found.error[k] / math.log(2)))


@claim(
    "control.quadratic_biases_growth",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    given=instances(**BIASED),
    drops=HOMOGENEOUS,
    of=("two_homogeneous.norm_bracket",),
)
def quadratic_biases_growth(instance) -> Margin:
    """With biases too e^{2N(v_0)t} ≤ ‖u(t)‖: the output's bias has the sign of the labels."""
    biased = biased_instance(instance, float(np.sign(instance.ncf.ybar.sum())))
    ncf, v = biased.ncf, biased.start
    pace = norm(ncf.gradient(v))
    time = SHORT / pace

    def judge(precision: float) -> Margin:
        log_r = math.log(norm(plain.ncf_flow_to(biased, time, precision)))
        return Margin((log_r - 2 * ncf.value(v) * time) / SHORT, SLACK)

    return agreed(*map(judge, PRECISIONS))


@claim(
    "control.quadratic_biases_direction",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    given=instances(**BIASED),
    drops=HOMOGENEOUS,
    of=("two_homogeneous.direction_converges",),
)
def quadratic_biases_direction(instance) -> Margin:
    """With biases too the direction tends to a KKT point of N: sin∠ ≤ 0.1 at norm 10⁶."""
    biased = biased_instance(instance)

    def judge(precision: float) -> Margin:
        end, *_ = plain.window(biased, FAR, 0.5, precision)
        return Margin(1 - biased.ncf.residual(end) / 0.1, 0.1)

    return agreed(*map(judge, PRECISIONS))


@claim(
    "control.quadratic_decay",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(starts=("negative-kkt",), **LAYERS),
    of=("two_homogeneous.direction_converges",),
)
def quadratic_decay(instance) -> Margin:
    """Every flow tends to a KKT point with N ≥ 0, and none to 0."""
    point = flow_limit(instance.ncf, instance.start, instance.numerics).point
    if point.multiplier == 0:
        raise Inapplicable("the NCF flow tends to a zero KKT point")
    size = norm(instance.ncf.gradient(point.u))
    return Margin(point.value / size, instance.ncf.rounding(point.u)[0] / size)
