"""Held against the truth: every part of every margin that says it is decided."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from flint import arb

from ncfcheck.core.claims import Claim, Inapplicable, Margin, Outcome, Unresolved
from tests.honest.exact import BITS, precision
from tests.honest.parts import parts_of

# None where it could not be told; several where exact numbers have several: all are to be in a bar.
Truth = arb | tuple[arb, ...] | None
TRUTHS: dict[str, Callable[[object], Iterable[Truth]]] = {}


def truth(*ids: str):
    """Register instance → the exact margins of these claims' parts, in the order of the parts."""

    def register(function):
        TRUTHS.update(dict.fromkeys(ids, function))
        return function

    return register


@dataclass
class Audit:
    """What came of a claim's instances: counts, and the parts whose truth is outside their bar."""

    claim: str
    counts: Counter = field(default_factory=Counter)
    outside: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        """Instances that the claim says something of, if only that it cannot be decided."""
        return self.counts["resolved"] + self.counts["unresolved"]

    def add(self, how: str, claim: Claim, number: int, instance) -> None:
        """Judge one instance, and hold what is decided against the truth."""
        self.counts["instances"] += 1
        try:
            with np.errstate(all="ignore"):
                parts = parts_of(claim, instance)
                decided = [each.outcome is not Outcome.UNRESOLVED for each in parts]
                self.counts["resolved" if any(decided) else "unresolved"] += 1
                with precision(BITS):
                    exact = list(TRUTHS[claim.id](instance)) if any(decided) else [None]
                    if any(decided) and len(exact) != len(parts):
                        raise AssertionError(f"{len(exact)} truths of {len(parts)} parts")
                    for k, (part, is_decided, right) in enumerate(zip(parts, decided, exact)):
                        if is_decided:
                            self._hold(f"{number} ({how}) part {k}", part, right)
        except (Inapplicable, Unresolved) as reason:
            self.counts[type(reason).__name__.lower()] += 1

    def _hold(self, what: str, part: Margin, right: Truth) -> None:
        self.counts["parts"] += 1
        said = inside(part, right)
        if said is None:
            self.counts["truth not told"] += 1
        elif not said:
            rights = right if isinstance(right, tuple) else (right,)
            off = max(float(abs(arb(part.value) - each)) for each in rights)
            self.outside.append(f"{what}: {part.value!r} ± {part.error:.3g}, off by {off:.3g}")


def inside(part: Margin, right: Truth) -> bool | None:
    """Whether |value − truth| ≤ error; None where the truth is not known well enough to say."""
    if isinstance(right, tuple):
        said = {inside(part, each) for each in right}
        return False if False in said else None if None in said else True
    if right is None or not right.is_finite():
        return None
    if not math.isfinite(part.error):
        return True
    off = abs(arb(part.value) - right)
    if off <= arb(part.error):
        return True
    return False if off > arb(part.error) else None
