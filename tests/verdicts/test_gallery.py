"""The gallery: every committed witness still violates its claim, and the verifier accepts every
certificate.
"""

import json

import pytest

from ncfcheck.core.claims import CONTROL, Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.verdicts import witness
from ncfcheck.verifier import verify
from tests.support import ROOT

load_claims()
FOLDER = ROOT / "reports" / "counterexamples"
GALLERY = {path.stem: path for path in sorted(FOLDER.glob("*.json"))}


@pytest.mark.parametrize("name", GALLERY)
def test_every_witness_still_violates_its_claim(name):
    found = witness.replay(witness.read(GALLERY[name]))
    assert found.outcome is Outcome.VIOLATES


@pytest.mark.parametrize("name", GALLERY)
def test_every_witness_of_a_claim_with_an_exact_counterpart_carries_a_certificate_that_is_accepted(
    name,
):
    document = json.loads(GALLERY[name].read_text(encoding="utf-8"))
    if registered()[document["claim"]].refute is not None:
        assert verify(document)
    else:
        assert document["certificate"] is None


def test_every_control_is_in_the_gallery():
    shown = {json.loads(path.read_text(encoding="utf-8"))["claim"] for path in GALLERY.values()}
    assert {id for id, claim in registered().items() if claim.kind is CONTROL} <= shown
