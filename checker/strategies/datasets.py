"""Strategies of data sets: samples of every family of data, and of a user's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.families import kept
from ncfcheck.core.options import Option, checked, names_of, whole
from ncfcheck.strategies.choices import Composite, Strategy, composite, integers
from ncfcheck.strategies.data_families import FAMILIES
from ncfcheck.strategies.label_families import LABELS

__all__ = ["FAMILIES", "LABELS", "SEEDS", "Sample", "families", "from_table"]

Array = np.ndarray
SEEDS = integers(0, 2**32 - 1)
LARGER = 3  # one draw in ten is up to so many times as big


@dataclass(frozen=True, eq=False)
class Sample:
    """A data set: samples X (n, d), named by `family`; y (n, k) where labels come with them.

    Raises ValueError for anything else.
    """

    X: Array
    family: str = "own"
    seed: int = 0
    y: Array | None = None

    def __post_init__(self):
        X = np.asarray(self.X, dtype=float)
        if X.ndim != 2 or not X.size:
            raise ValueError(f"X of a Sample is (n, d), not {X.shape}")
        object.__setattr__(self, "X", X)
        if self.y is not None:
            y = np.asarray(self.y, dtype=float)
            y = y[:, None] if y.ndim == 1 else y
            if y.ndim != 2 or len(y) != len(X):
                raise ValueError(f"y of a Sample is ({len(X)}, k), not {y.shape}")
            object.__setattr__(self, "y", y)


def _at_most(part: int):
    """An option for the largest size that is usual, of n or d."""

    def keep(sample: Sample, most: int, options: Mapping) -> Sample:
        limit = LARGER * most + (part == 0)  # pairs round up
        if sample.X.shape[part] > limit:
            raise Inapplicable(f"the strategy promises otherwise: at most {limit} {'nd'[part]}")
        return sample

    return keep


def _of_families(sample: Sample, only: tuple[str, ...], options: Mapping) -> Sample:
    X = kept(FAMILIES, only, sample.X)
    return sample if X is sample.X else replace(sample, X=X)


OPTIONS = {
    "max_samples": Option(10, whole(1), _at_most(0)),
    "max_dimension": Option(5, whole(1), _at_most(1)),
    "only": Option(tuple(sorted(FAMILIES)), names_of(FAMILIES), _of_families),
}


@checked(OPTIONS)
def families(
    max_samples: int = 10, max_dimension: int = 5, only: tuple[str, ...] = OPTIONS["only"].default
) -> Strategy:
    """Data of every family, or `only` those named; one draw in ten is up to three times as big.

    What a hunt or a shrink makes of them is of these families and sizes, too. Raises TypeError or
    ValueError for an option that is none.
    """
    told = {"max_samples": max_samples, "max_dimension": max_dimension, "only": only}
    restricted = {name: value for name, value in told.items() if value != OPTIONS[name].default}
    return Composite(_families, (), told, project=partial(_as_promised, restricted))


def _as_promised(options: Mapping, sample: Sample) -> Sample:
    for name, value in options.items():
        sample = OPTIONS[name].keep(sample, value, options)
    return sample


def _families(draw, max_samples: int, max_dimension: int, only: tuple[str, ...]) -> Sample:
    family = draw.choice(only)
    reach = draw.choice((1,) * 9 + (LARGER,))
    n, d = draw.integer(1, reach * max_samples), draw.integer(1, reach * max_dimension)
    seed = draw(SEEDS)
    return Sample(FAMILIES[family](np.random.default_rng(seed), n, d), family, seed)


def from_table(table, max_samples: int = 20) -> Strategy:
    """Rows of a user's `core.tables.Table`, sub-sampled by a drawn seed, with their labels."""
    most = min(max_samples, len(table.X))

    def rows(draw) -> Sample:
        count, seed = draw.integer(min(2, most), most), draw(SEEDS)
        chosen = np.random.default_rng(seed).choice(len(table.X), count, replace=False)
        X, y = np.array(table.X[chosen]), np.array(table.y[chosen])[:, None]
        return Sample(X, table.name, seed, y)

    return composite(rows)()
