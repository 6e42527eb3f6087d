"""Theorems about early training: what is proved of them on one instance; standard library only."""

from fractions import Fraction
from functools import partial

from .loss_flows import ALMOST, SMALL, almost_aligned, crossing, departures, trained
from .networks import number
from .numbers import Ball, ball, dot, need, power
from .registry import proves
from .variations import Variation
from .windows import Window, aligned, ray

AGREEMENT = Fraction(1, 20)  # share of a predicted constant within which it is met


def rungs(case, data, start, largest=Fraction(1)):
    """The loss flows of two δ, the second half the first, δ·largest ≤ 0.3."""
    first, second = (trained(case, each, start) for each in data["rungs"])
    need(
        first[0] * largest <= SMALL and second[0] * 2 == first[0],
        "not two small δ, one half the other",
    )
    return first[1], second[1]


def aligns(window):
    """The condition ⟨x, u*⟩ > (1 − 1.01 ε)‖x‖ on boxes and curves."""
    cosine = almost_aligned(window)
    return lambda x: aligned(x, window.point.theta, cosine)


@proves("early.norm_stays_small", keeps={})
def norm_stays_small(case, data):
    """‖w(t)‖ ≤ 1.01 R_ε δ for all t ≤ T_ε/δ^{D−2}, at two δ."""
    window = Window(case, data)
    bound = ball((ALMOST * window.norms[0]) ** 2)
    for tube in rungs(case, data, window.start, window.norms[1]):
        tube.everywhere(0, window.times[1], lambda x: dot(x, x) < bound, "‖w‖ may be larger")


@proves("early.direction_aligns", keeps={})
def direction_aligns(case, data):
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε at t = T_ε/δ^{D−2}, at two δ."""
    window = Window(case, data)
    for tube in rungs(case, data, window.start, window.norms[1]):
        tube.everywhere(*window.times, aligns(window), "w may not be aligned with u*")


@proves("early.alignment_before_escape", keeps={})
def alignment_before_escape(case, data):
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε where ‖w‖ first reaches R_ε δ, at two δ."""
    window = Window(case, data)
    low, high = (ball(each**2) for each in window.norms)
    need(window.norms[0] > 1, "R_ε may be reached at the start")
    is_aligned = aligns(window)
    for tube in rungs(case, data, window.start, window.norms[1]):
        end = tube.at(tube.end)
        need(dot(end, end) > high, "R_ε is not proved to be reached")
        elsewhere = "w may not be aligned with u*"
        tube.everywhere(
            0, tube.end, lambda x: dot(x, x) < low or dot(x, x) > high or is_aligned(x), elsewhere
        )


@proves("early.collapse", keeps={})
def collapse(case, data):
    """‖w(T/δ^{D−2})‖ ≤ 2δε at two δ, ε = r(T), where the NCF flow stays on the ray of a KKT point
    with N < 0.
    """
    (point, shrinking), order = ray(case, data), case.net.order
    for tube in rungs(case, data, point.theta):
        end, shrunk = tube.at(tube.end), shrinking(tube.end)
        need(
            shrunk > 1 and power(dot(end, end), order - 2) * shrunk * shrunk < 4 ** (order - 2),
            "‖w‖ may be larger",
        )


@proves("early.tracking_order", keeps={})
def tracking_order(case, data):
    """Where each norm first reaches 2δ, log departure over log δ has a slope within ¼ of D between
    two δ.
    """
    (first, size), (second, smaller) = departures(Window(case, data), data, partial(trained, case))
    ratio, order = ball(second / first), case.net.order
    for bound, sign in ((4 * order + 1, 1), (4 * order - 1, -1)):
        need(
            (power(smaller, 4) - power(size, 4) * power(ratio, bound)) * sign > 0,
            "the slope may differ from D by ¼",
        )


@proves("early.tracking_constant", keeps={})
def tracking_constant(case, data):
    """Where each norm first reaches 2δ, the departure of directions and times is within 5 % of δ^D
    (E/2, τ/T), for two δ.
    """
    window = Window(case, data)
    time, u = crossing(window.tube, data["crossing"])
    growths = [number(each["growth"]) for each in data["ncf"]]
    e = Variation(case, window.tube, growths, data["moved"]).hull(
        *(Fraction(number(each)) for each in data["crossing"])
    )
    rate = case.net.run(u, case.X, case.Y)[2]
    shift = -dot(e, u) / dot(rate, u)
    constants = [*((a + shift * b) * Ball(1, None, -1) for a, b in zip(e, rate)), shift / time]
    deltas = [departs(case, window, constants, time, u, each) for each in data["flows"]]
    need(len(deltas) == 2 and deltas[1] < deltas[0] <= 1, "not two δ, the smaller last")


def departs(case, window, constants, time, u, flow):
    """δ of a loss flow; need departure from the NCF flow over δ^D within 5 % of the constants."""
    delta, tube = trained(case, flow, window.start)
    later, other = crossing(tube, flow["crossing"])
    strength = power(ball(delta), case.net.order)
    found = [*((b - a) * Ball(1, None, -1) for a, b in zip(u, other)), later / time - 1]
    aside = [a / strength - b for a, b in zip(found, constants)]
    need(
        dot(aside, aside) < dot(constants, constants) * ball(AGREEMENT**2),
        "the departure may be another",
    )
    return delta
