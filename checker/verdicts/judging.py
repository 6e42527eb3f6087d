"""One instance of a claim: judged, confirmed if it violates, proved where possible, counted."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace

from ncfcheck.core.claim_files import told_of
from ncfcheck.core.claims import Claim, Margin, Outcome
from ncfcheck.core.describing import describe, one_line
from ncfcheck.core.time_limit import OutOfTime, limited
from ncfcheck.model.encoding import NotStorable, encode
from ncfcheck.verdicts.tallies import Tally, Violation

CERTIFICATES = 3  # confirmed violations per tally that are tried to be proved, until one is
WITHIN_ERROR = 1.0  # seconds for the proof of a violation where the margin is within its error
CONFIRMATIONS = 5  # violations per tally that are confirmed even if they are not the worst


def examine(
    claim: Claim, instance, tally: Tally, certified: bool = True, drawn=None
) -> tuple[Outcome, Margin]:
    """Judge one instance, confirm and, if `certified`, try to prove it if it violates, and record
    it; what was recorded.

    `drawn` is the `ncfcheck.strategies.draw.Drawn` it comes from, where it was drawn.

    The first CONFIRMATIONS violations of a shard are confirmed, and every later one that is the
    worst so far: so a verdict and the instance shown with it always rest on confirmed violations,
    while a claim that is false everywhere, as controls are, is not confirmed again and again. A
    violation that is not confirmed is unresolved.
    """
    outcome, margin, is_proved = decide(claim, instance)
    if is_proved:
        tally.confirmed, tally.certified = tally.confirmed + 1, tally.certified + 1
        tally.violation = tally.violation or _violation(claim, margin, instance, drawn)
    elif outcome is Outcome.VIOLATES and (
        tally.confirmed < CONFIRMATIONS or tally.is_record(margin)
    ):
        contrary = unconfirmed(claim, instance)
        if contrary:
            outcome = Outcome.UNRESOLVED
            margin = replace(margin, note=f"not confirmed by {contrary}")
        else:
            tally.confirmed += 1
            if tally.violation is None or margin.value < tally.violation.value:
                tally.violation = _violation(claim, margin, instance, drawn)
            if certified:
                _certify(claim, instance, tally)
    tally.record(outcome, margin, instance)
    return outcome, margin


def decide(claim: Claim, instance) -> tuple[Outcome, Margin, bool]:
    """The judgement, and whether an exact counterpart proved a violation within the error."""
    outcome, margin = judge(claim, instance)
    if outcome is not Outcome.UNRESOLVED or not math.isfinite(margin.value) or claim.refute is None:
        return outcome, margin, False
    from ncfcheck.certify import Certificate, certify

    try:
        found = limited(certify, claim, instance, WITHIN_ERROR, claim=claim.id)
    except OutOfTime:
        return outcome, margin, False
    if not isinstance(found, Certificate):
        return outcome, margin, False
    note = "a violation within the error is proved"
    return Outcome.VIOLATES, replace(margin, note=note), True


def _certify(claim: Claim, instance, tally: Tally) -> None:
    """Try to prove a confirmed violation, until one is proved or CERTIFICATES were tried."""
    if tally.certified or tally.uncertified.total() >= CERTIFICATES or claim.refute is None:
        return
    from ncfcheck.certify import Undecided, certify

    found = _tried(certify, claim, instance)
    if isinstance(found, Undecided):
        tally.uncertified[one_line(found.reason)] += 1
    else:
        tally.certified += 1


def prove_conclusion(claim: Claim, instance, tally: Tally) -> None:
    """Try to prove that the conclusion holds on an instance."""
    if claim.prove is None:
        return
    from ncfcheck.certify import Undecided, prove

    found = _tried(prove, claim, instance)
    if isinstance(found, Undecided):
        tally.unproved[one_line(found.reason)] += 1
    else:
        tally.proved += 1


def _tried(proving: Callable, claim: Claim, instance):
    """The proof, or why there is none."""
    from ncfcheck.certify import Undecided

    try:
        return limited(proving, claim, instance, claim=claim.id)
    except OutOfTime as late:
        return Undecided(str(late))


def judge(claim: Claim, instance) -> tuple[Outcome, Margin]:
    """The claim's judgement; an exception in it, a bug, is unresolved with the error as reason, and
    so is no answer in time.
    """
    try:
        return limited(claim.judge, instance, claim=claim.id)
    except OutOfTime as late:
        note = f"{late} on {describe(instance)}"
        if not late.is_known:
            _tell_once(claim, note)
        return Outcome.UNRESOLVED, Margin(math.nan, math.inf, note)
    except Exception as error:
        note = f"error: {told_of(error, claim)}"
        return Outcome.UNRESOLVED, Margin(math.nan, math.inf, note)


def _tell_once(claim: Claim, note: str) -> None:
    """Name the first instance of a claim that gives no answer at once: the rest may take long."""
    if claim.id not in _told:
        _told.add(claim.id)
        logging.getLogger("ncfcheck").warning("ncfcheck: warning: %s: %s", claim.id, note)


_told: set[str] = set()  # claims that this process has done so for


def unconfirmed(claim: Claim, instance) -> str:
    """Name of the first check under which the instance no longer violates the claim; empty if none.

    It is evaluated again, and so is every variant that its `confirmations()`, pairs (name,
    instance), yields where it has that method: tighter tolerance, another integrator, rescaled.
    """
    try:
        variants = limited(_variants, instance, claim=claim.id)
        for name, variant in variants:
            if judge(claim, variant)[0] is not Outcome.VIOLATES:
                return name
    except Exception as error:
        return f"its variants (error: {told_of(error, claim)})"
    except OutOfTime as late:
        return f"its variants ({late})"
    return ""


def _variants(instance) -> list[tuple[str, object]]:
    """The instance as it is, and what it is confirmed by."""
    variants = instance.confirmations() if hasattr(instance, "confirmations") else ()
    return [("re-evaluation", instance), *variants]


def _violation(claim: Claim, margin, instance, drawn) -> Violation:
    """A confirmed violation in a form that travels between processes."""
    try:
        content = encode(instance, claim.function.__module__)
    except NotStorable:
        content = None
    return Violation(float(margin.value), float(margin.error), content, drawn and drawn.choices)
