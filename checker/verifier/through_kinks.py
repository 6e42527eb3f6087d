"""Flows through kinks: what is proved of them; standard library only.

No function here is registered: whoever states a claim does that, with the hypotheses it keeps
(docs/certificates.md).
"""

import math
from fractions import Fraction

from .identities import balances
from .mode_tubes import ModeFlow, followed
from .modes import Kinked, is_nothing
from .networks import unit
from .numbers import Ball, ball, dot, need, power
from .registry import fact, proof
from .tubes import Tube

DRIFT = Fraction(1, 10**9)  # of a balance, where ‖v_0‖ = 1
MOVED, APART = Fraction(1, 10**3), Fraction(1, 10**2)  # what controls are wrong by
WRONG_POWER, TERMS = 2, 40  # in place of p = 1; of exponential series


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


def monotone(case, data):
    """N(v(t)) rises along every solution of u̇ ∈ ∂N(u), through kinks, up to a time: strictly at
    all times but those of events, unless u rests.

    In events, too, dN(u)/dt = ‖u̇‖² and ⟨u, u̇⟩ = D·N(u), so that it does not fall.
    """
    flow = followed(case, data)

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


def norm_bracket(case, data):
    """D = 2: e^{2N(v_0)t} ≤ ‖u(t)‖ ≤ e^{2N*t} at a time t of every solution of u̇ ∈ ∂N(u), through
    kinks; N* ≥ N(v(t)).
    """
    order_two(case)
    flow = followed(case, data)
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


def kinks_ignored(case, data):
    """At a time the direction of every solution of u̇ ∈ ∂N(u), through kinks, is more than 10⁻³ from
    that of the flow that keeps the slopes that units have at first.
    """
    flow = followed(case, data)
    tube = Tube(flow.pieces[0].field, flow.start, data["other"])
    directions = unit(flow.at_end), unit(tube.at(flow.end))
    need_apart(*directions, MOVED)


def need_apart(a, b, least):
    aside = [x - y for x, y in zip(a, b)]
    need(dot(aside, aside) > ball(least * least), "the ends may be nearer")


def balance_wrong(case, data):
    """‖row_j(W_l)‖² − 2‖col_j(W_{l+1})‖² of a neuron with p_l = 1 changes by more than 10⁻³ along
    every solution of u̇ ∈ ∂N(u), through kinks, from a start of norm 1.
    """
    flow, net = followed(case, data), case.net
    first, last = (list(_wrong(case, net.matrices(x))) for x in (flow.start, flow.at_end))
    need(any(abs(b - a) > ball(MOVED) for a, b in zip(first, last)), "it may be conserved")


def _wrong(case, W):
    for l in Kinked(case).layers:
        for j, row in enumerate(W[l]):
            column = [line[j] for line in W[l + 1]]
            yield dot(row, row) - WRONG_POWER * dot(column, column)


def branches(case, data):
    """Two solutions of u̇ ∈ ∂N(u) from `start` whose directions are more than 10⁻² apart at a time:
    a unit slides until what flows back to it changes its sign, and leaves its kink to either side.
    """
    flows = [ModeFlow(case, data[name], every=False) for name in ("first", "second")]
    time = min(each.end for each in flows)
    need_apart(*(unit(each.at(time)) for each in flows), APART)
