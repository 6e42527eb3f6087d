"""Where hunts look: plans depend on the seed and results alone, elites stay the worst of their
strata, guided beats random.
"""

import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import strategies as st

from ncfcheck.core.claims import Inapplicable, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.encoding import decode
from ncfcheck.run.hunting import changes
from ncfcheck.run.hunting.optimisers import evolution, lines
from ncfcheck.run.hunting.search import (
    BOARD,
    FLAT,
    LAG,
    LONGEST,
    PATIENCE,
    SHARDS,
    Board,
    Climb,
    Search,
)
from ncfcheck.run.hunting.shards import (
    DRAWN,
    MUTATED,
    OPTIMISED,
    STRUCTURED,
    Point,
    ShardReport,
    stratum,
)
from ncfcheck.run.hunting.tactics import carried_out
from ncfcheck.strategies import moves
from ncfcheck.strategies.draw import draw_one


@pytest.fixture
def hunted(monkeypatch):
    """The claims of hunt_claims, by id."""
    from tests.support.hunted import only

    return only(monkeypatch)


@pytest.fixture(scope="module")
def theorems():
    load_claims()
    return registered()


def point(stratum="D=3", margin=0.5):
    return Point(stratum, margin, 0.0, f"{stratum} {margin}")


def test_a_board_keeps_the_worst_of_each_stratum_and_the_worst_strata():
    board = Board()
    for margin in (0.5, 0.2, 0.9):
        board.add(point(margin=margin))
    assert board.best["D=3"].margin == 0.2
    for number in range(BOARD + 50):
        board.add(point(f"D={number}", number / 1000))
    assert (
        len(board.best) == BOARD
        and max(each.margin for each in board.best.values()) < (BOARD + 1) / 1000
    )


def test_parents_are_mostly_bad_and_sometimes_from_strata_seldom_visited():
    board = Board()
    for number in range(100):
        board.add(point(f"D={number}", float(number)))
        board.visits[f"D={number}"] = 1000 if number != 99 else 1
    rng = np.random.default_rng(0)
    chosen = [board.chosen(rng).margin for _ in range(400)]
    assert np.median(chosen) < 10 and 99.0 in chosen


def test_an_optimisation_is_stuck_when_it_no_longer_improves_or_lasts_too_long():
    assert not Climb(point(), 0, (1.0, *(2.0,) * (PATIENCE - 1))).is_stuck
    assert Climb(point(), 0, (1.0, *(2.0,) * PATIENCE)).is_stuck
    assert (
        Climb(point(), 0, (1.0,) * FLAT).is_stuck
        and not Climb(point(), 0, (1.0,) * (FLAT - 1)).is_stuck
    )
    assert not Climb(point(), 0, tuple(np.linspace(1, 0, PATIENCE + 50))).is_stuck
    assert Climb(point(), 0, tuple(np.linspace(1, 0, LONGEST))).is_stuck


def test_lines_find_zeros_and_evolution_finds_minima():
    start = np.zeros(5)
    for method, function, enough in (
        (lines, lambda x: abs(x @ np.arange(1, 6) - 2.2) - 1e-6, 60),
        (evolution, lambda x: np.sum((x - 0.3) ** 2) - 1e-6, 1500),
    ):
        search = method(1, start)
        values = [function(next(search))]
        while values[-1] > 0 and len(values) < enough:
            values.append(function(search.send(values[-1])))
        assert values[-1] < 0, method


def explored(claim, seed, generations):
    """All shards and reports of a few generations."""
    search, plans, reports = Search(claim.id, seed), [], []
    for generation in range(generations):
        if generation >= LAG:
            search.learn(plans[generation - LAG], reports[generation - LAG])
        plans.append(search.plan(generation))
        reports.append([carried_out(claim, shard) for shard in plans[-1]])
    return plans, reports


def rows_of(reports):
    return [
        (row.spec, row.margin)
        for generation in reports
        for report in generation
        for row in report.rows
    ]


def test_the_same_seed_tests_the_same_instances_and_another_seed_others(hunted):
    claim = hunted["hunted.small_disc"]
    first, second, other = (explored(claim, seed, 5)[1] for seed in (1, 1, 2))
    assert (
        rows_of(first) == rows_of(second)
        and len(set(rows_of(first)) & set(rows_of(other))) < len(rows_of(first)) / 2
    )


