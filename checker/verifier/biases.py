"""The loss flow of a network with biases: what those of the outputs save of the loss is never given back; standard library only.

Where ‖w‖ ≤ ρ the bias of an output moves one way, at a speed of at least m, so that w leaves this ball within ρ/m. By then the
loss has fallen by ∫‖∇𝓛‖² ≥ m∫‖∇𝓛‖ ≥ m(ρ − ‖w_0‖), and it never rises: w cannot come to where it is higher than that.
"""

from __future__ import annotations

from fractions import Fraction

from checker.verifier.numbers import Ball, ball, need
from checker.verifier.points import biased_network
from checker.verifier.windows import ray

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
    """The speed of the bias of an output where ‖w‖ ≤ radius, that which is fastest for sure: −ℓ' is ȳ − ŷ, or ȳ − ŷ·[0, ¼]."""
    slope = Ball(1) if case.square else Ball(0, 1, -2)
    speeds = [abs(sum((y - x * slope for y, x in each), Ball(0))) for each in pairs(case, net, within(net, radius))]
    return max(speeds, key=lambda each: Fraction(each.lo) * Fraction(2) ** each.e)


def change(case, net, w):
    """𝓛(w) − 𝓛(0) = −Σ ȳŷ + ½ Σ ŷ², or up to ⅛ Σ ŷ² for the logistic loss."""
    own = [pair for each in pairs(case, net, w) for pair in each]
    squares = sum((x * x for _, x in own), Ball(0)) * (Ball(1, None, -1) if case.square else Ball(0, 1, -3))
    return squares - sum((y * x for y, x in own), Ball(0))


def biases_collapse(case, data):
    """With biases 0 at first, δ = 0.01, ‖w(T/δ^{D−2})‖ > 2δε, the NCF flow from a KKT point with N < 0 shrunk to ε = 0.1 at T."""
    (point, _), net, order = ray(case, data), biased_network(case), case.net.order
    need(case.lipschitz, "∇H is not Lipschitz")
    least, start = speed(case, net, LEFT), [v for W in case.net.matrices(point.theta) for row in W for v in (*row, Ball(0))]
    grown = SHRUNK ** (order - 2) - 1  # D(D−2)|N|·T
    in_time = least * grown > abs(point.value) * (order * (order - 2)) * ball(LEFT * DELTA ** (order - 2))
    need(in_time, "the flow is not proved to leave the ball before T")
    first, fall = change(case, net, [v * ball(DELTA) for v in start]), least * ball(LEFT - DELTA)
    need(first - fall < change(case, net, within(net, 2 * DELTA / SHRUNK)), "the flow may be back at T")
