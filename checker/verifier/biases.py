"""The flows of networks with biases; standard library only.

What biases of the outputs save of the loss is never given back: where ‖w‖ ≤ ρ that of an output
moves one way, at a speed of at least m, so that w leaves this ball within ρ/m. By then the loss has
fallen by ∫‖∇𝓛‖² ≥ m∫‖∇𝓛‖ ≥ m(ρ − ‖w_0‖), and it never rises: w cannot come to where it is higher
than that.
"""

from __future__ import annotations

import copy
from fractions import Fraction

from ncfcheck.verifier.early import fails_at_norm, fails_at_time, is_larger, misaligned
from ncfcheck.verifier.flows import Field, Tube
from ncfcheck.verifier.networks import Net, full, numbers, unit
from ncfcheck.verifier.numbers import Ball, ball, dot, need
from ncfcheck.verifier.points import biased_network
from ncfcheck.verifier.windows import Window, goal, ray

DELTA, SHRUNK = Fraction(1, 100), 10  # δ, and 1/ε
LEFT = 2 * DELTA  # ρ


def within(net, radius):
    """A box that holds all weights of at most this norm."""
    return [ball(radius) * Ball(-1, 1)] * net.size


def pairs(case, net, w):
    """(ȳ, output) of every sample, by output."""
    outputs = net.run(w, case.X)[0]
    return [[(row[k], own[k]) for row, own in zip(case.Y, outputs)] for k in range(net.widths[-1])]


def speed(case, net, radius):
    """The speed of the bias of an output where ‖w‖ ≤ radius, that which is fastest for sure: −ℓ' is
    ȳ − ŷ, or ȳ − ŷ·[0, ¼].
    """
    slope = Ball(1) if case.square else Ball(0, 1, -2)
    speeds = [
        abs(sum((y - x * slope for y, x in each), Ball(0)))
        for each in pairs(case, net, within(net, radius))
    ]
    return max(speeds, key=lambda each: Fraction(each.lo) * Fraction(2) ** each.e)


def change(case, net, w):
    """𝓛(w) − 𝓛(0) = −Σ ȳŷ + ½ Σ ŷ², or up to ⅛ Σ ŷ² for the logistic loss."""
    own = [pair for each in pairs(case, net, w) for pair in each]
    squares = sum((x * x for _, x in own), Ball(0)) * (
        Ball(1, None, -1) if case.square else Ball(0, 1, -3)
    )
    return squares - sum((y * x for y, x in own), Ball(0))


def biases_collapse(case, data):
    """With biases 0 at first, δ = 0.01, ‖w(T/δ^{D−2})‖ > 2δε, the NCF flow from a KKT point with N
    < 0 shrunk to ε = 0.1 at T.
    """
    (point, _), net, order = ray(case, data), biased_network(case), case.net.order
    need(case.lipschitz, "∇H is not Lipschitz")
    least, start = (
        speed(case, net, LEFT),
        [v for W in case.net.matrices(point.theta) for row in W for v in (*row, Ball(0))],
    )
    grown = SHRUNK ** (order - 2) - 1  # D(D−2)|N|·T
    in_time = least * grown > abs(point.value) * (order * (order - 2)) * ball(
        LEFT * DELTA ** (order - 2)
    )
    need(in_time, "the flow is not proved to leave the ball before T")
    first, fall = change(case, net, [v * ball(DELTA) for v in start]), least * ball(LEFT - DELTA)
    need(
        first - fall < change(case, net, within(net, 2 * DELTA / SHRUNK)),
        "the flow may be back at T",
    )


class Growth(Window):
    """The same of a network of two layers with biases from `point`, ε half of 1 − ⟨v_0, u*⟩.

    Biases of the outputs grow at a constant rate, and all else flows as in a network without them,
    of inputs (x, 1).
    """

    def __init__(self, case, data):
        self.case, bare = copy.copy(case), copy.copy(case)
        net, (inputs, *widths) = biased_network(case), case.net.widths
        need(net.depth == 2, "not two layers")
        self.case.net, bare.X = net, [[*x, Ball(1)] for x in case.X]
        bare.net = Net([inputs + 1, *widths], case.laws, full([inputs + 1, *widths]))
        (self.point, tends), self.start = goal(bare, data), unit(numbers(data["point"]))
        need(len(self.start) == net.size, "a point of another length")
        self.tube, first = Tube(Field(self.case, case.Y), self.start, data["ncf"]), net.starts[1]
        end, theta = self.tube.at(self.tube.end), self.point.theta
        need(
            tends(end[:first] + [v for row in net.matrices(end)[-1] for v in row[:-1]]),
            "the flow may tend to another point",
        )
        self.point.theta = theta[:first] + [
            v for row in bare.net.matrices(theta)[-1] for v in (*row, Ball(0))
        ]
        self.aligns(data, (1 - dot(self.start, self.point.theta)) * Ball(1, None, -1))


def biases_early(case, data):
    """With biases, δ = 0.01, ‖w‖ > 1.01 R_ε δ at T_ε, and ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ there and where
    ‖w‖ first reaches R_ε δ.

    The NCF flow, with biases too, blows up in the direction u*.
    """
    window = Growth(case, data)
    need(
        window.norms[0] > 1 and case.square, "R_ε may be reached at the start, or the logistic loss"
    )
    # The loss flow is that of w itself here, in its own time.
    window.times = [t / DELTA ** (case.net.order - 2) for t in window.times]
    window.norms = [r * DELTA for r in window.norms]
    tube = Tube(
        Field(window.case, case.Y, 1), [v * ball(DELTA) for v in window.start], data["loss"]
    )
    is_larger(window, tube)
    for fails in (fails_at_time, fails_at_norm):
        fails(window, tube, misaligned(window))
