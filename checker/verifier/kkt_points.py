"""The only KKT point in a box, and what is proved of it; standard library only."""

from fractions import Fraction
from itertools import combinations

from .boxes import boxed, is_below
from .networks import Net, whole
from .numbers import ball, dot, need

# A neuron, or singular value, of at most this share of the first counts as none.
ACTIVE = Fraction(1, 1000)


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


def several(W):
    """At least two rows are longer than 1/1000 of any."""
    squares = [dot(row, row) for row in W]
    bounds = [square * ball(ACTIVE * ACTIVE) for square in squares]
    return sum(all(square > bound for bound in bounds) for square in squares) > 1


def rank_two(W):
    minors = (
        (r[a], r[b], s[a], s[b])
        for r, s in combinations(W, 2)
        for a, b in combinations(range(len(r)), 2)
    )
    return any((a * d - b * c).nonzero for a, b, c, d in minors)
