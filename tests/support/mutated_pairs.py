"""Stored certified witnesses with numbers of instance and certificate changed, sealed again; and
what the claim's own function says, in floats, of those that the verifier accepts.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import random
from collections import Counter

from ncfcheck.core.claims import Outcome, registered
from ncfcheck.model.encoding import decode
from ncfcheck.verdicts.judging import judge
from ncfcheck.verifier import REFUTATIONS, Rejected, verify
from tests.support.certified import FOLDER, resealed
from tests.support.changed_files import nodes

TIGHT = 1e-12  # tolerance of the judge
SMALL = (1e-15, 1e-12, 1e-9, 1e-6, 1e-4)
LARGE = (1e-2, 0.1, 0.5, 1.0, 3.0)
PARTS = ("X", "y", "slopes", "start", "fraction", "u", "signs", "profiles", "norms")


def sources() -> list[dict]:
    """Stored certified witnesses, as the verifier reads them."""
    names = "format", "claim", "instance", "certificate"
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    return [{name: each[name] for name in names} for each in found if each["certificate"]]


def _is_float(value) -> bool:
    return isinstance(value, str) and value.lstrip("-").startswith("0x")


def _floats(value) -> list:
    """(parent, key) of all floats in JSON."""
    return [(parent, key) for parent, key in nodes(value) if _is_float(parent[key])]


def _change(places: list, rng: random.Random) -> str:
    """Change one of the floats at these places, or two; how."""
    parent, key = rng.choice(places)
    value = float.fromhex(parent[key])
    match kind := rng.choice(("small", "small", "large", "swap", "zero", "flip", "all")):
        case "small" | "large":
            step = rng.choice(SMALL if kind == "small" else LARGE) * rng.choice((-1, 1))
            value = value * (1 + step) or step
        case "swap":
            other, name = rng.choice(places)
            parent[key], other[name] = other[name], parent[key]
            return kind
        case "zero":
            value = rng.choice((0.0, 1.0))
        case "flip":
            value = -value
        case "all":
            factor = rng.choice((-1.0, 0.5, 1.25, 2.0))
            for each, name in places:
                each[name] = (factor * float.fromhex(each[name])).hex()
            return kind
    parent[key] = value.hex()
    return kind


def _change_instance(instance: dict, rng: random.Random) -> str:
    """Change one part of an instance; which, and how. Starts stay unit vectors."""
    problem = instance["problem"]
    network = problem["network"]
    parts = {**{name: problem[name] for name in ("X", "y")}, "slopes": network["slopes"]}
    parts |= {name: instance[name] for name in PARTS[3:] if instance.get(name)}
    if rng.random() < 0.06:
        powers = network["powers"]["tuple"]
        powers[rng.randrange(len(powers))] = rng.choice((1, 2, 3, 4))
        return "powers"
    if rng.random() < 0.04:
        problem["loss"]["name"] = rng.choice(("SQUARE", "LOGISTIC"))
        return "loss"
    if rng.random() < 0.1:
        return _change_other(instance, rng)
    name = rng.choice([name for name, part in parts.items() if _floats(part)])
    if name == "start" and rng.random() < 0.3:
        part = parts[name]["array"]
        part[:] = [rng.gauss(0, 1).hex() for _ in part]
        how = "anew"
    elif name == "y" and rng.random() < 0.3:
        for row in parts[name]["array"]:
            row[:] = [float(rng.choice((-1, 0, 1, 1))).hex() for _ in row]
        how = "anew"
    else:
        how = _change(_floats(parts[name]), rng)
    if name == "start":
        values = [float.fromhex(each) for each in instance["start"]["array"]]
        norm = math.hypot(*values) or 1.0
        instance["start"]["array"] = [(each / norm).hex() for each in values]
    return f"{name} {how}"


def _change_other(instance: dict, rng: random.Random) -> str:
    """Change a number or a word of what is neither problem nor start; under which name, and how."""
    others = {name: part for name, part in instance.items() if name not in ("problem", "start")}
    places = [(parent, key) for parent, key in nodes(others) if parent is not others]
    places = [(parent, key) for parent, key in places if isinstance(parent[key], str | int)]
    parent, key = rng.choice(places)
    if _is_float(parent[key]):
        how = _change([(parent, key)], rng)
    elif isinstance(parent[key], str):
        parent[key], how = rng.choice(("other", "zero", "compiled", "scipy")), "word"
    else:
        parent[key], how = parent[key] + rng.choice((-(10**6), -1, 1, 10**6)), "integer"
    name = next(name for name, part in others.items() if any(parent is p for p, _ in nodes(part)))
    return f"{name} {how}"


def _change_certificate(data: dict, rng: random.Random) -> str:
    """Change one number of a certificate; under which name, and how."""
    names = [name for name, part in data.items() if _floats({name: part})]
    integers = [(p, k) for p, k in nodes(data) if type(p[k]) is int]
    if integers and rng.random() < 0.2:
        parent, key = rng.choice(integers)
        parent[key] += rng.choice((-1, 1, 2))
        return "integer"
    if not names:
        return "nothing"
    name = rng.choice(names)
    places = [(data, name)] if _is_float(data[name]) else _floats(data[name])
    return f"{name} {_change(places, rng)}"


def mutated(source: dict, rng: random.Random) -> tuple[dict, str]:
    """A pair of instance and certificate with one to three numbers changed, of another claim now
    and then, sealed; and which.
    """
    found, told = copy.deepcopy(source), []
    if rng.random() < 0.05:
        found["claim"] = rng.choice(sorted(REFUTATIONS))
        told.append(f"that of {source['claim']}")
    data = found["certificate"]["data"]
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rng.random() < 0.65:
            told.append(_change_instance(found["instance"], rng))
        else:
            told.append(_change_certificate(data, rng))
    return resealed(found), " + ".join(told)


def is_accepted(found: dict) -> bool:
    try:
        verify(found, REFUTATIONS)
    except Rejected:
        return False
    return True


def judged(found: dict):
    """Outcome and margin of the instance of a file at a tolerance of TIGHT."""
    claim = registered()[found["claim"]]
    instance = decode(found["instance"], claim.function.__module__)
    numerics = dataclasses.replace(instance.numerics, tolerance=TIGHT, calls=1_000_000)
    return judge(claim, dataclasses.replace(instance, numerics=numerics))


def wrongly_accepted(count: int, seed: int) -> tuple[Counter, list]:
    """What became of so many pairs; and the claim, what was changed, the outcome and the file of
    those accepted whose claim holds, does not apply or is at fault.
    """
    rng, known, found, wrong = random.Random(seed), sources(), Counter(), []
    for _ in range(count):
        pair, how = mutated(rng.choice(known), rng)
        if not is_accepted(pair):
            found["rejected"] += 1
            continue
        outcome, margin = judged(pair)
        found[str(outcome)] += 1
        if outcome in (Outcome.HOLDS, Outcome.INAPPLICABLE, Outcome.ERROR):
            wrong.append((pair["claim"], how, str(outcome), margin, pair))
    return found, wrong
