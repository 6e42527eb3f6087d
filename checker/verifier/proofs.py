"""Theorems whose conclusion is proved on one instance; standard library only."""

from __future__ import annotations

from fractions import Fraction

from checker.verifier.early import SMALL, departures, trained
from checker.verifier.networks import number
from checker.verifier.numbers import Ball, ball, dot, need, power
from checker.verifier.windows import Window, aligned, ray

SHARE = Fraction(1, 100)  # what is left for o(1): relative for norms, in units of ε for alignments


def rungs(case, data, start, largest=Fraction(1)):
    """The loss flows of two δ, the second half the first, δ·largest ≤ 0.3."""
    first, second = (trained(case, each, start) for each in data["rungs"])
    need(first[0] * largest <= SMALL and second[0] * 2 == first[0], "not two small δ, one half the other")
    return first[1], second[1]


def direction_converges(case, data):
    """The direction of the NCF flow tends to a KKT point u* with N(u*) > 0, so that its norm grows without bound."""
    Window(case, data)


def blowup_bracket(case, data):
    """T* ≥ 1/(D(D−2)N*), and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0."""
    window, order = Window(case, data), case.net.order
    rate, theta, value = order * (order - 2), window.point.theta, window.point.value
    x = window.tube.at(window.tube.end)
    length = dot(x, x).root(2)
    aside = [abs(a / length - b) for a, b in zip(x, theta)]
    distance = dot(aside, aside).root(2)
    need(distance < number(data["reach"]), "the flow is not within reach")
    # From here on the distance falls, and N(u*) is the largest value within reach.
    least = case.net.run([t + distance * Ball(-1, 1) for t in theta], case.X, case.Y)[1]
    need(least > 0, "N > 0 is not proved all the way")
    rest = Ball(1) / (power(length, order - 2) * rate)
    earliest, latest = (ball(window.tube.end) + rest / bound for bound in (value, least))
    first = case.net.run(window.start, case.X, case.Y)[1]
    need(earliest * value * rate > 1, "T* may be earlier than 1/(D(D−2)N*)")
    need(latest * first * rate < 1, "T* may be later than 1/(D(D−2)N(v_0))")  # no bound where N(v_0) ≤ 0


def norm_stays_small(case, data):
    """‖w(t)‖ ≤ 1.01 R_ε δ for all t ≤ T_ε/δ^{D−2}, at two δ."""
    window = Window(case, data)
    bound = ball(((1 + SHARE) * window.norms[0]) ** 2)
    for tube in rungs(case, data, window.start, window.norms[1]):
        tube.everywhere(0, window.times[1], lambda x: dot(x, x) < bound, "‖w‖ may be larger")


def direction_aligns(case, data):
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε at t = T_ε/δ^{D−2}, at two δ."""
    window = Window(case, data)
    for tube in rungs(case, data, window.start, window.norms[1]):
        tube.everywhere(*window.times, aligns(window), "w may not be aligned with u*")


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
        tube.everywhere(0, tube.end, lambda x: dot(x, x) < low or dot(x, x) > high or is_aligned(x), elsewhere)


def aligns(window):
    """The condition ⟨x, u*⟩ > (1 − 1.01 ε)‖x‖ on boxes and curves."""
    cosine = 1 - (1 + SHARE) * window.epsilon
    need(cosine > 0, "1.01 ε ≥ 1")
    return lambda x: aligned(x, window.point.theta, ball(cosine))


def tracking_order(case, data):
    """Where each norm first reaches 2δ, log departure over log δ has a slope within ¼ of D between two δ."""
    (first, size), (second, smaller) = departures(case, data, case.Y)
    ratio, order = ball(second / first), case.net.order
    for bound, sign in ((4 * order + 1, 1), (4 * order - 1, -1)):
        need((power(smaller, 4) - power(size, 4) * power(ratio, bound)) * sign > 0, "the slope may differ from D by ¼")


def collapse(case, data):
    """‖w(T/δ^{D−2})‖ ≤ 2δε at two δ, ε = r(T), where the NCF flow stays on the ray of a KKT point with N < 0."""
    (point, shrinking), order = ray(case, data), case.net.order
    for tube in rungs(case, data, point.theta):
        end, shrunk = tube.at(tube.end), shrinking(tube.end)
        need(shrunk > 1 and power(dot(end, end), order - 2) * shrunk * shrunk < 4 ** (order - 2), "‖w‖ may be larger")


PROOFS = {
    "flow.direction_converges": direction_converges,
    "flow.blowup_bracket": blowup_bracket,
    "early.norm_stays_small": norm_stays_small,
    "early.direction_aligns": direction_aligns,
    "early.alignment_before_escape": alignment_before_escape,
    "early.tracking_order": tracking_order,
    "early.collapse": collapse,
}
