"""Claims about rank-one points: what is proved of them; standard library only."""

from __future__ import annotations

import math
from fractions import Fraction

from ncfcheck.verifier.boxes import boxed
from ncfcheck.verifier.networks import Net, full, whole
from ncfcheck.verifier.numbers import Ball, ball, bend, dot, need
from ncfcheck.verifier.structures import placed, structured, unequal


def reduced(case, data, X=None, signs=None):
    """u in a box that holds exactly one KKT point of the reduced problem n(u) = Σ ȳ φ(uᵀx), n(u) >
    0, and ∇n of all X there.
    """
    X, signs, ends = X or case.X, signs or case.signs, []
    for t in (Fraction(1), Fraction(-1)):
        for q, alpha, sign in zip(case.powers, case.slopes, signs):
            t = Fraction(sign) * (t if t >= 0 else Fraction(alpha) * t) ** q
        ends.append(t)
    q = math.prod(case.powers)
    net = Net(
        [len(X[0]), 1, 1], [(q, ball(ends[0]), ball(ends[1] * (-1) ** q))], full([len(X[0]), 1, 1])
    )
    theta, _, value, _ = boxed(data["box"], net, X, case.Y, [Ball(1)])
    need(value > 0, "n(u) > 0 is not proved")
    weights = [y[0] * bend(dot(theta, x), *net.laws[0])[1] for x, y in zip(X, case.Y)]
    return theta, weights


def far(case, theta):
    G = case.net.run(theta, case.X, case.Y)[2]
    gg, tt, gt = dot(G, G), dot(theta, theta), dot(G, theta)
    need(gg * tt - gt * gt > gg * tt * ball(Fraction(1, 10**4)), "sin∠ > 0.01 is not proved")


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


def any_direction(case, data):
    """A structured point near `start`, along the u of the instance: sin∠(∇N, w) > 0.01."""
    structured(case)
    need(case.net.dense, "a layer is not dense")
    far(case, placed(case, case.u))


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


def sparse_layers(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, without some weights: sin∠(∇N,
    w) > 0.01.
    """
    structured(case)
    need(not case.net.dense and not any(case.net.shared), "every layer is dense")
    far(case, placed(case, reduced(case, data)[0]))


def mixed(case, dense_only=True):
    """The layer that mixes signs, whether its inputs count as positive, and (Q/P)^{p−1} as a
    rational.
    """
    structured(case, coherent=False)
    layers = [l for l, each in enumerate(case.profiles) if any(e < 0 for e in each)]
    need(
        len(layers) == 1 and case.powers[layers[0]] > 1 and case.net.dense,
        "not one layer with p ≥ 2 mixes signs",
    )
    l, alpha = layers[0], Fraction(case.slopes[layers[0]])
    need(alpha != 0, "α = 0")
    positive = (
        sum(Fraction(a) * Fraction(b) for a, b in zip(case.floats[0], case.u)) > 0
        if l == 0
        else case.signs[l - 1] > 0
    )
    odd = -1 if case.powers[l] % 2 and alpha > 0 else 1  # sign of (−α)^p
    return l, odd, abs(alpha) ** (case.powers[l] * (-1 if positive else 1))


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


def exact_kkt(case, u, rows, columns, root=1):
    """∂N/∂W_l ∥ W_l = ±rows_l columns_{l−1}ᵀ for every layer, where u is reduced-KKT: entries are
    (sign, size^root).
    """
    need(case.net.dense, "a layer is not dense")
    z = [dot(u, x) for x in case.X]
    for l, (q, alpha, law) in enumerate(zip(case.powers, map(Fraction, case.slopes), case.laws)):
        side = 1 if all(t.lo >= 0 for t in z) else -1 if all(t.hi <= 0 for t in z) else 0
        image, slope = [], []
        for sign, size in rows[l]:
            need(
                sign >= 0 or (side != 0 and alpha != 0),
                "a neuron of the other sign sees inputs of both signs",
            )
            turn = Fraction(alpha) if sign < 0 else Fraction(1)
            flip = (-1) ** q if turn < 0 else 1
            factor = abs(turn) ** (q * root * side)
            image.append((flip * sign**q if sign else 0, size**q * factor))
            slope.append((flip * sign ** (q - 1) if sign else 0, size ** (q - 1) * factor))
        back = [(a * b, c * d) for (a, c), (b, d) in zip(slope, columns[l])]
        for given, wanted in ((columns[l], image), (back, rows[l])):
            ratios = {a[1] / b[1] for a, b in zip(given, wanted) if b[0]}
            need(
                len(ratios) == 1 and all(a[0] == b[0] for a, b in zip(given, wanted)),
                "the KKT equation of a layer is not met",
            )
        z = [bend(t, *law)[0] * ball(case.signs[l]) for t in z]


def signed(profile, root=1):
    return [((e > 0) - (e < 0), abs(Fraction(e)) ** root) for e in profile]


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


def negative_value(case, data):
    """A KKT point with N > 0 and rank-one hidden layers exists, so that W_L negated gives one with
    n(u) < 0.
    """
    structured(case)
    rows = [signed(each) for each in case.profiles]
    exact_kkt(case, reduced(case, data)[0], rows, rows)


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
    if any(max(each) > (1 + small) * min(each) for each in sizes) or max(
        gaps
    ) > small * net.order * sum(squares):
        return
    narrow = [net.widths[0], *[1] * net.depth]
    u, chain = list(map(ball, case.u)), Net(narrow, case.laws, full(narrow))
    g = chain.run([*u, *map(ball, case.signs)], case.X, case.Y)[2][: len(u)]
    gg, uu, gu = dot(g, g), dot(u, u), dot(g, u)
    need(gg * uu - gu * gu > gg * uu * ball(small * small), "the criterion is met to 10⁻⁷")
