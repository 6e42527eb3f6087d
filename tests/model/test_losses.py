"""Losses against their formulas, and pseudo-labels against the derivative at zero."""

from itertools import product

import mpmath
import numpy as np
import pytest
from numba import njit

from ncfcheck.model.loss_functions import sizes
from ncfcheck.model.losses import CODED, NCF_CODE, SECOND_ORDER_CODE, Huber, Loss, descent

ONE = np.array([[0.0], [-1.5], [3.0], [1e-9], [-700.0], [800.0]])
SEVERAL = np.array([[0, 0, 0], [-1.5, 2, 1], [3, 1, 4], [1e-9, 0, -1e-9], [-700, 0, 1], [0, 8, 0]])
LABELS = {
    Loss.SQUARE: np.array([[0.5], [-2.0], [0.0], [1.0], [-1.0], [3.0]]),
    Loss.LOGISTIC: np.array([[1.0], [-1.0], [1.0], [-1.0], [1.0], [-1.0]]),
    Loss.HUBER: np.array([[0.5], [-2.0], [0.0], [1.0], [-1.0], [3.0]]),
    Loss.EXPONENTIAL: np.array([[0.5], [-2.0], [0.0], [1.0], [-0.5], [0.5]]),
    Loss.SOFTMAX: np.eye(3)[[0, 1, 2, 0, 1, 1]],
}


def _huber(x, y):
    off = abs(x - y)
    return off**2 / 2 if off <= 1.5 else 1.5 * off - mpmath.mpf("1.125")


# ℓ(ŷ, y) of an output in 50 digits (theory §2); of all of a sample for COUPLED ones.
EXACT = {
    Loss.SQUARE: lambda output, label: (output - label) ** 2 / 2,
    Loss.LOGISTIC: lambda output, label: mpmath.log(1 + mpmath.exp(-label * output)),
    Loss.HUBER: _huber,
    Loss.EXPONENTIAL: lambda output, label: mpmath.exp(-label * output),
    Loss.SOFTMAX: lambda row, labels: (
        mpmath.log(mpmath.fsum(map(mpmath.exp, row)))
        - mpmath.fsum(a * b for a, b in zip(row, labels))
    ),
}
COUPLED = (Loss.SOFTMAX,)
NEAR = slice(0, 4)  # samples where no derivative is 0 to rounding


def outputs_of(loss):
    return SEVERAL if loss in COUPLED else ONE


def exact(loss, x, y):
    """ℓ of one sample, of outputs and labels that are numbers of mpmath."""
    return EXACT[loss](x, y) if loss in COUPLED else EXACT[loss](x[0], y[0])


def exact_values(loss, outputs):
    return [
        exact(loss, *(list(map(mpmath.mpf, row)) for row in both)) for both in pairs(loss, outputs)
    ]


def pairs(loss, outputs):
    return zip(outputs.tolist(), LABELS[loss].tolist())


def exact_derivative(loss, orders, outputs, samples=NEAR):
    """The derivatives of ℓ by ŷ_k as often as the tuple `orders` says, at every output."""

    def at(row, label):
        along = [k for k, order in enumerate(orders) for _ in range(order)]
        function = lambda *x: exact(loss, x, list(map(mpmath.mpf, label)))  # noqa: E731
        point = tuple(map(mpmath.mpf, row))
        return float(mpmath.diff(function, point, tuple(orders))) if along else None

    return np.array([at(*both) for both in list(pairs(loss, outputs))[samples]])


def unit_orders(m, *along):
    return tuple(along.count(k) for k in range(m))


@njit
def compiled_descent(code, y, outputs, factor, out):
    """`descent` can be called from compiled code only."""
    descent(code, y, outputs, factor, out)


def computed_descent(code, y, outputs=ONE, factor=1.0):
    """That of the kernel, which takes samples as columns."""
    columns = [np.array(each.T, order="C") for each in (y, outputs, outputs)]
    compiled_descent(code, columns[0], columns[1], factor, columns[2])
    return columns[2].T


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(50):
        yield


