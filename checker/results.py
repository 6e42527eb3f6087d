"""What a run found out about a claim: tallies of instances, and the verdict they support."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from checker.claims import Claim, Kind, Margin, Outcome, Verdict

MOSTLY_UNRESOLVED = 0.5  # share of applicable instances beyond which a run says nothing about a claim
CONFIDENCE = 0.95
DESCRIPTION = 200  # characters kept of an instance that does not describe itself


@dataclass(frozen=True)
class Case:
    """One decided instance: its margin, the bound on the margin's error, and the instance in one line."""

    value: float
    error: float
    instance: str


@dataclass
class Tally:
    """Counts over a stretch of instances of one claim; tallies of the same claim add up.

    `violates` counts what the verdict rests on: of these, `confirmed` were confirmed one by one.
    """

    holds: int = 0
    violates: int = 0
    confirmed: int = 0
    unresolved: Counter[str] = field(default_factory=Counter)  # reason → count
    inapplicable: Counter[str] = field(default_factory=Counter)
    coverage: dict[str, Counter[str]] = field(default_factory=dict)
    worst: Case | None = None
    seconds: float = 0.0

    @property
    def applicable(self) -> int:
        """Instances that met the hypotheses, decided or not."""
        return self.holds + self.violates + self.unresolved.total()

    def record(self, outcome: Outcome, margin: Margin, instance) -> None:
        """Count one instance, keeping the smallest decided margin with its instance."""
        if outcome is Outcome.INAPPLICABLE:
            self.inapplicable[one_line(margin.note) or "hypotheses not met"] += 1
            return
        self._cover(instance)
        if outcome is Outcome.UNRESOLVED:
            self.unresolved[one_line(margin.note) or _undecided(margin)] += 1
            return
        self.holds += outcome is Outcome.HOLDS
        self.violates += outcome is Outcome.VIOLATES
        if self.is_record(margin):
            self.worst = Case(float(margin.value), float(margin.error), describe(instance))

    def is_record(self, margin: Margin) -> bool:
        """Whether a decided margin is smaller than all before it."""
        return self.worst is None or margin.value < self.worst.value

    def _cover(self, instance) -> None:
        coverage = instance.coverage() if hasattr(instance, "coverage") else {}
        for key, value in coverage.items():
            self.coverage.setdefault(key, Counter())[str(value)] += 1

    def __iadd__(self, other: Tally) -> Tally:
        """Add the counts of a later stretch; of equal worst margins the earlier one is kept."""
        for name in ("holds", "violates", "confirmed", "unresolved", "inapplicable", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, counts in other.coverage.items():
            self.coverage[key] = self.coverage.get(key, Counter()) + counts
        if other.worst is not None and (self.worst is None or other.worst.value < self.worst.value):
            self.worst = other.worst
        return self


@dataclass(frozen=True)
class ClaimResult:
    """What a run says about one claim. `instances` counts the applicable ones, unresolved included.

    `uncovered` names what no instance covered although the claim says nothing without it.
    """

    id: str
    kind: Kind
    verdict: Verdict
    instances: int
    holds: int
    violates: int
    confirmed: int
    unresolved: int
    inapplicable: int
    worst: Case | None
    bound95: float
    why_unresolved: dict[str, int]
    why_inapplicable: dict[str, int]
    coverage: dict[str, dict[str, int]]
    seconds: float
    uncovered: tuple[str, ...] = ()

    def as_expected(self, strict: bool = False) -> bool:
        """Whether the verdict is the one its kind calls for; `strict` also wants theorems resolved."""
        if self.kind is Kind.CONJECTURE:
            return True
        if self.kind is Kind.CONTROL:
            return self.verdict in (Verdict.REFUTED, Verdict.POTENTIAL)
        return self.verdict is Verdict.NOT_REFUTED or (self.verdict is Verdict.UNRESOLVED and not strict)


def conclude(claim: Claim, tally: Tally) -> ClaimResult:
    """The result that a tally of all instances of a claim supports."""
    uncovered = tuple(f"{key}: {value}" for key, value in claim.covers if not tally.coverage.get(key, {}).get(value))
    found = verdict(tally)
    return ClaimResult(
        id=claim.id,
        kind=claim.kind,
        verdict=Verdict.UNRESOLVED if uncovered and found is Verdict.NOT_REFUTED else found,
        instances=tally.applicable,
        holds=tally.holds,
        violates=tally.violates,
        confirmed=tally.confirmed,
        unresolved=tally.unresolved.total(),
        inapplicable=tally.inapplicable.total(),
        worst=tally.worst,
        bound95=bound95(tally.violates, tally.holds + tally.violates),
        why_unresolved=dict(tally.unresolved.most_common()),
        why_inapplicable=dict(tally.inapplicable.most_common()),
        coverage={key: dict(counts) for key, counts in tally.coverage.items()},
        seconds=tally.seconds,
        uncovered=uncovered,
    )


def verdict(tally: Tally) -> Verdict:
    """Never weaker or stronger than the evidence: one confirmed violation decides; most instances unresolved decide nothing."""
    if tally.confirmed:
        return Verdict.POTENTIAL
    resolved = tally.holds + tally.violates
    if not resolved or tally.unresolved.total() > MOSTLY_UNRESOLVED * tally.applicable:
        return Verdict.UNRESOLVED
    return Verdict.NOT_REFUTED


def bound95(violations: int, resolved: int) -> float:
    """One-sided 95 % Clopper–Pearson upper bound on the violation rate, from `violations` among `resolved` instances.

    It is the quantile of Beta(k + 1, n − k), and 1 − 0.05^(1/n) when nothing violates; 1 when nothing was resolved.
    """
    if violations >= resolved:
        return 1.0
    from scipy.special import betaincinv

    return float(betaincinv(violations + 1, resolved - violations, CONFIDENCE))


def describe(instance) -> str:
    """The instance in one line: its own `describe()`, otherwise its repr, shortened."""
    if hasattr(instance, "describe"):
        return one_line(instance.describe())
    return one_line(repr(instance), DESCRIPTION)


def one_line(text: str, limit: int = 4 * DESCRIPTION) -> str:
    """The text on one line, cut at `limit` characters, with ? for what cannot be printed (it may control a terminal)."""
    text = "".join(each if each.isprintable() else "?" for each in " ".join(str(text).split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _undecided(margin: Margin) -> str:
    return "margin is not a number" if math.isnan(margin.value) else "margin within its error"
