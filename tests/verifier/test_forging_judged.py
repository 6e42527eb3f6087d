"""Whatever is accepted of mutated witnesses, floats see no other than a violation of the instance
shown.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import Outcome, registered
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.encoding import BadWitness, decode
from ncfcheck.verdicts.judging import judge
from tests.support.certified import resealed, witness
from tests.support.mutated_pairs import sources
from tests.verifier.test_forging_points import BORROWED, CLAIMS, genuine, reason

JUDGED = sorted(set(CLAIMS) - set(BORROWED))
FINE = Numerics(tolerance=1e-12)


def arrays(instance: dict) -> list[list]:
    """Lists of floats in an encoded instance, as they stand in it."""
    problem, found = instance["problem"], [instance["start"]["array"]]
    found += [*problem["X"]["array"], *problem["y"]["array"]]
    for name in ("u", "norms"):
        found += [instance[name]["array"]] if instance.get(name) else []
    profiles = instance.get("profiles") or {"tuple": []}
    return found + [each["array"] for each in profiles["tuple"]]


def mutated(found: dict, rng) -> dict:
    """The witness with one to three numbers changed, by 10⁻¹⁶ to all of themselves, or a start
    anywhere, or data of its certificate.
    """
    found = copy.deepcopy(found)
    choices = arrays(found["instance"])
    data = found["certificate"]["data"]
    if "box" in data and rng.random() < 0.2:
        choices = [data["box"]["centre"]]
    for _ in range(rng.integers(1, 4)):
        row = choices[0] if rng.random() < 0.4 else choices[rng.integers(len(choices))]
        k, size = rng.integers(len(row)), 10 ** rng.uniform(-16, 0.3)
        value = float.fromhex(row[k])
        row[k] = float(value + size * rng.standard_normal() * (abs(value) or 1e-3)).hex()
    if rng.random() < 0.5:
        start = np.array([*map(float.fromhex, found["instance"]["start"]["array"])])
        if rng.random() < 0.2:
            start = rng.standard_normal(start.size)
        start /= np.linalg.norm(start)
        found["instance"]["start"]["array"] = [float(each).hex() for each in start]
    return found


def seen(count: int, seed: int = 0) -> Counter:
    """What floats say of mutated witnesses that are accepted, by claim and outcome; others counted
    as rejected.
    """
    rng, told = np.random.default_rng(seed), Counter()
    for k in range(count):
        id = JUDGED[k % len(JUDGED)]
        texts = genuine(id)
        found = mutated(json.loads(texts[rng.integers(len(texts))]), rng)
        if reason(found):
            told["rejected"] += 1
            continue
        claim = registered()[id]
        try:
            instance = decode(found["instance"], claim.function.__module__)
        except BadWitness:
            told["unreadable"] += 1
            continue
        told[id, judge(claim, replace(instance, numerics=FINE))[0]] += 1
    return told


def contradicted(told: Counter) -> list:
    return [
        (each, count)
        for each, count in told.items()
        if isinstance(each, tuple) and each[1] not in (Outcome.VIOLATES, Outcome.UNRESOLVED)
    ]


def test_floats_do_not_contradict_what_is_accepted():
    told = seen(150)
    assert not contradicted(told) and told["rejected"] > 20 and len(told) > 5


@pytest.mark.long
def test_floats_do_not_contradict_what_is_accepted_of_ten_thousand_mutations():
    told = seen(10_000, 1)
    assert not contradicted(told)


def longer(part: dict) -> None:
    """A vector a ten billionth longer."""
    part["array"] = [(float.fromhex(each) * (1 + 1e-10)).hex() for each in part["array"]]


# What is no instance that a claim is judged on; the change, and what the verifier says.
NONE = {
    "a point elsewhere": (
        "control.blind_input",
        lambda each: each["point"]["u"]["array"].reverse(),
        "point: not where `start` is",
    ),
    "a longer u": ("control.nonuniform", lambda each: longer(each["u"]), "u, or an e_l: no unit"),
    "a longer e_l": (
        "control.nonuniform",
        lambda each: longer(each["profiles"]["tuple"][0]),
        "u, or an e_l: no unit",
    ),
    "a tolerance of 1/2": (
        "conjecture.rank_one_limits",
        lambda each: each["numerics"]["tolerance"].update(float=(0.5).hex()),
        "numerics: ",
    ),
    "one gradient a flow": (
        "control.kink_collapse",
        lambda each: each["numerics"].update(calls=1),
        "numerics: ",
    ),
    "a negative seed": (
        "control.global",
        lambda each: each["seeds"]["tuple"].__setitem__(-1, -1),
        "seeds: ",
    ),
}


@pytest.mark.parametrize("id, change, said", NONE.values(), ids=NONE)
def test_what_no_claim_is_judged_on_is_rejected(id, change, said):
    found = witness(id)
    change(found["instance"])
    assert reason(resealed(found)).startswith(said)


@pytest.mark.long
def test_floats_as_coarse_as_the_verifier_takes_them_do_not_contradict_it():
    for found in sources():
        claim = registered()[found["claim"]]
        instance = decode(found["instance"], claim.function.__module__)
        for coarse in ({"tolerance": 1e-6}, {"calls": 1000}, {"tolerance": 1e-6, "calls": 1000}):
            each = replace(instance, seeds=(), numerics=replace(instance.numerics, **coarse))
            assert judge(claim, each)[0] in (Outcome.VIOLATES, Outcome.UNRESOLVED), claim.id
