"""Claims about KKT points: what is proved of them; standard library only."""

from fractions import Fraction

from .boxes import is_positive, slopes
from .identities import balances, kkt_fails, shared_network, unbalanced_layers, unbalanced_neurons
from .kkt_points import found, maximum, several
from .networks import numbers
from .numbers import Ball, ball, dot, limits, need
from .registry import refutes


@refutes("control.any_point", keeps={})
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


@refutes("control.any_negative_point", keeps={})
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


@refutes("control.zero_points", keeps={})
def zero_points(case, data):
    """At `point`: ∇N = 0, layers are unbalanced, and so are neurons."""
    net, u = case.net, list(map(ball, numbers(data["point"])))
    need(len(u) == net.size and any(a.nonzero for a in u), "no point of the sphere")
    need(all(g.lo == g.hi == 0 for g in net.run(u, case.X, case.Y)[2]), "∇N is not known to be 0")
    need(unbalanced_layers(net, u) and unbalanced_neurons(net, u), "layers or neurons are balanced")


@refutes("control.positive_unstable", keeps={})
def positive_unstable(case, data):
    """A KKT point with N > 0 has a negative definite projected Hessian."""
    maximum(case, found(case, data))


@refutes("control.shared_balance", keeps={})
def shared_balance(case, data):
    """A KKT point, the first layer a convolution, has a neuron with ‖row_j‖² ≠ p‖col_j‖²."""
    net, theta, *_ = found(case, data, shared_network(case))
    need(any(gap.nonzero for gap in balances(net, net.matrices(theta))), "neurons are balanced")


@refutes("control.saddles", keeps={})
def saddles(case, data):
    """A KKT point with N > 0 has two active neurons in the last hidden layer, p ≥ 2."""
    net, theta, _, value, _ = found(case, data)
    need(value > 0 and case.powers[-1] > 1 and not any(net.shared), "N > 0 is not proved")
    need(several(net.matrices(theta)[-2]), "two active neurons are not proved")


@refutes("control.flat_neurons", keeps={})
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


@refutes("control.shared_neurons", keeps={})
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
