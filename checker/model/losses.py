"""Losses ℓ(ŷ, y) and what depends on which: derivatives, labels, ȳ = −∂ℓ/∂ŷ(0, y) (theory §2).

A loss is a class of formulas and a member of `Loss`; everything else asks the member
(docs/adding-a-loss.md), or a `LossFunction` of the user's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from ncfcheck.core.compiling import bare, inlined
from ncfcheck.core.stated import shown
from ncfcheck.model.labels import CLASSES, NUMBERS, SIGNS, Labels, Numbers
from ncfcheck.model.loss_functions import LossFunction, held_against_itself

Array = np.ndarray

# Codes of the compiled kernel: those of the losses, and two functions of ŷ that are no loss's −ℓ'.
NCF_CODE = 0  # the constant ȳ, whose flow is the one of the NCF
SECOND_ORDER_CODE = -1  # ℓ''(0)·ŷ, the next order of −ℓ' around 0 with the sign changed
SQUARE_CODE, LOGISTIC_CODE, HUBER_CODE, EXPONENTIAL_CODE, SOFTMAX_CODE = 1, 2, 3, 4, 5
THRESHOLD = 1.5  # κ of the compiled Huber loss: labels ±1 are within it


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
    def steepest(x: Array, y: Array) -> Array:
        """sup |ℓ''| over [0, x]."""
        return np.ones(x.shape)

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
        return y / (1.0 + np.exp(y * x))

    @staticmethod
    def curvature(x: Array, y: Array) -> Array:
        """ℓ''(x, y)."""
        w = Logistic.descent(x, y)
        return w * (y - w)

    @staticmethod
    def steepest(x: Array, y: Array) -> Array:
        """sup |ℓ''| over [0, x], which is that at 0."""
        return np.full(x.shape, 0.25)

    @staticmethod
    def labels_of(ybar: Array) -> Array:
        """y for ȳ."""
        return 2 * ybar


def clipped(x, y, threshold):
    """−ℓ' of the Huber loss: y − x, cut at ±threshold; of arrays, and in compiled code."""
    return np.minimum(np.maximum(y - x, -threshold), threshold)


@dataclass(frozen=True)
class Huber(LossFunction):
    """ℓ = ½ (ŷ − y)² where |ŷ − y| ≤ κ, and its tangents beyond: κ|ŷ − y| − ½ κ². κ > 0 is the
    `threshold`; flows of another than 1.5 are not compiled.
    """

    threshold: float = THRESHOLD

    def __post_init__(self):
        if not (isinstance(self.threshold, float | int) and 0 < self.threshold < np.inf):
            raise ValueError(f"threshold must be above 0, not {shown(self.threshold)}")

    @property
    def code(self) -> int | None:  # type: ignore[override]
        """What the compiled kernels know it by, at the usual threshold."""
        return HUBER_CODE if self.threshold == THRESHOLD else None

    @property
    def labels(self) -> Labels:  # type: ignore[override]
        """Any numbers but ±κ."""
        return Numbers(but=self.threshold)

    @property
    def pseudo_label(self) -> str:  # type: ignore[override]
        """ȳ in words."""
        return f"y, cut at ±{self.threshold:g}"

    def of(self, x: Array, y: Array) -> Array:
        """ℓ at outputs x = ŷ."""
        w = clipped(x, y, self.threshold)
        return w * ((y - x) - 0.5 * w)

    def change(self, x: Array, y: Array) -> Array:
        """ℓ(x, y) − ℓ(0, y) without cancellation."""
        w, w0 = clipped(x, y, self.threshold), clipped(0 * x, y, self.threshold)
        return -w * x + (w - w0) * (y - 0.5 * (w + w0))

    def descent(self, x: Array, y: Array) -> Array:
        """−ℓ'(x, y)."""
        return clipped(x, y, self.threshold)

    def curvature(self, x: Array, y: Array) -> Array:
        """ℓ''(x, y)."""
        return np.where(np.abs(y - x) < self.threshold, 1.0, 0.0)

    def steepest(self, x: Array, y: Array) -> Array:
        """sup |ℓ''| over [0, x]: 1 where that meets [y − κ, y + κ]."""
        low, high = np.minimum(x, 0), np.maximum(x, 0)
        return np.where((low <= y + self.threshold) & (high >= y - self.threshold), 1.0, 0.0)

    def labels_of(self, ybar: Array) -> Array:
        """y for ȳ."""
        return np.where(np.abs(ybar) < self.threshold, ybar, np.nan)


