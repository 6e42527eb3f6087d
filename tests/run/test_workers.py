"""Units spread over processes: all are done, the longest first, and nothing is left running."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ncfcheck.run.crews import WorkerLost
from ncfcheck.run.processes import Processes
from ncfcheck.run.workers import available, longest_first, work_through
from tests.support import ROOT
from tests.support.crew_work import Unit, make


def spread_out(units, workers=2):
    """Units as fresh processes get them done, those first that take longest."""
    cost = {}
    with Processes(workers, make, (100,)) as crew:
        for unit, result in work_through(crew, longest_first(units, cost)):
            cost[unit.claim] = getattr(result, "seconds", 0.0)
            yield unit, result


def nothing_left():
    """No child process, a moment later."""
    end = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < end:
        time.sleep(0.05)
    return not multiprocessing.active_children()


def test_every_unit_is_done_once_by_a_prepared_process_other_than_this():
    units = [Unit("a", index) for index in range(7)]
    done = list(spread_out(units))
    assert sorted((unit.index, result.value) for unit, result in done) == [
        (index, 100 + index) for index in range(7)
    ]
    assert os.getpid() not in {result.pid for _, result in done} and nothing_left()


def test_no_units_are_no_work():
    assert list(spread_out([])) == [] and nothing_left()


def test_claims_not_timed_yet_go_first_and_then_those_that_take_longest():
    units = [Unit("fast", index) for index in range(4)] + [
        Unit("slow", index) for index in range(4)
    ]
    # One worker and one unit in waiting: two fast ones, then all slow ones; units done at the
    # same moment may swap.
    order = [unit.claim for unit, _ in spread_out(units, workers=1)]
    assert order[0] == "fast" and order[-1] == "fast" and order[1:7].count("slow") == 4


def test_an_exception_of_the_work_is_raised_here_and_ends_the_processes():
    start = time.monotonic()
    with pytest.raises(ValueError, match="this unit fails"):
        list(spread_out([Unit("fails", 0), Unit("sleeps", 0)]))
    assert time.monotonic() - start < 30 and nothing_left()


def test_a_process_that_dies_is_told_at_once_with_the_claims_it_was_at():
    start = time.monotonic()
    units = [Unit("a", 0), Unit("dies", 0), Unit("a", 1)]
    lost = [result for _, result in spread_out(units) if isinstance(result, WorkerLost)]
    assert [str(each).endswith("while checking dies") for each in lost] == [True]
    assert time.monotonic() - start < 30 and nothing_left()


def test_a_process_killed_while_it_is_idle_is_replaced_and_one_killed_at_work_is_told():
    with Processes(1, make, (100,)) as crew:
        crew.submit(Unit("a", 0))
        [(_, first)] = crew.done(20)
        os.kill(first.pid, signal.SIGKILL)
        time.sleep(0.3)
        crew.submit(Unit("a", 1))
        [(_, second)] = crew.done(20)
        assert second.pid != first.pid
        crew.submit(Unit("sleeps", 0))
        time.sleep(0.3)
        os.kill(second.pid, signal.SIGKILL)
        [(_, lost)] = crew.done(20)
    assert isinstance(lost, WorkerLost)


def test_a_result_that_cannot_be_sent_is_told():
    with pytest.raises(RuntimeError, match="returns what cannot be sent: cannot be sent"):
        list(spread_out([Unit("returns what cannot be sent", 0)]))
    assert nothing_left()


def test_leaving_early_ends_the_processes():
    running = spread_out([Unit("a", 0), Unit("sleeps", 0), Unit("sleeps", 1)])
    start = time.monotonic()
    assert next(running)[0].claim == "a"
    running.close()
    assert time.monotonic() - start < 30 and nothing_left()


def test_other_children_of_this_process_are_left_alone():
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(30,))
    other.start()
    try:
        with pytest.raises(ValueError):
            list(spread_out([Unit("fails", 0), Unit("sleeps", 0)]))
        assert other.is_alive()
    finally:
        other.terminate()
        other.join()


ORPHANS = """
import os, signal
from tests.support.crew_work import Unit
from tests.run.test_workers import spread_out
if __name__ == "__main__":
    running = spread_out([Unit("a", 0), Unit("sleeps", 0), Unit("sleeps", 1)])
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
