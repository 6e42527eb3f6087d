"""A crew of fresh processes of this machine."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker

from ncfcheck.run.crews import WorkerLost


class Processes:
    """Fresh processes, each with a pipe of its own; they end with this one, even if it is killed.

    A process that dies closes its pipe, which tells at once that it did and at what it was.
    """

    retries = False

    def __init__(self, workers: int, make: Callable, arguments: tuple):
        self.workers, self.initialise = workers, (make, arguments)
        self.capacity = workers + 1  # one more than the workers, so that none waits for its next
        self.processes: dict[connection.Connection, multiprocessing.Process] = {}
        self.idle: list[connection.Connection] = []
        self.busy: dict[connection.Connection, object] = {}
        self.waiting: deque = deque()

    def __enter__(self) -> Processes:
        atexit.register(self._end)  # before multiprocessing waits for the processes
        return self

    def submit(self, unit) -> None:
        """Send the unit to a process that is free, or to the next that will be."""
        self.waiting.append(unit)
        self._hand_out()

    def done(self, timeout: float | None = None) -> Iterator[tuple]:
        """Units with what came of them, as soon as there are any."""
        for pipe in connection.wait(self.busy, timeout):
            unit = self.busy.pop(pipe)
            try:
                result = pipe.recv()
                self.idle.append(pipe)
            except (EOFError, OSError):
                self._discard(pipe)
                result = WorkerLost(unit)
            self._hand_out()
            if isinstance(result, _Raised):
                raise result.error
            yield unit, result

    def _hand_out(self) -> None:
        while self.waiting and len(self.busy) < self.workers:
            pipe = self.idle.pop() if self.idle else self._start()
            try:
                pipe.send(self.waiting[0])
                self.busy[pipe] = self.waiting.popleft()
            except OSError:  # it died while it was idle: another takes the unit
                self._discard(pipe)

    def _start(self) -> connection.Connection:
        """The pipe to a new process."""
        fresh = multiprocessing.get_context("spawn")
        ours, theirs = fresh.Pipe()
        process = fresh.Process(target=_serve, args=(theirs, *self.initialise))
        with _uninterrupted():
            process.start()
            self.processes[ours] = process
        theirs.close()
        return ours

    def _discard(self, pipe: connection.Connection) -> None:
        process = self.processes.pop(pipe)
        process.kill()
        process.join()
        pipe.close()

    def _end(self) -> None:
        for process in self.processes.values():
            process.kill()
        for pipe in list(self.processes):
            self._discard(pipe)

    def __exit__(self, *_) -> None:
        self._end()
        atexit.unregister(self._end)


@dataclass(frozen=True)
class _Raised:
    """What a unit ended with instead of a result."""

    error: Exception


def _serve(pipe: connection.Connection, make: Callable, arguments: tuple) -> None:
    """In a process of a crew: do what comes through the pipe."""
    threading.Thread(target=_follow, daemon=True).start()
    work = None
    while True:
        unit = pipe.recv()
        try:
            work = work or make(*arguments)
            result = work(unit)
        except Exception as error:
            error.add_note(traceback.format_exc())
            result = _Raised(error)
        try:
            pipe.send(result)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            pipe.send(_Raised(RuntimeError(f"{unit.claim}: cannot be sent: {error}")))


def _follow() -> None:
    """End with the parent, even one that was killed."""
    multiprocessing.parent_process().join()
    os._exit(1)


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
