"""The rules in one place: which verdict the evidence supports, and whether it is as expected."""

from __future__ import annotations

from dataclasses import dataclass

from ncfcheck.core.claims import Verdict

# Share of applicable instances beyond which a run says nothing about a claim, and share of the
# instances asked for below which it does not.
MOSTLY_UNRESOLVED = 0.5
ENOUGH = 0.5
VIOLATED = (Verdict.REFUTED, Verdict.POTENTIAL)


@dataclass(frozen=True)
class Evidence:
    """What a run found of a claim, as far as its verdict hangs on it.

    `resolved` instances hold or violate, `errors` are those in which the claim is at fault; of the
    violations some were `confirmed`, some of these `certified`. `drawn` instances met the
    hypotheses, of `asked` ones; both 0 where no number was asked for. `covered` says whether the
    strata were visited without which it says nothing.
    """

    resolved: int
    unresolved: int
    errors: int = 0
    confirmed: int = 0
    certified: int = 0
    asked: int = 0
    drawn: int = 0
    covered: bool = True

    @property
    def verdict(self) -> Verdict:
        """Never weaker or stronger than the evidence: a certificate, then a confirmed violation
        decides; most instances undecided, or a claim at fault, nothing.
        """
        if self.certified:
            return Verdict.REFUTED
        if self.confirmed:
            return Verdict.POTENTIAL
        if self.errors or not self.is_decided or not self.covered:
            return Verdict.UNRESOLVED
        return Verdict.NOT_REFUTED

    @property
    def is_decided(self) -> bool:
        """Whether enough instances met the hypotheses, and most of them were decided."""
        undecided = self.unresolved + self.errors
        applicable = self.resolved + undecided
        return not self.says_nothing and undecided <= MOSTLY_UNRESOLVED * applicable

    @property
    def says_nothing(self) -> bool:
        """Whether no instance was decided, or far fewer met the hypotheses than were asked for."""
        return not self.resolved or self.too_few

    @property
    def too_few(self) -> bool:
        """Whether far fewer instances met the hypotheses than were asked for."""
        return self.drawn < ENOUGH * self.asked

    @property
    def is_unjudged(self) -> bool:
        """Whether errors alone kept the claim from being judged: the run could not be done."""
        return bool(self.errors) and not self.resolved

    def as_expected(self, verdict: Verdict, expect: Verdict | None, strict: bool) -> bool:
        """Whether a verdict is the one expected, None for any.

        A claim at fault never is, nor one of which nothing is said. One that is unresolved is where
        none is expected, or where only strata are not covered; `strict`: nowhere.
        """
        if self.errors:
            return False
        if verdict in VIOLATED or expect is Verdict.REFUTED:
            return expect is None or (verdict in VIOLATED) == (expect is Verdict.REFUTED)
        if self.says_nothing:
            return False
        if verdict is Verdict.UNRESOLVED:
            return not strict and (expect is None or self.is_decided)
        return True
