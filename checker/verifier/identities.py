"""Identities of homogeneous networks that fail at points, and balances; standard library only.

Of controls they fail by more than what the program's floats resolve, `RESOLVED`, so that these see
what is proved; of theorems, `ANY`, by whatever little.
"""

from fractions import Fraction

from .networks import Net, unit
from .numbers import Ball, ball, dot, need, power

FACTORS = (3, Fraction(1, 2))
RESOLVED, ANY = Fraction(101, 10**9), Fraction(0)
SHARES = (Fraction(1, 10), Fraction(1, 1000))  # of the largest output where losses are expanded
# What weights are off by, relative, and how many times what that changes is still heard.
OFF, HEARD = Fraction(1, 10**12), 1000
ALL = ("H", "N", "∇N")
SHUFFLED = Fraction(101, 10**4)  # of Σ y², what labels have to differ by, squared


def norm(vector):
    return dot(vector, vector).root(2)


def scaled(theta, factor):
    return [a * factor for a in theta]


def is_aside(g, u, square):
    """Whether sin²∠(g, u) > square."""
    gg, uu, gu = dot(g, g), dot(u, u), dot(g, u)
    return gg * uu - gu * gu > gg * uu * ball(square)


def differ(a, b, slack):
    """Whether ‖a − b‖ > slack·‖b‖."""
    aside = [x - y for x, y in zip(a, b)]
    return dot(aside, aside) > dot(b, b) * ball(slack * slack)


def bounds(net, theta, X, Y):
    """Bounds on what `run` returns: sums of the sizes of its terms."""
    sizes = [[[abs(v) for v in row] for row in rows] for rows in (X, Y)]
    return net.run([abs(a) for a in theta], *sizes)


def need_heard(net, theta, X, Y, *names):
    """Need ∇N, or what of H, N and ∇N is named, to be far larger than what weights that are off by
    rounding change it by: not lost in the cancellation of its terms, and no jump at a kink.
    """
    rounded = scaled(theta, 1 + ball(OFF) * Ball(-1, 1))
    own, near = (
        {"H": [v for row in outputs for v in row], "N": [value], "∇N": gradient}
        for outputs, value, gradient in (net.run(theta, X, Y), net.run(rounded, X, Y))
    )
    for name in names or ("∇N",):
        size, change = (
            norm(list(map(abs, each)))
            for each in (own[name], [a - b for a, b in zip(own[name], near[name])])
        )
        need(size > change * HEARD, f"{name} is 0, lost in rounding, or jumps at a kink")


def kkt_fails(net, theta, X, Y):
    """sin∠(∇N, θ) > 0.001."""
    return is_aside(net.run(theta, X, Y)[2], theta, Fraction(1, 10**6))


def euler_fails(net, theta, X, Y, slack=RESOLVED):
    _, value, G = net.run(theta, X, Y)
    return abs(dot(G, theta) - value * net.order) > norm(G) * norm(theta) * ball(slack)


def layers_fail(net, theta, X, Y, slack=RESOLVED):
    _, value, G = net.run(theta, X, Y)
    scale = norm(G) * norm(theta) * ball(slack)
    return any(
        abs(dot(net.part(G, l), net.part(theta, l)) - value * p) > scale
        for l, p in enumerate(net.orders)
    )


def outputs_fail(net, theta, X, Y, slack=RESOLVED, sign=1):
    """H(cu) = c^D H(u) fails for some c of the sign."""

    def outputs(weights):
        return [value for row in net.run(weights, X)[0] for value in row]

    return _scaling_fails(outputs, theta, net.order, slack, sign)


def gradients_fail(net, theta, X, Y, slack=RESOLVED, sign=1):
    """∇N(cu) = c^{D−1} ∇N(u) fails for some c of the sign."""
    return _scaling_fails(
        lambda weights: net.run(weights, X, Y)[2], theta, net.order - 1, slack, sign
    )


def _scaling_fails(values, theta, order, slack, sign):
    ones, factors = values(theta), [ball(sign * c) for c in FACTORS]
    return any(
        differ(values(scaled(theta, c)), scaled(ones, power(c, order)), slack) for c in factors
    )


def expansion_fails(case, net, theta, Y):
    """Whether |𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ², N that of Y, at a δ where δ^D max |H(X; u)| is one
    of SHARES; log cosh x lies between 0 and x²/2.
    """
    largest = max((abs(v) for row in net.run(theta, case.X)[0] for v in row), key=float)
    value, (low, high) = net.run(theta, case.X, Y)[1], (4, 4) if case.square else (0, 1)
    for share in SHARES:
        strength = ball(share) / largest
        outputs, own, _ = net.run(scaled(theta, strength.root(net.order)), case.X, case.Y)
        departure = strength * value - own
        square = sum((dot(row, row) for row in outputs), Ball(0))
        if 8 * departure + (low - 8) * square > 0 or 8 * departure + (high + 8) * square < 0:
            return True
    return False


def unbalanced_layers(net, theta, slack=RESOLVED):
    total, parts = dot(theta, theta) * net.order, [net.part(theta, l) for l in range(net.depth)]
    return any(
        abs(dot(part, part) * net.order - dot(theta, theta) * p) > total * ball(slack)
        for part, p in zip(parts, net.orders)
    )


def balances(net, W, V=None, only=None):
    """⟨row_j(W_l), row_j(V_l)⟩ − p_l ⟨col_j(W_{l+1}), col_j(V_{l+1})⟩, every j of layers `only`."""
    V = V or W
    for l in range(net.depth - 1) if only is None else only:
        for j, row in enumerate(W[l]):
            columns = ([line[j] for line in M[l + 1]] for M in (W, V))
            yield dot(row, V[l][j]) - dot(*columns) * net.laws[l][0]


def unbalanced_neurons(net, theta, slack=RESOLVED):
    """Whether ‖row_j(W_l)‖² ≠ p_l ‖col_j(W_{l+1})‖² for a neuron."""
    scale = dot(theta, theta) * ball(slack)
    return any(abs(gap) > scale for gap in balances(net, net.matrices(theta)))


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
    """`start` with biases that all equal the mean size of its weights, normalised."""
    rows = [row for each in case.net.matrices(case.theta) for row in each]
    bias = sum(map(abs, case.theta), Ball(0)) / case.net.size
    return unit([v for row in rows for v in (*row, bias)])


def shuffled(case):
    """ȳ of the labels moved on by one sample."""
    Y = [case.Y[-1], *case.Y[:-1]]
    own, moved = ([v for row in rows for v in row] for rows in (case.Y, Y))
    gaps = [a - b for a, b in zip(moved, own)]
    need(dot(gaps, gaps) > dot(own, own) * ball(SHUFFLED), "the labels shuffled are the labels")
    return Y
