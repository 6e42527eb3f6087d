"""What a run says about a claim: the verdict that a tally of instances supports."""

from __future__ import annotations

from collections import Counter

import msgspec

from ncfcheck.core.claims import Claim, Kind, Verdict
from ncfcheck.verdicts.tallies import Case, Tally

# Share of applicable instances beyond which a run says nothing about a claim.
MOSTLY_UNRESOLVED = 0.5
CONFIDENCE = 0.95


class ClaimResult(msgspec.Struct, frozen=True):
    """What a run says about one claim, as files hold it (docs/results.md says what each field
    means). `instances` counts the applicable ones, unresolved included.

    `uncovered` names what no instance covered although the claim says nothing without it. `lowest`
    are the worst few decided instances, `margins` a sample of pairs (value, error), smallest value
    first, `pairs` the coverage of two keys at once. `proved` counts instances on which the
    conclusion is certified, `why_unproved` the others that this was tried of, by reason. `replayed`
    counts instances of stored witnesses, which are not among `instances`; `witnesses` tells of
    those not replayed or not stored, and why; `kept` is the command that replays the counterexample
    kept.
    """

    id: str
    kind: Kind
    verdict: Verdict
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
    uncovered: tuple[str, ...] = ()
    lowest: tuple[Case, ...] = ()
    margins: tuple[tuple[float, float], ...] = ()
    pairs: dict[str, dict[str, int]] = {}
    certified: int = 0
    why_uncertified: dict[str, int] = {}
    replayed: int = 0
    witnesses: tuple[str, ...] = ()
    kept: str = ""
    proved: int = 0
    why_unproved: dict[str, int] = {}

    @property
    def worst(self) -> Case | None:
        """The decided instance of smallest margin; None where none was decided."""
        if self.worst_instance is None:
            return None
        return Case(self.worst_margin, self.error, self.worst_instance)

    def as_expected(self, strict: bool = False) -> bool:
        """Whether the verdict is what its kind calls for; `strict` wants theorems resolved, too."""
        if self.kind is Kind.CONJECTURE:
            return True
        if self.kind is Kind.CONTROL:
            return self.verdict in (Verdict.REFUTED, Verdict.POTENTIAL)
        if self.verdict is Verdict.UNRESOLVED:
            return not strict
        return self.verdict is Verdict.NOT_REFUTED


def conclude(claim: Claim, tally: Tally, seed: int = 0) -> ClaimResult:
    """The result that a tally of all instances of a claim, drawn from a seed, supports."""
    uncovered = tuple(
        f"{key}: {value}"
        for key, value in claim.covers
        if not tally.coverage.get(key, Counter())[value]
    )
    found, worst = verdict(tally), tally.worst
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
        worst_margin=None if worst is None else worst.value,
        error=None if worst is None else worst.error,
        worst_instance=None if worst is None else worst.instance,
        bound95=bound95(tally.violates, tally.holds + tally.violates),
        why_unresolved=dict(tally.unresolved.most_common()),
        why_inapplicable=dict(tally.inapplicable.most_common()),
        coverage={key: dict(counts) for key, counts in tally.coverage.items()},
        seconds=round(tally.seconds, 3),
        seed=seed,
        uncovered=uncovered,
        lowest=tuple(tally.lowest),
        margins=tally.margins.margins,
        pairs={key: dict(counts) for key, counts in tally.pairs.items()},
        certified=tally.certified,
        why_uncertified=dict(tally.uncertified.most_common()),
        replayed=tally.replayed.total(),
        witnesses=tuple(tally.unread),
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
