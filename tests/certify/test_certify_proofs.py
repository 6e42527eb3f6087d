"""Conclusions of theorems about flows, proved on one small instance; and never taken for
refutations.
"""

from __future__ import annotations

import copy
import functools
import json

import pytest

from ncfcheck.certify import Certificate, Undecided, document, prove
from ncfcheck.core.claims import THEOREM, Kind, Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.report import words
from ncfcheck.run.batches import check_batch, cut
from ncfcheck.verdicts.results import conclude
from ncfcheck.verdicts.tallies import Tally
from ncfcheck.verifier import PROOFS, Rejected, verify
from tests.support import certified
from tests.support.certified import small, statement
from tests.support.planting import in_verifier, planted
from tests.support.through_kinks import CROSSES, SLIDES, drawn

load_claims()
is_rejected = functools.partial(certified.is_rejected, claims=PROOFS)
NEGATIVE = {"early.collapse", "flow.balance"}  # proved on a ray of a negative KKT point


KINKED = {
    "kinks.monotone": SLIDES,
    "kinks.blowup_bracket": drawn((2, 2, 2, 1), (0.2, 0.2), 6, 4),
    "two_homogeneous.norm_bracket": CROSSES,
}


def instance_of(id: str):
    """The instance that a conclusion is proved on."""
    if id in KINKED:
        return KINKED[id]
    return small("control.wrong_labels_collapse" if id in NEGATIVE else "control.large_init")[1]


@functools.cache
def _proof(id: str) -> str:
    claim, instance = registered()[id], instance_of(id)
    assert claim.judge(instance)[0] is Outcome.HOLDS
    found = prove(claim, instance, seconds=60)
    assert isinstance(found, Certificate), found
    return json.dumps(document(claim, instance, found))


@pytest.mark.parametrize("id", PROOFS)
def test_the_conclusion_is_proved_on_a_small_instance_and_is_no_refutation(id):
    found = json.loads(_proof(id))
    assert registered()[id].kind is THEOREM and verify(found, PROOFS).startswith(
        statement(PROOFS[id])
    )
    with pytest.raises(Rejected, match="no certificates are known"):
        verify(found)


@pytest.mark.parametrize("id", PROOFS)
def test_what_is_left_out_of_a_proof_or_taken_from_other_labels_is_missed(id):
    found = json.loads(_proof(id))
    for name in found["certificate"]["data"]:
        other = copy.deepcopy(found)
        del other["certificate"]["data"][name]
        # Windows without an ε say less, which is enough for some.
        assert is_rejected(other) or (
            name in ("epsilon", "times", "norms") and id.startswith("flow.")
        )
    found["instance"]["problem"]["y"]["array"][0][0] = (-1.25).hex()
    assert is_rejected(found)


@pytest.mark.parametrize(
    "id", ("early.norm_stays_small", "early.direction_aligns", "early.alignment_before_escape")
)
def test_a_conclusion_that_a_flow_does_not_meet_is_not_proved(id):
    found = json.loads(_proof(id))
    data = found["certificate"]["data"]
    low, high = (float.fromhex(each) for each in data["norms"])
    changes = [
        ("norms", [(0.5 * low).hex(), (0.5 * high).hex()]),
        ("norms", [(2 * low).hex(), (2 * high).hex()]),
    ]
    changes += [
        ("epsilon", (0.9 * float.fromhex(data["epsilon"])).hex()),
        ("epsilon", (1.1 * float.fromhex(data["epsilon"])).hex()),
    ]
    changes += [
        ("rungs", data["rungs"][:1]),
        ("rungs", data["rungs"][::-1]),
        ("rungs", data["rungs"][:1] * 2),
        ("ncf", data["rungs"][0]["loss"]),
    ]
    for name, value in changes:
        other = copy.deepcopy(found)
        other["certificate"]["data"][name] = value
        assert is_rejected(other), (name, value)


@pytest.mark.parametrize(
    "id", ("early.norm_stays_small", "early.direction_aligns", "early.alignment_before_escape")
)
def test_a_conclusion_about_another_epsilon_than_the_instances_is_not_proved(id, monkeypatch):
    found = json.loads(_proof(id))
    fraction = float.fromhex(found["instance"]["fraction"]["float"])
    found["instance"]["fraction"]["float"] = (fraction / 2).hex()
    assert is_rejected(found)
    left_out = in_verifier("windows:own_limit", "need_epsilon(case, window)", "pass", "left out")
    with planted(left_out, monkeypatch):
        assert not is_rejected(found)


