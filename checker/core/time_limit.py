"""A time limit for what users wrote: what does not come back in time is ended, and told of.

Whatever of theirs is called, a draw, a claim, a proof, is a *step*, `limited`. Within its process
it is `ended` (`ncfcheck.core.deadlines`), if it is Python; and every step leaves a `trace`, by
which the parent of a process sees that it is stuck, and where.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ncfcheck.core import deadlines, interruptions
from ncfcheck.core.deadlines import ended

LONGEST = 128  # bytes of a claim's name in a trace
SECONDS = 60.0  # that one instance may take, where a run does not say otherwise
PATIENCE = 5  # steps of a claim in turn without an answer, after which none is tried


class OutOfTime(BaseException):
    """A step gave no answer in time, or ended its process before; the message says which.

    It is no Exception: those are what users' code may catch. It `is_known` where that was seen
    before, and is not tried again.
    """

    is_known = False


class Ended(Exception):
    """A step raised what ends programs (SystemExit, KeyboardInterrupt …), which is its cause: it
    ends the step.
    """


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
        self.silent: dict[str, int] = {}  # steps in turn without an answer, by claim


_here = _Here()


@contextmanager
def each_step(seconds: float) -> Iterator[None]:
    """A context in which every step of this thread may take so many seconds.

    Claims that do not answer are given another chance, but not by a process that works for another.
    """
    before = _here.seconds, _here.late
    if isinstance(_here.trace, _NoTrace):
        _here.silent.clear()
    _here.seconds, _here.late = seconds, f"no answer within {seconds:g} s"
    try:
        with interruptions.heeded(signal.SIGINT):
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
    """`work(*arguments)` as a step. Raises OutOfTime, and Ended.

    A copy of this process that the work forked ends where the work does: it is nobody's.
    """
    here, trace, process = _here, _here.trace, os.getpid()
    here.number = number = here.number + 1
    trace.step, trace.claim, trace.since = number, claim.encode()[:LONGEST], time.monotonic()
    try:
        _refuse_known(claim)
        answer = ended(OutOfTime(here.late), here.seconds, work, *arguments)
    except OutOfTime as late:
        if number not in here.given_up and not late.is_known:
            trace.late(number)
        if claim:
            here.silent[claim] = here.silent.get(claim, 0) + 1
        raise
    except (KeyboardInterrupt, SystemExit, GeneratorExit) as error:
        if isinstance(error, KeyboardInterrupt) and interruptions.may_be_asked():
            raise
        raise Ended from error
    finally:
        if os.getpid() != process:
            os._exit(1)
        trace.since = time.monotonic()
    if here.silent:
        here.silent.pop(claim, None)
    return answer


def _refuse_known(claim: str) -> None:
    """Raise OutOfTime for a step that is not tried."""
    here = _here
    if here.number in here.given_up:
        known = OutOfTime(here.given_up[here.number])
        known.is_known = here.number != here.latest
        raise known
    if here.silent and here.silent.get(claim, 0) >= PATIENCE:
        known = OutOfTime(f"not tried: {here.late}, {PATIENCE} times in turn")
        known.is_known = True
        raise known


def is_silent(claim: str) -> bool:
    """Whether the latest step of the claim in this thread gave no answer in time."""
    return claim in _here.silent


def hold() -> None:
    """Time does not count in this thread until as many calls of `release`."""
    _here.holds += 1
    if _here.holds == 1:
        _here.held, _here.trace.since = time.monotonic(), 0.0
        for limit in deadlines.limits():
            limit.is_held = True


def release() -> None:
    """Time counts again; a step has as much left as it had."""
    _here.holds -= 1
    if not _here.holds:
        now = _here.trace.since = time.monotonic()
        for limit in deadlines.limits():
            limit.moment += (now - _here.held) * isinstance(limit.error, OutOfTime)
            limit.is_held = False
