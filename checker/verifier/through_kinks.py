"""Flows through kinks: theorems on one instance; standard library only.

`balance` is not registered: the claim is about loss flows, too.
"""

import math
from fractions import Fraction

from .hypotheses import homogeneous, order_above_two, unit_start
from .identities import balances
from .mode_tubes import followed
from .modes import Kinked, is_nothing
from .numbers import Ball, ball, dot, need, power
from .registry import fact, proof, proves

DRIFT = Fraction(1, 10**9)  # of a balance, where ‖v_0‖ = 1
TERMS = 40  # of exponential series

UNIT, ABOVE_TWO = {"‖u(0)‖ = 1": unit_start}, {"D > 2": order_above_two}
LEAST_NORM = {"u̇ the subgradient of least norm": followed}


@fact
def kinked(case):
    """Some p_l = 1 with α_l < 1, and a sample with a label."""
    Kinked(case)


@fact
def order_two(case):
    need(case.net.order == 2, "D is not 2")


def value(case, x):
    """N(u)/‖u‖^D over a box."""
    square = dot(x, x)
    return case.net.run(x, case.X, case.Y)[1] / power(square.root(2), case.net.order)


def changed(case, data):
    """A flow until its norm has doubled or halved, or to where it rests for ever."""
    flow = followed(case, data)
    square, last = dot(flow.at_end, flow.at_end), flow.pieces[-1]
    need(
        square > 4 or square < Fraction(1, 4) or all(map(is_nothing, last.field(flow.at_end))),
        "the norm has neither doubled nor halved",
    )
    return flow


@proves("kinks.monotone", keeps=LEAST_NORM)
def monotone(case, data):
    """N(v(t)) rises along every solution of u̇ ∈ ∂N(u), through kinks, until the norm has doubled
    or halved: strictly at all times but those of events, unless u rests.

    In events, too, dN(u)/dt = ‖u̇‖² and ⟨u, u̇⟩ = D·N(u), so that it does not fall.
    """
    need_rising(case, changed(case, data))


def need_rising(case, flow):
    """Need N(v) to rise at all times of a flow."""

    def rises(point):
        # ‖u‖^{D+2} times the rate at which N(u)/‖u‖^D changes.
        x, g, along = point.u, point.rate, point.value * case.net.order
        rests = all(map(is_nothing, g))
        return rests or dot(g, g) * dot(x, x) - along * dot(x, g) > 0

    flow.everywhere(rises, "N(v) may fall")
    need(value(case, flow.at_end) > value(case, flow.start), "N(v) is not proved to have risen")


def balance(case, data):
    """Every ‖row_j(W_l)‖² − p_l‖col_j(W_{l+1})‖² stays within 10⁻⁹ along every solution of u̇ ∈
    ∂N(u), through kinks, up to a time.
    """
    flow, net = followed(case, data), case.net
    first = list(balances(net, net.matrices(flow.start)))

    def stays(x):
        return all(-DRIFT < b - a < DRIFT for a, b in zip(first, balances(net, net.matrices(x))))

    flow.everywhere(lambda point: stays(point.u), "a balance may change")
    need(all(stays(each.box) for each in flow.events), "a balance may change in an event")


def exponential(x):
    """e^x of an interval, by the series of x/2^k."""
    halvings = max(0, math.frexp(float(abs(x).upper))[1] + 1)
    x = x * Ball(1, None, -halvings)
    need(abs(x) < 1 and halvings < 64, "an exponential of too large a number")
    term, total = Ball(1), Ball(1)
    for k in range(1, TERMS):
        term = term * x * (Ball(1) / k)
        total = total + term
    total = total + 2 * abs(term).upper * Ball(-1, 1)
    for _ in range(halvings):
        total = total * total
    return total


@proves(
    "two_homogeneous.norm_bracket",
    keeps={"H homogeneous": homogeneous, "D = 2": order_two} | UNIT,
)
def norm_bracket(case, data):
    """D = 2: e^{2N(v_0)t} ≤ ‖u(t)‖ ≤ e^{2N*t} along every solution of u̇ ∈ ∂N(u), through kinks,
    until the norm has doubled or halved.

    d log ‖u‖/dt = 2N(v), and N(v) rises to N*; at the end both bounds are computed.
    """
    flow = changed(case, data)
    need_rising(case, flow)
    four_times, square = ball(4 * flow.end), dot(*[flow.at_end] * 2)
    first, last = value(case, flow.start), value(case, flow.at_end)
    need(exponential(four_times * first) < square, "‖u‖ may be smaller than e^{2N(v_0)t}")
    need(square < exponential(four_times * last), "‖u‖ may be larger than e^{2N*t}")


@proof
def grows(case, flow):
    """N(v) > 0 at the end of a flow; N* is at least that."""
    found = value(case, flow.at_end)
    need(found > 0, "N > 0 is not proved")
    return found


@proves("kinks.blowup_bracket", keeps=ABOVE_TWO | UNIT | {"N* > 0": grows} | LEAST_NORM)
def blowup_bracket(case, data):
    """T* ≥ 1/(D(D−2)N*), and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0, of every solution of u̇ ∈ ∂N(u),
    through kinks.

    From a time on s = ‖u‖^{−(D−2)} falls at D(D−2)N(v), N(v) between its value and N*.
    """
    flow, order = followed(case, data), case.net.order
    need(order > 2, "D is not above 2")
    first, last = value(case, flow.start), grows(case, flow)
    left = Ball(1) / power(dot(*[flow.at_end] * 2).root(2), order - 2)
    passed = ball(flow.end) * (order * (order - 2)) * last
    need(passed > 1 - left, "T* may be earlier than 1/(D(D−2)N*)")
    # No bound where N(v_0) ≤ 0.
    need((passed + left) * first < last, "T* may be later than 1/(D(D−2)N(v_0))")
