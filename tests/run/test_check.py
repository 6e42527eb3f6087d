"""The check loop: accounting, confirmation, reproducibility, verdicts."""

import dataclasses
import os
import signal
from collections import Counter

import msgspec
import pytest

from ncfcheck.core import claims, loading
from ncfcheck.core.claims import EXPECTED, Kind, Margin, Outcome, Verdict
from ncfcheck.core.describing import describe, one_line
from ncfcheck.core.seeds import derive
from ncfcheck.run import batches
from ncfcheck.run.batches import Batch, check_batch, cut
from ncfcheck.run.check import CheckPlan, check_claim, run
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.events import ClaimFinished, Progress, RunStarted
from ncfcheck.verdicts.judging import CONFIRMATIONS, denied, examine, unconfirmed
from ncfcheck.verdicts.report import Report, encode
from ncfcheck.verdicts.results import bound95, conclude
from ncfcheck.verdicts.tallies import Case, Tally


def results(ids, workers=1, examples=120, seed=0):
    """The results of a run, without the time they took."""
    *_, report = run(
        CheckPlan(tuple(ids), examples, seed, workers, sources=("tests.support.toy_claims",))
    )
    return [msgspec.structs.replace(result, seconds=0) for result in report.claims]


def safe(toys):
    return [id for id in toys if id.startswith("toy.")]


def test_results_do_not_depend_on_the_number_of_workers(toys):
    one, two = results(safe(toys), workers=1), results(safe(toys), workers=2)
    assert one == two
    assert [result.id for result in one] == safe(toys)


def test_the_same_seed_gives_the_same_instances_and_another_seed_gives_others(toys):
    drawn = lambda seed: results(["toy.picky", "toy.false"], seed=seed)  # noqa: E731
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_instances_do_not_depend_on_which_modules_are_imported(toys, tmp_path, monkeypatch):
    """Hypothesis, left to itself, draws constants that it finds in the sources of local modules."""
    before = results(["toy.seed", "toy.picky"], examples=400)
    constants = [f"c{i} = {i * 997 + 5}" for i in range(400)]
    (tmp_path / "full_of_numbers.py").write_text("\n".join(constants))
    monkeypatch.syspath_prepend(tmp_path)
    __import__("full_of_numbers")
    assert results(["toy.seed", "toy.picky"], examples=400) == before


def test_one_claim_alone_gives_what_it_gives_in_a_run(toys):
    alone = msgspec.structs.replace(check_claim(toys["toy.false"], 120, 3), seconds=0)
    assert results(["toy.true", "toy.false"], seed=3)[1] == alone


def test_every_claim_gets_its_number_of_applicable_instances(toys):
    assert {
        result.instances for result in results(["toy.true", "toy.picky", "toy.buggy"], examples=130)
    } == {130}


def test_inapplicable_and_unresolved_instances_are_counted_with_their_reasons(toys):
    [picky] = results(["toy.picky"], examples=200)
    assert picky.inapplicable > 200
    assert picky.why_inapplicable == {"not a multiple of 4": picky.inapplicable}
    assert picky.why_unresolved == {"a multiple of 32": picky.unresolved}
    assert 0 < picky.unresolved == picky.instances - picky.holds
    assert picky.bound95 == pytest.approx(1 - 0.05 ** (1 / picky.holds))


def test_a_claim_that_never_applies_is_unresolved(toys):
    [never] = results(["toy.never"])
    assert (never.verdict, never.instances, never.worst, never.bound95) == (
        Verdict.UNRESOLVED,
        0,
        None,
        1.0,
    )
    assert never.inapplicable > 0


def test_an_exception_in_a_claim_is_told_and_decides_nothing(toys):
    [buggy] = results(["toy.buggy"])
    assert buggy.verdict is Verdict.UNRESOLVED
    assert (buggy.errors, buggy.unresolved, buggy.instances) == (120, 0, 120)
    assert buggy.why_errors == {"ZeroDivisionError: division by zero": 120}
    assert not buggy.as_expected()


