"""The running bounds contain the true rounding errors, which exact rational arithmetic tells, on
adversarial instances too.
"""

from fractions import Fraction

import numpy as np
import pytest

from ncfcheck.model.kernels import gradients
from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import dense
from tests.support import reference
from tests.support.reference import gradient_bound, output_bound

ZOO = {
    name: net
    for name, net in reference.zoo().items()
    if not name.startswith("dense") or "0.5" in name or "-0.3" in name
}


def exactly(values):
    return np.vectorize(lambda value: Fraction(float(value)), otypes=[object])(np.asarray(values))


def exact(network, theta, X, ybar):
    """Outputs (n, k_L), N and ∇N (P,) in rationals; z = 0 counts as positive."""
    layers = [exactly(W) for W in reference.matrices(network, theta)]
    below, slopes = [exactly(X).T], []
    for W, power, slope in zip(layers, network.powers, network.slopes):
        z = W.dot(below[-1])
        side = np.where(z >= 0, Fraction(1), Fraction(slope) ** power)
        below.append(side * z**power)
        slopes.append(power * side * z ** (power - 1))
    outputs = layers[-1].dot(below[-1])
    delta, parts = exactly(ybar).T, []
    for layer in range(network.depth - 1, -1, -1):
        parts.insert(0, collected(network.patterns[layer], delta.dot(below[layer].T)))
        if layer:
            delta = layers[layer].T.dot(delta) * slopes[layer - 1]
    return outputs.T, (exactly(ybar) * outputs.T).sum(), np.concatenate(parts)


def collected(pattern, matrix):
    if pattern.index is None:
        return matrix.ravel()
    numbers = np.array(pattern.index)
    return np.array(
        [matrix[numbers == number].sum() for number in range(numbers.max() + 1)], dtype=object
    )


def errors_and_bounds(network, theta, X, ybar):
    """Pairs (true errors, bounds), all nonnegative rationals or floats, of outputs, value and
    gradient.
    """
    outputs, value, gradient = exact(network, theta, X, ybar)
    columns, weights = np.ascontiguousarray(X.T), np.ascontiguousarray(ybar.T)
    found = gradients.output(network.layout, theta, columns).T
    found_value, found_gradient = gradients.correlation(network.layout, theta, columns, weights)
    value_bound, bound = gradient_bound(network, theta, X, ybar)
    return [
        (np.abs(exactly(found) - outputs).ravel(), output_bound(network, theta, X).ravel()),
        (np.abs(exactly([found_value]) - value), np.array([value_bound])),
        (np.abs(exactly(found_gradient) - gradient), bound),
    ]


def assert_contained(network, theta, X, ybar):
    for errors, bounds in errors_and_bounds(network, theta, X, ybar):
        assert np.isfinite(bounds).all()
        assert (errors <= exactly(bounds)).all()


@pytest.fixture(params=ZOO.values(), ids=ZOO.keys())
def network(request):
    return request.param


@pytest.mark.parametrize("seed", range(2))
def test_bounds_contain_the_errors_on_random_instances(network, seed):
    assert_contained(network, *reference.problem(network, seed))


def test_bounds_are_not_wasteful(network):
    """Within three orders of magnitude of the error, in the worst entry: looser ones would leave
    claims unresolved.
    """
    theta, X, ybar = reference.problem(network, 2)
    _, _, gradient = exact(network, theta, X, ybar)
    size = float(max(np.abs(gradient)))
    if size:
        assert gradient_bound(network, theta, X, ybar)[1].max() < 2000 * reference.EPS * max(
            size, np.abs(reference.gradient(*reference.uncancelled(network, theta, X, ybar))).max()
        )


def test_bounds_contain_the_errors_of_sums_that_cancel(network):
    """Every sample twice, but for the last digit, with labels of opposite sign."""
    theta, X, _ = reference.problem(network, 3)
    twin = np.nextafter(X, np.inf)
    labels = np.random.default_rng(3).standard_normal((len(X), network.widths[-1]))
    both, signs = np.concatenate([X, twin]), np.concatenate([labels, -labels])
    assert_contained(network, theta, both, signs)
    value, bound = gradients.correlation(
        network.layout, theta, np.ascontiguousarray(both.T), np.ascontiguousarray(signs.T)
    )
    assert abs(value) < 1e-12 and np.abs(bound).max() < 1e-11  # next to nothing is left


