"""Hunts end to end: they find what is rare, test the same whatever the workers, and lose nothing
when killed.
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from ncfcheck.core.claims import Margin, Verdict
from ncfcheck.run.crews import NoCluster
from ncfcheck.run.hunting.events import (
    Counterexample,
    HuntFinished,
    HuntProgress,
    HuntStarted,
    Shrinking,
)
from ncfcheck.run.hunting.hunt import Lost, hunt
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.ledger import Ledger, LedgerError, instances_tested
from tests.support import ROOT
from tests.support.hunted import hunted, only, plan

AT_ONCE = 3  # a seed of which the first shard has a counterexample to hunted.false
LATE = 1  # one of which 1500 instances have none to hunted.small_disc
COLUMNS = ["generation", "shard", "number", "strategy", "stratum", "spec", "margin", "outcome"]


@pytest.fixture(autouse=True)
def claims(monkeypatch):
    return only(monkeypatch)


def rows(folder, **where):
    """What was tested, in order, without times."""
    return instances_tested(folder / "ledger.sqlite")[COLUMNS].to_dict("records")


@pytest.mark.parametrize("id", ["hunted.one_number", "hunted.small_disc", "hunted.equal"])
def test_counterexamples_that_random_draws_would_not_meet_are_found_and_kept(id, tmp_path):
    *events, finished = hunted(id, tmp_path, instances=20_000)
    result = finished.result
    assert result.verdict is Verdict.POTENTIAL and result.as_expected() and result.tested < 20_000
    found = witness.read(result.path)
    assert witness.replay(found).still_violates and found.worst is not None
    kinds = [type(event) for event in events]
    assert kinds[0] is HuntStarted and {Counterexample, HuntProgress, Shrinking} <= set(kinds)
    assert [each.name for each in (tmp_path / "counterexamples").iterdir()] == [f"{id}.json"]


def test_the_ledger_holds_every_instance_tested_and_the_counterexamples_whole(tmp_path):
    finished = hunted("hunted.false", tmp_path)[-1]
    frame = instances_tested(tmp_path / "ledger.sqlite")
    assert len(frame) == finished.result.tested
    assert frame.margin.min() == finished.result.worst.margin
    assert frame.instance[frame.outcome == "violates"].notna().any()
    assert set(frame.outcome) == {"holds", "violates"} and (frame.seconds >= 0).all()


def test_a_budget_of_instances_is_used_up_exactly_and_a_true_claim_is_not_refuted(tmp_path):
    result = hunted("hunted.true", tmp_path, instances=333)[-1].result
    assert (result.tested, result.verdict, result.path) == (333, Verdict.NOT_REFUTED, None)
    assert result.worst.margin >= 1e-3 and result.strata > 1


def test_a_claim_that_is_never_decided_is_unresolved_with_the_reason(tmp_path):
    result = hunted("hunted.undecided", tmp_path, instances=40)[-1].result
    assert (result.verdict, result.why_unresolved) == (Verdict.UNRESOLVED, {"too hard": 40})


def test_with_keep_going_the_whole_budget_is_used(tmp_path):
    assert hunted("hunted.false", tmp_path, instances=600)[-1].result.tested < 600
    assert (
        hunted("hunted.false", tmp_path / "2", instances=600, keep_going=True)[-1].result.tested
        == 600
    )


def test_the_same_instances_are_tested_whatever_the_number_of_workers(tmp_path):
    for workers in (0, 1, 2):
        hunted("hunted.small_disc", tmp_path / str(workers), instances=900, workers=workers)
    first = rows(tmp_path / "0")
    assert len(first) == 900 and rows(tmp_path / "1") == first and rows(tmp_path / "2") == first


def test_another_seed_tests_others(tmp_path):
    for seed in (0, 1):
        hunted("hunted.true", tmp_path / str(seed), seed=seed, instances=100)
    assert rows(tmp_path / "0") != rows(tmp_path / "1")


def test_a_hunt_continued_ends_as_one_that_was_not_stopped(tmp_path):
    hunted("hunted.small_disc", tmp_path / "whole", instances=1500, seed=LATE)
    hunted("hunted.small_disc", tmp_path / "parts", instances=700, seed=LATE)
    started, *_, finished = hunted(
        "hunted.small_disc", tmp_path / "parts", instances=1500, seed=LATE, resume=True
    )
    # The last shard of the first part was cut short by its budget, and is done again.
    assert 650 < started.resumed < 700 and finished.result.tested == 1500
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")


def test_a_hunt_that_is_not_to_be_continued_begins_anew_beside_the_old_one(tmp_path):
    for _ in range(2):
        assert hunted("hunted.true", tmp_path, instances=50)[0].resumed == 0
    frame = instances_tested(tmp_path / "ledger.sqlite")
    assert frame.groupby("hunt").size().tolist() == [50, 50]


def test_time_is_a_budget_too(tmp_path):
    start = time.monotonic()
    result = hunted("hunted.slow", tmp_path, instances=None, seconds=2.0)[-1].result
    assert 1.5 < time.monotonic() - start < 6 and 10 < result.tested <= 45


def test_a_worker_that_dies_is_made_up_for(tmp_path, monkeypatch):
    monkeypatch.setenv("NCFCHECK_MARK", str(tmp_path / "mark"))
    result = hunted("hunted.kills_once", tmp_path, workers=2, instances=200)[-1].result
    assert (tmp_path / "mark").exists() and (result.tested, result.unresolved) == (200, 0)


def test_instances_that_kill_every_worker_are_given_up_and_told(tmp_path):
    finished = hunted("hunted.killer", tmp_path, workers=2, instances=8)[-1]
    assert finished.result.unresolved > 0 and not finished.stopped
    assert any("a worker process died" in reason for reason in finished.result.why_unresolved)


def test_a_cluster_tests_the_same_instances_even_when_one_of_its_workers_is_killed(tmp_path):
    distributed = pytest.importorskip("distributed")
    hunted("hunted.small_disc", tmp_path / "here", instances=900)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as cluster:
        with distributed.Client(cluster) as client:
            pids = list(client.run(os.getpid).values())
        options = {"instances": 900, "scheduler": cluster.scheduler_address}
        events = hunt(plan("hunted.small_disc", tmp_path / "there", **options))
        assert [type(next(events)) for _ in range(2)] == [HuntStarted, HuntProgress]
        os.kill(pids[0], signal.SIGKILL)
        *_, finished = events
    assert isinstance(finished, HuntFinished) and not finished.stopped
    assert rows(tmp_path / "there") == rows(tmp_path / "here")


def test_a_scheduler_that_is_not_there_is_told(tmp_path, monkeypatch):
    for wait in ("ANSWER", "PATIENCE"):
        monkeypatch.setattr(f"ncfcheck.run.cluster.{wait}", 0.5)
    with pytest.raises(NoCluster, match=r"127\.0\.0\.1:9"):
        hunted("hunted.true", tmp_path, scheduler="tcp://127.0.0.1:9")


HUNTER = """
import sys
from pathlib import Path
from tests.support.hunted import hunted, only
import pytest
if __name__ == "__main__":
    only(pytest.MonkeyPatch())
    workers = int(sys.argv[3])
    options = {"instances": 10**6, "keep_going": True, "seed": int(sys.argv[4])}
    hunted(sys.argv[1], Path(sys.argv[2]), workers=workers, **options)
