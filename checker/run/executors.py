"""Where work is done: fresh processes of this machine, a Dask cluster, or this process. One
interface for all three.

A crew is a context: `submit(work, shard)` starts one piece of work, `capacity` is how many are
worth starting at a time, `told(future)` is the error that some work ended with, WorkerLost where
that was the end of its worker. `renew()` replaces what a lost worker broke; with `retries` nothing
is, and the work was tried on other workers. Leaving a crew ends its processes, at once where
something is still running.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, resource_tracker

PATIENCE = 30  # seconds to wait for a scheduler to answer and for its first worker
LOOK = 2.0  # seconds between looks at how many workers a cluster has
NOTICE = (
    5.0  # seconds within which an executor notices that a process of its died, unless it never will
)


class WorkerLost(Exception):
    """A worker process died; the message says during what."""


class NoCluster(Exception):
    """A Dask cluster cannot be used; the message says which and why."""


class Processes:
    """Fresh processes, each of which first calls prepare(*arguments); they end with this one, even
    if it is killed.
    """

    retries = False

    def __init__(self, workers: int, prepare: Callable, arguments: tuple):
        self.workers, self.initialise = workers, (prepare, arguments)
        # One more than the workers, so that none waits for its next shard.
        self.capacity = workers + 1

    def __enter__(self) -> Processes:
        self.others = set(multiprocessing.active_children())
        self.running: set[Future] = set()
        self._open()
        return self

    def submit(self, work: Callable, shard) -> Future:
        """Start one piece of work; it has failed already where a process died since
        the last one.
        """
        try:
            with _uninterrupted():
                future = self.pool.submit(work, shard)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        self.running.add(future)
        future.add_done_callback(self.running.discard)
        return future

    def told(self, future: Future) -> BaseException | None:
        """WorkerLost for the death of a process; any other error as it is."""
        error = future.exception()
        return WorkerLost() if isinstance(error, BrokenProcessPool) else error

    def renew(self) -> None:
        """New processes for those that a death among them took along."""
        self.running.clear()
        self._close()
        self._open()

    def __exit__(self, *_) -> None:
        if self.running:
            self._cut_off()
        self._close()

    def _open(self) -> None:
        self.pool = ProcessPoolExecutor(
            self.workers, multiprocessing.get_context("spawn"), _start, self.initialise
        )
        self.closed = threading.Event()
        threading.Thread(target=self._watch, args=(self.pool, self.closed), daemon=True).start()

    def _close(self) -> None:
        self.closed.set()
        self.pool.shutdown(cancel_futures=True)

    def _cut_off(self) -> None:
        """End the processes at once, whatever they are at.

        One that dies while it sends a result leaves the executor reading the rest, for ever, as
        long as anybody might write it: this process holds an end of the pipe as well, and lets go
        of it.
        """
        for process in set(multiprocessing.active_children()) - self.others:
            process.terminate()
        with contextlib.suppress(AttributeError, OSError):
            self.pool._result_queue._writer.close()

    def _watch(self, pool: ProcessPoolExecutor, closed: threading.Event) -> None:
        """End all processes of the pool when one has died without its executor noticing."""
        while not closed.wait(NOTICE / 5):
            processes = list((getattr(pool, "_processes", None) or {}).values())
            if any(connection.wait([process.sentinel], 0) for process in processes):
                if not closed.wait(NOTICE) and not getattr(pool, "_broken", False):
                    self._cut_off()
                return


class Dask:
    """The workers of a Dask cluster, which prepare when they first work. Raises NoCluster.

    Dask gives the work of a lost worker to another by itself; what it reports lost has killed
    several.
    """

    retries = True

    def __init__(self, address: str, prepare: Callable, arguments: tuple):
        self.address, self.initialise = address, (prepare, arguments)
        self.threads, self.looked = 1, 0.0

    def __enter__(self) -> Dask:
        try:
            import distributed
        except ImportError as error:
            raise NoCluster(
                "--scheduler needs Dask: pip install 'ncfcheck[distributed]'"
            ) from error
        try:
            self.client = distributed.Client(self.address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise NoCluster(f"no Dask scheduler answers at {self.address}: {error}") from error
        try:
            self.client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            self.client.close()
            raise NoCluster(f"the Dask scheduler at {self.address} has no workers") from error
        self.pool = self.client.get_executor(pure=False, retries=0)
        return self

    @property
    def capacity(self) -> int:
        """Twice the threads of the cluster, looked up now and then: workers come and go."""
        if time.monotonic() - self.looked > LOOK:
            self.threads, self.looked = (
                max(1, sum(self.client.nthreads().values())),
                time.monotonic(),
            )
        return 2 * self.threads

    @property
    def workers(self) -> int:
        """How many pieces of work are done at a time."""
        return self.capacity // 2

    def submit(self, work: Callable, shard) -> Future:
        """Start one piece of work. Raises NoCluster where the client was closed, as it is when its
        scheduler goes.
        """
        try:
            return self.pool.submit(_prepared, *self.initialise, work, shard)
        except RuntimeError as error:
            raise NoCluster(f"the Dask scheduler at {self.address} is gone") from error

    def told(self, future: Future) -> BaseException | None:
        """WorkerLost for work whose workers died; NoCluster where the scheduler is gone; any other
        error as it is.
        """
        from distributed.scheduler import KilledWorker

        try:
            error = future.exception()
        except CancelledError:
            return NoCluster(f"the Dask scheduler at {self.address} is gone")
        return WorkerLost() if isinstance(error, KilledWorker) else error

    def renew(self) -> None:
        """Nothing: Dask does."""

    def __exit__(self, *_) -> None:
        with contextlib.suppress(
            Exception
        ):  # nobody waits for the cluster any more, whatever state it is in
            self.pool.shutdown(wait=False)
            self.client.close(timeout=5)


class Here:
    """This process, which does each piece of work when it is submitted: nothing to start, nothing
    to lose.
    """

    workers = capacity = 1
    retries = False

    def __init__(self, prepare: Callable, arguments: tuple):
        prepare(*arguments)

    def __enter__(self) -> Here:
        return self

    def submit(self, work: Callable, shard) -> Future:
        """Do one piece of work."""
        future: Future = Future()
        try:
            future.set_result(work(shard))
        except Exception as error:
            future.set_exception(error)
        return future

    def told(self, future: Future) -> BaseException | None:
        """The error as it is."""
        return future.exception()

    def renew(self) -> None:
        """Nothing."""

    def __exit__(self, *_) -> None:
        pass


_done: set[tuple] = set()
_preparing = threading.Lock()


def _prepared(prepare: Callable, arguments: tuple, work: Callable, shard):
    """In a worker of a cluster: prepare, unless this process has, then work."""
    with _preparing:
        if (prepare, arguments) not in _done:
            prepare(*arguments)
            _done.add((prepare, arguments))
    return work(shard)


def _start(prepare: Callable, arguments: tuple) -> None:
    """In a worker process: end with the parent, even one that was killed, then prepare."""

    def follow():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    prepare(*arguments)


@contextlib.contextmanager
def _uninterrupted():
    """Processes started in here do not get Ctrl-C, which goes to every process of a terminal: the
    parent ends them.

    The parent itself gets one that comes meanwhile at the end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught, masks = [], hasattr(signal, "pthread_sigmask")  # not on Windows
    # The block is what processes inherit; the handler is for signals that another thread takes.
    handler = signal.signal(signal.SIGINT, lambda *_: caught.append(True))
    if masks:
        # Started by the first process otherwise, and lifts the block for those after it.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
        if caught:
            signal.raise_signal(signal.SIGINT)
