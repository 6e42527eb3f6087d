"""Controls of early training with kinks or biases; standard library only."""

from fractions import Fraction
from functools import partial

from .biases import Growth, biased_network, change, speed, within
from .kinked_flows import HIGH, Line, balanced, branch, followed, leaving
from .kinks import inner
from .loss_flows import SMALL, departures, has_no_order, is_larger, misaligned, never_holds, small
from .numbers import Ball, ball, dot, need
from .registry import refutes
from .tubes import Field, Tube
from .windows import ray

DELTA, SHRUNK = Fraction(1, 100), 10  # δ, and 1/ε
LEFT = 2 * DELTA  # ρ


@refutes("control.kink_start", keeps={})
def kink_start(case, data):
    """From a v_0 on a kink one NCF flow tends to u*; one loss flow has ‖w‖ > 1.01 R_ε δ at T_ε, ⟨w,
    u*⟩ < (1 − 1.01 ε)‖w‖ there.

    So it has where ‖w‖ first reaches R_ε δ.
    """
    window, fast = leaving(case, data)
    need(window.norms[0] > 1, "R_ε may be reached at the start")
    tube = small(fast, data, window, train=followed)
    is_larger(window, tube)
    never_holds(window, tube, misaligned(window))


@refutes("control.kink_start_tracking", keeps={})
def kink_start_tracking(case, data):
    """From a v_0 on a kink a loss flow departs from an NCF flow with a slope below D − ¼ between
    two δ, no multiple of δ^D.
    """
    window, fast = leaving(case, data)
    has_no_order(case, departures(window, data, partial(followed, fast)))


@refutes("control.kink_collapse", keeps={})
def kink_collapse(case, data):
    """From a v_0 on a kink, on whose ray one NCF flow shrinks, N(v_0) < 0, a loss flow leaves it
    and reaches ‖w‖ = 2δ.
    """
    line = Line(case)
    q, signs = line.across(line.x[1]), [1] * (len(line.signs) - 1) + [-1]
    start, pull = balanced(q, signs), line.pull(q)
    rest = line.across(pull)
    along = inner(rest, q) ** 2 == inner(rest, rest) * inner(q, q) and inner(pull, q) > 0
    need(
        case.net.order > 2 and along and line.balances(pull),
        "no solution is known to stay on the ray",
    )
    delta, tube = followed(branch(case, line, q, HIGH), data, start)
    end = tube.at(tube.end)
    need(delta <= SMALL and dot(end, end) > 4, "‖w‖ = 2δ is not proved to be reached")


@refutes("control.biases_early", keeps={})
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
    start = [v * ball(DELTA) for v in window.start]
    tube = Tube(Field(window.case, case.Y, 1), start, data["loss"])
    is_larger(window, tube)
    never_holds(window, tube, misaligned(window))


@refutes("control.biases_collapse", keeps={})
def biases_collapse(case, data):
    """With biases 0 at first, δ = 0.01, ‖w(T/δ^{D−2})‖ > 2δε, the NCF flow from a KKT point with N
    < 0 shrunk to ε = 0.1 at T.
    """
    (point, _), net, order = ray(case, data), biased_network(case), case.net.order
    need(case.lipschitz, "∇H is not Lipschitz")
    start = [v for W in case.net.matrices(point.theta) for row in W for v in (*row, Ball(0))]
    least = speed(case, net, LEFT)
    grown = SHRUNK ** (order - 2) - 1  # D(D−2)|N|·T
    rate = abs(point.value) * (order * (order - 2))
    in_time = least * grown > rate * ball(LEFT * DELTA ** (order - 2))
    need(in_time, "the flow is not proved to leave the ball before T")
    first, fall = change(case, net, [v * ball(DELTA) for v in start]), least * ball(LEFT - DELTA)
    need(
        first - fall < change(case, net, within(net, 2 * DELTA / SHRUNK)),
        "the flow may be back at T",
    )