@pytest.mark.parametrize("loss", Loss)
def test_the_total_loss_is_the_sum_of_the_formula(loss):
    found, x = loss.total(outputs_of(loss), LABELS[loss]), outputs_of(loss)
    assert found == pytest.approx(float(mpmath.fsum(exact_values(loss, x))), rel=1e-14)


@pytest.mark.parametrize("loss", Loss)
def test_the_change_of_the_loss_has_no_cancellation(loss):
    near = np.array([[1e-3], [-1e-6], [1e-9], [0.5], [-0.5], [1.0]])
    near = near * [1, -0.5, 0.3] if loss in COUPLED else near
    zero = exact_values(loss, 0 * near)
    expected = [float(a - b) for a, b in zip(exact_values(loss, near), zero)]
    found = loss.change(near, LABELS[loss]).reshape(len(near), -1).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("loss", Loss)
def test_the_descent_is_minus_the_derivative_of_the_loss(loss):
    x, y = outputs_of(loss), LABELS[loss]
    m = y.shape[1]
    expected = [-exact_derivative(loss, unit_orders(m, k), x) for k in range(m)]
    for found in (loss.descent(x, y), computed_descent(loss.code, y, x)):
        np.testing.assert_allclose(found[NEAR].T, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", Loss)
def test_the_kernel_and_the_formula_agree_where_exponentials_overflow(loss):
    x, y = outputs_of(loss), LABELS[loss]
    np.testing.assert_allclose(computed_descent(loss.code, y, x), loss.descent(x, y), rtol=1e-13)


@pytest.mark.parametrize("loss", Loss)
def test_the_curvature_is_the_second_derivative(loss):
    x, y = outputs_of(loss), LABELS[loss]
    found, m = loss.curvature(x, y), y.shape[1]
    assert found.ndim == (3 if loss in COUPLED else 2)
    matrices = found if loss in COUPLED else found[..., None]
    for k, l in product(range(m), repeat=2):
        expected = exact_derivative(loss, unit_orders(m, k, l), x)
        np.testing.assert_allclose(matrices[NEAR, k, l], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", Loss)
def test_the_second_order_is_the_curvature_at_0_times_the_outputs(loss):
    x, y = outputs_of(loss)[NEAR], LABELS[loss][NEAR]
    step = 1e-6
    differences = (loss.descent(-step * x, y) - loss.descent(step * x, y)) / (2 * step)
    np.testing.assert_allclose(loss.second_order(x, y), differences, atol=1e-8)


@pytest.mark.parametrize("loss", Loss)
def test_nowhere_on_the_way_is_the_curvature_beyond_the_steepest(loss):
    rng = np.random.default_rng(0)
    y = np.repeat(LABELS[loss], 20, axis=0)
    x = rng.standard_normal((len(y), y.shape[1])) * 10.0 ** rng.uniform(-3, 1, (len(y), 1))
    steepest = loss.steepest(x, y)
    on_the_way = [sizes(loss.curvature(t * x, y)) for t in np.linspace(0, 1, 101)]
    assert (np.max(on_the_way, axis=0) <= steepest * (1 + 1e-12)).all()
    assert (steepest <= 2.5 * np.max(on_the_way, axis=0) + 1e-12).mean() > 0.6


@pytest.mark.parametrize("loss", Loss)
def test_pseudo_labels_are_the_descent_at_output_zero(loss):
    y = LABELS[loss]
    np.testing.assert_array_equal(
        loss.pseudo_labels(y), computed_descent(loss.code, y, np.zeros(y.shape))
    )


@pytest.mark.parametrize("loss", Loss)
def test_labels_come_back_from_their_pseudo_labels(loss):
    y = LABELS[loss]
    found = loss.labels_of(loss.pseudo_labels(y))
    is_lost = (loss is Loss.HUBER) & (np.abs(y) > 1.5)  # cut, as many others are
    assert np.isnan(found[is_lost]).all()
    np.testing.assert_allclose(found[~is_lost], y[~is_lost], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("loss", Loss)
def test_labels_that_were_fitted_are_allowed(loss):
    given = np.array([[0.5, 0.5], [-2.0, 1.5], [3.0, -1.5]])
    assert loss.labels.allow(loss.labels.fit(given)) and loss.labels.allow(LABELS[loss])


def test_the_logistic_loss_has_labels_of_either_sign_and_no_others():
    labels = Loss.LOGISTIC.labels
    assert labels.fit(np.array([0.5, -2.0, 0.0])).tolist() == [1.0, -1.0, 1.0]
    assert labels.fit(np.array([1.0, 2.0, 3.0]), 2.0).tolist() == [-1.0, 1.0, 1.0]
    assert not labels.allow(np.array([[1.0], [0.5]]))


def test_the_huber_loss_has_any_labels_but_its_threshold():
    labels = Huber(2.0).labels
    assert labels.allow(np.array([[1.0], [2.5]])) and not labels.allow(np.array([[1.0], [-2.0]]))
    assert labels.fit(np.array([[1.0], [-2.0]])).tolist() == [[1.0], [-1.0]]


def test_the_softmax_loss_has_rows_with_a_single_1():
    labels = Loss.SOFTMAX.labels
    assert labels.fit(np.array([[0.2, 3.0], [1.0, 1.0]])).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    for other in ([[1.0]], [[0.5, 0.5]], [[1.0, 1.0]], [[0.0, 0.0]]):
        assert not labels.allow(np.array(other))


def test_pseudo_labels_of_signs_and_classes_are_those_of_the_theory():
    y = np.array([[1.0], [-1.0]])
    assert Loss.SQUARE.pseudo_labels(y).tolist() == [[1.0], [-1.0]]
    assert Loss.LOGISTIC.pseudo_labels(y).tolist() == [[0.5], [-0.5]]
    assert Loss.EXPONENTIAL.pseudo_labels(3 * y).tolist() == [[3.0], [-3.0]]
    assert Loss.HUBER.pseudo_labels(3 * y).tolist() == [[1.5], [-1.5]]
    assert Loss.SOFTMAX.pseudo_labels(np.eye(2)).tolist() == [[0.5, -0.5], [-0.5, 0.5]]


@pytest.mark.parametrize("loss", Loss)
def test_pseudo_labels_of_integers_are_floats_of_their_own(loss):
    assert loss.pseudo_labels(np.array([[1, 0], [0, 1]])).dtype == float
    labels = np.eye(2)
    assert not np.shares_memory(loss.pseudo_labels(labels), labels)


@pytest.mark.parametrize("loss", Loss)
def test_the_factor_scales_the_outputs(loss):
    y, code, x = LABELS[loss], loss.code, outputs_of(loss)
    np.testing.assert_array_equal(
        computed_descent(code, y, x, 0.25), computed_descent(code, y, 0.25 * x)
    )


def test_the_descent_of_the_ncf_ignores_the_outputs():
    y = LABELS[Loss.SQUARE]
    np.testing.assert_array_equal(computed_descent(NCF_CODE, y, ONE), y)


def test_the_descent_of_the_second_order_is_linear_in_the_outputs():
    y = LABELS[Loss.SQUARE]
    np.testing.assert_array_equal(computed_descent(SECOND_ORDER_CODE, y), y * ONE)


def test_the_descent_of_an_unknown_code_is_no_number():
    assert np.isnan(computed_descent(99, LABELS[Loss.SQUARE])).all()


def test_codes_tell_the_losses_and_the_ncf_apart():
    assert len({NCF_CODE, SECOND_ORDER_CODE, *CODED}) == 2 + len(Loss)