def test_structured_families_and_fresh_draws_come_first_and_every_tactic_later(hunted):
    plans, reports = explored(hunted["hunted.small_disc"], 0, 4)
    assert {shard.tactic for shard in plans[0] + plans[1]} == {STRUCTURED, DRAWN}
    assert {shard.tactic for shard in plans[2]} == {STRUCTURED, DRAWN, MUTATED, OPTIMISED}
    for plan, report in zip(plans, reports):
        assert len(plan) == SHARDS and all(
            len(each.rows) == shard.count for shard, each in zip(plan, report)
        )


def test_an_optimisation_goes_on_from_generation_to_generation_where_it_stopped(hunted):
    plans, reports = explored(hunted["hunted.small_disc"], 0, 7)
    first, later = ([each for each in plans[g] if each.tactic == OPTIMISED] for g in (2, 4))
    told = [
        report.values for shard, report in zip(plans[2], reports[2]) if shard.tactic == OPTIMISED
    ]
    assert [each.told for each in later] == [tuple(values) for values in told]
    assert [each.seed for each in first] == [each.seed for each in later]
    whole = carried_out(
        hunted["hunted.small_disc"],
        msgspec.structs.replace(first[0], count=first[0].count + later[0].count),
    )
    parts = [
        report.values
        for g in (2, 4)
        for shard, report in zip(plans[g], reports[g])
        if shard.seed == first[0].seed
    ]
    assert whole.values == [value for values in parts for value in values]


def test_reports_survive_the_way_through_json(hunted):
    _, reports = explored(hunted["hunted.false"], 0, 3)
    for report in reports[-1]:
        assert msgspec.json.decode(msgspec.json.encode(report), type=ShardReport) == report
    assert any(report.found for generation in reports for report in generation)


def test_elites_hold_their_instance_and_the_choices_it_was_drawn_by(hunted):
    claim = hunted["hunted.false"]
    _, reports = explored(claim, 0, 1)
    elites = [elite for report in reports[0] for elite in report.elites]
    assert elites
    for elite in elites:
        instance = decode(elite.instance, "tests.support.hunt_claims")
        assert claim.judge(instance)[1].value == elite.margin
        assert draw_one(claim.strategy(), 0, decode(elite.choices)).instance == instance


def test_a_broken_strategy_is_counted_aloud(hunted):
    claim = replace(hunted["hunted.true"], given=st.integers().map(lambda number: 1 // 0))
    report = carried_out(claim, Search(claim.id, 0).plan(0)[-1])
    assert any("ZeroDivisionError" in reason for reason in report.errors)


def test_choices_can_be_drawn_again_and_mutations_are_draws_of_the_strategy():
    strategy = st.tuples(st.integers(3, 9), st.floats(0, 1), st.lists(st.booleans(), max_size=4))
    first = draw_one(strategy, 5)
    assert draw_one(strategy, 99, first.choices).instance == first.instance
    rng, seen = random.Random(0), set()
    for seed in range(200):
        for prefix in (first.mutated(rng), first.simplified(rng)):
            number, fraction, flags = draw_one(strategy, seed, prefix).instance
            assert 3 <= number <= 9 and 0 <= fraction <= 1 and len(flags) <= 4
            seen.add((number, fraction, *flags))
    assert len(seen) > 100 and first.instance[0] in {number for number, *_ in seen}


def test_a_strategy_that_turns_down_all_it_draws_gives_nothing():
    assert draw_one(st.integers().filter(lambda number: False), 0) is None


@pytest.mark.parametrize(
    "id",
    ["kkt.multiplier", "rank_one.sufficient", "control.signless", "conjecture.rank_one_maxima"],
)
@pytest.mark.parametrize("change", [changes.mutated, changes.snapped])
def test_changed_instances_are_ones_that_the_claims_strategy_could_have_drawn(theorems, id, change):
    claim, kept = theorems[id], 0
    for seed in range(30):
        instance = draw_one(claim.strategy(), seed).instance
        try:
            other = change(claim, instance, np.random.default_rng(seed))
        except Inapplicable:
            continue
        kept += 1
        moves.rebuilt(claim, other)
        assert other is not instance and type(other) is type(instance)
    assert kept >= 10


def test_a_start_that_is_promised_to_be_generic_is_never_made_special(theorems):
    claim = theorems["conjecture.rank_one_limits"]
    for seed in range(40):
        instance = draw_one(claim.strategy(), seed).instance
        try:
            start = changes.snapped(claim, instance, np.random.default_rng(seed)).start
        except Inapplicable:
            continue
        assert len(np.unique(np.abs(start).round(9))) > start.size / 2


def test_strata_tell_slopes_apart_by_kind_only():
    assert stratum({"D": "3", "α": "0.3,1,0,-0.5", "loss": "square"}) == "D=3 α=+10-"
    assert stratum({"mine": 2}) == "mine=2" and stratum({}) == ""
