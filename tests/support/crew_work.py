"""Work for the tests of crews; a module of its own so that worker processes can import it."""

import os
import re
import signal
import time
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from ncfcheck.core.time_limit import OutOfTime, limited


@dataclass(frozen=True)
class Unit:
    """A unit of work; `marks` is a folder where it leaves a file each time that it starts."""

    claim: str
    index: int
    marks: str = ""


@dataclass(frozen=True)
class Result:
    value: int
    seconds: float
    pid: int


def make(offset):
    """What does a unit; its results are moved by an offset."""
    return partial(work, offset)


def work(offset, unit):
    first = mark(unit)
    if unit.claim == "fails":
        raise ValueError("this unit fails")
    if unit.claim == "dies" or (unit.claim == "dies once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    if unit.claim == "dies sending" and first:
        Connection._send = die_half_way
    if unit.claim == "waits":
        time.sleep(0.3)
    if unit.claim == "sleeps":
        time.sleep(60)
    if unit.claim == "is stuck at a step":
        return Result(sum(map(is_late, (int, busy, int, busy, int))), 1.0, os.getpid())
    if unit.claim == "returns what cannot be sent":
        return lambda: None
    return Result(offset + unit.index, 5.0 if unit.claim == "slow" else 1.0, os.getpid())


def is_late(step) -> bool:
    """Whether the step is given up."""
    try:
        limited(step)
    except OutOfTime:
        return True
    return False


def busy():
    """Code in C that lets no other thread of the interpreter run."""
    re.match(r"(a|a)*b", 200 * "a")


def die_half_way(connection, content):
    """In place of sending through a pipe."""
    os.write(connection.fileno(), bytes(content)[: len(content) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def mark(unit) -> bool:
    """Leave a file; whether it is the unit's first."""
    if not unit.marks:
        return False
    before = len(list(Path(unit.marks).glob(f"{unit.claim}-{unit.index}-*")))
    (Path(unit.marks) / f"{unit.claim}-{unit.index}-{before}").touch()
    return not before
