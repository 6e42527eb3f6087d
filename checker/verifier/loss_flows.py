"""The loss flow beside the NCF flow: at T_ε, at norms, how far apart; standard library only."""

from fractions import Fraction

from .networks import number
from .numbers import Ball, ball, dot, need, power
from .tubes import Field, Tube
from .windows import apart, distance

SMALL = Fraction(3, 10)  # δR_ε of a small initialization at most
ALMOST = Fraction(101, 100)  # 1 + o(1): relative for norms, in units of ε for alignments


def trained(case, data, start, Y=None):
    """δ and the loss flow from δ·v_0 in units of δ, for labels whose ȳ are Y."""
    delta = Fraction(number(data["delta"]))
    need(delta > 0, "δ is not positive")
    return delta, Tube(Field(case, Y or case.Y, delta), start, data["loss"])


def small(case, data, window, Y=None, train=trained):
    """The loss flow of a small initialization."""
    delta, tube = train(case, data, window.start, Y)
    need(delta * window.norms[1] <= SMALL, "δR_ε ≤ 0.3 is not proved")
    return tube


def almost_aligned(window):
    """The cosine 1 − 1.01 ε, if it is positive."""
    cosine = ball(1 - window.epsilon * ALMOST)
    need(cosine > 0, "1.01 ε ≥ 1")
    return cosine


def misaligned(window):
    """The condition ⟨x, u*⟩ < (1 − 1.01 ε)‖x‖ on boxes and curves."""
    cosine = almost_aligned(window)
    return lambda x: apart(x, window.point.theta, cosine)


def is_larger(window, tube):
    """Need that the norm is more than 1 % above R_ε at a time before T_ε."""
    x = tube.at(min(window.times[0], tube.end))
    need(dot(x, x) > ball((window.norms[1] * ALMOST) ** 2), "‖w‖ > 1.01 R_ε δ is not proved")


def fails_at_time(window, tube, fails):
    tube.everywhere(*window.times, fails, "the claim may hold at T_ε")


def fails_at_norm(window, tube, fails):
    """The claim fails where the norm first reaches R_ε, or the flow rests before it does."""
    smallest, largest = (ball(each**2) for each in window.norms)
    end = tube.at(tube.end)
    need(
        dot(end, end) > largest or (dot(end, end) < smallest and tube.rests),
        "R_ε is not proved to be reached",
    )
    elsewhere = "the claim may hold where the norm reaches R_ε"
    tube.everywhere(0, tube.end, lambda x: dot(x, x) < smallest or fails(x), elsewhere)


def never_holds(window, tube, fails):
    """The claim fails at T_ε, and where the norm first reaches R_ε."""
    fails_at_time(window, tube, fails)
    fails_at_norm(window, tube, fails)


def crossing(tube, times):
    """Time, and weights, where the norm first reaches 2, between two times."""
    low, high = (Fraction(number(each)) for each in times)
    tube.everywhere(0, low, lambda x: dot(x, x) < 4, "the norm may reach 2 earlier")
    end = tube.at(high)
    need(dot(end, end) > 4, "the norm is not proved to reach 2")
    return ball(low).hull(ball(high)), tube.hull(low, high)


def departures(window, data, train):
    """(δ, departure of train(data, start) from the NCF flow where norms first reach 2) of two δ."""
    found, (time, weights) = [], crossing(window.tube, data["crossing"])
    need(len(data["flows"]) == 2, "not two flows")
    for each in data["flows"]:
        delta, tube = train(each, window.start)
        later, other = crossing(tube, each["crossing"])
        aside = distance(weights, other) * Ball(1, None, -1)
        found.append((delta, aside + abs(later / time - 1)))
    need(found[1][0] < found[0][0] <= 1, "not two δ, the smaller last")
    return found


def has_no_order(case, found):
    """Need that departures have a slope below D − ¼ between two δ, and are no multiple of δ^D."""
    (first, size), (second, smaller) = found
    ratio = ball(second / first)
    need(
        power(smaller, 4) > power(size, 4) * power(ratio, 4 * case.net.order - 1),
        "the slope may be D",
    )
    need(
        smaller > size * power(ratio, case.net.order) * ball(Fraction(21, 20)),
        "the ratio may be one",
    )
