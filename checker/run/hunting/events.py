"""What a hunt tells while it goes on, and at its end; writers consume these."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ncfcheck.core.claims import Kind, Verdict
from ncfcheck.run.hunting.shards import Point
from ncfcheck.verdicts.evidence import Evidence


@dataclass(frozen=True)
class HuntStarted:
    """The first event; `budget` in words, `resumed` instances were tested before."""

    claim: str
    seed: int
    workers: int
    budget: str
    resumed: int


@dataclass(frozen=True)
class HuntProgress:
    """Instances tested, those per second, worst margin, strata covered, counterexamples found."""

    tested: int
    rate: float
    worst: Point | None
    strata: int
    found: int
    seconds: float


@dataclass(frozen=True)
class Counterexample:
    """A confirmed violation; `path` is the witness file, where it could be written."""

    point: Point
    path: Path | None


@dataclass(frozen=True)
class Shrinking:
    """The hunt has ended and its counterexample is being made smaller."""

    point: Point


@dataclass(frozen=True, repr=False)
class HuntResult:
    """What a hunt says; `tested` counts inapplicable ones and errors too, `minimal` shows the
    smallest counterexample, `expect` is the verdict called for, None for any. `why_refused` counts
    draws that the strategy turned down, which are not among those tested, by reason.
    """

    id: str
    kind: Kind
    verdict: Verdict
    tested: int
    unresolved: int
    inapplicable: int
    worst: Point | None
    found: int
    strata: int
    coverage: dict[str, dict[str, int]]
    why_unresolved: dict[str, int]
    generations: int
    expect: Verdict | None
    evidence: Evidence
    errors: int = 0
    why_errors: dict[str, int] = field(default_factory=dict)
    why_inapplicable: dict[str, int] = field(default_factory=dict)
    why_refused: dict[str, int] = field(default_factory=dict)
    path: Path | None = None
    minimal: tuple[str, ...] = ()

    def __repr__(self) -> str:
        found = f", {self.found} confirmed violations" if self.found else ""
        file = f": {self.path}" if self.path else ""
        return f"<HuntResult {self.id}: {self.verdict} on {self.tested} instances{found}{file}>"

    def as_expected(self, strict: bool = False) -> bool:
        """Whether the verdict is the one called for; `strict` wants it resolved, too."""
        return self.evidence.as_expected(self.verdict, self.expect, strict)


@dataclass(frozen=True)
class HuntFinished:
    """The last event; `stopped` says why a hunt ended early."""

    result: HuntResult
    seconds: float
    stopped: str = ""
