"""Rank-one claims that a KKT point refutes, exactly; standard library only."""

import copy
from fractions import Fraction

from .identities import is_aside, need_heard, norm
from .kkt_points import ACTIVE, kkt, positive
from .networks import Net, full, whole
from .numbers import Ball, ball, dot, need
from .rank_one import COHERENT, DENSE
from .registry import proof, refutes
from .structures import compared, exact_kkt, mixing, one_sided, placed, reduced, signed, turned

ASIDE = Fraction(1, 10**6)  # what floats see of the criterion for sure
PLAIN = Fraction(10101, 10**4)  # ratio of entries that are unequal for sure
SMALL = Fraction(1, 10**6)  # share of a profile's norm below which its entries do not count
KKT, POSITIVE = {"u a KKT point": exact_kkt}, {"N(u) > 0": reduced}
RANK_ONE = {"hidden layers of rank one": placed}
CURVED = {"p_l ≥ 2 where entries are compared": compared}


@refutes("control.equal_entries", keeps=DENSE | KKT | POSITIVE | RANK_ONE | CURVED)
def equal_entries(case, data):
    """A KKT point with N > 0 and rank-one hidden layers has entries P and −Q ≠ −P in one e_l with
    p_l ≥ 2.
    """
    u = reduced(case, data)[0]
    l, side = one_sided(case, u)
    compared(case, l)
    odd, size = turned(case, l, side)
    rows = [signed(each, case.powers[l] - 1) for each in case.profiles]
    columns = [list(each) for each in rows]
    rows[l] = [(s, m * size if s < 0 else m) for s, m in rows[l]]
    columns[l] = [(odd if s < 0 else s, m) for s, m in rows[l]]
    exact_kkt(case, u, rows, columns, case.powers[l] - 1)
    W = case.net.matrices(placed(case, u, *mixing(case, l, side)))[l]
    squares = [dot(row, row) for row in W if any(a.nonzero for a in row)]
    need(
        any(a > b * ball(PLAIN * PLAIN) for a in squares for b in squares),
        "the sizes are within 1 %",
    )


@refutes("control.flat_entries", keeps=DENSE | KKT | POSITIVE | RANK_ONE | COHERENT)
def flat_entries(case, data):
    """A KKT point with N > 0 and rank-one hidden layers has unequal nonzero entries in an e_l with
    p_l = 1.
    """
    need(any(q == 1 and uneven(case, l, PLAIN) for l, q in enumerate(case.powers)), "equal entries")
    rows, u = [signed(each) for each in case.profiles], reduced(case, data)[0]
    exact_kkt(case, u, rows, rows)
    placed(case, u)


def uneven(case, l, ratio):
    """Whether entries of e_l that count differ by more than a ratio."""
    least = norm(case.profiles[l]) * ball(SMALL)
    sizes = [abs(Fraction(e)) for e in case.profiles[l] if abs(ball(e)) > least]
    return max(sizes) > ratio * min(sizes)


@refutes("control.negative_value", keeps=DENSE | KKT | RANK_ONE | COHERENT | CURVED)
def negative_value(case, data):
    """A KKT point with N > 0 and rank-one hidden layers exists next to `start`, so that W_L negated
    gives one with n(u) < 0.
    """
    rows, u = [signed(each) for each in case.profiles], reduced(case, data)[0]
    exact_kkt(case, u, rows, rows)
    compared(case)
    theta = placed(case, u)
    need_heard(case.net, theta, case.X, case.Y)


@proof
def alone(case, u, signs):
    """`start` is next to the point along u with e_l = (1, 0, …) ≥ 0 for every l."""
    own = copy.copy(case)
    own.signs, own.u = signs, [1.0] * len(u)
    own.profiles = [[1.0] + [0.0] * (width - 1) for width in case.net.widths[1:-1]]
    placed(own, u)


