"""General claims on models that are no layered networks: on a network that hides its layers each
says what it says of the network; of other models none is false, and what is not about them says so.
"""

from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.certify import Undecided, certify, prove
from ncfcheck.core.claims import CONTROL, Kind, Outcome, claim, forget, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.needs import Need
from ncfcheck.model.networks import dense
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from tests.support.foreign import Gated, GatedEvaluation, MatrixSensing, instance_on, wrapped
from tests.support.layered import layered

load_claims()
CLAIMS = registered()
GENERAL = [id for id, each in CLAIMS.items() if not each.needs & {Need.LAYERED, Need.INHOMOGENEOUS}]
TWO = [id for id in GENERAL if Need.QUADRATIC in CLAIMS[id].needs]
THEOREMS = [id for id in GENERAL if CLAIMS[id].kind is Kind.THEOREM and id not in TWO]
GATED, SENSING = Gated(3, 2), MatrixSensing(2)


def test_claims_without_layers_are_those_about_homogeneity_flows_and_early_training():
    chapters = {id.split(".")[0] for id in THEOREMS}
    assert chapters == {"homogeneity", "flow", "early", "descent", "kkt"}
    assert len(THEOREMS) == 25
    assert {"conjecture.kinks_align", "control.wrong_target", "control.order"} <= set(GENERAL)
    assert all(CLAIMS[id].suits(GATED) for id in THEOREMS)


@pytest.mark.parametrize("id", GENERAL)
def test_a_network_that_hides_its_layers_is_judged_as_the_network(id):
    each = CLAIMS[id]
    # Flows through kinks need layers.
    given = instances(powers=((1,),)) if id in TWO else layered(each)
    for instance in draw(given.strategy(), 2, 5, simplest=False):
        (outcome, margin), (found, other) = each.judge(instance), each.judge(wrapped(instance))
        assert found is outcome, (instance.describe(), margin, other)
        # Where Python computes gradients descents have fewer steps, and may be taken up later.
        told = id.startswith("descent.") or "[" in margin.note or "e-" in margin.note
        assert margin.note == other.note or told
        if outcome in (Outcome.HOLDS, Outcome.VIOLATES) and id != "flow.blowup_rate":
            apart = 10 * (margin.error + other.error) + 1e-9
            assert abs(margin.value - other.value) <= apart, (margin, other)


@pytest.mark.parametrize("model", [GATED, SENSING], ids=str)
@pytest.mark.parametrize("id", THEOREMS)
def test_no_general_theorem_is_violated_on_a_model_of_another_kind(id, model):
    start = "negative-kkt" if id == "early.collapse" else "gaussian"
    outcomes = []
    for seed in range(2):
        parts = {"loss": "logistic"} if seed % 2 else {}
        instance = instance_on(model, seed, start, **parts)
        outcomes.append(CLAIMS[id].judge(instance)[0])
    assert Outcome.VIOLATES not in outcomes
    assert Outcome.HOLDS in outcomes, outcomes


@pytest.mark.parametrize("id", TWO)
def test_theorems_about_order_two_hold_on_products_of_two_matrices(id):
    outcomes = [CLAIMS[id].judge(instance_on(MatrixSensing(2, 2), seed))[0] for seed in range(3)]
    assert Outcome.VIOLATES not in outcomes and Outcome.HOLDS in outcomes
    assert CLAIMS[id].judge(instance_on(GATED, 1))[1].note == "the model lacks an order D = 2"


@pytest.mark.parametrize("id", ["kkt.sign_flip", "kkt.negative_unstable", "flow.blowup_rate"])
def test_a_group_of_order_1_in_which_a_model_is_not_odd_is_not_flipped(id, monkeypatch):
    def rectified(on_data, w):
        return np.abs(plain(on_data, w))

    instance = next(
        each
        for each in (instance_on(GATED, seed) for seed in range(9))
        if CLAIMS[id].judge(each)[0] is Outcome.HOLDS and each.ncf.value(each.start) > 0
    )
    plain = GatedEvaluation.outputs
    monkeypatch.setattr(GatedEvaluation, "outputs", rectified)
    outcome, margin = CLAIMS[id].judge(instance)
    if id == "flow.blowup_rate":  # there it is one part of several
        assert outcome is Outcome.HOLDS
    else:
        assert outcome is Outcome.INAPPLICABLE and "odd" in margin.note


