"""What everything asks of a loss, and how a user's own is held against itself before it is used."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np

from ncfcheck.core.stated import shown
from ncfcheck.model.labels import NUMBERS, Labels

Array = np.ndarray
NODES = np.arange(1, 17) / 16  # of a segment [0, ŷ] on which ℓ' and ℓ'' are looked at
# Steps of differences, and what they may be off by, relative to the largest number compared.
STEP, AGREEMENT = 1e-5, 1e-4
SHOWN = 3  # samples, of a user's labels, at which a loss is held against itself


class LossFunction:
    """A loss ℓ(ŷ, y) of the outputs of a sample, which may couple them; y its labels.

    For a loss of your own define `of`, `descent` and `curvature`, for arrays of outputs and
    labels (n, m), and say which `labels` it has where these are not just any numbers. A dataclass
    in the module of a claim can be stored in witness files.
    """

    labels: Labels = NUMBERS
    """Which labels it may have, and how given ones are made to fit."""
    code: int | None = None
    """What the compiled kernels know it by; None where they do not know it."""
    pseudo_label: str = "−ℓ'(0, y)"
    """ȳ in words."""

    def of(self, outputs: Array, y: Array) -> Array:
        """ℓ(ŷ, y): of every output, (n, m), or of every sample, (n,)."""
        raise NotImplementedError

    def descent(self, outputs: Array, y: Array) -> Array:
        """−ℓ'(ŷ, y), (n, m)."""
        raise NotImplementedError

    def curvature(self, outputs: Array, y: Array) -> Array:
        """ℓ''(ŷ, y): (n, m) where it acts on every output alone, or matrices (n, m, m)."""
        raise NotImplementedError

    def change(self, outputs: Array, y: Array) -> Array:
        """ℓ(ŷ, y) − ℓ(0, y), shaped as `of`: better without cancellation."""
        return self.of(outputs, y) - self.of(np.zeros(outputs.shape), y)

    def steepest(self, outputs: Array, y: Array) -> Array:
        """sup ‖ℓ''‖ over the segment [0, ŷ], or a bound: of every output, (n, m), or of every
        sample, (n, 1).

        Here what is seen of it at 17 points: ‖ℓ''(tŷ)‖, and ‖ℓ'(tŷ) − ℓ'(0)‖/‖tŷ‖, by which the
        remainder of a convex ℓ to first order is bounded, whatever is between them.
        """
        first, lengths = self.pseudo_labels(y), row_norms(outputs)
        rates = [row_norms(self.descent(t * outputs, y) - first) / t for t in NODES]
        rate = np.divide(
            np.max(rates, axis=0), lengths, out=np.zeros(lengths.shape), where=lengths > 0
        )
        bends = [sizes(self.curvature(t * outputs, y)) for t in (0.0, *NODES)]
        return np.maximum(np.max(bends, axis=0), rate)

    def total(self, outputs: Array, y: Array) -> float:
        """Σ ℓ(ŷ, y)."""
        return float(self.of(outputs, y).sum())

    def pseudo_labels(self, y: Array) -> Array:
        """ȳ = −ℓ'(0, y)."""
        return self.descent(np.zeros(np.shape(y)), y)

    def curvature_at_zero(self, y: Array) -> Array:
        """ℓ''(0, y), as `curvature`."""
        return self.curvature(np.zeros(np.shape(y)), y)

    def second_order(self, outputs: Array, y: Array) -> Array:
        """ℓ''(0)·ŷ, (n, m)."""
        return applied(self.curvature_at_zero(y), outputs)

    def labels_of(self, ybar: Array) -> Array:
        """The labels whose pseudo-labels are ȳ, admitted or not; NaN or ±∞ for none."""
        return np.full(np.shape(ybar), np.nan)

    def __str__(self) -> str:
        named = fields(self) if is_dataclass(self) else ()
        told = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in named)
        return type(self).__qualname__ + (f"({told})" if told else "")


def applied(curvature: Array, outputs: Array) -> Array:
    """ℓ''·ŷ for ℓ'' (n, m) or (n, m, m) and ŷ (n, m)."""
    return applied_to_columns(curvature, outputs[..., None])[..., 0]


