"""Families of data and labels: every draw is what its name promises, and draws differ."""

from itertools import product

import numpy as np
import pytest
from hypothesis import strategies as st

from ncfcheck.core.tables import Table
from ncfcheck.strategies.datasets import FAMILIES, LABELS, SEEDS, families, from_table
from ncfcheck.strategies.draw import draw

SIZES = [(n, d) for n in (1, 2, 3, 7, 10, 30) for d in (1, 2, 3, 5, 15)]


def unit_rows(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def is_duplicated(X):
    return all((np.abs(X - x).max(axis=1) == 0).sum() >= 2 for x in X)


def is_clustered(X):
    """At most three groups within 1 of their first member."""
    rest, groups = X, 0
    while len(rest):
        rest, groups = rest[np.abs(rest - rest[0]).max(axis=1) > 1.0], groups + 1
    return groups <= 3


PROMISES = {
    "gaussian": lambda X, n, d: X.shape == (n, d),
    "sphere": lambda X, n, d: (
        X.shape == (n, d) and np.allclose(np.linalg.norm(X, axis=1), 1, atol=1e-14)
    ),
    "lattice": lambda X, n, d: (
        X.shape == (n, d)
        and (X == np.rint(X)).all()
        and np.abs(X).max() <= 3
        and X.any(axis=1).all()
    ),
    "orthogonal": lambda X, n, d: (
        X.shape == (min(n, d), d)
        and np.allclose(unit_rows(X) @ unit_rows(X).T, np.eye(len(X)), atol=1e-13)
    ),
    "antipodal": lambda X, n, d: (
        X.shape == (n + n % 2, d) and all((X == -x).all(axis=1).any() for x in X)
    ),
    "clusters": lambda X, n, d: X.shape == (n, d) and is_clustered(X),
    "duplicated": lambda X, n, d: X.shape == (max(n, 2), d) and is_duplicated(X),
    "collinear": lambda X, n, d: (
        X.shape == (n, d)
        and np.allclose(np.abs(unit_rows(X) @ unit_rows(X)[0]), 1, atol=1e-13)
        and (n == 1 or len(set(np.sign(X @ X[0]))) == 2)
    ),
    "sparse": lambda X, n, d: (
        X.shape == (n, d) and X.any(axis=1).all() and (n * d < 100 or 0.4 < (X == 0).mean() < 0.9)
    ),
    "badly-scaled": lambda X, n, d: X.shape == (n, d) and np.abs(X).max() < 1e3,
    "fan": lambda X, n, d: (
        X.shape == (n, d)
        and (n == 1 or np.linalg.matrix_rank(np.diff(X, axis=0)) <= 1)
        and (d == 1 or (X @ X.T > 0).all())
    ),
    "d=1": lambda X, n, d: X.shape == (n, 1),
    "n=1": lambda X, n, d: X.shape == (1, d),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_data_set_is_what_its_family_promises(family):
    for n, d in SIZES:
        for seed in range(5):
            X = FAMILIES[family](np.random.default_rng(seed), n, d)
            assert X.dtype == float and np.isfinite(X).all() and X.any(), (n, d, seed)
            assert PROMISES[family](X, n, d), (n, d, seed)


@pytest.mark.parametrize("family", FAMILIES)
def test_gaussian_data_break_the_promises_of_the_other_families(family):
    """Else the promise would not be checked by the test above."""
    X = FAMILIES["gaussian"](np.random.default_rng(1), 30, 5)
    kept = PROMISES[family](X, 30, 5)
    assert kept == (family in ("gaussian", "badly-scaled"))


def test_badly_scaled_columns_differ_by_orders_of_magnitude():
    spread = []
    for seed in range(20):
        scales = np.abs(FAMILIES["badly-scaled"](np.random.default_rng(seed), 30, 5)).mean(axis=0)
        spread.append(scales.max() / scales.min())
    assert np.median(spread) > 50


@pytest.mark.parametrize("family", FAMILIES)
def test_data_depend_on_the_seed_and_on_nothing_else(family):
    one, two, other = (FAMILIES[family](np.random.default_rng(seed), 6, 4) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == other.shape and not np.array_equal(one, other)


def collect(strategy, count, seed=0):
    seen = list(draw(strategy, count, seed, simplest=True))
    return seen


def test_drawn_data_sets_cover_every_family_and_size():
    samples = collect(families(), 400)
    assert {sample.family for sample in samples} == set(FAMILIES)
    assert all(
        sample.y is None and 1 <= len(sample.X) <= 30 and 1 <= sample.X.shape[1] <= 15
        for sample in samples
    )
    sizes = np.array([sample.X.shape for sample in samples])
    assert set(range(1, 11)) <= set(sizes[:, 0]) and set(range(1, 6)) <= set(sizes[:, 1])
    assert sizes[:, 0].max() > 15 and sizes[:, 1].max() > 8  # now and then a larger one
    assert (sizes[:, 0] < sizes[:, 1]).any() and (sizes[:, 0] > sizes[:, 1]).any()


def test_a_drawn_data_set_can_be_made_again_from_its_seed():
    for sample in collect(families(), 50):
        if sample.family not in (
            "n=1",
            "d=1",
            "orthogonal",
            "antipodal",
            "duplicated",
        ):  # whose shape is not the drawn one
            again = FAMILIES[sample.family](np.random.default_rng(sample.seed), *sample.X.shape)
            np.testing.assert_array_equal(again, sample.X)


LABEL_PROMISES = {
    "gaussian": lambda y: np.isfinite(y).all(),
    "signs": lambda y: (np.abs(y) == 1).all(),
    "heavy-tailed": lambda y: (np.abs(y) <= 1e4).all(),
    "one-signed": lambda y: len(set(np.sign(y).ravel())) == 1 and (np.abs(y) >= 0.1).all(),
    "inner": lambda y: all(len(set(column)) <= 2 and 1.0 in np.abs(column) for column in y.T),
    "teacher": lambda y: abs(np.mean(y**2) - 1) < 1e-12,
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_labels_are_what_their_family_promises_on_data_of_every_family(name, outputs):
    for seed, family in product(range(6), FAMILIES):
        X = FAMILIES[family](np.random.default_rng(seed), 9, 3)
        y = LABELS[name](np.random.default_rng(seed + 100), X, outputs)
        assert (
            y.shape == (len(X), outputs) and y.dtype == float and np.isfinite(y).all() and y.any()
        )
        assert LABEL_PROMISES[name](y)


def test_labels_are_diverse():
    X = FAMILIES["gaussian"](np.random.default_rng(0), 40, 3)
    drawn = {
        name: np.hstack([LABELS[name](np.random.default_rng(seed), X) for seed in range(40)])
        for name in LABELS
    }
    assert set(drawn["signs"].ravel()) == {-1.0, 1.0}
    assert {*np.sign(drawn["one-signed"][0])} == {-1.0, 1.0}  # either sign, by seed
    assert np.abs(drawn["heavy-tailed"]).max() > 100 > 6 > np.abs(drawn["gaussian"]).max()
    assert np.ptp(drawn["teacher"], axis=1).min() > 0.1  # another teacher for another seed


def test_inner_labels_have_one_sign_inside_and_the_other_around():
    X = FAMILIES["gaussian"](np.random.default_rng(0), 21, 3)
    y = LABELS["inner"](np.random.default_rng(1), X)[:, 0]
    distances = np.linalg.norm(X - X.mean(axis=0), axis=1)
    inside = y == y[np.argmin(distances)]
    assert set(np.sign(y)) == {-1.0, 1.0} and distances[inside].max() < distances[~inside].min()


def test_teacher_labels_are_a_function_of_the_sample():
    X = FAMILIES["duplicated"](np.random.default_rng(0), 12, 3)
    y = LABELS["teacher"](np.random.default_rng(1), X)
    for x, label in zip(X, y):
        np.testing.assert_allclose(y[(X == x).all(axis=1), 0], label[0], rtol=1e-13)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return Table("t.csv", ("a", "b"), rng.standard_normal((50, 2)), rng.standard_normal(50))


def test_samples_of_a_table_are_rows_of_it_with_their_labels(table):
    samples = collect(from_table(table), 60)
    for sample in samples:
        assert (
            sample.family == "t.csv"
            and 2 <= len(sample.X) <= 20
            and sample.y.shape == (len(sample.X), 1)
        )
        rows = [int(np.flatnonzero((table.X == x).all(axis=1))[0]) for x in sample.X]
        assert len(set(rows)) == len(rows)
        np.testing.assert_array_equal(sample.y[:, 0], table.y[rows])
    assert {2, 20} <= {len(sample.X) for sample in samples}
    assert (
        len(np.unique(np.concatenate([sample.X[:, 0] for sample in samples]))) == 50
    )  # every row is drawn some time


def test_a_sample_of_a_table_may_be_changed_without_changing_the_table(table):
    before = table.X.copy()
    for sample in collect(from_table(table), 5):
        sample.X[:] = 0
    np.testing.assert_array_equal(table.X, before)


def test_small_tables_are_drawn_whole():
    tiny = Table("t.csv", ("a",), np.array([[1.0], [2.0]]), np.array([1.0, -1.0]))
    assert all(sorted(sample.X[:, 0]) == [1, 2] for sample in collect(from_table(tiny), 10))


def test_seeds_are_32_bit():
    seeds = collect(st.lists(SEEDS, min_size=5), 20)
    assert all(0 <= seed < 2**32 for each in seeds for seed in each)
