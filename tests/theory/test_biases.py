"""Networks with biases: against a plain forward pass, its complex-step gradient, and plain
integration.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.biases.flows import loss_flow_with_biases, ncf_flow_with_biases
from ncfcheck.theory.biases.networks import biased
from ncfcheck.theory.starts import unit
from tests.support import reference

NETWORKS = {
    "two layers": dense((3, 4, 1), (2,), (0.5,)),
    "three layers": dense((2, 3, 4, 1), (2, 2), (0.5, -0.3)),
    "linear": dense((2, 3, 2, 1), (1, 1), (1.0, 1.0)),
    "two outputs": dense((3, 2, 2), (3,), (0.0,)),
}


def instance_on(network, loss=Loss.SQUARE, seed=3):
    theta, X, y = reference.problem(network, seed)
    return Instance(
        Problem(network, X, loss.labels.fit(np.abs(y)), loss),
        theta,
        seeds=(seed,),
    )


def split(network, free):
    """(W_l, b_l) of every layer, from the free weights: rows of W_l, each followed by its bias."""
    layers, start = [], 0
    for columns, rows in zip(network.widths[:-1], network.widths[1:]):
        both = free[start : start + rows * (columns + 1)].reshape(rows, columns + 1)
        layers.append((both[:, :-1], both[:, -1:]))
        start += both.size
    return layers


def outputs(network, free, X):
    """W_L σ(… σ(W_1 x + b_1) …) + b_L, (n, k_L)."""
    below = X.T
    layers = split(network, free)
    for (W, b), power, slope in zip(layers, network.powers, network.slopes):
        below = reference.activation(W @ below + b, power, slope)
    return (layers[-1][0] @ below + layers[-1][1]).T


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_outputs_and_gradients_are_those_of_the_network_written_out(network):
    plain = instance_on(network)
    found, u = biased(plain), biased(plain).start
    assert u.size == sum(
        rows * (columns + 1) for columns, rows in zip(network.widths[:-1], network.widths[1:])
    )
    assert [u[part].size for part in found.network.slices] == [
        W.size + b.size for W, b in split(network, u)
    ]
    np.testing.assert_allclose(
        found.problem.outputs(u), outputs(network, u, plain.problem.X), rtol=1e-12, atol=1e-14
    )

    def value(w):
        return (plain.ncf.ybar * outputs(network, w, plain.problem.X)).sum()

    expected = [reference.derivative(value, u, e) for e in np.eye(u.size)]
    computed, gradient = found.ncf.value_and_gradient(u)
    assert computed == pytest.approx(value(u), rel=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-13)
    assert all(bound > 0 for bound in found.ncf.rounding(u))


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_without_biases_the_outputs_are_those_of_the_plain_network(network):
    plain = instance_on(network)
    found = biased(plain)
    embedded = found.network.unbiased(plain.start)
    assert not any(b.any() for _, b in split(network, embedded))
    np.testing.assert_allclose(
        found.problem.outputs(embedded), plain.problem.outputs(plain.start), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("loss", Loss)
def test_the_loss_flow_is_gradient_descent_on_the_loss(loss):
    name = "two layers" if loss.labels.fewest == 1 else "two outputs"
    found = biased(instance_on(NETWORKS[name], loss))

    def training_loss(w):
        return found.problem.training_loss(w)

    _, norms, directions = loss_flow_with_biases(found, 0.1, 2.0)
    steps = np.eye(found.start.size) * 1e-6

    def descent(_, w):
        return np.array(
            [(training_loss(w - step) - training_loss(w + step)) / 2e-6 for step in steps]
        )

    expected = solve_ivp(descent, (0, 2.0), 0.1 * found.start, rtol=1e-7, atol=1e-9).y[:, -1]
    np.testing.assert_allclose(norms[-1] * directions[-1], expected, atol=1e-5)


def test_the_flow_of_n_reaches_the_norm_asked_for_along_its_gradient():
    found = biased(instance_on(NETWORKS["two layers"]))
    times, norms, directions = ncf_flow_with_biases(found, 5.0)
    assert norms[-1] == pytest.approx(5.0, rel=1e-6)
    plain = solve_ivp(
        lambda _, u: found.ncf.gradient(u), (0, times[-1]), found.start, rtol=1e-9, atol=1e-11
    ).y[:, -1]
    np.testing.assert_allclose(unit(plain), directions[-1], atol=1e-3)
