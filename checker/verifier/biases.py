"""The flows of networks with biases; standard library only.

What biases of the outputs save of the loss is never given back: where ‖w‖ ≤ ρ that of an output
moves one way, at a speed of at least m, so that w leaves this ball within ρ/m. By then the loss has
fallen by ∫‖∇𝓛‖² ≥ m∫‖∇𝓛‖ ≥ m(ρ − ‖w_0‖), and it never rises: w cannot come to where it is higher
than that.
"""

import copy
from fractions import Fraction

from .identities import biased_start
from .networks import Net, full
from .numbers import Ball, ball, dot, need
from .registry import proof
from .tubes import Field, Tube
from .windows import Window, goal

LEFT = Fraction(9, 10)  # share of the speed of biases at 0 that the loss leaves


def biased_network(case):
    """The network with a bias for every neuron, last of its incoming weights; dense layers only."""
    need(case.net.dense, "a layer is not dense")
    index = [
        [[i * (a + 1) + j for j in range(a + 1)] for i in range(b)]
        for a, b in zip(case.net.widths, case.net.widths[1:])
    ]
    return Net(case.net.widths, case.laws, index, bias=True)


def within(net, radius):
    """A box that holds all weights of at most this norm."""
    return [ball(radius) * Ball(-1, 1)] * net.size


def pairs(case, net, w):
    """(ȳ, output) of every sample, by output."""
    outputs = net.run(w, case.X)[0]
    return [[(row[k], own[k]) for row, own in zip(case.Y, outputs)] for k in range(net.widths[-1])]


def speed(case, net, radius):
    """Speed of the output bias fastest for sure if ‖w‖ ≤ radius: −ℓ' is ȳ − ŷ, or ȳ − ŷ·[0, ¼]."""
    slope = Ball(1) if case.square else Ball(0, 1, -2)
    speeds = [
        abs(sum((y - x * slope for y, x in each), Ball(0)))
        for each in pairs(case, net, within(net, radius))
    ]
    return max(speeds, key=lambda each: Fraction(each.lo) * Fraction(2) ** each.e)


@proof
def slow(case, net, radius):
    """The same, where ‖w‖ ≤ radius is so small that the loss takes less than 10 % off the speed of
    biases at 0.
    """
    found = speed(case, net, radius)
    need(found > speed(case, net, 0) * ball(LEFT), "δ is not small: the loss slows biases down")
    return found


def change(case, net, w):
    """𝓛(w) − 𝓛(0) = −Σ ȳŷ + ½ Σ ŷ², or up to ⅛ Σ ŷ² for the logistic loss."""
    own = [pair for each in pairs(case, net, w) for pair in each]
    half = Ball(1, None, -1) if case.square else Ball(0, 1, -3)
    squares = sum((x * x for _, x in own), Ball(0)) * half
    return squares - sum((y * x for y, x in own), Ball(0))


@proof
def growth(case, data):
    """The NCF flow with biases goes to infinity in the direction u*."""
    return Growth(case, data)


class Growth(Window):
    """The same of a network of two layers with biases from `biased_start`, ε half of 1 − ⟨v_0, u*⟩.

    Biases of the outputs grow at a constant rate, and all else flows as in a network without them,
    of inputs (x, 1).
    """

    def __init__(self, case, data):
        self.case, bare = copy.copy(case), copy.copy(case)
        net, (inputs, *widths) = biased_network(case), case.net.widths
        need(net.depth == 2, "not two layers")
        self.case.net, bare.X = net, [[*x, Ball(1)] for x in case.X]
        bare.net = Net([inputs + 1, *widths], case.laws, full([inputs + 1, *widths]))
        (self.point, tends), self.start = goal(bare, data), biased_start(case)
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