@refutes(
    "control.blind_input",
    keeps=KKT | POSITIVE | RANK_ONE | CURVED | dict.fromkeys(COHERENT, alone),
)
def blind_input(case, data):
    """`start` is next to a KKT point with the first neuron of each hidden layer active, along (0,
    u'), u' reduced-KKT for X without its first column, ∇n not along it.
    """
    net, signs = case.net, data["signs"]
    need(
        all(k < 0 if j == 0 else k >= 0 for row in net.index[0] for j, k in enumerate(row)),
        "not blind to its first input only",
    )
    need(
        all(net.plain[1:]) and not any(net.shared) and net.widths[-1] == 1,
        "a later layer is not dense",
    )
    need(case.get("point") is not None, "no point was found")
    need(whole(signs, -1, 1) and len(signs) == net.depth - 1 and all(signs), "not signs")
    seen, rest = copy.copy(case), [1] * net.depth
    seen.X, seen.floats = ([x[1:] for x in rows] for rows in (case.X, case.floats))
    seen.net = Net([net.widths[0] - 1, *rest], case.laws, full([net.widths[0] - 1, *rest]))
    seen.signs = signs
    u, weights = reduced(seen, data)
    ones = [[(1, Fraction(1))] for _ in case.powers]
    exact_kkt(seen, u, ones, ones)
    compared(case)
    alone(case, [Ball(0), *u], signs)
    across = dot(weights, [x[0] for x in case.X])
    along = dot(weights, [dot(x, u) for x in seen.X])
    need(
        abs(across) * norm(u) > abs(along) * ball(ASIDE),
        "∇n has no component along the input left out",
    )


@refutes(
    "control.any_rank_one", keeps=DENSE | {"N(u) > 0": positive} | RANK_ONE | COHERENT | CURVED
)
def any_rank_one(case, data):
    """The exact structured point next to `start` has N > 0 and fails the criterion by more than
    10⁻⁶: an e_l, a c_l, or u.
    """
    net = case.net
    theta = placed(case, case.u, norms=list(map(ball, case.norms or ())))
    for each in (theta, case.theta):
        positive(case, net.run(each, case.X, case.Y)[1])
        need_heard(net, each, case.X, case.Y)
    squares = [Fraction(c) ** 2 for c in case.norms]
    gaps = [abs(net.order * c - p * sum(squares)) for c, p in zip(squares, net.orders)]
    unequal_in = [l for l, q in enumerate(case.powers) if q > 1 and uneven(case, l, 1 + ASIDE)]
    compared(case, *unequal_in[:1])
    if unequal_in or max(gaps) > ASIDE * net.order * sum(squares):
        return
    narrow = [net.widths[0], *[1] * net.depth]
    u, chain = list(map(ball, case.u)), Net(narrow, case.laws, full(narrow))
    g = chain.run([*u, *map(ball, case.signs)], case.X, case.Y)[2][: len(u)]
    need(is_aside(g, u, ASIDE * ASIDE), "the criterion is met to 10⁻⁶")


@proof
def no_rank_one(case, W):
    """The hidden layer has rank two, so that no a_l is spoken of: σ_2 > σ_1/1000."""
    need(case.net.depth == 2 and len(W) == 2, "not two neurons")
    a, b, c = dot(W[0], W[0]), dot(W[1], W[1]), dot(W[0], W[1])
    bound = (a + b) * ball(ACTIVE * Fraction(1002, 1000))
    need(a * b - c * c > bound * bound, "σ_2 > σ_1/1000 is not proved")


@refutes(
    "control.every_kkt_rank_one",
    keeps=DENSE
    | {"u a KKT point": kkt, "N(u) > 0": positive}
    | dict.fromkeys([*COHERENT, *CURVED], no_rank_one),
)
def every_kkt_rank_one(case, data):
    """A KKT point with N > 0 has a hidden layer with σ_2 > σ_1/1000."""
    need(case.u is not None, "no point was found")
    net, theta, _, value, _ = kkt(case, data)
    positive(case, value)
    no_rank_one(case, net.matrices(theta)[0])
