"""Families of data: how samples X (n, d) are drawn, and how others are made to be such samples."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.families import ROUNDING, Family

Array = np.ndarray
LATTICE = 3.0  # integers up to this
TIGHT = 1.0  # no two numbers of the samples of one cluster differ by more
CLUSTERS = 3
NARROW = 0.8  # tangent of half the widest angle of a fan


def gaussian(rng, n: int, d: int) -> Array:
    """Standard normal entries: any numbers."""
    return rng.standard_normal((n, d))


def sphere(rng, n: int, d: int) -> Array:
    """Uniform on the unit sphere."""
    return on_sphere(rng.standard_normal((n, d)))


def on_sphere(X: Array) -> Array:
    """The samples' directions."""
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def _is_on_sphere(X: Array) -> bool:
    return bool(np.abs(np.linalg.norm(X, axis=1) - 1).max() <= ROUNDING)


def lattice(rng, n: int, d: int) -> Array:
    """Integers from -3 to 3, no zero sample."""
    X = rng.integers(-LATTICE, LATTICE + 1, (n, d)).astype(float)
    X[~X.any(axis=1), 0] = 1.0
    return X


def _on_lattice(X: Array) -> Array:
    found = np.clip(np.rint(X), -LATTICE, LATTICE)
    for i in np.flatnonzero(~found.any(axis=1)):
        largest = np.argmax(np.abs(X[i]))
        found[i, largest] = np.copysign(1.0, X[i, largest])
    return found


def _is_lattice(X: Array) -> bool:
    return np.array_equal(X, np.rint(X)) and bool(np.abs(X).max() <= LATTICE)


def orthogonal(rng, n: int, d: int) -> Array:
    """min(n, d) orthogonal samples of different lengths."""
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
    count = min(n, d)
    return basis[:count] * rng.uniform(0.5, 2.0, (count, 1))


def _orthogonalised(X: Array) -> Array:
    """The samples turned to be orthogonal, one after another, as long as they were."""
    if len(X) > X.shape[1]:
        raise Inapplicable("more samples than can be orthogonal")
    Q, R = np.linalg.qr(X.T)
    return (Q * np.where(np.diag(R) < 0, -1.0, 1.0) * np.linalg.norm(X, axis=1)).T


def _is_orthogonal(X: Array) -> bool:
    sizes = np.linalg.norm(X, axis=1)
    between = np.abs(X @ X.T) <= ROUNDING * np.outer(sizes, sizes)
    return bool((between | np.eye(len(X), dtype=bool)).all())


