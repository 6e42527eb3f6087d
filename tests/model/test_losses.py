"""Losses against their formulas, and pseudo-labels against the derivative at zero."""

import mpmath
import numpy as np
import pytest
from numba import njit

from ncfcheck.model.losses import CODES, NCF_CODE, Loss, descent, pseudo_labels, total_loss

OUTPUTS = np.array([[0.0, -1.5, 3.0, 1e-9, -700.0, 800.0]])
LABELS = {
    Loss.SQUARE: np.array([[0.5, -2.0, 0.0, 1.0, -1.0, 3.0]]),
    Loss.LOGISTIC: np.array([[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]]),
}


def exact(loss, output, label):
    """ℓ(ŷ, y) in 50 digits (theory §2)."""
    output, label = mpmath.mpf(output), mpmath.mpf(label)
    return (
        (output - label) ** 2 / 2
        if loss is Loss.SQUARE
        else mpmath.log(1 + mpmath.exp(-label * output))
    )


def exact_descent(loss, output, label):
    """−∂ℓ/∂ŷ."""
    output, label = mpmath.mpf(output), mpmath.mpf(label)
    return label - output if loss is Loss.SQUARE else label / (1 + mpmath.exp(label * output))


@njit
def compiled_descent(code, y, outputs, factor, out):
    """`descent` can be called from compiled code only."""
    descent(code, y, outputs, factor, out)


def computed_descent(code, y, outputs, factor=1.0):
    out = np.empty_like(outputs)
    compiled_descent(code, y, outputs, factor, out)
    return out


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(50):
        yield


@pytest.mark.parametrize("loss", Loss)
def test_the_total_loss_is_the_sum_of_the_formula(loss):
    expected = sum(exact(loss, output, label) for output, label in zip(OUTPUTS[0], LABELS[loss][0]))
    assert total_loss(loss, OUTPUTS, LABELS[loss]) == pytest.approx(float(expected), rel=1e-15)


@pytest.mark.parametrize("loss", Loss)
def test_the_descent_is_minus_the_derivative_of_the_loss(loss):
    found = computed_descent(CODES[loss], LABELS[loss], OUTPUTS)[0]
    expected = [
        float(exact_descent(loss, output, label))
        for output, label in zip(OUTPUTS[0], LABELS[loss][0])
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    numeric = [
        float(-mpmath.diff(lambda output, label=label: exact(loss, output, label), float(at)))
        for at, label in zip(OUTPUTS[0, :4], LABELS[loss][0])
    ]
    np.testing.assert_allclose(found[:4], numeric, rtol=1e-13)


@pytest.mark.parametrize("loss", Loss)
def test_pseudo_labels_are_the_descent_at_output_zero(loss):
    y = LABELS[loss]
    np.testing.assert_array_equal(
        pseudo_labels(loss, y), computed_descent(CODES[loss], y, np.zeros(y.shape))
    )


def test_pseudo_labels_are_y_and_half_of_y():
    y = np.array([[1.0], [-1.0]])
    assert pseudo_labels(Loss.SQUARE, y).tolist() == [[1.0], [-1.0]]
    assert pseudo_labels(Loss.LOGISTIC, y).tolist() == [[0.5], [-0.5]]


def test_pseudo_labels_of_integers_are_floats_of_their_own():
    y = np.array([[1], [-1]])
    assert pseudo_labels(Loss.SQUARE, y).dtype == pseudo_labels(Loss.LOGISTIC, y).dtype == float
    labels = np.ones((2, 1))
    assert not np.shares_memory(pseudo_labels(Loss.SQUARE, labels), labels)


@pytest.mark.parametrize("loss", Loss)
def test_the_factor_scales_the_outputs(loss):
    y, code = LABELS[loss], CODES[loss]
    np.testing.assert_array_equal(
        computed_descent(code, y, OUTPUTS, 0.25), computed_descent(code, y, 0.25 * OUTPUTS)
    )


def test_the_descent_of_the_ncf_ignores_the_outputs():
    y = LABELS[Loss.SQUARE]
    np.testing.assert_array_equal(computed_descent(NCF_CODE, y, OUTPUTS), y)


def test_codes_tell_the_losses_and_the_ncf_apart():
    assert len({NCF_CODE, *CODES.values()}) == 1 + len(Loss)
