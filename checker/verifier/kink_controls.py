"""Controls of flows through kinks; standard library only.

`kinks_ignored` is not registered: no control says that the flow is that without kinks.
"""

from fractions import Fraction

from .early_models import kink_start, kink_start_tracking
from .flow import shared_conserved
from .hypotheses import homogeneous, order_above_two, true_labels, unshared
from .kinked_flows import (
    HIGH,
    LOW,
    Line,
    balanced,
    branch,
    branch_doubling,
    branch_window,
    on_sides,
)
from .kinks import inner
from .kkt_points import kkt, negative, positive
from .loss_flows import departures, small
from .mode_tubes import ModeFlow, followed
from .networks import number, unit
from .numbers import ball, dot, need
from .registry import fact, proof, refutes
from .through_kinks import ABOVE_TWO, UNIT, order_two, value
from .tubes import Field, Tube

MOVED, APART = Fraction(1, 10**3), Fraction(1, 10**2)  # what controls are wrong by
SLOWER = 2  # how many times as fast N(u) would have to rise
FALLEN = Fraction(1, 10**6)  # relative, what N(v) is seen to fall by


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


@refutes("control.unweighed_balance", keeps={"unshared layers": unshared})
def unweighed_balance(case, data):
    """‖row_j(W_l)‖² − ‖col_j(W_{l+1})‖² of a neuron changes by more than a thousandth of ‖u‖² along
    every solution of u̇ ∈ ∂N(u), through kinks.
    """
    flow, net = followed(case, data), case.net
    first, last = (list(_unweighed(net.matrices(x))) for x in (flow.start, flow.at_end))
    least = (1 + dot(flow.at_end, flow.at_end)) * ball(MOVED)  # ‖u‖² is largest at an end
    need(any(abs(b - a) > least for a, b in zip(first, last)), "it may be conserved")


def _unweighed(W):
    for below, above in zip(W, W[1:]):
        for j, row in enumerate(below):
            column = [line[j] for line in above]
            yield dot(row, row) - dot(column, column)


@refutes("control.kept_slopes", keeps={})
def kept_slopes(case, data):
    """Between two times of the flow that keeps the slopes of the side where it starts N(v) falls,
    or N(u) rises by less than half of ‖Δu‖²/Δt, which it would if it rose at the rate ‖u̇‖².
    """
    line = Line(case)
    side = HIGH if inner(line.x[0], line.q) > 0 else LOW  # α on the kink itself
    kept = branch(case, line, line.q, side)
    tube = Tube(Field(kept, case.Y), unit(case.theta), data["other"])
    early, late = (Fraction(number(each)) for each in data["times"])
    need(0 <= early < late <= tube.end, "not two times")
    a, b = tube.at(early), tube.at(late)
    values = [case.net.run(x, case.X, case.Y)[1] for x in (a, b)]
    first, last = (value(case, x) for x in (a, b))
    moved = [y - x for x, y in zip(a, b)]
    gained = (values[1] - values[0]) * ball(SLOWER * (late - early))
    falls = first - last > ball(FALLEN) * (abs(first) + abs(last))
    need(falls or gained < dot(moved, moved), "N may rise as it would")


@proof
def two_solutions(case, data):
    """Two solutions of u̇ ∈ ∂N(u) from `start` have directions more than 10⁻² apart at a time, so
    that a loss flow is 5·10⁻³‖u‖ or more away from one of them, whatever δ.
    """
    flows = [ModeFlow(case, data[name], every=False) for name in ("first", "second")]
    time = min(each.end for each in flows)
    need_apart(*(unit(each.at(time)) for each in flows), APART)


@refutes(
    "control.branching_departure",
    keeps={
        "H homogeneous": homogeneous,
        "ȳ of the data trained on": true_labels,
        "δ → 0": two_solutions,
    },
)
def branches(case, data):
    """D = 2: two solutions of u̇ ∈ ∂N(u) from `start` have directions more than 10⁻² apart at a
    time: no loss flow is near both, however small δ is.

    A unit slides until what flows back to it changes its sign, and leaves its kink to either side.
    """
    order_two(case)
    two_solutions(case, data)


@fact
def weighed(case):
    """Balances count outgoing weights p_l times, by their formula."""


@proof
def off_kinks(case, data):
    """At a KKT point in a box ∇N does not jump: every solution of u̇ ∈ ∂N(u) from its ray stays
    there.
    """
    return kkt(case, data)


@refutes("control.kinks_shared", keeps={"outgoing weights counted p_l times": weighed})
def kinks_shared(case, data):
    """At `start`, the first layer a convolution with its first neuron's weights: ‖row_j‖² −
    p‖col_j‖² of a neuron changes along the NCF flow, by at least 2 % of the way.

    ∇N does not jump at `start`, so that all solutions set out along it.
    """
    shared_conserved(case, data)


OFF_KINKS = ABOVE_TWO | {"u̇ the subgradient of least norm": off_kinks}


@refutes("control.kinks_no_blowup", keeps=OFF_KINKS | UNIT)
def kinks_no_blowup(case, data):
    """From a KKT point with N < 0, off all kinks, the NCF flow stays on its ray, and its norm
    decreases for ever.
    """
    negative(case, off_kinks(case, data)[3])


@refutes("control.kinks_doubled_start", keeps=OFF_KINKS | {"N* > 0": positive})
def kinks_doubled_start(case, data):
    """From twice a KKT point u with N* = N(u) > 0, off all kinks, the NCF flow blows up at
    2^{−(D−2)}/(D(D−2)N*).
    """
    positive(case, off_kinks(case, data)[3])


@refutes("control.branching_start", keeps={"N* > 0": branch_window, "δ → 0": small})
def branching_start(case, data):
    """From a v_0 on a kink one NCF flow tends to u*; one loss flow, for a small δ and as δ → 0, has
    ‖w‖ > 1.01 R_ε δ at T_ε, ⟨w, u*⟩ < (1 − 1.01 ε)‖w‖ there.

    So it has where ‖w‖ first reaches R_ε δ.
    """
    order_above_two(case)
    kink_start(case, data)


@proof
def transversal(case):
    """Both NCF flows leave the kink of v_0 at a rate; that they meet no other is asked of each."""
    line = Line(case)
    start = balanced(q := line.across(line.q), line.signs)
    for each in (branch(case, line, q, side) for side in (LOW, HIGH)):
        (rate,) = on_sides(each, [0], Field(each, case.Y)(start))
        need(rate > 0, "a flow may leave the kink at no rate")


@refutes(
    "control.branching_start_tracking",
    keeps={
        "kinks are met transversally": transversal,
        "δ → 0": departures,
        "N* > 0": branch_doubling,
    },
)
def branching_start_tracking(case, data):
    """From a v_0 on a kink a loss flow departs from an NCF flow with a slope below D − ¼ between
    two δ, no multiple of δ^D, which does not vanish as δ → 0.
    """
    order_above_two(case)
    transversal(case)
    kink_start_tracking(case, data)
