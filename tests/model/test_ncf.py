"""The NCF object: value, gradient, residual and balance against their definitions; what a problem
refuses.
"""

import numpy as np
import pytest

from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Ncf, Problem, group_norms, neuron_balance, norm, unit
from ncfcheck.model.networks import DENSE, Network, convolution, dense, masked
from tests.support import reference

ZOO = reference.zoo()


@pytest.fixture(params=ZOO.values(), ids=ZOO.keys())
def case(request):
    """Network, unit weights and NCF."""
    theta, X, ybar = reference.problem(request.param, 0)
    return request.param, theta, Ncf(request.param, X, ybar)


def test_value_and_gradient_are_those_of_plain_numpy(case):
    network, theta, ncf = case
    value, bound = ncf.value(theta), ncf.rounding(theta)
    assert abs(value - reference.value(network, theta, ncf.X, ncf.ybar)) <= 2 * bound[0]
    difference = ncf.gradient(theta) - reference.gradient(network, theta, ncf.X, ncf.ybar)
    assert np.linalg.norm(difference) <= 2 * bound[1]
    assert bound[0] < 1e-12 and bound[1] < 1e-11  # a bound that is too large would hide anything


def test_weights_need_not_be_contiguous(case):
    _, theta, ncf = case
    strided = np.repeat(theta, 2)[::2]
    assert not strided.flags.c_contiguous or theta.size == 1
    assert ncf.value(strided) == ncf.value(theta)
    np.testing.assert_array_equal(ncf.hessian(strided), ncf.hessian(theta))


def test_the_residual_is_the_sine_between_gradient_and_weights(case):
    network, theta, ncf = case
    gradient = reference.backpropagated(network, theta, ncf.X, ncf.ybar)
    if not gradient.any():
        assert np.isnan(ncf.residual(theta))
        return
    cosine = gradient @ theta / np.linalg.norm(gradient)
    assert ncf.residual(theta) == pytest.approx(np.sqrt(1 - cosine**2), rel=1e-9)
    assert ncf.residual(3.0 * theta) == pytest.approx(ncf.residual(theta), rel=1e-12)


def test_the_residual_of_a_known_kkt_point_vanishes():
    """One linear-side neuron: H = v·(wx)², KKT at w² = 2v² (theory §5: ‖row‖² = p‖col‖²)."""
    ncf = Ncf(dense((1, 1, 1), (2,), (0.5,)), np.ones((1, 1)), np.ones((1, 1)))
    u = np.sqrt([2 / 3, 1 / 3])
    assert ncf.residual(u) < 1e-15 and ncf.value(u) == pytest.approx(2 / 3**1.5, rel=1e-15)
    assert ncf.residual(np.array([0.8, 0.6])) > 1e-2


def test_the_residual_without_gradient_is_not_a_number():
    ncf = Ncf(dense((1, 1, 1), (2,), (0.0,)), np.ones((1, 1)), np.ones((1, 1)))
    assert np.isnan(ncf.residual(np.array([-0.6, 0.8])))


def test_the_residual_does_not_depend_on_the_scale_of_the_labels():
    """N may be 4e-37: its size must not matter."""
    theta, X, ybar = reference.problem(ZOO["three layers"], 1)
    residuals = [
        Ncf(ZOO["three layers"], X, scale * ybar).residual(theta)
        for scale in (1.0, 2.0**-800, 2.0**400)
    ]
    assert residuals[0] == pytest.approx(residuals[1], rel=1e-13) and residuals[0] == pytest.approx(
        residuals[2], rel=1e-13
    )


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1.0, 1e170, 1e300])
def test_norms_neither_overflow_nor_underflow(scale):
    assert norm(scale * np.array([3.0, -4.0])) == pytest.approx(5 * scale, rel=1e-15)


@pytest.mark.parametrize("scale", [1e-320, 1e-160, 1.0, 1e160, 1e307])
def test_unit_vectors_have_length_one_whatever_the_scale(scale):
    found = unit(scale * np.array([3.0, 0.0, 4.0]))
    assert abs(found @ found - 1) < 1e-15


def test_norms_of_what_is_not_finite_say_so():
    assert not np.isfinite(norm(np.array([1.0, np.inf]))) and np.isnan(
        norm(np.array([1.0, np.nan]))
    )
    assert norm(np.zeros(3)) == 0


@pytest.mark.parametrize("loss", Loss)
def test_the_loss_at_small_weights_is_its_expansion_in_the_ncf(loss):
    """𝓛(δu) = 𝓛(0) − δ^D N(u) + O(δ^{2D}) (theory §2)."""
    network = ZOO["dense p=2 α=0.5" if loss.labels.fewest == 1 else "three outputs"]
    theta, X, y = reference.problem(network, 2)
    problem = Problem(network, X, loss.labels.fit(np.sign(y)), loss)
    zero, delta = problem.training_loss(0 * theta), 1e-2
    slope = (zero - problem.training_loss(delta * theta)) / delta**network.order
    assert slope == pytest.approx(problem.ncf.value(theta), rel=1e-4)


