"""A time limit for what users wrote: what does not come back in time is ended, and told of.

Whatever of theirs is called, a draw, a claim, a proof, is a *step*, `limited`. In this process a
thread looks at the clock, and has an exception raised in the thread whose step is late. That ends
what is Python, and in the main thread what waits or sleeps; code of another language that keeps
its thread busy ends with its process only. So every step leaves a `trace`, by which the parent of a
process sees that it is stuck, and where.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST = 128  # bytes of a claim's name in a trace
SECONDS = 60.0  # that one instance may take, where a run does not say otherwise
LOOK = 0.1  # seconds between looks at the clock
AGAIN = 0.5  # seconds until what went on in spite of an exception gets another
# Nobody else's: ignored by default, and Go ends its routines by the same.
SIGNAL = getattr(signal, "SIGURG", 0)


class OutOfTime(BaseException):
    """A step gave no answer in time, or ended its process before; the message says which.

    It is no Exception: those are what users' code may catch. It `is_known` where that was seen
    before, and is not tried again.
    """

    is_known = False


class BudgetSpent(BaseException):
    """The time of a whole piece of work is over."""


class _NoTrace:
    """Where nobody looks."""

    step, since, claim = 0, 0.0, b""

    def late(self, step: int) -> None:
        pass


class _Here(threading.local):
    """What holds for the steps of this thread."""

    seconds = math.inf  # that each may take
    late = ""  # what is said of one that takes longer
    number = 0  # of the step begun last
    latest = 0  # of those given up
    holds = 0  # reasons why time does not count
    held = 0.0  # since when

    def __init__(self):
        self.given_up: dict[int, str] = {}  # steps that are not tried, and why
        self.trace = _NoTrace()


_here = _Here()


@contextmanager
def each_step(seconds: float) -> Iterator[None]:
    """A context in which every step of this thread may take so many seconds."""
    before = _here.seconds, _here.late
    _here.seconds, _here.late = seconds, f"no answer within {seconds:g} s"
    try:
        yield
    finally:
        _here.seconds, _here.late = before


def leave_trace(trace, given_up: dict[int, str], latest: int = 0) -> None:
    """From now on number the steps of this thread from 1, and tell of them in `trace`.

    There its `step` is the number of the latest, `since` the time when that began or ended, 0 where
    time does not count, and `claim` what it was about. Steps in `given_up` raise OutOfTime at once,
    known but for the `latest` of them.
    """
    _here.trace, _here.given_up, _here.latest, _here.number = trace, given_up, latest, 0
    trace.step, trace.since = 0, time.monotonic()


def limited(work: Callable, *arguments, claim: str = ""):
    """`work(*arguments)` as a step. Raises OutOfTime."""
    here, trace = _here, _here.trace
    here.number = number = here.number + 1
    trace.step, trace.claim, trace.since = number, claim.encode()[:LONGEST], time.monotonic()
    if number in here.given_up:
        known = OutOfTime(here.given_up[number])
        known.is_known = number != here.latest
        raise known
    try:
        return ended(OutOfTime(here.late), here.seconds, work, *arguments)
    except OutOfTime:
        trace.late(number)
        raise
    finally:
        trace.since = time.monotonic()


class _Limit:
    """When a thread is interrupted, and by what; `outer` is the limit around this one."""

    __slots__ = ("error", "is_held", "is_past", "moment", "outer")

    def __init__(self, error: BaseException, moment: float, outer: _Limit | None):
        self.error, self.moment, self.outer = error, moment, outer
        self.is_past, self.is_held = False, False


_limits: dict[int, _Limit | None] = {}  # by thread, the innermost
_lock = threading.Lock()  # between the watch and threads other than the main one
_watch: threading.Thread | None = None
_listening: int | None = None  # the main thread, once it gets signals


def ended(error: BaseException, seconds: float, work: Callable, *arguments):
    """`work(*arguments)`; whatever it is at after so many seconds, and makes of its end, what comes
    of it is `error`.

    Where a call around this one ends earlier, the error of that is raised.
    """
    thread, moment = threading.get_ident(), time.monotonic() + seconds
    outer = _limits.get(thread)
    if moment >= (math.inf if outer is None else outer.moment):
        return work(*arguments)
    if _watch is None or _listening is None:
        _look_out(thread)
    limit = _Limit(error, moment, outer)
    try:
        return _attempt(limit, thread, work, *arguments)
    except type(error):  # maybe at the very end of the attempt
        _restore(limit, thread)
        raise error from None


def _attempt(limit: _Limit, thread: int, work: Callable, *arguments):
    """What the work returns or raises; where it was late, that it was instead."""
    _limits[thread] = limit
    try:
        answer = work(*arguments)
    except KeyboardInterrupt:
        _restore(limit, thread)
        raise
    except BaseException:
        _restore(limit, thread)
        if limit.is_past:
            raise limit.error from None
        raise
    _restore(limit, thread)
    if limit.is_past:
        raise limit.error
    return answer


def _restore(limit: _Limit, thread: int) -> None:
    """The outer limit holds again, and no exception of the inner one comes any more."""
    if thread == _listening:  # it handles signals itself, and looks up what holds
        _limits[thread] = limit.outer
        return
    with _lock:
        _limits[thread] = limit.outer
        if limit.is_past:
            _raise_in(thread, None)


def _look_out(thread: int) -> None:
    """Have somebody look at the clock, and the main thread listen."""
    global _watch, _listening
    if _listening is None and SIGNAL and thread == threading.main_thread().ident:
        if signal.getsignal(SIGNAL) is signal.SIG_DFL:
            signal.signal(SIGNAL, _on_signal)
            _listening = thread
    if _watch is None:
        _watch = threading.Thread(target=_look_at_the_clock, daemon=True, name="time limits")
        _watch.start()


def _forget() -> None:
    """In a fork, which has the thread that called for it only."""
    global _watch
    _watch = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _look_at_the_clock() -> None:
    while True:
        time.sleep(LOOK)
        now = time.monotonic()
        for thread, limit in list(_limits.items()):
            if limit is not None and now >= limit.moment and not limit.is_held:
                limit.moment = now + AGAIN
                _interrupt(thread, limit)


def _interrupt(thread: int, limit: _Limit) -> None:
    """Raise the error in the thread, if the limit still holds there."""
    if thread == _listening:
        limit.is_past = True
        signal.pthread_kill(thread, SIGNAL)
        return
    with _lock:
        if _limits.get(thread) is limit:
            limit.is_past = True
            _raise_in(thread, type(limit.error))


def _on_signal(*_) -> None:
    limit = _limits.get(threading.get_ident())
    if limit is not None and limit.is_past:
        raise type(limit.error)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have an exception raised in a thread once that is at Python code; None takes it back."""
    content = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), content)


def hold() -> None:
    """Time does not count in this thread until as many calls of `release`."""
    _here.holds += 1
    if _here.holds == 1:
        _here.held, _here.trace.since = time.monotonic(), 0.0
        for limit in _chain():
            limit.is_held = True


def release() -> None:
    """Time counts again; a step has as much left as it had."""
    _here.holds -= 1
    if not _here.holds:
        now = _here.trace.since = time.monotonic()
        for limit in _chain():
            limit.moment += (now - _here.held) * isinstance(limit.error, OutOfTime)
            limit.is_held = False


def _chain() -> Iterator[_Limit]:
    """The limits of this thread, inner ones first."""
    limit = _limits.get(threading.get_ident())
    while limit is not None:
        yield limit
        limit = limit.outer
