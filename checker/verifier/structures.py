"""Structured points W_l = c_l s_l e_l e_{l−1}ᵀ of an instance; standard library only."""

import math
from fractions import Fraction

from .boxes import boxed
from .identities import norm
from .kkt_points import distance, told
from .networks import Net, full, unit
from .numbers import Ball, ball, bend, dot, need
from .registry import fact, proof

NEAR = Fraction(1, 10**9)  # how far `start` is from a structured point at most, layer by layer


def unequal(case, l):
    return len({abs(e) for e in case.profiles[l] if e}) > 1


def structured(case):
    """u, signs ±1 and profiles fit the network."""
    sizes = [len(each) for each in case.profiles]
    need(
        sizes == case.net.widths[1:-1]
        and case.net.widths[-1] == 1
        and len(case.u) == case.net.widths[0],
        "not structured",
    )
    need(
        len(case.signs) == case.net.depth - 1 and all(abs(s) == 1 for s in case.signs),
        "signs other than ±1",
    )
    need(all(map(any, case.profiles)) and any(case.u), "a profile that is 0")


@fact
def coherent(case):
    structured(case)
    need(all(e >= 0 for each in case.profiles for e in each), "a profile of mixed signs")


@fact
def uniform(case):
    structured(case)
    uneven = any(unequal(case, l) for l, q in enumerate(case.powers) if q > 1)
    need(not uneven, "a profile that is not uniform")


def layers(case, rows, columns, norms):
    """Weights c_l s_l rows_l columns_{l−1}ᵀ, columns_0 the direction in the first layer."""
    theta = [Ball(0)] * case.net.size
    for l, (row, column) in enumerate(zip([*rows, [Ball(1)]], columns)):
        for a, numbers_of in zip(row, case.net.index[l]):
            for b, k in zip(column, numbers_of):
                if k >= 0:
                    theta[case.net.starts[l] + k] = a * b * norms[l] * ball([1.0, *case.signs][l])
    return theta


@proof
def placed(case, u, rows=None, columns=None, norms=None):
    """Weights of rank one next to `start`: unit rows and columns, else the profiles; of these
    norms.
    """
    structured(case)
    rows, columns = (
        [list(map(ball, each)) for each in given or case.profiles] for given in (rows, columns)
    )
    if norms is None:
        norms = [(Ball(order) / case.net.order).root(2) for order in case.net.orders]
    need(len(norms) == case.net.depth and all(c > 0 for c in norms), "not layer norms")
    theta = unit(layers(case, map(unit, rows), [unit(u), *map(unit, columns)], norms))
    own = [case.net.part(unit(case.theta), l) for l in range(case.net.depth)]
    parts = [case.net.part(theta, l) for l in range(case.net.depth)]
    away = [distance(a, b) / norm(a) for a, b in zip(parts, own)]
    need(all(each < NEAR for each in away), "`start` is another point")
    told(case, theta, unit(case.theta), NEAR)
    return theta


@proof
def balanced(case, *given):
    """The same of layer norms c_l² = P_l/D."""
    return placed(case, *given)


@proof
def reduced(case, data, X=None, signs=None):
    """u in a box of one KKT point of n(u) = Σ ȳ φ(uᵀx), n(u) > 0; ∇n = Σ weights·x there."""
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


def mixed(case, u):
    """The layer that mixes signs, and its inputs at the structured point along u."""
    structured(case)
    layers = [l for l, each in enumerate(case.profiles) if any(e < 0 for e in each)]
    need(
        len(layers) == 1
        and max(case.profiles[layers[0]]) > 0
        and case.powers[layers[0]] > 1
        and case.net.dense,
        "not one layer with p ≥ 2 mixes signs",
    )
    need(case.slopes[layers[0]] != 0, "α = 0")
    z = [dot(u, x) for x in case.X]
    for law, sign in zip(case.laws[: layers[0]], case.signs):
        z = [bend(t, *law)[0] * ball(sign) for t in z]
    return layers[0], z


@proof
def one_sided(case, u):
    """The layer that mixes signs, and the one sign of its inputs."""
    l, z = mixed(case, u)
    positive, negative = all(t.lo >= 0 for t in z), all(t.hi <= 0 for t in z)
    need(positive or negative, "inputs of both signs")
    need(any(t.nonzero for t in z), "all inputs may be 0")
    return l, 1 if positive else -1


def turned(case, l, side):
    """The sign of (−α)^p, and (Q/P)^{p−1} as a rational for inputs of a sign."""
    alpha, p = Fraction(case.slopes[l]), case.powers[l]
    return -1 if p % 2 and alpha > 0 else 1, abs(alpha) ** (-p * side)


def mixing(case, l, side):
    """Rows and columns of the point with entries P and −Q in e_l, of inputs of a sign."""
    odd, size = turned(case, l, side)
    ratio = ball(size).root(max(case.powers[l] - 1, 1))
    rows, columns = ([list(map(ball, each)) for each in case.profiles] for _ in range(2))
    rows[l] = [a * ratio if e < 0 else a for a, e in zip(rows[l], case.profiles[l])]
    columns[l] = [-a * ratio * odd if e < 0 else a for a, e in zip(columns[l], case.profiles[l])]
    return rows, columns


@proof
def compared(case, l=None):
    """p_l ≥ 2 in the layer, if any, whose entries are compared."""
    need(l is None or case.powers[l] > 1, "p_l = 1 where entries are compared")


@proof
def exact_kkt(case, u, rows, columns, root=1):
    """Need ∂N/∂W_l ∥ W_l = ±rows_l columns_{l−1}ᵀ, u reduced-KKT; entries are (sign, size^root)."""
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