class Exponential:
    """ℓ = e^{−yŷ}."""

    code, labels, pseudo_label = EXPONENTIAL_CODE, NUMBERS, "y"

    @staticmethod
    def of(x: Array, y: Array) -> Array:
        """ℓ at outputs x = ŷ."""
        return np.exp(-y * x)

    @staticmethod
    def change(x: Array, y: Array) -> Array:
        """ℓ(x, y) − ℓ(0, y) without cancellation."""
        return np.expm1(-y * x)

    @staticmethod
    def descent(x: Array, y: Array) -> Array:
        """−ℓ'(x, y)."""
        return y * np.exp(-y * x)

    @staticmethod
    def curvature(x: Array, y: Array) -> Array:
        """ℓ''(x, y)."""
        return y**2 * np.exp(-y * x)

    @staticmethod
    def steepest(x: Array, y: Array) -> Array:
        """sup |ℓ''| over [0, x], at one of its ends."""
        return y**2 * np.exp(np.maximum(-y * x, 0.0))

    @staticmethod
    def labels_of(ybar: Array) -> Array:
        """y for ȳ."""
        return ybar


class Softmax:
    """ℓ = log Σ_k e^{ŷ_k} − ⟨y, ŷ⟩, the cross-entropy of m classes; y a unit vector."""

    code, labels, pseudo_label = SOFTMAX_CODE, CLASSES, "y − 1/m"

    @staticmethod
    def shares(x: Array) -> Array:
        """e^{x_k} / Σ_l e^{x_l} of every sample."""
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    @staticmethod
    def of(x: Array, y: Array) -> Array:
        """ℓ of every sample at outputs x = ŷ, (n,)."""
        return np.logaddexp.reduce(Softmax.beyond(x, y), axis=1)

    @staticmethod
    def beyond(x: Array, y: Array) -> Array:
        """Outputs less that of the sample's own class."""
        return x - (x * y).sum(axis=1, keepdims=True)

    @staticmethod
    def change(x: Array, y: Array) -> Array:
        """ℓ(x, y) − ℓ(0, y) of every sample without cancellation."""
        return np.log1p(np.expm1(Softmax.beyond(x, y)).mean(axis=1))

    @staticmethod
    def descent(x: Array, y: Array) -> Array:
        """−ℓ'(x, y)."""
        return y - Softmax.shares(x)

    @staticmethod
    def curvature(x: Array, y: Array) -> Array:
        """ℓ''(x, y): diag(p) − ppᵀ of every sample's shares p, (n, m, m)."""
        p = Softmax.shares(x)
        return p[..., None] * (np.eye(p.shape[1]) - p[:, None])

    @staticmethod
    def steepest(x: Array, y: Array) -> Array:
        """A bound on sup ‖ℓ''‖ over [0, x], exact at 0: the largest share, or ½."""
        spread = x.max(axis=1, keepdims=True) - x.min(axis=1, keepdims=True)
        return np.minimum(np.exp(spread) / x.shape[1], 0.5)

    @staticmethod
    def labels_of(ybar: Array) -> Array:
        """y for ȳ."""
        return ybar + 1 / ybar.shape[1]


