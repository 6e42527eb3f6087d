"""Identities of homogeneous networks that fail at points, and balances; standard library only."""

from fractions import Fraction

from .networks import Net, number, unit
from .numbers import Ball, ball, dot, need, power

FACTORS = (3, Fraction(1, 2))


def scaled(theta, factor):
    return [a * factor for a in theta]


def not_parallel(g, u):
    square, along = dot(u, u), dot(g, u)
    return any((square * a - along * b).nonzero for a, b in zip(g, u))


def kkt_fails(net, theta, X, Y):
    return not_parallel(net.run(theta, X, Y)[2], theta)


def euler_fails(net, theta, X, Y):
    _, value, G = net.run(theta, X, Y)
    return (dot(G, theta) - value * net.order).nonzero


def layers_fail(net, theta, X, Y):
    _, value, G = net.run(theta, X, Y)
    return any(
        (dot(net.part(G, l), net.part(theta, l)) - value * p).nonzero
        for l, p in enumerate(net.orders)
    )


def scaling_fails(net, theta, X, Y, sign=1):
    """Both H(cu) = c^D H(u) and ∇N(cu) = c^{D−1} ∇N(u) fail, each for some c of the sign."""
    outputs, _, G = net.run(theta, X, Y)
    others = [(ball(sign * c), net.run(scaled(theta, ball(sign * c)), X, Y)) for c in FACTORS]
    values = [
        (a - power(c, net.order) * b).nonzero
        for c, (o, _, _) in others
        for r, s in zip(o, outputs)
        for a, b in zip(r, s)
    ]
    return any(values) and any(
        (a - power(c, net.order - 1) * b).nonzero for c, (_, _, g) in others for a, b in zip(g, G)
    )


def expansion_fails(case, net, theta, delta, Y):
    """|𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ², N that of Y; log cosh x lies between 0 and x²/2."""
    delta = ball(number(delta))
    need(delta > 0, "δ is not positive")
    outputs, own, _ = net.run(scaled(theta, delta), case.X, case.Y)
    departure = power(delta, net.order) * net.run(theta, case.X, Y)[1] - own
    square = sum((dot(row, row) for row in outputs), Ball(0))
    low, high = (4, 4) if case.square else (0, 1)
    need(
        8 * departure + (low - 8) * square > 0 or 8 * departure + (high + 8) * square < 0,
        "the expansion holds at this δ",
    )


def unbalanced_layers(net, theta):
    total, parts = dot(theta, theta), [net.part(theta, l) for l in range(net.depth)]
    return any(
        (dot(part, part) * net.order - total * p).nonzero for part, p in zip(parts, net.orders)
    )


def balances(net, W, V=None, only=None):
    """⟨row_j(W_l), row_j(V_l)⟩ − p_l ⟨col_j(W_{l+1}), col_j(V_{l+1})⟩, every j of layers `only`."""
    V = V or W
    for l in range(net.depth - 1) if only is None else only:
        for j, row in enumerate(W[l]):
            columns = ([line[j] for line in M[l + 1]] for M in (W, V))
            yield dot(row, V[l][j]) - dot(*columns) * net.laws[l][0]


def unbalanced_neurons(net, theta):
    unshared = [l for l in range(net.depth - 1) if not (net.shared[l] or net.shared[l + 1])]
    return any(gap.nonzero for gap in balances(net, net.matrices(theta), None, unshared))


def shared_network(case):
    """The network with a circular convolution for first layer, its kernel as long as the input."""
    need(case.net.dense, "a layer is not dense")
    a, b = case.net.widths[:2]
    return Net(
        case.net.widths,
        case.laws,
        [[[(j - i) % a for j in range(a)] for i in range(b)], *case.net.index[1:]],
    )


def shared_start(case):
    """`start` with the first row of W_1 for the kernel of `shared_network`, normalised."""
    return unit(case.start[: case.net.widths[0]] + case.start[case.net.starts[1] :])


def biased_start(case):
    """`start` with a bias for every neuron, equal to the first of its weights, normalised."""
    rows = [row for each in case.net.matrices(case.theta) for row in each]
    return unit([v for row in rows for v in (*row, row[0])])


def shuffled(case):
    """ȳ of the labels moved on by one sample."""
    Y = [case.Y[-1], *case.Y[:-1]]
    need(
        any((a - b).nonzero for rows in zip(Y, case.Y) for a, b in zip(*rows)),
        "the labels shuffled are the labels",
    )
    return Y
