"""Margins of claims about flows hold the truth, and bars that are too small are found out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import Margin, Outcome
from ncfcheck.core.tolerances import LOOSER, Numerics
from ncfcheck.properties.early import model_controls, theorems
from ncfcheck.properties.early.margins import grown_window, misalignment
from ncfcheck.properties.flow import margins
from ncfcheck.properties.flow.instances import convolved, every_balance
from ncfcheck.theory.early import tracking, variations
from ncfcheck.theory.early.training import Window
from ncfcheck.theory.kkt import points
from tests.honest.flow_bars import FINE, Found, claims, held, hold
from tests.honest.precise import forget_flows
from tests.honest.stored import stored

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
    "name, planted",
    [
        # What runs at several tolerances differ by, where labels cancel.
        ("flow.blowup_bracket 5-742", [(Numerics, "runs", lambda each: [each] * 3)]),
        # Past a saddle loss flows take steps, and make errors, of their own.
        ("early.tracking_constant 11-87", [(tracking, "_floor", lambda *_: np.full(2, 1e-12))]),
        # Weights of 1e-11 decide where a flow goes, and so what the variational equation is about.
        (
            "early.tracking_constant 1-812",
            [(variations, "EPS", 1e-9), (variations, "_refuse_other_ends", lambda *_: None)],
        ),
        # Where ∇N dies like a high power of the distance, the limit is far from where it has died.
        (
            "early.collapse 1-230",
            [(points.Limit, "end", property(lambda limit: (limit.point.u, 0.0)))],
        ),
        # Rounding of v where ∇N is a billionth of what it becomes is the same in all runs.
        ("flow.blowup_bracket 11-4172", [(points, "ASIDE", 0.0)]),
        # Past a saddle two runs go the same wrong way.
        ("control.biases_early 1-25", [(model_controls, "PRECISIONS", (1e-6, 3e-5))]),
    ],
)
def test_an_error_that_leaves_a_part_out_is_found_out(name, planted, monkeypatch):
    (claim,), instance = claims(name.split()[0]), stored(name)
    assert held(claim, instance).found not in WRONG
    for module, function, value in planted:
        monkeypatch.setattr(module, function, value)
    assert held(claim, instance).found is Found.OUTSIDE


@pytest.mark.parametrize(
    "name",
    [
        "control.kinks 5-28",
        "early.collapse 5-119",
        "flow.monotone 5-214",
        "flow.blowup_rate 11-713",
    ],
)
def test_starts_on_kinks_or_next_to_saddles_and_limits_passed_by_have_honest_bars(name):
    (claim,) = claims(name.split()[0])
    assert held(claim, stored(name)).found is Found.HONEST


def test_an_event_that_a_step_taken_again_misses_by_rounding_is_at_its_end():
    (claim,) = claims("early.norm_stays_small")
    assert held(claim, stored("early.norm_stays_small 11-332")).found not in WRONG


def test_flows_at_a_tighter_tolerance_are_held_against_a_window_of_their_own(monkeypatch):
    (claim,) = claims("early.direction_aligns")
    instance = stored("early.direction_aligns tighter")
    assert held(claim, instance).found not in WRONG
    window, loose = theorems.conditioned_window, instance.numerics
    monkeypatch.setattr(
        theorems, "conditioned_window", lambda each: window(replace(each, numerics=loose))
    )
    assert held(claim, instance).found is Found.OUTSIDE


def test_where_a_gradient_dies_is_in_the_bars_of_what_is_looked_at_until_then(monkeypatch):
    shared = convolved(stored("control.shared_conserved 1-402"))

    def is_within() -> bool:
        one, other = (
            margins.conserved(replace(shared, numerics=Numerics(tolerance)), every_balance)
            for tolerance in (1e-9, 1e-10)
        )
        return abs(one.value - other.value) <= one.error + other.error

    assert is_within()
    monkeypatch.setattr(margins, "_last", lambda flow, values: 0.0)
    assert not is_within()


def test_a_start_of_which_shared_weights_leave_nothing_is_not_judged():
    (claim,) = claims("control.shared_conserved")
    instance = stored("control.shared_conserved nothing left")
    start = np.zeros(instance.start.size)
    start[instance.network.slices[0].stop - 1] = 1.0
    assert claim.judge(replace(instance, start=start))[0] is Outcome.INAPPLICABLE


def test_rounding_of_alignments_is_in_the_bars_of_windows_that_start_next_to_a_limit(monkeypatch):
    (claim,) = claims("early.alignment_before_escape")
    instance = stored("early.alignment_before_escape 1-570")
    window = grown_window(instance)
    off = abs(misalignment(window.flow, window.limit.point.u) / window.epsilon - 1)
    assert off <= window.rounding < theorems.VANISHING
    monkeypatch.setattr(theorems, "BY_CHANCE", 0.0)  # what integrators lose says more by chance
    assert claim.judge(instance)[1].error > off
    monkeypatch.setattr(Window, "rounding", 0.0)
    assert claim.judge(instance)[1].error < off


def test_flows_that_a_looser_tolerance_takes_elsewhere_are_judged_from_later(monkeypatch):
    (claim,) = claims("early.direction_aligns")
    instance = stored("early.direction_aligns 0-744")  # starts next to a saddle
    assert held(claim, instance).found not in WRONG
    monkeypatch.setattr(theorems, "BY_CHANCE", 1.0)

    def to_the_same_end(setting, instance, delta):
        found = setting(instance)
        return found.excess(theorems.follow(instance, delta, found.until, LOOSER))

    monkeypatch.setattr(theorems, "_anew", to_the_same_end)
    assert held(claim, instance).found is Found.OUTSIDE


def test_rounding_of_the_gradient_is_in_the_bars_of_blow_up_times(monkeypatch):
    instance = stored("flow.blowup_bracket 31-3377 in another order")

    def known():
        forget_flows()
        return points.blowup_time(instance.ncf, instance.start, instance.numerics)[0]

    with FINE.entered():
        truth = known().value
    assert abs(known().value - truth) <= known().error
    monkeypatch.setattr(points, "noise", lambda *_: 0.0)
    assert abs(known().value - truth) > known().error
