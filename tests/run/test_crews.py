"""One code path over processes, a Dask cluster and this process: every unit once, whatever happens
to workers.
"""

import gc
import os
import signal
import socket
import threading
import time

import pytest

from ncfcheck.core.interruptions import postponed
from ncfcheck.run.cluster import Dask
from ncfcheck.run.crews import Here, NoCluster, WorkerLost
from ncfcheck.run.processes import Processes
from ncfcheck.run.workers import longest_first, work_through
from tests.support.crew_work import Unit, make

ARGUMENTS = make, (100,)


def through(crew, units, attempts=3, **options):
    with crew:
        return list(work_through(crew, longest_first(units, {}), attempts, **options))


def values(done):
    return sorted(
        (unit.index, result.value) for unit, result in done if not isinstance(result, WorkerLost)
    )


def test_this_process_does_every_unit_once():
    done = through(Here(*ARGUMENTS), [Unit("a", index) for index in range(5)])
    assert values(done) == [(index, 100 + index) for index in range(5)]
    assert {result.pid for _, result in done} == {os.getpid()}


def test_an_error_of_the_work_is_raised_by_every_kind_of_crew():
    for crew in (Here(*ARGUMENTS), Processes(1, *ARGUMENTS)):
        with pytest.raises(ValueError, match="this unit fails"):
            through(crew, [Unit("fails", 0)])


def test_a_unit_that_killed_its_process_once_is_tried_again(tmp_path):
    units = [
        Unit("dies once", 0, str(tmp_path)),
        *(Unit("waits", index) for index in range(1, 6)),
    ]
    done = through(Processes(2, *ARGUMENTS), units)
    assert values(done) == [(index, 100 + index) for index in range(6)]


def test_a_unit_that_always_kills_its_process_is_given_up_and_all_others_are_done(tmp_path):
    units = [
        *(Unit("waits", index) for index in range(1, 4)),
        Unit("dies", 0, str(tmp_path)),
        Unit("waits", 4),
    ]
    done = through(Processes(2, *ARGUMENTS), units)
    assert values(done) == [(index, 100 + index) for index in range(1, 5)]
    [lost] = [(unit.claim, str(result)) for unit, result in done if isinstance(result, WorkerLost)]
    assert lost[0] == "dies" and "while checking dies" in lost[1]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_process_that_dies_while_it_sends_its_result_is_made_up_for(tmp_path):
    units = [
        Unit("dies sending", 0, str(tmp_path)),
        *(Unit("waits", index) for index in range(1, 6)),
    ]
    done = through(Processes(2, *ARGUMENTS), units)
    assert values(done) == [(index, 100 + index) for index in range(6)]


def test_a_process_stuck_at_steps_is_ended_and_others_do_all_but_those():
    units = [Unit("is stuck at a step", 0), Unit("waits", 1)]
    done = dict(through(Processes(2, *ARGUMENTS, seconds=0.5), units))
    assert [done[unit].value for unit in units] == [2, 101]


def test_a_process_stuck_between_steps_is_given_up():
    crew = Processes(1, *ARGUMENTS, seconds=0.5)
    [(_, lost)] = through(crew, [Unit("sleeps", 0)], attempts=1)
    assert isinstance(lost, WorkerLost)
    assert str(lost) == "no answer within 0.5 s while checking sleeps"


def test_leaving_while_a_result_is_being_sent_does_not_wait_for_its_rest(tmp_path):
    start = time.monotonic()
    with Processes(2, *ARGUMENTS) as crew:
        crew.submit(Unit("dies sending", 0, str(tmp_path)))
        while not list(tmp_path.iterdir()):
            time.sleep(0.01)
        time.sleep(0.3)
    assert time.monotonic() - start < 30


def test_what_is_done_next_may_depend_on_results():
    waiting, seen = [Unit("a", 0)], []
    with Here(*ARGUMENTS) as crew:
        for unit, result in work_through(crew, lambda: waiting.pop() if waiting else None):
            seen.append(result.value)
            if unit.index < 4:
                waiting.append(Unit("a", unit.index + 1))
    assert seen == [100, 101, 102, 103, 104]


