"""Claims about KKT points: what is proved of them; standard library only."""

from fractions import Fraction

from .boxes import is_below, is_positive, slopes
from .hypotheses import curved_last, unshared
from .identities import (
    ALL,
    ANY,
    RESOLVED,
    balances,
    kkt_fails,
    need_heard,
    unbalanced_layers,
    unbalanced_neurons,
)
from .kkt_points import NEAR, kkt, negative, several, strict_maximum, told
from .networks import unit
from .numbers import Ball, ball, dot, limits, need
from .registry import proof, refutes

KKT = {"u a KKT point": kkt}
NONZERO = {"λ ≠ 0": kkt}
UNSHARED = {"unshared layers": unshared}
EXACT = 10**6  # bits


def theta_of(case, data):
    """The network, its KKT point next to `start`."""
    return kkt(case, data)[:2]


@refutes("kkt.multiplier", keeps=KKT)
def multiplier(case, data):
    """At a KKT point λ ≠ D·N."""
    small, _, value, own, _ = kkt(case, data)
    need((value - own * small.order).nonzero, "λ may be D·N")


@refutes("kkt.layer_balance", keeps=KKT | NONZERO)
def layer_balance(case, data):
    """At a KKT point with λ ≠ 0 layers are unbalanced."""
    need(unbalanced_layers(*theta_of(case, data), ANY), "layers may be balanced")


@refutes("kkt.neuron_balance", keeps=KKT | NONZERO | UNSHARED)
def neuron_balance(case, data):
    """At a KKT point with λ ≠ 0 neurons are unbalanced."""
    need(unbalanced_neurons(*theta_of(case, data), ANY), "neurons may be balanced")


@refutes("kkt.negative_unstable", keeps=KKT | {"N(u) < 0": negative})
def negative_unstable(case, data):
    """At a KKT point with N < 0 all eigenvalues of the projected Hessian are below 2|λ|."""
    small, theta, own, value, hessian = kkt(case, data)
    negative(case, value)
    need(
        min(case.powers) > 1 or small.widths == case.net.widths,  # eigenvalues −λ for p ≥ 2
        "neurons with p = 1 cannot be left out",
    )
    lift = -own * 2 * small.order
    need(is_below(hessian(), -own, theta, lift), "an eigenvalue may be 2|λ|")


@proof
def nonzero(case):
    """⟨∇N, u⟩ = D·N ≠ 0 at `start`, neither is rounding, and ∇N does not jump at a kink."""
    need_heard(case.net, case.theta, case.X, case.Y, *ALL)


@refutes("control.any_point", keeps={"λ ≠ 0": nonzero} | UNSHARED)
def any_point(case, data):
    """At `start`: ∇N is not along u, nor with W_L negated; layers are unbalanced, and so are
    neurons.
    """
    nonzero(case)
    net, u = case.net, case.theta
    flipped = [-a if k >= net.starts[-2] else a for k, a in enumerate(u)]
    need(
        kkt_fails(net, u, case.X, case.Y) and kkt_fails(net, flipped, case.X, case.Y),
        "∇N is along u",
    )
    need(unbalanced_layers(net, u) and unbalanced_neurons(net, u), "layers or neurons are balanced")


@refutes("control.any_negative_point", keeps={"N(u) < 0": negative})
def any_negative_point(case, data):
    """The largest eigenvalue of the projected Hessian is below 1.9989 |λ|, λ = D·N(u/‖u‖) < 0."""
    net, u = case.net, case.theta
    need_heard(net, u, case.X, case.Y)
    value, square = net.run(u, case.X, case.Y)[1] * net.order, dot(u, u)
    negative(case, value)
    H = slopes(lambda t: net.run(t, case.X, case.Y)[2], u)
    bound, lift = value + abs(value) * ball(Fraction(19989, 10**4)), abs(value) * 2**40

    def entry(i, j):
        return bound * (i == j) - square * H[i][j] + lift * u[i] * u[j]

    need(is_positive(len(u), entry), "an eigenvalue is not known to be below 2|λ|")


