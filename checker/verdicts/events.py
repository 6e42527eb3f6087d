"""What a run tells while it goes on. Writers consume these and know nothing of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult


@dataclass(frozen=True)
class RunStarted:
    """The first event: what will be checked, and claims that are not about the run's models."""

    claims: tuple[str, ...]
    examples: int
    seed: int
    workers: int
    unsuited: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examined:
    """One instance was examined, told where a run is asked to; they come in no particular order."""

    claim: str
    outcome: str
    value: float
    error: float
    note: str
    instance: str


@dataclass(frozen=True)
class Progress:
    """Some more instances were checked: `done` of `total`, the latest for `claim`."""

    done: int
    total: int
    claim: str


@dataclass(frozen=True)
class ClaimFinished:
    """All instances of one claim were checked; claims finish in no particular order."""

    result: ClaimResult


Event = RunStarted | Examined | Progress | ClaimFinished | Report  # the last
