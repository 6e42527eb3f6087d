"""Controls of early training with kinks or biases; standard library only."""

from fractions import Fraction

from .biases import biased_network, change, growth, slow, within
from .early_controls import OWN, SHRINKING, SMALL_START
from .hypotheses import homogeneous, lipschitz, order_above_two
from .kinked_flows import branch_doubling, branch_window, branching, leaving, staying
from .loss_flows import (
    departures,
    followed,
    has_no_order,
    is_larger,
    misaligned,
    never_holds,
    small,
    vanishing,
)
from .numbers import Ball, ball, dot, need
from .registry import refutes
from .tubes import Field, Tube
from .windows import ray

DELTA, SHRUNK = Fraction(1, 100), 10  # δ, and 1/ε
LEFT = 2 * DELTA  # ρ

KINKED = {"H homogeneous": homogeneous, "D > 2": order_above_two} | OWN
BIASED = {"D > 2": order_above_two, "∇H locally Lipschitz": lipschitz, SMALL_START: slow} | OWN
LIMIT = "u* the limit of the NCF flow from v_0"


@refutes(
    "control.kink_start",
    keeps=KINKED | {"N* > 0": branch_window, LIMIT: branch_window, SMALL_START: small},
)
def kink_start(case, data):
    """From a v_0 on a kink one NCF flow tends to u*; one loss flow, for a small δ and as δ → 0, has
    ‖w‖ > 1.01 R_ε δ at T_ε, ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ there.

    So it has where ‖w‖ first reaches R_ε δ.
    """
    start, slow_branch, fast = leaving(case)
    found = branch_window(slow_branch, data, start)
    for tube in followed(fast, data, found, train=branching):
        is_larger(found, tube)
        never_holds(found, tube, misaligned(found))


@refutes(
    "control.kink_start_tracking",
    keeps=OWN | {"N* > 0": branch_doubling, SMALL_START: departures},
)
def kink_start_tracking(case, data):
    """From a v_0 on a kink a loss flow departs from an NCF flow with a slope below D − ¼ between
    two δ, no multiple of δ^D, which does not vanish as δ → 0.
    """
    start, slow_branch, fast = leaving(case)
    ncf = branch_doubling(slow_branch, data, start)
    has_no_order(case, departures(fast, data, ncf, train=branching))


@refutes("control.kink_collapse", keeps=KINKED | {"N* ≤ 0": staying, SMALL_START: small})
def kink_collapse(case, data):
    """From a v_0 on a kink, on whose ray one NCF flow shrinks, N(v_0) < 0, a loss flow leaves it
    and reaches ‖w‖ = 2δ, for a small δ and as δ → 0.
    """
    start, fast = staying(case)
    for flow in (small, vanishing):
        tube = flow(fast, data, start, train=branching)
        end = tube.at(tube.end)
        need(dot(end, end) > 4, "‖w‖ = 2δ is not proved to be reached")


@refutes("control.biases_early", keeps=BIASED | {"N* > 0": growth, LIMIT: growth})
def biases_early(case, data):
    """With biases, δ = 0.01, ‖w‖ > 1.01 R_ε δ at T_ε, and ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ there and where
    ‖w‖ first reaches R_ε δ.

    The NCF flow, with biases too, blows up in the direction u*.
    """
    found = growth(case, data)
    need(case.square, "the logistic loss")
    # The loss flow is that of w itself here, in its own time.
    found.times = [t / DELTA ** (case.net.order - 2) for t in found.times]
    tube = Tube(Field(found.case, case.Y, 1), [v * ball(DELTA) for v in found.start], data["loss"])
    found.norms = [r * DELTA for r in found.norms]
    slow(case, found.case.net, found.norms[1])
    is_larger(found, tube)
    never_holds(found, tube, misaligned(found))


@refutes("control.biases_collapse", keeps=BIASED | SHRINKING)
def biases_collapse(case, data):
    """With biases 0 at first, δ = 0.01, ‖w(T/δ^{D−2})‖ > 2δε, the NCF flow from a KKT point with N
    < 0 shrunk to ε = 0.1 at T.
    """
    (point, _), net, order = ray(case, data), biased_network(case), case.net.order
    start = [v for W in case.net.matrices(point.theta) for row in W for v in (*row, Ball(0))]
    least = slow(case, net, LEFT)
    grown = SHRUNK ** (order - 2) - 1  # D(D−2)|N|·T
    rate = abs(point.value) * (order * (order - 2))
    in_time = least * grown > rate * ball(LEFT * DELTA ** (order - 2))
    need(in_time, "the flow is not proved to leave the ball before T")
    first, fall = change(case, net, [v * ball(DELTA) for v in start]), least * ball(LEFT - DELTA)
    need(
        first - fall < change(case, net, within(net, 2 * DELTA / SHRUNK)),
        "the flow may be back at T",
    )