def test_work_is_given_up_at_the_moment_set():
    start = time.monotonic()
    units = [Unit("waits", index) for index in range(100)]
    assert len(through(Processes(1, *ARGUMENTS), units, until=start + 4)) < 20
    assert time.monotonic() - start < 15


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two worker processes of one thread each."""
    dask, distributed = map(pytest.importorskip, ("dask", "distributed"))
    # A local cluster gives a worker up that takes longer to start again, on a busy machine.
    patient = dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"})
    with (
        patient,
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
    ):
        yield cluster


def test_a_cluster_does_every_unit_once_on_both_of_its_workers(cluster):
    done = through(
        Dask(cluster.scheduler_address, *ARGUMENTS), [Unit("waits", index) for index in range(8)]
    )
    assert values(done) == [(index, 100 + index) for index in range(8)]
    assert len({result.pid for _, result in done}) == 2 and os.getpid() not in {
        result.pid for _, result in done
    }


def test_what_a_killed_worker_of_a_cluster_was_at_is_done_by_another_and_told_once(cluster):
    crew, killed, done = Dask(cluster.scheduler_address, *ARGUMENTS), 0, []
    with crew:
        for unit, result in work_through(
            crew, longest_first([Unit("waits", index) for index in range(12)], {}), 3
        ):
            done.append((unit, result))
            if not killed:
                killed = result.pid
                os.kill(killed, signal.SIGKILL)
    assert values(done) == [(index, 100 + index) for index in range(12)]
    assert len(done) == 12 and any(result.pid != killed for _, result in done)


def test_a_unit_that_kills_every_worker_of_a_cluster_is_given_up(cluster):
    done = through(
        Dask(cluster.scheduler_address, *ARGUMENTS),
        [Unit("dies", 0), *(Unit("waits", i) for i in range(1, 4))],
    )
    assert values(done) == [(index, 100 + index) for index in range(1, 4)]
    assert [unit.claim for unit, result in done if isinstance(result, WorkerLost)] == ["dies"]


def test_an_error_of_the_work_on_a_cluster_is_raised_here(cluster):
    with pytest.raises(ValueError, match="this unit fails"):
        through(Dask(cluster.scheduler_address, *ARGUMENTS), [Unit("fails", 0)])


def test_a_scheduler_that_is_not_there_is_told_with_its_address(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("ncfcheck.run.cluster.ANSWER", 0.5)
    with pytest.raises(NoCluster, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9: "):
        through(Dask("tcp://127.0.0.1:9", *ARGUMENTS), [])


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_is_no_scheduler_is_told_with_its_address(answer, monkeypatch, capsys):
    pytest.importorskip("distributed")
    monkeypatch.setattr("ncfcheck.run.cluster.ANSWER", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        threading.Thread(target=lambda: other.accept()[0].sendall(answer), daemon=True).start()
        with pytest.raises(NoCluster, match=f"no Dask scheduler answers at {address}: "):
            through(Dask(address, *ARGUMENTS), [])
        gc.collect()
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["garbage", "nonsense://x:1", "tcp://x", "tcp://x:y", ":", "a://b://c:1"]
)
def test_an_address_that_is_none_is_refused_at_once(address):
    pytest.importorskip("distributed")
    start = time.monotonic()
    with pytest.raises(NoCluster, match=f"^'{address}' is no address of a scheduler: expected one"):
        through(Dask(address, *ARGUMENTS), [])
    assert time.monotonic() - start < 5


def test_a_cluster_without_workers_is_told(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("ncfcheck.run.cluster.PATIENCE", 0.5)
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        with pytest.raises(NoCluster, match="has no workers"):
            through(Dask(empty.scheduler_address, *ARGUMENTS), [])


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(NoCluster, match=r"ncfcheck\[distributed\]"):
        through(Dask("tcp://127.0.0.1:9", *ARGUMENTS), [])


@pytest.mark.parametrize("is_done", [True, False])
def test_a_process_whose_pipe_is_closed_ends_quietly(is_done, capfd):
    with Processes(1, *ARGUMENTS) as crew:
        crew.submit(Unit("waits", 0))
        [worker] = crew.staff
        while is_done and not list(crew.done()):
            pass
        worker.pipe.close()
        worker.process.join(20)
        assert worker.process.exitcode == 0
    assert capfd.readouterr().err == ""


def test_ctrl_c_while_a_process_is_started_is_told_afterwards(ctrl_c):
    reached = []
    with pytest.raises(KeyboardInterrupt), postponed():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        reached.append("the end")
    assert reached == ["the end"]
