"""Controls of early training: the loss flow beside the NCF flow; standard library only."""

from fractions import Fraction
from functools import partial

from .boxes import defects, near_inverse, slopes
from .identities import shuffled
from .loss_flows import (
    SMALL,
    departures,
    fails_at_norm,
    fails_at_time,
    has_no_order,
    is_larger,
    misaligned,
    never_holds,
    small,
    trained,
)
from .networks import number, numbers, unit
from .numbers import Ball, ball, dot, need, power
from .registry import refutes
from .windows import Point, Window, apart, distance, need_start, ray
from .zero_limits import output_heavy

# Distance of v_0 from the point nearest to it; cosine that w falls short of.
CLOSE, AWAY = Fraction(6, 100), Fraction(9, 10)
LARGE, REACHED = 3, 2  # a δ that is large; a norm in units of δ
SHRUNK = 100  # 1/ε


@refutes("control.large_init", keeps={})
def large_init(case, data):
    """⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ at T_ε/δ^{D−2} for a δ with δR_ε ≥ 3, u* > 0 the proved limit of
    the NCF flow.
    """
    window = Window(case, data)
    delta, tube = trained(case, data, window.start)
    need(delta * window.norms[0] >= LARGE, "δR_ε ≥ 3 is not proved")
    fails_at_time(window, tube, misaligned(window))


@refutes("control.large_init_escape", keeps={})
def large_init_escape(case, data):
    """For a large δ ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ where ‖w‖ first reaches R_ε δ, u* the proved limit of
    the NCF flow.
    """
    window = Window(case, data)
    need(window.norms[0] > 1, "R_ε may be reached at the start")
    fails_at_norm(window, trained(case, data, window.start)[1], misaligned(window))


@refutes("control.large_init_tracking", keeps={})
def large_init_tracking(case, data):
    """δ ≥ 3, one sample: ‖w‖ never reaches 2δ, the NCF flow does. Where ‖∇H‖ ≥ m, the way left is
    at most |y − δ^D H|/(δ^D m).
    """
    need(case.square and len(case.X) == len(case.Y[0]) == 1, "not the square loss of one sample")
    window = Window(case, data)
    delta, tube = trained(case, data, window.start)
    need(delta >= LARGE, "δ ≥ 3 is not proved")
    tube.everywhere(0, tube.end, lambda x: dot(x, x) < REACHED**2, "the norm may reach 2δ")
    end, radius, strength = tube.at(tube.end), Ball(1, None, -8), power(ball(delta), case.net.order)
    ball_around = [each + radius * Ball(-1, 1) for each in end]
    slope = case.net.run(ball_around, case.X, [[Ball(1)]])[2]
    rest = abs(case.Y[0][0] - strength * case.net.run(end, case.X)[0][0][0])
    need(
        rest * rest < radius * radius * strength * strength * dot(slope, slope),
        "the flow may go on for longer",
    )
    need(dot(ball_around, ball_around) < REACHED**2, "the norm may reach 2δ")


@refutes("control.large_init_collapse", keeps={})
def large_init_collapse(case, data):
    """δ ≥ 3, ‖w(T/δ^{D−2})‖ > 2δε, the NCF flow on the ray of a KKT point with N < 0, shrunk to ε =
    0.01 at T.
    """
    point, shrinking = ray(case, data)
    delta, tube = trained(case, data, point.theta)
    low, high = (Fraction(number(each)) for each in data["times"])
    wanted = SHRUNK ** (case.net.order - 2)
    need(delta >= LARGE, "δ ≥ 3 is not proved")
    need(
        shrinking(low) < wanted and shrinking(high) > wanted,
        "T is not proved to be between the times",
    )
    bound = ball(Fraction(4, SHRUNK**2))
    tube.everywhere(low, high, lambda x: dot(x, x) > bound, "‖w‖ may be 2δε or less")


@refutes("control.order", keeps={})
def order(case, data):
    """Where each norm first reaches 2δ, log departure over log δ has a slope below D + ¾ between
    two δ.
    """
    (first, size), (second, smaller) = departures(Window(case, data), data, partial(trained, case))
    need(
        power(smaller, 4) > power(size, 4) * power(ball(second / first), 4 * case.net.order + 3),
        "the slope may be D + 1",
    )