class Loss(LossFunction, StrEnum):
    """Losses of outputs ŷ (n, m) against labels y (n, m), the simplest first."""

    formulas: Any

    SQUARE = "square", Square
    LOGISTIC = "logistic", Logistic
    HUBER = "huber", Huber()
    EXPONENTIAL = "exponential", Exponential
    SOFTMAX = "softmax", Softmax

    def __new__(cls, name: str, formulas: Any):
        member = str.__new__(cls, name)
        member._value_, member.formulas = name, formulas
        member.code, member.labels = formulas.code, formulas.labels
        member.pseudo_label = formulas.pseudo_label
        return member

    __str__ = str.__str__

    @classmethod
    def _missing_(cls, value):
        raise ValueError(f"{shown(value)} is no loss: {', '.join(cls)} are")

    def of(self, outputs: Array, y: Array) -> Array:
        """ℓ(ŷ, y)."""
        with np.errstate(over="ignore"):
            return self.formulas.of(outputs, y)

    def change(self, outputs: Array, y: Array) -> Array:
        """ℓ(ŷ, y) − ℓ(0, y) without cancellation."""
        with np.errstate(over="ignore"):
            return self.formulas.change(outputs, y)

    def descent(self, outputs: Array, y: Array) -> Array:
        """−ℓ'(ŷ, y)."""
        with np.errstate(over="ignore"):  # of the logistic loss, y/∞ is 0
            return self.formulas.descent(outputs, y)

    def curvature(self, outputs: Array, y: Array) -> Array:
        """ℓ''(ŷ, y)."""
        with np.errstate(over="ignore"):  # of an exponential, where ℓ'' is 0 to rounding
            return self.formulas.curvature(outputs, y)

    def steepest(self, outputs: Array, y: Array) -> Array:
        """sup ‖ℓ''‖ over the segment [0, ŷ], or a bound."""
        with np.errstate(over="ignore"):
            return self.formulas.steepest(outputs, y)

    def labels_of(self, ybar: Array) -> Array:
        """The labels whose pseudo-labels are ȳ, admitted or not; NaN or ±∞ for none."""
        with np.errstate(all="ignore"):
            return self.formulas.labels_of(ybar)


def loss_of(value) -> Loss | LossFunction:
    """A loss by itself or by name. Raises ValueError or TypeError for what is none."""
    if isinstance(value, type) and issubclass(value, LossFunction):
        raise TypeError(f"loss must be a loss, not the class of one: {value.__name__}() is one")
    if isinstance(value, LossFunction):
        return value
    return Loss(value)  # type: ignore[call-arg]


def admitted(loss: Loss | LossFunction, y: Array) -> None:
    """Raise ValueError or TypeError unless the loss may have labels y (n, m), and a user's own is
    as it should be.
    """
    loss.labels.refuse_others(y, str(loss))
    if not isinstance(loss, Loss | Huber):
        held_against_itself(loss, y)


CODED = {loss.code: loss for loss in Loss}
_compiled = inlined(_nrt=False)
_square, _logistic = _compiled(Square.descent), _compiled(Logistic.descent)
_clipped, _exponential = _compiled(clipped), _compiled(Exponential.descent)


@bare()
def _softmax(y, outputs, factor, out):
    """The same of the softmax loss, by Softmax's formula."""
    for j in range(y.shape[1]):
        largest = factor * outputs[0, j]
        for i in range(1, y.shape[0]):
            largest = max(largest, factor * outputs[i, j])
        total = 0.0
        for i in range(y.shape[0]):
            out[i, j] = np.exp(factor * outputs[i, j] - largest)
            total += out[i, j]
        for i in range(y.shape[0]):
            out[i, j] = y[i, j] - out[i, j] / total


@bare()
def descent(code, y, outputs, factor, out):
    """−ℓ'(factor · outputs, y) into out, NaN for an unknown code; y, outputs, out (k_L, n); y holds
    ȳ for the NCF and ℓ''(0) of every output for the second order.
    """
    if code == SOFTMAX_CODE:
        _softmax(y, outputs, factor, out)
        return
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
            elif code == HUBER_CODE:
                out[i, j] = _clipped(factor * outputs[i, j], y[i, j], THRESHOLD)
            elif code == EXPONENTIAL_CODE:
                out[i, j] = _exponential(factor * outputs[i, j], y[i, j])
            else:
                out[i, j] = np.nan
