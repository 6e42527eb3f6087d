"""Counterexamples in witness files: replayed where stored; made smaller, certified, stored anew."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ncfcheck.certify import Certificate, certify, document
from ncfcheck.core.claims import Claim, Kind, Margin, Outcome, registered
from ncfcheck.core.time_limit import OutOfTime, limited
from ncfcheck.model.encoding import BadWitness, NotStorable, decode
from ncfcheck.run.shrinking.shrink import shrunk
from ncfcheck.strategies.about import about, is_about
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.judging import examine
from ncfcheck.verdicts.tallies import Tally, Violation

SECONDS = 8.0  # of shrinking one counterexample in a run that has other claims to check


@dataclass(frozen=True)
class Find:
    """A confirmed violation that a worker is to make smaller."""

    claim: str
    violation: Violation
    seed: int
    seconds: float = SECONDS

    def smaller(self, data=None, models=None) -> witness.Witness | None:
        """The smaller one's witness, on data of the strategy `data` and on `models` where given."""
        claim = about(registered()[self.claim], models)
        return smaller(claim, self.violation, self.seed, data=data, seconds=self.seconds)


Stored = witness.Witness | BadWitness  # what a file of the folder holds, or why it cannot be read


def stored(claim: str, folder: Path) -> tuple[Stored, ...]:
    """The stored witnesses of a claim, in order of the names of their files."""
    return tuple(_read(path) for path in witness.stored(claim, folder))


def _read(path: Path) -> Stored:
    """The witness in a file, unless it is not one of its claim as that is stated now."""
    try:
        found = witness.read(path)
    except BadWitness as reason:
        return reason
    claim = registered().get(found.claim)
    since = witness.since(found, claim) if claim else ""
    return BadWitness(f"{path}: {since}") if since else found


def replay_stored(claim: Claim, tally: Tally, found: Iterable[Stored]) -> None:
    """Examine the instances of the claim's stored witnesses that are on models it draws; what
    cannot be read is told only.
    """
    for each in found:
        try:
            if isinstance(each, BadWitness):
                raise each
            instance = witness.instance_of(each)
        except BadWitness as reason:
            tally.unread.append(f"not replayed: {reason}")
            continue
        if not is_about(claim, instance):
            continue
        start, seen = time.perf_counter(), Tally()
        outcome, _ = examine(claim, instance, seen)
        tally.witnessed(outcome, seen)
        tally.seconds += time.perf_counter() - start


def has_certificate(found: Iterable[Stored]) -> bool:
    """Whether one of the stored witnesses has a certificate."""
    return any(isinstance(each, witness.Witness) and each.certificate for each in found)


def is_worth_keeping(claim: Claim, tally: Tally) -> bool:
    """Whether there is a violation to store: not of a control, which hunts keep, nor where a stored
    witness still violates.
    """
    return (
        claim.kind is not Kind.CONTROL
        and tally.violation is not None
        and not tally.replayed[Outcome.VIOLATES]
    )


def as_found(claim: Claim, found: Violation, seed: int) -> witness.Witness | None:
    """The witness of a violation as it was found; None where its instance is not storable."""
    instance = _instance(claim, found)
    return None if instance is None else _witness(claim, instance, _margin(found), seed=seed)


def smaller(claim: Claim, found: Violation, seed: int, **limits) -> witness.Witness | None:
    """The witness of the violation shrunk within `limits`, certified where that is possible; None
    where its instance is not storable.
    """
    instance = _instance(claim, found)
    if instance is None:
        return None
    small = shrunk(claim, instance, choices=found.choices, **limits)
    shown, margin, certificate = _certified(claim, small.instance, small.margin)
    how = {"seed": seed, "worst": (instance, _margin(found)), "certificate": certificate}
    return _witness(claim, shown, margin, **how)


def _witness(claim: Claim, instance, margin: Margin, **how) -> witness.Witness | None:
    try:
        return witness.witness_of(claim, instance, margin, source=witness.home_of(claim), **how)
    except NotStorable:
        return None


def _margin(found: Violation) -> Margin:
    return Margin(found.value, found.error)


def replace(found: witness.Witness, folder: Path, before: Path | None) -> Path:
    """Store the witness in place of file `before`, if any; its path. Raises Unwritable, OSError."""
    if before is not None and before.stem == found.claim:
        witness.save(before, found)
        return before
    path = witness.store(found, folder)
    if before is not None and before != path:
        before.unlink(missing_ok=True)
    return path


def _instance(claim: Claim, found: Violation):
    """The instance that violates the claim; None where it has no encoding."""
    try:
        return None if found.content is None else decode(found.content, claim.function.__module__)
    except BadWitness:
        return None


def _certified(claim: Claim, instance, margin: Margin) -> tuple[Any, Margin, dict | None]:
    """The instance that is proved to violate the claim, its margin, the certificate, sealed; what
    was given, and None, if there is none.
    """
    try:
        found = limited(certify, claim, instance, claim=claim.id)
    except OutOfTime:
        return instance, margin, None
    if not isinstance(found, Certificate):
        return instance, margin, None
    certificate = document(claim, instance, found)["certificate"]
    if found.instance is None:
        return instance, margin, certificate
    return found.instance, claim.judge(found.instance)[1], certificate
