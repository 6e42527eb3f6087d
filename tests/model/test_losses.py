"""Losses against their formulas, and pseudo-labels against the derivative at zero."""

import mpmath
import numpy as np
import pytest
from numba import njit

from ncfcheck.model.losses import CODED, NCF_CODE, SECOND_ORDER_CODE, Loss, descent

OUTPUTS = np.array([[0.0, -1.5, 3.0, 1e-9, -700.0, 800.0]])
LABELS = {
    Loss.SQUARE: np.array([[0.5, -2.0, 0.0, 1.0, -1.0, 3.0]]),
    Loss.LOGISTIC: np.array([[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]]),
}


# ℓ(ŷ, y) in 50 digits (theory §2).
EXACT = {
    Loss.SQUARE: lambda output, label: (output - label) ** 2 / 2,
    Loss.LOGISTIC: lambda output, label: mpmath.log(1 + mpmath.exp(-label * output)),
}
NEAR = slice(0, 4)  # outputs where no derivative is 0 to rounding


def exact(loss, order=0, outputs=OUTPUTS):
    """The derivative of ℓ by ŷ of this order at every output, (1, n)."""
    return [
        [
            float(mpmath.diff(lambda at, y=y: EXACT[loss](at, mpmath.mpf(y)), mpmath.mpf(x), order))
            for x, y in zip(outputs[0], LABELS[loss][0])
        ]
    ]


@njit
def compiled_descent(code, y, outputs, factor, out):
    """`descent` can be called from compiled code only."""
    descent(code, y, outputs, factor, out)


def computed_descent(code, y, outputs=OUTPUTS, factor=1.0):
    out = np.empty_like(outputs)
    compiled_descent(code, y, outputs, factor, out)
    return out


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(50):
        yield


@pytest.mark.parametrize("loss", Loss)
def test_the_total_loss_is_the_sum_of_the_formula(loss):
    found = loss.total(OUTPUTS, LABELS[loss])
    assert found == pytest.approx(np.sum(exact(loss)), rel=1e-15)


@pytest.mark.parametrize("loss", Loss)
def test_the_change_of_the_loss_has_no_cancellation(loss):
    near = np.array([[1e-3, -1e-6, 1e-9, 0.5, -0.5, 1.0]])
    expected = [
        float(EXACT[loss](mpmath.mpf(x), mpmath.mpf(y)) - EXACT[loss](0, mpmath.mpf(y)))
        for x, y in zip(near[0], LABELS[loss][0])
    ]
    np.testing.assert_allclose(loss.change(near, LABELS[loss])[0], expected, rtol=1e-14)


@pytest.mark.parametrize("loss", Loss)
def test_the_descent_is_minus_the_derivative_of_the_loss(loss):
    y = LABELS[loss]
    expected = -np.array(exact(loss, 1))[:, NEAR]
    for found in (loss.descent(OUTPUTS[:, NEAR], y[:, NEAR]), computed_descent(loss.code, y)):
        np.testing.assert_allclose(found[:, NEAR], expected, rtol=1e-13)


@pytest.mark.parametrize("loss", Loss)
def test_the_curvature_is_the_second_derivative_and_at_most_1(loss):
    found = loss.curvature(OUTPUTS, LABELS[loss])
    np.testing.assert_allclose(
        found[:, NEAR], np.array(exact(loss, 2))[:, NEAR], rtol=1e-9, atol=1e-12
    )
    assert (np.abs(found) <= 1).all()


@pytest.mark.parametrize("loss", Loss)
def test_pseudo_labels_are_the_descent_at_output_zero(loss):
    y = LABELS[loss]
    np.testing.assert_array_equal(
        loss.pseudo_labels(y), computed_descent(loss.code, y, np.zeros(y.shape))
    )


@pytest.mark.parametrize("loss", Loss)
def test_labels_come_back_from_their_pseudo_labels(loss):
    y = LABELS[loss]
    np.testing.assert_allclose(loss.labels_of(loss.pseudo_labels(y)), y, rtol=1e-13)


@pytest.mark.parametrize("loss", Loss)
def test_labels_that_were_fitted_are_allowed(loss):
    given = np.array([[0.5], [-2.0], [3.0]])
    assert loss.labels.allow(loss.labels.fit(given)) and loss.labels.allow(LABELS[loss])


def test_the_logistic_loss_has_labels_of_either_sign_and_no_others():
    labels = Loss.LOGISTIC.labels
    assert labels.fit(np.array([0.5, -2.0, 0.0])).tolist() == [1.0, -1.0, 1.0]
    assert labels.fit(np.array([1.0, 2.0, 3.0]), 2.0).tolist() == [-1.0, 1.0, 1.0]
    assert not labels.allow(np.array([[1.0], [0.5]]))


def test_pseudo_labels_are_y_and_half_of_y():
    y = np.array([[1.0], [-1.0]])
    assert Loss.SQUARE.pseudo_labels(y).tolist() == [[1.0], [-1.0]]
    assert Loss.LOGISTIC.pseudo_labels(y).tolist() == [[0.5], [-0.5]]


@pytest.mark.parametrize("loss", Loss)
def test_pseudo_labels_of_integers_are_floats_of_their_own(loss):
    assert loss.pseudo_labels(np.array([[1], [-1]])).dtype == float
    labels = np.ones((2, 1))
    assert not np.shares_memory(loss.pseudo_labels(labels), labels)


@pytest.mark.parametrize("loss", Loss)
def test_the_factor_scales_the_outputs(loss):
    y, code = LABELS[loss], loss.code
    np.testing.assert_array_equal(
        computed_descent(code, y, OUTPUTS, 0.25), computed_descent(code, y, 0.25 * OUTPUTS)
    )


def test_the_descent_of_the_ncf_ignores_the_outputs():
    y = LABELS[Loss.SQUARE]
    np.testing.assert_array_equal(computed_descent(NCF_CODE, y, OUTPUTS), y)


def test_the_descent_of_the_second_order_is_linear_in_the_outputs():
    y = LABELS[Loss.SQUARE]
    np.testing.assert_array_equal(computed_descent(SECOND_ORDER_CODE, y), y * OUTPUTS)


def test_the_descent_of_an_unknown_code_is_no_number():
    assert np.isnan(computed_descent(99, LABELS[Loss.SQUARE])).all()


def test_codes_tell_the_losses_and_the_ncf_apart():
    assert len({NCF_CODE, SECOND_ORDER_CODE, *CODED}) == 2 + len(Loss)
