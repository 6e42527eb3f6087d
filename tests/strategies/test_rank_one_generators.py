"""The strategy of structured points: every draw is sign-coherent, of rank one and built on a
reduced KKT point.
"""

import numpy as np
import pytest

from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.structured import rank_one_points
from ncfcheck.theory.rank_one.points import (
    RankOneInstance,
    balanced_norms,
    reduced_value,
    structured_point,
)

COUNT = 120


def collect(strategy, count=COUNT, seed=3):
    seen = list(draw(strategy.strategy(), count, seed, simplest=True))
    return seen


@pytest.fixture(scope="module")
def points():
    return collect(rank_one_points())


@pytest.fixture(scope="module")
def built(points):
    return [each for each in points if each.u is not None]


def test_most_draws_have_a_reduced_point_to_build_on(points, built):
    assert len(built) > 0.6 * len(points)
    assert all(
        isinstance(each, RankOneInstance) and each.families["start"] == "structured"
        for each in points
    )


def test_structured_points_are_sign_coherent_unit_vectors_with_balanced_layers(built):
    for each in built:
        matrices = each.network.matrices(each.start)
        assert np.linalg.norm(each.start) == pytest.approx(1, abs=1e-14)
        np.testing.assert_allclose(
            [np.linalg.norm(W) for W in matrices], balanced_norms(each.network), rtol=1e-13
        )
        for W, profile in zip(matrices[:-1], each.profiles):
            assert np.linalg.matrix_rank(W, tol=1e-12) == 1 and (profile >= 0).all()
            assert (
                np.linalg.norm(W - np.outer(profile, profile @ W)) < 1e-14
            )  # every column is along e_l ≥ 0
        assert np.linalg.norm(each.u) == pytest.approx(1, abs=1e-14)
        assert {*each.signs} <= {-1.0, 1.0} and len(each.signs) == each.network.depth - 1


def test_structured_points_are_made_of_what_the_instance_says(built):
    for each in built:
        np.testing.assert_array_equal(
            each.start, structured_point(each.network, each.u, each.signs, each.profiles)
        )


def test_directions_are_positive_kkt_points_of_the_reduced_problem(built):
    for each in built:
        value, gradient = reduced_value(
            each.network, each.problem.X, each.ncf.ybar[:, 0], each.u, each.signs
        )
        assert value > 0
        assert np.linalg.norm(gradient - gradient @ each.u * each.u) <= 1e-9 * np.linalg.norm(
            gradient
        )


def test_draws_are_diverse(built):
    strata = [each.coverage() for each in built]
    assert len({each["D"] for each in strata}) >= 11 and {each["L"] for each in strata} == {
        "2",
        "3",
        "4",
        "5",
    }
    assert {each["data"] for each in strata} >= {"gaussian", "antipodal", "collinear", "n=1", "d=1"}
    assert {each["loss"] for each in strata} == {
        str(loss) for loss in Loss if loss.labels.fewest == 1
    }
    assert {sign for each in built for sign in each.signs} == {-1.0, 1.0}
    active = {
        (np.count_nonzero(profile), profile.size) for each in built for profile in each.profiles
    }
    assert {(1, 1), (1, 3), (2, 3), (3, 3)} <= active
    free = [
        np.ptp(p[p > 0])
        for each in built
        for p, power in zip(each.profiles, each.network.powers)
        if power == 1
    ]
    assert max(free) > 0.1  # profiles of linear layers are free


def test_only_dense_networks_of_one_output_are_drawn(points):
    for each in points:
        assert each.network.widths[-1] == 1 and all(
            pattern.is_dense for pattern in each.network.patterns
        )


def test_an_instance_without_point_keeps_its_own_start_and_says_so(points):
    without = [each for each in points if each.u is None]
    assert without and all(
        isinstance(each, Instance) and each.profiles == () and each.signs == () for each in without
    )
