"""One instance of a claim: judged, confirmed if it violates, proved where possible, counted."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ncfcheck.core.claim_files import told_of, where
from ncfcheck.core.claims import Claim, Margin, Outcome
from ncfcheck.core.describing import describe, one_line
from ncfcheck.core.time_limit import OutOfTime, is_silent, limited
from ncfcheck.core.tolerances import REORDERED
from ncfcheck.model.encoding import NotStorable, encode
from ncfcheck.verdicts.tallies import Tally, Violation

CERTIFICATES = 3  # confirmed violations per tally that are tried to be proved, until one is
WITHIN = 3  # tries in vain per tally to prove a violation where the margin is within its error
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
    violation that is not confirmed is unresolved. What is confirmed is judged twice, and so is the
    first applicable instance of a claim of the user's: a claim that says something else then is at
    fault, and so is one whose criterion says so. Proofs, of confirmed violations and of what may be
    one within the error, are tried until there is one, and a few times only.
    """
    tries = certified and not tally.certified and tally.in_vain < WITHIN
    outcome, margin, is_proved = decide(claim, instance, tries)
    tally.in_vain += is_proved is False
    is_wanted = outcome is Outcome.VIOLATES and (
        tally.confirmed < CONFIRMATIONS or tally.is_record(margin)
    )
    if is_proved:
        tally.confirmed, tally.certified = tally.confirmed + 1, tally.certified + 1
        tally.violation = tally.violation or _violation(claim, margin, instance, drawn)
    elif is_wanted and (found := denied(claim, instance, margin)):
        outcome, margin = found
    elif is_wanted:
        tally.confirmed += 1
        if tally.violation is None or margin.value < tally.violation.value:
            tally.violation = _violation(claim, margin, instance, drawn)
        if certified:
            _certify(claim, instance, tally)
    elif claim.is_own and not tally.applicable and outcome in (Outcome.HOLDS, Outcome.UNRESOLVED):
        found = _changed(claim, instance, margin) or _contradicted(claim, instance)
        outcome, margin = found or (outcome, margin)
    try:
        tally.record(outcome, margin, instance)
    except Exception as error:  # of the `describe` or `coverage` of a class of the user's
        outcome, margin = _at_fault(told_of(error, claim))
        tally.errors[one_line(margin.note)] += 1
    return outcome, margin


def decide(claim: Claim, instance, tries: bool = True) -> tuple[Outcome, Margin, bool | None]:
    """The judgement, and whether an exact counterpart proved a violation within the error; None
    where it was not asked, as without `tries`.
    """
    outcome, margin = judge(claim, instance)
    is_within = outcome is Outcome.UNRESOLVED and math.isfinite(margin.value)
    if not (tries and is_within and claim.is_refutable):
        return outcome, margin, None
    from ncfcheck.certify import OTHERS, Certificate, Undecided, certify

    try:
        found = limited(certify, claim, instance, WITHIN_ERROR, claim=claim.id)
    except OutOfTime:
        return outcome, margin, False
    if found == Undecided(OTHERS):
        return outcome, margin, None
    if not isinstance(found, Certificate) or found.instance is not None:
        return outcome, margin, False
    note = "a violation within the error is proved"
    return Outcome.VIOLATES, replace(margin, note=note), True


def _certify(claim: Claim, instance, tally: Tally) -> None:
    """Try to prove a confirmed violation, until one is proved or CERTIFICATES were tried."""
    from ncfcheck.certify import OTHERS, Undecided, certify

    tries = tally.uncertified.total() - tally.uncertified[OTHERS]
    if tally.certified or tries >= CERTIFICATES or not claim.is_refutable:
        return
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
    """The claim's judgement, unresolved without an answer in time; one that raises anything else is
    at fault: why is in the note.
    """
    try:
        return _answer(claim, instance)
    except OutOfTime as late:
        note = f"{late} on {describe(instance)}"
        if not late.is_known:
            _tell_once(claim, note)
        return _undecided(note)


def _answer(claim: Claim, instance) -> tuple[Outcome, Margin]:
    """The judgement, or the claim's fault. Raises OutOfTime."""
    try:
        with np.errstate():  # what one claim sets is no matter of the next
            return limited(claim.judge, instance, claim=claim.id)
    except Exception as error:
        return _at_fault(told_of(error, claim))


