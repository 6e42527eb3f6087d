"""Claims about KKT points: what is proved of the only one in a box; standard library only."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from ncfcheck.verifier.boxes import boxed, is_positive
from ncfcheck.verifier.networks import Net, whole
from ncfcheck.verifier.numbers import Ball, ball, dot, need
from ncfcheck.verifier.points import balances, shared_network

ACTIVE = Fraction(
    1, 1000
)  # a neuron, or singular value, of at most this share of the first counts as none


def found(case, data, net=None):
    """The network without silent neurons, and θ, λ, N and ∇²N over the box of its KKT point, up to
    one positive factor.
    """
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
    """The projected Hessian is negative definite over the box; neurons left out add −λ where
    p ≥ 2.
    """
    small, theta, multiplier, value, hessian = point
    need(multiplier > 0 and value > 0, "λ > 0 is not proved")
    need(
        min(case.powers) > 1 or small.widths == case.net.widths,
        "neurons with p = 1 cannot be left out of a maximum",
    )
    H, lift, half = hessian(), 2 * small.order * multiplier, Ball(1, None, -1)

    def entry(i, j):
        return multiplier * (i == j) - (H[i][j] + H[j][i]) * half + lift * theta[i] * theta[j]

    need(
        is_positive(len(theta), entry),
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


def shared_balance(case, data):
    """A KKT point, the first layer a convolution, has a neuron with ‖row_j‖² ≠ p‖col_j‖²."""
    net, theta, *_ = found(case, data, shared_network(case))
    need(any(gap.nonzero for gap in balances(net, net.matrices(theta))), "neurons are balanced")


def positive_unstable(case, data):
    """A KKT point with N > 0 has a negative definite projected Hessian."""
    maximum(case, found(case, data))


def every_kkt_rank_one(case, data):
    """A KKT point has a hidden layer with σ_2 > σ_1/1000."""
    net, theta, *_ = found(case, data)
    W = net.matrices(theta)[0]
    need(len(W) == 2, "not two neurons")
    a, b, c = dot(W[0], W[0]), dot(W[1], W[1]), dot(W[0], W[1])
    need(a * b - c * c > (a + b) * (a + b) * ball(ACTIVE * ACTIVE), "σ_2 > σ_1/1000 is not proved")


def saddles(case, data):
    """A KKT point with N > 0 has two active neurons in the last hidden layer, p ≥ 2."""
    net, theta, _, value, _ = found(case, data)
    need(value > 0 and case.powers[-1] > 1 and not any(net.shared), "N > 0 is not proved")
    need(several(net.matrices(theta)[-2]), "two active neurons are not proved")


def shared_neurons(case, data):
    """A strict local maximum with N > 0, the first layer a convolution, has two active neurons in
    the last hidden layer.
    """
    point = found(case, data, shared_network(case))
    maximum(case, point)
    need(
        several(point[0].matrices(point[1])[-2]) and case.powers[-1] > 1,
        "two active neurons are not proved",
    )


def no_blowup(case, data):
    """From a KKT point with N < 0 the NCF flow stays on its ray, and its norm
    decreases for ever.
    """
    need(found(case, data)[3] < 0 and case.lipschitz and case.net.order > 2, "N < 0 is not proved")


def doubled_start(case, data):
    """From twice a KKT point u with N* = N(u) > 0 the NCF flow blows
    up at 2^{−(D−2)}/(D(D−2)N*).
    """
    need(found(case, data)[3] > 0 and case.lipschitz and case.net.order > 2, "N > 0 is not proved")


def conjecture(fails, outputs=(1,), filtered=False, one_signed=False):
    """A strict local maximum with N > 0, p ≥ 2, whose layers fail the conclusion."""

    def verify(case, data):
        net = case.net
        first = {
            (j - i) % net.widths[0]: k
            for i, row in enumerate(net.index[0])
            for j, k in enumerate(row)
        }
        later = all(
            k >= 0 for each in net.index[filtered:] for row in each for k in row
        ) and not any(net.shared[filtered:])
        circular = all(
            first[(j - i) % net.widths[0]] == k
            for i, row in enumerate(net.index[0])
            for j, k in enumerate(row)
        )
        need(
            later
            and (circular or not filtered)
            and min(case.powers) > 1
            and net.widths[-1] in outputs,
            "another architecture",
        )
        signs = {y > 0 for row in case.Y for y in row if y.nonzero}
        need(not one_signed or len(signs) == 1, "labels of both signs")
        point = found(case, data)
        need(fails(point[0].matrices(point[1])), "the layers are not proved to fail the claim")
        maximum(case, point)

    verify.__doc__ = (
        "At a strict local maximum with N > 0, which attracts an open set of v_0, p ≥ 2: "
        f"{fails.__doc__}"
    )
    return verify


def hidden_rank_two(W):
    """a hidden layer has rank two or more."""
    return any(map(rank_two, W[:-1]))


def hidden_neurons(W):
    """a hidden layer has two active neurons."""
    return any(map(several, W[:-1]))


def any_rank_two(W):
    """a layer has rank two or more."""
    return any(map(rank_two, W))


def later_rank_two(W):
    """a hidden layer but the first has rank two or more."""
    return any(map(rank_two, W[1:-1]))
