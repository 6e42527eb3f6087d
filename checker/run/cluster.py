"""A crew of the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from functools import lru_cache

from ncfcheck.core.deadlines import ended
from ncfcheck.run.crews import NoCluster, WorkerLost

ANSWER, PATIENCE = 10, 30  # seconds to wait for a scheduler, and for its first worker
LOOK = 2.0  # seconds between looks at how many workers a cluster has


class Dask:
    """The workers of a Dask cluster. Raises NoCluster.

    Dask gives the work of a lost worker to another by itself; what it reports lost has killed
    several, or waited where they died.
    """

    retries = True

    def __init__(self, address: str, make: Callable, arguments: tuple):
        self.address, self.content = address, pickle.dumps((make, arguments))
        self.threads, self.looked = 1, 0.0
        self.running: dict[Future, object] = {}

    def __enter__(self) -> Dask:
        try:
            import distributed
        except ImportError as error:
            raise NoCluster(
                "--scheduler needs Dask: pip install 'ncfcheck[distributed]'"
            ) from error
        try:
            distributed.comm.get_address_host_port(self.address)
        except ValueError as error:  # for which a client would not be made, nor get away, in time
            wanted = "expected one such as tcp://host:8786"
            raise NoCluster(f"{self.address!r} is no address of a scheduler: {wanted}") from error
        silence = TimeoutError(f"silent for {ANSWER:g} s")
        try:
            self.client = ended(silence, ANSWER, _connected, self.address)
        except Exception as error:  # whatever is made of what is there instead
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
            self.threads = max(1, sum(self.client.nthreads().values()))
            self.looked = time.monotonic()
        return 2 * self.threads

    def submit(self, unit) -> None:
        """Start a unit. Raises NoCluster where its scheduler went, which closes the client."""
        try:
            self.running[self.pool.submit(_on_cluster, self.content, unit)] = unit
        except RuntimeError as error:
            raise self._gone() from error

    def done(self, timeout: float | None = None) -> Iterator[tuple]:
        """Units with what came of them. Raises NoCluster where the scheduler is gone."""
        from distributed.scheduler import KilledWorker

        for future in wait(self.running, timeout, FIRST_COMPLETED).done:
            unit = self.running.pop(future)
            try:
                result = future.result()
            except KilledWorker:
                result = WorkerLost(unit)
            except CancelledError as error:
                raise self._gone() from error
            yield unit, result

    def _gone(self) -> NoCluster:
        return NoCluster(f"the Dask scheduler at {self.address} is gone")

    def __exit__(self, *_) -> None:
        # Nobody waits for the cluster any more, whatever state it is in.
        with contextlib.suppress(Exception):
            self.pool.shutdown(wait=False)
            self.client.close(timeout=5)


def _connected(address: str):
    """A client of the scheduler."""
    import distributed

    class Client(distributed.Client):
        def __del__(self):
            """Who never got a connection does not wait for its end, as it would for a minute."""

    return Client(address, timeout=ANSWER, set_as_default=False)


_making = threading.Lock()


def _on_cluster(content: bytes, unit):
    """In a worker of a cluster: do a unit."""
    with _making:
        work = _made(content)
    return work(unit)


@lru_cache(maxsize=4)
def _made(content: bytes) -> Callable:
    make, arguments = pickle.loads(content)
    return make(*arguments)
