"""Counts of what instances of a claim said; they add up."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ncfcheck.core.claims import Margin, Outcome
from ncfcheck.core.coverage import pairs
from ncfcheck.core.describing import describe, one_line
from ncfcheck.verdicts.sample import Sample

LOWEST = 5  # smallest margins kept with their instances
SUMS = ("holds", "violates", "unresolved", "inapplicable", "confirmed", "replayed", "seconds")
SUMS += ("certified", "uncertified", "proved", "unproved", "errors", "asked", "unread", "refused")
SUMS += ("in_vain",)


class Case(msgspec.Struct, frozen=True):
    """One decided instance: its margin, the bound on the margin's error, the instance in a line."""

    value: float | None = msgspec.field(name="margin")
    error: float | None
    instance: str

    def __post_init__(self):
        """Numbers that are not finite are null in files."""
        for name in ("value", "error"):
            if getattr(self, name) is None:
                msgspec.structs.force_setattr(self, name, math.nan)


@dataclass(frozen=True, eq=False)
class Violation:
    """A confirmed violation: margin, instance encoded as in witness files, choices that drew it.

    `content` and `choices` are None where there are none; `why` tells why there is no content.
    """

    value: float
    error: float
    content: Any
    choices: tuple | None
    why: str = ""


@dataclass
class Tally:
    """Counts over a stretch of instances of one claim; tallies of the same claim add up.

    `violates` counts what the verdict rests on: of these, `confirmed` were confirmed one by one,
    and `certified` proved, of those that a proof was tried of; `uncertified` counts the reasons why
    there is none. `proved` and `unproved` are the same of instances that hold, where that was asked
    for. All these count instances that were drawn; `replayed` counts those of stored witnesses by
    outcome, of which what violates is evidence like any other (`witnessed`), and `unread` tells of
    witnesses that were not replayed. `violation` is the confirmed one of smallest margin. `errors`
    are the instances in which the claim is at fault, `asked` how many were wanted, `refused` the
    draws that the strategy turned down while there were fewer than that. `in_vain` counts tries to
    prove that an instance violates whose margin is within its error.
    """

    holds: int = 0
    violates: int = 0
    confirmed: int = 0
    unresolved: Counter[str] = field(default_factory=Counter)  # reason → count
    inapplicable: Counter[str] = field(default_factory=Counter)
    coverage: dict[str, Counter[str]] = field(default_factory=dict)
    worst: Case | None = None
    seconds: float = 0.0
    lowest: list[Case] = field(default_factory=list)  # the worst few, smallest margin first
    margins: Sample = field(default_factory=Sample)  # finite ones, of unresolved instances too
    pairs: dict[str, Counter[str]] = field(default_factory=dict)  # coverage of two keys at once
    certified: int = 0
    uncertified: Counter[str] = field(default_factory=Counter)  # reason → count
    proved: int = 0
    unproved: Counter[str] = field(default_factory=Counter)  # reason → count
    replayed: Counter[Outcome] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)  # reason → count
    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # reason → count
    in_vain: int = 0
    violation: Violation | None = field(default=None, compare=False)

    @property
    def applicable(self) -> int:
        """Instances that met the hypotheses, decided or not."""
        return self.holds + self.violates + self.unresolved.total() + self.errors.total()

    def record(self, outcome: Outcome, margin: Margin, instance) -> None:
        """Count one instance, keeping the smallest decided margin with its instance."""
        if outcome is Outcome.INAPPLICABLE:
            self.inapplicable[one_line(margin.note) or "hypotheses not met"] += 1
            return
        described = describe(instance)
        self._cover(instance)
        if outcome is Outcome.ERROR:
            self.errors[one_line(margin.note)] += 1
            return
        if math.isfinite(margin.value) and math.isfinite(margin.error):
            self.margins.add(described, margin.value, margin.error)
        if outcome is Outcome.UNRESOLVED:
            self.unresolved[one_line(margin.note) or _undecided(margin)] += 1
            return
        self.holds += outcome is Outcome.HOLDS
        self.violates += outcome is Outcome.VIOLATES
        if len(self.lowest) < LOWEST or margin.value < self.lowest[-1].value:
            case = Case(float(margin.value), float(margin.error), described)
            self._keep([case])
            self.worst = case if self.is_record(margin) else self.worst

    def witnessed(self, outcome: Outcome, seen: Tally) -> None:
        """Count a stored witness, and take what it proves: `seen` is the tally of it alone."""
        self.replayed[outcome] += 1
        if outcome is Outcome.VIOLATES:
            self += Tally(
                confirmed=seen.confirmed,
                certified=seen.certified,
                uncertified=seen.uncertified,
                worst=seen.worst,
                lowest=seen.lowest,
                violation=seen.violation,
            )

    def is_record(self, margin: Margin) -> bool:
        """Whether a decided margin is smaller than all before it."""
        return self.worst is None or margin.value < self.worst.value

    def _cover(self, instance) -> None:
        coverage = instance.coverage() if hasattr(instance, "coverage") else {}
        for counts, found in ((self.coverage, coverage.items()), (self.pairs, pairs(coverage))):
            for key, value in found:
                if key not in counts:
                    counts[key] = Counter()
                counts[key][str(value)] += 1

    def _keep(self, cases: list[Case]) -> None:
        """Keep the LOWEST smallest; of equal ones the earlier."""
        self.lowest = sorted([*self.lowest, *cases], key=lambda case: case.value)[:LOWEST]

    def __iadd__(self, other: Tally) -> Tally:
        """Add the counts of a later stretch; of equal worst margins the earlier one is kept."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, others in ((self.coverage, other.coverage), (self.pairs, other.pairs)):
            for key, counts in others.items():
                mine[key] = mine.get(key, Counter()) + counts
        self._keep(other.lowest)
        self.margins += other.margins
        if other.worst is not None and (self.worst is None or other.worst.value < self.worst.value):
            self.worst = other.worst
        if other.violation is not None and (
            self.violation is None or other.violation.value < self.violation.value
        ):
            self.violation = other.violation
        return self


def _undecided(margin: Margin) -> str:
    return "margin is not a number" if math.isnan(margin.value) else "margin within its error"
