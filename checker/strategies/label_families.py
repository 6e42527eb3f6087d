"""Families of labels: how y (n, k_L) is drawn for samples X, and others are made to be such y."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.families import ROUNDING, Family
from ncfcheck.model.kernels.gradients import output
from ncfcheck.model.networks import dense

Array = np.ndarray
HEAVIEST = 1e4
OUTER = (0.5, 3.0)  # sizes of the labels of samples that are not inner ones


def gaussian_labels(rng, X: Array, outputs: int = 1) -> Array:
    """Standard normal: any numbers."""
    return rng.standard_normal((len(X), outputs))


def sign_labels(rng, X: Array, outputs: int = 1) -> Array:
    """±1."""
    return rng.choice([-1.0, 1.0], (len(X), outputs))


def _are_signs(y: Array, X: Array, seed: int) -> bool:
    return bool((np.abs(y) == 1).all())


def _signs(y: Array, X: Array, seed: int) -> Array:
    return np.where(y >= 0, 1.0, -1.0)


def heavy_tailed_labels(rng, X: Array, outputs: int = 1) -> Array:
    """Cauchy, cut at ±1e4."""
    return _cut(rng.standard_cauchy((len(X), outputs)))


def _cut(y: Array, *context) -> Array:
    return np.clip(y, -HEAVIEST, HEAVIEST)


def _are_cut(y: Array, X: Array, seed: int) -> bool:
    return bool((np.abs(y) <= HEAVIEST).all())


def one_signed_labels(rng, X: Array, outputs: int = 1) -> Array:
    """All positive or all negative."""
    return rng.choice([-1.0, 1.0]) * (0.1 + np.abs(rng.standard_normal((len(X), outputs))))


def _are_one_signed(y: Array, X: Array, seed: int) -> bool:
    return bool(y.min() > 0 or y.max() < 0)


def _one_signed(y: Array, X: Array, seed: int) -> Array:
    """Their sizes, under the sign of their sum."""
    return np.copysign(np.abs(y), y.sum())


def teacher_labels(rng, X: Array, outputs: int = 1) -> Array:
    """Outputs of a random two-layer leaky network of three neurons, root mean square 1."""
    d = X.shape[1]
    teacher = dense((d, 3, outputs), (int(rng.integers(1, 3)),), (0.3,))
    y = output(teacher.layout, rng.standard_normal(teacher.size), np.array(X.T, order="C")).T
    return y / np.sqrt((y**2).mean())


def _taught(y: Array, X: Array, seed: int) -> Array:
    """The teacher of the seed on these samples: outputs of no other network are known for such."""
    found = teacher_labels(np.random.default_rng(seed), X, y.shape[1])
    if not np.isfinite(found).all():
        raise Inapplicable("the teacher is silent")
    return found


def _are_taught(y: Array, X: Array, seed: int) -> bool:
    found = _taught(y, X, seed)
    return np.allclose(y, found, ROUNDING, ROUNDING)


def inner_labels(rng, X: Array, outputs: int = 1) -> Array:
    """1 for about half of the samples, those nearest to their mean, and a random multiple of −1 for
    the others around them.
    """
    others = -rng.uniform(*OUTER, outputs)
    return np.where(_inner(X), 1.0, others) * rng.choice([-1.0, 1.0], outputs)


def _inner(X: Array) -> Array:
    """Which samples are no further from the mean than half of all, (n, 1)."""
    distances = np.linalg.norm(X - X.mean(axis=0), axis=1)
    return (distances <= np.median(distances))[:, None]


def _by_place(y: Array, X: Array, seed: int) -> Array:
    """The sign of the inner samples' sum for them, the others' mean size for those."""
    inner = _inner(X)
    signs = np.copysign(1.0, (y * inner).sum(axis=0))
    outer = (np.abs(y) * ~inner).sum(axis=0) / max((~inner).sum(), 1)
    return np.where(inner, signs, -signs * np.clip(outer, *OUTER))


def _are_by_place(y: Array, X: Array, seed: int) -> bool:
    return np.allclose(y, _by_place(y, X, seed), ROUNDING, ROUNDING)


# Builders (rng, X, outputs) → y; `holds(y, X, seed)` and `project(y, X, seed)`. Labels of a loss
# that admits two values are what it makes of these.
LABELS: dict[str, Family] = {
    "gaussian": Family(gaussian_labels),
    "signs": Family(sign_labels, _are_signs, _signs),
    "heavy-tailed": Family(heavy_tailed_labels, _are_cut, _cut),
    "one-signed": Family(one_signed_labels, _are_one_signed, _one_signed),
    "teacher": Family(teacher_labels, _are_taught, _taught),
    "inner": Family(inner_labels, _are_by_place, _by_place),
}
