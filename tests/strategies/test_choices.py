"""Draws by choices of our own: functions of a seed, drawn again, changed and made simpler."""

import os
import random
import subprocess
import sys
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest

from ncfcheck.core.claims import Inapplicable, registered
from ncfcheck.run.check import load_claims
from ncfcheck.run.shrinking.choices import simpler_choices
from ncfcheck.strategies.choices import (
    Draw,
    composite,
    draw_by,
    integers,
    just,
    moved,
    one_of,
    sampled_from,
    words,
)
from ncfcheck.strategies.datasets import families
from ncfcheck.strategies.draw import Unsatisfiable, draw, draw_one, drawn
from ncfcheck.strategies.instances import Given, collapsing, instances, networks
from ncfcheck.strategies.structured import mixed_points, rank_one_points

# Of strategies whose claims cover most: the first instances of seed 7, choices and description.
GOLDEN = {
    "instances": "4e240d2307d48f28",
    "collapsing": "868fafdaaf175d19",
    "rank_one_points": "8dec7b44778c0981",
    "mixed_points": "8c54e0388a00a5bb",
}
STRATEGIES = {
    "instances": instances(),
    "collapsing": collapsing(),
    "rank_one_points": rank_one_points(),
    "mixed_points": mixed_points(),
}


def told(name: str) -> list[str]:
    return [
        f"{each.choices} {each.instance.describe()}"
        for each in drawn(STRATEGIES[name].strategy(), 4, 7, simplest=True)
    ]


def digest(name: str) -> str:
    return sha256("\n".join(told(name)).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_instances_of_a_seed_are_the_ones_they_always_were(name):
    assert digest(name) == GOLDEN[name]


def test_the_instances_of_a_seed_are_the_same_in_another_process_which_never_loads_hypothesis():
    script = (
        "import sys; from test_choices import *; "
        "print(*map(digest, STRATEGIES), 'hypothesis' in sys.modules)"
    )
    here = Path(__file__).parent
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "5", "PYTHONPATH": f"{here}:{here.parent}"},
    ).stdout
    assert found.split() == [*map(digest, STRATEGIES), "False"]


def test_the_words_of_a_seed_are_32_bits_and_differ():
    first = list(islice(words(1), 100))
    assert len(set(first)) == 100 and all(0 <= word < 2**32 for word in first)
    assert first == list(islice(words(1), 100)) and not set(first) & set(islice(words(2), 100))


@pytest.mark.parametrize(("least", "most"), [(1, 3), (-10, 10), (7, 7)])
def test_small_ranges_are_drawn_evenly(least, most):
    seen = list(draw(integers(least, most), 3000, 0, simplest=False))
    share = 3000 / (most - least + 1)
    assert set(seen) == set(range(least, most + 1))
    assert all(0.7 * share < seen.count(value) < 1.4 * share for value in set(seen))


@pytest.mark.parametrize(("least", "most"), [(0, 10**6), (-(2**70), 2**70), (5, 2**32 - 1)])
def test_wide_ranges_are_met_everywhere_at_their_ends_and_near_zero(least, most):
    seen = list(draw(integers(least, most), 2000, 0, simplest=False))
    assert {least, most} <= set(seen) and all(least <= each <= most for each in seen)
    middle = (least + most) / 2
    assert 0.4 < sum(each > middle for each in seen) / 2000 < 0.6
    assert sum(abs(each - max(least, 0)) < 1000 for each in seen) > 10


def test_the_simplest_is_drawn_first_and_only_where_it_is_asked_for():
    pair = one_of(integers(-5, 9), integers(3, 7).map(str))
    assert next(draw(pair, 1, 3, simplest=True)) == 0
    assert draw_by(integers(3, 7), None).instance == 3
    assert draw_by(integers(-9, -4), None).instance == -4
    assert draw_by(sampled_from("abc"), None).instance == "a" == draw_by(just("a"), 1).instance
    assert next(draw(integers(0, 10**6), 5, 0, simplest=False)) != 0


