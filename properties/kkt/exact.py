"""KKT points, exact counterparts: rational inequalities, boxes that hold one (theory §5, §9)."""

from __future__ import annotations

from functools import partial

import numpy as np
from flint import arb, fmpq

from ncfcheck.certify import points
from ncfcheck.certify.boxes import Found
from ncfcheck.certify.certificate import Certificate, NotProved, need
from ncfcheck.certify.evaluate import Evaluation, matrices
from ncfcheck.certify.kkt_points import boxed, maximum, nonzero_limit, several_last, started
from ncfcheck.certify.krawczyk import is_positive_definite
from ncfcheck.certify.points import At, dot, proved
from ncfcheck.certify.rings import Balls, Rationals
from ncfcheck.model.ncf import sign_flipped, unit
from ncfcheck.properties.flow.instances import convolved

# Multiple of |λ| that an eigenvalue has to stay below to refute one of 2|λ|.
TWICE = fmpq(1999, 1000)


def balance(instance) -> Certificate:
    """For the theorems: an exact KKT point with layers or neurons unbalanced, or λ ≠ D·N."""

    def condition(found: Found) -> None:
        network, theta = found.pruned.network, found.box.theta
        multiplier = found.box.multiplier
        gap = multiplier - network.order * found.value
        layers = [
            sum((a * a for a in theta[p]), arb(0)) * network.order - o
            for p, o in zip(network.slices, network.orders)
        ]
        neurons = points.neurons_unbalanced(Balls, network, found.matrices)
        need(
            neurons or any(each > 0 or each < 0 for each in (gap, *layers)),
            "every identity holds to within the box",
        )

    return boxed(
        instance,
        nonzero_limit(instance),
        condition,
        "an exact KKT point fails an identity that holds at all of them",
    )


def negative_unstable(instance) -> Certificate:
    """For the theorem: an exact strict maximum with N < 0; a limit with N > 0 has W_L negated."""
    u = nonzero_limit(instance)
    if instance.ncf.value(u) > 0:
        u = sign_flipped(instance.network, u)

    def condition(found: Found) -> None:
        need(found.value < 0, "N < 0 is not proved")
        maximum(found)

    return boxed(instance, u, condition, "a KKT point with N < 0 is a strict local maximum")


def any_point(instance) -> Certificate:
    """∇N is not along u, nor is it with W_L negated; layers and neurons are unbalanced."""
    network, u = instance.network, instance.start
    for weights in (u, sign_flipped(network, u)):
        proved(lambda ring, weights=weights: At(ring, instance, weights).is_kkt_direction_false())
    _unbalanced(network, u)
    return Certificate(
        "point",
        "at `start`, ‖∇N‖ ≠ |λ|, layers and neurons are unbalanced, and W_L → −W_L is not KKT",
    )


def _unbalanced(network, u) -> None:
    """Layers and neurons are unbalanced at u. Raises NotProved."""
    proved(lambda ring: points.layers_unbalanced(ring, network, u))
    proved(lambda ring: points.neurons_unbalanced(ring, network, matrices(ring, network, u)))


def any_negative_point(instance) -> Certificate:
    """N < 0, and ∇²N − λ, λ = D·N, has only eigenvalues below 2|λ| on the tangent space."""
    u = [Rationals.number(float(each)) for each in instance.start]
    evaluation = Evaluation(Rationals, instance.network, u, instance.ncf.X, instance.ncf.ybar)
    order, value, square = instance.network.order, evaluation.value, dot(u, u)
    hessian = evaluation.hessian(len(u))
    # ‖u‖² ∇²N(u) − D·N(u) is the projected Hessian of u/‖u‖ up to a positive factor. A form is
    # positive on the space orthogonal to u if it is positive everywhere with a multiple of uuᵀ
    # added, which has to be large: u is no eigenvector.
    bound, lift = order * (value + abs(value) * TWICE), 2**40 * abs(value) / square
    form = [
        [
            bound * (i == j) - square * entry + lift * a * b
            for j, (entry, b) in enumerate(zip(row, u))
        ]
        for i, (row, a) in enumerate(zip(hessian, u))
    ]
    if not (value < 0 and is_positive_definite(form)):
        raise NotProved("N < 0 and eigenvalues below 2|λ| are not proved")
    return Certificate(
        "point",
        "at `start`, N < 0 and every eigenvalue of the projected Hessian is below 1.999 |λ|",
    )


