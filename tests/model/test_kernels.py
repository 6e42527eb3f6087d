"""Compiled kernels against plain numpy, and the identities of homogeneity."""

import numpy as np
import pytest

from ncfcheck.model.curvature import Curvature
from ncfcheck.model.kernels import gradients
from ncfcheck.model.ncf import Ncf, unit
from ncfcheck.model.networks import Network, dense
from tests.support import reference
from tests.support.reference import gradient_bound, output_bound

ZOO = reference.zoo()
# A Hessian entry is a sum of products of at most 5 weights, slopes and data over a few dozen terms,
# each rounded once.
ROUNDINGS = 200 * reference.EPS


@pytest.fixture(params=ZOO.values(), ids=ZOO.keys())
def network(request) -> Network:
    return request.param


def compiled(network, theta, X, ybar):
    return gradients.correlation(
        network.layout, theta, np.ascontiguousarray(X.T), np.ascontiguousarray(ybar.T)
    )


def test_output_agrees_with_plain_numpy(network):
    theta, X, _ = reference.problem(network, 0)
    ours = gradients.output(network.layout, theta, np.ascontiguousarray(X.T)).T
    # Both sides err by at most the bound.
    assert np.all(
        np.abs(ours - reference.outputs(network, theta, X)) <= 2 * output_bound(network, theta, X)
    )


def test_gradient_agrees_with_complex_steps(network):
    theta, X, ybar = reference.problem(network, 1)
    value, gradient = compiled(network, theta, X, ybar)
    value_bound, bound = gradient_bound(network, theta, X, ybar)
    assert abs(value - reference.value(network, theta, X, ybar)) <= 2 * value_bound
    assert np.all(np.abs(gradient - reference.gradient(network, theta, X, ybar)) <= 2 * bound)


def test_the_two_references_agree(network):
    theta, X, ybar = reference.problem(network, 2)
    bound = gradient_bound(network, theta, X, ybar)[1]
    difference = reference.gradient(network, theta, X, ybar) - reference.backpropagated(
        network, theta, X, ybar
    )
    assert np.all(np.abs(difference) <= 2 * bound)


def test_hessian_products_agree_with_complex_steps(network):
    theta, X, ybar = reference.problem(network, 3)
    direction = np.random.default_rng(4).standard_normal(network.size)
    columns, weights = np.ascontiguousarray(X.T), np.ascontiguousarray(ybar.T)
    product = Curvature(network.layout, theta, columns, weights).product(direction)
    expected = reference.derivative(
        lambda w: reference.backpropagated(network, w, X, ybar), theta, direction
    )
    magnitudes = reference.hessian(*reference.uncancelled(network, theta, X, ybar)) @ np.abs(
        direction
    )
    assert np.all(np.abs(product - expected) <= ROUNDINGS * magnitudes)


def test_hessian_agrees_with_complex_steps_and_is_symmetric(network):
    theta, X, ybar = reference.problem(network, 5)
    ours = Curvature(
        network.layout, theta, np.ascontiguousarray(X.T), np.ascontiguousarray(ybar.T)
    ).matrix()
    magnitudes = reference.hessian(*reference.uncancelled(network, theta, X, ybar))
    assert np.all(
        np.abs(ours - reference.hessian(network, theta, X, ybar)) <= ROUNDINGS * magnitudes
    )
    assert np.array_equal(ours, ours.T)


def test_euler_identities_hold(network):
    theta, X, ybar = reference.problem(network, 6)
    value, gradient = compiled(network, theta, X, ybar)
    value_bound, bound = gradient_bound(network, theta, X, ybar)
    for part, order in [*zip(network.slices, network.orders), (slice(None), network.order)]:
        weights, sum_rounding = np.abs(theta[part]), 8 * reference.EPS * np.abs(gradient[part])
        error = (bound[part] + sum_rounding) @ weights + order * value_bound
        assert abs(gradient[part] @ theta[part] - order * value) <= error


