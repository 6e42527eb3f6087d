"""The linearised departure of the loss flow from the NCF flow, and the mistakes in it that the
claim catches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ncfcheck.core.claims import Outcome, registered
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.properties.early import tracking  # noqa: F401  registers the claim
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.tracking import RADIUS, departures, loss_force, predicted
from ncfcheck.theory.early.variations import variation
from ncfcheck.theory.flow.trajectories import ncf_flow, norm_reaches


def instance(loss: Loss) -> Instance:
    rng = np.random.default_rng(0)
    outputs = loss.labels.fewest
    network = dense((3, 4, outputs), (2,), (0.5,))
    y, X, start = (
        rng.standard_normal((6, outputs)),
        rng.standard_normal((6, 3)),
        rng.standard_normal(network.size),
    )
    return Instance(
        Problem(network, X, loss.labels.fit(y), loss),
        start / np.linalg.norm(start),
    )


def outcomes(losses=tuple(Loss), count=8, seed=1) -> Iterator[Outcome]:
    """Of one instance after another, as they are asked for."""
    claim, drawn = registered()["early.tracking_constant"], instances(losses=losses)
    return (claim.judge(each)[0] for each in draw(drawn, count, seed, simplest=False))


@pytest.mark.parametrize("loss", Loss)
def test_the_variation_is_the_derivative_of_the_loss_flow_by_delta_to_the_order(loss):
    each = instance(loss)
    found = departures(each, 4)
    direction, delay, accuracy = predicted(each, found.reference)
    np.testing.assert_allclose(
        found.directions[2] / found.powers[2], direction, atol=1e-3 * np.linalg.norm(direction)
    )
    assert found.delays[2] / found.powers[2] == pytest.approx(delay, rel=1e-3)
    assert accuracy[0] < 1e-2 * np.linalg.norm(direction) and accuracy[1] < 1e-2 * abs(delay)


def test_the_variation_ends_where_the_flow_does():
    each = instance(Loss.SQUARE)
    reference = ncf_flow(each.ncf, each.start, each.numerics, norm_reaches(RADIUS))
    u, _ = variation(each, reference, loss_force(each, reference), 1e-8)
    np.testing.assert_allclose(u, RADIUS * reference.direction, atol=1e-6)


# Huber's second derivative is 0 for most instances: they take long to find.
SELDOM = [pytest.param(Loss.HUBER, each, marks=pytest.mark.long) for each in (0.5, -1.0)]
OFF = [(loss, 2.0) for loss in Loss] + [
    (loss, each) for loss in Loss if loss is not Loss.HUBER for each in (0.5, -1.0)
]


@pytest.mark.parametrize(("loss", "factor"), [*OFF, *SELDOM])
def test_a_second_derivative_of_the_loss_that_is_off_by_a_factor_is_caught(
    monkeypatch, loss, factor
):
    right = loss.formulas.curvature
    names = ("of", "change", "descent", "steepest", "labels_of")
    kept = {name: getattr(loss.formulas, name) for name in names}

    def wrong(x, y):
        return factor * right(x, y)

    monkeypatch.setattr(loss, "formulas", SimpleNamespace(curvature=wrong, **kept))
    assert Outcome.VIOLATES in outcomes((loss,))


def test_it_is_not_violated_without_a_mistake():
    found = set(outcomes())
    assert found <= {Outcome.HOLDS, Outcome.INAPPLICABLE, Outcome.UNRESOLVED}
    assert Outcome.HOLDS in found


@pytest.mark.parametrize("id", ["early.tracking_order", "early.tracking_constant"])
def test_without_a_second_order_of_the_loss_departures_are_0_and_that_is_what_is_claimed(id):
    """The Huber loss with all labels beyond its threshold."""
    each = instance(Loss.HUBER)
    beyond = replace(each.problem, y=each.problem.y + np.sign(each.problem.y) * 1.6)
    outcome, margin = registered()[id].judge(replace(each, problem=beyond))
    assert outcome is Outcome.HOLDS and margin.value == pytest.approx(1, abs=1e-6)
    square = replace(each, problem=replace(beyond, loss=Loss.SQUARE))
    found = departures(replace(each, problem=beyond), 4)
    assert found.outputs is not None and departures(square, 4).outputs is None
    assert (found.sizes <= found.floor).all()