def test_the_outputs_of_a_problem_are_those_of_plain_numpy(case):
    network, theta, ncf = case
    outputs = Problem(network, ncf.X, ncf.ybar).outputs(theta)
    np.testing.assert_allclose(
        outputs, reference.outputs(network, theta, ncf.X), rtol=1e-12, atol=1e-15
    )


def test_a_problem_gives_its_ncf_the_pseudo_labels_of_its_loss():
    network = ZOO["three outputs"]
    _, X, y = reference.problem(network, 3)
    for loss, factor in ((Loss.SQUARE, 1.0), (Loss.LOGISTIC, 0.5)):
        np.testing.assert_array_equal(
            Problem(network, X, np.sign(y), loss).ncf.ybar, factor * np.sign(y)
        )


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((4, 2)), np.ones((4, 1)), "do not fit"),
        (np.ones((4, 3)), np.ones((3, 1)), "do not fit"),
        (np.ones((4, 3)), np.ones(4), "do not fit"),
        (np.ones((4, 3)), np.ones((4, 2)), "do not fit"),
        (np.ones((0, 3)), np.ones((0, 1)), "do not fit"),
        (np.full((4, 3), np.nan), np.ones((4, 1)), "finite"),
        (np.ones((4, 3)), np.full((4, 1), np.inf), "finite"),
    ],
)
def test_a_problem_refuses_data_that_do_not_fit(X, y, message):
    with pytest.raises(ValueError, match=message):
        Problem(dense((3, 4, 1), (2,), (0.5,)), X, y)


def test_neuron_balance_is_its_formula_row_by_row():
    network = dense((2, 3, 2, 1), (2, 3), (0.5, 0.5))
    theta = np.random.default_rng(4).standard_normal(network.size)
    first, second, last = reference.matrices(network, theta)
    balances = neuron_balance(network, theta)
    for j in range(3):
        assert balances[0][j] == pytest.approx(
            first[j] @ first[j] - 2 * second[:, j] @ second[:, j]
        )
    for j in range(2):
        assert balances[1][j] == pytest.approx(second[j] @ second[j] - 3 * last[:, j] @ last[:, j])


def test_neuron_balance_leaves_out_neurons_next_to_shared_weights():
    shared = Network(
        (4, 4, 3, 2, 1),
        (2, 2, 2),
        (0.5,) * 3,
        (convolution(4, 4, 2), DENSE, masked(np.ones((2, 3))), DENSE),
    )
    assert [len(each) for each in neuron_balance(shared, np.ones(shared.size))] == [3, 2]


@pytest.mark.parametrize(
    "name", [name for name in ZOO if "p=3" in name or "layers" in name or "outputs" in name]
)
def test_neuron_balance_does_not_change_along_the_gradient(name):
    """Its derivative along ∇N vanishes (theory §3), whatever the point."""
    theta, X, ybar = reference.problem(ZOO[name], 5)
    gradient = reference.backpropagated(ZOO[name], theta, X, ybar)
    for layer in range(ZOO[name].depth - 1):
        change = reference.derivative(
            lambda w, layer=layer: np.asarray(neuron_balance(ZOO[name], w)[layer]), theta, gradient
        )
        assert np.abs(change).max() <= 1e-13 * max(1.0, np.abs(gradient).max())


def test_layer_norms_add_up_to_the_norm(case):
    network, theta, _ = case
    norms = group_norms(network, theta)
    assert norms.sum() == pytest.approx(1.0, rel=1e-14) and len(norms) == network.depth
    assert norms[0] == pytest.approx((theta[: network.parameter_counts[0]] ** 2).sum())


@pytest.mark.parametrize("loss", Loss)
def test_the_gradient_of_the_training_loss_is_that_of_differences(case, loss):
    network, theta, ncf = case
    if not network.has_lipschitz_gradient:
        pytest.skip("differences across kinks")
    if network.widths[-1] < loss.labels.fewest:
        pytest.skip("fewer outputs than the loss has")
    labels = loss.labels.fit(np.where(ncf.ybar >= 0, 1.0, -1.0))
    problem, step = Problem(network, ncf.X, labels, loss), 1e-6
    moves = step * np.eye(theta.size)
    differences = [
        (problem.training_loss(theta + move) - problem.training_loss(theta - move)) / (2 * step)
        for move in moves
    ]
    assert problem.training_gradient(theta) == pytest.approx(differences, rel=1e-5, abs=1e-7)
