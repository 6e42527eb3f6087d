"""Shards of work spread over processes."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool


class WorkerLost(Exception):
    """A worker process died; the message says during what."""


def available() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(work: Callable, shards: list, workers: int, prepare: Callable, arguments: tuple) -> Iterator[tuple]:
    """Pairs (shard, work(shard)) as they are done by fresh processes, each of which first calls prepare(*arguments).

    A shard has a `claim`; what `work` returns has `seconds`. Shards of claims not timed yet go first, then those that
    take longest, so that the workers end together. Raises WorkerLost; on any exception the processes are ended at once.
    """
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, (prepare, arguments))
    waiting, running, cost = list(shards), {}, {}
    try:
        while waiting or running:
            # One more than the workers, so that none waits for its next shard.
            while waiting and len(running) <= workers:
                shard = max(waiting, key=lambda shard: cost.get(shard.claim, math.inf))
                waiting.remove(shard)
                with _uninterrupted():
                    running[pool.submit(work, shard)] = shard
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                result = future.result()
                shard = running.pop(future)
                cost[shard.claim] = result.seconds
                yield shard, result
    except BrokenProcessPool as error:
        claims = sorted({shard.claim for shard in running.values()})
        raise WorkerLost(f"a worker process died (killed, or out of memory) while checking {', '.join(claims)}") from error
    finally:
        if running:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
        pool.shutdown(cancel_futures=True)


def _start(prepare: Callable, arguments: tuple) -> None:
    """In a worker: end with the parent, even one that was killed, then prepare."""

    def follow():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    prepare(*arguments)


@contextlib.contextmanager
def _uninterrupted():
    """Processes started in here ignore Ctrl-C, which reaches every process of a terminal: the parent ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
