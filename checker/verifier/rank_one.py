"""Claims about rank-one points: what is proved of them; standard library only."""

from fractions import Fraction

from .kinks import kinked, rate
from .kkt_points import ACTIVE, found
from .networks import Net, full, numbers, whole
from .numbers import Ball, ball, dot, limits, need
from .registry import refutes
from .structures import exact_kkt, layers, mixed, placed, reduced, signed, structured, unequal

FAR = Fraction(1, 10**6 - 1)  # tan² of an angle with sin² = 10⁻⁶


def is_aside(g, u, square):
    """Whether sin²∠(g, u) > square."""
    gg, uu, gu = dot(g, g), dot(u, u), dot(g, u)
    return gg * uu - gu * gu > gg * uu * ball(square)


def far(case, theta):
    G = case.net.run(theta, case.X, case.Y)[2]
    need(is_aside(G, theta, Fraction(1, 10**4)), "sin∠ > 0.01 is not proved")


@refutes("control.nonuniform", keeps={})
def nonuniform(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, an e_l not uniform at p_l ≥ 2:
    sin∠(∇N, w) > 0.01.
    """
    structured(case, uniform=False)
    need(
        any(q > 1 and unequal(case, l) for l, q in enumerate(case.powers)) and case.net.dense,
        "every profile is uniform",
    )
    far(case, placed(case, reduced(case, data)[0]))


@refutes("control.unbalanced", keeps={})
def unbalanced(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, of other layer norms: sin∠(∇N,
    w) > 0.01.
    """
    structured(case)
    need(
        case.net.dense and len(case.norms) == case.net.depth and min(case.norms) > 0,
        "not layer norms",
    )
    far(case, placed(case, reduced(case, data)[0], norms=list(map(ball, case.norms))))


@refutes("control.any_direction", keeps={})
def any_direction(case, data):
    """A structured point near `start`, along the u of the instance: sin∠(∇N, w) > 0.01."""
    structured(case)
    need(case.net.dense, "a layer is not dense")
    far(case, placed(case, case.u))


@refutes("control.signless", keeps={})
def signless(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, an e_l of both signs: sin∠(∇N,
    w) > 0.01.
    """
    structured(case, coherent=False)
    need(
        case.net.dense and any(e < 0 for each in case.profiles for e in each),
        "no profile has a negative entry",
    )
    far(case, placed(case, reduced(case, data)[0]))


@refutes("control.sparse_layers", keeps={})
def sparse_layers(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, without some weights: sin∠(∇N,
    w) > 0.01.
    """
    structured(case)
    need(not case.net.dense and not any(case.net.shared), "every layer is dense")
    far(case, placed(case, reduced(case, data)[0]))


@refutes("control.two_sided", keeps={})
def two_sided(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, entries P and −Q of one e_l:
    sin∠(∇N, w) > 0.01.
    """
    l, odd, size = mixed(case)
    ratio = ball(size).root(case.powers[l] - 1)
    rows, columns = ([list(map(ball, each)) for each in case.profiles] for _ in range(2))
    rows[l] = [a * ratio if e < 0 else a for a, e in zip(rows[l], case.profiles[l])]
    columns[l] = [-a * ratio * odd if e < 0 else a for a, e in zip(columns[l], case.profiles[l])]
    far(case, placed(case, reduced(case, data)[0], rows, columns))


@refutes("control.equal_entries", keeps={})
def equal_entries(case, data):
    """A KKT point with N > 0 and rank-one hidden layers has entries P and −Q ≠ −P in one e_l with
    p_l ≥ 2.
    """
    l, odd, size = mixed(case)
    need(size != 1, "the sizes are equal")
    rows = [signed(each, case.powers[l] - 1) for each in case.profiles]
    columns = [list(each) for each in rows]
    rows[l] = [(s, m * size if s < 0 else m) for s, m in rows[l]]
    columns[l] = [(odd if s < 0 else s, m) for s, m in rows[l]]
    exact_kkt(case, reduced(case, data)[0], rows, columns, case.powers[l] - 1)


@refutes("control.flat_entries", keeps={})
def flat_entries(case, data):
    """A KKT point with N > 0 and rank-one hidden layers has unequal nonzero entries in an e_l with
    p_l = 1.
    """
    structured(case)
    need(
        any(q == 1 and unequal(case, l) for l, q in enumerate(case.powers)),
        "every profile is uniform",
    )
    rows = [signed(each) for each in case.profiles]
    exact_kkt(case, reduced(case, data)[0], rows, rows)


@refutes("control.negative_value", keeps={})
def negative_value(case, data):
    """A KKT point with N > 0 and rank-one hidden layers exists, so that W_L negated gives one with
    n(u) < 0.
    """
    structured(case)
    rows = [signed(each) for each in case.profiles]
    exact_kkt(case, reduced(case, data)[0], rows, rows)


@refutes("control.blind_input", keeps={})
def blind_input(case, data):
    """Layers of one active neuron each along (0, u'), u' reduced-KKT for X without its first
    column, ∇n not along it.
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
    need(whole(signs, -1, 1) and len(signs) == net.depth - 1 and all(signs), "not signs")
    _, weights = reduced(case, data, [x[1:] for x in case.X], signs)
    need(
        dot(weights, [x[0] for x in case.X]).nonzero, "∇n has no component along the input left out"
    )


@refutes("control.any_rank_one", keeps={})
def any_rank_one(case, data):
    """The exact structured point fails the criterion by more than 10⁻⁷: an e_l, a c_l, or u."""
    structured(case, uniform=False)
    placed(case, case.u, norms=list(map(ball, case.norms)))
    small, net = Fraction(1, 10**7), case.net
    sizes = [
        [Fraction(e) for e in each if e] for q, each in zip(case.powers, case.profiles) if q > 1
    ]
    squares = [Fraction(c) ** 2 for c in case.norms]
    gaps = [abs(net.order * c - p * sum(squares)) for c, p in zip(squares, net.orders)]
    uneven = any(max(each) > (1 + small) * min(each) for each in sizes)
    if uneven or max(gaps) > small * net.order * sum(squares):
        return
    narrow = [net.widths[0], *[1] * net.depth]
    u, chain = list(map(ball, case.u)), Net(narrow, case.laws, full(narrow))
    g = chain.run([*u, *map(ball, case.signs)], case.X, case.Y)[2][: len(u)]
    need(is_aside(g, u, small * small), "the criterion is met to 10⁻⁷")


@refutes("control.every_kkt_rank_one", keeps={})
def every_kkt_rank_one(case, data):
    """A KKT point has a hidden layer with σ_2 > σ_1/1000."""
    net, theta, *_ = found(case, data)
    W = net.matrices(theta)[0]
    need(len(W) == 2, "not two neurons")
    a, b, c = dot(W[0], W[0]), dot(W[1], W[1]), dot(W[0], W[1])
    need(a * b - c * c > (a + b) * (a + b) * ball(ACTIVE * ACTIVE), "σ_2 > σ_1/1000 is not proved")


@refutes("control.slope_outside", keeps={})
def slope_outside(case, data):
    """p_l = 1: whatever the slopes in [α, 1] at the kinks that u lies on, sin∠(∇N, w) > 10⁻³; some
    slopes would make it 0.
    """
    structured(case)
    net, samples, basis, weights = case.net, data["kinks"], data["basis"], numbers(data["normal"])
    need(
        set(case.powers) == {1} and sum(a != 1 for a in case.slopes) == 1 and net.dense,
        "not one kinked layer",
    )
    need(whole(samples, 0, len(case.X) - 1) and whole(basis, 0, len(case.X) - 1), "not samples")
    need(
        set(basis) <= set(samples) and 0 < len(set(basis)) == len(basis) == len(weights) <= 20,
        "not samples",
    )
    u = kinked(case, set(samples), basis)
    placed(case, u)
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
        least * least * dot(W, W) > value * value * dot(across, across) * net.depth * ball(FAR),
        "sin∠ > 0.001 is not proved",
    )
