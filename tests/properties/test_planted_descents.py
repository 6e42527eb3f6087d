"""Mistakes planted in the formulas of descents: a claim about them catches each."""

from __future__ import annotations

import pytest

from ncfcheck.core.claims import registered
from ncfcheck.core.loading import load_claims
from tests.support.planting import Mutant, first_violation, objection, planted

load_claims()
LADDERS, THEOREMS = "ncfcheck.theory.descent.ladders", "ncfcheck.properties.descent.theorems"
DECAY, FATES = "ncfcheck.properties.descent.decay", "ncfcheck.theory.descent.decay"
RULES, VARIATIONS = "ncfcheck.theory.descent.rules", "ncfcheck.theory.early.variations"
ORDER, CONSTANT, MOMENTUM = (
    f"descent.{each}" for each in ("tracking_order", "tracking_constant", "momentum")
)
PATH, THRESHOLD = "descent.decay_path", "descent.decay_threshold"
# Function, fragment, replacement, mistake, the claim that catches it.
MISTAKES = [
    (f"{LADDERS}:Descents.step", "self.order - 2", "self.order - 1", "D − 1 for D − 2", ORDER),
    (f"{THEOREMS}:tracking_order", "order - 2", "order - 1", "D − 1 for D − 2", ORDER),
    (f"{THEOREMS}:tracking_order", "order - 2", "order", "δ^D for δ^{D−2}", ORDER),
    (f"{LADDERS}:Descents.force", "-0.5", "-1.0", "½ dropped", CONSTANT),
    (f"{LADDERS}:Descents.force", "-0.5", "0.5", "sign of the modified equation", CONSTANT),
    (f"{LADDERS}:Descents.force", "-0.5", "-0.25", "¼ for ½", CONSTANT),
    (f"{VARIATIONS}:variation", "curved + force", "-curved + force", "sign of ∇²N", CONSTANT),
    (f"{VARIATIONS}:_first_order", "-(e @ u)", "(e @ u)", "sign of τ", CONSTANT),
    (f"{VARIATIONS}:_first_order", "(e + shift", "(e - shift", "sign of u̇τ", CONSTANT),
    (f"{THEOREMS}:constants", "(1 + memory) / (1 - memory)", "1.0", "descent's", MOMENTUM),
    (f"{THEOREMS}:constants", "(1 + memory) / (1", "1 / (1", "no 1 + β", MOMENTUM),
    (f"{THEOREMS}:constants", ", memory / (1 -", ", 0 * memory / (1 -", "no lateness", MOMENTUM),
    (f"{THEOREMS}:constants", "stronger * delay + late", "delay + late", "times", MOMENTUM),
    (f"{RULES}:Rule.pace", "self.step / (1 - self.memory)", "self.step", "h for H", MOMENTUM),
    (f"{LADDERS}:Decayed.__init__", "-math.log1p(-share)", "share", "t for τ", PATH),
    (f"{LADDERS}:Decayed.__init__", "self.decay * self.end", "0.0", "no shrinking", PATH),
    (f"{LADDERS}:Decayed.__init__", "/ ((self.order - 2) * self.decay)", "/ self.decay", "t", PATH),
    (f"{DECAY}:escape", "((order - 2) * time.value)", "time.value", "no D − 2", THRESHOLD),
    (f"{DECAY}:escape", "((order - 2) *", "(order * (order - 2) *", "D more", THRESHOLD),
    (f"{FATES}:fate", "- decay * pace", "- 0.9 * decay * pace", "a weaker decay", THRESHOLD),
    (f"{FATES}:fate", "-(order - 2) * log_r", "-(order - 1) * log_r", "D − 1 in dt", THRESHOLD),
]
MUTANTS = [Mutant(*mistake[:4], mistake[4:]) for mistake in MISTAKES]
DRAWN = 12  # instances among which each is caught


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_planted_mistake_about_descents_is_caught(mutant, monkeypatch):
    (id,) = mutant.claims
    with planted(mutant, monkeypatch):
        found = first_violation(registered()[id], drawn=DRAWN)
    assert objection(registered()[id], found), found


@pytest.mark.parametrize("id", [ORDER, CONSTANT, MOMENTUM, PATH, THRESHOLD])
def test_none_objects_without_a_mistake(id):
    assert not objection(registered()[id], first_violation(registered()[id], drawn=DRAWN))
