"""The run as JSON: a file of its own, and the latest result of every claim."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from ncfcheck.core.files import write
from ncfcheck.verdicts.events import Event, RunFinished, RunStarted
from ncfcheck.verdicts.results import ClaimResult

SCHEMA = 1
LATEST = Path("reports") / "latest.json"
PAIR = re.compile(rb"\[\s+(null|[-+.\deE]+),\s+(null|[-+.\deE]+)\s+\]")


class CaseRow(msgspec.Struct, frozen=True):
    """A decided instance in one line, with its margin."""

    margin: float | None
    error: float | None
    instance: str


class ClaimRow(msgspec.Struct, frozen=True):
    """One claim of the file; what each field means is said in docs/results.md. Numbers that are not
    finite are null.
    """

    id: str
    kind: str
    verdict: str
    instances: int
    unresolved: int
    inapplicable: int
    worst_margin: float | None
    error: float | None
    bound95: float
    seconds: float
    seed: int
    holds: int
    violates: int
    confirmed: int
    worst_instance: str | None
    why_unresolved: dict[str, int]
    why_inapplicable: dict[str, int]
    coverage: dict[str, dict[str, int]]
    uncovered: list[str] = []
    lowest: list[CaseRow] = []
    margins: list[tuple[float | None, float | None]] = []
    pairs: dict[str, dict[str, int]] = {}
    certified: int = 0
    why_uncertified: dict[str, int] = {}
    replayed: int = 0
    kept: str = ""
    proved: int = 0
    why_unproved: dict[str, int] = {}


class Report(msgspec.Struct, frozen=True):
    """The file. `stopped` says why a run ended early, null for a complete one; `shard` is i/k of a
    run that k jobs share.
    """

    schema: int
    seed: int
    versions: dict[str, str]
    examples: int
    seconds: float
    stopped: str | None
    claims: list[ClaimRow]
    shard: str | None = None
    baseline: str | None = None
    regressions: list[str] = []


class JsonFile:
    """Writes the report of a run to `path` when it is finished."""

    def __init__(self, path):
        self.path = path

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.started = event
        elif isinstance(event, RunFinished):
            write(self.path, encode(report(self.started, event)))


class Latest:
    """Keeps the latest result of every claim ever checked in one file; runs that were stopped leave
    no trace in it.

    `corrupt` is told, once, of a file there that is not such a report; it is replaced.
    """

    def __init__(self, path: Path, corrupt=lambda message: None):
        self.path, self.corrupt = Path(path), corrupt

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.started = event
        elif isinstance(event, RunFinished) and not event.stopped:
            new = report(self.started, event)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write(self.path, encode(merged(self._old(), new)))

    def _old(self) -> Report | None:
        try:
            return read(self.path)
        except ValueError:
            self.corrupt(f"{self.path} is not a report and is replaced")
            return None


def report(started: RunStarted, finished: RunFinished) -> Report:
    """The report of a run."""
    return Report(
        schema=SCHEMA,
        seed=started.seed,
        versions=started.versions,
        examples=started.examples,
        seconds=round(finished.seconds, 3),
        stopped=finished.stopped or None,
        claims=[_row(result, started.seed) for result in finished.results],
        shard=started.shard or None,
        baseline=finished.baseline or None,
        regressions=list(finished.regressions),
    )


def merged(old: Report | None, new: Report) -> Report:
    """The new report, with the claims of the old one that it lacks."""
    if old is None:
        return new
    rows = {row.id: row for row in old.claims} | {row.id: row for row in new.claims}
    return msgspec.structs.replace(new, claims=list(rows.values()))


def read(path) -> Report | None:
    """The report in a file; None if there is no file. Raises ValueError if it holds something else,
    OSError if unreadable.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    found = msgspec.json.decode(content, type=Report)
    if found.schema != SCHEMA:
        raise ValueError(f"{path}: schema {found.schema}, expected {SCHEMA}")
    return found


def encode(found: Report) -> bytes:
    """Indented JSON, a margin a line; NaN and infinities become null."""
    return PAIR.sub(rb"[\1, \2]", msgspec.json.format(msgspec.json.encode(found), indent=2)) + b"\n"


def _row(result: ClaimResult, seed: int) -> ClaimRow:
    worst = result.worst
    return ClaimRow(
        id=result.id,
        kind=str(result.kind),
        verdict=str(result.verdict),
        instances=result.instances,
        unresolved=result.unresolved,
        inapplicable=result.inapplicable,
        worst_margin=worst.value if worst else None,
        error=worst.error if worst else None,
        bound95=result.bound95,
        seconds=round(result.seconds, 3),
        seed=seed,
        holds=result.holds,
        violates=result.violates,
        confirmed=result.confirmed,
        worst_instance=worst.instance if worst else None,
        why_unresolved=result.why_unresolved,
        why_inapplicable=result.why_inapplicable,
        coverage=result.coverage,
        uncovered=list(result.uncovered),
        lowest=[CaseRow(case.value, case.error, case.instance) for case in result.lowest],
        margins=list(result.margins),
        pairs=result.pairs,
        certified=result.certified,
        why_uncertified=result.why_uncertified,
        replayed=result.replayed,
        kept=result.kept,
        proved=result.proved,
        why_unproved=result.why_unproved,
    )
