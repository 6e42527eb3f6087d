"""The commands from Python: the same runs without a terminal, and what they find as values."""

from __future__ import annotations

import operator
from collections import ChainMap
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncfcheck import verifier
from ncfcheck.core.claims import Claim, Outcome, registered
from ncfcheck.core.loading import SOURCES, chosen, load_claims
from ncfcheck.core.stated import shown
from ncfcheck.core.tables import read_table
from ncfcheck.core.time_limit import SECONDS
from ncfcheck.model.families import Family
from ncfcheck.model.sources import Models, load
from ncfcheck.run.check import CheckPlan, run
from ncfcheck.run.hunting import hunt as hunting
from ncfcheck.run.hunting.events import HuntFinished, HuntResult
from ncfcheck.run.shrinking.shrink import shrunk
from ncfcheck.strategies.about import about, unsuited
from ncfcheck.strategies.models import refuse_table
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.judging import judge
from ncfcheck.verdicts.ledger import PATH
from ncfcheck.verdicts.report import Report
from ncfcheck.verifier.own import criteria

if TYPE_CHECKING:
    import pandas as pd

REPORTS = PATH.parent
One = str | Callable | Claim  # an id, a pattern, the function that states a claim, the claim
Wanted = One | list[One] | tuple[One, ...]
Files = str | Path | Iterable[str | Path]
OwnModel = str | Path | Family | Iterable[Family] | None


def claims(*wanted: Wanted, files: Files = ()) -> list[Claim]:
    """Claims by id, by pattern ("flow.*") or by the function that states them, or lists of these.
    For none: those of the user's `files`, or else all.

    Those that come with the program are loaded first, and those of the `files`. Raises LookupError
    for what matches nothing, BrokenClaims for a file that cannot be loaded, TypeError for what
    names no claim or file.
    """
    load_claims(_sources(files))
    return chosen(_ids(wanted), _named(files))


def check(
    *wanted: Wanted,
    examples: int = 25,
    seed: int = 0,
    workers: int = 1,
    files: Files = (),
    data: str | Path | pd.DataFrame | None = None,
    target: str | None = None,
    certify: bool = False,
    instance_timeout: float = SECONDS,
    model: OwnModel = None,
) -> Report:
    """Check `claims(*wanted)` on `examples` instances each, half for a control; `results` makes a
    DataFrame of what is returned.

    Nothing is written. With `workers` > 1, claims must be stated in `files` or in the program. With
    `data` and `target`, data sets are drawn from this table, a file or a DataFrame (see
    `ncfcheck check --data`); with `model`, a file of models or families of models, instances are on
    these, and claims that are not about such are in the report's `unsuited`. Raises what `claims`
    raises, TableError, TypeError and ValueError for options that cannot be.

    `workers` are processes, 1 this one. An instance that gives no answer within `instance_timeout`
    seconds is unresolved; in this process that ends Python code only, and what waits.
    """
    found = claims(*wanted, files=files)
    examples, workers = _whole("examples", examples, 1), _whole("workers", workers, 1)
    seed, instance_timeout = (
        _whole("seed", seed, 0),
        _positive("instance_timeout", instance_timeout),
    )
    _must((data is None) == (target is None), "`data` and `target` go together")
    _must(workers == 1 or not _here(found), "claims stated in no file need workers=1")
    models = _models(model, workers > 1)
    others = unsuited(found, load(models)) if model is not None else {}
    _must(not found or len(others) < len(found), _about_none(others))
    table = None if data is None else read_table(data, str(target))
    if table is not None:
        refuse_table(load(models), table)
    plan = CheckPlan(
        claims=tuple(each.id for each in found if each.id not in others),
        examples=examples,
        seed=seed,
        workers=workers if workers > 1 else 0,
        table=table,
        sources=_sources(files),
        certify=certify,
        instance_timeout=instance_timeout,
        models=models,
        unsuited=tuple(others),
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
    model: OwnModel = None,
) -> HuntResult:
    """Hunt a counterexample to one claim, for so many `seconds` or, where given, `instances`.

    Every instance goes to the ledger in `folder`, a counterexample to a witness file below it, with
    its path in the result. `workers` are processes, 0 this one; a script that asks for some has
    its own work under `if __name__ == "__main__"`. `instance_timeout` and `model` are as for
    `check`. Raises what `claims` raises, LedgerError for a ledger that cannot be written, TypeError
    and ValueError for options that cannot be.
    """
    found = claims(wanted, files=files)
    seconds, seed = _positive("seconds", seconds), _whole("seed", seed, 0)
    instances = None if instances is None else _whole("instances", instances, 1)
    workers = _whole("workers", workers, 0)
    instance_timeout = _positive("instance_timeout", instance_timeout)
    _must(len(found) == 1, f"one claim, not the {len(found)} that {shown(wanted)} matches")
    _must(workers == 0 or not _here(found), "a claim stated in no file needs workers=0")
    models = _models(model, workers > 0)
    others = unsuited(found, load(models)) if model is not None else {}
    _must(not others, _about_none(others))
    plan = hunting.HuntPlan(
        claim=found[0].id,
        seed=seed,
        instances=instances,
        seconds=None if instances is not None else seconds,
        workers=workers,
        sources=_sources(files),
        ledger=Path(folder) / PATH.name,
        folder=Path(folder) / witness.FOLDER.name,
        models=models,
        instance_timeout=instance_timeout,
    )
    *_, finished = hunting.hunt(plan)
    assert isinstance(finished, HuntFinished)
    return finished.result


