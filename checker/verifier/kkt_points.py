"""The only KKT point in a box, and what is proved of it; standard library only."""

from fractions import Fraction
from itertools import combinations

from .boxes import boxed, is_below, slopes
from .identities import shared_network, shared_start
from .networks import Net, number, unit, whole
from .numbers import Ball, ball, dot, need
from .registry import proof

# A neuron, or singular value, of at most this share of the first counts as none.
ACTIVE = Fraction(1, 1000)
NEAR = Fraction(1, 10**12)  # how far from `start` a KKT point is at most that is said to be there


def found(case, data, net=None):
    """The net without silent neurons; θ, λ, N, ∇²N over its KKT point's box, up to one factor."""
    net, active = net or case.net, data["active"]
    need(len(active) == net.depth - 1 and all(map(bool, active)), "not lists of neurons")
    need(
        all(whole(a, 0, w - 1) and a == sorted(set(a)) for a, w in zip(active, net.widths[1:])),
        "not lists of neurons",
    )
    if any(net.shared):
        need(
            all(len(a) == w for a, w in zip(active, net.widths[1:])),
            "neurons that share weights cannot be left out",
        )
        return net, *boxed(data["box"], net, case.X, case.Y)
    kept = [range(net.widths[0]), *active, range(net.widths[-1])]
    index = []
    for each, columns, rows in zip(net.index, kept, kept[1:]):
        count = iter(range(10**6))
        index.append([[next(count) if each[i][j] >= 0 else -1 for j in columns] for i in rows])
    small = Net(list(map(len, kept)), net.laws, index)
    return small, *boxed(data["box"], small, case.X, case.Y)


def maximum(case, point):
    """Need the projected Hessian negative definite in the box; silent neurons add −λ, p ≥ 2."""
    small, theta, multiplier, value, hessian = point
    need(multiplier > 0 and value > 0, "λ > 0 is not proved")
    need(
        min(case.powers) > 1 or small.widths == case.net.widths,
        "neurons with p = 1 cannot be left out of a maximum",
    )
    need(
        is_below(hessian(), multiplier, theta, 2 * small.order * multiplier),
        "the projected Hessian is not proved to be negative definite",
    )


def rayleigh(point, along):
    """The curvature of a KKT point in a direction v across it, which is at most the largest one:
    ⟨v, (∇²N − λ)v⟩/‖v‖² in units of |λ|.
    """
    _, theta, multiplier, _, hessian = point
    v, H = list(map(ball, along)), hessian()
    need(len(v) == len(theta), "not a direction")
    share = dot(v, theta) / dot(theta, theta)
    v = [a - share * t for a, t in zip(v, theta)]
    return (dot(v, [dot(row, v) for row in H]) / dot(v, v) - multiplier) / abs(multiplier)


def several(W):
    """At least two rows are longer than 1/1000 of any."""
    squares = [dot(row, row) for row in W]
    bounds = [square * ball(ACTIVE * ACTIVE) for square in squares]
    return sum(all(square > bound for bound in bounds) for square in squares) > 1


def rank_two(W):
    """σ_2 > σ_1/1000: for a rank r Σ of all squared minors is at most σ_1²σ_2² r(r − 1)/2."""
    minors = [
        r[a] * s[b] - r[b] * s[a]
        for r, s in combinations(W, 2)
        for a, b in combinations(range(len(r)), 2)
    ]
    rank, trace = min(len(W), len(W[0])), sum((dot(row, row) for row in W), Ball(0))
    pairs = rank * (rank - 1) // 2
    return dot(minors, minors) > trace * trace * ball(ACTIVE * ACTIVE) * pairs


def distance(a, b):
    """‖a − b‖."""
    aside = [abs(x - y) for x, y in zip(a, b)]
    return dot(aside, aside).root(2)


def filled(point, data, net):
    """The weights of the whole network, zeros for silent neurons."""
    small, theta, *_ = point
    whole_of, kept = [Ball(0)] * net.size, [range(net.widths[0]), *data["active"]]
    for l, rows in enumerate([*kept[1:], range(net.widths[-1])]):
        for i, row in zip(rows, small.index[l]):
            for j, k in zip(kept[l], row):
                if k >= 0:
                    whole_of[net.starts[l] + net.index[l][i][j]] = theta[small.starts[l] + k]
    return whole_of


def told(case, theta, start, bound):
    """Tell, and need, how far from a start a point is at most."""
    away = distance(theta, start)
    need(away < bound, "`start` is another point")
    case.told.append(
        f"The exact point is within {float(away.upper) * 1.01 + 1e-99:.0e} of `start`."
    )


@proof
def kkt(case, data, shared=False):
    """The KKT point in a box, as `found` has it, λ ≠ 0, next to `start`; of the network with a
    convolution for first layer, if so asked.
    """
    net, start = (
        (shared_network(case), shared_start(case)) if shared else (case.net, unit(case.theta))
    )
    point = found(case, data, net)
    told(case, filled(point, data, net), start, NEAR)
    return point


@proof
def positive(case, value):
    need(value > 0, "N > 0 is not proved")


@proof
def negative(case, value):
    need(value < 0, "N < 0 is not proved")


@proof
def strict_maximum(case, data, shared=False):
    """The same of a strict local maximum with N > 0."""
    point = kkt(case, data, shared)
    maximum(case, point)
    return point


@proof
def attracting(case, data):
    """A strict local maximum with N > 0 in a box, and all within `reach` of it tend to it, `start`
    with them: an open set, so that starts drawn at random lie there.
    """
    point, net, reach = found(case, data), case.net, Fraction(number(data["reach"]))
    maximum(case, point)
    theta = filled(point, data, net)
    need(0 < reach < 1, "a reach beyond (0, 1)")
    v = [t + ball(reach) * Ball(-1, 1) for t in theta]

    def gradient(x):
        return net.run(x, case.X, case.Y)[2]

    # So N is concave along great circles, and the distance to θ falls along the flow.
    lift = abs(net.run(theta, case.X, case.Y)[1]) * net.order**2
    need(
        is_below(slopes(gradient, v), dot(gradient(v), v), v, lift),
        "the KKT point is not proved to attract all within reach",
    )
    told(case, theta, unit(case.theta), reach)
    return point
