"""Claims about single points: what is proved of them; standard library only."""

from __future__ import annotations

from fractions import Fraction

from ncfcheck.verifier.boxes import is_positive, slopes
from ncfcheck.verifier.networks import Net, number, numbers
from ncfcheck.verifier.numbers import Ball, ball, dot, limits, need, power

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


def biased_network(case):
    """The network with a bias for every neuron, the last of its incoming weights; dense layers
    only.
    """
    need(case.net.dense, "a layer is not dense")
    index = [
        [[i * (a + 1) + j for j in range(a + 1)] for i in range(b)]
        for a, b in zip(case.net.widths, case.net.widths[1:])
    ]
    return Net(case.net.widths, case.laws, index, bias=True)


def biased(case, data):
    """The network with biases, and its weights."""
    net, theta = biased_network(case), list(map(ball, numbers(data["point"])))
    need(len(theta) == net.size, "a point of another length")
    return net, theta, case.X, case.Y


def biases(case, data):
    """At `point`, weights and biases: Euler's identity fails, in all and for a layer, and both
    scalings fail.
    """
    found = biased(case, data)
    need(euler_fails(*found) and layers_fail(*found) and scaling_fails(*found), "an identity holds")


def biases_expansion(case, data):
    """At `point`, weights and biases: |𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ² for this δ."""
    net, theta, _, Y = biased(case, data)
    expansion_fails(case, net, theta, data["delta"], Y)


def wrong_labels(case, data):
    """At `start`: |𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ² for this δ, N that of the labels moved on by one
    sample.
    """
    shuffled = case.Y[-1:] + case.Y[:-1]
    need(
        any((a - b).nonzero for r, s in zip(shuffled, case.Y) for a, b in zip(r, s)),
        "the labels shuffled are the labels",
    )
    expansion_fails(case, case.net, case.theta, data["delta"], shuffled)


def negative_factor(case, data):
    """At `start`: H(cu) ≠ c^D H(u), and ∇N(cu) ≠ c^{D−1} ∇N(u), each for some c < 0."""
    need(scaling_fails(case.net, case.theta, case.X, case.Y, -1), "a scaling holds")


def unbalanced_layers(net, theta):
    total, parts = dot(theta, theta), [net.part(theta, l) for l in range(net.depth)]
    return any(
        (dot(part, part) * net.order - total * p).nonzero for part, p in zip(parts, net.orders)
    )


def balances(net, W, V=None, only=None):
    """⟨row_j(W_l), row_j(V_l)⟩ − p_l ⟨col_j(W_{l+1}), col_j(V_{l+1})⟩ of every hidden neuron of the
    layers `only`.
    """
    V = V or W
    for l in range(net.depth - 1) if only is None else only:
        for j, row in enumerate(W[l]):
            columns = ([line[j] for line in M[l + 1]] for M in (W, V))
            yield dot(row, V[l][j]) - dot(*columns) * net.laws[l][0]


def unbalanced_neurons(net, theta):
    unshared = [l for l in range(net.depth - 1) if not (net.shared[l] or net.shared[l + 1])]
    return any(gap.nonzero for gap in balances(net, net.matrices(theta), None, unshared))


def any_point(case, data):
    """At `start`: ∇N is not along u, nor with W_L negated; layers are unbalanced, and so are
    neurons.
    """
    net, u = case.net, case.theta
    flipped = [-a if k >= net.starts[-2] else a for k, a in enumerate(u)]
    need(
        kkt_fails(net, u, case.X, case.Y) and kkt_fails(net, flipped, case.X, case.Y),
        "∇N is along u",
    )
    need(unbalanced_layers(net, u) and unbalanced_neurons(net, u), "layers or neurons are balanced")


def zero_points(case, data):
    """At `point`: ∇N = 0, layers are unbalanced, and so are neurons."""
    net, u = case.net, list(map(ball, numbers(data["point"])))
    need(len(u) == net.size and any(a.nonzero for a in u), "no point of the sphere")
    need(all(g.lo == g.hi == 0 for g in net.run(u, case.X, case.Y)[2]), "∇N is not known to be 0")
    need(unbalanced_layers(net, u) and unbalanced_neurons(net, u), "layers or neurons are balanced")


def any_negative_point(case, data):
    """The largest eigenvalue of the projected Hessian is below 1.999 |λ|, λ = D·N(u/‖u‖) < 0."""
    net, u = case.net, case.theta
    value, square = net.run(u, case.X, case.Y)[1] * net.order, dot(u, u)
    need(value < 0, "N is not negative")
    H = slopes(lambda t: net.run(t, case.X, case.Y)[2], u)
    bound, lift = value + abs(value) * ball(Fraction(1999, 1000)), abs(value) * 2**40

    def entry(i, j):
        return bound * (i == j) - square * H[i][j] + lift * u[i] * u[j]

    need(is_positive(len(u), entry), "an eigenvalue is not known to be below 2|λ|")


def shared_network(case):
    """The network with the first layer a circular convolution with a kernel as long
    as the input.
    """
    need(case.net.dense, "a layer is not dense")
    a, b = case.net.widths[:2]
    return Net(
        case.net.widths,
        case.laws,
        [[[(j - i) % a for j in range(a)] for i in range(b)], *case.net.index[1:]],
    )


def shared_conserved(case, data):
    """At `point`, the first layer a convolution: ‖row_j‖² − p‖col_j‖² of a neuron has a derivative
    ≠ 0 along the NCF flow.
    """
    net, u = shared_network(case), list(map(ball, numbers(data["point"])))
    need(len(u) == net.size, "a point of another length")
    W, V = net.matrices(u), net.matrices(net.run(u, case.X, case.Y)[2])
    need(any(gap.nonzero for gap in balances(net, W, V, [0])), "the balances are stationary")


def degree_two(case, data):
    """D = 2 and ∇H is Lipschitz: d‖u‖²/dt = 4N(u) ≤ 4M‖u‖², so that no norm blows up."""
    need(case.net.order == 2 and case.lipschitz, "D is not 2, or ∇H is not Lipschitz")


def flat_neurons(case, data):
    """W_1 with rows Xᵀȳ and all other weights 1: N² = ‖Xᵀȳ‖² Π ‖W_l‖², the largest possible,
    exactly.
    """
    net = case.net
    linear = all(q == 1 and not (minus - 1).nonzero for q, _, minus in case.laws)
    need(
        linear and net.dense and net.widths[-1] == 1 and net.widths[-2] > 1,
        "not a linear network of several neurons",
    )
    limits.bits = 10**6
    g = [sum((x[k] * y[0] for x, y in zip(case.X, case.Y)), Ball(0)) for k in range(net.widths[0])]
    theta = g * net.widths[1] + [Ball(1)] * (net.size - net.starts[1])
    value, bound = net.run(theta, case.X, case.Y)[1], dot(g, g)
    for l in range(net.depth):
        bound = bound * dot(net.part(theta, l), net.part(theta, l))
    gap = value * value - bound
    need(value > 0 and gap.lo == gap.hi == 0, "N does not reach its maximum")