def antipodal(rng, n: int, d: int) -> Array:
    """Pairs x, −x; n rounded up to even."""
    half = rng.standard_normal(((n + 1) // 2, d))
    return np.concatenate([half, -half])


def _mirrored(X: Array) -> Array:
    """The negatives of the first half of the samples in place of the second."""
    if len(X) % 2:
        raise Inapplicable("an odd number of samples is no set of pairs")
    half = X[: len(X) // 2]
    return np.concatenate([half, -half])


def _is_antipodal(X: Array) -> bool:
    """Whether half of the samples are the negatives of the others, in any order."""
    found = [sorted(map(tuple, rows + 0.0)) for rows in (X, -X)]  # + 0.0: no negative zeros
    return len(X) % 2 == 0 and found[0] == found[1]


def clusters(rng, n: int, d: int) -> Array:
    """Up to three tight clusters."""
    centres = 2 * rng.standard_normal((CLUSTERS, d))
    return centres[rng.integers(0, CLUSTERS, n)] + 0.1 * rng.standard_normal((n, d))


def _clustered(X: Array) -> Array:
    """Samples drawn near the first three of those that are far from each other."""
    centres = X[_first_of_clusters(X)[:CLUSTERS]]
    nearest = centres[[int(np.argmin(np.abs(centres - x).max(axis=1))) for x in X]]
    return nearest + np.clip(X - nearest, -TIGHT / 2, TIGHT / 2)


def _first_of_clusters(X: Array) -> list[int]:
    """Samples none of which is near an earlier one."""
    found: list[int] = []
    for i, x in enumerate(X):
        if all(np.abs(x - X[j]).max() > TIGHT for j in found):
            found.append(i)
    return found


def _is_clustered(X: Array) -> bool:
    return len(_first_of_clusters(X)) <= CLUSTERS


def duplicated(rng, n: int, d: int) -> Array:
    """Every sample at least twice; n at least 2."""
    n = max(n, 2)
    return _repeated(rng.standard_normal((n // 2, d)), n)


def _repeated(X: Array, n: int) -> Array:
    """n samples, the first n/2 of them again and again."""
    return X[np.arange(n) % (n // 2)]


def _duplicates(X: Array) -> Array:
    if len(X) < 2:
        raise Inapplicable("one sample alone is no duplicate")
    return _repeated(X, len(X))


def _is_duplicated(X: Array) -> bool:
    return bool((np.unique(X, axis=0, return_counts=True)[1] >= 2).all())


def collinear(rng, n: int, d: int) -> Array:
    """All samples on one line through the origin, on both sides of it when n ≥ 2."""
    side = np.where(np.arange(n) % 2, -1.0, 1.0)
    return (side * rng.uniform(0.3, 2.0, n))[:, None] * rng.standard_normal((1, d))


def _longest(X: Array) -> Array:
    """The direction of the longest sample."""
    return on_sphere(X[[np.argmax(np.linalg.norm(X, axis=1))]])[0]


def _on_one_line(X: Array) -> Array:
    """The samples' shares along the longest; the last on the other side where all are on one."""
    u = _longest(X)
    along = X @ u
    if len(X) > 1 and abs(np.sign(along).sum()) == len(X):
        along[-1] *= -1
    return along[:, None] * u


def _is_collinear(X: Array) -> bool:
    u = _longest(X)
    along = X @ u
    off = np.linalg.norm(X - along[:, None] * u, axis=1)
    both = len(X) == 1 or along.min() < 0 < along.max()
    return bool(both and (off <= ROUNDING * np.linalg.norm(X, axis=1)).all())


def sparse(rng, n: int, d: int) -> Array:
    """Each entry zero with probability two in three; no zero sample."""
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 1 / 3)
    empty = ~X.any(axis=1)
    X[empty, rng.integers(0, d, empty.sum())] = 1.0
    return X


def badly_scaled(rng, n: int, d: int) -> Array:
    """Columns scaled by powers of ten from 10^-2 to 10^2: any numbers."""
    return rng.standard_normal((n, d)) * 10.0 ** rng.integers(-2, 3, d)


def line(rng, n: int, d: int) -> Array:
    """d = 1: scalars."""
    return rng.standard_normal((n, 1))


def single(rng, n: int, d: int) -> Array:
    """n = 1: one sample."""
    return rng.standard_normal((1, d))


def fan(rng, n: int, d: int) -> Array:
    """Equal steps on a line past the origin, at narrow angle: no half-space has only inner ones."""
    axis, side = np.linalg.qr(rng.standard_normal((max(d, 2), 2)))[0].T[:, :d]
    return axis + np.linspace(-1, 1, n)[:, None] * rng.uniform(0.2, NARROW) * side


def _fanned(X: Array) -> Array:
    """Equal steps from the first sample to the last, along a line across the middle of them."""
    axis, side = (X[0] + X[-1]) / 2, (X[-1] - X[0]) / 2
    if X.shape[1] > 1:
        side = side - (side @ axis) / (axis @ axis) * axis
        side *= min(1.0, NARROW * np.linalg.norm(axis) / np.linalg.norm(side))
    return axis + np.linspace(-1, 1, len(X))[:, None] * side


def _is_fan(X: Array) -> bool:
    steps = np.diff(X, axis=0)
    equal = np.abs(steps - steps[:1]) <= ROUNDING * np.abs(X).max()
    narrow = X.shape[1] == 1 or (X @ X.T > 0).all()
    return bool(equal.all() and steps.any(axis=1).all() and narrow)


def _is_scalar(X: Array) -> bool:
    return X.shape[1] == 1


def _is_single(X: Array) -> bool:
    return len(X) == 1


# Builders (rng, n, d) → X; `holds(X)`, `project(X)`. No sample of any is zero.
FAMILIES: dict[str, Family] = {
    "gaussian": Family(gaussian),
    "sphere": Family(sphere, _is_on_sphere, on_sphere),
    "lattice": Family(lattice, _is_lattice, _on_lattice),
    "orthogonal": Family(orthogonal, _is_orthogonal, _orthogonalised),
    "antipodal": Family(antipodal, _is_antipodal, _mirrored),
    "clusters": Family(clusters, _is_clustered, _clustered),
    "duplicated": Family(duplicated, _is_duplicated, _duplicates),
    "collinear": Family(collinear, _is_collinear, _on_one_line),
    "sparse": Family(sparse),
    "badly-scaled": Family(badly_scaled),
    "fan": Family(fan, _is_fan, _fanned),
    "d=1": Family(line, _is_scalar),
    "n=1": Family(single, _is_single),
}
