"""Counterexamples that a hunt found: confirmed, made smaller, certified where that is possible, kept as witness files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from checker import witness
from checker.claims import Claim, Margin
from checker.encoding import BadWitness, decode
from checker.hunting import Point


@dataclass(frozen=True)
class Minimal:
    """Where the smallest counterexample is, lines that show it, and whether it is certified."""

    path: Path | None
    rendering: tuple[str, ...] = ()
    is_certified: bool = False


def captured(claim: Claim, point: Point, seed: int) -> witness.Witness | None:
    """The witness of a counterexample as found; None where its instance has no encoding."""
    if point.instance is None:
        return None
    instance = decode(point.instance, claim.function.__module__)
    return witness.witness_of(claim, instance, Margin(point.margin, point.error), seed=seed, source=witness.home_of(claim))


def minimal(claim: Claim, point: Point, seed: int, folder: Path, before: Path | None) -> Minimal:
    """The counterexample made smaller and certified, in a witness file with the one found, in place of the file `before`."""
    instance = None if point.instance is None else _decoded(claim, point.instance)
    if instance is None:
        return Minimal(before, (point.spec,), False)
    small, margin = _shrunk(claim, instance, point)
    certificate = _certified(claim, small)
    about = {"seed": seed, "source": witness.home_of(claim), "certificate": certificate}
    found = witness.witness_of(claim, small, margin, worst=(instance, Margin(point.margin, point.error)), **about)
    return Minimal(_stored(found, folder, before), tuple(found.rendering), certificate is not None)


def _decoded(claim: Claim, encoded):
    try:
        return decode(encoded, claim.function.__module__)
    except BadWitness:
        return None


def _stored(found: witness.Witness, folder: Path, before: Path | None) -> Path:
    """Write the witness, in place of the file written before."""
    if before is not None and before.stem == found.claim:
        witness.save(before, found)
        return before
    path = witness.store(found, folder)
    if before is not None and before != path:
        before.unlink(missing_ok=True)
    return path


def _shrunk(claim: Claim, instance, point: Point) -> tuple[object, Margin]:
    """The simplest instance found that still violates the claim, and its margin."""
    from checker.shrink import shrunk

    choices = None if point.choices is None else decode(point.choices)
    found = shrunk(claim, instance, choices=choices)
    return found.instance, found.margin


def _certified(claim: Claim, instance) -> dict | None:
    """A certificate that the claim fails on the instance, sealed, if one is found."""
    from checker.certify import Certificate, certify, document

    found = certify(claim, instance)
    return document(claim, instance, found)["certificate"] if isinstance(found, Certificate) else None
