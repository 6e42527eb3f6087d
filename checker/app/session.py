"""The commands from Python: the same runs without a terminal, and what they find as values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ncfcheck.core.claims import Claim, registered
from ncfcheck.core.loading import SOURCES, chosen, load_claims
from ncfcheck.core.tables import read_table
from ncfcheck.core.time_limit import SECONDS
from ncfcheck.run.check import CheckPlan, run
from ncfcheck.run.hunting import hunt as hunting
from ncfcheck.run.hunting.events import HuntFinished, HuntResult
from ncfcheck.run.shrinking.shrink import shrunk
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.ledger import PATH
from ncfcheck.verdicts.report import Report
from ncfcheck.verifier import witnesses

REPORTS = PATH.parent
Wanted = str | Callable | Claim  # an id, a pattern, the function that states a claim, the claim
Files = str | tuple[str, ...]


def claims(*wanted: Wanted, files: Files = ()) -> list[Claim]:
    """Claims by id, by pattern ("flow.*") or by the function that states them. For none: those of
    the user's `files`, or else all.

    Those that come with the program are loaded first, and those of the `files`. Raises LookupError
    for what matches nothing, BrokenClaims for a file that cannot be loaded.
    """
    load_claims(_sources(files))
    return chosen([_id(each) for each in wanted], _named(files))


def check(
    *wanted: Wanted,
    examples: int = 25,
    seed: int = 0,
    workers: int = 1,
    files: Files = (),
    data: str | Path | None = None,
    target: str | None = None,
    certify: bool = False,
    instance_timeout: float = SECONDS,
) -> Report:
    """Check `claims(*wanted)` on `examples` instances each, half for a control; `results` makes a
    DataFrame of what is returned.

    Nothing is written. With `workers` > 1, claims must be stated in `files` or in the program. With
    `data` and `target`, data sets are drawn from this table (see `ncfcheck check --data`). Raises
    what `claims` raises, TableError, ValueError for options out of range.

    `workers` are processes, 1 this one. An instance that gives no answer within `instance_timeout`
    seconds is unresolved; in this process that ends Python code only, and what waits.
    """
    found = claims(*wanted, files=files)
    _must(examples >= 1 and workers >= 1 and seed >= 0, "examples, workers ≥ 1 and seed ≥ 0")
    _must(instance_timeout > 0, "instance_timeout > 0")
    _must((data is None) == (target is None), "`data` and `target` go together")
    _must(workers == 1 or not _here(found), "claims stated in no file need workers=1")
    plan = CheckPlan(
        claims=tuple(each.id for each in found),
        examples=examples,
        seed=seed,
        workers=workers if workers > 1 else 0,
        table=None if data is None else read_table(data, str(target)),
        sources=_sources(files),
        certify=certify,
        instance_timeout=instance_timeout,
    )
    *_, report = run(plan)
    assert isinstance(report, Report)
    return report


def hunt(
    wanted: Wanted,
    *,
    seconds: float = 60.0,
    instances: int | None = None,
    seed: int = 0,
    workers: int = 0,
    files: Files = (),
    folder: str | Path = REPORTS,
    instance_timeout: float = SECONDS,
) -> HuntResult:
    """Hunt a counterexample to one claim, for so many `seconds` or, where given, `instances`.

    Every instance goes to the ledger in `folder`, a counterexample to a witness file below it, with
    its path in the result. `workers` are processes, 0 this one; `instance_timeout` is as for
    `check`. Raises what `claims` raises, LedgerError for a ledger that cannot be written.
    """
    found = claims(wanted, files=files)
    _must(seconds > 0 and instances != 0 and seed >= 0, "seconds > 0, instances ≥ 1 and seed ≥ 0")
    _must(instance_timeout > 0, "instance_timeout > 0")
    _must(len(found) == 1, f"one claim, not the {len(found)} that {wanted!r} matches")
    _must(workers == 0 or not _here(found), "a claim stated in no file needs workers=0")
    plan = hunting.HuntPlan(
        claim=found[0].id,
        seed=seed,
        instances=instances,
        seconds=None if instances is not None else seconds,
        workers=workers,
        sources=_sources(files),
        ledger=Path(folder) / PATH.name,
        folder=Path(folder) / witness.FOLDER.name,
        instance_timeout=instance_timeout,
    )
    *_, finished = hunting.hunt(plan)
    assert isinstance(finished, HuntFinished)
    return finished.result


def replay(path: str | Path, files: Files = ()) -> witness.Replay:
    """Judge the instance of a witness file again. Raises BadWitness."""
    load_claims(_sources(files))
    return witness.replay(witness.read(path))


def verify(path: str | Path) -> str:
    """What the certificate of a witness file proves, in words, if the independent verifier accepts
    it.

    Raises Rejected with the reason if it does not; OSError or ValueError for an unreadable file.
    """
    return witnesses.verify(witnesses.load(path))


def shrink(wanted: Wanted, instance: Any, seconds: float = 20.0) -> Any:
    """The simplest instance found in so many seconds that violates the claim as `instance` does."""
    [claim] = claims(wanted)
    return shrunk(claim, instance, seconds=seconds).instance


def _sources(files: Files) -> tuple[str, ...]:
    """Where claims are stated: in the program, and in the user's file or files."""
    return (*SOURCES, *_named(files))


def _named(files: Files) -> tuple[str, ...]:
    return (files,) if isinstance(files, str) else files


def _id(wanted: Wanted) -> str:
    if isinstance(wanted, str):
        return wanted
    if isinstance(wanted, Claim):
        return wanted.id
    found = [id for id, claim in registered().items() if claim.function is wanted]
    if not found:
        raise LookupError(f"{wanted!r} states no claim: decorate it with @claim")
    return found[0]


def _here(found: list[Claim]) -> list[Claim]:
    """Claims that other processes cannot import: those of a notebook or a prompt."""
    return [each for each in found if each.function.__module__ == "__main__"]


def _must(holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(f"expected {expected}")
