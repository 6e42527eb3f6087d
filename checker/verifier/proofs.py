"""Theorems whose conclusion is proved on one instance; standard library only."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

from ncfcheck.verifier.early import SMALL, departures, trained
from ncfcheck.verifier.flows import Field, Tube
from ncfcheck.verifier.networks import number, unit
from ncfcheck.verifier.numbers import Ball, ball, dot, need, power
from ncfcheck.verifier.points import balances
from ncfcheck.verifier.variations import tracking_constant
from ncfcheck.verifier.windows import Window, aligned, ray

SHARE = Fraction(1, 100)  # what is left for o(1): relative for norms, in units of ε for alignments
GAPS = Fraction(1, 10), Fraction(1, 10**6)  # 1 − N(v)/N* where a flow is taken up
DRIFT = Fraction(1, 10**9)  # of a balance, where ‖v_0‖ = 1


def rungs(case, data, start, largest=Fraction(1)):
    """The loss flows of two δ, the second half the first, δ·largest ≤ 0.3."""
    first, second = (trained(case, each, start) for each in data["rungs"])
    need(
        first[0] * largest <= SMALL and second[0] * 2 == first[0],
        "not two small δ, one half the other",
    )
    return first[1], second[1]


def changed(case, data):
    """The NCF flow until its norm has doubled or halved."""
    tube = Tube(Field(case, case.Y), unit(case.theta), data["ncf"])
    end = tube.at(tube.end)
    need(
        dot(end, end) > 4 or dot(end, end) < Fraction(1, 4),
        "the norm has neither doubled nor halved",
    )
    return tube


def monotone(case, data):
    """N(v(t)) rises at every time until the norm of the NCF flow has doubled or halved."""

    def rises(x):
        # ‖x‖^{D+2} times the rate at which N(x)/‖x‖^D changes.
        _, value, G = case.net.run(x, case.X, case.Y)
        return dot(G, G) * dot(x, x) - value * dot(x, G) * case.net.order > 0

    tube = changed(case, data)
    tube.everywhere(0, tube.end, rises, "N(v) may fall")


def balance(case, data):
    """Every ‖row_j(W_l)‖² − p_l‖col_j(W_{l+1})‖² stays within 10⁻⁹ along both flows, until that of
    N has doubled or halved.
    """
    need(not any(case.net.shared), "layers share weights")
    ncf = changed(case, data)
    _, loss = trained(case, data, unit(case.theta))
    need(loss.end >= ncf.end, "the loss flow ends earlier")
    first = list(balances(case.net, case.net.matrices(unit(case.theta))))

    def stays(x):
        return all(
            -DRIFT < b - a < DRIFT for a, b in zip(first, balances(case.net, case.net.matrices(x)))
        )

    for tube in (ncf, loss):
        tube.everywhere(0, tube.end, stays, "a balance may change")


def direction_converges(case, data):
    """The direction of the NCF flow tends to a KKT point u* with N(u*) > 0, so that its norm grows
    without bound.
    """
    Window(case, data)


def blowup(case, window):
    """D(D−2)N* and bounds on D(D−2)N*·T*: r^{−(D−2)} falls at the rate D(D−2)N(v), N(v) rises to
    N*.
    """
    rate, x = (
        window.point.value * (case.net.order * (case.net.order - 2)),
        window.tube.at(window.tube.end),
    )
    size, value = dot(x, x), case.net.run(x, case.X, case.Y)[1]
    need(value > 0, "N > 0 is not proved")
    first = rate * ball(window.tube.end)
    return (
        rate,
        first + Ball(1) / power(size.root(2), case.net.order - 2),
        first + size * window.point.value / value,
    )


def blowup_bracket(case, data):
    """T* ≥ 1/(D(D−2)N*), and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0."""
    window = Window(case, data)
    _, earliest, latest = blowup(case, window)
    first = case.net.run(window.start, case.X, case.Y)[1]
    need(earliest > 1, "T* may be earlier than 1/(D(D−2)N*)")
    need(
        latest * first < window.point.value, "T* may be later than 1/(D(D−2)N(v_0))"
    )  # no bound where N(v_0) ≤ 0


def blowup_rate(case, data):
    """Where N(v) is within 10 % and a millionth of N*, (T* − t) r^{D−2} D(D−2)N* is within twice
    that of 1.
    """
    window, order = Window(case, data), case.net.order
    rate, *bounds = blowup(case, window)
    need(len(data["late"]) == len(GAPS), "not two times")
    for gap, time in zip(GAPS, data["late"]):
        x = window.tube.at(Fraction(number(time)))
        size, value = dot(x, x).root(2), case.net.run(x, case.X, case.Y)[1]
        need(
            value > window.point.value * power(size, order) * ball(1 - gap),
            "N(v) is not proved to be that near N*",
        )
        for bound in bounds:
            product = (bound - rate * ball(Fraction(number(time)))) * power(size, order - 2)
            need(-2 * gap < product - 1 < 2 * gap, "the rate is not proved")


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
        tube.everywhere(
            0, tube.end, lambda x: dot(x, x) < low or dot(x, x) > high or is_aligned(x), elsewhere
        )


def aligns(window):
    """The condition ⟨x, u*⟩ > (1 − 1.01 ε)‖x‖ on boxes and curves."""
    cosine = 1 - (1 + SHARE) * window.epsilon
    need(cosine > 0, "1.01 ε ≥ 1")
    return lambda x: aligned(x, window.point.theta, ball(cosine))


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


PROOFS = {
    "flow.monotone": monotone,
    "flow.balance": balance,
    "flow.blowup_rate": blowup_rate,
    "flow.direction_converges": direction_converges,
    "flow.blowup_bracket": blowup_bracket,
    "early.norm_stays_small": norm_stays_small,
    "early.direction_aligns": direction_aligns,
    "early.alignment_before_escape": alignment_before_escape,
    "early.tracking_order": tracking_order,
    "early.tracking_constant": tracking_constant,
    "early.collapse": collapse,
}
