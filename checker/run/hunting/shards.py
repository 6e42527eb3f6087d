"""What a hunt passes between its parts, to JSON and back: shards of work, and reports on them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from ncfcheck.core.claims import Outcome
from ncfcheck.model.encoding import decode
from ncfcheck.verdicts.evidence import Evidence
from ncfcheck.verdicts.tallies import Violation

STRUCTURED, DRAWN, MUTATED, OPTIMISED = "structured", "drawn", "mutated", "optimised"
STRATUM = ("model", "D", "L", "p", "α", "data")  # keys of coverage that tell strata apart


class Point(msgspec.Struct, frozen=True):
    """An instance tested, encoded as in witness files, and the choices that drew it, if any."""

    stratum: str
    margin: float
    error: float
    spec: str
    instance: Any = None
    choices: Any = None

    @property
    def violation(self) -> Violation:
        """The instance as one that violates the claim."""
        choices = None if self.choices is None else decode(self.choices)
        return Violation(self.margin, self.error, self.instance, choices)


class Shard(msgspec.Struct, frozen=True):
    """`count` instances of a claim to be tested with one tactic from `parents`; a function of
    nothing else.

    `told` are the values an optimisation knows of already. With `seconds`, it stops after that
    long. One that is `cut` has fewer instances than planned, because that is all the budget has
    left.
    """

    claim: str
    generation: int
    index: int
    tactic: str
    seed: int
    count: int
    parents: tuple[Point, ...] = ()
    told: tuple[float, ...] = ()
    seconds: float = float("inf")
    cut: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """Where it is in the hunt."""
        return self.generation, self.index


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One instance for the ledger; numbers that are not finite are None."""

    stratum: str
    spec: str
    margin: float | None
    error: float | None
    outcome: str
    note: str
    seconds: float
    instance: Any = None


class ShardReport(msgspec.Struct):
    """What became of a shard; `reasons` why instances are unresolved, `errors` why the claim is at
    fault, `inapplicable` why they did not meet the
    hypotheses, `refused` why the strategy turned down draws, `values` what an optimisation is told,
    `found` the confirmed violations, worst first.

    One that was `cut` short, by the budget of instances or of time, is done again when the hunt is
    continued.
    """

    seconds: float = 0.0
    cut: bool = False
    outcomes: dict[str, int] = {}
    reasons: dict[str, int] = {}
    errors: dict[str, int] = {}
    inapplicable: dict[str, int] = {}
    refused: dict[str, int] = {}
    coverage: dict[str, dict[str, int]] = {}
    strata: dict[str, int] = {}
    worst: Point | None = None
    elites: list[Point] = []
    found: list[Point] = []
    values: list[float] = []
    rows: list[Row] = []


class Totals:
    """Sums of reports. `worst` is the smallest decided margin."""

    def __init__(self):
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.inapplicable: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.strata: Counter[str] = Counter()
        self.coverage: dict[str, Counter[str]] = {}
        self.confirmed = 0
        self.worst: Point | None = None

    def __iadd__(self, report: ShardReport) -> Totals:
        """Add a report; of equal worst margins the earlier one is kept."""
        self.outcomes.update(report.outcomes)
        self.reasons.update(report.reasons)
        self.errors.update(report.errors)
        self.inapplicable.update(report.inapplicable)
        self.refused.update(report.refused)
        self.strata.update(report.strata)
        for key, counts in report.coverage.items():
            self.coverage.setdefault(key, Counter()).update(counts)
        self.confirmed += len(report.found)
        if report.worst and (self.worst is None or report.worst.margin < self.worst.margin):
            self.worst = report.worst
        return self

    @property
    def tested(self) -> int:
        """Instances tested, inapplicable ones included."""
        return self.outcomes.total()

    @property
    def evidence(self) -> Evidence:
        """What the verdict rests on, without what only independent draws support."""
        return Evidence(
            resolved=self.outcomes[Outcome.HOLDS] + self.outcomes[Outcome.VIOLATES],
            unresolved=self.outcomes[Outcome.UNRESOLVED],
            errors=self.outcomes[Outcome.ERROR],
            confirmed=self.confirmed,
        )


def stratum(coverage: dict) -> str:
    """The stratum of a coverage in one word; slopes by kind only, or there would be thousands."""
    kept = {key: str(coverage[key]) for key in STRATUM if key in coverage}
    if "α" in kept:
        kept["α"] = "".join(_slope(each) for each in kept["α"].split(","))
    if not kept:
        kept = {key: str(value) for key, value in list(coverage.items())[:3]}
    return " ".join(f"{key}={value}" for key, value in kept.items())


def _slope(text: str) -> str:
    value = float(text)
    return "0" if value == 0 else "1" if value == 1 else "-" if value < 0 else "+"
