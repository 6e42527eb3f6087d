"""Samples of margins, and pairs of strata."""

import random

from ncfcheck.core.claims import Margin, Outcome
from ncfcheck.core.coverage import coarse, pairs
from ncfcheck.verdicts.sample import Sample
from ncfcheck.verdicts.tallies import Tally


def sample(numbers, size=10):
    found = Sample(size)
    for number in numbers:
        found.add(f"instance {number}", number, 0.1)
    return found


def test_a_sample_does_not_depend_on_the_order_of_instances():
    numbers = list(range(100))
    random.Random(0).shuffle(numbers)
    assert sample(numbers).margins == sample(range(100)).margins
    assert len(sample(numbers).margins) == 10


def test_samples_add_up_to_the_sample_of_all():
    whole = sample(range(100))
    for cut in (0, 3, 50, 98):
        part = sample(range(cut))
        part += sample(range(cut, 100))
        assert part.margins == whole.margins


def test_a_sample_is_no_biased_choice():
    values = [value for value, _ in sample(range(10_000), 500).margins]
    assert 4500 < sum(values) / 500 < 5500


def test_a_tally_keeps_the_margins_and_the_lowest_cases_of_both_that_are_added():
    one, other = Tally(), Tally()
    for i in range(20):
        margin = Margin(float(i % 7) - 2, 0.5)
        (one if i < 9 else other).record(margin.outcome, margin, i)
    one.record(Outcome.UNRESOLVED, Margin(float("nan"), float("inf"), "why"), 99)
    one += other
    assert len(one.margins.margins) == 20
    assert [case.value for case in one.lowest] == [-2, -2, -2, -1, -1]
    assert (one.lowest[0].instance, one.worst) == ("0", one.lowest[0])


def test_pairs_count_classes_that_are_coarse():
    found = dict(pairs({"D": 7, "p": "1,4,2", "α": "0.5,-0.1,1", "data": "fan", "loss": "square"}))
    assert (
        found["D × p"] == "7 × 4"
        and found["p × α"] == "4 × α < 0"
        and found["α × data"] == "α < 0 × fan"
    )
    assert len(found) == 6
    assert [coarse("α", text) for text in ("1,1", "0,1", "0.2", "?")] == [
        "linear",
        "ReLU, α = 0",
        "0 < α < 1",
        "?",
    ]
    assert pairs({"D": 3}) == [] and pairs({}) == []
