"""The hunt for a counterexample to a claim: shards to a crew, reports to the ledger and search."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from ncfcheck.core import time_limit
from ncfcheck.core.claims import Claim, Outcome, Verdict, registered
from ncfcheck.core.describing import one_line
from ncfcheck.core.errors import CannotRun
from ncfcheck.core.files import Unwritable
from ncfcheck.core.interruptions import heard
from ncfcheck.core.loading import SOURCES, load_claims
from ncfcheck.core.versions import versions
from ncfcheck.model.sources import Models, load, told
from ncfcheck.run.counterexamples import Find, as_found, replace
from ncfcheck.run.crews import NoCluster, WorkerLost
from ncfcheck.run.hunting import search
from ncfcheck.run.hunting.events import (
    Counterexample,
    HuntFinished,
    HuntProgress,
    HuntResult,
    HuntStarted,
    Shrinking,
)
from ncfcheck.run.hunting.schedule import Schedule
from ncfcheck.run.hunting.shards import Row, Shard, ShardReport, Totals
from ncfcheck.run.hunting.tactics import carried_out
from ncfcheck.run.shrinking.shrink import SECONDS
from ncfcheck.run.workers import crew, longest_first, work_through
from ncfcheck.strategies.about import about
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.ledger import PATH, Ledger, LedgerError

ATTEMPTS = 3  # at a shard that loses its worker
GRACE = 3.0  # seconds that work already started may take beyond the budget
SHRINKING = SECONDS + 10.0  # that making the counterexample smaller, and proving it, may take
FAULTS = 100  # instances, none of them judged for errors, that end a hunt
TOLD = 0.5  # seconds between events of progress


@dataclass(frozen=True)
class HuntPlan:
    """What to hunt for, from which seed, on how much: `instances` in all, or `seconds` from now.

    `workers` processes; 0 is this process; `scheduler` is the address of a Dask cluster to use
    instead. No instance takes longer than `instance_timeout` seconds. `keep_going` uses the whole
    budget even after a counterexample; `resume` continues the last hunt of the same claim and seed
    in the ledger. `models` take the place of those that the claim draws, as in a `CheckPlan`.
    """

    claim: str
    seed: int = 0
    instances: int | None = None
    seconds: float | None = None
    workers: int = 1
    scheduler: str | None = None
    resume: bool = False
    keep_going: bool = False
    sources: tuple[str, ...] = SOURCES
    ledger: Path = PATH
    folder: Path = witness.FOLDER
    models: Models = None
    instance_timeout: float = time_limit.SECONDS

    @property
    def budget(self) -> str:
        """The budget in words."""
        return f"{self.seconds:g} s" if self.instances is None else f"{self.instances} instances"


class Lost(Exception):
    """A counterexample could not be written; `content` is the witness file that was to be."""

    def __init__(self, message: str, content: bytes):
        super().__init__(message)
        self.content = content


def hunt(plan: HuntPlan) -> Iterator[object]:
    """Hunt, telling of it in events (`ncfcheck.run.hunting.events`); interrupting it ends it
    cleanly with what was found.

    Raises LedgerError, NoCluster, Lost; what is a fault of the program's only at the end.
    """
    start, stopped = time.monotonic(), ""
    fault: Exception | None = None
    with Ledger(plan.ledger) as ledger:
        claim = about(registered()[plan.claim], load(plan.models))
        run = _Hunt(plan, claim, ledger, start)
        yield HuntStarted(plan.claim, plan.seed, plan.workers, plan.budget, run.totals.tested)
        try:
            yield from run.events()
        except KeyboardInterrupt as interruption:
            stopped = heard(interruption)
        except (CannotRun, Lost):
            raise
        except Exception as error:
            stopped, fault = one_line(f"{type(error).__name__}: {error}"), error
        yield from run.conclusion(stopped)
        if fault:
            raise fault


class _Hunt:
    """One hunt under way."""

    def __init__(self, plan: HuntPlan, claim: Claim, ledger: Ledger, start: float):
        self.plan, self.claim, self.ledger, self.start = plan, claim, ledger, start
        self.totals, self.best, self.path = Totals(), None, None
        options = {"search": search.VERSION} | told(plan.models)
        self.number = ledger.latest(claim.id, plan.seed, options) if plan.resume else None
        self.done = self._resumed() if self.number is not None else set()
        self.before, self.told = self.totals.tested, 0.0
        if self.number is None:
            self.number = ledger.begin(claim.id, plan.seed, options, versions())
        self.until = math.inf if plan.seconds is None else start + plan.seconds
        instances = math.inf if plan.instances is None else plan.instances
        looking = search.Search(claim.id, plan.seed)
        first = not plan.keep_going
        self.schedule = Schedule(looking, instances, self.until, first, self._report)

    def _resumed(self) -> set[tuple[int, int]]:
        """The shards done before, their reports added up."""
        done = set()
        for generation, index, report in self.ledger.shards(self.number):
            done.add((generation, index))
            self._add(msgspec.convert(report, ShardReport))
        return done

    def _report(self, shard: Shard) -> ShardReport | None:
        """What came of a shard that was done before the hunt was continued."""
        if shard.place not in self.done:
            return None
        return msgspec.convert(self.ledger.report(self.number, shard.place), ShardReport)

    def events(self) -> Iterator[object]:
        """Work through the schedule until it ends, the time is up or the claim proves at fault."""
        plan = self.plan
        with self._crew(plan.workers, plan.scheduler) as workers:
            for shard, report in work_through(
                workers, self.schedule.take, ATTEMPTS, self.until + GRACE
            ):
                report = _given_up(shard, report) if isinstance(report, WorkerLost) else report
                self._record(shard, report)
                self.schedule.finish(shard, report)
                if self._add(report):
                    yield Counterexample(self.best, self._capture())
                if time.monotonic() - self.told >= TOLD or report.found:
                    self.told = time.monotonic()
                    yield self._progress()
                if self.totals.evidence.is_unjudged and self.totals.tested >= FAULTS:
                    return

    def _crew(self, workers: int, scheduler: str | None = None):
        plan = self.plan
        make = plan.sources, plan.models, plan.instance_timeout
        return crew(workers, scheduler, _worker, make, plan.instance_timeout)

    def conclusion(self, stopped: str) -> Iterator[object]:
        """Shrink the worst counterexample, unless interrupted, and tell the result."""
        small = None
        if self.best is not None and not stopped:
            yield Shrinking(self.best)
            try:
                small = self._smaller()
                if small is not None:
                    self.path = replace(small, self.plan.folder, self.path)
            except KeyboardInterrupt as interruption:
                stopped = heard(interruption)
        yield self._progress()
        yield HuntFinished(self._result(small), time.monotonic() - self.start, stopped)

    def _smaller(self) -> witness.Witness | None:
        """The witness of the worst counterexample made smaller; None where that came to nothing."""
        find = Find(self.claim.id, self.best.violation, self.plan.seed, SECONDS)
        with self._crew(min(self.plan.workers, 1)) as workers:
            until = time.monotonic() + SHRINKING
            for _, small in work_through(workers, longest_first([find], {}), until=until):
                if isinstance(small, witness.Witness):
                    return small
        return None

    def _add(self, report: ShardReport) -> bool:
        """Add the report to the totals; whether it has a counterexample worse than all before."""
        self.totals += report
        if not report.found or (self.best and self.best.margin <= report.found[0].margin):
            return False
        self.best = report.found[0]
        return True

    def _record(self, shard: Shard, report: ShardReport) -> None:
        """Write to the ledger what came of a shard. A counterexample that it cannot take is in what
        is raised.
        """
        content = msgspec.to_builtins(msgspec.structs.replace(report, rows=[]))
        rows, lasting = [_flat(row) for row in report.rows], bool(report.found)
        try:
            self.ledger.record(self.number, shard.place, shard.tactic, content, rows, lasting)
        except LedgerError as error:
            if not report.found:
                raise
            found = as_found(self.claim, report.found[0].violation, self.plan.seed)
            raise Lost(str(error), b"" if found is None else witness.dumps(found)) from error

    def _capture(self) -> Path | None:
        """Write the worst counterexample as it is to a witness file: shrinking it may take long."""
        found = as_found(self.claim, self.best.violation, self.plan.seed)
        if found is not None:
            if self.path is not None:
                self.path.unlink(missing_ok=True)
            try:
                self.path = witness.store(found, self.plan.folder)
            except Unwritable as error:
                raise Lost(str(error), witness.dumps(found)) from error
        return self.path

    def _progress(self) -> HuntProgress:
        seconds, totals = time.monotonic() - self.start, self.totals
        rate = (totals.tested - self.before) / max(seconds, 1e-9)
        return HuntProgress(
            totals.tested, rate, totals.worst, len(totals.strata), totals.confirmed, seconds
        )

    def _result(self, small: witness.Witness | None) -> HuntResult:
        totals = self.totals
        as_drawn = () if self.best is None else (self.best.spec,)
        return HuntResult(
            id=self.claim.id,
            kind=self.claim.kind,
            verdict=Verdict.REFUTED
            if small is not None and small.certificate
            else totals.evidence.verdict,
            expect=self.claim.expect,
            evidence=totals.evidence,
            tested=totals.tested,
            unresolved=totals.outcomes[Outcome.UNRESOLVED],
            inapplicable=totals.outcomes[Outcome.INAPPLICABLE],
            worst=totals.worst,
            found=totals.confirmed,
            strata=len(totals.strata),
            coverage={key: dict(counts) for key, counts in totals.coverage.items()},
            why_unresolved=dict(totals.reasons.most_common()),
            errors=totals.outcomes[Outcome.ERROR],
            why_errors=dict(totals.errors.most_common()),
            why_inapplicable=dict(totals.inapplicable.most_common()),
            why_refused=dict(totals.refused.most_common()),
            generations=self.schedule.next,
            path=self.path,
            minimal=as_drawn if small is None else tuple(small.rendering),
        )


def _worker(sources: tuple[str, ...], models: Models, timeout: float) -> Callable:
    """What works on a shard, or makes smaller what was found."""
    load_claims(sources)
    return partial(_work, timeout, load(models))


def _work(timeout: float, models, unit: Shard | Find) -> ShardReport | witness.Witness | None:
    with time_limit.each_step(timeout):
        if isinstance(unit, Find):
            return unit.smaller(models=models)
        return carried_out(about(registered()[unit.claim], models), unit)


def _given_up(shard: Shard, lost: WorkerLost) -> ShardReport:
    """The report of a shard that killed every worker it was given to."""
    outcome, reason = str(Outcome.UNRESOLVED), str(lost)
    row = Row("", f"shard of seed {shard.seed}", None, None, outcome, reason, 0.0)
    return ShardReport(outcomes={outcome: 1}, reasons={reason: 1}, rows=[row])


def _flat(row: Row) -> tuple:
    """A row for the ledger, its instance as JSON."""
    instance = None if row.instance is None else msgspec.json.encode(row.instance).decode()
    return msgspec.structs.astuple(msgspec.structs.replace(row, instance=instance))


__all__ = ["HuntPlan", "LedgerError", "Lost", "NoCluster", "hunt"]
