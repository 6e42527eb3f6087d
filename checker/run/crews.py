"""Who does the work: fresh processes of this machine, the workers of a Dask cluster, or this
process. One interface for all three.

Where work is done, `make(*arguments)` is called once: it returns the function that does a unit of
work, a value with a `claim`. A crew is a context: `submit(unit)` starts a unit, `capacity` is how
many are worth starting at a time, and `done(timeout)` waits for some and yields pairs
(unit, result), maybe none. The result is a WorkerLost where the worker died, with `retries` several
in turn; what the work raises, `done` raises. Leaving a crew ends what is still running at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ncfcheck.core.errors import CannotRun

DIED = "a worker process died (killed, or out of memory)"


class WorkerLost(Exception):
    """A worker died, or answered no more, while it did a unit of work; the message says which
    `claim` that was about, or which claims.
    """

    def __init__(self, unit, claim: str = "", how: str = DIED):
        self.claim = claim or unit.claim
        super().__init__(f"{how} while checking {self.claim}")


class NoCluster(CannotRun):
    """A Dask cluster cannot be used; the message says which and why."""


class Here:
    """This process, which does each unit when asked what is done: nothing to start or to lose."""

    capacity = 1
    retries = False

    def __init__(self, make: Callable, arguments: tuple):
        self.work = make(*arguments)

    def __enter__(self) -> Here:
        return self

    def submit(self, unit) -> None:
        """Take a unit."""
        self.unit = unit

    def done(self, timeout: float | None = None) -> Iterator[tuple]:
        """Do it."""
        yield self.unit, self.work(self.unit)

    def __exit__(self, *_) -> None:
        pass
