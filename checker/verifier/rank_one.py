"""Claims about rank-one points: what is proved of them; standard library only."""

import copy
from fractions import Fraction

from .hypotheses import dense
from .identities import ANY, is_aside, need_heard, norm
from .kinks import kinked, rate
from .kkt_points import ACTIVE, kkt, positive
from .networks import Net, full, numbers, whole
from .numbers import Ball, ball, bend, dot, limits, need
from .registry import proof, refutes
from .structures import (
    balanced,
    coherent,
    compared,
    exact_kkt,
    layers,
    mixed,
    mixing,
    placed,
    reduced,
    signed,
    unequal,
    uniform,
)

FAR, CLARKE_FAR = Fraction(1, 10**4), Fraction(103, 10**8)  # sin²
ASIDE = Fraction(1, 10**6)  # what floats see of the criterion for sure
PLAIN = Fraction(10101, 10**4)  # ratio of entries that are unequal for sure
SMALL = Fraction(1, 10**6)  # share of a profile's norm below which its entries do not count

DENSE = {"dense layers": dense}
COHERENT = {"sign-coherent: every a_l ≥ 0": coherent}
UNIFORM = {"e_l uniform on its support where p_l ≥ 2": uniform}
NORMS = {"c_l² = P_l/D": balanced}
REDUCED = {"u a KKT point of the reduced problem": reduced}
KKT, POSITIVE = {"u a KKT point": exact_kkt}, {"N(u) > 0": reduced}
RANK_ONE = {"hidden layers of rank one": placed}
CURVED = {"p_l ≥ 2 where entries are compared": compared}


def far(case, theta):
    """sin∠ > 0.01 at the exact point, and at `start`."""
    for each in (theta, case.theta):
        need_heard(case.net, each, case.X, case.Y)
        G = case.net.run(each, case.X, case.Y)[2]
        need(is_aside(G, each, FAR), "sin∠ > 0.01 is not proved")


