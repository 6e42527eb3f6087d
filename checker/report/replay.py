"""A report read back as the events of a run, so that every writer can write it; and the reports of
shards as one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

import msgspec

from ncfcheck.core.claims import Kind, Verdict
from ncfcheck.report.json_file import ClaimRow, Report
from ncfcheck.verdicts.events import Event, RunFinished, RunStarted
from ncfcheck.verdicts.results import Case, ClaimResult


class NotMergeable(ValueError):
    """Reports do not add up to one run; the message says why."""


def events(report: Report) -> list[Event]:
    """First and last event of the run that a report is of."""
    results = tuple(result(row) for row in report.claims)
    ids = tuple(row.id for row in report.claims)
    started = RunStarted(ids, report.examples, report.seed, 1, report.versions, report.shard or "")
    stopped, baseline = report.stopped or "", report.baseline or ""
    return [
        started,
        RunFinished(results, report.seconds, stopped, tuple(report.regressions), baseline),
    ]


def result(row: ClaimRow) -> ClaimResult:
    """The result that a row tells of; what was null is not a number."""
    shared = set(ClaimRow.__struct_fields__) & set(ClaimResult.__dataclass_fields__)
    values = {name: getattr(row, name) for name in shared}
    worst = (
        None
        if row.worst_instance is None
        else Case(_number(row.worst_margin), _number(row.error), row.worst_instance)
    )
    values |= {
        "kind": Kind(row.kind),
        "verdict": Verdict(row.verdict),
        "worst": worst,
        "uncovered": tuple(row.uncovered),
    }
    values["lowest"] = tuple(
        Case(_number(case.margin), _number(case.error), case.instance) for case in row.lowest
    )
    values["margins"] = tuple((_number(value), _number(error)) for value, error in row.margins)
    return ClaimResult(**values)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def merged(reports: Sequence[Report]) -> Report:
    """The reports of parts of a run as one, claims in the order of the undivided run.

    Raises NotMergeable for parts of different runs, for a claim in two of them, and where the share
    of a job is missing.
    """
    first = reports[0]
    for name in ("seed", "examples"):
        found = sorted({getattr(report, name) for report in reports})
        if len(found) > 1:
            raise NotMergeable(
                f"they are of different runs: {name} {' and '.join(map(str, found))}"
            )
    reports = _in_order(reports)
    claims = [report.claims for report in reports]
    rows = [
        row
        for row in (chain(*zip_longest(*claims)) if first.shard else chain(*claims))
        if row is not None
    ]
    twice = [id for id, count in Counter(row.id for row in rows).items() if count > 1]
    if twice:
        raise NotMergeable(f"claim {twice[0]} is in more than one of them")
    return msgspec.structs.replace(
        first,
        claims=rows,
        seconds=round(sum(report.seconds for report in reports), 3),
        stopped="; ".join(sorted({report.stopped for report in reports if report.stopped})) or None,
        shard=None,
        regressions=list(dict.fromkeys(chain(*(report.regressions for report in reports)))),
    )


def _in_order(reports: Iterable[Report]) -> list[Report]:
    """By shard, every one there once; as given where none is of a shard."""
    shards = [report.shard for report in reports]
    if not any(shards):
        return list(reports)
    if not all(shards):
        raise NotMergeable("some are shards and some are not")
    counts = sorted({int(shard.split("/")[1]) for shard in shards})
    if len(counts) > 1:
        raise NotMergeable(f"they are shards of {' and '.join(map(str, counts))}")
    missing = [
        f"{i}/{counts[0]}" for i in range(1, counts[0] + 1) if f"{i}/{counts[0]}" not in shards
    ]
    if missing:
        raise NotMergeable(f"shard {', '.join(missing)} is missing")
    return sorted(reports, key=lambda report: int(report.shard.split("/")[0]))