def test_scaling_by_two_is_exact(network):
    """Powers of two commute with rounding, so homogeneity of the output is exact."""
    theta, X, _ = reference.problem(network, 7)
    columns = np.ascontiguousarray(X.T)
    doubled = gradients.output(network.layout, 2 * theta, columns)
    assert np.array_equal(
        doubled, 2.0**network.order * gradients.output(network.layout, theta, columns)
    )


def test_slope_at_zero_is_the_one_of_the_positive_side():
    net = reference.dense((1, 1, 1), (1,), (0.25,))
    gradient = gradients.correlation(
        net.layout, np.array([0.0, 3.0]), np.ones((1, 1)), np.ones((1, 1))
    )[1]
    assert gradient.tolist() == [3.0, 0.0]


def test_gradient_does_not_write_to_its_arguments(network):
    theta, X, ybar = reference.problem(network, 8)
    arguments = theta, np.ascontiguousarray(X.T), np.ascontiguousarray(ybar.T)
    before = [each.copy() for each in arguments]
    gradients.correlation(network.layout, *arguments)
    Curvature(network.layout, *arguments).product(theta)
    assert all(np.array_equal(a, b) for a, b in zip(arguments, before))


PLANTED = {
    "sign": lambda net, ybar: (net, -ybar),
    "power": lambda net, ybar: (reference.dense(net.widths, (2, 3), net.slopes), ybar),
    "slope": lambda net, ybar: (reference.dense(net.widths, net.powers, (0.5, -0.4)), ybar),
}


@pytest.mark.parametrize("mistake", PLANTED.values(), ids=PLANTED.keys())
def test_the_comparison_of_gradients_sees_a_planted_mistake(mistake):
    net = ZOO["three layers"]
    theta, X, ybar = reference.problem(net, 9)
    wrong_net, wrong_ybar = mistake(net, ybar)
    difference = compiled(net, theta, X, ybar)[1] - reference.gradient(
        wrong_net, theta, X, wrong_ybar
    )
    assert np.any(np.abs(difference) > 2 * gradient_bound(net, theta, X, ybar)[1])


def test_second_derivatives_on_both_sides_of_kinks_lie_between_the_least_and_the_most():
    network = dense((2, 3, 2, 1), (2, 2), (0.3, -0.5))
    rng = np.random.default_rng(0)
    u = unit(rng.standard_normal(network.size))
    row = network.matrices(u)[0][0]
    X = 9 * np.array([[-row[1], row[0]], [row[1], -row[0]], [1.0, 2.0]])  # two on its kink
    ncf = Ncf(network, X, rng.standard_normal((3, 1)))
    least, most = (each.matrix() for each in ncf.curvature(u).sides(1e-9, 1e-12))
    jumps, size = [], np.abs(most - least).max()
    for _ in range(20):
        here = ncf.hessian(unit(u + 1e-13 * rng.standard_normal(u.size)))
        for ahead in (here - least, most - here):
            values = np.linalg.eigvalsh(ahead)
            assert values[0] > -1e-3 * size
            jumps.append(values[-1])
    assert max(jumps) > 0.1 * size > 0
    assert Ncf(network, X[2:], ncf.ybar[2:]).curvature(u).sides(1e-9, 1e-12) is None


def test_second_derivatives_across_0_of_larger_powers_are_told_where_they_are_not_negligible():
    # A neuron at 1e-9 on a side whose slope is nothing beside the other's, where N comes from.
    network, slope = dense((1, 2, 1), (3,), (1e-6,)), 1e-6
    u = unit(np.array([-1.0, 1e-9, -1.0, -1.0]))
    ncf = Ncf(network, np.ones((1, 1)), np.ones((1, 1)))
    assert abs(ncf.value(u)) < 10 * slope**3
    assert ncf.curvature(u).sides(1e-12, slope**3) is None
    least, most = (each.matrix() for each in ncf.curvature(u).sides(1e-7, slope**3))
    widths = np.linalg.eigvalsh(most - least)
    assert widths[0] > -1e-20 and widths[-1] > slope**3
