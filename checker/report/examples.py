"""Instances of a claim to look at: by index those of a seed, and one that shows it well."""

from __future__ import annotations

import re
from itertools import islice

from ncfcheck.core.claims import Claim, Inapplicable, Outcome, registered
from ncfcheck.core.errors import CannotRun
from ncfcheck.core.seeds import derive
from ncfcheck.model.instance import Instance
from ncfcheck.model.sources import Models, load
from ncfcheck.report.portrait import Portrait, portrait
from ncfcheck.strategies.about import about
from ncfcheck.strategies.draw import draw
from ncfcheck.verdicts.judging import judge
from ncfcheck.verdicts.witness import BadWitness, instance_of, read

DRAWS = 1000  # of one seed: which instance an index means does not depend on how many are looked at
LOOKED_AT = 6  # instances among which the one to show is chosen


class NoInstance(CannotRun):
    """There is nothing to show; the message says why."""


def instances_of(claim: Claim, count: int, seed: int = 0) -> list:
    """First instances of a claim at a seed, simplest first. Raises NoInstance if drawing fails."""
    try:
        own = derive(seed, claim.id, "example")
        return list(islice(draw(claim.strategy(), DRAWS, own, simplest=True), count))
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        raise NoInstance(f"the strategy of {claim.id} failed: {told}") from error


def instance_at(claim: Claim, seed: int, index: int):
    """The instance of an index, from 0, at a seed. Raises NoInstance for one that is not drawn."""
    if index >= DRAWS:
        raise NoInstance(f"instances of a seed are numbered from 0 to {DRAWS - 1}")
    found = instances_of(claim, index + 1, seed)
    if len(found) <= index:
        raise NoInstance(f"only {len(found)} instances of {claim.id} are drawn at seed {seed}")
    return found[index]


def shown(claim: Claim, seed: int = 0) -> tuple[int, Portrait]:
    """Index and portrait of the applicable one of its first instances with most to see.

    Raises NoInstance for a claim that is not about flows of a network.
    """
    best: tuple[float, int, Portrait] | None = None
    why = NoInstance(f"no instance was found that {claim.id} applies to")
    for index, instance in enumerate(instances_of(claim, LOOKED_AT, seed)[1:], 1):
        try:
            if judge(claim, instance)[0] is Outcome.INAPPLICABLE:
                continue
            found = _portrait(instance, claim.id)
        except NoInstance as reason:
            why = reason
            continue
        if best is None or _to_see(found) > best[0]:
            best = _to_see(found), index, found
        if best[0] >= 3:
            break
    if best is None:
        raise why
    return best[1:]


def portrait_of(what: str, models: Models = None) -> Portrait:
    """Portrait of a claim's instance to show, of CLAIM@SEED/INDEX, or of that in a witness file;
    on the `models` in place of those that the claim draws, where given.

    Raises NoInstance with the reason.
    """
    if what.endswith(".json"):
        return _portrait(_in_witness(what), what)
    id, _, place = what.partition("@")
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", place)
    if place and not found:
        raise NoInstance(f"{what}: an instance is CLAIM@SEED/INDEX, for example {id}@0/3")
    if id not in registered():
        raise NoInstance(
            f"no claim {id!r}; `ncfcheck list` shows them all, and a witness is a .json file"
        )
    try:
        claim = about(registered()[id], load(models))
    except Inapplicable as reason:
        raise NoInstance(f"{id} is not about this model: {reason}") from reason
    if not found:
        return shown(claim)[1]
    return _portrait(instance_at(claim, int(found[1]), int(found[2])), what)


def _portrait(instance, name: str) -> Portrait:
    if not isinstance(instance, Instance):
        raise NoInstance(f"{name} is not about the flow of a network: there is nothing to plot")
    try:
        return portrait(instance)
    # A claim's own kind of network need not be one that flows are followed for.
    except Exception as error:
        raise NoInstance(f"{name} cannot be plotted: {type(error).__name__}: {error}") from error


def _in_witness(path: str):
    try:
        return instance_of(read(path))
    except BadWitness as error:
        raise NoInstance(str(error)) from error


def _to_see(found: Portrait) -> float:
    """How many things worth a look a portrait has; alignment if the flow turns noticeably."""
    turns = found.aligned is not None and found.aligned[2] > 1e-4
    tracks = found.tracking is not None and bool(
        (found.tracking.sizes > 10 * found.tracking.floor).all()
    )
    return (found.blowup is not None) + turns + tracks
