"""Theorems about early training: what is proved of them on one instance; standard library only."""

import math
from fractions import Fraction
from functools import partial

from .hypotheses import homogeneous, lipschitz, order_above_two, true_labels
from .kkt_points import found, rayleigh
from .loss_flows import (
    ALMOST,
    GROWN,
    SMALL,
    almost_aligned,
    constants,
    departures,
    doubling,
    need_little,
    sizes,
    trained,
)
from .networks import number, numbers
from .numbers import ball, dot, need, power
from .registry import proof, proves
from .windows import aligned, limit, own_limit, ray

AGREEMENT = Fraction(1, 20)  # share of a predicted constant within which it is met


@proof
def rungs(case, data, start, largest=Fraction(1)):
    """The loss flows of two small δ, the second half the first, δ·largest ≤ 0.3."""
    first, second = (trained(case, each, start) for each in data["rungs"])
    need(
        0 < first[0] * largest <= SMALL and second[0] * 2 == first[0],
        "not two small δ, one half the other",
    )
    for delta, tube in (first, second):
        need_little(case, delta, tube)
    return first[1], second[1]


EARLY = {
    "H homogeneous": homogeneous,
    "D > 2": order_above_two,
    "∇H locally Lipschitz": lipschitz,
    "ȳ of the data trained on": true_labels,
    "δ → 0": rungs,
}
GROWING, ALIGNING = {"N* > 0": limit}, {"u* the limit of the NCF flow from v_0": limit}
TRACKING = {
    "∇H locally Lipschitz": lipschitz,
    "ȳ of the data trained on": true_labels,
    "N* > 0": doubling,
    "δ → 0": departures,
}


def aligns(window):
    """The condition ⟨x, u*⟩ > (1 − 1.01 ε)‖x‖ on boxes and curves."""
    cosine = almost_aligned(window)
    return lambda x: aligned(x, window.point.theta, cosine)


@proves("early.norm_stays_small", keeps=EARLY | GROWING)
def norm_stays_small(case, data):
    """‖w(t)‖ ≤ 1.01 R_ε δ for all t ≤ T_ε/δ^{D−2}, at two δ."""
    window = own_limit(case, data)
    bound = ball((ALMOST * window.norms[0]) ** 2)
    for tube in rungs(case, data, window.start, window.norms[1]):
        tube.everywhere(0, window.times[1], lambda x: dot(x, x) < bound, "‖w‖ may be larger")


@proves("early.direction_aligns", keeps=EARLY | GROWING | ALIGNING)
def direction_aligns(case, data):
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε at t = T_ε/δ^{D−2}, at two δ."""
    window = own_limit(case, data)
    for tube in rungs(case, data, window.start, window.norms[1]):
        tube.everywhere(*window.times, aligns(window), "w may not be aligned with u*")


@proves("early.alignment_before_escape", keeps=EARLY | GROWING | ALIGNING)
def alignment_before_escape(case, data):
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε where ‖w‖ first reaches R_ε δ, at two δ."""
    window = own_limit(case, data)
    low, high = (ball(each**2) for each in window.norms)
    need(window.norms[0] > GROWN, "R_ε may be reached at the start")
    is_aligned = aligns(window)
    for tube in rungs(case, data, window.start, window.norms[1]):
        end = tube.at(tube.end)
        need(dot(end, end) > high, "R_ε is not proved to be reached")
        elsewhere = "w may not be aligned with u*"
        tube.everywhere(
            0, tube.end, lambda x: dot(x, x) < low or dot(x, x) > high or is_aligned(x), elsewhere
        )


def need_least(case, data, epsilon):
    """Need ε no larger than the claim's, the larger of `fraction` and 10^{−4/(2κ)}, κ the largest
    curvature at the KKT point, in units of |λ|.
    """
    curvature = rayleigh(found(case, data["limit"]), numbers(data["along"]))
    of64 = math.floor(Fraction(curvature.lo) * Fraction(2) ** curvature.e * 64)
    need(
        0 < epsilon <= Fraction(case.get("fraction"))
        or (0 < of64 <= 10**4 and power(ball(epsilon), of64) < Fraction(1, 10**128)),
        "ε is not the instance's",
    )


@proves("early.collapse", keeps=EARLY | {"N* ≤ 0": ray})
def collapse(case, data):
    """‖w(t/δ^{D−2})‖ ≤ 2δ r(t) at two δ, as long as r(t), the norm of the NCF flow, is the ε of the
    claim or more, where that stays on the ray of a KKT point with N < 0.
    """
    (point, shrinking), order = ray(case, data), case.net.order
    need_least(case, data, epsilon := Fraction(number(data["epsilon"])))
    for tube in rungs(case, data, point.theta):
        shrunk = ball(1 / epsilon ** (order - 2))
        need(shrinking(tube.end) > shrunk, "the NCF flow shrinks further")
        for start, duration, *_ in tube.steps:
            least = ball(4 ** (order - 2)) / power(shrinking(start + duration), 2)
            stays = partial(stays_below, bound=least, order=order)
            tube.everywhere(start, start + duration, stays, "‖w‖ may be larger")


def stays_below(x, bound, order):
    """Whether ‖x‖^{2(D−2)} is below a bound."""
    return power(dot(x, x), order - 2) < bound


@proves("early.tracking_order", keeps=TRACKING)
def tracking_order(case, data):
    """Where each norm first reaches 2δ, log departure over log δ has a slope within ¼ of D between
    two δ.
    """
    (first, size), (second, smaller) = sizes(departures(case, data, doubling(case, data)))
    ratio, order = ball(second / first), case.net.order
    for bound, sign in ((4 * order + 1, 1), (4 * order - 1, -1)):
        need(
            (power(smaller, 4) - power(size, 4) * power(ratio, bound)) * sign > 0,
            "the slope may differ from D by ¼",
        )


@proves("early.tracking_constant", keeps=TRACKING)
def tracking_constant(case, data):
    """Where each norm first reaches 2δ, the departure of directions and times is within 5 % of δ^D
    (E/2, τ/T), for two δ.
    """
    ncf = doubling(case, data)
    wanted, found = constants(case, data, ncf), departures(case, data, ncf)
    need(len(found) == 2, "not two δ")
    for delta, (aside, late) in found:
        strength = power(ball(delta), case.net.order)
        off = [a / strength - b for a, b in zip([*aside, late], wanted)]
        need(
            dot(off, off) < dot(wanted, wanted) * ball(AGREEMENT**2),
            "the departure may be another",
        )
