"""A committed run that later ones are compared with: `--baseline FILE` and `--update-baseline`."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from ncfcheck.core.coverage import coarse
from ncfcheck.core.errors import CannotRun
from ncfcheck.core.files import write
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult

SCHEMA = 1
BASELINE = Path("reports") / "baseline.json"
QUANTILES = 33  # kept of margins and of error bounds
DIGITS = 3  # significant ones of each
LEAST_CEILING = 0.02  # share of unresolved instances that a theorem is always allowed
CEILING_CONFIDENCE = 0.999  # that a theorem as it is now stays below its ceiling
MANY = 60  # values of a coverage key beyond which it is left out


class BadBaseline(CannotRun):
    """A baseline cannot be read; the message says why in one line."""


class ClaimBaseline(msgspec.Struct, frozen=True):
    """What a claim was found to be. `ceiling` bounds the unresolved share of a theorem; edit it by
    hand to allow more or less.

    `margins` and `errors` are quantiles, evenly spaced from the smallest to the largest, each of
    its own column.
    """

    kind: str
    verdict: str
    instances: int
    unresolved: int
    ceiling: float
    margins: list[float]
    errors: list[float]
    coverage: dict[str, dict[str, int]]


class Baseline(msgspec.Struct, frozen=True):
    """The file."""

    schema: int
    seed: int
    examples: int
    claims: dict[str, ClaimBaseline]


def read(path) -> Baseline:
    """The baseline in a file. Raises BadBaseline for one that is none, unreadable or not there."""
    try:
        found = msgspec.json.decode(Path(path).read_bytes(), type=Baseline)
    except OSError as error:
        raise BadBaseline(f"cannot read the baseline {path}: {error.strerror}") from error
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadBaseline(f"{path} is not a baseline: {error}") from error
    if found.schema != SCHEMA:
        raise BadBaseline(
            f"{path} is of schema {found.schema}, expected {SCHEMA}: write it anew with "
            "--update-baseline"
        )
    return found


def updated(old: Baseline | None, report: Report, dropped: Iterable[str] = ()) -> Baseline:
    """The baseline with the report's claims in place of its own of them, without those `dropped`.

    Ceilings that are still met are kept, since they may have been set by hand.
    """
    claims = dict(old.claims) if old else {}
    for id in dropped:
        claims.pop(id, None)
    for result in report.claims:
        claims[result.id] = entry(result, claims.get(result.id))
    return Baseline(SCHEMA, report.seed, report.examples, claims)


def entry(result: ClaimResult, old: ClaimBaseline | None = None) -> ClaimBaseline:
    """The entry of a claim's result."""
    decided = [(value, error) for value, error in result.margins if abs(value) > error]
    kept = old is not None and result.unresolved <= old.ceiling * result.instances
    return ClaimBaseline(
        kind=result.kind,
        verdict=result.verdict,
        instances=result.instances,
        unresolved=result.unresolved,
        ceiling=old.ceiling if kept else ceiling(result.unresolved, result.instances),
        margins=quantiles([value for value, _ in decided]),
        errors=quantiles([error for _, error in decided]),
        coverage=coarse_coverage(result.coverage),
    )


def ceiling(unresolved: int, instances: int) -> float:
    """Upper confidence bound on the share of unresolved instances, in whole per cent."""
    if unresolved >= instances:
        return 1.0
    if not unresolved:
        return LEAST_CEILING
    from scipy.special import betaincinv

    bound = float(betaincinv(unresolved + 1, instances - unresolved, CEILING_CONFIDENCE))
    return max(LEAST_CEILING, math.ceil(100 * bound) / 100)


def quantiles(values: list[float]) -> list[float]:
    """At most QUANTILES of the values, evenly spaced in order, to DIGITS digits."""
    values = sorted(values)
    count = min(len(values), QUANTILES)
    places = [round(i * (len(values) - 1) / max(1, count - 1)) for i in range(count)]
    return [float(f"{values[place]:.{DIGITS}g}") for place in places]


def coarse_coverage(coverage: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Coverage in classes of `ncfcheck.core.coverage`, without keys of more than MANY values."""
    found: dict[str, Counter[str]] = {}
    for key, counts in coverage.items():
        for value, count in counts.items():
            found.setdefault(key, Counter())[coarse(key, value)] += count
    return {key: dict(counts) for key, counts in found.items() if len(counts) <= MANY}


def save(path, baseline: Baseline) -> None:
    """Write the file, sorted and with what belongs together on one line. Raises Unwritable."""
    write(path, encode(baseline))


def encode(baseline: Baseline) -> bytes:
    """Claims by id, a line for each field and each key of coverage: differences are small."""
    blocks = [_claim(id, baseline.claims[id]) for id in sorted(baseline.claims)]
    head = (
        f'{{\n "schema": {baseline.schema},\n "seed": {baseline.seed},\n'
        f' "examples": {baseline.examples},\n "claims": {{'
    )
    return (head + ",".join(blocks) + "\n }\n}\n").encode()


def _claim(id: str, found: ClaimBaseline) -> str:
    fields = msgspec.to_builtins(found)
    coverage = [
        f"{_line(key)}: {_line(dict(sorted(counts.items())))}"
        for key, counts in sorted(fields.pop("coverage").items())
    ]
    lines = [f'\n   "{name}": {_line(value)}' for name, value in fields.items()]
    inner = ",".join(f"\n    {line}" for line in coverage)
    return f'\n  {_line(id)}: {{{",".join(lines)},\n   "coverage": {{{inner}}}\n  }}'


def _line(value) -> str:
    return json.dumps(value, ensure_ascii=False)
