"""Exact counterparts of theorems about flows: the conclusion is proved on one small instance
(theory §3, §4, §9).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from ncfcheck.certify.boxes import found_near
from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal
from ncfcheck.certify.flows import Field, Tube, enclose
from ncfcheck.certify.rings import precision
from ncfcheck.certify.variations import plain, varied
from ncfcheck.certify.windows import BITS, ERROR, Approach, approach, cosine_of, first_time
from ncfcheck.properties.early_training import VANISHING, grown_window, shrinking
from ncfcheck.properties.exact_flows import departures, doubling, known, tube, windows
from ncfcheck.properties.ncf_flow import GAPS, balancing
from ncfcheck.theory.early.training import ladder, log_forcing
from ncfcheck.theory.kkt.points import flow_limit, positive_limit
from ncfcheck.theory.starts import unit

RUNGS = 8  # of the ladder of δ that are tried
BELOW = 1 - 1e-4  # times the first δ of the ladder: R_ε is known to 1e-6 at best
SETTLED = 0.9  # share of VANISHING that the excess may reach in floats
CHANGED = 0.5 * 0.99, 2.0 * 1.01  # norms between which a flow is followed
FURTHER = 4.0  # norm up to which the NCF flow is followed at least where its blow-up is bracketed


def _approach(instance, norm: float = 0.0, gap: float = math.inf) -> Approach:
    limit = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    return approach(instance, limit.point.u, None, norm, gap)


def _changed(instance) -> Tube:
    """The NCF flow until its norm has doubled or halved."""

    def is_over(step) -> bool:
        return not CHANGED[0] < np.linalg.norm(step.end) < CHANGED[1]

    with precision(BITS):
        return enclose(Field(instance.problem), instance.start, ERROR, is_over)


def monotone(instance) -> Certificate:
    """N(v) rises all the way until the norm has doubled or halved."""
    proves = "N(v(t)) rises at every time until ‖u‖ has doubled or halved"
    return Certificate("flow", proves, {"ncf": _changed(instance).plain()})


def balance(instance) -> Certificate:
    """Balances stay within 10⁻⁹ of their values along both flows."""
    ncf, delta = _changed(instance), known(balancing, instance)
    with precision(BITS):
        field = Field(instance.problem, delta)
        loss = enclose(field, instance.start, ERROR, lambda step: False, ncf.time)
    data = {"ncf": ncf.plain(), "delta": delta.hex(), "loss": loss.plain()}
    return Certificate(
        "flow", "balances stay what they are along both flows until ‖u‖ has doubled or halved", data
    )


def blowup_rate(instance) -> Certificate:
    """(T* − t) r^{D−2} where 1 − N(v)/N* has fallen below 10 % and a millionth."""
    found = _approach(instance, gap=0.9 * GAPS[-1])
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
        "flow", "the NCF flow tends to an exact KKT point with N > 0", _approach(instance).plain()
    )


def blowup_bracket(instance) -> Certificate:
    """Both bounds on T*, from where the NCF flow is within reach of its limit."""
    return Certificate(
        "flow", "1/(D(D−2)N*) ≤ T* ≤ 1/(D(D−2)N(v_0))", _approach(instance, FURTHER).plain()
    )


def _settled(
    instance, deltas, flow: Callable[[float], Tube], excess: Callable[[Tube], float]
) -> list[dict]:
    """Two δ in turn at which the excess is below VANISHING."""
    first = next(iter(deltas)) * BELOW
    tubes = ((first / 2**k, flow(first / 2**k)) for k in range(RUNGS))
    for pair in pairwise(tubes):
        if all(excess(each) < SETTLED * VANISHING for _, each in pair):
            return [{"delta": delta.hex(), "loss": each.plain()} for delta, each in pair]
    raise NotProved("the excess does not settle on the ladder of δ")


def _proved(proves: str, window: Approach, rungs: list[dict]) -> Certificate:
    return Certificate("flow", proves, window.plain() | {"rungs": rungs})


def norm_stays_small(instance) -> Certificate:
    """‖w‖ ≤ 1.01 R_ε δ up to T_ε, at two δ."""
    found, window = windows(instance)
    deltas = ladder(instance, found.log_forcing, found.radius, found.condition)

    def excess(flow: Tube) -> float:
        return max(float(np.linalg.norm(step.end)) for step in flow.steps) / window.norms[0] - 1

    rungs = _settled(instance, deltas, lambda delta: tube(instance, delta, window.times[1]), excess)
    return _proved("‖w(t)‖ ≤ 1.01 R_ε δ for all t ≤ T_ε/δ^{D−2}, at two δ", window, rungs)


def direction_aligns(instance) -> Certificate:
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε at T_ε, at two δ."""
    found, window = windows(instance)
    deltas = ladder(instance, found.log_forcing, found.radius, found.condition)

    def excess(flow: Tube) -> float:
        return _misalignment(flow.at(window.times[0]), window)

    rungs = _settled(instance, deltas, lambda delta: tube(instance, delta, window.times[1]), excess)
    return _proved("⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε at t = T_ε/δ^{D−2}, at two δ", window, rungs)