"""


def hunter(claim, folder, workers=1, seed=0):
    """A hunt in a process of its own, once it has tested something."""
    folder.mkdir(exist_ok=True)
    (folder / "hunter.py").write_text(HUNTER)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    script, options = str(folder / "hunter.py"), (str(folder), str(workers), str(seed))
    command = [sys.executable, script, claim, *options]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while time.monotonic() < end and not rows_of(folder):
        time.sleep(0.05)
    return process


def rows_of(folder):
    try:
        return len(instances_tested(folder / "ledger.sqlite"))
    except LedgerError:
        return 0


@pytest.mark.parametrize("workers", [0, 2])
def test_a_hunt_that_is_killed_leaves_a_whole_ledger_and_is_continued(tmp_path, workers):
    process = hunter("hunted.small_disc", tmp_path, workers)
    time.sleep(0.7)
    before = rows_of(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    frame = instances_tested(tmp_path / "ledger.sqlite")
    assert len(frame) >= before > 0
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert sum(sum(report["outcomes"].values()) for *_, report in ledger.shards(1)) == len(
            frame
        )
    more = len(frame) + 100
    started, *_ = hunted(
        "hunted.small_disc", tmp_path, instances=more, resume=True, keep_going=True
    )
    assert started.resumed == len(frame) and rows_of(tmp_path) >= more
    hunted("hunted.small_disc", tmp_path / "whole", instances=len(frame), keep_going=True)
    again = rows(tmp_path)
    assert all(row in again for row in rows(tmp_path / "whole")[:64])


def test_a_counterexample_survives_the_kill_that_follows_it_at_once(tmp_path):
    process = hunter("hunted.false", tmp_path, seed=AT_ONCE)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    frame = instances_tested(tmp_path / "ledger.sqlite")
    kept = frame.instance[frame.outcome == "violates"].dropna()
    assert len(kept)
    # Its witness file may not have been written yet: that is made up for.
    finished = hunted("hunted.false", tmp_path, seed=AT_ONCE, instances=1, resume=True)[-1]
    assert witness.replay(witness.read(finished.result.path)).still_violates


def test_the_ledger_that_takes_no_more_hands_the_counterexample_back(tmp_path, monkeypatch):
    def full(self, hunt, place, strategy, report, rows, lasting):
        raise LedgerError("cannot write ledger.sqlite: the disk is full")

    monkeypatch.setattr(Ledger, "record", full)
    with pytest.raises(Lost, match="the disk is full") as lost:
        hunted("hunted.false", tmp_path, seed=AT_ONCE)
    (tmp_path / "saved.json").write_bytes(lost.value.content)
    assert witness.replay(witness.read(tmp_path / "saved.json")).still_violates
    with pytest.raises(LedgerError, match="the disk is full"):
        hunted("hunted.true", tmp_path)


def test_an_interrupted_hunt_ends_with_what_it_found(tmp_path, monkeypatch):
    events, finished = hunt(plan("hunted.true", tmp_path, instances=10_000)), None
    from ncfcheck.run.hunting import hunt as module

    calls, carried_out = [], module.carried_out

    def interrupting(claim, shard):
        calls.append(shard)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return carried_out(claim, shard)

    monkeypatch.setattr(module, "carried_out", interrupting)
    *_, finished = events
    assert finished.stopped == "interrupted" and finished.result.tested == rows_of(tmp_path) == 20


def test_the_witness_tells_the_margin_of_its_own_instance(tmp_path, claims):
    path = hunted("hunted.small_disc", tmp_path, instances=20_000)[-1].result.path
    found = witness.read(path)
    margin = claims["hunted.small_disc"].judge(witness.instance_of(found))[1]
    assert found.judged == Margin(margin.value, margin.error)
