"""Controls of early training: what is proved of the loss flow beside the NCF flow; standard library
only.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial

from ncfcheck.verifier.boxes import inverse, slopes
from ncfcheck.verifier.flows import Field, Tube
from ncfcheck.verifier.networks import number, numbers, unit
from ncfcheck.verifier.numbers import Ball, ball, dot, need, power
from ncfcheck.verifier.windows import Point, Window, apart, ray

SMALL = Fraction(3, 10)  # δR_ε of a small initialization at most
CLOSE, AWAY = (
    Fraction(6, 100),
    Fraction(9, 10),
)  # distance of v_0 from the point nearest to it; cosine that w falls short of


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


def shuffled(case):
    """ȳ of the labels moved on by one sample."""
    Y = [case.Y[-1], *case.Y[:-1]]
    need(
        any((a - b).nonzero for rows in zip(Y, case.Y) for a, b in zip(*rows)),
        "the labels shuffled are the labels",
    )
    return Y


def misaligned(window):
    """The condition ⟨x, u*⟩ < (1 − 1.01 ε)‖x‖ on boxes and curves."""
    cosine = ball(1 - window.epsilon * Fraction(101, 100))
    need(cosine > 0, "1.01 ε ≥ 1")
    return lambda x: apart(x, window.point.theta, cosine)


def is_larger(window, tube):
    """Need that the norm is more than 1 % above R_ε at a time before T_ε."""
    x = tube.at(min(window.times[0], tube.end))
    need(
        dot(x, x) > ball((window.norms[1] * Fraction(101, 100)) ** 2),
        "‖w‖ > 1.01 R_ε δ is not proved",
    )


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
    tube.everywhere(
        0,
        tube.end,
        lambda x: dot(x, x) < smallest or fails(x),
        "the claim may hold where the norm reaches R_ε",
    )


def large_init(case, data):
    """⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ at T_ε/δ^{D−2} for a δ with δR_ε ≥ 3, u* > 0 the proved limit of
    the NCF flow.
    """
    window = Window(case, data)
    delta, tube = trained(case, data, window.start)
    need(delta * window.norms[0] >= 3, "δR_ε ≥ 3 is not proved")
    fails_at_time(window, tube, misaligned(window))


def large_init_escape(case, data):
    """For a large δ ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ where ‖w‖ first reaches R_ε δ, u* the proved limit of
    the NCF flow.
    """
    window = Window(case, data)
    need(window.norms[0] > 1, "R_ε may be reached at the start")
    fails_at_norm(window, trained(case, data, window.start)[1], misaligned(window))


def positive_collapse(case, data):
    """‖w‖ > 2δε at T_ε/δ^{D−2}, δR_ε ≤ 0.3, although the NCF flow tends to a positive KKT point."""
    window = Window(case, data)
    bound = ball(4 * window.epsilon**2)
    fails_at_time(window, small(case, data, window), lambda x: dot(x, x) > bound)


def wrong_target(case, data):
    """Trained on shuffled labels, ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ at T_ε/δ^{D−2}, and where ‖w‖ first
    reaches R_ε δ, if it does.
    """
    window = Window(case, data)
    need(window.norms[0] > 1, "R_ε may be reached at the start")
    tube = small(case, data, window, shuffled(case))
    for fails in (fails_at_time, fails_at_norm):
        fails(window, tube, misaligned(window))


def wrong_norm(case, data):
    """Trained on labels ten times as large, ‖w‖ > 1.01 R_ε δ before T_ε/δ^{D−2}, δR_ε ≤ 0.3."""
    window = Window(case, data)
    tube = small(case, data, window, [[y * 10 for y in row] for row in case.Y])
    need(case.square, "the logistic loss")
    is_larger(window, tube)


def global_maximiser(case, data):
    """N(w/‖w‖) < 0.9 N(p/‖p‖) at T_ε/δ^{D−2}, and where ‖w‖ first reaches R_ε δ, for a point p."""
    window, p = Window(case, data), list(map(ball, numbers(data["better"])))
    need(
        window.norms[0] > 1 and len(p) == case.net.size,
        "R_ε may be reached at the start, or no point",
    )
    best, size, order = case.net.run(p, case.X, case.Y)[1], dot(p, p), case.net.order
    need(best > 0, "N is not positive at the other point")
    share = best * best * ball(Fraction(81, 100))

    def fails(x):
        value = case.net.run(x, case.X, case.Y)[1]
        return value < 0 or value * value * power(size, order) < share * power(dot(x, x), order)

    tube = small(case, data, window)
    for each in (fails_at_time, fails_at_norm):
        each(window, tube, fails)


def initial_direction(case, data):
    """⟨w, u⟩ < 0.9‖w‖ at T_ε/δ^{D−2}, u the KKT point nearest to v_0, where N(u) < 0, and the NCF
    flow tends to another.
    """
    near, start = Point(case, data["near"]), unit(numbers(data["point"]))
    need(
        len(start) == case.net.size and near.value < 0,
        "the point nearest is not proved to be negative",
    )
    need(
        all(abs(a - b) < Fraction(1, 10**6) for a, b in zip(near.theta, unit(case.theta))),
        "`start` is another point",
    )
    aside = [abs(a - b) for a, b in zip(start, near.theta)]
    distance = dot(aside, aside).root(2)
    need(distance < CLOSE, "v_0 is too far from the point nearest")
    alone(case, near, distance * 2)
    window = Window(case, data, start)
    fails_at_time(window, small(case, data, window), lambda x: apart(x, near.theta, ball(AWAY)))


def alone(case, point, distance):
    """Need that no other KKT point lies within a distance of one: I − Y·DF has norm below 1 over a
    box, F = (∇N/4λ_0 − λθ, …).
    """
    box, n = [t + distance * Ball(-1, 1) for t in point.theta], case.net.size
    scale = Ball(1, None, -2) / abs(point.value * case.net.order)
    multiplier = case.net.run(box, case.X, case.Y)[1] * case.net.order * scale

    def F(x):
        G = case.net.run(x[:n], case.X, case.Y)[2]
        return [
            *(g * scale - x[n] * t for g, t in zip(G, x)),
            (dot(x[:n], x[:n]) - 1) * Ball(1, None, -1),
        ]

    J = slopes(F, [*box, multiplier])
    A = [[ball(v) for v in row] for row in inverse([[float(v) for v in row] for row in J])]
    for i, row in enumerate(A):
        defect = sum(
            (abs(dot(row, column) - (i == j)) for j, column in enumerate(zip(*J))), Ball(0)
        )
        need(defect < 1, "another KKT point may be nearer")


def crossing(tube, times):
    """Time, and weights, where the norm first reaches 2, between two times."""
    low, high = (Fraction(number(each)) for each in times)
    tube.everywhere(0, low, lambda x: dot(x, x) < 4, "the norm may reach 2 earlier")
    end = tube.at(high)
    need(dot(end, end) > 4, "the norm is not proved to reach 2")
    return ball(low).hull(ball(high)), tube.hull(low, high)


def departures(window, data, train):
    """δ and the departure of the loss flow, train(data, start), from the NCF flow, where each norm
    first reaches 2, for two δ.
    """
    found, (time, weights) = [], crossing(window.tube, data["crossing"])
    need(len(data["flows"]) == 2, "not two flows")
    for each in data["flows"]:
        delta, tube = train(each, window.start)
        later, other = crossing(tube, each["crossing"])
        aside = [abs(a - b) for a, b in zip(weights, other)]
        found.append((delta, dot(aside, aside).root(2) * Ball(1, None, -1) + abs(later / time - 1)))
    need(found[1][0] < found[0][0] <= 1, "not two δ, the smaller last")
    return found


def order(case, data):
    """Where each norm first reaches 2δ, log departure over log δ has a slope below D + ¾ between
    two δ.
    """
    (first, size), (second, smaller) = departures(Window(case, data), data, partial(trained, case))
    need(
        power(smaller, 4) > power(size, 4) * power(ball(second / first), 4 * case.net.order + 3),
        "the slope may be D + 1",
    )


def wrong_labels_tracking(case, data):
    """Trained on shuffled labels, the departure has a slope below D − ¼ between two δ, and is no
    multiple of δ^D.
    """
    has_no_order(
        case, departures(Window(case, data), data, partial(trained, case, Y=shuffled(case)))
    )


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


def wrong_labels_collapse(case, data):
    """Trained on −y, ‖w(T/δ^{D−2})‖ > 2δε, where the NCF flow stays on the ray of a KKT point with
    N < 0.

    There r(t)^{−(D−2)} = 1 − D(D−2)N·t, which is 1.9 at T, and ε = r(T).
    """
    (point, shrinking), order = ray(case, data), case.net.order
    delta, tube = trained(case, data, point.theta, [[-y for y in row] for row in case.Y])
    need(delta <= SMALL, "δ ≤ 0.3 is not proved")
    end, shrunk = tube.at(tube.end), shrinking(tube.end)
    need(abs(shrunk - Fraction(19, 10)) < Fraction(1, 10**6), "another T")
    need(
        power(dot(end, end), order - 2) * shrunk * shrunk > 4 ** (order - 2),
        "‖w‖ > 2δε is not proved",
    )
