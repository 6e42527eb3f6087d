"""Theorems that a mistake in the verifier makes false are refuted: it knows what would refute each
that can be.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from ncfcheck.certify import Certificate, certify
from ncfcheck.core.claims import Kind, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.strategies.draw import draw
from tests.support.layered import layered
from tests.support.planting import Mutant, planted

load_claims()
MODEL = "ncfcheck.model.ncf"
EXACT, PLACES = "ncfcheck.properties.kkt.exact", "ncfcheck.theory.rank_one.points"
THEOREMS = "ncfcheck.properties.kkt.theorems"
IDENTITIES, KKT, STRUCTURES = (
    f"ncfcheck.verifier.{each}" for each in ("identities", "kkt", "structures")
)
# Theorem → (function, fragment, replacement) that make it false.
FALSE = {
    "homogeneity.euler": [
        (f"{IDENTITIES}:euler_fails", "net.order", "(net.order + 1)"),
    ],
    "homogeneity.layer_euler": [
        (f"{IDENTITIES}:layers_fail", "net.orders", "net.orders[::-1]"),
    ],
    "homogeneity.output_scaling": [
        (f"{IDENTITIES}:outputs_fail", "net.order", "net.order + 1"),
    ],
    "homogeneity.gradient_scaling": [
        (f"{IDENTITIES}:gradients_fail", "net.order - 1", "net.order"),
    ],
    "kkt.multiplier": [
        (
            f"{THEOREMS}:multiplier_at",
            "ncf.network.order * point",
            "(ncf.network.order + 1) * point",
        ),
        (f"{KKT}:multiplier", "small.order", "(small.order + 1)"),
    ],
    "kkt.layer_balance": [
        (f"{THEOREMS}:layer_balance_at", "np.array(", "2 * np.array("),
        (f"{IDENTITIES}:unbalanced_layers", "dot(theta, theta) * p", "dot(theta, theta) * (2 * p)"),
    ],
    "kkt.neuron_balance": [
        (f"{MODEL}:balances", "- network.powers[l]", "+ network.powers[l]"),
        (f"{IDENTITIES}:balances", "- dot(*columns)", "+ dot(*columns)"),
    ],
    "kkt.negative_unstable": [
        (f"{EXACT}:negative_unstable", "value(u) > 0", "value(u) < 0"),
        ("ncfcheck.certify.kkt_points:negative", "value < 0, ", "value > 0, "),
        (f"{THEOREMS}:negative_unstable", "point.value < 0", "point.value > 0"),
        ("ncfcheck.verifier.kkt_points:negative", "value < 0", "value > 0"),
        (
            f"{KKT}:negative_unstable",
            "hessian(), -own, theta, lift",
            "hessian(), own, theta, -lift",
        ),
    ],
    "rank_one.sufficient": [
        (f"{PLACES}:balanced_norms", "network.orders)", "network.orders[::-1])"),
        (f"{STRUCTURES}:placed", "in case.net.orders]", "in case.net.orders[::-1]]"),
    ],
    "rank_one.perturbed_fails": [
        (f"{STRUCTURES}:exact_kkt", "len(ratios) == 1 and", ""),
    ],
    "rank_one.mixed_sign_even_p": [
        (f"{PLACES}:mixed_point", "(-1 / (power - 1))", "(-1 / power)"),
        (f"{STRUCTURES}:mixing", "max(case.powers[l] - 1, 1)", "case.powers[l]"),
    ],
}


def certified(id: str):
    """A certificate that the theorem fails on one of thirty instances, or why there is none."""
    claim, found = layered(registered()[id]), None
    for instance in draw(claim.strategy(), 30, 0, simplest=False):
        found = certify(claim, instance, seconds=2)
        if isinstance(found, Certificate):
            return found
    return found


def test_every_theorem_with_an_exact_counterpart_is_made_false():
    theorems = [each for each in registered().values() if each.kind is Kind.THEOREM]
    assert {each.id for each in theorems if each.refute} == FALSE.keys()


@pytest.mark.parametrize("id", FALSE)
def test_a_false_theorem_is_refuted(id, monkeypatch):
    with ExitStack() as stack:
        for of, fragment, replacement in FALSE[id]:
            mutant = Mutant(of, fragment, replacement, "", ())
            stack.enter_context(planted(mutant, monkeypatch))
        assert isinstance(certified(id), Certificate), certified(id)