def replay(path: str | Path, files: Files = (), model: OwnModel = None) -> witness.Replay:
    """Judge the instance of a witness file again; it is the `instance` of what is returned. `model`
    is the file that states its model, where that is one of your own. Raises BadWitness.
    """
    load_claims(_sources(files))
    load(_models(model, False))
    found = witness.read(path)
    try:
        return witness.replay(found)
    except witness.BadWitness as reason:
        raise witness.BadWitness(f"{path}: {reason}") from reason


def verify(path: str | Path, files: Files = ()) -> str:
    """What the certificate of a witness file proves, in words, if the independent verifier accepts
    it.

    A claim of one's own is refuted by the criterion in one of the `files`, which are run. Raises
    Rejected with the reason if it does not; OSError, ValueError or ImportError for a file that
    cannot be read.
    """
    try:
        document = verifier.load(path)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no witness file: {error}") from error
    own = (criteria(each) for each in _named(files))
    return verifier.verify(document, dict(ChainMap(verifier.REFUTATIONS, *own)))


def shrink(wanted: Wanted, instance: Any, seconds: float = 20.0) -> Any:
    """The simplest instance found in so many seconds that violates the claim as `instance` does.

    Raises what `claims` raises, ValueError for an instance that does not violate it.
    """
    found, seconds = claims(wanted), _positive("seconds", seconds)
    _must(len(found) == 1, f"one claim, not the {len(found)} that {shown(wanted)} matches")
    if (own := getattr(getattr(instance, "network", None), "family", None)) is not None:
        found = [about(found[0], (own,))]
    outcome, margin = judge(found[0], instance)
    if outcome is not Outcome.VIOLATES:
        why = margin.note or f"margin {margin.value:.4g} ± {margin.error:.1g}"
        told = f"{found[0].id} {witness.WORDS[outcome]} ({why})"
        raise ValueError(f"there is nothing to shrink: on {shown(instance)}, {told}")
    return shrunk(found[0], instance, seconds=seconds).instance


def _models(model: OwnModel, elsewhere: bool) -> Models:
    """What a run is about. Raises TypeError for what is no file nor family, ValueError for families
    given themselves where the work is done elsewhere: other processes load files.
    """
    if model is None or isinstance(model, str | Path):
        return None if model is None else str(Path(model).absolute())
    found: tuple = (model,)
    if isinstance(model, Iterable) and not isinstance(model, Family):
        found = tuple(model)
    if not found or not all(isinstance(each, Family) for each in found):
        raise TypeError(f"`model` is a file of models or a family, not {shown(model)}")
    _must(not elsewhere, "models given themselves need work in this process, or name their file")
    return found


def _about_none(others: dict[str, str]) -> str:
    """What is wrong with claims that are all about other models."""
    return "a claim about this model: " + "; ".join(
        f"{id} is not ({reason})" for id, reason in list(others.items())[:3]
    )


def _sources(files: Files) -> tuple[str, ...]:
    """Where claims are stated: in the program, and in the user's file or files."""
    return (*SOURCES, *_named(files))


def _named(files: Files) -> tuple[str, ...]:
    given = (files,) if isinstance(files, str | Path) else files
    if not isinstance(given, Iterable) or not all(isinstance(each, str | Path) for each in given):
        raise TypeError(f"`files` are paths of claim files, not {shown(files)}")
    return tuple(str(Path(each).absolute()) for each in given)


def _ids(wanted: Iterable) -> list[str]:
    """Ids and patterns of what was asked for."""
    return list(chain.from_iterable(map(_ids_of, wanted)))


def _ids_of(wanted) -> list[str]:
    if isinstance(wanted, str):
        return [wanted]
    if isinstance(wanted, Claim):
        return [wanted.id]
    if isinstance(wanted, list | tuple):
        if not wanted:
            raise LookupError("an empty list names no claim")
        return _ids(wanted)
    found = [id for id, claim in registered().items() if claim.function is wanted]
    if not found:
        raise LookupError(f"{shown(wanted)} states no claim: decorate it with @claim")
    return found


def _here(found: list[Claim]) -> list[Claim]:
    """Claims that other processes cannot import: those of a notebook or a prompt."""
    return [each for each in found if each.function.__module__ == "__main__"]


def _whole(name: str, value, least: int) -> int:
    try:
        found = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number, not {shown(value)}") from None
    _must(found >= least, f"{name} ≥ {least}, not {found}")
    return found


def _positive(name: str, value) -> float:
    if isinstance(value, str) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} is a number, not {shown(value)}")
    _must(value > 0, f"{name} > 0, not {value}")
    return float(value)


def _must(holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(f"expected {expected}")
