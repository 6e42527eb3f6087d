"""What a run found out about a claim: tallies of instances, and the verdict they support."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ncfcheck.core.claims import Claim, Kind, Margin, Outcome, Verdict
from ncfcheck.core.strata import pairs
from ncfcheck.verdicts.sample import Sample

MOSTLY_UNRESOLVED = (
    0.5  # share of applicable instances beyond which a run says nothing about a claim
)
CONFIDENCE = 0.95
LOWEST = 5  # smallest margins kept with their instances
DESCRIPTION = 200  # characters kept of an instance that does not describe itself


@dataclass(frozen=True)
class Case:
    """One decided instance: its margin, the bound on the margin's error, and the instance in one
    line.
    """

    value: float
    error: float
    instance: str


@dataclass(frozen=True, eq=False)
class Violation:
    """A confirmed violation: its margin, the instance encoded as in witness files, and Hypothesis's
    choices that drew it.

    `content` and `choices` are None where there are none.
    """

    value: float
    error: float
    content: Any
    choices: tuple | None


@dataclass
class Tally:
    """Counts over a stretch of instances of one claim; tallies of the same claim add up.

    `violates` counts what the verdict rests on: of these, `confirmed` were confirmed one by one,
    and `certified` proved, of those that a proof was tried of; `uncertified` counts the reasons why
    there is none. `proved` and `unproved` are the same of instances that hold, where that was asked
    for. `replayed` counts the instances among all these that were not drawn but come from stored
    witnesses, by outcome; `violation` is the confirmed one of smallest margin.
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
    margins: Sample = field(
        default_factory=Sample
    )  # of instances with a finite margin, unresolved ones too
    pairs: dict[str, Counter[str]] = field(default_factory=dict)  # coverage of two keys at once
    certified: int = 0
    uncertified: Counter[str] = field(default_factory=Counter)  # reason → count
    proved: int = 0
    unproved: Counter[str] = field(default_factory=Counter)  # reason → count
    replayed: Counter[Outcome] = field(default_factory=Counter)
    violation: Violation | None = field(default=None, compare=False)

    @property
    def applicable(self) -> int:
        """Instances that met the hypotheses, decided or not."""
        return self.holds + self.violates + self.unresolved.total()

    @property
    def drawn(self) -> int:
        """Applicable instances that were drawn at random."""
        return self.applicable - self.replayed.total()

    def record(self, outcome: Outcome, margin: Margin, instance) -> None:
        """Count one instance, keeping the smallest decided margin with its instance."""
        if outcome is Outcome.INAPPLICABLE:
            self.inapplicable[one_line(margin.note) or "hypotheses not met"] += 1
            return
        self._cover(instance)
        described = describe(instance)
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
        outcomes = (
            "holds",
            "violates",
            "unresolved",
            "inapplicable",
            "confirmed",
            "certified",
            "uncertified",
            "replayed",
        )
        outcomes += ("proved", "unproved")
        for name in (*outcomes, "seconds"):
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


@dataclass(frozen=True)
class ClaimResult:
    """What a run says about one claim. `instances` counts the applicable ones, unresolved included.

    `uncovered` names what no instance covered although the claim says nothing without it. `lowest`
    are the worst few decided instances, `margins` a sample of pairs (value, error), smallest value
    first, `pairs` the coverage of two keys at once. `proved` counts instances on which the
    conclusion is certified, `why_unproved` the others that this was tried of, by reason. `replayed`
    counts instances of stored witnesses; `kept` is the command that replays the counterexample
    kept.
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
    lowest: tuple[Case, ...] = ()
    margins: tuple[tuple[float, float], ...] = ()
    pairs: dict[str, dict[str, int]] = field(default_factory=dict)
    certified: int = 0
    why_uncertified: dict[str, int] = field(default_factory=dict)
    replayed: int = 0
    kept: str = ""
    proved: int = 0
    why_unproved: dict[str, int] = field(default_factory=dict)

    def as_expected(self, strict: bool = False) -> bool:
        """Whether the verdict is the one its kind calls for; `strict` also
        wants theorems resolved.
        """
        if self.kind is Kind.CONJECTURE:
            return True
        if self.kind is Kind.CONTROL:
            return self.verdict in (Verdict.REFUTED, Verdict.POTENTIAL)
        return self.verdict is Verdict.NOT_REFUTED or (
            self.verdict is Verdict.UNRESOLVED and not strict
        )


def conclude(claim: Claim, tally: Tally) -> ClaimResult:
    """The result that a tally of all instances of a claim supports."""
    uncovered = tuple(
        f"{key}: {value}"
        for key, value in claim.covers
        if not tally.coverage.get(key, {}).get(value)
    )
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
        bound95=bound95(*_drawn(tally)),
        why_unresolved=dict(tally.unresolved.most_common()),
        why_inapplicable=dict(tally.inapplicable.most_common()),
        coverage={key: dict(counts) for key, counts in tally.coverage.items()},
        seconds=tally.seconds,
        uncovered=uncovered,
        lowest=tuple(tally.lowest),
        margins=tally.margins.margins,
        pairs={key: dict(counts) for key, counts in tally.pairs.items()},
        certified=tally.certified,
        why_uncertified=dict(tally.uncertified.most_common()),
        replayed=tally.replayed.total(),
        proved=tally.proved,
        why_unproved=dict(tally.unproved.most_common()),
    )


def verdict(tally: Tally) -> Verdict:
    """Never weaker or stronger than the evidence: a certificate, then a confirmed violation
    decides; most unresolved, nothing.
    """
    if tally.certified:
        return Verdict.REFUTED
    if tally.confirmed:
        return Verdict.POTENTIAL
    resolved = tally.holds + tally.violates
    if not resolved or tally.unresolved.total() > MOSTLY_UNRESOLVED * tally.applicable:
        return Verdict.UNRESOLVED
    return Verdict.NOT_REFUTED


def _drawn(tally: Tally) -> tuple[int, int]:
    """Violations, and instances resolved, among those drawn at random."""
    violates = tally.violates - tally.replayed[Outcome.VIOLATES]
    return violates, violates + tally.holds - tally.replayed[Outcome.HOLDS]


def bound95(violations: int, resolved: int) -> float:
    """One-sided 95 % Clopper–Pearson upper bound on the violation rate, from `violations` among
    `resolved` instances.

    It is the quantile of Beta(k + 1, n − k), and 1 − 0.05^(1/n) when nothing violates; 1 when
    nothing was resolved.
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
    """The text on one line, cut at `limit` characters, with ? for what cannot be printed (it may
    control a terminal).
    """
    text = " ".join(str(text).split())
    if not text.isprintable():
        text = "".join(each if each.isprintable() else "?" for each in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _undecided(margin: Margin) -> str:
    return "margin is not a number" if math.isnan(margin.value) else "margin within its error"