def at_kinks(network, seed):
    """Weights and data whose first pre-activations are zero but for rounding: x orthogonal to a
    row, in decimal fractions.
    """
    rng = np.random.default_rng(seed)
    theta, X, ybar = reference.problem(network, seed)
    row = network.matrices(theta)[0][rng.integers(network.widths[1])]
    if row @ row:
        X = X - np.outer(X @ row, row) / (row @ row)
    return theta, X, ybar


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name", [name for name, each in ZOO.items() if each.has_lipschitz_gradient]
)
def test_bounds_contain_the_errors_at_kinks(name, seed):
    """Where σ' itself jumps, at p = 1, no bound on ∇N can hold: the side of the kink
    is not known.
    """
    assert_contained(ZOO[name], *at_kinks(ZOO[name], seed))


def test_some_pre_activation_at_the_kinks_has_the_wrong_sign_when_computed():
    """Else the test above would not try what it is for."""
    network, wrong = ZOO["three layers"], 0
    for seed in range(20):
        theta, X, _ = at_kinks(network, seed)
        W = network.matrices(theta)[0]
        computed, true = W @ X.T, exactly(W).dot(exactly(X).T)
        wrong += (np.sign(computed) != np.sign(true.astype(float))).sum()
    assert wrong > 0


@pytest.mark.parametrize("scale", [2.0**-60, 2.0**60])
def test_bounds_follow_the_scale_of_the_data(network, scale):
    """Powers of two commute with rounding: error and bound both scale exactly."""
    theta, X, ybar = reference.problem(network, 4)
    assert_contained(network, theta, X, scale * ybar)
    before, after = (
        gradient_bound(network, theta, X, ybar),
        gradient_bound(network, theta, X, scale * ybar),
    )
    assert after[0] == scale * before[0]
    np.testing.assert_array_equal(after[1], scale * before[1])


@pytest.mark.parametrize("decades", [4, 8])
def test_bounds_contain_the_errors_of_badly_scaled_weights_and_data(network, decades):
    theta, X, ybar = reference.problem(network, 5)
    rng = np.random.default_rng(5)
    theta = theta * 10.0 ** rng.uniform(-decades, decades, theta.shape)
    assert_contained(network, theta, X * 10.0 ** rng.uniform(-decades, decades, X.shape), ybar)


def test_bounds_contain_the_errors_of_many_samples():
    network = dense((4, 6, 1), (2,), (0.3,))
    assert_contained(network, *reference.problem(network, 6, samples=200))


def test_a_dead_network_has_no_error():
    network = dense((2, 3, 1), (2,), (0.0,))
    theta = np.concatenate([-np.ones(6), np.ones(3)])
    value, gradient = gradient_bound(network, theta, np.ones((2, 2)), np.ones((2, 1)))
    assert value == 0 and not gradient.any()


def test_an_ncf_tells_the_bound_of_its_value_and_the_norm_of_its_gradients_bound():
    theta, X, ybar = reference.problem(ZOO["masked"], 7)
    value, gradient = gradient_bound(ZOO["masked"], theta, X, ybar)
    assert Ncf(ZOO["masked"], X, ybar).rounding(theta) == (
        value,
        pytest.approx(np.linalg.norm(gradient)),
    )


@pytest.mark.parametrize("part", [0, 1, 2])
def test_the_comparison_sees_an_error_of_a_few_thousand_roundings(part):
    """A planted error of 10^-12 of the largest entry is outside every bound."""
    network = ZOO["three layers"]
    theta, X, ybar = reference.problem(network, 8)
    errors, bounds = errors_and_bounds(network, theta, X, ybar)[part]
    outputs, value, gradient = exact(network, theta, X, ybar)
    size = float(max(np.abs(np.ravel([outputs, [value], gradient][part]))))
    assert (np.abs(errors.astype(float) + 1e-12 * size) > bounds).any()
