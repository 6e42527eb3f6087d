"""The smallest counterexamples in docs/conjectures.md, and that every conjecture decides most of
what it is asked about.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import CONJECTURE, Outcome, registered
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.properties import conjectures, kkt  # noqa: F401  registers the claims
from ncfcheck.strategies.data_families import fan
from ncfcheck.strategies.datasets import LABELS
from ncfcheck.strategies.draw import draw
from ncfcheck.theory.kkt.points import Inertia, positive_limit


def instance(network, X, y, seed) -> Instance:
    start = np.random.default_rng(seed).standard_normal(network.size)
    problem = Problem(network, np.array(X, float), np.array(y, float)[:, None])
    return Instance(problem, start / np.linalg.norm(start), seeds=(seed,))


TWO_SIDES = instance(dense((1, 2, 1, 1), (2, 2), (-0.5, -0.5)), [[1], [-1]], [1, -10], seed=9)
WEDGE = instance(
    dense((2, 2, 1, 1), (2, 2), (0.5, 0.5)), [[1, 0], [2, 1], [2, -1]], [1, -1, -1], seed=16
)


@pytest.mark.parametrize(
    ("id", "each"),
    [("conjecture.one_neuron_limits", TWO_SIDES), ("conjecture.rank_one_limits", WEDGE)],
    ids=["two", "rank"],
)
def test_the_smallest_counterexamples_are_strict_local_maxima_at_every_tolerance(id, each):
    for variant in (each, replace(each, numerics=each.numerics.tightened())):
        assert registered()[id].judge(variant)[0] is Outcome.VIOLATES
        point = positive_limit(variant.ncf, variant.start, variant.numerics).point
        assert point.inertia is Inertia.MAXIMUM and point.residual < 1e-12


def test_one_neuron_in_every_layer_is_alone_there():
    each = instance(dense((1, 1, 1), (2,), (0.5,)), [[1], [2]], [1, 1], seed=0)
    each = replace(each, start=np.abs(each.start))
    assert registered()["conjecture.one_signed_labels"].judge(each)[0] is Outcome.HOLDS
    assert registered()["conjecture.strongest_neuron"].judge(each)[0] is Outcome.INAPPLICABLE


def test_two_neurons_on_two_sides_beat_every_point_near_them():
    point, ncf, rng = (
        positive_limit(TWO_SIDES.ncf, TWO_SIDES.start, TWO_SIDES.numerics).point,
        TWO_SIDES.ncf,
        np.random.default_rng(0),
    )
    for radius in (1e-1, 1e-2, 1e-3):
        for _ in range(200):
            near = point.u + radius * rng.standard_normal(point.u.size)
            assert ncf.value(near / np.linalg.norm(near)) < point.value


@pytest.mark.parametrize(
    "id", [id for id, claim in registered().items() if claim.kind is CONJECTURE]
)
def test_a_conjecture_decides_something(id):
    claim = registered()[id]
    seen = {claim.judge(each)[0] for each in draw(claim.strategy(), 6, 2, simplest=False)}
    assert Outcome.HOLDS in seen or Outcome.VIOLATES in seen


def test_generators_of_conjectures_build_what_their_hypotheses_say():
    def networks(id):
        return [each.network for each in draw(registered()[id].strategy(), 20, 2, simplest=True)]

    assert all(
        min(each.powers) >= 2 <= min(each.widths[1:-1])
        for each in networks("conjecture.rank_one_limits")
    )
    assert all(each.widths[-1] in (2, 3) for each in networks("conjecture.outputs_rank_one"))
    assert all(not each.has_lipschitz_gradient for each in networks("conjecture.kinks_align"))
    filtered = networks("conjecture.above_a_filter")
    assert all(
        [pattern.kind for pattern in each.patterns[:2]] == ["convolution", "dense"]
        for each in filtered
    )


@pytest.mark.parametrize("family", LABELS)
@pytest.mark.parametrize("outputs", (1, 3))
def test_every_family_of_labels_builds_as_many_columns_as_outputs(family, outputs):
    y = LABELS[family](
        np.random.default_rng(0), np.random.default_rng(1).standard_normal((7, 2)), outputs
    )
    assert y.shape == (7, outputs) and np.isfinite(y).all()


def test_a_fan_is_seen_within_a_narrow_angle():
    X = fan(np.random.default_rng(0), 5, 3)
    assert (X @ X[2] > 0).all() and np.linalg.matrix_rank(X) == 2


def test_where_no_neuron_contributes_none_is_the_strongest():
    """The output weights of v_0 vanish: so do all v_j G(w_j)."""
    network = dense((2, 2, 1), (2,), (0.5,))
    problem = Problem(network, np.array([[1.0, 0.5], [-0.3, 1.0]]), np.array([[1.0], [0.7]]))
    outcome, margin = registered()["conjecture.strongest_neuron"].judge(
        Instance(problem, np.array([0.5, 0.5, -0.5, 0.5, 0, 0]))
    )
    assert outcome is Outcome.INAPPLICABLE and "no neuron contributes" in margin.note
