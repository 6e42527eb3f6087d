"""Work given to a crew (`ncfcheck.run.crews`): which, in what order; lost workers made up for."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache

from ncfcheck.core import interruptions
from ncfcheck.run.cluster import Dask
from ncfcheck.run.crews import Here, WorkerLost
from ncfcheck.run.processes import Processes

LOOK = 1.0  # seconds between looks for an interruption that was ignored where it came


def available() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread():
    """A context in which BLAS works on one thread: workers are as many as there are processors."""
    return _libraries().limit(limits=1)


@cache
def _libraries():
    """The libraries that have threads; to look for them takes longer than a small instance."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def crew(
    workers: int,
    scheduler: str | None,
    make: Callable,
    arguments: tuple,
    seconds: float = math.inf,
):
    """The crew asked for: the Dask cluster of a scheduler, `workers` processes, or here for 0.

    A process that is longer at one step of its work than these seconds is ended.
    """
    if scheduler:
        return Dask(scheduler, make, arguments)
    return Processes(workers, make, arguments, seconds) if workers else Here(make, arguments)


def longest_first(units: list, cost: dict[str, float]) -> Callable[[], object]:
    """What to do next, None at the end: a unit of unknown cost first, then one that costs most."""
    waiting = list(units)

    def take():
        if not waiting:
            return None
        unit = max(waiting, key=lambda unit: cost.get(unit.claim, math.inf))
        waiting.remove(unit)
        return unit

    return take


def work_through(
    crew, take: Callable, attempts: int = 1, until: float = math.inf
) -> Iterator[tuple]:
    """Pairs (unit, result), each unit once, as they get done; `take()` names one, None for now.

    It is asked again after every result, and what it names may depend on the results so far. A unit
    that loses its worker is tried again, alone, since it may only have been near the one that did;
    one that was tried in vain `attempts` times, or alone by a crew that retries by itself, comes
    with a WorkerLost for a result. At the moment `until` of `time.monotonic` it is given up,
    whatever is running.
    """
    running, suspects, losses = 0, deque(), 1  # of the first suspect
    while True:
        interruptions.heed()
        while running < (1 if suspects else crew.capacity):
            unit = suspects[0] if suspects else take()
            if unit is None:
                break
            crew.submit(unit)
            running += 1
        if not running:
            return
        for unit, result in crew.done(_left(until)):
            running -= 1
            is_suspect = bool(suspects) and unit is suspects[0]
            is_lost = isinstance(result, WorkerLost)
            if is_lost and not is_suspect and attempts > 1:
                suspects.append(unit)
                continue
            if is_lost and is_suspect and losses + 1 < attempts and not crew.retries:
                losses += 1
                continue
            if is_suspect:
                suspects.popleft()
                losses = 1
            yield unit, result
        if time.monotonic() >= until:
            return


def _left(until: float) -> float:
    return min(LOOK, max(0.0, until - time.monotonic()))
