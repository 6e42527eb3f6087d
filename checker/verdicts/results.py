"""What a run says about a claim: the verdict that a tally of instances supports."""

from __future__ import annotations

from collections import Counter

import msgspec

from ncfcheck.core.claim_files import where
from ncfcheck.core.claims import EXPECTED, Claim, Kind, Verdict
from ncfcheck.verdicts.evidence import Evidence
from ncfcheck.verdicts.tallies import Case, Tally

CONFIDENCE = 0.95
REFUSALS = 10  # reasons of a strategy's that are kept


class ClaimResult(msgspec.Struct, frozen=True):
    """What a run says about one claim, as files hold it (docs/results.md says what each field
    means). `instances` counts the applicable ones, unresolved ones and errors included.

    `uncovered` names what no instance covered although the claim says nothing without it. `lowest`
    are the worst few decided instances, `margins` a sample of pairs (value, error), smallest value
    first, `pairs` the coverage of two keys at once. `proved` counts instances on which the
    conclusion is certified, `why_unproved` the others that this was tried of, by reason. `replayed`
    counts instances of stored witnesses, which are not among `instances`; `witnesses` tells of
    those not replayed or not stored, and why; `kept` is the command that replays the counterexample
    kept. `errors` counts the instances in which the claim is at fault: it raised, or said something
    else when asked again. `why_refused` counts draws that the strategy turned down, which are no
    instances, by reason, where there were too few instances. `asked` instances were wanted, 0 where
    no number was, and `expect` is the verdict called for, None for any.
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
    errors: int = 0
    why_errors: dict[str, int] = {}
    asked: int = 0
    expect: Verdict | None = None
    why_refused: dict[str, int] = {}

    def __post_init__(self):
        """Files older than `expect` say what is called for by the kind."""
        if self.expect is None and self.kind in EXPECTED:
            msgspec.structs.force_setattr(self, "expect", EXPECTED[self.kind])

    def __repr__(self) -> str:
        undecided = f", {self.unresolved} unresolved" if self.unresolved else ""
        errors = f", {self.errors} errors" if self.errors else ""
        return f"<{self.id}: {self.verdict} on {self.instances} instances{undecided}{errors}>"

    @property
    def worst(self) -> Case | None:
        """The decided instance of smallest margin; None where none was decided."""
        if self.worst_instance is None:
            return None
        return Case(self.worst_margin, self.error, self.worst_instance)

    @property
    def evidence(self) -> Evidence:
        """What the verdict rests on."""
        return Evidence(
            resolved=self.holds + self.violates,
            unresolved=self.unresolved,
            errors=self.errors,
            confirmed=self.confirmed,
            certified=self.certified,
            asked=self.asked,
            drawn=self.instances,
            covered=not self.uncovered,
        )

    def as_expected(self, strict: bool = False) -> bool:
        """Whether the verdict is the one called for; `strict` wants it resolved, too."""
        return self.evidence.as_expected(self.verdict, self.expect, strict)


def conclude(claim: Claim, tally: Tally, seed: int = 0) -> ClaimResult:
    """The result that a tally of all instances of a claim, drawn from a seed, supports."""
    worst, errors = tally.worst, tally.errors + _unknown(claim, tally)
    found = ClaimResult(
        id=claim.id,
        kind=claim.kind,
        verdict=Verdict.UNRESOLVED,
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
        uncovered=_uncovered(claim, tally),
        lowest=tuple(tally.lowest),
        margins=tally.margins.margins,
        pairs={key: dict(counts) for key, counts in tally.pairs.items()},
        certified=tally.certified,
        why_uncertified=dict(tally.uncertified.most_common()),
        replayed=tally.replayed.total(),
        witnesses=tuple(tally.unread),
        proved=tally.proved,
        why_unproved=dict(tally.unproved.most_common()),
        errors=errors.total(),
        why_errors=dict(errors.most_common()),
        asked=tally.asked,
        why_refused=dict(tally.refused.most_common(REFUSALS)),
        expect=claim.expect,
    )
    return msgspec.structs.replace(found, verdict=found.evidence.verdict)


def _uncovered(claim: Claim, tally: Tally) -> tuple[str, ...]:
    """The strata that a claim says nothing without and that no instance lies in."""
    return tuple(
        f"{key}: {value}"
        for key, value in claim.covers
        if not tally.coverage.get(key, Counter())[value]
    )


def _unknown(claim: Claim, tally: Tally) -> Counter[str]:
    """The fault of a claim that asks for coverage of what instances do not tell of."""
    known = ", ".join(tally.coverage) or "none"
    return Counter(
        f"{where(claim)}covers asks for {key!r}, but instances have: {known}"
        for key, _ in claim.covers
        if tally.applicable and key not in tally.coverage
    )


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