def alignment_before_escape(instance) -> Certificate:
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε where ‖w‖ first reaches R_ε δ, at two δ."""
    found, window = windows(instance, grown_window)

    def flow(delta: float) -> Tube:
        return tube(instance, delta, 0.0, window.norms[1] * (1 + 1e-9))

    def excess(flow: Tube) -> float:
        return _misalignment(
            flow.at(first_time(flow, lambda x: np.linalg.norm(x) > window.norms[0])), window
        )

    rungs = _settled(instance, ladder(instance, found.log_forcing, found.radius), flow, excess)
    return _proved(
        "⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε where ‖w‖ first reaches R_ε δ, at two δ", window, rungs
    )


def _misalignment(x: np.ndarray, window: Approach) -> float:
    return (1 - cosine_of(x, window.attractor.theta)) / window.epsilon - 1


def tracking_order(instance) -> Certificate:
    """The departure has a slope within ¼ of D between two δ."""
    proves = (
        "log departure over log δ has a slope within ¼ of D between two δ, where each norm first "
        "reaches 2"
    )
    return Certificate("flow", proves, departures(instance, instance, (1e-4, 1e-5)))


def tracking_constant(instance) -> Certificate:
    """The departure is within 5 % of its predicted constants at two δ."""
    window = doubling(instance)
    data = departures(instance, instance, (1e-4, 1e-5), window)
    moved = varied(instance.problem, window.tube, float.fromhex(data["crossing"][1]))
    proves = (
        "where each norm first reaches 2 the departure is within 5 % of δ^D (E/2, τ/T), directions "
        "and times together, at two δ"
    )
    return Certificate("flow", proves, data | {"moved": plain(moved)})


def collapse(instance) -> Certificate:
    """From an exact KKT point with N < 0, ‖w(T/δ^{D−2})‖ ≤ 2δε at two δ."""
    limit, order = (
        known(flow_limit, instance.ncf, instance.start, instance.numerics),
        instance.network.order,
    )
    if not limit.point.value < 0 or np.linalg.norm(limit.point.u - instance.start) > 1e-7:
        raise NotProved("the NCF flow does not stay at a negative KKT point")
    with precision(BITS):
        found = found_near(instance.network, instance.ncf, limit.point.u)
    epsilon, condition = shrinking(instance, limit)
    time = math.expm1(-(order - 2) * math.log(epsilon)) / (order * (order - 2) * -limit.point.value)
    deltas = ladder(
        instance, log_forcing(instance, limit.trajectory, slice(1)), condition=condition
    )

    def excess(flow: Tube) -> float:
        return (float(np.linalg.norm(flow.at(time))) / epsilon - 1) * VANISHING

    rungs = _settled(instance, deltas, lambda delta: tube(instance, delta, time), excess)
    data = {"limit": found.plain(), "rungs": rungs}
    return Certificate(
        "flow", "from an exact KKT point with N < 0 ‖w(T/δ^{D−2})‖ ≤ 2δε at two δ", data
    )
