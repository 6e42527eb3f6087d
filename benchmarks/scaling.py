"""How hunts scale: instances per second on one and on two workers, processes and a Dask cluster, and memory as they go on.

    python -m benchmarks.scaling [--seconds S] [--rounds N] [--instances N] [--claim CLAIM]

One and two workers take turns. Beside instances per second stands how many shards were at work at a time on average: on a
machine that is shared with other work, that tells what the scheduling is worth, and the ratio of speeds what was left of it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from checker.check import SOURCES, load_claims
from checker.hunt import Plan, hunt
from checker.hunt_events import HuntProgress
from checker.ledger import Ledger

PLANTED = "benchmarks.planted"
CHEAP = "planted.never"


@dataclass(frozen=True)
class Speed:
    """Instances per second once the first shard was done, and shards at work at a time."""

    rate: float
    at_work: float


def speed(claim: str, seconds: float, workers: int, scheduler: str | None) -> Speed:
    """A hunt of so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(
            claim, 0, None, seconds, workers, scheduler, sources=(*SOURCES, PLANTED), ledger=Path(folder) / "ledger.sqlite"
        )
        first, last = None, None
        for event in hunt(plan):
            if isinstance(event, HuntProgress):
                first, last = first or (event.tested, time.monotonic()), (event.tested, time.monotonic())
        with Ledger(plan.ledger) as ledger:
            busy = ledger.database.execute("SELECT sum(seconds) FROM shards").fetchone()[0]
    elapsed = last[1] - first[1]
    return Speed((last[0] - first[0]) / elapsed, busy / elapsed)


@contextlib.contextmanager
def cluster(workers: int):
    """Address of a scheduler with so many worker processes; of none for no workers."""
    import distributed

    with distributed.LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0") as found:
        yield found.scheduler_address


def speeds(claim: str, seconds: float, rounds: int, kind: str) -> str:
    """A line of the table: medians of one and of two workers, taking turns."""
    found: dict[int, list[Speed]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in found:
            with cluster(workers) if kind == "Dask" else contextlib.nullcontext() as address:
                found[workers].append(speed(claim, seconds, workers, address))
    one, two = (statistics.median(each.rate for each in found[workers]) for workers in (1, 2))
    busy = [statistics.median(each.at_work for each in found[workers]) for workers in (1, 2)]
    return f"| {kind} | {one:.0f}/s | {two:.0f}/s | {two / one:.2f} | {busy[0]:.2f}, {busy[1]:.2f} |"


def memory(instances: int) -> list[str]:
    """Lines of a table: resident memory of the parent and of its workers as a hunt of a cheap claim goes on."""
    lines, marks = [], [instances * part // 10 for part in (1, 2, 5, 10)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        for event in hunt(Plan(CHEAP, 0, instances, None, 2, sources=(PLANTED,), ledger=path)):
            if isinstance(event, HuntProgress) and marks and event.tested >= marks[0]:
                marks = [mark for mark in marks if mark > event.tested]
                workers = sorted(_resident(process.pid) for process in multiprocessing.active_children())
                size = sum(each.stat().st_size for each in Path(folder).iterdir()) / event.tested
                told = ", ".join(f"{each:.0f}" for each in workers) or "ended"
                lines.append(f"| {event.tested} | {_resident('self'):.0f} MB | {told} MB | {size:.0f} bytes |")
    return lines


def _resident(pid: int | str) -> float:
    """Resident memory of a process in MB, on Linux."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of one hunt")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--instances", type=int, default=100_000, help="of the hunt that memory is measured on")
    parser.add_argument("--claim", default="kkt.multiplier")
    options = parser.parse_args()
    load_claims((*SOURCES, PLANTED))
    print(f"| {options.claim} | one worker | two workers | ratio | shards at work |\n| --- | --- | --- | --- | --- |")
    for kind in ("processes", "Dask"):
        print(speeds(options.claim, options.seconds, options.rounds, kind), flush=True)
    print("\n| instances | parent | workers | ledger, an instance |\n| --- | --- | --- | --- |")
    print("\n".join(memory(options.instances)))


if __name__ == "__main__":
    main()
