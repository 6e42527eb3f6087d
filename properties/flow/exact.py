"""The NCF flow, exact counterparts: tubes around it, KKT points where it stays (theory §3, §9)."""

from __future__ import annotations

import math

import numpy as np

from ncfcheck.certify.certificate import Certificate, hexadecimal, known, need
from ncfcheck.certify.flows import RingField, Tube, enclose
from ncfcheck.certify.kkt_points import boxed, negative, nonzero_limit, positive
from ncfcheck.certify.rings import precision
from ncfcheck.certify.windows import BITS, ERROR, Approach, approach, first_time
from ncfcheck.properties.flow.margins import GAPS, balancing
from ncfcheck.theory.flow.trajectories import ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import unit

CHANGED = 0.5 * 0.99, 2.0 * 1.01  # norms between which a flow is followed
LATE, WITHIN = (30, 32), 1e-6  # log₂ of norms, and relative width of when they are reached
FURTHER = 4.0  # norm up to which the NCF flow is followed at least where its blow-up is bracketed


def _to_limit(instance, norm: float = 0.0, gap: float = math.inf) -> Approach:
    limit = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    return approach(instance, limit.point.u, None, norm, gap)


def changed(instance) -> Tube:
    """The NCF flow until its norm has doubled or halved."""

    def is_over(step) -> bool:
        return not CHANGED[0] < np.linalg.norm(step.end) < CHANGED[1]

    with precision(BITS):
        return enclose(RingField(instance.problem), instance.start, ERROR, is_over)


def monotone(instance) -> Certificate:
    """N(v) rises all the way until the norm has doubled or halved."""
    proves = "N(v(t)) rises at every time until ‖u‖ has doubled or halved"
    return Certificate("flow", proves, {"ncf": changed(instance).plain()})


def balance(instance) -> Certificate:
    """Balances stay within 10⁻⁹ of their values along both flows."""
    ncf, delta = changed(instance), known(balancing, instance)
    with precision(BITS):
        field = RingField(instance.problem, delta)
        loss = enclose(field, instance.start, ERROR, lambda step: False, ncf.time)
    proves = "balances stay what they are along both flows until ‖u‖ has doubled or halved"
    data = {"ncf": ncf.plain(), "delta": delta.hex(), "loss": loss.plain()}
    return Certificate("flow", proves, data)


def blowup_rate(instance) -> Certificate:
    """(T* − t) r^{D−2} where 1 − N(v)/N* has fallen below 10 % and a millionth."""
    found = _to_limit(instance, gap=0.9 * GAPS[-1])
    ncf, best = instance.ncf, instance.ncf.value(found.attractor.theta)
    late = [
        first_time(found.tube, lambda x, gap=gap: 1 - ncf.value(unit(x)) / best < 0.95 * gap)
        for gap in GAPS
    ]
    proves = (
        "(T* − t) r^{D−2} D(D−2)N* is within 20 % of 1, and two millionths, where N(v) is within "
        "10 %, and one, of N*"
    )
    return Certificate("flow", proves, found.plain() | {"late": hexadecimal(late)})


def direction_converges(instance) -> Certificate:
    """The direction of the NCF flow comes within reach of a KKT point with N > 0."""
    return Certificate(
        "flow", "the NCF flow tends to an exact KKT point with N > 0", _to_limit(instance).plain()
    )


def blowup_bracket(instance) -> Certificate:
    """Both bounds on T*, from where the NCF flow is within reach of its limit."""
    return Certificate(
        "flow", "1/(D(D−2)N*) ≤ T* ≤ 1/(D(D−2)N(v_0))", _to_limit(instance, FURTHER).plain()
    )


def no_blowup(instance) -> Certificate:
    """From an exact KKT point with N < 0 the norm of the NCF flow decreases for ever."""
    proves = (
        "the NCF flow from an exact KKT point with N < 0 stays on its ray, and its norm decreases"
    )
    return boxed(instance, nonzero_limit(instance), negative, proves)


def doubled_start(instance) -> Certificate:
    """From twice an exact KKT point, N > 0, D > 2, T* = 2^{−(D−2)}/(D(D−2)N) < 1/(D(D−2)N)."""
    need(instance.network.order > 2, "D = 2")
    proves = (
        "from twice an exact KKT point u with N* = N(u) > 0 the NCF flow blows up at "
        "2^{−(D−2)}/(D(D−2)N*)"
    )
    return boxed(instance, nonzero_limit(instance), positive, proves)


def kinks(instance) -> Certificate:
    """The NCF flow tends to a point on the kink that one-sided gradients are not along."""
    return Certificate(
        "point",
        "all solutions of the NCF flow tend to an exact point on a kink, where sin∠ > 0.01 on both "
        "sides",
    )


def shared_conserved(instance) -> Certificate:
    """d/dt of ‖row_j‖² − p‖col_j‖² along the NCF flow differs from 0 at t = 0."""
    proves = (
        "with a first layer that shares its weights, ‖row_j‖² − p‖col_j‖² has a derivative ≠ 0 "
        "along the NCF flow at `start`"
    )
    return Certificate("point", proves)


def degree_two(instance) -> Certificate:
    """D = 2: d‖u‖²/dt = 4N(u) ≤ 4M‖u‖² with a finite M, so that no norm blows up."""
    need(instance.network.order == 2, "D is not 2")
    flows = (
        ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0**each))
        for each in LATE
    )
    times = [flow.time[-1] for flow in flows]
    return Certificate(
        "point",
        "D = 2, so that d‖u‖²/dt = 4N(u) ≤ 4M‖u‖² and the norm is finite at every time",
        {"times": hexadecimal([times[0] * (1 - WITHIN), times[1] * (1 + WITHIN)])},
    )
