"""Losses ℓ(ŷ, y) and what depends on which: derivatives, labels, ȳ = −∂ℓ/∂ŷ(0, y) (theory §2).

A loss is a class of formulas and a member of `Loss`; everything else asks the member
(docs/adding-a-loss.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from ncfcheck.core.compiling import bare, inlined

Array = np.ndarray


@dataclass(frozen=True)
class Labels:
    """Which labels y a loss may have: `values`, the low and the high one, or all numbers."""

    words: str
    values: tuple[float, float] | None = None

    def allow(self, y: Array) -> bool:
        """Whether all labels are among those."""
        return self.values is None or bool(np.isin(y, self.values).all())

    def fit(self, y: Array, centre: float = 0.0) -> Array:
        """Labels that the loss may have, the high one from `centre` upwards, for given ones that
        are none of these.
        """
        if self.values is None or np.isin(y, self.values).all():
            return y
        return np.where(y >= centre, *self.values[::-1])


NUMBERS, SIGNS = Labels("any numbers"), Labels("±1", (-1.0, 1.0))

# Codes of the compiled kernel: those of the losses, and two functions of ŷ that are no loss's −ℓ'.
NCF_CODE = 0  # the constant ȳ, whose flow is the one of the NCF
SECOND_ORDER_CODE = -1  # ℓ''(0)·ŷ, the next order of −ℓ' around 0 with the sign changed
SQUARE_CODE, LOGISTIC_CODE = 1, 2


class Square:
    """ℓ = ½ (ŷ − y)²."""

    code, labels, pseudo_label = SQUARE_CODE, NUMBERS, "y"

    @staticmethod
    def of(x: Array, y: Array) -> Array:
        """ℓ at outputs x = ŷ."""
        return 0.5 * ((x - y) ** 2)

    @staticmethod
    def change(x: Array, y: Array) -> Array:
        """ℓ(x, y) − ℓ(0, y) without cancellation."""
        return x * (0.5 * x - y)

    @staticmethod
    def descent(x: Array, y: Array) -> Array:
        """−ℓ'(x, y)."""
        return y - x

    @staticmethod
    def curvature(x: Array, y: Array) -> Array:
        """ℓ''(x, y)."""
        return np.ones(np.broadcast(x, y).shape)

    @staticmethod
    def labels_of(ybar: Array) -> Array:
        """y for ȳ."""
        return ybar


class Logistic:
    """ℓ = log(1 + e^{−yŷ}), y = ±1."""

    code, labels, pseudo_label = LOGISTIC_CODE, SIGNS, "y/2"

    @staticmethod
    def of(x: Array, y: Array) -> Array:
        """ℓ at outputs x = ŷ."""
        return np.logaddexp(0.0, -y * x)

    @staticmethod
    def change(x: Array, y: Array) -> Array:
        """ℓ(x, y) − ℓ(0, y) without cancellation."""
        return np.log1p(np.expm1(-y * x) / 2)

    @staticmethod
    def descent(x: Array, y: Array) -> Array:
        """−ℓ'(x, y)."""
        with np.errstate(over="ignore"):  # y/∞ is 0
            return y / (1.0 + np.exp(y * x))

    @staticmethod
    def curvature(x: Array, y: Array) -> Array:
        """ℓ''(x, y)."""
        w = Logistic.descent(x, y)
        return w * (y - w)

    @staticmethod
    def labels_of(ybar: Array) -> Array:
        """y for ȳ."""
        return 2 * ybar


class Loss(StrEnum):
    """Loss of one output ŷ against its label y, the simplest first.

    Outputs, labels and results are arrays of one shape; |ℓ''| ≤ 1 for labels that it may have.
    """

    formulas: Any

    SQUARE = "square", Square
    LOGISTIC = "logistic", Logistic

    def __new__(cls, name: str, formulas: type):
        member = str.__new__(cls, name)
        member._value_, member.formulas = name, formulas
        return member

    @classmethod
    def _missing_(cls, value):
        raise ValueError(f"{value!r} is no loss: {', '.join(cls)} are")

    @property
    def code(self) -> int:
        """What the compiled kernels know it by."""
        return self.formulas.code

    @property
    def labels(self) -> Labels:
        """Which labels it may have, and how given ones are made to fit."""
        return self.formulas.labels

    def total(self, outputs: Array, y: Array) -> float:
        """Σ ℓ(ŷ, y)."""
        return float(self.formulas.of(outputs, y).sum())

    def change(self, outputs: Array, y: Array) -> Array:
        """ℓ(ŷ, y) − ℓ(0, y) without cancellation."""
        return self.formulas.change(outputs, y)

    def descent(self, outputs: Array | float, y: Array) -> Array:
        """−ℓ'(ŷ, y)."""
        return self.formulas.descent(outputs, y)

    def curvature(self, outputs: Array, y: Array) -> Array:
        """ℓ''(ŷ, y)."""
        with np.errstate(over="ignore"):  # of an exponential, where ℓ'' is 0 to rounding
            return self.formulas.curvature(outputs, y)

    def pseudo_labels(self, y: Array) -> Array:
        """ȳ = −ℓ'(0, y)."""
        return self.descent(0.0, y)

    def labels_of(self, ybar: Array) -> Array:
        """The labels whose pseudo-labels are ȳ, admitted or not; NaN or ±∞ for none."""
        with np.errstate(all="ignore"):
            return self.formulas.labels_of(ybar)


CODED = {loss.code: loss for loss in Loss}
_compiled = inlined(_nrt=False)
_square, _logistic = _compiled(Square.descent), _compiled(Logistic.descent)


@bare()
def descent(code, y, outputs, factor, out):
    """−ℓ'(factor · outputs, y) elementwise into out, NaN for an unknown code; y, outputs, out
    (k_L, n); y holds ȳ for the NCF and ℓ''(0) for the second order.
    """
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            if code == NCF_CODE:
                out[i, j] = y[i, j]
            elif code == SECOND_ORDER_CODE:
                out[i, j] = y[i, j] * (factor * outputs[i, j])
            elif code == SQUARE_CODE:
                out[i, j] = _square(factor * outputs[i, j], y[i, j])
            elif code == LOGISTIC_CODE:
                out[i, j] = _logistic(factor * outputs[i, j], y[i, j])
            else:
                out[i, j] = np.nan
