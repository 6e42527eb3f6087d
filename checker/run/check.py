"""The check: batches of instances examined by a crew of workers, added up, concluded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import scipy.special  # noqa: F401  # to conclude: an import that Ctrl-C cuts short fails for good

from ncfcheck.core.claims import Claim, registered
from ncfcheck.core.describing import one_line
from ncfcheck.core.errors import CannotRun
from ncfcheck.core.files import Unwritable
from ncfcheck.core.loading import SOURCES, load_claims
from ncfcheck.core.tables import Table
from ncfcheck.core.versions import versions
from ncfcheck.model.encoding import NotStorable
from ncfcheck.run.batches import Batch, BatchReport, check_batch, cut, with_witnesses
from ncfcheck.run.counterexamples import is_worth_keeping, keep
from ncfcheck.run.crews import WorkerLost
from ncfcheck.run.workers import crew, longest_first, work_through
from ncfcheck.strategies.datasets import from_table
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.events import ClaimFinished, Event, Progress, RunStarted
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult, conclude
from ncfcheck.verdicts.tallies import Tally

PROFILES = {"quick": 25, "ci": 200, "deep": 2000}  # applicable instances per claim


@dataclass(frozen=True)
class CheckPlan:
    """What to check: claim ids, applicable instances per claim (fewer for a control), the seed that
    everything drawn depends on.

    `workers` processes; 1 is this process; `scheduler` is the address of a Dask cluster to use
    instead. `part` is i/k where the claims are those of one of k jobs; `verbose` asks for an event
    of every instance. Witnesses stored in `folder` are replayed, and new ones stored there; not
    where it is None. With `certify`, proofs are tried of the conclusions that hold.
    """

    claims: tuple[str, ...]
    examples: int
    seed: int = 0
    workers: int = 1
    table: Table | None = None
    sources: tuple[str, ...] = SOURCES
    part: str = ""
    verbose: bool = False
    folder: Path | None = None
    certify: bool = False
    scheduler: str | None = None


def run(plan: CheckPlan) -> Iterator[Event]:
    """Check the claims of a plan, told in events; the last, even if interrupted, is a Report.

    Raises NoCluster; what is a fault of the program's only after the Report.
    """
    start, stopped, under_way = time.perf_counter(), None, _Check(plan)
    fault: Exception | None = None
    yield RunStarted(plan.claims, plan.examples, plan.seed, plan.workers)
    try:
        yield from under_way.events()
    except KeyboardInterrupt:
        stopped = "interrupted"
    except WorkerLost as lost:
        stopped = str(lost)
    except CannotRun:
        raise
    except Exception as error:
        stopped, fault = one_line(f"{type(error).__name__}: {error}"), error
    yield Report(
        seed=plan.seed,
        versions=versions(),
        examples=plan.examples,
        claims=under_way.results(keeping=plan.folder is not None and not stopped),
        seconds=round(time.perf_counter() - start, 3),
        stopped=stopped,
        part=plan.part or None,
    )
    if fault:
        raise fault


class _Check:
    """A check under way: its batches, and the tallies of those that are done."""

    def __init__(self, plan: CheckPlan):
        self.plan, self.claims = plan, {id: registered()[id] for id in plan.claims}
        batches = cut(self.claims.values(), plan.examples)
        self.batches = with_witnesses(batches, plan.folder) if plan.folder else batches
        self.missing = Counter(id for batch in batches for id in batch.claims)
        self.tallies: dict[str, dict[int, Tally]] = {id: {} for id in self.claims}
        self.cost: dict[str, float] = {}  # seconds of a batch
        self.done, self.total = 0, sum(map(_instances, batches))

    def events(self) -> Iterator[Event]:
        """Work through the batches. Raises WorkerLost."""
        with _crew(self.plan, len(self.batches)) as workers:
            for batch, found in work_through(workers, longest_first(self.batches, self.cost)):
                if isinstance(found, WorkerLost):
                    raise found
                yield from found.examined
                yield from self._add(batch, found)

    def _add(self, batch: Batch, found: BatchReport) -> Iterator[Event]:
        self.cost[batch.claim] = found.seconds
        self.done += _instances(batch)
        for id, tally in found.tallies.items():
            self.tallies[id][batch.index] = tally
            self.missing[id] -= 1
        yield Progress(self.done, self.total, batch.claim)
        for id in batch.claims:
            if not self.missing[id]:
                total = _total(self.tallies[id])
                yield ClaimFinished(conclude(self.claims[id], total, self.plan.seed))

    def results(self, keeping: bool) -> tuple[ClaimResult, ...]:
        """A result of every claim begun, where asked for with its counterexample stored."""
        totals = {id: _total(tallies) for id, tallies in self.tallies.items() if tallies}
        return tuple(self._result(self.claims[id], total, keeping) for id, total in totals.items())

    def _result(self, claim: Claim, total: Tally, keeping: bool) -> ClaimResult:
        result = conclude(claim, total, self.plan.seed)
        if not keeping or not is_worth_keeping(claim, total):
            return result
        plan = self.plan
        try:
            path = keep(claim, total.violation, plan.seed, plan.folder, _data(plan))
        except (NotStorable, OSError, Unwritable) as reason:  # which costs no result
            told = (*result.witnesses, f"counterexample not stored: {reason}")
            return msgspec.structs.replace(result, witnesses=told)
        command = witness.replay_command(path, witness.home_of(claim))
        return msgspec.structs.replace(result, kept=command)


def _instances(batch: Batch) -> int:
    """How many instances of claims a batch stands for."""
    return batch.examples * len(batch.claims)


def check_claim(claim: Claim, examples: int, seed: int, data=None) -> ClaimResult:
    """Check one claim in this process, on data of the strategy `data` if given, as a run does."""
    tallies = {
        batch.index: check_batch(batch, seed, data).tallies[claim.id]
        for batch in cut([claim], examples)
    }
    return conclude(claim, _total(tallies), seed)


def _crew(plan: CheckPlan, batches: int):
    """The crew of a plan; this process where one worker is enough."""
    workers = min(plan.workers, batches)
    return crew(workers if workers > 1 else 0, plan.scheduler, _worker, (plan,))


def _worker(plan: CheckPlan) -> Callable:
    """What checks a batch of the plan."""
    load_claims(plan.sources)
    return partial(
        check_batch, seed=plan.seed, data=_data(plan), verbose=plan.verbose, certify=plan.certify
    )


def _data(plan: CheckPlan):
    """Strategy of data sets drawn from the plan's table, if it has one."""
    return None if plan.table is None else from_table(plan.table)


def _total(tallies: dict[int, Tally]) -> Tally:
    """The tallies of batches added in the order of their index, whatever order they came in."""
    total = Tally()
    for index in sorted(tallies):
        total += tallies[index]
    return total