NEEDED = {
    "rank_one.sufficient": (GATED, "layers and neurons"),
    "kkt.neuron_balance": (GATED, "layers and neurons"),
    "flow.blowup_bracket": (MatrixSensing(2, 2), "an order D > 2"),
    "conjecture.kinks_align": (GATED, "a gradient with kinks"),
}


@pytest.mark.parametrize("id", NEEDED)
def test_what_a_model_lacks_is_told_and_nothing_is_computed(id):
    model, words = NEEDED[id]
    outcome, margin = CLAIMS[id].judge(instance_on(model, 1))
    assert outcome is Outcome.INAPPLICABLE and margin.note == f"the model lacks {words}"
    assert not CLAIMS[id].suits(model)


def test_groups_without_an_order_are_left_out():
    hidden = Gated(3, 2, hidden=True)
    instance = instance_on(hidden, 2)
    for id in ("homogeneity.layer_euler", "kkt.layer_balance", "flow.balance"):
        assert CLAIMS[id].suits(hidden) and CLAIMS[id].judge(instance)[0] is Outcome.HOLDS
    one = replace(instance, problem=replace(instance.problem, network=OneGroup(3, 2)))
    assert not CLAIMS["kkt.negative_unstable"].suits(one.network)


class OneGroup(Gated):
    """Gated, with no orders told but one."""

    @property
    def groups(self):
        """Outputs alone have one."""
        b, a, v = super().groups
        return replace(b, order=None), replace(a, order=None), v


MISTAKES = {
    "factor of a group": (lambda b, a, v: (2 * b, a, v), "homogeneity.euler"),
    "order of a group": (lambda b, a, v: (1.5 * b, a / 3, v), "homogeneity.layer_euler"),
    "no gradient of a group": (lambda b, a, v: (b, 0 * a, v), "homogeneity.layer_euler"),
    "sign of a group": (lambda b, a, v: (b, a, -v), "homogeneity.euler"),
    "sign": (lambda b, a, v: (-b, -a, -v), "flow.monotone"),
    "a part that does not belong": (lambda b, a, v: (b, a, v + 0.1 * a[0, 0]), "homogeneity.euler"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_pull_back_is_found(mistake, monkeypatch):
    wrong, id = MISTAKES[mistake]
    plain = GatedEvaluation.pull_back

    def pull_back(on_data, w, r):
        value, gradient = plain(on_data, w, r)
        parts = wrong(*on_data.model.parts(gradient).values())
        return value, np.concatenate([part.ravel() for part in parts])

    monkeypatch.setattr(GatedEvaluation, "pull_back", pull_back)
    outcomes = {CLAIMS[id].judge(instance_on(GATED, seed))[0] for seed in range(4)}
    assert Outcome.VIOLATES in outcomes


def test_no_certificates_are_looked_for():
    instance = instance_on(GATED, 1)
    for found in (
        certify(CLAIMS["homogeneity.euler"], instance),
        prove(CLAIMS["flow.monotone"], instance),
    ):
        assert isinstance(found, Undecided) and "about layered networks" in found.reason


def test_claims_of_the_users_own_say_what_they_need():
    def stated(**needs):
        @claim("own.needs", kind=CONTROL, reference="-", given=instances(), **needs)
        def own(instance):
            """A claim."""

        found = registered()["own.needs"]
        forget(own.__module__)
        return found

    assert stated().suits(GATED) and stated().suits(dense((1, 1, 1), (2,), (0.0,)))
    assert not stated(needs="layered").suits(GATED)
    assert stated(needs=("superquadratic", Need.GROUPS)).suits(GATED)
    with pytest.raises(ValueError, match=r"needs is one of 'layered', .*, not 'neurons'"):
        stated(needs="neurons")
