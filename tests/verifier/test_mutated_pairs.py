"""Whatever pair of instance and certificate is accepted, the claim fails on its instance."""

from __future__ import annotations

import os

import pytest

from tests.support.mutated_pairs import wrongly_accepted

SHARE = int(os.environ.get("NCFCHECK_PAIRS", "60"))
ALL = 10_000


def check(count: int, seed: int) -> None:
    found, wrong = wrongly_accepted(count, seed)
    print(dict(found))
    told = [f"{claim}: {outcome} after {how}: {margin}" for claim, how, outcome, margin, _ in wrong]
    assert not told, "\n".join(told)
    assert found["violates"] > count / 20 and found["rejected"] > count / 5, found


def test_of_changed_pairs_those_accepted_violate_their_claim():
    check(SHARE, 3)


@pytest.mark.long
def test_of_10_000_changed_pairs_those_accepted_violate_their_claim():
    check(ALL, 4)
