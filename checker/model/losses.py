"""Losses, their derivatives at every output and the pseudo-labels ȳ = −∂ℓ/∂ŷ(0, y) (theory §2)."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from ncfcheck.core.compiling import bare


class Loss(StrEnum):
    """Loss of one output ŷ against its label y."""

    SQUARE = "square"  # ½ (ŷ − y)²
    LOGISTIC = "logistic"  # log(1 + e^{−yŷ}), y = ±1


# Codes of the compiled kernel; NCF stands for the constant −ℓ' = ȳ, whose flow is the one of the
# NCF.
NCF_CODE, SQUARE_CODE, LOGISTIC_CODE = 0, 1, 2
CODES = {Loss.SQUARE: SQUARE_CODE, Loss.LOGISTIC: LOGISTIC_CODE}


def pseudo_labels(loss: Loss, y: np.ndarray) -> np.ndarray:
    """ȳ, of the shape of y: y for the square loss, y/2 for the logistic loss."""
    return y * 1.0 if loss == Loss.SQUARE else y / 2


def total_loss(loss: Loss, outputs: np.ndarray, y: np.ndarray) -> float:
    """Σ ℓ(ŷ, y) over all entries of outputs and labels of one shape."""
    if loss == Loss.SQUARE:
        return float(0.5 * ((outputs - y) ** 2).sum())
    return float(np.logaddexp(0.0, -y * outputs).sum())


@bare()
def descent(code, y, outputs, factor, out):
    """−ℓ'(factor · outputs, y) elementwise into out; y, outputs, out (k_L, n); y holds ȳ for the
    NCF.
    """
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            if code == NCF_CODE:
                out[i, j] = y[i, j]
            elif code == SQUARE_CODE:
                out[i, j] = y[i, j] - factor * outputs[i, j]
            else:
                out[i, j] = y[i, j] / (1.0 + np.exp(y[i, j] * factor * outputs[i, j]))
