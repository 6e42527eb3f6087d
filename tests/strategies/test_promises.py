"""Families of data, labels and starts: what they draw has what they promise, and so has whatever is
projected on them; options of networks, in what is drawn.
"""

from __future__ import annotations

import numpy as np
import pytest

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.families import Family, anything, kept
from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import dense
from ncfcheck.strategies.data_families import FAMILIES
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.strategies.label_families import LABELS
from ncfcheck.theory.starts import EVERY, live_start

SIZES = [(n, d) for n in (1, 2, 3, 7, 30) for d in (1, 2, 3, 15)]
NETWORK = dense((3, 4, 2, 1), (2, 2), (0.5, 0.0))


def rng(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", FAMILIES)
def test_data_as_drawn_have_what_their_family_promises(name):
    for n, d in SIZES:
        for seed in range(5):
            X = FAMILIES[name](rng(seed), n, d)
            assert FAMILIES[name].holds(X), (n, d, seed)


def projected(family, values, *context):
    """What is projected, with what it was; None where it is turned down."""
    try:
        return kept({"it": family}, ("it",), values, *context)
    except Inapplicable:
        return None


@pytest.mark.parametrize("name", [name for name in FAMILIES if FAMILIES[name].project])
def test_projected_data_have_it_too_and_projecting_twice_changes_nothing(name):
    family, found = FAMILIES[name], 0
    for n, d in SIZES:
        X = rng(n).standard_normal((n, d))
        near = projected(family, X)
        if near is not None:
            found += 1
            assert near.shape == X.shape and family.holds(near) and near.any(axis=1).all()
            assert projected(family, near) is near
    assert found >= 8


@pytest.mark.parametrize("name", LABELS)
def test_labels_as_drawn_and_projected_have_what_their_family_promises(name):
    family = LABELS[name]
    for n, d in SIZES:
        X = rng(n).standard_normal((n, d))
        for outputs in (1, 3):
            y = family(rng(5), X, outputs)
            assert family.holds(y, X, 5)
            near = projected(family, rng(6).standard_normal((n, outputs)), X, 5)
            assert near.shape == y.shape and family.holds(near, X, 5)


@pytest.mark.parametrize("name", EVERY)
def test_starts_as_drawn_and_projected_have_what_their_family_promises(name):
    family = EVERY[name]
    ncf = Ncf(NETWORK, rng(0).standard_normal((5, 3)), rng(1).standard_normal((5, 1)))
    for seed in range(4):
        drawn = live_start(name, seed, ncf)
        assert family.holds(drawn, ncf, seed)
        other = rng(9).standard_normal(NETWORK.size)
        near = projected(family, other / np.linalg.norm(other), ncf, seed)
        assert family.holds(near, ncf, seed) and np.linalg.norm(near) == pytest.approx(1)


def test_what_one_of_several_families_draws_stays_and_else_the_nearest_projection_is_taken():
    X = np.array([[1.0, 0.0], [0.0, 0.4]])
    assert kept(FAMILIES, ("sphere", "orthogonal"), X) is X
    assert np.array_equal(kept(FAMILIES, ("sphere", "lattice"), X), [[1, 0], [0, 1]])
    assert np.allclose(kept(FAMILIES, ("antipodal", "sphere"), X), [[1, 0], [0, 1]])
    with pytest.raises(Inapplicable, match="d = 1: scalars; or n = 1: one sample"):
        kept(FAMILIES, ("d=1", "n=1"), X)


def test_a_projection_that_breaks_its_promise_is_turned_down():
    broken = Family(FAMILIES["sphere"].draw, FAMILIES["sphere"].holds, lambda X: 2 * X)
    assert projected(broken, np.ones((2, 2))) is None
    assert FAMILIES["gaussian"].holds is anything


def collect(**options):
    return list(draw(instances(**options).strategy(), 40, 0, simplest=True))


def test_slopes_are_drawn_from_those_given():
    for lipschitz in (True, False):
        seen = collect(slopes=(0.0, 0.5), lipschitz=lipschitz)
        assert {slope for each in seen for slope in each.network.slopes} == {0.0, 0.5}
        # A layer of p = 1 has α = 1 where σ' is locally Lipschitz: there is none, then.
        linear = any(1 in each.network.powers for each in seen)
        assert linear is not lipschitz
    seen = collect(slopes=(1.0, 0.0))
    assert any(1 in each.network.powers for each in seen)
    assert all(each.network.has_lipschitz_gradient for each in seen)


def test_wider_layers_than_are_usual_are_drawn_where_they_are_asked_for():
    assert all(min(each.network.widths[1:-1]) >= 12 for each in collect(narrowest=12))