@refutes("control.nonuniform", keeps=DENSE | COHERENT | NORMS | REDUCED)
def nonuniform(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, an e_l not uniform at p_l ≥ 2:
    sin∠(∇N, w) > 0.01.
    """
    uneven = any(q > 1 and unequal(case, l) for l, q in enumerate(case.powers))
    need(uneven, "every profile is uniform")
    far(case, balanced(case, reduced(case, data)[0]))


@refutes("control.unbalanced", keeps=DENSE | COHERENT | UNIFORM | REDUCED)
def unbalanced(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, of other layer norms: sin∠(∇N,
    w) > 0.01.
    """
    need(len(case.norms) == case.net.depth and min(case.norms) > 0, "not layer norms")
    far(case, placed(case, reduced(case, data)[0], norms=list(map(ball, case.norms))))


@refutes("control.any_direction", keeps=DENSE | COHERENT | UNIFORM | NORMS)
def any_direction(case, data):
    """A structured point near `start`, along the u of the instance: sin∠(∇N, w) > 0.01."""
    far(case, balanced(case, case.u))


@refutes("control.signless", keeps=DENSE | UNIFORM | NORMS | REDUCED)
def signless(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, an e_l of both signs: sin∠(∇N,
    w) > 0.01.
    """
    need(any(e < 0 for each in case.profiles for e in each), "no profile has a negative entry")
    far(case, balanced(case, reduced(case, data)[0]))


@refutes("control.sparse_layers", keeps=COHERENT | UNIFORM | NORMS | REDUCED)
def sparse_layers(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, without some weights: sin∠(∇N,
    w) > 0.01.
    """
    need(not case.net.dense and not any(case.net.shared), "every layer is dense, or shares weights")
    far(case, balanced(case, reduced(case, data)[0]))


@refutes("control.two_sided", keeps=DENSE | NORMS | REDUCED)
def two_sided(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, entries P and −Q of one e_l:
    sin∠(∇N, w) > 0.01.
    """
    far(case, balanced(case, reduced(case, data)[0], *mixing(case)))


def not_kkt(case, theta):
    G = case.net.run(theta, case.X, case.Y)[2]
    need(is_aside(G, theta, ANY), "the point may be KKT")


@refutes("rank_one.sufficient", keeps=DENSE | COHERENT | UNIFORM | NORMS | REDUCED)
def sufficient(case, data):
    """A structured point near `start` that meets every hypothesis is no KKT point."""
    not_kkt(case, balanced(case, reduced(case, data)[0]))


@proof
def one_sided(case, u):
    """The inputs of the layer that mixes signs have one sign."""
    layer, z = mixed(case)[0], [dot(u, x) for x in case.X]
    for law, sign in zip(case.laws[:layer], case.signs):
        z = [bend(t, *law)[0] * ball(sign) for t in z]
    need(all(t.lo >= 0 for t in z) or all(t.hi <= 0 for t in z), "inputs of both signs")


@refutes(
    "rank_one.mixed_sign_even_p",
    keeps=DENSE | NORMS | REDUCED | {"the layer's inputs have one sign": one_sided},
)
def mixed_sign(case, data):
    """A structured point near `start` with entries P and −Q of one e_l, of inputs of one sign, is
    no KKT point.
    """
    u = reduced(case, data)[0]
    one_sided(case, u)
    not_kkt(case, balanced(case, u, *mixing(case)))


@refutes("rank_one.perturbed_fails", keeps=DENSE | COHERENT)
def perturbed(case, data):
    """A structured point with unequal entries of an e_l, p_l ≥ 2, is a KKT point."""
    uneven = any(q > 1 and unequal(case, l) for l, q in enumerate(case.powers))
    need(uneven, "every profile is uniform")
    rows, u = [signed(each) for each in case.profiles], reduced(case, data)[0]
    balanced(case, u)
    exact_kkt(case, u, rows, rows)


@refutes("control.equal_entries", keeps=DENSE | KKT | POSITIVE | RANK_ONE | CURVED)
def equal_entries(case, data):
    """A KKT point with N > 0 and rank-one hidden layers has entries P and −Q ≠ −P in one e_l with
    p_l ≥ 2.
    """
    l, odd, size = mixed(case)
    compared(case, l)
    rows = [signed(each, case.powers[l] - 1) for each in case.profiles]
    columns = [list(each) for each in rows]
    rows[l] = [(s, m * size if s < 0 else m) for s, m in rows[l]]
    columns[l] = [(odd if s < 0 else s, m) for s, m in rows[l]]
    u = reduced(case, data)[0]
    exact_kkt(case, u, rows, columns, case.powers[l] - 1)
    W = case.net.matrices(placed(case, u, *mixing(case)))[l]
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
    theta = placed(case, case.u, norms=list(map(ball, case.norms)))
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


@refutes("control.slope_outside", keeps=DENSE | COHERENT | NORMS)
def slope_outside(case, data):
    """p_l = 1: whatever the slopes in [α, 1] at the kinks that u lies on, sin∠(∇N, w) > 10⁻³; some
    slopes would make it 0.
    """
    net, samples, basis, weights = case.net, data["kinks"], data["basis"], numbers(data["normal"])
    need(
        set(case.powers) == {1} and sum(a != 1 for a in case.slopes) == 1,
        "not one kinked layer",
    )
    need(whole(samples, 0, len(case.X) - 1) and whole(basis, 0, len(case.X) - 1), "not samples")
    need(
        set(basis) <= set(samples) and 0 < len(set(basis)) == len(basis) == len(weights) <= 20,
        "not samples",
    )
    u = kinked(case, set(samples), basis)
    balanced(case, u)
    limits.bits = 10**6
    profiles, ones = [list(map(ball, each)) for each in case.profiles], [Ball(1)] * net.depth
    theta = layers(case, profiles, [list(map(ball, u)), *profiles], ones)
    normal = [dot(map(ball, weights), [case.X[i][k] for i in basis]) for k in range(len(u))]
    across = layers(case, profiles, [normal, *profiles], ones)[: net.starts[1]]
    least = abs(rate(net, theta, across + [Ball(0)] * (net.size - len(across)), case.X, case.Y))
    value, W = net.run(theta, case.X, case.Y)[1], net.part(theta, 0)
    need(
        value > 0 and not dot(across, W).nonzero, "N > 0 is not proved, or the normal is not across"
    )
    # ∇N has the part L·N along w, ‖W_l‖² = 1/L, and one of `least`/‖across‖ or more across it;
    # layers get equal norms.
    need(
        least * least * dot(W, W)
        > value * value * dot(across, across) * net.depth * ball(CLARKE_FAR),
        "sin∠ > 0.001 is not proved",
    )
