"""Controls of early training: the loss flow beside the NCF flow; standard library only."""

from fractions import Fraction

from .boxes import defects, near_inverse, slopes
from .hypotheses import homogeneous, lipschitz, order_above_two, true_labels
from .identities import shuffled
from .kkt_points import NEAR, distance, told
from .loss_flows import (
    constants,
    departures,
    doubling,
    fails_at_norm,
    fails_at_time,
    followed,
    has_no_order,
    is_larger,
    misaligned,
    need_large,
    never_holds,
    sizes,
    small,
    trained,
)
from .networks import number, numbers, unit
from .numbers import Ball, ball, dot, need, power
from .registry import refutes
from .windows import Point, apart, limit, own_limit, ray
from .zero_limits import fading

# About the distance of v_0 from the point nearest to it; cosine that w falls short of.
ASIDE, AWAY = Fraction(2, 100), Fraction(9, 10)
LARGE, REACHED = 3, 2  # a δ that is large; a norm in units of δ
SHRUNK = 100  # 1/ε

NETWORKS = {
    "H homogeneous": homogeneous,
    "D > 2": order_above_two,
    "∇H locally Lipschitz": lipschitz,
}
OWN, GROWING, SMALL_START = {"ȳ of the data trained on": true_labels}, {"N* > 0": limit}, "δ → 0"
ALIGNING = {"u* the limit of the NCF flow from v_0": limit}
SHRINKING = {"N* ≤ 0": ray}
FADING = {SMALL_START: fading, "u* the limit of the NCF flow from v_0": fading}
TRACKING = {"∇H locally Lipschitz": lipschitz, "N* > 0": doubling}


@refutes("control.large_init", keeps=NETWORKS | OWN | GROWING | ALIGNING)
def large_init(case, data):
    """⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ at T_ε/δ^{D−2} for a δ with δR_ε ≥ 3, u* > 0 the proved limit of
    the NCF flow.
    """
    found = own_limit(case, data)
    delta, tube = trained(case, data, found.start)
    need(delta * found.norms[0] >= LARGE, "δR_ε ≥ 3 is not proved")
    need_large(case, delta, found.tube, found.times[1], LARGE / found.norms[0])
    fails_at_time(found, tube, misaligned(found))


@refutes("control.large_init_escape", keeps=NETWORKS | OWN | GROWING | ALIGNING)
def large_init_escape(case, data):
    """For the δ whose loss changes the gradient by ten times its size up to T_ε, ⟨w, u*⟩ <
    (1 − 1.01 ε)‖w‖ where ‖w‖ first reaches R_ε δ, u* the proved limit of the NCF flow.
    """
    found = own_limit(case, data)
    delta, tube = trained(case, data, found.start)
    need_large(case, delta, found.tube, found.times[1])
    fails_at_norm(found, tube, misaligned(found))


@refutes("control.large_init_tracking", keeps=TRACKING | OWN)
def large_init_tracking(case, data):
    """δ ≥ 3, one sample: ‖w‖ never reaches 2δ, the NCF flow does. Where ‖∇H‖ ≥ m, the way left is
    at most |y − δ^D H|/(δ^D m).
    """
    need(case.square and len(case.X) == len(case.Y[0]) == 1, "not the square loss of one sample")
    ncf = doubling(case, data)
    delta, tube = trained(case, data, ncf.start)
    need_large(case, delta, ncf.tube, Fraction(number(data["crossing"][1])), Fraction(LARGE))
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


@refutes("control.large_init_collapse", keeps=NETWORKS | OWN | SHRINKING)
def large_init_collapse(case, data):
    """δ ≥ 3, ‖w(T/δ^{D−2})‖ > 2δε, the NCF flow on the ray of a KKT point with N < 0, shrunk to ε =
    0.01 at T.
    """
    point, shrinking = ray(case, data)
    delta, tube = trained(case, data, point.theta)
    low, high = (Fraction(number(each)) for each in data["times"])
    wanted = SHRUNK ** (case.net.order - 2)
    need_large(case, delta, tube, Fraction(0), Fraction(LARGE))
    need(
        shrinking(low) < wanted and shrinking(high) > wanted,
        "T is not proved to be between the times",
    )
    bound = ball(Fraction(4, SHRUNK**2))
    tube.everywhere(low, high, lambda x: dot(x, x) > bound, "‖w‖ may be 2δε or less")


@refutes("control.order", keeps=TRACKING | OWN | {SMALL_START: departures})
def order(case, data):
    """Where each norm first reaches 2δ, log departure over log δ has a slope below D + ¾ between
    two δ, and departures are of order δ^D as δ → 0.
    """
    ncf = doubling(case, data)
    (first, size), (second, smaller) = sizes(departures(case, data, ncf))
    need(
        power(smaller, 4) > power(size, 4) * power(ball(second / first), 4 * case.net.order + 3),
        "the slope may be D + 1",
    )
    need(
        any(each.nonzero for each in constants(case, data, ncf)),
        "departures may be of higher order as δ → 0",
    )


