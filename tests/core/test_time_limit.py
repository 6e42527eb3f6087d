"""What does not come back in time is ended, in any thread, whatever it makes of that."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from ncfcheck.core import compiling, deadlines, time_limit
from ncfcheck.core.claim_files import told
from ncfcheck.core.deadlines import ended
from ncfcheck.core.time_limit import PATIENCE, BudgetSpent, Ended, OutOfTime, each_step, limited


def loop():
    while True:
        pass


def swallow():
    """An answer, if a wrong one, by whoever catches everything."""
    try:
        loop()
    except BaseException:
        return "an answer"


def change():
    """Another exception in place of the one that came."""
    try:
        loop()
    except BaseException:
        raise ValueError from None


def wait():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def in_thread(work):
    """What the work returns in a thread of its own."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join(30)
    return found[0]


def late(work) -> str:
    """What is told of work that is out of time."""
    start = time.monotonic()
    with each_step(0.2), pytest.raises(OutOfTime) as told:
        limited(work)
    assert time.monotonic() - start < 5
    return str(told.value)


@pytest.mark.parametrize("work", [loop, swallow, change, wait, lambda: time.sleep(1e6)])
def test_the_main_thread_is_ended_whatever_it_is_at(work):
    assert late(work) == "no answer within 0.2 s"


@pytest.mark.parametrize("work", [loop, swallow, change])
def test_another_thread_is_ended_in_its_python_code(work):
    assert in_thread(lambda: late(work)) == "no answer within 0.2 s"


def test_what_is_in_time_and_what_has_no_limit_is_left_alone():
    with each_step(0.3):
        assert [limited(pow, 2, each) for each in range(5)] == [1, 2, 4, 8, 16]
        with pytest.raises(ZeroDivisionError):
            limited(divmod, 1, 0)
        time.sleep(0.6)
    assert limited(time.sleep, 0.3) is None
    assert not any(deadlines._limits.values())


def test_of_two_limits_the_one_that_ends_first_counts():
    with each_step(0.2), pytest.raises(OutOfTime):
        ended(BudgetSpent(), 5, limited, loop)
    with each_step(5), pytest.raises(BudgetSpent):
        ended(BudgetSpent(), 0.2, limited, loop)


def test_an_outer_limit_holds_after_an_inner_one():
    def twice():
        with pytest.raises(OutOfTime):
            limited(loop)
        loop()

    with each_step(0.2), pytest.raises(BudgetSpent):
        ended(BudgetSpent(), 0.6, twice)


def test_ctrl_c_passes(ctrl_c):
    with pytest.raises(KeyboardInterrupt), each_step(0.2):
        limited(signal.raise_signal, signal.SIGINT)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_a_step_raises_to_end_the_program_ends_the_step(ctrl_c, error):
    def raising():
        raise error("now")

    with each_step(0.2), pytest.raises(Ended) as found:
        limited(raising)
    assert told(found.value) == f"{error.__name__}: now"


def test_what_is_compiled_costs_a_step_no_time():
    def compile_slowly():
        listener = compiling._Compiling()
        listener.on_start(None)
        listener.on_start(None)  # what it calls is compiled, too
        time.sleep(0.5)
        listener.on_end(None)
        listener.on_end(None)
        return "done"

    with each_step(0.3):
        assert limited(compile_slowly) == "done"
        with pytest.raises(OutOfTime):
            limited(lambda: (compile_slowly(), loop()))


class Trace:
    """What a parent would see."""

    def __init__(self):
        self.kept = []

    def late(self, step):
        self.kept.append(step)


def traced(given_up, latest=0):
    """Three steps, the second without end: what became of each, and the trace."""
    trace, found = Trace(), []

    def steps():
        time_limit.leave_trace(trace, given_up, latest)
        with each_step(0.2):
            for work in (int, loop, float):
                try:
                    found.append(limited(work, claim="a.b"))
                except OutOfTime as error:
                    found.append((str(error), error.is_known))

    in_thread(steps)
    return found, trace


def test_steps_leave_a_trace_and_those_known_are_not_tried_again():
    found, trace = traced({})
    assert found == [0, ("no answer within 0.2 s", False), 0.0]
    assert (trace.kept, trace.step, trace.claim) == ([2], 3, b"a.b")
    found, trace = traced({1: "it died", 2: "late"}, latest=1)
    assert found == [("it died", False), ("late", True), 0.0] and trace.kept == []


def test_a_claim_that_never_answers_is_not_tried_for_ever_and_one_answer_gives_it_a_new_chance():
    tried = []

    def silent():
        tried.append(1)
        loop()

    def reasons(works):
        for work in works:
            try:
                limited(work, claim="a.b")
            except OutOfTime as error:
                yield str(error)

    with each_step(0.1):
        found = list(reasons([silent] * (PATIENCE - 1) + [int] + [silent] * (PATIENCE + 3)))
        assert limited(int, claim="c.d") == 0
    assert len(tried) == 2 * PATIENCE - 1
    assert set(found[-3:]) == {"not tried: no answer within 0.1 s, 5 times in turn"}
    with each_step(0.1):
        assert limited(int, claim="a.b") == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_looks_at_the_clock_too():
    late(loop)
    child = os.fork()
    if not child:
        try:
            late(loop)
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_within_a_step_ends_with_it(tmp_path):
    limited(os.fork)
    (tmp_path / str(os.getpid())).touch()
    os.wait()
    assert len(list(tmp_path.iterdir())) == 1


TRACED = """
import sys, threading
from ncfcheck.core.time_limit import OutOfTime, each_step, limited

def loop():
    while True:
        pass

def late():
    with each_step(0.2):
        for work in (loop, lambda: [loop() for _ in range(2)]):
            try:
                limited(work)
            except OutOfTime:
                pass

thread = threading.Thread(target=late)
thread.start()
thread.join()
sys.settrace(lambda *_: None)
print(sum(map(abs, map(lambda each: each + 1, range(3)))))
"""


def test_a_thread_that_was_ended_leaves_nothing_that_a_tracer_would_hang_on():
    found = subprocess.run(
        [sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=60
    )
    assert found.stdout == "6\n", found.stderr
