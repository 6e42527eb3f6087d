"""Every hypothesis that a certified claim keeps has a function that proves it."""

from __future__ import annotations

import pytest

from benchmarks.hypotheses import page
from ncfcheck.core.claims import registered
from ncfcheck.verifier import PROOFS, REFUTATIONS, Rejected, verify
from ncfcheck.verifier.numbers import need
from ncfcheck.verifier.registry import fact, proof, refutes
from ncfcheck.verifier.witnesses import _prove
from tests.support import ROOT
from tests.support.certified import FOLDER, witness

TABLES = [(REFUTATIONS, id) for id in REFUTATIONS] + [(PROOFS, id) for id in PROOFS]
KEPT = [(id, name, each) for known, id in TABLES for name, each in known[id].keeps.items()]


def kept(id: str) -> set[str]:
    """The hypotheses of a claim; of a control those of its theorems but the one that it drops."""
    claim, all_claims = registered()[id], registered()
    theorems = [all_claims[each] for each in claim.of] or [claim]
    return {name for each in theorems for name in each.hypotheses} - {claim.drops}


@pytest.mark.parametrize("known, id", TABLES, ids=lambda value: value if type(value) is str else "")
def test_every_hypothesis_that_a_claim_keeps_and_no_other_has_its_proof(known, id):
    assert set(known[id].keeps) == kept(id)


def test_what_proves_a_hypothesis_records_that_it_did():
    assert all(hasattr(each, "__wrapped__") for _, _, each in KEPT)


def planted(monkeypatch, check, **keeps):
    """A claim whose function is `check`, asked about a stored witness."""
    monkeypatch.setattr("ncfcheck.verifier.registry.REFUTATIONS", known := {})
    refutes("planted.claim", keeps=keeps)(check)
    return _prove(known["planted.claim"], witness("control.nonuniform")["instance"], {})


def test_a_claim_that_does_not_call_the_proof_of_a_hypothesis_is_rejected(monkeypatch):
    idle = proof(lambda case: None)
    assert planted(monkeypatch, lambda case, data: idle(case), idle=idle) == []
    with pytest.raises(Rejected, match=r"“idle” is not proved$"):
        planted(monkeypatch, lambda case, data: None, idle=idle)


def test_facts_are_asked_without_the_claim_and_failures_name_the_hypothesis(monkeypatch):
    def fails(case):
        need(False, "it is not so")

    asked, run = fact(fails), proof(fails)
    for own, check in ((asked, lambda case, data: None), (run, lambda case, data: run(case))):
        with pytest.raises(Rejected, match=r"“own” is not proved: it is not so"):
            planted(monkeypatch, check, own=own)


def test_stored_witnesses_prove_all_hypotheses():
    """The registry rejects a case that lacks a record; so acceptance says that none does."""
    stored = [witness(path.stem) for path in FOLDER.glob("*.json")]
    certified = [each for each in stored if each["certificate"]]
    assert len(certified) > 50 and all(map(verify, certified))


def test_the_page_lists_what_the_registry_holds():
    """Otherwise: python -m benchmarks.hypotheses > docs/hypotheses.md."""
    assert (ROOT / "docs" / "hypotheses.md").read_text(encoding="utf-8") == page()
