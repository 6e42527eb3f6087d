"""What the verifier proves of every claim: that its hypotheses hold and its conclusion fails; standard library only."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

from checker.verifier.boxes import boxed, is_positive
from checker.verifier.networks import Net, full, number, numbers, whole
from checker.verifier.numbers import Ball, ball, bend, dot, limits, need, power

FACTORS = (3, Fraction(1, 2))
ACTIVE = Fraction(1, 1000)  # a neuron, or singular value, of at most this share of the first counts as none


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
    return any((dot(net.part(G, l), net.part(theta, l)) - value * p).nonzero for l, p in enumerate(net.orders))


def scaling_fails(net, theta, X, Y, sign=1):
    """Both H(cu) = c^D H(u) and ∇N(cu) = c^{D−1} ∇N(u) fail, each for some c of the sign."""
    outputs, _, G = net.run(theta, X, Y)
    others = [(ball(sign * c), net.run(scaled(theta, ball(sign * c)), X, Y)) for c in FACTORS]
    values = [(a - power(c, net.order) * b).nonzero for c, (o, _, _) in others for r, s in zip(o, outputs) for a, b in zip(r, s)]
    return any(values) and any((a - power(c, net.order - 1) * b).nonzero for c, (_, _, g) in others for a, b in zip(g, G))


def expansion_fails(case, net, theta, delta, Y):
    """|𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ², N that of Y; log cosh x lies between 0 and x²/2."""
    delta = ball(number(delta))
    need(delta > 0, "δ is not positive")
    outputs, own, _ = net.run(scaled(theta, delta), case.X, case.Y)
    departure = power(delta, net.order) * net.run(theta, case.X, Y)[1] - own
    square = sum((dot(row, row) for row in outputs), Ball(0))
    low, high = (4, 4) if case.square else (0, 1)
    need(8 * departure + (low - 8) * square > 0 or 8 * departure + (high + 8) * square < 0, "the expansion holds at this δ")


def biased(case, data):
    """The network with biases, and its weights; dense layers only."""
    need(case.net.dense, "a layer is not dense")
    index = [[[i * (a + 1) + j for j in range(a + 1)] for i in range(b)] for a, b in zip(case.net.widths, case.net.widths[1:])]
    net, theta = Net(case.net.widths, case.laws, index, bias=True), list(map(ball, numbers(data["point"])))
    need(len(theta) == net.size, "a point of another length")
    return net, theta, case.X, case.Y


def biases(case, data):
    found = biased(case, data)
    need(euler_fails(*found) and layers_fail(*found) and scaling_fails(*found), "an identity holds")


def biases_expansion(case, data):
    net, theta, _, Y = biased(case, data)
    expansion_fails(case, net, theta, data["delta"], Y)


def wrong_labels(case, data):
    shuffled = case.Y[-1:] + case.Y[:-1]
    need(any((a - b).nonzero for r, s in zip(shuffled, case.Y) for a, b in zip(r, s)), "the labels shuffled are the labels")
    expansion_fails(case, case.net, case.theta, data["delta"], shuffled)


def negative_factor(case, data):
    need(scaling_fails(case.net, case.theta, case.X, case.Y, -1), "a scaling holds")


def unbalanced_layers(net, theta):
    total, parts = dot(theta, theta), [net.part(theta, l) for l in range(net.depth)]
    return any((dot(part, part) * net.order - total * p).nonzero for part, p in zip(parts, net.orders))


def balances(net, W, V=None, only=None):
    """⟨row_j(W_l), row_j(V_l)⟩ − p_l ⟨col_j(W_{l+1}), col_j(V_{l+1})⟩ of every hidden neuron of the layers `only`."""
    V = V or W
    for l in range(net.depth - 1) if only is None else only:
        for j, row in enumerate(W[l]):
            columns = ([line[j] for line in M[l + 1]] for M in (W, V))
            yield dot(row, V[l][j]) - dot(*columns) * net.laws[l][0]


def unbalanced_neurons(net, theta):
    unshared = [l for l in range(net.depth - 1) if not (net.shared[l] or net.shared[l + 1])]
    return any(gap.nonzero for gap in balances(net, net.matrices(theta), None, unshared))


def any_point(case, data):
    net, u = case.net, case.theta
    flipped = [-a if k >= net.starts[-2] else a for k, a in enumerate(u)]
    need(kkt_fails(net, u, case.X, case.Y) and kkt_fails(net, flipped, case.X, case.Y), "∇N is along u")
    need(unbalanced_layers(net, u) and unbalanced_neurons(net, u), "layers or neurons are balanced")


def zero_points(case, data):
    net, u = case.net, list(map(ball, numbers(data["point"])))
    need(len(u) == net.size and any(a.nonzero for a in u), "no point of the sphere")
    need(all(g.lo == g.hi == 0 for g in net.run(u, case.X, case.Y)[2]), "∇N is not known to be 0")
    need(unbalanced_layers(net, u) and unbalanced_neurons(net, u), "layers or neurons are balanced")


def any_negative_point(case, data):
    """The largest eigenvalue of the projected Hessian is below 1.999 |λ|, λ = D·N(u/‖u‖) < 0."""
    from checker.verifier.boxes import slopes

    net, u = case.net, case.theta
    value, square = net.run(u, case.X, case.Y)[1] * net.order, dot(u, u)
    need(value < 0, "N is not negative")
    H = slopes(lambda t: net.run(t, case.X, case.Y)[2], u)
    bound, lift = value + abs(value) * ball(Fraction(1999, 1000)), abs(value) * 2**40
    rows = [[bound * (i == j) - square * h + lift * u[i] * u[j] for j, h in enumerate(row)] for i, row in enumerate(H)]
    need(is_positive(rows), "an eigenvalue is not known to be below 2|λ|")


def shared_network(case):
    """The network with the first layer a circular convolution with a kernel as long as the input."""
    need(case.net.dense, "a layer is not dense")
    a, b = case.net.widths[:2]
    return Net(case.net.widths, case.laws, [[[(j - i) % a for j in range(a)] for i in range(b)], *case.net.index[1:]])


def shared_conserved(case, data):
    net, u = shared_network(case), list(map(ball, numbers(data["point"])))
    need(len(u) == net.size, "a point of another length")
    W, V = net.matrices(u), net.matrices(net.run(u, case.X, case.Y)[2])
    need(any(gap.nonzero for gap in balances(net, W, V, [0])), "the balances are stationary")


def degree_two(case, data):
    need(case.net.order == 2 and case.lipschitz, "D is not 2, or ∇H is not Lipschitz")


def flat_neurons(case, data):
    """W_1 with rows Xᵀȳ and all other weights 1: N² = ‖Xᵀȳ‖² Π ‖W_l‖², the largest possible, exactly."""
    net = case.net
    linear = all(q == 1 and not (minus - 1).nonzero for q, _, minus in case.laws)
    need(linear and net.dense and net.widths[-1] == 1 and net.widths[-2] > 1, "not a linear network of several neurons")
    limits.bits = 10**6
    g = [sum((x[k] * y[0] for x, y in zip(case.X, case.Y)), Ball(0)) for k in range(net.widths[0])]
    theta = g * net.widths[1] + [Ball(1)] * (net.size - net.starts[1])
    value, bound = net.run(theta, case.X, case.Y)[1], dot(g, g)
    for l in range(net.depth):
        bound = bound * dot(net.part(theta, l), net.part(theta, l))
    gap = value * value - bound
    need(value > 0 and gap.lo == gap.hi == 0, "N does not reach its maximum")


def reduced(case, data, X=None, signs=None):
    """u in a box that holds exactly one KKT point of the reduced problem n(u) = Σ ȳ φ(uᵀx), n(u) > 0, and ∇n of all X there."""
    X, signs, ends = X or case.X, signs or case.signs, []
    for t in (Fraction(1), Fraction(-1)):
        for q, alpha, sign in zip(case.powers, case.slopes, signs):
            t = Fraction(sign) * (t if t >= 0 else Fraction(alpha) * t) ** q
        ends.append(t)
    q = math.prod(case.powers)
    net = Net([len(X[0]), 1, 1], [(q, ball(ends[0]), ball(ends[1] * (-1) ** q))], full([len(X[0]), 1, 1]))
    theta, _, value, _ = boxed(data["box"], net, X, case.Y, [Ball(1)])
    need(value > 0, "n(u) > 0 is not proved")
    weights = [y[0] * bend(dot(theta, x), *net.laws[0])[1] for x, y in zip(X, case.Y)]
    return theta, weights


def far(case, theta):
    G = case.net.run(theta, case.X, case.Y)[2]
    gg, tt, gt = dot(G, G), dot(theta, theta), dot(G, theta)
    need(gg * tt - gt * gt > gg * tt * ball(Fraction(1, 10**4)), "sin∠ > 0.01 is not proved")


def nonuniform(case, data):
    case.has_structure(uniform=False)
    need(any(q > 1 and case.unequal(l) for l, q in enumerate(case.powers)) and case.net.dense, "every profile is uniform")
    far(case, case.structure(reduced(case, data)[0]))


def unbalanced(case, data):
    case.has_structure()
    need(case.net.dense and len(case.norms) == case.net.depth and min(case.norms) > 0, "not layer norms")
    far(case, case.structure(reduced(case, data)[0], norms=list(map(ball, case.norms))))


def any_direction(case, data):
    case.has_structure()
    need(case.net.dense, "a layer is not dense")
    far(case, case.structure(case.u))


def signless(case, data):
    case.has_structure(coherent=False)
    need(case.net.dense and any(e < 0 for each in case.profiles for e in each), "no profile has a negative entry")
    far(case, case.structure(reduced(case, data)[0]))


def sparse_layers(case, data):
    case.has_structure()
    need(not case.net.dense and not any(case.net.shared), "every layer is dense")
    far(case, case.structure(reduced(case, data)[0]))


def mixed(case, dense_only=True):
    """The layer that mixes signs, whether its inputs count as positive, and (Q/P)^{p−1} as a rational."""
    case.has_structure(coherent=False)
    layers = [l for l, each in enumerate(case.profiles) if any(e < 0 for e in each)]
    need(len(layers) == 1 and case.powers[layers[0]] > 1 and case.net.dense, "not one layer with p ≥ 2 mixes signs")
    l, alpha = layers[0], Fraction(case.slopes[layers[0]])
    need(alpha != 0, "α = 0")
    positive = sum(Fraction(a) * Fraction(b) for a, b in zip(case.floats[0], case.u)) > 0 if l == 0 else case.signs[l - 1] > 0
    odd = -1 if case.powers[l] % 2 and alpha > 0 else 1  # sign of (−α)^p
    return l, odd, abs(alpha) ** (case.powers[l] * (-1 if positive else 1))


def two_sided(case, data):
    l, odd, size = mixed(case)
    ratio = ball(size).root(case.powers[l] - 1)
    rows, columns = ([list(map(ball, each)) for each in case.profiles] for _ in range(2))
    rows[l] = [a * ratio if e < 0 else a for a, e in zip(rows[l], case.profiles[l])]
    columns[l] = [-a * ratio * odd if e < 0 else a for a, e in zip(columns[l], case.profiles[l])]
    far(case, case.structure(reduced(case, data)[0], rows, columns))


def exact_kkt(case, u, rows, columns, root=1):
    """∂N/∂W_l ∥ W_l = ±rows_l columns_{l−1}ᵀ for every layer, where u is reduced-KKT: entries are (sign, size^root)."""
    need(case.net.dense, "a layer is not dense")
    z = [dot(u, x) for x in case.X]
    for l, (q, alpha, law) in enumerate(zip(case.powers, map(Fraction, case.slopes), case.laws)):
        side = 1 if all(t.lo >= 0 for t in z) else -1 if all(t.hi <= 0 for t in z) else 0
        image, slope = [], []
        for sign, size in rows[l]:
            need(sign >= 0 or (side != 0 and alpha != 0), "a neuron of the other sign sees inputs of both signs")
            turn = Fraction(alpha) if sign < 0 else Fraction(1)
            flip = (-1) ** q if turn < 0 else 1
            factor = abs(turn) ** (q * root * side)
            image.append((flip * sign**q if sign else 0, size**q * factor))
            slope.append((flip * sign ** (q - 1) if sign else 0, size ** (q - 1) * factor))
        back = [(a * b, c * d) for (a, c), (b, d) in zip(slope, columns[l])]
        for given, wanted in ((columns[l], image), (back, rows[l])):
            ratios = {a[1] / b[1] for a, b in zip(given, wanted) if b[0]}
            need(len(ratios) == 1 and all(a[0] == b[0] for a, b in zip(given, wanted)), "the KKT equation of a layer is not met")
        z = [bend(t, *law)[0] * ball(case.signs[l]) for t in z]


def signed(profile, root=1):
    return [((e > 0) - (e < 0), abs(Fraction(e)) ** root) for e in profile]


def equal_entries(case, data):
    l, odd, size = mixed(case)
    need(size != 1, "the sizes are equal")
    rows = [signed(each, case.powers[l] - 1) for each in case.profiles]
    columns = [list(each) for each in rows]
    rows[l] = [(s, m * size if s < 0 else m) for s, m in rows[l]]
    columns[l] = [(odd if s < 0 else s, m) for s, m in rows[l]]
    exact_kkt(case, reduced(case, data)[0], rows, columns, case.powers[l] - 1)


def flat_entries(case, data):
    case.has_structure()
    need(any(q == 1 and case.unequal(l) for l, q in enumerate(case.powers)), "every profile is uniform")
    rows = [signed(each) for each in case.profiles]
    exact_kkt(case, reduced(case, data)[0], rows, rows)


def negative_value(case, data):
    case.has_structure()
    rows = [signed(each) for each in case.profiles]
    exact_kkt(case, reduced(case, data)[0], rows, rows)


def blind_input(case, data):
    """Layers of one active neuron each along (0, u'), u' reduced-KKT for X without its first column, ∇n not along it."""
    net, signs = case.net, data["signs"]
    need(all(k < 0 if j == 0 else k >= 0 for row in net.index[0] for j, k in enumerate(row)), "not blind to its first input only")
    need(all(net.plain[1:]) and not any(net.shared) and net.widths[-1] == 1, "a later layer is not dense")
    need(whole(signs, -1, 1) and len(signs) == net.depth - 1 and all(signs), "not signs")
    _, weights = reduced(case, data, [x[1:] for x in case.X], signs)
    need(dot(weights, [x[0] for x in case.X]).nonzero, "∇n has no component along the input left out")


def any_rank_one(case, data):
    """The exact structured point fails the criterion by more than 10⁻⁷: an e_l, a c_l, or u."""
    case.has_structure(uniform=False)
    case.structure(case.u, norms=list(map(ball, case.norms)))
    small, net = Fraction(1, 10**7), case.net
    sizes = [[Fraction(e) for e in each if e] for q, each in zip(case.powers, case.profiles) if q > 1]
    squares = [Fraction(c) ** 2 for c in case.norms]
    gaps = [abs(net.order * c - p * sum(squares)) for c, p in zip(squares, net.orders)]
    if any(max(each) > (1 + small) * min(each) for each in sizes) or max(gaps) > small * net.order * sum(squares):
        return
    narrow = [net.widths[0], *[1] * net.depth]
    u, chain = list(map(ball, case.u)), Net(narrow, case.laws, full(narrow))
    g = chain.run([*u, *map(ball, case.signs)], case.X, case.Y)[2][: len(u)]
    gg, uu, gu = dot(g, g), dot(u, u), dot(g, u)
    need(gg * uu - gu * gu > gg * uu * ball(small * small), "the criterion is met to 10⁻⁷")


def found(case, data, net=None):
    """The network without silent neurons, and θ, λ, N and ∇²N over the box of its KKT point, up to one positive factor."""
    net, active = net or case.net, data["active"]
    need(len(active) == net.depth - 1 and all(map(bool, active)), "not lists of neurons")
    need(all(whole(a, 0, w - 1) and a == sorted(set(a)) for a, w in zip(active, net.widths[1:])), "not lists of neurons")
    if any(net.shared):
        need(all(len(a) == w for a, w in zip(active, net.widths[1:])), "neurons that share weights cannot be left out")
        return net, *boxed(data["box"], net, case.X, case.Y)
    kept = [range(net.widths[0]), *active, range(net.widths[-1])]
    index = []
    for each, columns, rows in zip(net.index, kept, kept[1:]):
        count = iter(range(10**6))
        index.append([[next(count) if each[i][j] >= 0 else -1 for j in columns] for i in rows])
    small = Net(list(map(len, kept)), net.laws, index)
    return small, *boxed(data["box"], small, case.X, case.Y)


def maximum(case, point):
    """The projected Hessian is negative definite over the box; neurons left out add −λ where p ≥ 2."""
    small, theta, multiplier, value, hessian = point
    need(multiplier > 0 and value > 0, "λ > 0 is not proved")
    need(min(case.powers) > 1 or small.widths == case.net.widths, "neurons with p = 1 cannot be left out of a maximum")
    H, lift = hessian(), 2 * small.order * multiplier
    half, n = Ball(1, None, -1), range(len(theta))
    rows = [[multiplier * (i == j) - (H[i][j] + H[j][i]) * half + lift * theta[i] * theta[j] for j in n] for i in n]
    need(is_positive(rows), "the projected Hessian is not proved to be negative definite")


def several(W):
    """At least two rows are longer than 1/1000 of any."""
    squares = [dot(row, row) for row in W]
    bounds = [square * ball(ACTIVE * ACTIVE) for square in squares]
    return sum(all(square > bound for bound in bounds) for square in squares) > 1


def rank_two(W):
    minors = ((r[a], r[b], s[a], s[b]) for r, s in combinations(W, 2) for a, b in combinations(range(len(r)), 2))
    return any((a * d - b * c).nonzero for a, b, c, d in minors)


def shared_balance(case, data):
    net, theta, *_ = found(case, data, shared_network(case))
    need(any(gap.nonzero for gap in balances(net, net.matrices(theta))), "neurons are balanced")


def positive_unstable(case, data):
    maximum(case, found(case, data))


def every_kkt_rank_one(case, data):
    net, theta, *_ = found(case, data)
    W = net.matrices(theta)[0]
    need(len(W) == 2, "not two neurons")
    a, b, c = dot(W[0], W[0]), dot(W[1], W[1]), dot(W[0], W[1])
    need(a * b - c * c > (a + b) * (a + b) * ball(ACTIVE * ACTIVE), "σ_2 > σ_1/1000 is not proved")


def saddles(case, data):
    net, theta, _, value, _ = found(case, data)
    need(value > 0 and case.powers[-1] > 1 and not any(net.shared), "N > 0 is not proved")
    need(several(net.matrices(theta)[-2]), "two active neurons are not proved")


def shared_neurons(case, data):
    point = found(case, data, shared_network(case))
    maximum(case, point)
    need(several(point[0].matrices(point[1])[-2]) and case.powers[-1] > 1, "two active neurons are not proved")


def no_blowup(case, data):
    need(found(case, data)[3] < 0 and case.lipschitz and case.net.order > 2, "N < 0 is not proved")


def doubled_start(case, data):
    need(found(case, data)[3] > 0 and case.lipschitz and case.net.order > 2, "N > 0 is not proved")


def conjecture(fails, outputs=(1,), filtered=False, one_signed=False):
    """A strict local maximum with N > 0, p ≥ 2, whose layers fail the conclusion."""

    def verify(case, data):
        net = case.net
        first = {(j - i) % net.widths[0]: k for i, row in enumerate(net.index[0]) for j, k in enumerate(row)}
        later = all(k >= 0 for each in net.index[filtered:] for row in each for k in row) and not any(net.shared[filtered:])
        circular = all(first[(j - i) % net.widths[0]] == k for i, row in enumerate(net.index[0]) for j, k in enumerate(row))
        need(later and (circular or not filtered) and min(case.powers) > 1 and net.widths[-1] in outputs, "another architecture")
        signs = {y > 0 for row in case.Y for y in row if y.nonzero}
        need(not one_signed or len(signs) == 1, "labels of both signs")
        point = found(case, data)
        need(fails(point[0].matrices(point[1])), "the layers are not proved to fail the claim")
        maximum(case, point)

    return verify


def hidden_rank_two(W):
    return any(map(rank_two, W[:-1]))


def hidden_neurons(W):
    return any(map(several, W[:-1]))


CONTROLS = [
    *(biases, biases_expansion, wrong_labels, negative_factor, any_point, zero_points, any_negative_point, shared_conserved),
    *(degree_two, flat_neurons, nonuniform, unbalanced, any_direction, signless, sparse_layers, two_sided, equal_entries),
    *(flat_entries, negative_value, blind_input, any_rank_one, shared_balance, positive_unstable, every_kkt_rank_one, saddles),
    *(shared_neurons, no_blowup, doubled_start),
]
CLAIMS = {f"control.{each.__name__}": each for each in CONTROLS} | {
    "conjecture.rank_one_limits": conjecture(hidden_rank_two),
    "conjecture.rank_one_maxima": conjecture(hidden_rank_two),
    "conjecture.one_neuron_limits": conjecture(hidden_neurons),
    "conjecture.one_signed_labels": conjecture(hidden_neurons, one_signed=True),
    "conjecture.outputs_rank_one": conjecture(lambda W: any(map(rank_two, W)), outputs=(2, 3)),
    "conjecture.above_a_filter": conjecture(lambda W: any(map(rank_two, W[1:-1])), filtered=True),
}
