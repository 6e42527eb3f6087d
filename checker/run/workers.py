"""Shards of work spread over a crew (`ncfcheck.run.executors`): the longest first, and lost workers
made up for.
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import cache

from ncfcheck.run.executors import Processes, WorkerLost

__all__ = ["WorkerLost", "available", "longest_first", "one_thread", "spread", "work_through"]


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


def spread(
    work: Callable, shards: list, workers: int, prepare: Callable, arguments: tuple
) -> Iterator[tuple]:
    """Pairs (shard, work(shard)) as they are done by fresh processes, each of which first calls
    prepare(*arguments).

    A shard has a `claim`; what `work` returns has `seconds`. Shards of claims not timed yet go
    first, then those that take longest, so that the workers end together. Raises WorkerLost; on any
    exception the processes are ended at once.
    """
    cost: dict[str, float] = {}
    with Processes(workers, prepare, arguments) as crew:
        for shard, result in work_through(crew, work, longest_first(shards, cost)):
            cost[shard.claim] = result.seconds
            yield shard, result


def longest_first(shards: list, cost: dict[str, float]) -> Callable[[], object]:
    """What to do next, None at the end: a shard of a claim whose cost is not known yet, otherwise
    of the one that costs most.
    """
    waiting = list(shards)

    def take():
        if not waiting:
            return None
        shard = max(waiting, key=lambda shard: cost.get(shard.claim, math.inf))
        waiting.remove(shard)
        return shard

    return take


def work_through(
    crew, work: Callable, take: Callable, attempts: int = 1, until: float = math.inf
) -> Iterator[tuple]:
    """Pairs (shard, work(shard)), each shard once, as a crew gets them done; `take()` names the
    next shard, or None for now.

    It is asked again after every result, and what it names may depend on the results so far. A
    worker that is lost raises WorkerLost, or, with more `attempts` than one, what it may have been
    at is tried again, one shard at a time; a shard that loses its worker that often comes with a
    WorkerLost in place of its result. At the moment `until` of `time.monotonic` it is given up,
    whatever is running.
    """
    running: dict[Future, object] = {}
    suspects: deque = deque()
    losses: Counter = Counter()
    while _fill(crew, work, take, running, suspects):
        lost = []
        for future in _done(running, until):
            error = crew.told(future)
            if isinstance(error, WorkerLost):
                lost.append(future)
            elif error:
                raise error
            else:
                shard = running.pop(future)
                _clear(suspects, shard)
                yield shard, future.result()
        if time.monotonic() >= until:
            return
        for shard in _lost(crew, lost, running, suspects, losses, attempts) if lost else ():
            _clear(suspects, shard)
            yield shard, WorkerLost(_told([shard]))


def _fill(crew, work: Callable, take: Callable, running: dict, suspects: deque) -> bool:
    """Start as much work as the crew has room for; whether anything is running. What may have cost
    a worker runs alone.
    """
    while len(running) < crew.capacity and not (suspects and running):
        shard = suspects[0] if suspects else take()
        if shard is None:
            break
        running[crew.submit(work, shard)] = shard
    return bool(running)


def _done(running: dict, until: float) -> list[Future]:
    """Some of what is running, once it is done; nothing at the moment `until`."""
    timeout = None if until == math.inf else max(0.0, until - time.monotonic())
    return list(wait(running, timeout, FIRST_COMPLETED).done)


def _lost(
    crew, lost: list[Future], running: dict, suspects: deque, losses: Counter, attempts: int
) -> list:
    """After a loss of workers: the shards to give up; others that may have been the cause become
    suspects.

    Only what ran alone is known to be the cause: a death takes down everything that runs, or, in a
    cluster, what waited with it.
    """
    if attempts == 1:
        raise WorkerLost(_told(running.values()))
    alone = len(running) == 1
    taken = [running.pop(future) for future in (lost if crew.retries else list(running))]
    crew.renew()
    for shard in taken:
        losses[shard] += (attempts if crew.retries else 1) * alone
        if shard not in suspects:
            suspects.append(shard)
    return [shard for shard in taken if losses[shard] >= attempts]


def _clear(suspects: deque, shard) -> None:
    if shard in suspects:
        suspects.remove(shard)


def _told(shards) -> str:
    claims = ", ".join(sorted({shard.claim for shard in shards}))
    return f"a worker process died (killed, or out of memory) while checking {claims}"