@refutes("control.no_escape", keeps={})
def no_escape(case, data):
    """‖w‖ never grows, whatever δ, and N* = 0: labels of one sign, σ ≥ 0, all v_j of the other
    sign.
    """
    heavy = output_heavy(case)
    need(case.powers[-1] % 2 == 0 or case.slopes[-1] <= 0, "activations of both signs")
    opposed = [
        all(y * sign >= 0 for row in case.labels for y in row)
        and all(v * -sign > 0 for _, v in heavy)
        for sign in (1, -1)
    ]
    need(any(opposed), "labels, or output weights, of both signs")


@refutes("control.positive_collapse", keeps={})
def positive_collapse(case, data):
    """‖w‖ > 2δε at T_ε/δ^{D−2}, δR_ε ≤ 0.3, although the NCF flow tends to a positive KKT point."""
    window = Window(case, data)
    bound = ball(4 * window.epsilon**2)
    fails_at_time(window, small(case, data, window), lambda x: dot(x, x) > bound)


@refutes("control.initial_direction", keeps={})
def initial_direction(case, data):
    """⟨w, u⟩ < 0.9‖w‖ at T_ε/δ^{D−2}, u the KKT point nearest to v_0, where N(u) < 0, and the NCF
    flow tends to another.
    """
    near, start = Point(case, data["near"]), unit(numbers(data["point"]))
    need(
        len(start) == case.net.size and near.value < 0,
        "the point nearest is not proved to be negative",
    )
    need_start(case, near.theta)
    aside = distance(start, near.theta)
    need(aside < CLOSE, "v_0 is too far from the point nearest")
    alone(case, near, aside * 2)
    window = Window(case, data, start)
    fails_at_time(window, small(case, data, window), lambda x: apart(x, near.theta, ball(AWAY)))


def alone(case, point, reach):
    """Need no other KKT point so near: ‖I − Y·DF‖ < 1 over a box, F = (∇N/4λ_0 − λθ, …)."""
    box, n = [t + reach * Ball(-1, 1) for t in point.theta], case.net.size
    scale = Ball(1, None, -2) / abs(point.value * case.net.order)
    multiplier = case.net.run(box, case.X, case.Y)[1] * case.net.order * scale

    def F(x):
        G = case.net.run(x[:n], case.X, case.Y)[2]
        return [
            *(g * scale - x[n] * t for g, t in zip(G, x)),
            (dot(x[:n], x[:n]) - 1) * Ball(1, None, -1),
        ]

    J = slopes(F, [*box, multiplier])
    for defect in defects(near_inverse(J), J):
        need(defect < 1, "another KKT point may be nearer")


@refutes("control.global", keeps={})
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

    never_holds(window, small(case, data, window), fails)


@refutes("control.wrong_target", keeps={})
def wrong_target(case, data):
    """Trained on shuffled labels, ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ at T_ε/δ^{D−2}, and where ‖w‖ first
    reaches R_ε δ, if it does.
    """
    window = Window(case, data)
    need(window.norms[0] > 1, "R_ε may be reached at the start")
    never_holds(window, small(case, data, window, shuffled(case)), misaligned(window))


@refutes("control.wrong_norm", keeps={})
def wrong_norm(case, data):
    """Trained on labels ten times as large, ‖w‖ > 1.01 R_ε δ before T_ε/δ^{D−2}, δR_ε ≤ 0.3."""
    window = Window(case, data)
    tube = small(case, data, window, [[y * 10 for y in row] for row in case.Y])
    need(case.square, "the logistic loss")
    is_larger(window, tube)


@refutes("control.wrong_labels_tracking", keeps={})
def wrong_labels_tracking(case, data):
    """Trained on shuffled labels, the departure has a slope below D − ¼ between two δ, and is no
    multiple of δ^D.
    """
    has_no_order(
        case, departures(Window(case, data), data, partial(trained, case, Y=shuffled(case)))
    )


@refutes("control.wrong_labels_collapse", keeps={})
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
