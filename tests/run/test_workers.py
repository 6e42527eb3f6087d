"""Shards spread over processes: all are done, the longest first, and nothing is left running."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ncfcheck.run.workers import WorkerLost, available, spread
from tests.support import ROOT


@dataclass(frozen=True)
class Shard:
    claim: str
    index: int


@dataclass(frozen=True)
class Result:
    value: int
    seconds: float
    pid: int


def prepare(offset):
    global prepared
    prepared = offset


def work(shard):
    if shard.claim == "fails":
        raise ValueError("this shard fails")
    if shard.claim == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if shard.claim == "sleeps":
        time.sleep(60)
    return Result(prepared + shard.index, 5.0 if shard.claim == "slow" else 1.0, os.getpid())


def spread_out(shards, workers=2):
    return spread(work, shards, workers, prepare, (100,))


def nothing_left():
    """No child process, a moment later."""
    end = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < end:
        time.sleep(0.05)
    return not multiprocessing.active_children()


def test_every_shard_is_done_once_by_a_prepared_process_other_than_this():
    shards = [Shard("a", index) for index in range(7)]
    done = list(spread_out(shards))
    assert sorted((shard.index, result.value) for shard, result in done) == [
        (index, 100 + index) for index in range(7)
    ]
    assert os.getpid() not in {result.pid for _, result in done} and nothing_left()


def test_no_shards_are_no_work():
    assert list(spread_out([])) == [] and nothing_left()


def test_claims_not_timed_yet_go_first_and_then_those_that_take_longest():
    shards = [Shard("fast", index) for index in range(4)] + [
        Shard("slow", index) for index in range(4)
    ]
    # One worker and one shard in waiting: two fast ones, then all slow ones; shards done at the
    # same moment may swap.
    order = [shard.claim for shard, _ in spread_out(shards, workers=1)]
    assert order[0] == "fast" and order[-1] == "fast" and order[1:7].count("slow") == 4


def test_an_exception_of_the_work_is_raised_here_and_ends_the_processes():
    start = time.monotonic()
    with pytest.raises(ValueError, match="this shard fails"):
        list(spread_out([Shard("fails", 0), Shard("sleeps", 0)]))
    assert time.monotonic() - start < 30 and nothing_left()


def test_a_process_that_dies_is_told_with_the_claims_it_may_have_been_at():
    with pytest.raises(WorkerLost, match="dies"):
        list(spread_out([Shard("dies", 0)]))
    assert nothing_left()


def test_leaving_early_ends_the_processes():
    running = spread_out([Shard("a", 0), Shard("sleeps", 0), Shard("sleeps", 1)])
    start = time.monotonic()
    assert next(running)[0].claim == "a"
    running.close()
    assert time.monotonic() - start < 30 and nothing_left()


def test_other_children_of_this_process_are_left_alone():
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(30,))
    other.start()
    try:
        with pytest.raises(ValueError):
            list(spread_out([Shard("fails", 0), Shard("sleeps", 0)]))
        assert other.is_alive()
    finally:
        other.terminate()
        other.join()


ORPHANS = """
import os, signal
from tests.run.test_workers import Shard, spread_out
if __name__ == "__main__":
    running = spread_out([Shard("a", 0), Shard("sleeps", 0), Shard("sleeps", 1)])
    print(next(running)[1].pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks up processes in /proc")
def test_processes_end_with_a_parent_that_was_killed(tmp_path):
    (tmp_path / "orphans.py").write_text(ORPHANS)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    }
    with open(tmp_path / "out", "w+") as out:  # a file, not a pipe: orphans would hold a pipe open
        subprocess.run(
            [sys.executable, "orphans.py"], cwd=tmp_path, env=environment, stdout=out, timeout=30
        )
        out.seek(0)
        worker = Path(f"/proc/{int(out.read())}/cmdline")
    end = time.monotonic() + 10
    while worker.exists() and worker.read_bytes() and time.monotonic() < end:
        time.sleep(0.05)
    assert not worker.exists() or not worker.read_bytes()  # gone, or a zombie that nobody waits for


def test_the_processors_available_are_those_this_process_may_use():
    assert 1 <= available() <= os.cpu_count()
    if hasattr(os, "sched_setaffinity"):
        before = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(before)})
            assert available() == 1
        finally:
            os.sched_setaffinity(0, before)
