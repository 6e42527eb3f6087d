"""Which control shows that a theorem needs a hypothesis: its statement without it, found false."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ncfcheck.core.claims import Claim, Kind


@dataclass(frozen=True)
class Need:
    """A theorem, one of its hypotheses, and the control that drops it; None where none is known."""

    theorem: str
    hypothesis: str
    control: str | None


def needs(claims: Mapping[str, Claim]) -> list[Need]:
    """A row for every theorem, hypothesis and control that drops it, in order of registration."""
    return [
        Need(theorem.id, hypothesis, control)
        for theorem in claims.values()
        if theorem.kind is Kind.THEOREM
        for hypothesis in theorem.hypotheses
        for control in _dropping(claims.values(), theorem.id, hypothesis) or (None,)
    ]


def _dropping(claims: Iterable[Claim], theorem: str, hypothesis: str) -> tuple[str, ...]:
    return tuple(claim.id for claim in claims if theorem in claim.of and claim.drops == hypothesis)


def controls_of(claims: Mapping[str, Claim], theorem: str) -> list[Claim]:
    """Every control that states the theorem but for one hypothesis, or more than the theorem."""
    return [claim for claim in claims.values() if theorem in claim.of]


def stale(claims: Mapping[str, Claim]) -> list[str]:
    """What is wrong with controls: theorems that do not exist or do not list what is dropped."""
    found = []
    for control in claims.values():
        for id in control.of:
            if id not in claims or claims[id].kind is not Kind.THEOREM:
                found.append(f"{control.id} is of {id}, which is no theorem")
            elif control.drops and control.drops not in claims[id].hypotheses:
                found.append(f"{control.id} drops {control.drops!r}, which {id} does not list")
    return found
