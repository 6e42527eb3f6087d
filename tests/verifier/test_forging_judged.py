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


def normed(instance):
    """The instance, u and e_l made unit vectors: the verifier reads their directions."""
    if getattr(instance, "profiles", None) is None or instance.u is None:
        return instance
    profiles = tuple(each / np.linalg.norm(each) for each in instance.profiles)
    return replace(instance, u=instance.u / np.linalg.norm(instance.u), profiles=profiles)


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
        told[id, judge(claim, replace(normed(instance), numerics=FINE))[0]] += 1
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