def zero_points(instance) -> Certificate:
    """∇N(u) = 0 exactly; layers and neurons are unbalanced."""
    u = zeroed(instance)
    if not u.any() or any(At(Rationals, instance, u).gradient):
        raise NotProved("∇N(u) ≠ 0, or u = 0")
    _unbalanced(instance.network, u)
    proves = "∇N = 0 at `start` without its first layer, where layers and neurons are unbalanced"
    return Certificate("point", proves)


def zeroed(instance) -> np.ndarray:
    """`start` with W_1 = 0, and W_2 = 0 where N is linear in W_1: N vanishes to second order."""
    network, u = instance.network, instance.start.copy()
    u[: network.slices[0 if network.orders[0] > 1 else 1].stop] = 0.0
    return u


def positive_unstable(instance) -> Certificate:
    """An exact KKT point is a strict local maximum."""
    return boxed(
        instance,
        nonzero_limit(instance),
        maximum,
        "an exact KKT point has a negative definite projected Hessian",
    )


def shared_balance(instance) -> Certificate:
    """Neurons of a shared layer are unbalanced at an exact KKT point."""
    shared = convolved(instance)

    def unbalanced(found: Found) -> None:
        gaps = points.neurons_unbalanced(
            Balls, found.pruned.network, found.matrices, range(found.pruned.network.depth - 1)
        )
        need(gaps, "the balances are not known to differ from 0")

    proves = "an exact KKT point with a shared first layer has an unbalanced neuron"
    return boxed(shared, nonzero_limit(shared), unbalanced, proves, partial(_spread, instance))


def _spread(instance, theta: np.ndarray):
    """The instance whose start has the kernel of theta in every row of W_1; None if that is its
    own.
    """
    columns, rows = instance.network.widths[:2]
    return started(instance, unit(np.concatenate([*[theta[:columns]] * rows, theta[columns:]])))


def saddles(instance) -> Certificate:
    """An exact KKT point with N > 0 and two active neurons."""
    proves = "an exact KKT point with N > 0 has two active neurons in the last hidden layer"
    return boxed(instance, instance.start, several_last, proves)


def flat_neurons(instance) -> Certificate:
    """A linear network at N's maximum, two active neurons in its last hidden layer, exactly."""
    network, ncf = instance.network, instance.ncf
    if not {*network.powers, *network.slopes} == {1} == {ncf.ybar.shape[1]}:
        raise NotProved("the network is not linear with one output")
    X, y = (
        [[Rationals.number(float(each)) for each in row] for row in rows]
        for rows in (ncf.X, ncf.ybar)
    )
    g = [sum(row[k] * label[0] for row, label in zip(X, y)) for k in range(ncf.X.shape[1])]
    if not any(g) or network.widths[-2] < 2:
        raise NotProved("Xᵀȳ = 0, or only one neuron")
    ones = [fmpq(1)] * (network.size - network.slices[0].stop)
    theta = g * network.widths[1] + ones
    parts = [dot(theta[part], theta[part]) for part in network.slices]
    value, bound = Evaluation(Rationals, network, theta, ncf.X, ncf.ybar).value, dot(g, g)
    for part in parts:
        bound *= part
    if not (value > 0 and value * value == bound):
        raise NotProved("N does not reach ‖Xᵀȳ‖ Π ‖W_l‖")
    proves = (
        "W_1 with rows Xᵀȳ and all other weights 1 reach the maximum ‖Xᵀȳ‖ Π ‖W_l‖ of N, with "
        "every neuron active"
    )
    first = np.tile(unit(ncf.X.T @ ncf.ybar[:, 0]), network.widths[1])
    others = (np.ones(part.stop - part.start) for part in network.slices[1:])
    shown = started(instance, unit(np.concatenate([*map(unit, (first, *others))])))
    return Certificate("point", proves, {}, shown)


def shared_neurons(instance) -> Certificate:
    """A strict local maximum with N > 0 has two active neurons that share their weights."""
    shared = convolved(instance)

    def condition(found: Found) -> None:
        maximum(found)
        several_last(found)

    proves = "a strict local maximum with N > 0, neurons sharing weights, has two of them active"
    return boxed(shared, nonzero_limit(shared), condition, proves, partial(_spread, instance))
