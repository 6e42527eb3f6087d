"""The flow of the NCF: theorems on one instance, and controls; standard library only."""

import math
from fractions import Fraction

from .hypotheses import lipschitz, order_above_two, unit_start, unshared
from .identities import balances, need_heard, shared_network, shared_start
from .kinked_flows import HIGH, LOW, Line, balanced, branch
from .kinks import inner
from .kkt_points import distance, kkt, negative, positive
from .loss_flows import trained
from .networks import number, unit
from .numbers import Ball, ball, dot, limits, need, power
from .registry import proof, proves, refutes
from .tubes import Field, Tube
from .windows import SAME, limit

GAPS = Fraction(1, 10), Fraction(1, 10**6)  # 1 − N(v)/N* where a flow is taken up
DRIFT = Fraction(1, 10**9)  # of a balance, where ‖v_0‖ = 1
SEEN = Fraction(1, 10**4)  # square of half the rate at which a balance changes that is no constant

SMOOTH, UNIT = {"∇H locally Lipschitz": lipschitz}, {"‖u(0)‖ = 1": unit_start}
GROWING = SMOOTH | {"D > 2": order_above_two, "N* > 0": limit}


def changed(case, data):
    """The NCF flow until its norm has doubled or halved."""
    tube = Tube(Field(case, case.Y), unit(case.theta), data["ncf"])
    end = tube.at(tube.end)
    need(
        dot(end, end) > 4 or dot(end, end) < Fraction(1, 4),
        "the norm has neither doubled nor halved",
    )
    return tube


@proves("flow.monotone", keeps=SMOOTH)
def monotone(case, data):
    """N(v(t)) rises at every time until the norm of the NCF flow has doubled or halved."""

    def rises(x):
        # ‖x‖^{D+2} times the rate at which N(x)/‖x‖^D changes.
        _, value, G = case.net.run(x, case.X, case.Y)
        return dot(G, G) * dot(x, x) - value * dot(x, G) * case.net.order > 0

    tube = changed(case, data)
    tube.everywhere(0, tube.end, rises, "N(v) may fall")


def blowup(case, window):
    """D(D−2)N*, bounds on D(D−2)N*·T*: r^{−(D−2)} falls at D(D−2)N(v), N(v) rises to N*."""
    rate = window.point.value * (case.net.order * (case.net.order - 2))
    x = window.tube.at(window.tube.end)
    size, value = dot(x, x), case.net.run(x, case.X, case.Y)[1]
    need(value > 0, "N > 0 is not proved")
    first = rate * ball(window.tube.end)
    earliest = first + Ball(1) / power(size.root(2), case.net.order - 2)
    return rate, earliest, first + size * window.point.value / value


@proves("flow.blowup_bracket", keeps=GROWING | UNIT)
def blowup_bracket(case, data):
    """T* ≥ 1/(D(D−2)N*), and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0."""
    window = limit(case, data)
    _, earliest, latest = blowup(case, window)
    first = case.net.run(window.start, case.X, case.Y)[1]
    need(earliest > 1, "T* may be earlier than 1/(D(D−2)N*)")
    # No bound where N(v_0) ≤ 0.
    need(latest * first < window.point.value, "T* may be later than 1/(D(D−2)N(v_0))")


@proves("flow.blowup_rate", keeps=GROWING)
def blowup_rate(case, data):
    """Where N(v) is within 10 % and a millionth of N*, (T* − t) r^{D−2} D(D−2)N* is within twice
    that of 1.
    """
    window, order = limit(case, data), case.net.order
    rate, *bounds = blowup(case, window)
    need(len(data["late"]) == len(GAPS), "not two times")
    for gap, time in zip(GAPS, data["late"]):
        x = window.tube.at(Fraction(number(time)))
        size, value = dot(x, x).root(2), case.net.run(x, case.X, case.Y)[1]
        need(
            value > window.point.value * power(size, order) * ball(1 - gap),
            "N(v) is not proved to be that near N*",
        )
        for bound in bounds:
            product = (bound - rate * ball(Fraction(number(time)))) * power(size, order - 2)
            need(-2 * gap < product - 1 < 2 * gap, "the rate is not proved")


@proves("flow.direction_converges", keeps=SMOOTH)
def direction_converges(case, data):
    """The direction of the NCF flow tends to a KKT point u* with N(u*) > 0, so that its norm grows
    without bound.
    """
    limit(case, data)


def need_balancing(case, delta):
    """Need the largest output at δ·v_0 as large as the largest label, as the instance asks for."""
    outputs = case.net.run(unit(case.theta), case.X)[0]
    strength = power(ball(delta), case.net.order)
    largest = max(abs(Fraction(v)) for row in case.get("problem")["y"] for v in row)
    sizes = [abs(v) * strength for row in outputs for v in row]
    need(
        delta > 0
        and all(each < ball(largest * (1 + SAME)) for each in sizes)
        and any(each > ball(largest * (1 - SAME)) for each in sizes),
        "δ is not the instance's",
    )


@proves("flow.balance", keeps=SMOOTH | {"unshared layers": unshared})
def balance(case, data):
    """Every ‖row_j(W_l)‖² − p_l‖col_j(W_{l+1})‖² stays within 10⁻⁹ along both flows, until that of
    N has doubled or halved.
    """
    ncf = changed(case, data)
    delta, loss = trained(case, data, unit(case.theta))
    need_balancing(case, delta)
    need(loss.end >= ncf.end, "the loss flow ends earlier")
    first = list(balances(case.net, case.net.matrices(unit(case.theta))))

    def stays(x):
        return all(
            -DRIFT < b - a < DRIFT for a, b in zip(first, balances(case.net, case.net.matrices(x)))
        )

    for tube in (ncf, loss):
        tube.everywhere(0, tube.end, stays, "a balance may change")