def test_a_norm_collapses_up_to_the_time_that_the_instance_asks_for(monkeypatch):
    """Tubes end too early for another `fraction`, or for an ε that is said to be the claim's."""
    found = json.loads(_proof("early.collapse"))
    data = found["certificate"]["data"]
    steps = [len(each["loss"]) for each in data["rungs"]]
    for each in data["rungs"]:
        each["loss"] = each["loss"][:-1]
    assert is_rejected(found) and min(steps) > 1
    data["epsilon"] = (0.9).hex()
    assert is_rejected(found)
    left_out = in_verifier(
        "early:collapse", "need_least(case, data, epsilon", "(epsilon", "left out"
    )
    with planted(left_out, monkeypatch):
        assert not is_rejected(found)


def test_a_slope_of_another_order_is_not_proved():
    found = json.loads(_proof("early.tracking_order"))
    first, second = found["certificate"]["data"]["flows"]
    for flows in ([second, first], [first, first], [second, second]):
        found["certificate"]["data"]["flows"] = flows
        assert is_rejected(found)


@pytest.mark.parametrize("id", ("flow.monotone", "flow.balance"))
def test_a_flow_that_ends_before_its_norm_has_changed_is_missed(id):
    found = json.loads(_proof(id))
    for name in {"ncf", "loss"} & set(found["certificate"]["data"]):
        other = copy.deepcopy(found)
        other["certificate"]["data"][name] = other["certificate"]["data"][name][:3]
        assert is_rejected(other), name


def test_times_at_which_the_value_is_not_near_its_limit_say_nothing_of_the_rate():
    found = json.loads(_proof("flow.blowup_rate"))
    first, last = found["certificate"]["data"]["late"]
    for late in (
        [first, first],
        [(0.0).hex(), last],
        [first],
        [last, (2 * float.fromhex(last)).hex()],
    ):
        found["certificate"]["data"]["late"] = late
        assert is_rejected(found), late


@pytest.mark.parametrize(
    "id, of, fragment, replacement",
    [
        (
            "flow.monotone",
            "flow:monotone",
            "dot(x, G) * case.net.order",
            "dot(x, G) * (case.net.order + 1)",
        ),
        ("flow.monotone", "flow:monotone", "dot(G, G) * dot(x, x) -", "dot(G, G) -"),
        ("flow.balance", "identities:balances", "* net.laws[l][0]", ""),
        ("flow.balance", "identities:balances", "dot(row, V[l][j]) -", "dot(row, V[l][j]) +"),
        (
            "flow.blowup_rate",
            "flow:blowup",
            "(case.net.order * (case.net.order - 2))",
            "(case.net.order * (case.net.order - 1))",
        ),
        ("flow.blowup_rate", "flow:blowup", "first + size * ", "first + 1.1 * size * "),
        (
            "flow.blowup_rate",
            "flow:blowup_rate",
            "power(size, order - 2)",
            "power(size, order - 1)",
        ),
    ],
)
def test_a_law_that_is_another_holds_along_no_flow(id, of, fragment, replacement, monkeypatch):
    found = json.loads(_proof(id))
    with planted(in_verifier(of, fragment, replacement, "another law"), monkeypatch):
        assert is_rejected(found)


def test_a_claim_without_an_exact_counterpart_is_not_proved():
    claim, instance = small("control.large_init")
    assert prove(claim, instance) == Undecided("no exact counterpart of this claim")


def test_a_run_that_certifies_says_on_how_many_instances_the_conclusion_is_proved():
    claim = registered()["flow.direction_converges"]
    tally = check_batch(cut([claim], 6)[0], 0, certify=True).tallies[claim.id]
    assert tally.proved + tally.unproved.total() == tally.holds > 0
    told = words.proved(conclude(claim, tally))
    assert told == f"certified on {tally.proved} of {tally.applicable}"
    assert not words.proved(conclude(claim, Tally(holds=3)))
    assert claim.kind is Kind.THEOREM
