"""Witnesses with certificates, ways to change them, and what certifier and verifier make of them;
shared by their tests.
"""

from __future__ import annotations

import copy
import functools
import json
import math
import random

import pytest

from ncfcheck.certify import Certificate, certify
from ncfcheck.core.claims import registered
from ncfcheck.core.loading import load_claims
from ncfcheck.verdicts import witness as stored
from ncfcheck.verifier import REFUTATIONS, Rejected, digest, verify
from tests.support import ROOT
from tests.support.planting import Mutant, planted

load_claims()
FOLDER = ROOT / "reports" / "counterexamples"
FADING = ("control.no_escape", "conjecture.mixed_labels_grow")
LIMITS = (
    *FADING,
    "conjecture.one_limit",
    "conjecture.strongest_neuron",
    "control.large_init_tracking",
    "control.large_init_collapse",
)


ENCLOSED = {
    id
    for id, check in REFUTATIONS.items()
    if check.__module__.startswith("ncfcheck.verifier.early")
} - {"control.biases_collapse"} | {
    "control.branching_start",
    "control.branching_start_tracking",
    "control.kinks_no_blowup",
    "control.unweighed_balance",
}  # certified by tubes, or where p = 1 makes no continua: of small networks only


def witness(id: str) -> dict:
    """The stored witness of a claim."""
    return json.loads((FOLDER / f"{id}.json").read_text(encoding="utf-8"))


@functools.cache
def small(id: str):
    """The claim and the instance of a stored witness."""
    return registered()[id], stored.instance_of(stored.read(FOLDER / f"{id}.json"))


def certifies(id: str) -> bool:
    """Whether the instance of a stored witness is certified, by a certificate that the verifier
    accepts.
    """
    return isinstance(certify(*small(id), seconds=60), Certificate)


def resealed(found: dict) -> dict:
    """The witness with a digest that fits what is in it."""
    found["certificate"]["sha256"] = digest(found)
    return found


def statement(check) -> str:
    """What the verifier says that it has proved: the first paragraph of a docstring."""
    return " ".join(check.__doc__.split("\n\n")[0].split())


def is_rejected(found, claims=REFUTATIONS, seal: bool = True) -> bool:
    """Whether the verifier rejects a witness; its digest is made to fit, unless it is to stay as it
    is.
    """
    try:
        verify(resealed(found) if seal else found, claims)
    except Rejected:
        return True
    return False


def fails(check) -> bool:
    """Whether a check returns what is false, or raises."""
    try:
        found = check()
    except (Exception, pytest.fail.Exception):
        return True
    return found is not None and not found


def is_caught(mutant: Mutant, checks, patch) -> bool:
    """Whether a check fails once the mistake is planted."""
    with planted(mutant, patch):
        return any(map(fails, checks))


def started(found: dict, *weights: float) -> dict:
    """The witness with another start, along these weights."""
    size = math.hypot(*weights)
    found["instance"]["start"]["array"] = [float(each / size).hex() for each in weights]
    return found


def edited(found: dict, **problem: list[list[float]]) -> dict:
    """The witness with other data X (n, d), or labels y (n, k)."""
    for name, rows in problem.items():
        array = [[float(each).hex() for each in row] for row in rows]
        found["instance"]["problem"][name] = {"array": array, "shape": [len(rows), len(rows[0])]}
    return found


def boxes_of(found: dict) -> list[dict]:
    """The boxes of limits in a witness."""
    return [
        each[name]["box"] for each in parts_of(found) for name in ("limit", "near") if name in each
    ]


def parts_of(found: dict) -> list[dict]:
    """The data of a certificate, or those of its two flows."""
    data = found["certificate"]["data"]
    return [data[name] for name in ("first", "second") if name in data] or [data]


def moved_boxes(found: dict):
    """Every witness with a box of it moved, of another radius, or of N times another
    power of two.
    """
    for place, box in enumerate(boxes_of(found)):
        changes = [
            ("radius", "0x1.0000000000000p-90"),
            ("radius", "0x1.0000000000000p+1"),
            ("scale", box["scale"] - 1),
            ("scale", box["scale"] + 1),
        ]
        for k, value in enumerate(box["centre"]):
            for step in (-1e-6, 1e-6):
                moved = list(box["centre"])
                moved[k] = (float.fromhex(value) + step).hex()
                changes.append(("centre", moved))
        for name, value in changes:
            other = copy.deepcopy(found)
            boxes_of(other)[place][name] = value
            yield other


def moved_data(found: dict):
    """Every witness with the data, the labels or the start others."""
    for name in ("X", "y", "start"):
        other = copy.deepcopy(found)
        where = other["instance"] if name == "start" else other["instance"]["problem"]
        rows = [where[name]["array"]] if name == "start" else where[name]["array"]
        for row in rows:
            row[:] = [(1.25 * float.fromhex(each) - 0.125).hex() for each in row]
        yield other


def flows_of(found: dict) -> list[list[dict]]:
    """The tubes in a witness, lists of steps."""
    data = found["certificate"]["data"]
    more = [each["loss"] for each in data.get("flows", [])]
    return [
        each[name] for each in parts_of(found) for name in ("ncf", "loss") if name in each
    ] + more


def flipped(steps: list, rng: random.Random) -> None:
    """The sign of a coefficient flipped."""
    curve = rng.choice(steps)["curve"]
    row = rng.choice(
        [row for row in curve[:6] if any(abs(float.fromhex(each)) > 1e-9 for each in row)]
    )
    k = max(range(len(row)), key=lambda k: abs(float.fromhex(row[k])))
    row[k] = (-float.fromhex(row[k])).hex()


def nudged(steps: list, rng: random.Random) -> None:
    """A coefficient a little larger."""
    step = rng.choice(steps)
    row = rng.choice(step["curve"][:4])
    k = rng.randrange(len(row))
    row[k] = (float.fromhex(row[k]) + 4 * float.fromhex(step["radius"])).hex()


def narrowed(steps: list, rng: random.Random) -> None:
    """A tube of a millionth of its radius."""
    step = rng.choice(steps)
    step["radius"] = (float.fromhex(step["radius"]) * 1e-6).hex()


def dropped(steps: list, rng: random.Random) -> None:
    """A step left out, and with it a stretch of the way."""
    steps.pop(rng.randrange(len(steps)))


def longer(steps: list, rng: random.Random) -> None:
    """A step that is said to take longer."""
    step = rng.choice(steps)
    step["duration"] = (float.fromhex(step["duration"]) * 1.01).hex()


def calmer(steps: list, rng: random.Random) -> None:
    """Errors that are said to shrink."""
    step = rng.choice(steps)
    step["growth"] = (
        float.fromhex(step["growth"]) - 2 * abs(float.fromhex(step["growth"])) - 1
    ).hex()


def swapped(steps: list, rng: random.Random) -> None:
    """Two steps in the other order, or one from elsewhere."""
    k = rng.randrange(1, len(steps))
    steps[k - 1], steps[k] = steps[k], steps[k - 1]


def changed(id: str, place: int, change, early: int = 4) -> dict:
    """A stored witness with one of the first steps of a tube changed: the verifier stops there."""
    found = witness(id)
    steps = flows_of(found)[place]
    first = steps[:early]
    change(first, random.Random(id + change.__name__))
    steps[:early] = first
    return found


CHANGES = (flipped, nudged, narrowed, dropped, longer, calmer, swapped)
