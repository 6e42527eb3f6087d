"""How hunts scale: time on one and on two workers, processes and a Dask cluster, and memory as they
go on.

    python -m benchmarks.scaling [--timed N] [--rounds N] [--instances N] [--claim CLAIM]

One and two workers take turns at the same instances. Beside the time stand processor seconds of all
processes and how many shards were at work at a time: on a machine that is shared with other work
these still tell what two workers are worth.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from ncfcheck.core.loading import SOURCES, load_claims
from ncfcheck.run.hunting.events import HuntProgress
from ncfcheck.run.hunting.hunt import HuntPlan, hunt
from ncfcheck.verdicts.ledger import Ledger

PLANTED = "benchmarks.planted"
CHEAP = "planted.never"


@dataclass(frozen=True)
class Speed:
    """Seconds from the first shard done to the last, processor seconds of all processes, and shards
    at work at a time.
    """

    seconds: float
    processor: float
    at_work: float


def speed(claim: str, instances: int, workers: int, scheduler: str | None) -> Speed:
    """A hunt of so many instances: the same ones, whatever the workers."""
    with tempfile.TemporaryDirectory() as folder:
        more = {"sources": (*SOURCES, PLANTED), "ledger": Path(folder) / "ledger.sqlite"}
        plan = HuntPlan(claim, 0, instances, None, workers, scheduler, **more)
        moments = [time.monotonic() for event in hunt(plan) if isinstance(event, HuntProgress)]
        with Ledger(plan.ledger) as ledger:
            busy = ledger.database.execute("SELECT sum(seconds) FROM shards").fetchone()[0]
    elapsed = moments[-1] - moments[0]
    return Speed(elapsed, 0.0, busy / elapsed)


@contextlib.contextmanager
def cluster(workers: int):
    """Address of a scheduler with so many worker processes; of none for no workers."""
    import distributed

    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as found:
        yield found.scheduler_address


def measured(claim: str, instances: int, workers: int, kind: str) -> Speed:
    """The speed of a hunt, with the processor time of this process and of all those it started,
    which have ended by then.
    """
    before = _processor()
    with cluster(workers) if kind == "Dask" else contextlib.nullcontext() as address:
        found = speed(claim, instances, workers, address)
    return replace(found, processor=_processor() - before)


def _processor() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


def speeds(claim: str, instances: int, rounds: int, kind: str) -> str:
    """A line of the table: medians of one and of two workers, taking turns."""
    found: dict[int, list[Speed]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in found:
            found[workers].append(measured(claim, instances, workers, kind))
    one, two = (
        [
            statistics.median(getattr(each, name) for each in found[workers])
            for name in ("seconds", "processor", "at_work")
        ]
        for workers in (1, 2)
    )
    times = f"{one[0]:.0f} s | {two[0]:.0f} s | {one[0] / two[0]:.2f}"
    return f"| {kind} | {times} | {one[1]:.0f} s, {two[1]:.0f} s | {one[2]:.2f}, {two[2]:.2f} |"


def memory(instances: int) -> list[str]:
    """Lines of a table: resident memory of the parent and of its workers as a hunt of a cheap claim
    goes on.
    """
    lines, marks = [], [instances * part // 10 for part in (1, 2, 5, 10)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        for event in hunt(HuntPlan(CHEAP, 0, instances, None, 2, sources=(PLANTED,), ledger=path)):
            if isinstance(event, HuntProgress) and marks and event.tested >= marks[0]:
                marks = [mark for mark in marks if mark > event.tested]
                workers = sorted(
                    _resident(process.pid) for process in multiprocessing.active_children()
                )
                size = sum(each.stat().st_size for each in Path(folder).iterdir()) / event.tested
                told = ", ".join(f"{each:.0f}" for each in workers) or "ended"
                lines.append(
                    f"| {event.tested} | {_resident('self'):.0f} MB | {told} MB | {size:.0f} bytes "
                    "|"
                )
    return lines


def _resident(pid: int | str) -> float:
    """Resident memory of a process in MB, on Linux."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--timed", type=int, default=2000, help="instances of a hunt that is timed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--instances", type=int, default=100_000, help="of the hunt that memory is measured on"
    )
    parser.add_argument("--claim", default="kkt.multiplier")
    options = parser.parse_args()
    load_claims((*SOURCES, PLANTED))
    print(
        f"| {options.claim} | one worker | two | ratio | processor, each | shards at work "
        f"|\n|{' --- |' * 6}"
    )
    for kind in ("processes", "Dask"):
        print(speeds(options.claim, options.timed, options.rounds, kind), flush=True)
    print("\n| instances | parent | workers | ledger, an instance |\n| --- | --- | --- | --- |")
    print("\n".join(memory(options.instances)))


if __name__ == "__main__":
    main()
