"""Mistakes planted in networks, steppers and early training: caught by the claims named here, none
of which objects without it.

Those in the formulas of losses, ncf, kkt and rank_one are in `mutants`.
"""

from __future__ import annotations

import numpy as np
import pytest

from ncfcheck.core.claims import Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.networks import Network
from ncfcheck.strategies.draw import draw
from ncfcheck.theory.early import training
from ncfcheck.theory.flow import stepper
from tests.support.layered import layered

load_claims()
INSTANCES = 12


def violated(*claims: str) -> set[str]:
    """Which of the claims some instance violates."""
    found = set()
    for id in claims:
        claim = layered(registered()[id])
        outcomes = {
            claim.judge(each)[0] for each in draw(claim.strategy(), INSTANCES, 1, simplest=True)
        }
        assert outcomes != {Outcome.INAPPLICABLE}, f"{id} was never applicable"
        if Outcome.VIOLATES in outcomes:
            found.add(id)
    return found


def plant_order_too_large(patch):
    patch.setattr(Network, "order", property(lambda network: sum(network.orders) + 1))


def plant_dropped_layer_order(patch):
    patch.setattr(Network, "orders", property(lambda network: (1,) * network.depth))
    patch.setattr(Network, "order", property(lambda network: sum(network.orders)))


def plant_descent_instead_of_ascent_in_the_flow(patch):
    right = stepper.integrate

    def backwards(field, *arguments):
        code, calls, scalars, directions = right(field._replace(y=-field.y), *arguments)
        scalars[:, 3] *= -1
        return code, calls, scalars, directions

    patch.setattr(stepper, "integrate", backwards)


def plant_time_scale_of_another_order(patch):
    right = training.trained_flow

    def shifted(instance, delta, until, numerics):
        return right(instance, delta**0.5, until, numerics)

    patch.setattr(training, "trained_flow", shifted)


PLANTED = {
    plant_order_too_large: {
        "homogeneity.euler",
        "homogeneity.output_scaling",
        "homogeneity.gradient_scaling",
        "kkt.multiplier",
    },
    plant_dropped_layer_order: {"homogeneity.layer_euler", "kkt.layer_balance"},
    plant_descent_instead_of_ascent_in_the_flow: {"flow.monotone"},
    plant_time_scale_of_another_order: {"early.tracking_order"},
}


@pytest.mark.parametrize(
    ("plant", "claims"), PLANTED.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_planted_mistake_violates_the_claims_about_it(monkeypatch, plant, claims):
    plant(monkeypatch)
    assert violated(*claims) == claims


def test_the_same_claims_are_not_violated_without_a_planted_mistake():
    assert violated(*set().union(*PLANTED.values())) == set()


def test_numerics_of_an_instance_reach_the_flow():
    """The confirmation by a second integrator would be worth nothing if the claim ignored it."""
    claim = registered()["flow.direction_converges"]
    instance = next(
        each
        for each in draw(claim.strategy(), 8, 3, simplest=False)
        if claim.judge(each)[0] is Outcome.HOLDS
    )
    for name, variant in instance.confirmations():
        outcome, margin = claim.judge(variant)
        assert outcome is Outcome.HOLDS, name
        assert np.isfinite(margin.value)
    used = {variant.numerics for _, variant in instance.confirmations()}
    assert len(used) == 2 and {each.integrator for each in used} == {"compiled", "scipy"}
