"""Margins of claims about flows hold the truth, and bars that are too small are found out."""

from __future__ import annotations

import numpy as np
import pytest

from ncfcheck.core.claims import Margin
from ncfcheck.theory.early import tracking
from ncfcheck.theory.kkt import points
from tests.honest.adversarial import adversary
from tests.honest.flow_bars import Found, claims, held, hold

WRONG = Found.OUTSIDE, Found.ERROR
IDS = [claim.id for claim in claims()]


def wrong(id: str, count: int, seed: int) -> list[str]:
    """Instances of a claim whose margin is off by more than its error."""
    (claim,) = claims(id)
    return [f"{name} {each}" for name, _, each in hold(claim, count, seed) if each.found in WRONG]


def test_margins_of_flows_are_within_their_errors_of_the_truth():
    assert not [each for id in IDS for each in wrong(id, 2, 0)]


@pytest.mark.long
@pytest.mark.parametrize("id", IDS)
def test_many_margins_of_flows_are_within_their_errors_of_the_truth(id):
    assert not wrong(id, 25, 1)


@pytest.mark.parametrize(
    "id",
    [
        "flow.blowup_bracket",
        "flow.blowup_rate",
        "early.norm_stays_small",
        "early.tracking_order",
        "early.tracking_constant",
        "control.doubled_start",
    ],
)
def test_errors_a_millionth_of_what_they_should_be_are_found_out(id, monkeypatch):
    made = Margin.__post_init__

    def boast(margin):
        made(margin)
        object.__setattr__(margin, "error", 1e-6 * margin.error)

    monkeypatch.setattr(Margin, "__post_init__", boast)
    assert wrong(id, 15, 2)


@pytest.mark.parametrize(
    "id, seed, number, module, name, planted",
    [
        # Rounding of the gradient, where labels cancel.
        ("flow.blowup_bracket", 5, 742, points, "noise", lambda *_: 0.0),
        # Past a saddle loss flows take steps, and make errors, of their own.
        ("early.tracking_constant", 11, 87, tracking, "_floor", lambda *_: np.full(2, 1e-12)),
    ],
)
def test_an_error_that_leaves_a_part_out_is_found_out(
    id, seed, number, module, name, planted, monkeypatch
):
    (claim,) = claims(id)
    _, instance = adversary(claim, claim.strategy(), number, seed)
    assert held(claim, instance).found not in WRONG
    monkeypatch.setattr(module, name, planted)
    assert held(claim, instance).found is Found.OUTSIDE
