"""What a run tells while it goes on. Writers consume these and know nothing of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from ncfcheck.verdicts.results import ClaimResult


@dataclass(frozen=True)
class RunStarted:
    """The first event: what will be checked, and all that is needed to do it again; `shard` is i/k
    of a run that k jobs share.
    """

    claims: tuple[str, ...]
    examples: int
    seed: int
    workers: int
    versions: dict[str, str]
    shard: str = ""


@dataclass(frozen=True)
class Examined:
    """One instance was examined, told where a run is asked to; instances come in no particular
    order.
    """

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


@dataclass(frozen=True)
class RunFinished:
    """The last event: results in the order of the claims.

    `stopped` says why a run ended early (interrupted, a worker died); its results then rest on the
    instances done so far, and claims with none are absent. `regressions` are the differences to a
    baseline, one line each, where it was compared with the one in the file `baseline`.
    """

    results: tuple[ClaimResult, ...]
    seconds: float
    stopped: str = ""
    regressions: tuple[str, ...] = ()
    baseline: str = ""


Event = RunStarted | Examined | Progress | ClaimFinished | RunFinished
