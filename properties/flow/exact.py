"""Certificates about the NCF flow: tubes around it, KKT points where it stays (theory §3, §9)."""

from __future__ import annotations

import math

import numpy as np

from ncfcheck.certify.certificate import Certificate, hexadecimal, known, need
from ncfcheck.certify.fields import Field
from ncfcheck.certify.flows import Tube, enclose
from ncfcheck.certify.kkt_points import boxed, negative, nonzero_limit, positive
from ncfcheck.certify.windows import ERROR, Approach, approach, first_time
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

    return enclose(Field(instance.problem), instance.start, ERROR, is_over)


def monotone(instance) -> Certificate:
    """N(v) rises all the way until the norm has doubled or halved."""
    return Certificate("flow", {"ncf": changed(instance).plain()})


def balance(instance) -> Certificate:
    """Balances stay within 10⁻⁹ of their values along both flows."""
    ncf, delta = changed(instance), known(balancing, instance)
    field = Field(instance.problem, delta)
    loss = enclose(field, instance.start, ERROR, lambda step: False, ncf.time)
    data = {"ncf": ncf.plain(), "delta": delta.hex(), "loss": loss.plain()}
    return Certificate("flow", data)


def blowup_rate(instance) -> Certificate:
    """(T* − t) r^{D−2} where 1 − N(v)/N* has fallen below 10 % and a millionth."""
    found = _to_limit(instance, gap=0.9 * GAPS[-1])
    ncf, best = instance.ncf, instance.ncf.value(found.attractor.theta)
    late = [
        first_time(found.tube, lambda x, gap=gap: 1 - ncf.value(unit(x)) / best < 0.95 * gap)
        for gap in GAPS
    ]
    return Certificate("flow", found.plain() | {"late": hexadecimal(late)})


def direction_converges(instance) -> Certificate:
    """The direction of the NCF flow comes within reach of a KKT point with N > 0."""
    return Certificate("flow", _to_limit(instance).plain())


def blowup_bracket(instance) -> Certificate:
    """Both bounds on T*, from where the NCF flow is within reach of its limit."""
    return Certificate("flow", _to_limit(instance, FURTHER).plain())


def no_blowup(instance) -> Certificate:
    """From an exact KKT point with N < 0 the norm of the NCF flow decreases for ever."""
    return boxed(instance, nonzero_limit(instance), negative)


def doubled_start(instance) -> Certificate:
    """From twice an exact KKT point, N > 0, D > 2, T* = 2^{−(D−2)}/(D(D−2)N) < 1/(D(D−2)N)."""
    need(instance.network.order > 2, "D = 2")
    return boxed(instance, nonzero_limit(instance), positive)


def degree_two(instance) -> Certificate:
    """D = 2: d‖u‖²/dt = 4N(u) ≤ 4M‖u‖² with a finite M, so that no norm blows up."""
    need(instance.network.order == 2, "D is not 2")
    flows = (
        ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0**each))
        for each in LATE
    )
    times = [flow.time[-1] for flow in flows]
    times = hexadecimal([times[0] * (1 - WITHIN), times[1] * (1 + WITHIN)])
    return Certificate("point", {"times": times})