@proof
def zero_point(case):
    """`start` with W_1 = 0, and W_2 = 0 where N is linear in W_1, is a KKT point: ∇N = 0."""
    net = case.net
    gone = net.starts[1 if net.orders[0] > 1 else 2]
    u = [Ball(0)] * gone + case.theta[gone:]
    need(any(a.nonzero for a in u), "no point of the sphere")
    need(all(g.lo == g.hi == 0 for g in net.run(u, case.X, case.Y)[2]), "∇N is not known to be 0")
    return u


@refutes("control.zero_points", keeps={"u a KKT point": zero_point} | UNSHARED)
def zero_points(case, data):
    """At `start` with W_1 = 0, and W_2 = 0 where N is linear in W_1: ∇N = 0, layers are unbalanced,
    and so are neurons.
    """
    net, u = case.net, zero_point(case)
    need(unbalanced_layers(net, u) and unbalanced_neurons(net, u), "layers or neurons are balanced")


@refutes("control.positive_unstable", keeps=KKT)
def positive_unstable(case, data):
    """A KKT point with N > 0 has a negative definite projected Hessian."""
    strict_maximum(case, data)


@refutes("control.shared_balance", keeps=KKT | NONZERO)
def shared_balance(case, data):
    """A KKT point, the first layer a convolution, has a neuron with ‖row_j‖² ≠ p‖col_j‖²."""
    net, theta, *_ = kkt(case, data, shared=True)
    gaps = balances(net, net.matrices(theta))
    need(any(abs(gap) > ball(RESOLVED) for gap in gaps), "neurons are balanced")


@refutes("control.saddles", keeps={"p_{L−1} ≥ 2": curved_last} | UNSHARED)
def saddles(case, data):
    """A KKT point with N > 0 has two active neurons in the last hidden layer, p ≥ 2."""
    need(case.u is not None, "no point was found")
    net, theta, _, value, _ = kkt(case, data)
    need(value > 0, "N > 0 is not proved")
    need(several(net.matrices(theta)[-2]), "two active neurons are not proved")


@proof
def largest(case):
    """Of a linear network: rows Xᵀȳ and all other weights 1, N² = ‖Xᵀȳ‖² Π ‖W_l‖², N > 0; `start`
    is that with layers as large as each other.
    """
    net = case.net
    linear = all(q == 1 and not (minus - 1).nonzero for q, _, minus in case.laws)
    need(linear and net.dense and net.widths[-1] == 1, "not a linear network")
    bits, limits.bits = limits.bits, EXACT
    g = [sum((x[k] * y[0] for x, y in zip(case.X, case.Y)), Ball(0)) for k in range(net.widths[0])]
    theta = g * net.widths[1] + [Ball(1)] * (net.size - net.starts[1])
    value, bound = net.run(theta, case.X, case.Y)[1], dot(g, g)
    parts = [net.part(theta, l) for l in range(net.depth)]
    for part in parts:
        bound = bound * dot(part, part)
    gap = value * value - bound
    need(value > 0 and gap.lo == gap.hi == 0, "N does not reach its maximum")
    limits.bits = bits
    need_heard(net, theta, case.X, case.Y)
    told(case, unit([a for part in parts for a in unit(part)]), unit(case.theta), NEAR)


@refutes("control.flat_neurons", keeps={"u a local maximum, N(u) > 0": largest} | UNSHARED)
def flat_neurons(case, data):
    """W_1 with rows along Xᵀȳ and all other weights of a layer equal: N² = ‖Xᵀȳ‖² Π ‖W_l‖², the
    largest possible, exactly, with several neurons active.
    """
    need(case.net.widths[-2] > 1, "one neuron")
    largest(case)


@refutes(
    "control.shared_neurons",
    keeps={"u a local maximum, N(u) > 0": strict_maximum, "p_{L−1} ≥ 2": curved_last},
)
def shared_neurons(case, data):
    """A strict local maximum with N > 0, the first layer a convolution, has two active neurons in
    the last hidden layer.
    """
    net, theta, *_ = strict_maximum(case, data, shared=True)
    need(several(net.matrices(theta)[-2]), "two active neurons are not proved")
