"""What a run keeps of counterexamples: replays of those stored, which come first, and a witness file of a new one."""

from __future__ import annotations

from pathlib import Path

from checker import witness
from checker.claims import Claim, Kind, Outcome
from checker.encoding import BadWitness, NotStorable, decode, encode
from checker.results import Tally, Violation

SECONDS = 8.0  # of shrinking one counterexample in a run that has other claims to check


def replay_stored(claim: Claim, tally: Tally, folder: Path) -> None:
    """Examine the instance of every stored witness of the claim; one that cannot be read is unresolved."""
    from checker.check import examine

    for path in witness.stored(claim.id, folder):
        try:
            instance = witness.instance_of(witness.read(path))
        except BadWitness as reason:
            tally.unresolved[f"witness not read: {reason}"] += 1
            tally.replayed[Outcome.UNRESOLVED] += 1
            continue
        before = tally.applicable
        outcome, _ = examine(claim, instance, tally)
        if tally.applicable > before:
            tally.replayed[outcome] += 1


def violation(claim: Claim, margin, instance) -> Violation:
    """A confirmed violation in a form that travels between processes."""
    from checker.draw import choices

    try:
        content = encode(instance, claim.function.__module__)
    except NotStorable:
        content = None
    return Violation(float(margin.value), float(margin.error), content, choices())


def is_worth_keeping(claim: Claim, tally: Tally) -> bool:
    """Whether there is a violation to store: not of a control, which hunts keep, nor where a stored witness still violates."""
    return claim.kind is not Kind.CONTROL and tally.violation is not None and not tally.replayed[Outcome.VIOLATES]


def keep(claim: Claim, found: Violation, seed: int, folder: Path, data=None, seconds: float = SECONDS) -> Path | None:
    """Shrink the violation and store it with the one found; the file, None where the instance has no encoding.

    Raises Unwritable or OSError.
    """
    from checker.certify import Certificate, certify, document
    from checker.claims import Margin
    from checker.shrink import shrunk

    if found.content is None:
        return None
    try:
        instance = decode(found.content, claim.function.__module__)
    except BadWitness:
        return None
    margin = Margin(found.value, found.error)
    small = shrunk(claim, instance, choices=found.choices, seconds=seconds, data=data)
    proof = certify(claim, small.instance)
    sealed = document(claim, small.instance, proof)["certificate"] if isinstance(proof, Certificate) else None
    about = {"seed": seed, "source": witness.home_of(claim), "certificate": sealed}
    return witness.store(witness.witness_of(claim, small.instance, small.margin, worst=(instance, margin), **about), folder)
