"""What a claim says of one instance: a margin with a bound on its error, and the outcome."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from ncfcheck.core.stated import shown


class Outcome(StrEnum):
    """What one instance says about a claim."""

    HOLDS = "holds"
    VIOLATES = "violates"
    UNRESOLVED = "unresolved"
    INAPPLICABLE = "inapplicable"
    ERROR = "error"  # the claim is at fault: it raised, or says something else when asked again


@dataclass(frozen=True)
class Margin:
    """Signed, scale-free distance from violation, with a bound on its own error.

    |value − exact| ≤ error. value > error: the claim holds on the instance; value < -error: it is
    violated; anything else, NaN and an infinite error included, is unresolved. Both become floats:
    scalars of numpy and others, and arrays with one entry, are taken. Raises TypeError for what is
    no real number, booleans among it, ValueError for a negative error.
    """

    value: float
    error: float
    note: str = ""

    def __post_init__(self):
        for name in ("value", "error"):
            if type(getattr(self, name)) is not float:
                object.__setattr__(self, name, _real(name, getattr(self, name)))
        note = "" if self.note is None else str(self.note)
        # Files take no lone surrogates.
        object.__setattr__(self, "note", note.encode("utf-8", "replace").decode())
        if self.error < 0:
            raise ValueError(
                f"a margin's error is a bound on |computed − exact|, at least 0, not {self.error:g}"
            )

    @property
    def outcome(self) -> Outcome:
        """The outcome this is evidence for: `unresolved` unless the sign is beyond the error."""
        if math.isnan(self.value) or not abs(self.value) > self.error:
            return Outcome.UNRESOLVED
        return Outcome.HOLDS if self.value > 0 else Outcome.VIOLATES


def _real(name: str, value) -> float:
    """The float that a number, or an array with one entry, is."""
    try:
        plain = value.item() if hasattr(value, "item") else value
        if not isinstance(plain, str | bytes | bool):
            return float(plain)
    except (TypeError, ValueError, OverflowError):
        pass
    hint = ": Margin(1.0 if it holds else -1.0, 0.0)" if _is_truth(value) else ""
    shape = getattr(value, "shape", ())
    told = f"an array of shape {tuple(shape)}" if shape else shown(value)
    raise TypeError(f"a margin's {name} is one real number, not {told}{hint}")


def _is_truth(value) -> bool:
    return type(value).__name__ in ("bool", "bool_")


def worst(margins: Iterable[Margin]) -> Margin:
    """The margin that decides a conjunction.

    A violated part first; then a part that could not be decided; otherwise the smallest value,
    whose error says how far down the others' errors reach. Raises ValueError when there is no part,
    TypeError for what are no margins.
    """
    parts = _parts("worst", margins)
    rank = {Outcome.VIOLATES: 0, Outcome.UNRESOLVED: 1, Outcome.HOLDS: 2}
    least = min(parts, key=lambda margin: (rank[margin.outcome], margin.value))
    lowest = min(parts, key=lambda margin: margin.value - margin.error)
    if least.outcome is not Outcome.HOLDS or lowest is least:
        return least
    return replace(least, error=least.value - (lowest.value - lowest.error))


def mildest(margins: Iterable[Margin]) -> Margin:
    """The margin that decides a disjunction: it violates only where every part does, by the part
    that does so least.

    A part that holds first; then one that could not be decided; otherwise the largest value, whose
    error says how far up the others' errors reach. Raises as `worst` does.
    """
    parts = _parts("mildest", margins)
    rank = {Outcome.HOLDS: 2, Outcome.UNRESOLVED: 1, Outcome.VIOLATES: 0}
    most = max(parts, key=lambda margin: (rank[margin.outcome], margin.value))
    highest = max(parts, key=lambda margin: margin.value + margin.error)
    if most.outcome is not Outcome.VIOLATES or highest is most:
        return most
    return replace(most, error=highest.value + highest.error - most.value)


def _parts(function: str, margins: Iterable[Margin]) -> tuple[Margin, ...]:
    found = tuple(margins) if isinstance(margins, Iterable) else None
    if found is None or not all(isinstance(each, Margin) for each in found):
        raise TypeError(
            f"{function} takes margins, not {shown(margins if found is None else found)}"
        )
    if not found:
        raise ValueError(
            f"{function} of no margins: none decides; raise Inapplicable where no part applies"
        )
    return found
