"""Families of data and labels: arrays built from drawn sizes and seeds; and a user's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ncfcheck.model.kernels.gradients import output
from ncfcheck.model.networks import dense
from ncfcheck.strategies.choices import Strategy, composite, integers

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Sample:
    """Samples X (n, d) of a named family; y (n, 1) where labels come with them (a user's table)."""

    X: Array
    family: str
    seed: int
    y: Array | None = None


def gaussian(rng, n: int, d: int) -> Array:
    """Standard normal entries."""
    return rng.standard_normal((n, d))


def sphere(rng, n: int, d: int) -> Array:
    """Uniform on the unit sphere."""
    X = rng.standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def lattice(rng, n: int, d: int) -> Array:
    """Integers from -3 to 3, no zero sample."""
    X = rng.integers(-3, 4, (n, d)).astype(float)
    X[~X.any(axis=1), 0] = 1.0
    return X


def orthogonal(rng, n: int, d: int) -> Array:
    """min(n, d) orthogonal samples of different lengths."""
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
    count = min(n, d)
    return basis[:count] * rng.uniform(0.5, 2.0, (count, 1))


def antipodal(rng, n: int, d: int) -> Array:
    """Pairs x, −x; n rounded up to even."""
    half = rng.standard_normal(((n + 1) // 2, d))
    return np.concatenate([half, -half])


def clusters(rng, n: int, d: int) -> Array:
    """Up to three tight clusters."""
    centres = 2 * rng.standard_normal((3, d))
    return centres[rng.integers(0, 3, n)] + 0.1 * rng.standard_normal((n, d))


def duplicated(rng, n: int, d: int) -> Array:
    """Every sample at least twice; n at least 2."""
    n = max(n, 2)
    return rng.standard_normal((n // 2, d))[np.arange(n) % (n // 2)]


def collinear(rng, n: int, d: int) -> Array:
    """All samples on one line through the origin, on both sides of it when n ≥ 2."""
    side = np.where(np.arange(n) % 2, -1.0, 1.0)
    return (side * rng.uniform(0.3, 2.0, n))[:, None] * rng.standard_normal((1, d))


def sparse(rng, n: int, d: int) -> Array:
    """About two entries in three are zero; no zero sample."""
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 1 / 3)
    empty = ~X.any(axis=1)
    X[empty, rng.integers(0, d, empty.sum())] = 1.0
    return X


def badly_scaled(rng, n: int, d: int) -> Array:
    """Columns scaled by powers of ten from 10^-2 to 10^2."""
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
    return axis + np.linspace(-1, 1, n)[:, None] * rng.uniform(0.2, 0.8) * side


FAMILIES: dict[str, Callable[..., Array]] = {
    "gaussian": gaussian,
    "sphere": sphere,
    "lattice": lattice,
    "orthogonal": orthogonal,
    "antipodal": antipodal,
    "clusters": clusters,
    "duplicated": duplicated,
    "collinear": collinear,
    "sparse": sparse,
    "badly-scaled": badly_scaled,
    "fan": fan,
    "d=1": line,
    "n=1": single,
}

SEEDS = integers(0, 2**32 - 1)


@composite
def families(
    draw,
    max_samples: int = 10,
    max_dimension: int = 5,
    only: tuple[str, ...] = tuple(sorted(FAMILIES)),
) -> Sample:
    """Data of every family, or `only` those named; one draw in ten is up to three times as big."""
    family = draw.choice(only)
    reach = draw.choice((1,) * 9 + (3,))
    n, d = draw.integer(1, reach * max_samples), draw.integer(1, reach * max_dimension)
    seed = draw(SEEDS)
    return Sample(FAMILIES[family](np.random.default_rng(seed), n, d), family, seed)


def from_table(table, max_samples: int = 20) -> Strategy:
    """Rows of a user's `core.tables.Table`, sub-sampled by a drawn seed, with their labels."""
    most = min(max_samples, len(table.X))

    def rows(draw) -> Sample:
        count, seed = draw.integer(min(2, most), most), draw(SEEDS)
        chosen = np.random.default_rng(seed).permutation(len(table.X))[:count]
        X, y = np.array(table.X[chosen]), np.array(table.y[chosen])[:, None]
        return Sample(X, table.name, seed, y)

    return composite(rows)()


def gaussian_labels(rng, X: Array, outputs: int = 1) -> Array:
    """Standard normal."""
    return rng.standard_normal((len(X), outputs))


def sign_labels(rng, X: Array, outputs: int = 1) -> Array:
    """±1."""
    return rng.choice([-1.0, 1.0], (len(X), outputs))


def heavy_tailed_labels(rng, X: Array, outputs: int = 1) -> Array:
    """Cauchy, cut at ±1e4."""
    return np.clip(rng.standard_cauchy((len(X), outputs)), -1e4, 1e4)


def one_signed_labels(rng, X: Array, outputs: int = 1) -> Array:
    """All positive or all negative."""
    return rng.choice([-1.0, 1.0]) * (0.1 + np.abs(rng.standard_normal((len(X), outputs))))


def teacher_labels(rng, X: Array, outputs: int = 1) -> Array:
    """Outputs of a random two-layer leaky network of three neurons, root mean square 1."""
    d = X.shape[1]
    teacher = dense((d, 3, outputs), (int(rng.integers(1, 3)),), (0.3,))
    y = output(teacher.layout, rng.standard_normal(teacher.size), np.array(X.T, order="C")).T
    return y / np.sqrt((y**2).mean())


def inner_labels(rng, X: Array, outputs: int = 1) -> Array:
    """1 for about half of the samples, those nearest to their mean, and a random multiple of −1 for
    the others around them.
    """
    distances = np.linalg.norm(X - X.mean(axis=0), axis=1)
    inner = (distances <= np.median(distances))[:, None]
    return np.where(inner, 1.0, -rng.uniform(0.5, 3.0, outputs)) * rng.choice([-1.0, 1.0], outputs)


# Builders (rng, X, outputs) → y (n, outputs).
LABELS: dict[str, Callable[..., Array]] = {
    "gaussian": gaussian_labels,
    "signs": sign_labels,
    "heavy-tailed": heavy_tailed_labels,
    "one-signed": one_signed_labels,
    "teacher": teacher_labels,
    "inner": inner_labels,
}
