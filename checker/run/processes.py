"""A crew of fresh processes of this machine."""

from __future__ import annotations

import atexit
import math
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import connection, sharedctypes

from ncfcheck.core.interruptions import postponed
from ncfcheck.run.crews import DIED, WorkerLost
from ncfcheck.run.serving import Raised, Trace, serve, without_main

GRACE = 2.0  # seconds that a process has to end by itself what is out of time
DEATHS = 2  # of processes at the same step, after which it is left out


@dataclass(eq=False)
class _Task:
    """A unit with the steps of it that ended processes, and those that are left out for that."""

    unit: object
    deaths: Counter[int] = field(default_factory=Counter)
    given_up: dict[int, str] = field(default_factory=dict)
    latest: int = 0  # of these


@dataclass(eq=False)
class _Worker:
    """A process, our end of the pipe to it, where it is, and what it is at."""

    process: multiprocessing.Process
    pipe: connection.Connection
    trace: Trace
    task: _Task | None = None

    @property
    def claim(self) -> str:
        """What its latest step was about."""
        return self.trace.claim.decode(errors="ignore")

    def is_stuck(self, seconds: float) -> bool:
        """Whether it has been at one step for longer than these seconds and GRACE."""
        since = self.trace.since
        return since > 0 and time.monotonic() >= since + seconds + GRACE


class Processes:
    """Fresh processes, each with a pipe of its own; they end with this one, even if it is killed.

    A process that dies closes its pipe, which tells at once that it did and at what it was. One
    that is longer than `seconds` at a step of its work is ended, and another one does the unit
    again without that step.
    """

    retries = False

    def __init__(self, workers: int, make: Callable, arguments: tuple, seconds: float = math.inf):
        self.workers, self.initialise, self.seconds = workers, (make, arguments), seconds
        self.capacity = workers + 1  # one more than the workers, so that none waits for its next
        self.staff: list[_Worker] = []
        self.waiting: deque[_Task] = deque()
        self.lost: list[_Task] = []  # which may be tried again

    def __enter__(self) -> Processes:
        atexit.register(self._end)  # before multiprocessing waits for the processes
        return self

    def submit(self, unit) -> None:
        """Send the unit to a process that is free, or to the next that will be."""
        known = next((task for task in self.lost if task.unit is unit), None)
        self.waiting.append(known or _Task(unit))
        self._hand_out()

    def done(self, timeout: float | None = None) -> Iterator[tuple]:
        """Units with what came of them, as soon as there are any; maybe none."""
        busy = {worker.pipe: worker for worker in self.staff if worker.task}
        for pipe in connection.wait(busy, self._until_stuck(busy.values(), timeout)):
            worker = busy.pop(pipe)
            task, worker.task = worker.task, None
            try:
                result = pipe.recv()
            except (EOFError, OSError):
                self._discard(worker)
                result = self._died(worker, task)
            self._hand_out()
            if isinstance(result, Raised):
                raise result.error
            yield task.unit, result
        for worker in busy.values():
            if worker.is_stuck(self.seconds):
                yield from self._end_stuck(worker)

    def _until_stuck(self, busy, timeout: float | None) -> float | None:
        """Seconds until the first process may be stuck, `timeout` at most."""
        if math.isinf(self.seconds):
            return timeout
        now = time.monotonic()
        # Where time does not count now, it may soon.
        moments = [(worker.trace.since or now) + self.seconds + GRACE for worker in busy]
        left = max(0.0, min(moments, default=math.inf) - now)
        return left if timeout is None else min(left, timeout)

    def _died(self, worker: _Worker, task: _Task) -> WorkerLost:
        """What is told of a unit whose process died; a step that keeps doing that is left out."""
        step = worker.trace.step
        self._keep_late(worker, task)
        task.deaths[step] += 1
        if task.deaths[step] >= DEATHS:
            task.given_up[step], task.latest = DIED, step
        if task not in self.lost:
            self.lost.append(task)
        return WorkerLost(task.unit, worker.claim)

    def _end_stuck(self, worker: _Worker) -> Iterator[tuple]:
        """End a process; another does its unit without the step, unless that was in vain before."""
        self._discard(worker)
        task, step = worker.task, worker.trace.step
        late = self._keep_late(worker, task)
        if step in task.given_up:
            yield task.unit, WorkerLost(task.unit, worker.claim, late)
        else:
            task.given_up[step], task.latest = late, step
            self.waiting.appendleft(task)
        self._hand_out()

    def _keep_late(self, worker: _Worker, task: _Task) -> str:
        """Steps that were out of time are not waited for again; what is said of them."""
        late = f"no answer within {self.seconds:g} s"
        for step in worker.trace.kept[: worker.trace.count]:
            task.given_up.setdefault(step, late)
        return late

    def _hand_out(self) -> None:
        while self.waiting:
            worker = next((worker for worker in self.staff if not worker.task), None)
            if worker is None:
                if len(self.staff) >= self.workers:
                    return
                worker = self._start()
            task = worker.task = self.waiting[0]  # before it may answer
            try:
                worker.trace.since, worker.trace.count = 0.0, 0  # until it begins
                worker.pipe.send((task.unit, task.given_up, task.latest))
                self.waiting.popleft()
            except OSError:  # it died while it was idle: another takes the unit
                self._discard(worker)

    def _start(self) -> _Worker:
        fresh = multiprocessing.get_context("spawn")
        ours, theirs = fresh.Pipe()
        trace = sharedctypes.RawValue(Trace)
        process = fresh.Process(target=serve, args=(theirs, trace, self.seconds, *self.initialise))
        worker = _Worker(process, ours, trace)
        with postponed(), without_main():
            process.start()
            self.staff.append(worker)
        theirs.close()
        return worker

    def _discard(self, worker: _Worker) -> None:
        self.staff.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()

    def _end(self) -> None:
        for worker in self.staff:
            worker.process.kill()
        for worker in list(self.staff):
            self._discard(worker)

    def __exit__(self, *_) -> None:
        self._end()
        atexit.unregister(self._end)