def applied_to_columns(curvature: Array, columns: Array) -> Array:
    """ℓ'' times every column of (n, m, k)."""
    return curvature[..., None] * columns if curvature.ndim == 2 else curvature @ columns


def bent_by(curvature: Array, J: Array, outputs: Array) -> Array:
    """Jᵀ·curvature·(J, H), (P, P + 1), for J (m·n, P) in the order of outputs H (m, n)."""
    columns = np.column_stack([J, outputs.ravel()]).reshape(*outputs.shape, -1).swapaxes(0, 1)
    return J.T @ applied_to_columns(curvature, columns).swapaxes(0, 1).reshape(len(J), -1)


def sizes(curvature: Array) -> Array:
    """‖ℓ''‖: of every output, (n, m), or of every sample, (n, 1)."""
    if curvature.ndim == 2:
        return np.abs(curvature)
    return np.linalg.norm(curvature, 2, axis=(1, 2))[:, None]


def row_norms(values: Array) -> Array:
    """‖·‖ of every row of (n, m), (n, 1)."""
    return np.linalg.norm(values, axis=1, keepdims=True)


def held_against_itself(loss: LossFunction, y: Array) -> None:
    """Raise TypeError or ValueError unless `descent` is −ℓ' and `curvature` ℓ'', by differences, of
    some labels of y (n, m) at some outputs.
    """
    y = y[:SHOWN]
    outputs = np.random.default_rng(0).uniform(-0.5, 0.5, y.shape)
    name = type(loss).__qualname__
    value = _array(loss, "of", outputs, y, (y.shape, y.shape[:1]))
    descent = _array(loss, "descent", outputs, y, (y.shape,))
    curvature = _array(loss, "curvature", np.zeros(y.shape), y, (y.shape, (*y.shape, y.shape[1])))
    slope, bend, size = np.empty(y.shape), np.empty((*y.shape, y.shape[1])), np.abs(value).max()
    for k, step in enumerate(STEP * np.eye(y.shape[1])):
        rise = loss.of(outputs + step, y) - loss.of(outputs - step, y)
        slope[:, k] = (rise if rise.ndim == 1 else rise.sum(axis=1)) / (2 * STEP)
        bend[..., k] = (loss.descent(-step + 0 * y, y) - loss.descent(step + 0 * y, y)) / (2 * STEP)
    _same(f"{name}.descent is not −ℓ'", descent, -slope, outputs, y, size)
    matrices = curvature if curvature.ndim == 3 else curvature[..., None] * np.eye(y.shape[1])
    largest = np.abs(loss.pseudo_labels(y)).max()
    _same(f"{name}.curvature is not ℓ''", matrices, bend, 0 * outputs, y, largest)


def _array(loss: LossFunction, method: str, outputs: Array, y: Array, shapes) -> Array:
    """What a method returns, of one of the shapes and finite."""
    name = f"{type(loss).__qualname__}.{method}"
    if getattr(type(loss), method) is getattr(LossFunction, method):
        raise TypeError(f"{name}(self, outputs, y) is missing: {getattr(loss, method).__doc__}")
    found = getattr(loss, method)(outputs, y)
    if np.shape(found) not in shapes:
        right = " or ".join(map(str, shapes))
        raise ValueError(f"{name} returns {shown(np.shape(found))} for y {y.shape}, not {right}")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} is not finite at ŷ = {outputs[0].tolist()}, y = {y[0].tolist()}")
    return found


def _same(told: str, found: Array, right: Array, outputs: Array, y: Array, size: float) -> None:
    off = np.abs(found - right).reshape(len(y), -1).max(axis=1)
    if off.max() > AGREEMENT * max(np.abs(right).max(), size):
        i = int(off.argmax())
        raise ValueError(
            f"{told}: at ŷ = {outputs[i].tolist()}, y = {y[i].tolist()} it is "
            f"{np.round(found[i], 6).tolist()}, by differences {np.round(right[i], 6).tolist()}"
        )