def test_an_exception_in_a_strategy_is_told_and_decides_nothing(toys):
    [result] = results(["toy.bad_strategy"])
    assert result.verdict is Verdict.UNRESOLVED
    [reason] = result.why_errors
    assert reason.startswith("while drawing: ZeroDivisionError")


def test_a_violation_that_is_not_confirmed_is_unresolved(toys):
    [result] = results(["toy.unconfirmed"])
    assert (result.violates, result.confirmed) == (0, 0)
    assert set(result.why_unresolved) == {"not confirmed by scipy"}
    assert result.unresolved + result.holds == 120
    assert result.worst.value > 0


def test_confirmed_violations_make_a_verdict_potential(toys):
    theorem, control = results(["toy.refutable", "toy.false"], examples=200)
    for result in (theorem, control):
        assert result.verdict is Verdict.POTENTIAL
        assert 0 < result.confirmed <= result.violates
        assert result.worst.value < 0
    assert not theorem.as_expected()
    assert control.as_expected(strict=True)


def test_all_variants_of_an_instance_must_violate(toys):
    class Instance:
        def __init__(self, value, *variants):
            self.value, self.variants = value, variants

        def confirmations(self):
            yield from self.variants

    claim = dataclasses.replace(
        toys["toy.true"], function=lambda instance: Margin(instance.value, 0.5)
    )
    bad = Instance(-1.0)
    assert unconfirmed(claim, Instance(-1.0, ("tight", bad), ("rescaled", bad))) == ""
    assert (
        unconfirmed(claim, Instance(-1.0, ("tight", bad), ("rescaled", Instance(-0.1))))
        == "rescaled"
    )
    outcome, margin = denied(claim, Instance(-1.0, "not a pair"), Margin(-1.0, 0.5))
    assert outcome is Outcome.ERROR and margin.note.startswith("ValueError: too many values")


def test_a_claim_false_everywhere_is_confirmed_a_few_times_and_again_when_worse(toys):
    calls = Counter()

    def function(instance):
        calls[instance] += 1
        return Margin(-instance, 0.5)

    claim, tally = dataclasses.replace(toys["toy.true"], function=function), Tally()
    for number in [1] * 20 + [2, 1]:
        examine(claim, float(number), tally)
    assert (tally.violates, tally.confirmed) == (22, CONFIRMATIONS + 1)
    assert calls == {1.0: 21 + CONFIRMATIONS, 2.0: 2}


def test_the_events_of_a_run_tell_its_start_progress_and_end(toys):
    events = list(
        run(CheckPlan(("toy.true", "toy.picky"), 120, 5, sources=("tests.support.toy_claims",)))
    )
    assert (
        isinstance(events[0], RunStarted)
        and events[0].seed == events[-1].seed == 5
        and "hypothesis" in events[-1].versions
    )
    assert isinstance(events[-1], Report) and not events[-1].stopped
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done) and done[-1] == 240
    assert {event.result.id for event in events if isinstance(event, ClaimFinished)} == {
        "toy.true",
        "toy.picky",
    }


def test_an_interrupted_run_ends_with_what_was_found(toys, ctrl_c):
    def interrupt(number):
        signal.raise_signal(signal.SIGINT)

    claims._registry["toy.picky"] = dataclasses.replace(toys["toy.picky"], function=interrupt)
    *_, report = run(
        CheckPlan(("toy.true", "toy.picky"), 20, sources=("tests.support.toy_claims",))
    )
    assert report.stopped == "interrupted"
    assert [result.id for result in report.claims] == ["toy.true"]


def test_a_dead_worker_ends_the_run_and_is_named(toys):
    *_, report = run(
        CheckPlan(
            ("toy.true", "lethal.killer"), 20, workers=2, sources=("tests.support.toy_claims",)
        )
    )
    assert "a worker process died" in report.stopped and "lethal.killer" in report.stopped


