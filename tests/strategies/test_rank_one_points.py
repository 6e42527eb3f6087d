"""Points around rank-one structure, spoilt, mixed, on kinks or found: draws keep what they promise,
and are diverse.
"""

import numpy as np
import pytest

from ncfcheck.core.claims import Unresolved
from ncfcheck.model.ncf import norm
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.found import (
    blind_points,
    found_points,
    two_direction_points,
    two_layer_points,
)
from ncfcheck.strategies.structured import (
    CURVED,
    DIRECTION,
    NORMS,
    PROFILE,
    clarke_points,
    masked_points,
    mixed_points,
    perturbed_points,
    signless_points,
)
from ncfcheck.theory.kkt.clarke import clarke_residual, kinks
from ncfcheck.theory.rank_one.criterion import factor
from ncfcheck.theory.rank_one.points import (
    balanced_norms,
    predicted_tangent,
    reduced_value,
    tangent,
)


def collect(given, count=60, seed=0):
    seen = list(draw(given.strategy(), count, seed, simplest=True))
    return [
        each
        for each in seen
        if getattr(each, "u", None) is not None or getattr(each, "point", None) is not None
    ]


def test_perturbed_points_are_spoilt_in_the_way_and_by_the_size_they_say():
    seen = collect(perturbed_points(), 80)
    kinds = {each.families["spoilt"].split()[0] for each in seen}
    assert kinds == {PROFILE, NORMS, DIRECTION}
    for each in seen:
        kind = each.families["spoilt"].split()[0]
        uneven = any(
            p >= 2 and np.ptp(e[e > 0]) > 1e-12 for e, p in zip(each.profiles, each.network.powers)
        )
        shifted = np.abs(each.norms - balanced_norms(each.network)).max() > 1e-12
        assert (uneven, shifted) == (kind == PROFILE, kind == NORMS)
        assert np.linalg.norm(each.start) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("kind", [PROFILE, NORMS, DIRECTION])
def test_the_angle_of_perturbed_points_grows_linearly_with_the_perturbation(kind):
    sines = {}
    for size in (1e-2, 1e-3, 1e-4):
        seen = collect(perturbed_points(kinds=(kind,), sizes=(size,), powers=CURVED), 30)
        sines[size] = np.array([each.ncf.residual(each.start) for each in seen])
    moved = (sines[1e-4] > 1e-8) & (sines[1e-2] < 0.3)
    assert moved.sum() > 10
    np.testing.assert_allclose(np.log10(sines[1e-3] / sines[1e-4])[moved], 1, atol=0.1)


def _reduced_gradient(instance):
    return reduced_value(
        instance.network, instance.ncf.X, instance.ncf.ybar[:, 0], instance.u, instance.signs
    )[1]


def test_the_predicted_angle_is_that_of_the_gradient():
    seen = [(each, _reduced_gradient(each)) for each in collect(perturbed_points(sizes=(0.5,)))]
    # So far off, u may be on a side where no sample is seen.
    moved = [(each, gradient) for each, gradient in seen if gradient.any()]
    assert len(moved) > 0.9 * len(seen)
    for each, gradient in moved:
        predicted = predicted_tangent(
            each.network, each.norms, each.profiles, tangent(gradient, each.u)
        )
        assert tangent(each.ncf.gradient(each.start), each.start) == pytest.approx(
            predicted, rel=1e-8, abs=1e-9
        )


def test_mixed_points_have_entries_of_both_signs_in_the_stated_ratio():
    seen, ratios = collect(mixed_points(), 100), set()
    assert len(seen) > 30
    for each in seen:
        for W, p, alpha in zip(
            each.network.matrices(each.start), each.network.powers, each.network.slopes
        ):
            left = np.linalg.svd(W)[0][:, 0]
            positive, negative = left[left > 1e-12], -left[left < -1e-12]
            if p >= 2 and positive.size and negative.size:
                ratio, stated = negative[0] / positive[0], abs(alpha) ** (p / (p - 1))
                assert min(abs(ratio * stated - 1), abs(ratio / stated - 1)) < 1e-12
                ratios.add(round(stated, 3))
    assert len(ratios) > 5


def test_points_with_signs_flipped_are_structured_otherwise():
    for each in collect(signless_points()):
        assert sum((profile < 0).sum() for profile in each.profiles) == 1
        assert all(
            np.linalg.norm(profile) == pytest.approx(1, abs=1e-14) for profile in each.profiles
        )


def test_clarke_points_lie_on_kinks_and_are_clarke_kkt_only_with_slopes_inside():
    inside, outside = collect(clarke_points(), 160), collect(clarke_points(inside=False), 160)
    assert len(inside) > 30 and len(outside) > 30
    assert all(clarke_residual(each.ncf, each.start) < 1e-8 for each in inside)
    # A sample whose label came out 0 puts no kink into N.
    assert np.mean([kinks(each.ncf, each.start) is not None for each in inside]) > 0.9
    assert np.mean([each.ncf.residual(each.start) > 1e-4 for each in inside]) > 0.7
    assert np.mean([clarke_residual(each.ncf, each.start) > 1e-4 for each in outside]) > 0.5


def test_masked_and_blind_networks_lack_weights():
    for given in (masked_points(), blind_points()):
        seen = collect(given, 25)
        assert seen and any(
            not pattern.is_dense and -1 in sum(pattern.index, ())
            for pattern in seen[-1].network.patterns
        )


def test_found_points_are_positive_kkt_points_of_every_kind():
    seen = collect(found_points(), 150)
    for each in seen:
        assert each.ncf.residual(each.start) <= max(1e-13, each.point.residual_error)
        assert each.ncf.value(each.start) > 0
    covered = [each.coverage() for each in seen]
    assert {"maximum", "saddle", "degenerate"} <= {each["inertia"] for each in covered}
    assert {"one", "two or more"} <= {each["hidden rank"] for each in covered}
    rank_one = [each for each in covered if each["hidden rank"] == "one"]
    assert {each["active neurons"] for each in rank_one} == {"one", "several"}
    assert {each["signs"] for each in rank_one} == {"+", "mixed"}
    assert len({each.families["start"] for each in seen}) == 5


def test_two_layer_points_use_one_direction_or_both():
    seen = [
        each for each in collect(two_layer_points(), 200) if each.families["start"] == "constructed"
    ]
    both = [each for each in seen if (each.profiles[0] < 0).any() and (each.profiles[0] > 0).any()]
    assert len(both) >= 5 and len(seen) - len(both) >= 5
    assert {each.network.powers[0] for each in seen} == {1, 2, 3, 4}
    for each in seen:  # where labels of one sign cancel, ∇N is rounding and no more, or zero
        size = norm(each.ncf.gradient(each.start))
        rounding = each.ncf.rounding(each.start)[1]
        assert size == 0 or each.ncf.residual(each.start) < 1e-9 + rounding / size


def test_points_on_two_directions_are_kkt_points_of_rank_two():
    for each in collect(two_direction_points(), 40):
        assert each.ncf.residual(each.start) < 1e-9
        assert np.linalg.matrix_rank(each.network.matrices(each.start)[0], tol=1e-3) == 2


def test_what_a_badly_known_point_has_for_zeros_is_not_guessed():
    """Rounding may be so large beside ∇N, where data cancel, that a neuron of opposite sign would
    count as none.
    """
    W = np.outer([0.97, -0.24], [0.6, 0.8])
    assert not factor(W, 1e-9).is_coherent
    with pytest.raises(Unresolved, match="too coarsely"):
        factor(W, 5e-3)
