"""Strategies of networks and instances: every draw meets the hypotheses promised, draws are diverse
and reproducible.
"""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.tables import Table
from ncfcheck.model.losses import Loss
from ncfcheck.model.networks import dense
from ncfcheck.strategies.choices import just
from ncfcheck.strategies.datasets import FAMILIES, LABELS, from_table
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import (
    FRACTIONS,
    MAX_DEPTH,
    MAX_ORDER,
    architectures,
    collapsing,
    given,
    instances,
    networks,
)
from ncfcheck.strategies.structured import rank_one_points
from ncfcheck.theory.kkt.points import Inertia, flow_limit
from ncfcheck.theory.starts import STARTS
from tests.support import ROOT

ORDERS = set(range(3, MAX_ORDER + 1))


def collect(strategy, count=300, seed=0):
    seen = list(draw(strategy, count, seed, simplest=True))
    return seen


@pytest.fixture(scope="module")
def drawn():
    return collect(instances().strategy())


def counts(values):
    return Counter(str(value) for value in values)


def test_architectures_are_all_powers_of_every_order_from_3_to_16():
    found = architectures()
    assert set(found) == ORDERS
    for order, group in found.items():
        for powers in group:
            network = dense((1, *[1] * len(powers), 1), powers, (0.5,) * len(powers))
            assert network.order == order and 2 <= network.depth <= MAX_DEPTH
    assert (2,) in found[3] and (1, 1) in found[3] and (2, 2, 2) in found[15]
    assert all(len(group) == len(set(group)) for group in found.values())
    assert set(architectures(max_order=5)) == {3, 4, 5} and all(
        len(p) >= 2 for g in architectures(shallow=3).values() for p in g
    )


def test_every_instance_meets_the_hypotheses_of_the_theory(drawn):
    for each in drawn:
        network, problem = each.network, each.problem
        assert (
            network.has_lipschitz_gradient
            and 3 <= network.order <= MAX_ORDER
            and 2 <= network.depth <= MAX_DEPTH
        )
        assert problem.X.shape[1] == network.widths[0] and problem.y.shape == (
            len(problem.X),
            network.widths[-1],
        )
        assert np.linalg.norm(each.start) == pytest.approx(1, abs=1e-14)
        assert (
            np.isfinite(problem.X).all()
            and np.isfinite(problem.y).all()
            and each.fraction in FRACTIONS
        )
        assert problem.loss.labels.allow(problem.y)


def test_most_starts_are_alive(drawn):
    assert np.mean([each.ncf.gradient(each.start).any() for each in drawn]) > 0.95


def test_instances_cover_every_order_depth_family_and_loss(drawn):
    strata = [each.coverage() for each in drawn]
    assert {int(each["D"]) for each in strata} == ORDERS
    assert counts(each["L"] for each in strata).keys() == {"2", "3", "4", "5"}
    assert counts(each["data"] for each in strata).keys() == set(FAMILIES)
    assert counts(each["labels"] for each in strata).keys() == set(LABELS)
    assert counts(each["start"] for each in strata).keys() == set(STARTS)
    for key, values, least in (("loss", Loss, 40), ("N(v_0)", ("+", "-"), 60)):
        found = counts(each[key] for each in strata)
        assert all(found[str(value)] >= least for value in values), found


def test_instances_cover_every_kind_of_layer_power_and_slope(drawn):
    kinds = counts(pattern.kind for each in drawn for pattern in each.network.patterns)
    assert all(
        kinds[kind] >= 5 for kind in ("dense", "masked", "blocks", "diagonal", "convolution")
    ), kinds
    assert {power for each in drawn for power in each.network.powers} == {1, 2, 3, 4}
    slopes = {
        slope
        for each in drawn
        for slope, power in zip(each.network.slopes, each.network.powers)
        if power >= 2
    }
    assert (
        {-1.0, 0.0, 0.5, 1.0} <= slopes and any(slope < 0 for slope in slopes) and len(slopes) > 12
    )
    outputs = counts(each.network.widths[-1] for each in drawn)
    assert outputs["1"] > 150 and outputs["2"] >= 20 and outputs["3"] >= 20
    widths = {width for each in drawn for width in each.network.widths[1:-1]}
    assert set(range(1, 6)) <= widths and max(widths) <= 10


