"""Flows that tend to zero KKT points, and limits of flows that conjectures exclude; standard
library only.

Along both flows ‖w_j‖² − p v_j² is constant for every neuron of the last hidden layer. Where it is
negative, v_j keeps its sign, and v_j² stays above a positive number. If besides Σ (−ℓ')H ≤ 0 all
along, the norm never grows: N* > 0 would let it grow without bound, N* < 0 would make it vanish, so
that the limit of the NCF flow, which exists (theory §3), is a zero KKT point.
"""

from __future__ import annotations

from fractions import Fraction

from ncfcheck.verifier.early import trained
from ncfcheck.verifier.kkt import found, maximum
from ncfcheck.verifier.networks import number
from ncfcheck.verifier.numbers import Ball, ball, bend, dot, need, power
from ncfcheck.verifier.windows import Point, Window, ray

APART = Fraction(1, 1000)  # relative difference of the values of two limits that are two
LARGE, REACHED = 3, 2  # a δ that is large; a norm in units of δ
SHRUNK = 100  # 1/ε


def neurons(case):
    """(row of W_{L−1}, output weight) of the neurons of the last hidden layer at `start`; two dense
    last layers, one output.
    """
    need(
        case.lipschitz and not case.net.bias and all(case.net.plain[-2:]),
        "∇H is not Lipschitz, or a last layer not dense",
    )
    need(case.net.widths[-1] == 1 and case.net.order > 2, "several outputs, or D = 2")
    *_, rows, (last,) = case.net.matrices(case.theta)
    return list(zip(rows, last))


def output_heavy(case):
    """The neurons, each with ‖w_j‖² < p v_j²."""
    own = neurons(case)
    need(
        all(v * v * case.powers[-1] - dot(w, w) > 0 for w, v in own),
        "‖w_j‖² < p v_j² is not proved",
    )
    need(any(g.nonzero for g in case.net.run(case.theta, case.X, case.Y)[2]), "∇N(v_0) may be 0")
    return own


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


def two_layers(case):
    """Two dense layers, p ≥ 2."""
    return case.net.dense and case.net.depth == 2 and case.powers[0] > 1


def mixed_labels_grow(case, data):
    """From an open set of v_0 the NCF flow tends to a zero KKT point: d = 1, so that w_j keeps its
    sign, and v_j G(w_j) < 0.
    """
    heavy, signs = output_heavy(case), {y > 0 for row in case.labels for y in row if y}
    need(
        two_layers(case) and case.net.widths[0] == 1 and len(signs) == 2,
        "several inputs or layers, or labels of one sign",
    )
    for (w,), v in heavy:
        correlation = sum(
            (y[0] * bend(w * x[0], *case.laws[0])[0] for x, y in zip(case.X, case.Y)), Ball(0)
        )
        need(v * correlation < 0, "v_j G(w_j) < 0 is not proved")


def one_limit(case, data):
    """Two strict local maxima, p ≥ 2, attract open sets of v_0, and their values differ by more
    than a thousandth.
    """
    need(
        case.net.dense and min(case.powers) > 1 and case.net.widths[-1] == 1, "another architecture"
    )
    for name in ("limit", "near"):
        maximum(case, found(case, data[name]))
    a, b = (Point(case, data[name]).value for name in ("limit", "near"))
    need(
        abs(a - b) > a * ball(APART) and abs(a - b) > b * ball(APART), "the values may be the same"
    )


def strongest_neuron(case, data):
    """From an open set of v_0 the flow tends to a KKT point with one active neuron, not the one
    with the largest v_j G(w_j).
    """
    own, active, _ = neurons(case), data["limit"]["active"][0], Window(case, data)
    need(two_layers(case) and len(own) > 1 and len(active) == 1, "not one active neuron of several")
    _, (gradient,) = case.net.matrices(case.net.run(case.theta, case.X, case.Y)[2])
    shares = [v * g for (_, v), g in zip(own, gradient)]
    need(any(each > shares[active[0]] for each in shares), "the active neuron may be the strongest")


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