def test_choices_that_do_not_fit_are_drawn_anew_and_those_that_lack_too():
    dice = composite(lambda draw: [draw.integer(1, 6) for _ in range(3)])()
    assert draw_one(dice, 1, (6, 6)).instance[:2] == [6, 6]
    assert draw_one(dice, 1, (7, 0.5, "x", 2)).choices == draw_one(dice, 1, (7, 2)).choices
    assert all(1 <= each <= 6 for each in draw_one(dice, 1, (99, -5, True)).instance)


def test_what_is_turned_down_is_left_out():
    @composite
    def even(draw):
        found = draw.integer(0, 10**6)
        if found % 2:
            raise Inapplicable("odd")
        return found

    assert all(each % 2 == 0 for each in draw(even(), 50, 0, simplest=False))

    @composite
    def nothing(draw):
        raise Inapplicable("never")

    assert draw_one(nothing(), 0) is None
    with pytest.raises(Unsatisfiable):
        list(draw(nothing(), 3, 0, simplest=True))


def every_strategy():
    load_claims()
    found = {claim.id: claim.given for claim in registered().values()}
    found |= {"families": families(), "networks": networks(3)}
    return {name: each for name, each in found.items()}


@pytest.mark.parametrize("name", sorted(every_strategy()))
def test_what_is_drawn_is_drawn_again_and_what_is_changed_can_be_drawn_and_keeps_its_promise(name):
    given, rng, others = every_strategy()[name], random.Random(1), 0
    strategy = given.strategy()
    for parent in drawn(strategy, 3, 5, simplest=True):
        assert draw_one(strategy, 99, parent.choices).choices == parent.choices
        for prefix in (parent.mutated(rng), parent.simplified(rng)):
            child = draw_one(strategy, 3, prefix)
            others += child.choices != parent.choices
            if isinstance(given, Given) and given.promise:
                try:
                    given.promise(child.instance, **given.options)
                except Inapplicable as reason:
                    # Of what is built on a point that a search finds, there may be none.
                    assert any(word in str(reason) for word in ("point", "slopes", "path")), reason
    assert others


def test_a_change_is_within_the_range_or_none():
    rng = random.Random(0)
    strategy = composite(lambda draw: [draw.integer(3, 9) for _ in range(4)])()
    parent = draw_one(strategy, 1)
    for _ in range(300):
        for child in (parent.mutated(rng), parent.simplified(rng)):
            assert len(child) == 4 and all(3 <= value <= 9 for value in child)
    steps = [moved(500, 0, 1000, rng) for _ in range(500)]
    assert {499, 501, 0, 1, 250, 1000} <= set(steps)


def shrunk(strategy, violates, seed=0):
    """What is left of the first draw that violates."""
    start = next(
        each for each in drawn(strategy, 500, seed, simplest=False) if violates(each.instance)
    )
    last = []
    simpler_choices(strategy, start.choices, lambda each: violates(each) and not last.append(each))
    return last[-1] if last else start.instance


@composite
def lists(draw):
    return [draw.integer(-100, 100) for _ in range(draw.integer(0, 9))]


@pytest.mark.parametrize(
    ("strategy", "violates", "expected"),
    [
        (integers(0, 10**6), lambda n: n > 900_000, 900_001),
        (integers(5, 10**6), lambda n: True, 5),
        (integers(-(10**6), 0), lambda n: n < -777, -778),
        (lists(), lambda each: sum(each) >= 10, [10]),
        (lists(), lambda each: len(each) > 3, [0, 0, 0, 0]),
        (one_of(integers(0, 9), integers(0, 9).map(str)), lambda each: each in (4, "2"), 4),
    ],
)
def test_choices_are_made_as_simple_as_can_be(strategy, violates, expected):
    assert shrunk(strategy, violates) == expected


def test_a_strategy_that_fails_on_simpler_choices_ends_nothing():
    strategy = integers(0, 100).map(lambda n: 10 // (n - 50) and n)
    assert shrunk(strategy, lambda n: n > 20) == 21


def test_a_draw_tells_what_each_choice_was_free_to_be():
    source = Draw(1)
    assert source(sampled_from("ab")) in "ab" and source.integer(2, 4) in (2, 3, 4)
    assert source.ranges == [(0, 1), (2, 4)] and len(source.values) == 2
