"""The report of a run, as files hold it: read and written, parts of a run put together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from pathlib import Path

import msgspec

from ncfcheck.verdicts.results import ClaimResult

SCHEMA = 1
SHOWN = 10  # claims, where a report is printed
LATEST = Path("reports") / "latest.json"  # the last result of every claim checked from a folder
PAIR = re.compile(rb"\[\s+(null|[-+.\deE]+),\s+(null|[-+.\deE]+)\s+\]")


class NotMergeable(ValueError):
    """Reports do not add up to one run; the message says why."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run says: a result a claim, in the order of the claims.

    `stopped` says why a run ended early (interrupted, a worker died), None for a complete one; its
    results then rest on the instances done so far, and claims with none are absent. `part` is i/k
    of a run that k jobs share. `options` are those of the command line that the results hang on,
    besides seed, examples and claims. `regressions` are the differences to a baseline, one line
    each, where it was compared with the one in the file `baseline`. `unsuited` are claims asked
    for that are not about the models of the run.
    """

    schema: int = SCHEMA
    seed: int
    versions: dict[str, str]
    examples: int
    seconds: float
    stopped: str | None = None
    claims: tuple[ClaimResult, ...]
    part: str | None = msgspec.field(default=None, name="shard")
    baseline: str | None = None
    regressions: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    unsuited: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """A line for each of the first claims."""
        lines = [f"<Report of {len(self.claims)} claims, seed {self.seed}>"]
        lines += map(repr, self.claims[:SHOWN])
        more = len(self.claims) - SHOWN
        return "\n".join(lines + [f"… and {more} more: ncfcheck.results has all"] * (more > 0))


def read(path) -> Report | None:
    """The report in a file, None for no file. Raises ValueError for other content, OSError."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    try:
        found = msgspec.json.decode(content, type=Report)
    except ValueError as error:
        raise ValueError(f"{path} is no file of results: {error}") from error
    if found.schema != SCHEMA:
        raise ValueError(f"{path}: schema {found.schema}, expected {SCHEMA}")
    return found


def encode(found: Report) -> bytes:
    """Indented JSON, a margin a line; NaN and infinities become null."""
    return PAIR.sub(rb"[\1, \2]", msgspec.json.format(msgspec.json.encode(found), indent=2)) + b"\n"


def updated(old: Report | None, new: Report) -> Report:
    """The new report, with the claims of the old one that it lacks."""
    if old is None:
        return new
    results = {each.id: each for each in (*old.claims, *new.claims)}
    return msgspec.structs.replace(new, claims=tuple(results.values()))


def merged(reports: Sequence[Report]) -> Report:
    """The reports of parts of a run as one, claims in the order of the undivided run.

    Raises NotMergeable for parts of different runs, for a claim in two of them, and where the share
    of a job is missing.
    """
    first = reports[0]
    for name in ("seed", "examples", "options"):
        found = sorted({getattr(report, name) for report in reports})
        if len(found) > 1:
            raise NotMergeable(
                f"they are of different runs: {name} {' and '.join(map(str, found))}"
            )
    reports = _in_order(reports)
    claims = [report.claims for report in reports]
    in_turn = chain(*zip_longest(*claims)) if first.part else chain(*claims)
    rows = [row for row in in_turn if row is not None]
    twice = [id for id, count in Counter(row.id for row in rows).items() if count > 1]
    if twice:
        raise NotMergeable(f"claim {twice[0]} is in more than one of them")
    return msgspec.structs.replace(
        first,
        claims=tuple(rows),
        seconds=round(sum(report.seconds for report in reports), 3),
        stopped="; ".join(sorted({report.stopped for report in reports if report.stopped})) or None,
        part=None,
        regressions=tuple(dict.fromkeys(chain(*(report.regressions for report in reports)))),
    )


def _in_order(reports: Iterable[Report]) -> list[Report]:
    """By shard, every one there once; as given where none is of a shard."""
    given = list(reports)
    shards = [report.part for report in given if report.part]
    if not shards:
        return given
    if len(shards) < len(given):
        raise NotMergeable("some are shards and some are not")
    counts = sorted({int(shard.split("/")[1]) for shard in shards})
    if len(counts) > 1:
        raise NotMergeable(f"they are shards of {' and '.join(map(str, counts))}")
    wanted = [f"{i}/{counts[0]}" for i in range(1, counts[0] + 1)]
    missing = [each for each in wanted if each not in shards]
    if missing:
        raise NotMergeable(f"shard {', '.join(missing)} is missing")
    return sorted(given, key=lambda report: int(str(report.part).split("/")[0]))