@pytest.fixture
def cluster():
    """A scheduler and two worker processes of one thread each."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as cluster:
        yield cluster


def content(ids, folder, **options):
    """What a run writes to a JSON file, without times."""
    plan = CheckPlan(
        tuple(ids), 120, 0, sources=("tests.support.toy_claims",), folder=folder, **options
    )
    *_, report = run(plan)
    results = [msgspec.structs.replace(each, seconds=0.0) for each in report.claims]
    return encode(msgspec.structs.replace(report, seconds=0.0, claims=tuple(results)))


def test_a_cluster_finds_what_processes_find_even_when_one_of_its_workers_is_killed(
    toys, cluster, tmp_path
):
    witness.store(witness.witness_of(toys["toy.open"], 7, Margin(-1.0, 0.5)), tmp_path)
    ids = [id for id in safe(toys) if id != "toy.refutable"]  # which would be stored by the first
    assert b'"replayed": 1' in content(ids, tmp_path, workers=2)
    found = content(ids, tmp_path, scheduler=cluster.scheduler_address)
    assert found == content(ids, tmp_path, workers=2) == content(ids, tmp_path, workers=1)
    with cluster.get_client() as client:
        [pid, _] = client.run(os.getpid).values()
    plan = CheckPlan(
        tuple(ids), 120, sources=("tests.support.toy_claims",), scheduler=cluster.scheduler_address
    )
    events = run(plan)
    assert isinstance(next(events), RunStarted) and isinstance(next(events), Progress)
    os.kill(pid, signal.SIGKILL)
    *_, report = events
    assert not report.stopped and [each.id for each in report.claims] == ids


def test_a_claim_that_kills_every_worker_of_a_cluster_ends_the_run_and_is_named(toys, cluster):
    options = {"sources": ("tests.support.toy_claims",), "scheduler": cluster.scheduler_address}
    *_, report = run(CheckPlan(("lethal.killer",), 20, **options))
    assert "a worker process died" in report.stopped and "lethal.killer" in report.stopped


def test_a_broken_module_of_claims_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken_claims.py").write_text("import no_such_module")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(loading.BrokenClaims, match="broken_claims: ModuleNotFoundError"):
        loading.load_claims(("broken_claims",))


@pytest.mark.parametrize("examples", [1, 25, 50, 51, 120, 200, 2000])
def test_batches_add_up_and_are_small(toys, examples):
    parts = cut([toys["toy.true"]], examples)
    assert sum(batch.examples for batch in parts) == examples
    assert all(0 < batch.examples <= batches.SIZE for batch in parts)
    assert [batch.index for batch in parts] == list(range(len(parts)))
    assert sum(batch.examples for batch in cut([toys["toy.false"]], examples)) == -(-examples // 2)


def test_claims_about_one_strategy_share_their_instances_and_find_what_they_find_alone():
    ids = ("kkt.multiplier", "kkt.layer_balance", "flow.monotone")
    loading.load_claims()
    chosen = [claims.registered()[id] for id in ids]
    assert [batch.claims for batch in cut(chosen, 8)] == [ids]
    *_, report = run(CheckPlan(ids, 8, seed=3))
    assert [msgspec.structs.replace(each, seconds=0) for each in report.claims] == [
        msgspec.structs.replace(check_claim(claim, 8, 3), seconds=0) for claim in chosen
    ]


def test_only_the_first_batch_visits_the_simplest_instance(toys):
    worst = [
        check_batch(Batch(("toy.seed",), index, 30), 0).tallies["toy.seed"].worst.value
        for index in range(3)
    ]
    assert worst[0] == 1.0
    assert min(worst[1:]) > 1.0


def test_derived_seeds_differ_and_are_stable():
    assert derive(0, "a.b", 1, 0) == 3001686388134721553
    assert (
        len(
            {
                derive(seed, id, shard)
                for seed in range(3)
                for id in ("a.b", "a.c")
                for shard in range(3)
            }
        )
        == 18
    )


@pytest.mark.parametrize("resolved", [1, 25, 200])
def test_the_bound_without_violations_has_a_closed_form(resolved):
    assert bound95(0, resolved) == pytest.approx(1 - 0.05 ** (1 / resolved), rel=1e-12)


@pytest.mark.parametrize(("violations", "resolved"), [(1, 10), (3, 200), (199, 200)])
def test_at_the_bound_so_few_violations_have_probability_five_percent(violations, resolved):
    from scipy.stats import binom

    assert binom.cdf(violations, resolved, bound95(violations, resolved)) == pytest.approx(0.05)


def test_the_bound_is_one_when_nothing_was_resolved_or_everything_violates():
    assert bound95(0, 0) == bound95(7, 7) == 1.0


@pytest.mark.parametrize(
    ("holds", "violates", "confirmed", "unresolved", "expected"),
    [
        (10, 0, 0, 0, Verdict.NOT_REFUTED),
        (10, 0, 0, 10, Verdict.NOT_REFUTED),
        (10, 0, 0, 11, Verdict.UNRESOLVED),
        (0, 0, 0, 0, Verdict.UNRESOLVED),
        (0, 0, 0, 5, Verdict.UNRESOLVED),
        (10, 1, 1, 0, Verdict.POTENTIAL),
        (0, 1, 1, 99, Verdict.POTENTIAL),
    ],
)
def test_the_verdict_is_neither_weaker_nor_stronger_than_the_evidence(
    toys, holds, violates, confirmed, unresolved, expected
):
    tally = Tally(holds, violates, confirmed, Counter({"reason": unresolved}))
    assert conclude(toys["toy.open"], tally).verdict is expected


@pytest.mark.parametrize(
    ("kind", "verdict", "expected", "strictly"),
    [
        (Kind.THEOREM, Verdict.NOT_REFUTED, True, True),
        (Kind.THEOREM, Verdict.UNRESOLVED, True, False),
        (Kind.THEOREM, Verdict.POTENTIAL, False, False),
        (Kind.THEOREM, Verdict.REFUTED, False, False),
        (Kind.CONTROL, Verdict.NOT_REFUTED, False, False),
        (Kind.CONTROL, Verdict.UNRESOLVED, False, False),
        (Kind.CONTROL, Verdict.POTENTIAL, True, True),
        (Kind.CONTROL, Verdict.REFUTED, True, True),
        (Kind.CONJECTURE, Verdict.UNRESOLVED, True, False),
        *[(Kind.CONJECTURE, each, True, True) for each in Verdict if each != Verdict.UNRESOLVED],
    ],
)
def test_what_is_expected_depends_on_the_kind(toys, kind, verdict, expected, strictly):
    result = msgspec.structs.replace(
        conclude(toys["toy.open"], Tally(holds=10)),
        kind=kind,
        verdict=verdict,
        expect=EXPECTED.get(kind),
    )
    assert (result.as_expected(), result.as_expected(strict=True)) == (expected, strictly)


def test_tallies_add_up():
    one = Tally(
        1, 2, 1, Counter(a=1), Counter(b=2), {"D": Counter({"3": 1})}, Case(0.5, 0.1, "first"), 1.0
    )
    two = Tally(
        3,
        0,
        0,
        Counter(a=1, c=1),
        Counter(),
        {"D": Counter({"3": 1}), "L": Counter({"2": 1})},
        Case(0.5, 0, "two"),
        2.0,
    )
    one += two
    assert one == Tally(
        4,
        2,
        1,
        Counter(a=2, c=1),
        Counter(b=2),
        {"D": Counter({"3": 2}), "L": Counter({"2": 1})},
        Case(0.5, 0.1, "first"),
        3.0,
    )
    assert one.applicable == 9


@pytest.mark.parametrize(
    ("margin", "reason"),
    [
        (Margin(0.1, 1.0), "margin within its error"),
        (Margin(float("nan"), 1.0), "margin is not a number"),
        (Margin(0.1, 1.0, "at\na kink"), "at a kink"),
    ],
)
def test_an_undecided_margin_always_has_a_reason(margin, reason):
    tally = Tally()
    tally.record(Outcome.UNRESOLVED, margin, None)
    assert tally.unresolved == {reason: 1}


def test_an_instance_without_a_description_is_shown_by_its_repr_in_one_short_line():
    assert describe("a\nb") == "'a\\nb'"
    assert len(describe("x" * 1000)) == 200
    assert one_line(" two\n\t lines ") == "two lines"
