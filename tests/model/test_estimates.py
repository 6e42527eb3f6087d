"""Second derivatives and bounds on rounding of models that bring neither."""

import numpy as np
import pytest

from ncfcheck.core.tolerances import EPS
from ncfcheck.model.networks import dense
from tests.support.foreign import Gated, MatrixSensing, Wrapped, instance_on

NETWORKS = {
    "smooth": dense((3, 4, 3, 1), (1, 4), (1.0, 0.5)),
    "kinked curvature": dense((3, 4, 2), (2,), (0.5,)),
    "cubic": dense((2, 3, 2, 1), (3, 1), (-0.3, 1.0)),
}


@pytest.fixture(params=NETWORKS)
def pair(request):
    """A layered network on data, the same without its layers, weights, and weights of outputs."""
    network, rng = NETWORKS[request.param], np.random.default_rng(3)
    X, r = rng.standard_normal((6, network.inputs)), rng.standard_normal((6, network.width))
    return network.on(X), Wrapped(network).on(X), rng.standard_normal(network.size), r


def test_differences_are_second_derivatives_to_their_error(pair):
    exact, estimated, w, r = pair
    found, right = estimated.curvature(w, r), exact.curvature(w, r)
    error = estimated.curvature_error * np.linalg.norm(right.matrix())
    assert np.linalg.norm(found.matrix() - right.matrix()) <= error
    assert np.array_equal(found.matrix(), found.matrix().T)
    direction = np.linspace(-1, 2, w.size)
    for size in (1e-200, 1e-3, 1.0, 1e5):
        left = found.product(size * direction) - right.product(size * direction)
        assert np.abs(left).max() <= size * error * np.linalg.norm(direction)
    assert not found.product(0 * direction).any()
    u, multiplier = w / np.linalg.norm(w), 0.7
    lower = np.tril_indices(w.size)
    left = estimated.projected_hessian(u, r, multiplier) - exact.projected_hessian(u, r, multiplier)
    assert np.abs(left[lower]).max() <= error


def test_the_jacobian_and_the_outputs_stand_in_the_order_of_layered_networks(pair):
    exact, estimated, w, r = pair
    found, right = estimated.curvature(w, r), exact.curvature(w, r)
    np.testing.assert_allclose(found.outputs, right.outputs, rtol=1e-12)
    np.testing.assert_allclose(found.output_jacobian(), right.output_jacobian(), atol=1e-11)
    curvature = np.linspace(1, 2, r.size).reshape(r.shape)
    orders = (each.second_orders(np.stack([w, -w]), curvature) for each in (estimated, exact))
    np.testing.assert_allclose(*orders, rtol=1e-10, atol=1e-11)


def test_a_product_of_the_models_own_takes_the_place_of_differences(pair):
    exact, estimated, w, r = pair
    estimated.curvature_product = exact.curvature_product
    np.testing.assert_allclose(
        estimated.curvature(w, r).matrix(), exact.curvature(w, r).matrix(), rtol=1e-12, atol=1e-12
    )


def in_long_double(on_data, w, r):
    """Value, gradient and outputs as numbers of 64 bits of mantissa give them."""
    longer = type(on_data)(on_data.model, on_data.X.astype(np.longdouble))
    w, r = w.astype(np.longdouble), r.astype(np.longdouble)
    return *longer.pull_back(w, r), longer.outputs(w)


@pytest.mark.parametrize("model", [Gated(3, 4), MatrixSensing(3)], ids=str)
@pytest.mark.parametrize("cancelling", [False, True], ids=["generic", "cancelling"])
def test_estimated_bounds_hold_errors_and_are_not_much_more(model, cancelling):
    ratios = []
    for seed in range(60):
        instance = instance_on(model, seed, samples=4 + seed % 5)
        X, r, w = instance.problem.X, instance.ncf.ybar.copy(), instance.start
        if (
            cancelling
        ):  # what the first two samples say nearly cancels, and so do two units' outputs
            X, r = X.copy(), r * 1e-9
            X[1], r[0], r[1] = X[0], 1.0, -1.0 + 1e-12
        on_data = model.on(X)
        value, gradient = on_data.pull_back(w, r)
        bound, bounds = on_data.bounds(w, r)
        right, right_gradient, outputs = in_long_double(on_data, w, r)
        assert abs(value - right) <= bound
        assert (np.abs(gradient - right_gradient) <= bounds).all()
        assert (np.abs(on_data.outputs(w) - outputs) <= on_data.output_bound(w)).all()
        ratios.append(np.linalg.norm(bounds) / np.linalg.norm(gradient))
    size = 1e12 if cancelling else 1.0
    assert EPS < np.median(ratios) < 1e3 * EPS * size
    assert not cancelling or np.median(ratios) > 1e-6  # that they cancel is seen


def test_bounds_of_the_same_point_are_the_same_whatever_was_asked_before():
    instance = instance_on(Gated(3, 2), 0)
    ncf, u = instance.ncf, instance.start
    first = ncf.gradient_bound(u)
    first[1][:] = 7.0  # what is handed out is the caller's own
    other = ncf.gradient_bound(u[::-1])
    again = ncf.gradient_bound(u)
    assert again[0] == first[0] and again[1].max() < 1e-10
    assert not np.array_equal(other[1], again[1])
    rest = ncf.on_data.bounds(u, 2 * ncf.ybar)
    assert rest[0] == pytest.approx(2 * again[0], rel=1e-6)