def test_limits_cover_maxima_saddles_degenerate_and_zero_points(drawn):
    found = Counter()
    for each in drawn[:100]:
        try:
            found[flow_limit(each.ncf, each.start, each.numerics).point.inertia] += 1
        except (Inapplicable, Unresolved) as reason:
            found[type(reason)] += 1
    assert all(found[kind] > 3 for kind in (Inertia.MAXIMUM, Inertia.DEGENERATE, Inertia.ZERO)), (
        found
    )
    # Generic flows leave saddles; what cannot be decided must stay rare.
    assert found[Unresolved] <= 0.05 * 100 and found[Inapplicable] <= 0.05 * 100


def test_hidden_neurons_of_masked_layers_hear_and_are_heard(drawn):
    for each in drawn:
        for pattern, columns, rows in zip(
            each.network.patterns, each.network.widths[:-1], each.network.widths[1:]
        ):
            assert (pattern.expand(rows, columns) >= 0).any(axis=1).all()
        assert each.network.patterns[-1].is_dense


def test_options_keep_their_promises():
    assert all(
        pattern.is_dense
        for each in collect(instances(only_dense=True).strategy(), 60)
        for pattern in each.network.patterns
    )
    unshared = collect(instances(shared=False).strategy(), 150)
    assert not any(pattern.is_shared for each in unshared for pattern in each.network.patterns)
    assert any(not pattern.is_dense for each in unshared for pattern in each.network.patterns)
    kinked = collect(instances(lipschitz=False).strategy(), 60)
    assert any(not each.network.has_lipschitz_gradient for each in kinked)
    logistic = collect(
        instances(losses=(Loss.LOGISTIC,), labels=("one-signed",), starts=("sparse",)).strategy(),
        30,
    )
    assert {
        (each.problem.loss, each.families["labels"], each.families["start"]) for each in logistic
    } == {(Loss.LOGISTIC, "one-signed", "sparse")}
    wide = collect(networks(3, narrowest=3), 60)
    assert min(width for network in wide for width in network.widths[1:-1]) == 3


def test_collapsing_instances_mostly_tend_to_negative_or_zero_points_and_say_so():
    seen = collect(collapsing().strategy(), 40)
    assert {each.families["start"] for each in seen} == {"negative-kkt", "closing"}
    limits = counts(each.families["limit"] for each in seen)
    assert (
        limits["zero"] >= 5 and limits["negative"] >= 5 and limits["zero"] + limits["negative"] > 20
    )
    for each in seen[:20]:
        if each.families["limit"] in ("zero", "negative", "positive"):
            value = flow_limit(each.ncf, each.start, each.numerics).point.value
            assert (
                np.sign(value) == {"zero": 0, "negative": -1, "positive": 1}[each.families["limit"]]
            )


@pytest.mark.parametrize("labels", ["real", "two values"])
def test_instances_on_a_table_have_its_rows_and_its_labels(labels):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
    y = y if labels == "real" else np.where(y > 0, 2.0, 1.0)
    seen = collect(instances().strategy(from_table(Table("t.csv", ("a", "b", "c"), X, y))), 60)
    for each in seen:
        rows = [int(np.flatnonzero((X == x).all(axis=1))[0]) for x in each.problem.X]
        assert each.families["data"] == "t.csv" and each.families["labels"] == "table"
        if each.problem.loss.labels.are_numbers:
            np.testing.assert_array_equal(each.problem.y[:, 0], y[rows])
        else:  # labels at or above the median of the values drawn count as +1
            np.testing.assert_array_equal(
                each.problem.y[:, 0], np.where(y[rows] >= np.median(np.unique(y[rows])), 1, -1)
            )
    assert {each.problem.loss for each in seen} == set(Loss) - {Loss.SOFTMAX}  # of two columns


def test_given_builds_on_the_data_and_with_the_options():
    build = given(lambda data, extra=0: just((data, extra)))
    assert collect(build(extra=3).strategy("table"), 1) == [("table", 3)]
    assert collect(build().strategy(), 1)[0][0] is not None


def told(each):
    return f"{each.describe()} {each.start.sum().hex()} {each.problem.y.sum().hex()}"


def strategies():
    return [strategy().strategy() for strategy in (instances, collapsing, rank_one_points)]


def test_the_same_seed_draws_the_same_instances_in_another_process():
    """With other modules imported there: Hypothesis would mine constants from them."""
    here = [told(each) for strategy in strategies() for each in collect(strategy, 8, 7)]
    script = (
        "from tests.strategies.test_generators import *; [print(told(each)) for s in strategies() "
        "for each in "
        "collect(s, 8, 7)]"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    assert found.splitlines() == here and len(set(here)) == 24
