"""The check: batches of instances examined by a crew of workers, added up, concluded."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec
import scipy.special  # noqa: F401  # to conclude: an import that Ctrl-C cuts short fails for good

from ncfcheck.core import time_limit
from ncfcheck.core.claims import Claim
from ncfcheck.core.describing import one_line
from ncfcheck.core.errors import CannotRun
from ncfcheck.core.files import Unwritable
from ncfcheck.core.interruptions import heard
from ncfcheck.core.loading import SOURCES, load_claims
from ncfcheck.core.tables import Table
from ncfcheck.core.versions import versions
from ncfcheck.model.encoding import NotStorable
from ncfcheck.model.sources import Models, load
from ncfcheck.run.batches import Batch, BatchReport, check_batch, cut, with_witnesses
from ncfcheck.run.counterexamples import Find, as_found, is_worth_keeping
from ncfcheck.run.crews import WorkerLost
from ncfcheck.run.workers import crew, longest_first, work_through
from ncfcheck.strategies.about import claims_about
from ncfcheck.strategies.datasets import from_table
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.events import ClaimFinished, Event, Progress, RunStarted
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult, conclude
from ncfcheck.verdicts.tallies import Tally
from ncfcheck.verdicts.witness import Witness

SHRINKING = 20.0  # seconds that making one counterexample smaller may take in all
ATTEMPTS = 5  # at a batch that loses its worker
PROFILES = {"quick": 25, "ci": 200, "deep": 2000}  # applicable instances per claim


@dataclass(frozen=True)
class CheckPlan:
    """What to check: claim ids, applicable instances per claim (fewer for a control), the seed that
    everything drawn depends on.

    `workers` processes; 0 is this process; `scheduler` is the address of a Dask cluster to use
    instead. No instance takes longer than `instance_timeout` seconds. `part` is i/k where the
    claims are those of one of k jobs; `verbose` asks for an event of every instance. Witnesses
    stored in `folder` are replayed, and new ones stored there; not where it is None. With
    `certify`, proofs are tried of the conclusions that hold. `models` take the place of those that
    the claims draw: a file's path, or families for no workers; `unsuited` are claims that were
    asked for and are not about these. `options` are those of the command line that the results hang
    on, for the report.
    """

    claims: tuple[str, ...]
    examples: int
    seed: int = 0
    workers: int = 0
    table: Table | None = None
    sources: tuple[str, ...] = SOURCES
    part: str = ""
    verbose: bool = False
    folder: Path | None = None
    certify: bool = False
    scheduler: str | None = None
    instance_timeout: float = time_limit.SECONDS
    options: tuple[str, ...] = ()
    models: Models = None
    unsuited: tuple[str, ...] = ()


def run(plan: CheckPlan) -> Iterator[Event]:
    """Check the claims of a plan, told in events; the last, even if interrupted, is a Report.

    Raises NoCluster; what is a fault of the program's only after the Report.
    """
    start, stopped, under_way = time.perf_counter(), None, _Check(plan)
    fault: Exception | None = None
    yield RunStarted(plan.claims, plan.examples, plan.seed, plan.workers, plan.unsuited)
    try:
        yield from under_way.events()
    except KeyboardInterrupt as interruption:
        stopped = heard(interruption)
    except CannotRun:
        raise
    except Exception as error:
        stopped, fault = one_line(f"{type(error).__name__}: {error}"), error
    yield Report(
        seed=plan.seed,
        versions=versions(),
        examples=plan.examples,
        claims=under_way.results(),
        seconds=round(time.perf_counter() - start, 3),
        stopped=stopped or under_way.lost,
        part=plan.part or None,
        options=plan.options,
        unsuited=plan.unsuited,
    )
    if fault:
        raise fault


class _Check:
    """A check under way: its batches, and the tallies of those that are done."""

    def __init__(self, plan: CheckPlan):
        self.plan, self.claims = plan, claims_about(plan.claims, load(plan.models))
        batches = cut(self.claims.values(), plan.examples)
        self.batches = with_witnesses(batches, plan.folder) if plan.folder else batches
        self.missing = Counter(id for batch in batches for id in batch.claims)
        self.tallies: dict[str, dict[int, Tally]] = {id: {} for id in self.claims}
        self.cost: dict[str, float] = {}  # seconds of a batch
        self.lost: str | None = None  # what the first claim that ended a worker is told with
        self.small: dict[str, Witness] = {}  # counterexamples made smaller
        self.done, self.total = 0, sum(map(_instances, batches))

    def events(self) -> Iterator[Event]:
        """Work through the batches, then make smaller what they found."""
        with _crew(self.plan, len(self.batches)) as workers:
            batches = self.batches
            while batches:
                without: list[Batch] = []
                take = longest_first(batches, self.cost)
                for batch, found in work_through(workers, take, ATTEMPTS):
                    if isinstance(found, WorkerLost):
                        batch, found, rest = self._given_up(batch, found)
                        without += rest
                    yield from found.examined
                    yield from self._add(batch, found)
                batches = without
            finds = [find for id in self.claims if (find := self._find(id))]
            until = time.monotonic() + SHRINKING * len(finds)
            for find, small in work_through(workers, longest_first(finds, {}), until=until):
                if isinstance(small, Witness):
                    self.small[find.claim] = small

    def _given_up(
        self, batch: Batch, lost: WorkerLost
    ) -> tuple[Batch, BatchReport, tuple[Batch, ...]]:
        """The part of a batch that ended its workers, as unresolved, and the rest of it to do."""
        self.lost = self.lost or str(lost)
        guilty = (lost.claim,) if lost.claim in batch.claims else batch.claims
        wanted = batch.examples
        tallies = {
            id: Tally(asked=wanted, unresolved=Counter({str(lost): wanted})) for id in guilty
        }
        innocent = tuple(id for id in batch.claims if id not in guilty)
        rest = (replace(batch, claims=innocent),) if innocent else ()
        return replace(batch, claims=guilty), BatchReport(tallies, 0.0), rest

    def _find(self, id: str) -> Find | None:
        """What is to be made smaller of what was found of a claim, if anything is."""
        total = _total(self.tallies[id])
        if self.plan.folder is None or not is_worth_keeping(self.claims[id], total):
            return None
        return Find(id, total.violation, self.plan.seed)

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

    def results(self) -> tuple[ClaimResult, ...]:
        """A result of every claim begun, where there is a folder with its counterexample stored."""
        totals = {id: _total(tallies) for id, tallies in self.tallies.items() if tallies}
        return tuple(self._result(self.claims[id], total) for id, total in totals.items())

    def _result(self, claim: Claim, total: Tally) -> ClaimResult:
        """Of one that could not be made smaller, the counterexample is stored as it was found."""
        result, find = conclude(claim, total, self.plan.seed), self._find(claim.id)
        if find is None:
            return result
        try:
            found = self.small.get(claim.id) or as_found(claim, find.violation, find.seed)
            if found is None:
                raise NotStorable(find.violation.why or "its instance cannot be read again")
            path = witness.store(found, self.plan.folder)
        except (NotStorable, OSError, Unwritable) as reason:  # which costs no result
            told = (*result.witnesses, f"counterexample not stored: {reason}")
            return msgspec.structs.replace(result, witnesses=told)
        command = witness.replay_command(path, found.claims, found.model)
        return msgspec.structs.replace(result, kept=command)


def _instances(batch: Batch) -> int:
    """How many instances of claims a batch stands for."""
    return batch.examples * len(batch.claims)


def check_claim(
    claim: Claim, examples: int, seed: int, data=None, timeout: float = time_limit.SECONDS
) -> ClaimResult:
    """Check one claim in this process, on data of the strategy `data` if given, as a run does."""
    with time_limit.each_step(timeout):
        tallies = {
            batch.index: check_batch(batch, seed, data).tallies[claim.id]
            for batch in cut([claim], examples)
        }
    return conclude(claim, _total(tallies), seed)


def _crew(plan: CheckPlan, batches: int):
    """The crew of a plan."""
    workers = min(plan.workers, batches)
    return crew(workers, plan.scheduler, _worker, (plan,), plan.instance_timeout)


def _worker(plan: CheckPlan) -> Callable[[Batch | Find], BatchReport | Witness | None]:
    """What checks a batch of the plan, or makes smaller what was found."""
    load_claims(plan.sources)
    return partial(_work, plan, _data(plan), load(plan.models))


def _work(plan: CheckPlan, data, models, unit: Batch | Find) -> BatchReport | Witness | None:
    how = {"verbose": plan.verbose, "certify": plan.certify}
    with time_limit.each_step(plan.instance_timeout):
        if isinstance(unit, Find):
            with contextlib.suppress(Exception):  # it is stored as it was found
                return unit.smaller(data, models)
            return None
        return check_batch(unit, plan.seed, data, models=models, **how)


def _data(plan: CheckPlan):
    """Strategy of data sets drawn from the plan's table, if it has one."""
    return None if plan.table is None else from_table(plan.table)


def _total(tallies: dict[int, Tally]) -> Tally:
    """The tallies of batches added in the order of their index, whatever order they came in."""
    total = Tally()
    for index in sorted(tallies):
        total += tallies[index]
    return total