@refutes("control.no_escape", keeps=NETWORKS | OWN | FADING)
def no_escape(case, data):
    """‖w‖ never grows, whatever δ, and N* = 0: labels of one sign, σ ≥ 0, all v_j of the other
    sign.
    """
    fading(case)


@refutes("control.positive_collapse", keeps=NETWORKS | OWN | {SMALL_START: small})
def positive_collapse(case, data):
    """‖w‖ > 2δε at T_ε/δ^{D−2}, for a small δ and as δ → 0, although the NCF flow tends to a
    positive KKT point.
    """
    found = limit(case, data)
    bound = ball(4 * found.epsilon**2)
    for tube in followed(case, data, found):
        fails_at_time(found, tube, lambda x: dot(x, x) > bound)


@refutes("control.initial_direction", keeps=NETWORKS | OWN | GROWING | {SMALL_START: small})
def initial_direction(case, data):
    """⟨w, u⟩ < 0.9‖w‖ at T_ε/δ^{D−2}, for a small δ and as δ → 0, u the KKT point nearest to v_0,
    where N(u) < 0, and the NCF flow tends to another; v_0 is along `start` − 0.02 times its
    reverse.
    """
    near = Point(case, data["near"])
    need(near.value < 0, "the point nearest is not proved to be negative")
    told(case, near.theta, unit(case.theta), NEAR)
    start = unit([a - b * ball(ASIDE) for a, b in zip(case.theta, reversed(case.theta))])
    alone(case, near, distance(start, near.theta) * 2)
    found = limit(case, data, start)
    for tube in followed(case, data, found):
        fails_at_time(found, tube, lambda x: apart(x, near.theta, ball(AWAY)))


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


@refutes("control.global", keeps=NETWORKS | OWN | GROWING | {SMALL_START: small})
def global_maximiser(case, data):
    """N(w/‖w‖) < 0.9 N(p/‖p‖) at T_ε/δ^{D−2}, and where ‖w‖ first reaches R_ε δ, for a point p, for
    a small δ and as δ → 0.
    """
    found, p = limit(case, data), list(map(ball, numbers(data["better"])))
    need(len(p) == case.net.size, "a point of another length")
    best, size, order = case.net.run(p, case.X, case.Y)[1], dot(p, p), case.net.order
    need(best > 0, "N is not positive at the other point")
    share = best * best * ball(Fraction(81, 100))

    def fails(x):
        value = case.net.run(x, case.X, case.Y)[1]
        return value < 0 or value * value * power(size, order) < share * power(dot(x, x), order)

    for tube in followed(case, data, found):
        never_holds(found, tube, fails)


@refutes("control.wrong_target", keeps=NETWORKS | GROWING | ALIGNING | {SMALL_START: small})
def wrong_target(case, data):
    """Trained on shuffled labels, for a small δ and as δ → 0, ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ at
    T_ε/δ^{D−2}, and where ‖w‖ first reaches R_ε δ, if it does.
    """
    found = limit(case, data)
    for tube in followed(case, data, found, Y=shuffled(case)):
        never_holds(found, tube, misaligned(found))


@refutes("control.wrong_norm", keeps=NETWORKS | GROWING | {SMALL_START: small})
def wrong_norm(case, data):
    """Trained on labels ten times as large, for a small δ and as δ → 0, ‖w‖ > 1.01 R_ε δ before
    T_ε/δ^{D−2}.
    """
    need(case.square, "the logistic loss")
    found = limit(case, data)
    for tube in followed(case, data, found, Y=[[y * 10 for y in row] for row in case.Y]):
        is_larger(found, tube)


@refutes("control.wrong_labels_tracking", keeps=TRACKING | {SMALL_START: departures})
def wrong_labels_tracking(case, data):
    """Trained on shuffled labels, the departure has a slope below D − ¼ between two δ, is no
    multiple of δ^D, and does not vanish as δ → 0.
    """
    has_no_order(case, departures(case, data, doubling(case, data), Y=shuffled(case)))


@refutes("control.wrong_labels_collapse", keeps=NETWORKS | SHRINKING | {SMALL_START: small})
def wrong_labels_collapse(case, data):
    """Trained on −y, ‖w(T/δ^{D−2})‖ > 2δε, for a small δ and as δ → 0, where the NCF flow stays on
    the ray of a KKT point with N < 0.

    There r(t)^{−(D−2)} = 1 − D(D−2)N·t, which is 1.9 at T, and ε = r(T). With −y the NCF flow stays
    there, too, and N is −N.
    """
    (point, shrinking), order = ray(case, data), case.net.order
    tube = small(case, data, point.theta, Y=[[-y for y in row] for row in case.Y])
    end, shrunk = tube.at(tube.end), shrinking(tube.end)
    need(abs(shrunk - Fraction(19, 10)) < Fraction(1, 10**6), "another T")
    need(
        power(dot(end, end), order - 2) * shrunk * shrunk > 4 ** (order - 2),
        "‖w‖ > 2δε is not proved",
    )
    need(shrunk > (2 - shrunk) * 2 ** (order - 2), "‖w‖ may be 2δε as δ → 0")
