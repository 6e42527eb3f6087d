"""Counterexamples that a hunt found: confirmed, made smaller, certified where that is possible, kept as witness files."""

from __future__ import annotations

import contextlib
from pathlib import Path

from checker import witness
from checker.claims import Claim, Margin
from checker.encoding import BadWitness, decode
from checker.hunting import Point


def captured(claim: Claim, point: Point, seed: int) -> witness.Witness | None:
    """The witness of a counterexample as found; None where its instance has no encoding."""
    if point.instance is None:
        return None
    instance = decode(point.instance, claim.function.__module__)
    return witness.witness_of(claim, instance, Margin(point.margin, point.error), seed=seed, source=witness.home_of(claim))


def minimal(claim: Claim, point: Point, seed: int, folder: Path, before: Path | None) -> tuple[Path | None, tuple[str, ...]]:
    """The counterexample made smaller, in a witness file with the one found, in place of the file `before`; its rendering."""
    from checker.check import judge

    try:
        instance = None if point.instance is None else decode(point.instance, claim.function.__module__)
    except BadWitness:
        instance = None
    if instance is None:
        return before, (point.spec,)
    worst = instance, Margin(point.margin, point.error)
    small = _shrunk(claim, instance)
    margin = judge(claim, small)[1]
    found = witness.witness_of(
        claim, small, margin, seed=seed, source=witness.home_of(claim), worst=worst, certificate=_certified(claim, small)
    )
    path = witness.store(found, folder)
    if before is not None and before != path:
        before.unlink(missing_ok=True)
    return path, tuple(found.rendering)


def _shrunk(claim: Claim, instance):
    """The smallest instance found that still violates the claim."""
    with contextlib.suppress(ImportError):
        from checker.shrink import shrink

        return shrink(claim, instance)
    return instance


def _certified(claim: Claim, instance) -> dict | None:
    """A certificate that the claim fails on the instance, if one is found."""
    return None
