"""Work for the tests of executors; a module of its own so that worker processes can import it."""

import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True)
class Shard:
    """A piece of work; `marks` is a folder where it leaves a file each time that it starts."""

    claim: str
    index: int
    marks: str = ""


@dataclass(frozen=True)
class Result:
    value: int
    seconds: float
    pid: int


def prepare(offset):
    global prepared
    prepared = offset


def work(shard):
    first = mark(shard)
    if shard.claim == "fails":
        raise ValueError("this shard fails")
    if shard.claim == "dies" or (shard.claim == "dies once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    if shard.claim == "dies sending" and first:
        Connection._send = die_half_way
    if shard.claim == "waits":
        time.sleep(0.3)
    return Result(prepared + shard.index, 1.0, os.getpid())


def die_half_way(connection, content):
    """In place of sending through a pipe."""
    os.write(connection.fileno(), bytes(content)[: len(content) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def mark(shard) -> bool:
    """Leave a file; whether it is the shard's first."""
    if not shard.marks:
        return False
    before = len(list(Path(shard.marks).glob(f"{shard.claim}-{shard.index}-*")))
    (Path(shard.marks) / f"{shard.claim}-{shard.index}-{before}").touch()
    return not before