def _undecided(reason: str) -> tuple[Outcome, Margin]:
    return Outcome.UNRESOLVED, Margin(math.nan, math.inf, reason)


def _at_fault(reason: str) -> tuple[Outcome, Margin]:
    return Outcome.ERROR, Margin(math.nan, math.inf, reason)


def denied(claim: Claim, instance, margin: Margin) -> tuple[Outcome, Margin] | None:
    """What is to be said instead of that the instance violates the claim by this margin; None where
    that is confirmed: by asking again, and under every variant.

    Variants are those that its `confirmations()`, pairs (name, instance), yields where it has that
    method (tighter tolerance, another integrator), `rescaled()` where the claim says that its
    margin is free of scale, and `nearby()` where its strategy promises that starts are generic.
    """
    if changed := _changed(claim, instance, margin):
        return changed
    try:
        contrary = unconfirmed(claim, instance)
    except Exception as error:
        return _at_fault(f"{told_of(error, claim)} (in what confirms a violation)")
    note = f"not confirmed by {contrary}"
    return (Outcome.UNRESOLVED, replace(margin, note=note)) if contrary else None


def _tell_once(claim: Claim, note: str) -> None:
    """Name the first instance of a claim that gives no answer at once: the rest may take long."""
    if claim.id not in _told:
        _told.add(claim.id)
        logging.getLogger("ncfcheck").warning("ncfcheck: warning: %s: %s", claim.id, note)


_told: set[str] = set()  # claims that this process has done so for


def unconfirmed(claim: Claim, instance) -> str:
    """Name of the first variant that does not violate the claim; empty if none."""
    try:
        variants = limited(_variants, claim, instance, claim=claim.id)
    except OutOfTime as late:
        return f"its variants ({late})"
    for name, variant in variants:
        if judge(claim, variant)[0] is not Outcome.VIOLATES:
            return name
    return ""


def _changed(claim: Claim, instance, margin: Margin) -> tuple[Outcome, Margin] | None:
    """The fault of a claim that says something else when asked again, or that it did not answer in
    time: None where it says the same, up to both errors and rounding, or did not answer before.
    """
    if is_silent(claim.id):
        return None
    try:
        now, again = _answer(claim, instance)
    except OutOfTime as late:
        return _undecided(f"not confirmed by asking again: {late}")
    both = margin.error + again.error
    if math.isnan(margin.value) and now is margin.outcome:
        return None
    if math.isclose(margin.value, again.value, rel_tol=REORDERED, abs_tol=both):
        return None
    found = f"{now}: {again.note}" if math.isnan(again.value) else f"{again.value:.6g}"
    told = f"{where(claim)}not deterministic: margin {margin.value:.6g}, then {found}"
    return _at_fault(told)


def _contradicted(claim: Claim, instance) -> tuple[Outcome, Margin] | None:
    """The fault of a claim that holds where its criterion says that it fails; None for others."""
    if claim.violated is None:
        return None
    from ncfcheck.certify import contradiction

    try:
        margin = limited(contradiction, claim, instance, claim=claim.id)
    except OutOfTime:
        return None
    told = f"{where(claim)}its criterion `violated` is positive where the claim holds"
    return None if margin is None else _at_fault(f"{told}, by a margin of {margin.value:.3g}")


def _variants(claim: Claim, instance) -> list[tuple[str, Any]]:
    found = list(instance.confirmations()) if hasattr(instance, "confirmations") else []
    if claim.scale_free and hasattr(instance, "rescaled"):
        found.append(instance.rescaled())
    if getattr(claim.given, "is_generic", False) and hasattr(instance, "nearby"):
        found += instance.nearby()
    return found


def _violation(claim: Claim, margin, instance, drawn) -> Violation:
    """A confirmed violation in a form that travels between processes."""
    try:
        content, why = encode(instance, claim.function.__module__), ""
    except NotStorable as reason:
        content, why = None, str(reason)
    numbers = float(margin.value), float(margin.error)
    return Violation(*numbers, content, drawn and drawn.choices, why)
