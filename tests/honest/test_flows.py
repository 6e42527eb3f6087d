"""Margins of claims about flows hold the truth; bars that are too small are found out."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tests.honest.flow_bars import Found, claims, hold

WRONG = Found.OUTSIDE, Found.ERROR
IDS = [claim.id for claim in claims()]


def outside(id: str, count: int, seed: int, meanwhile=nullcontext) -> list[str]:
    """Instances of a claim whose margin is off by more than its error, judged in a context."""
    (claim,) = claims(id)
    with meanwhile():
        found = list(hold(claim, count, seed))
    assert any(each.found is Found.HONEST for _, _, each in found) or meanwhile is not nullcontext
    return [f"{name} {each}" for name, _, each in found if each.found in WRONG]


def test_margins_of_flows_are_within_their_errors_of_the_truth():
    for claim in claims():
        assert not [each for _, _, each in hold(claim, 2, 0) if each.found in WRONG]


@pytest.mark.long
@pytest.mark.parametrize("id", IDS)
def test_many_margins_of_flows_are_within_their_errors_of_the_truth(id):
    assert not outside(id, 25, 1)
