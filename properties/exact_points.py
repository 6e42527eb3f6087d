"""Exact counterparts of the controls about single points of N: exact rational inequalities (theory
§1, §2, §5).
"""

from __future__ import annotations

from functools import partial

from flint import fmpq

from ncfcheck.certify import points
from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal
from ncfcheck.certify.evaluate import Evaluation, matrices
from ncfcheck.certify.krawczyk import is_positive_definite
from ncfcheck.certify.points import At, dot, nonzero, proved
from ncfcheck.certify.rings import Rationals
from ncfcheck.properties.flow_controls import convolved
from ncfcheck.properties.homogeneity_controls import shuffled
from ncfcheck.theory.biases.networks import biased

IDENTITIES = (
    points.euler_fails,
    points.layer_euler_fails,
    points.output_scaling_fails,
    points.gradient_scaling_fails,
)

TWICE = fmpq(
    1999, 1000
)  # multiple of |λ| that an eigenvalue has to stay below to refute one of 2|λ|


def _all(statements, instance, weights) -> None:
    for statement in statements:
        proved(partial(statement, instance=instance, weights=weights))


def euler(instance) -> Certificate:
    """⟨u, ∇N⟩ ≠ D·N."""
    return _refuted(instance, points.euler_fails)


def layer_euler(instance) -> Certificate:
    """⟨W_l, ∂N/∂W_l⟩ ≠ P_l·N."""
    return _refuted(instance, points.layer_euler_fails)


def output_scaling(instance) -> Certificate:
    """H(x; cu) ≠ c^D H(x; u), c > 0."""
    return _refuted(instance, points.output_scaling_fails)


def gradient_scaling(instance) -> Certificate:
    """∇N(cu) ≠ c^{D−1} ∇N(u), c > 0."""
    return _refuted(instance, points.gradient_scaling_fails)


def _refuted(instance, statement) -> Certificate:
    _all([statement], instance, instance.start)
    return Certificate("point", f"the identity fails at `start`: {statement.__doc__}")


def loss_expansion(instance) -> Certificate:
    """The remainder exceeds Σ ŷ² at some δ."""
    return Certificate(
        "point",
        "the remainder exceeds Σ ŷ² at δ",
        {"delta": points.expansion_fails(instance).hex()},
    )


def biases(instance) -> Certificate:
    """Every identity fails for a network with biases."""
    with_biases = biased(instance)
    _all(IDENTITIES, with_biases, with_biases.start)
    proves = "at `point`, weights and biases, Euler's identities and both scalings fail"
    return Certificate("point", proves, {"point": hexadecimal(with_biases.start)})


def biases_expansion(instance) -> Certificate:
    """The remainder exceeds Σ ŷ² for a network with biases."""
    with_biases = biased(instance)
    delta = points.expansion_fails(with_biases)
    data = {"point": hexadecimal(with_biases.start), "delta": delta.hex()}
    return Certificate(
        "point", "at `point`, weights and biases, the remainder exceeds Σ ŷ² for this δ", data
    )


def wrong_labels(instance) -> Certificate:
    """The remainder exceeds Σ ŷ² for the N of shuffled labels."""
    delta = points.expansion_fails(instance, shuffled(instance).ybar)
    proves = "with the N of labels moved on by one sample the remainder exceeds Σ ŷ² for this δ"
    return Certificate("point", proves, {"delta": delta.hex()})


def negative_factor(instance) -> Certificate:
    """Both scalings fail for some c < 0."""
    scalings = points.output_scaling_fails, points.gradient_scaling_fails
    _all([partial(each, sign=-1) for each in scalings], instance, instance.start)
    return Certificate(
        "point", "at `start`, H(x; cu) ≠ c^D H(x; u) and ∇N(cu) ≠ c^{D−1} ∇N(u) for some c < 0"
    )


def any_point(instance) -> Certificate:
    """∇N is not along u, nor is it with W_L negated; layers and neurons are unbalanced."""
    network, u = instance.network, instance.start
    flipped = u.copy()
    flipped[network.slices[-1]] *= -1
    for weights in (u, flipped):
        proved(lambda ring, weights=weights: At(ring, instance, weights).is_kkt_direction_false())
    proved(lambda ring: points.layers_unbalanced(ring, network, u))
    proved(lambda ring: points.neurons_unbalanced(ring, network, matrices(ring, network, u)))
    return Certificate(
        "point",
        "at `start`, ‖∇N‖ ≠ |λ|, layers and neurons are unbalanced, and W_L → −W_L is not KKT",
    )