ASLANT = Fraction(1, 10**4)  # sin² of an angle


@refutes("control.kinks", keeps={})
def kinks(case, data):
    """Every solution of the NCF flow tends to a point on a kink where sin∠(∇N, v) > 0.01, ∇N with
    the slopes of either side.

    Where w_l ≠ 0, N > 0 and samples that pull up, Πw_l·ȳ_i > 0, stay on their side, log N is
    concave. With a KKT point v* among them, ⟨v, v*⟩ rises at a rate of at least D·N(v)(1 − ⟨v,
    v*⟩), so that v stays as near as v_0 is, and tends to v*.
    """
    line = Line(case)
    need_heard(case.net, case.theta, case.X, case.Y, "N")
    sign, pull = math.prod(line.signs), line.pull(line.q)
    q, shares = [sign * v for v in line.across(pull)], [sign * y for y in line.y]
    seen = [i for i, y in enumerate(line.y) if y and i]
    same = all(inner(line.x[i], q) * inner(line.x[i], line.q) > 0 for i in seen)
    need(
        same and any(q) and shares[0] < 0 and line.balances(pull),
        "no KKT point on the kink is known",
    )
    v = balanced(q, line.signs)
    away = distance(v, unit(case.theta))
    clear = all(
        abs(dot(case.X[i], v[: len(q)])) > dot(case.X[i], case.X[i]).root(2) * away
        for i in seen
        if shares[i] > 0
    )
    need(
        clear and abs(v[-1]) > away and case.net.run(case.theta, case.X, case.Y)[1] > 0,
        "v_0 may be too far away",
    )
    for side in (LOW, HIGH):
        own = branch(case, line, q, side)
        g = own.net.run(v, own.X, own.Y)[2]
        need(dot(g, g) * ball(1 - ASLANT) > dot(g, v) * dot(g, v), "sin∠ > 0.01 is not proved")


LATE, SLOWER = (30, 32), Fraction(3, 4)  # log₂ of norms, and N at the first over N at the last


def spread(case, t):
    """u(t) = Σ Aᵏv_0 tᵏ/k! of the linear flow u̇ = Au that there is where D = 2, ∇N(u) = Au."""
    sizes = [[[abs(v) for v in row] for row in rows] for rows in (case.X, case.Y)]
    rows = case.net.run([Ball(1)] * case.net.size, *sizes)[2]  # at least Σ_j |A_ij|: they bound A
    widest, total, k = max(rows, key=float).upper * t, (term := unit(case.theta)), 0
    while not (k > 2 * float(widest) + 2 and dot(term, term) < Fraction(1, 2**limits.bits)):
        k += 1
        term = [g * t / k for g in case.net.run(term, case.X, case.Y)[2]]
        total = [a + b for a, b in zip(total, term)]
    need(2 * widest < k, "the series is not proved to converge")
    rest = dot(term, term).root(2) * Ball(-1, 1)  # every later term is at most half the last one
    return [each + rest for each in total]


@proof
def doubles_late(case, data):
    """N > 0 where the norm is 2³⁰ at most, and more than ¾ of what it is where it is 2³² at least;
    N(v) never decreases.
    """
    early, late = (Fraction(number(each)) for each in data["times"])
    need(0 < early < late, "not two times")
    points = [spread(case, ball(each)) for each in (early, late)]
    (first, last), squares = (
        [case.net.run(x, case.X, case.Y)[1] for x in points],
        [dot(x, x) for x in points],
    )
    need(first > 0, "N > 0 is not proved")
    low, high = (4**each for each in LATE)
    need(squares[0] < low and squares[1] > high, "the norms are others")
    need(first * squares[1] > last * squares[0] * ball(SLOWER), "N may still rise")


@refutes("control.degree_two", keeps=SMOOTH | UNIT | {"N* > 0": doubles_late})
def degree_two(case, data):
    """D = 2: d‖u‖²/dt = 4N(u) ≤ 4M‖u‖², so that no norm blows up; from 2³¹ to 2³² it takes more
    than ¾ of the time from 2³⁰ to 2³¹.
    """
    need(case.net.order == 2, "D is not 2")
    doubles_late(case, data)


@refutes("control.shared_conserved", keeps=SMOOTH)
def shared_conserved(case, data):
    """At `start`, the first layer a convolution with its first neuron's weights: ‖row_j‖² −
    p‖col_j‖² of a neuron changes along the NCF flow, by at least 2 % of the way.
    """
    net, u = shared_network(case), shared_start(case)
    need_heard(net, u, case.X, case.Y, "H", "∇N")
    G = net.run(u, case.X, case.Y)[2]
    rates, least = balances(net, net.matrices(u), net.matrices(G), [0]), dot(G, G) * ball(SEEN)
    need(any(each * each > least for each in rates), "the balances may be stationary")


@refutes("control.doubled_start", keeps=SMOOTH | {"D > 2": order_above_two, "N* > 0": positive})
def doubled_start(case, data):
    """From twice a KKT point u with N* = N(u) > 0 the NCF flow blows
    up at 2^{−(D−2)}/(D(D−2)N*).
    """
    positive(case, kkt(case, data)[3])


@refutes("control.no_blowup", keeps=SMOOTH | UNIT | {"D > 2": order_above_two})
def no_blowup(case, data):
    """From a KKT point with N < 0 the NCF flow stays on its ray, and its norm
    decreases for ever.
    """
    negative(case, kkt(case, data)[3])
