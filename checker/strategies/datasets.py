"""Strategies of data sets: samples of every family of data, and of a user's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

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
USUAL = 10, 5  # samples and dimensions at most, where no maximum is told …
LARGER = 3  # … but for one draw in ten, which is up to so many times as big


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


def _maximum(part: int) -> Option:
    """An option for the largest n or d."""

    def keep(sample: Sample, most: int, options: Mapping) -> Sample:
        if sample.X.shape[part] > most:
            raise Inapplicable(f"the strategy promises otherwise: {'nd'[part]} ≤ {most}")
        return sample

    return Option(None, lambda value: None if value is None else whole(1)(value), keep)


def _of_families(sample: Sample, only: tuple[str, ...], options: Mapping) -> Sample:
    X = kept(FAMILIES, only, sample.X)
    return sample if X is sample.X else replace(sample, X=X)


OPTIONS = {
    "max_samples": _maximum(0),
    "max_dimension": _maximum(1),
    "only": Option(tuple(sorted(FAMILIES)), names_of(FAMILIES), _of_families),
}


@checked(OPTIONS)
def families(
    max_samples: int | None = None,
    max_dimension: int | None = None,
    only: tuple[str, ...] = OPTIONS["only"].default,
) -> Strategy:
    """Data of every family, or `only` those named, that have at most so many samples, of at most
    so many numbers.

    Where no maximum is told, nine draws in ten have at most 10 samples and 5 dimensions, and the
    others three times as many at most. What a hunt or a shrink makes of them is of these families
    and sizes, too. Raises TypeError or ValueError for an option that is none, and ValueError where
    no family has as few samples.
    """
    possible = tuple(each for each in only if _fewest(each) <= (max_samples or USUAL[0]))
    if not possible:
        raise ValueError(f"families(max_samples={max_samples}, only={only}): they have 2 or more")
    told = {"max_samples": max_samples, "max_dimension": max_dimension, "only": possible}
    restricted = {name: value for name, value in told.items() if value != OPTIONS[name].default}
    return _strategy(restricted)


def _strategy(options: dict, d: int | None = None) -> Strategy:
    """Data sets of these options, of d numbers a sample where that is told."""
    told = options if d is None else options | {"columns": d}
    return Composite(
        _families,
        (),
        told,
        project=partial(_as_promised, options),
        columns=partial(_strategy, options),
    )


@lru_cache(maxsize=256)
def _has_columns(family: str, d: int) -> bool:
    """Whether samples of the family may have d numbers: not so where d = 1 is all it draws."""
    return FAMILIES[family](np.random.default_rng(0), 2, d).shape[1] == d


def _fewest(family: str) -> int:
    """The least number of samples that the family draws: pairs and duplicates come in twos."""
    return len(FAMILIES[family](np.random.default_rng(0), 1, 1))


def _as_promised(options: Mapping, sample: Sample) -> Sample:
    for name, value in options.items():
        sample = OPTIONS[name].keep(sample, value, options)
    return sample


def _families(
    draw, max_samples=None, max_dimension=None, only=OPTIONS["only"].default, columns=None
) -> Sample:
    if columns is not None:
        only = _of_columns(only, columns, max_dimension)
    family = draw.choice(only)
    reach = draw.choice((1,) * 9 + (LARGER,))
    n = draw.integer(1, max_samples or reach * USUAL[0])
    d = columns or draw.integer(1, max_dimension or reach * USUAL[1])
    seed = draw(SEEDS)
    X = FAMILIES[family](np.random.default_rng(seed), n, d)
    if max_samples and len(X) > max_samples:  # pairs round up
        X = FAMILIES[family](np.random.default_rng(seed), n - 1, d)
    return Sample(X, family, seed)


def _of_columns(only: tuple[str, ...], d: int, most: int | None) -> tuple[str, ...]:
    """Those of the families whose samples may have d numbers."""
    found = tuple(each for each in only if _has_columns(each, d))
    if not found or d > (most or d):
        raise Inapplicable(f"no such data have d = {d}")
    return found


def from_table(table, max_samples: int = 20) -> Strategy:
    """Rows of a user's `core.tables.Table`, sub-sampled by a drawn seed, with their labels."""
    most = min(max_samples, len(table.X))

    def rows(draw) -> Sample:
        count, seed = draw.integer(min(2, most), most), draw(SEEDS)
        chosen = np.random.default_rng(seed).choice(len(table.X), count, replace=False)
        X, y = np.array(table.X[chosen]), np.array(table.y[chosen])[:, None]
        return Sample(X, table.name, seed, y)

    return composite(rows)()