def zero_points(instance) -> Certificate:
    """∇N(u) = 0 exactly; layers and neurons are unbalanced."""
    network, u = instance.network, instance.start.copy()
    u[: network.slices[0 if network.orders[0] > 1 else 1].stop] = 0.0
    if not u.any() or any(At(Rationals, instance, u).gradient):
        raise NotProved("∇N(u) ≠ 0, or u = 0")
    proved(lambda ring: points.layers_unbalanced(ring, network, u))
    proved(lambda ring: points.neurons_unbalanced(ring, network, matrices(ring, network, u)))
    return Certificate(
        "point",
        "∇N = 0 at `point`, where layers and neurons are unbalanced",
        {"point": hexadecimal(u)},
    )


def any_negative_point(instance) -> Certificate:
    """N < 0, and ∇²N − λ, λ = D·N, has only eigenvalues below 2|λ| on the tangent space."""
    u = [Rationals.number(float(each)) for each in instance.start]
    evaluation = Evaluation(Rationals, instance.network, u, instance.ncf.X, instance.ncf.ybar)
    order, value, square = instance.network.order, evaluation.value, dot(u, u)
    hessian = evaluation.hessian(len(u))
    # ‖u‖² ∇²N(u) − D·N(u) is the projected Hessian of u/‖u‖ up to a positive factor. A form is
    # positive on the space orthogonal
    # to u if it is positive everywhere with a multiple of uuᵀ added, which has to be large: u is no
    # eigenvector.
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


def shared_conserved(instance) -> Certificate:
    """d/dt of ‖row_j‖² − p‖col_j‖² along the NCF flow differs from 0 at t = 0."""
    shared = convolved(instance)
    proved(lambda ring: _drifts(ring, shared))
    proves = (
        "with a first layer that shares its weights, ‖row_j‖² − p‖col_j‖² has a derivative ≠ 0 "
        "along the NCF flow at `point`"
    )
    return Certificate("point", proves, {"point": hexadecimal(shared.start)})


def _drifts(ring, instance) -> bool:
    at, network = At(ring, instance, instance.start), instance.network
    (W, V), (A, B) = (matrices(ring, network, each)[:2] for each in (at.u, at.gradient))
    for j in range(W.nrows()):
        rows = sum(W[j, i] * A[j, i] for i in range(W.ncols()))
        columns = sum(V[i, j] * B[i, j] for i in range(V.nrows()))
        if nonzero(ring, rows - network.powers[0] * columns):
            return True
    return False


def degree_two(instance) -> Certificate:
    """D = 2: d‖u‖²/dt = 4N(u) ≤ 4M‖u‖² with a finite M, so that no norm blows up."""
    if instance.network.order != 2:
        raise NotProved("D is not 2")
    return Certificate(
        "point", "D = 2, so that d‖u‖²/dt = 4N(u) ≤ 4M‖u‖² and the norm is finite at every time"
    )


def flat_neurons(instance) -> Certificate:
    """A linear network at a maximum of N with two active neurons in its last
    hidden layer, exactly.
    """
    network, ncf = instance.network, instance.ncf
    if (
        not all(p == 1 and alpha == 1 for p, alpha in zip(network.powers, network.slopes))
        or ncf.ybar.shape[1] != 1
    ):
        raise NotProved("the network is not linear with one output")
    X, y = (
        [[Rationals.number(float(each)) for each in row] for row in rows]
        for rows in (ncf.X, ncf.ybar)
    )
    g = [sum(row[k] * label[0] for row, label in zip(X, y)) for k in range(ncf.X.shape[1])]
    if not any(g) or network.widths[-2] < 2:
        raise NotProved("Xᵀȳ = 0, or only one neuron")
    theta = [a for _ in range(network.widths[1]) for a in g] + [fmpq(1)] * (
        network.size - network.slices[0].stop
    )
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
    return Certificate("point", proves)
