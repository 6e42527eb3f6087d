"""Witness files changed at random: their JSON, their tags, how numbers are spelled, single letters;
and whether verifier and program read the same in one.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import random
import re
from enum import Enum
from fractions import Fraction

import numpy as np

from ncfcheck.verdicts import witness
from ncfcheck.verifier import Rejected, load
from ncfcheck.verifier.networks import Case

REFUSALS = (Rejected, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
FLOATS = "0x0.0p+0 -0x0.0p+0 0x1.0000000000000p+0 0x1.0000000000000p+1023 0x0.0000000000001p-1022"
FLOATS += " inf -inf nan 0x1p0 0X1P+0 0x1.8p+0 1.5 1 -1 1e3 0x.8p1 0x1p+9999999 0x1p-9999999"
ODD = [*FLOATS.split(), "", " 0x1.0000000000000p+0", "０x1.0000000000000p+0", "٣", "1_0", "0x1" * 9]
ODD += [None, True, False, 0, 1, -1, 2, 3, 10**9, 2**63 - 1, 2**63, -(2**63), [], {}, "dense", "x"]
ODD += [{"int": "1"}, {"int": "１"}, {"int": str(2**64)}, {"float": "0x1p0"}, {"fraction": "1/2"}]
ODD += [
    {"tuple": []},
    {"list": []},
    {"array": [], "shape": [0]},
    {"enum": "Loss", "name": "SQUARE"},
]
NAMES = ["tuple", "list", "array", "float", "int", "dict", "enum", "name", "type", "shape", "dtype"]
NAMES += ["u", "norms", "signs", "index", "kind", "colour", "Type", "loss", "point", "start", ""]
WORDS = {
    "type": [
        "Instance",
        "RankOneInstance",
        "FoundInstance",
        "Problem",
        "Network",
        "Loss",
        "KktPoint",
    ],
    "name": ["SQUARE", "LOGISTIC", "square", "Square", "INPUT"],
    "enum": ["Loss", "Space", "Kind"],
    "kind": ["dense", "masked", "convolution", "mine"],
    "dtype": ["float64", "float32", "int64", "bool"],
    "integrator": ["scipy", "compiled", "euler"],
}


def nodes(value, parent=None, key=None):
    """(parent, key) of every value in JSON, the value itself left out."""
    if parent is not None:
        yield parent, key
    if isinstance(value, dict | list):
        for name in list(value) if isinstance(value, dict) else range(len(value)):
            yield from nodes(value[name], value, name)


def mutate(found: dict, others: list, rng: random.Random) -> None:
    """Change one value of the JSON of an instance."""
    places = list(nodes(found))
    parent, key = rng.choice(places)
    value = parent[key]
    kind = rng.randrange(8)
    if isinstance(key, str) and key in WORDS and kind < 4:
        parent[key] = rng.choice(WORDS[key])
    elif isinstance(value, dict) and kind < 5:
        _mutate_object(value, rng)
    elif isinstance(value, list) and value and kind < 6:
        _mutate_list(value, rng)
    elif isinstance(value, str) and value.lstrip("-").startswith("0x") and kind < 6:
        parent[key] = _spelled(value, rng)
    elif type(value) is int and kind < 6:
        parent[key] = rng.choice((value + 1, value - 1, -value, 0, value * 10**6, str(value)))
    elif kind == 6:
        own, other = rng.choice(list(nodes(rng.choice(others))))
        parent[key] = copy.deepcopy(own[other])
    else:
        parent[key] = copy.deepcopy(rng.choice(ODD))


def _mutate_object(value: dict, rng: random.Random) -> None:
    names = list(value)
    match rng.randrange(5):
        case 0 if names:
            del value[rng.choice(names)]
        case 1:
            value[rng.choice(NAMES)] = copy.deepcopy(rng.choice(ODD))
        case 2 if names:
            value[rng.choice(NAMES)] = value.pop(rng.choice(names))
        case 3 if len(names) > 1:
            a, b = rng.sample(names, 2)
            value[a], value[b] = value[b], value[a]
        case _:
            inside = dict(value)
            value.clear()
            value[rng.choice(NAMES)] = rng.choice((inside, [inside]))


def _mutate_list(value: list, rng: random.Random) -> None:
    place = rng.randrange(len(value))
    match rng.randrange(6):
        case 0:
            del value[place]
        case 1:
            value.insert(place, copy.deepcopy(value[place]))
        case 2:
            value.reverse()
        case 3:
            rng.shuffle(value)
        case 4:
            value[place] = [value[place]]
        case _:
            value[place] = copy.deepcopy(rng.choice(value))


def _spelled(text: str, rng: random.Random) -> str:
    """A number near it, or the same in other letters."""
    try:
        number = float.fromhex(text)
    except (ValueError, OverflowError):  # another change was here
        return text[:-1]
    near = number * (1 + rng.choice((2.0**-52, -(2.0**-30), 1e-3, 0.5))), -number
    ways = [each.hex() for each in near] + [text.upper(), text.replace("+", ""), f" {text}"]
    ways += [re.sub(r"0+p", "p", text), text.replace("0x", ""), str(number), repr(number)]
    ways += [text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"}), f"+{text}", text[:-1]]
    return rng.choice(ways)


def mistype(text: str, rng: random.Random) -> str:
    """Change letters of a file."""
    spots = [each.start() for each in re.finditer(r'[,:{}\[\]"]|\d', text)]
    place = rng.choice(spots)
    pairs = list(re.finditer(r'"\w+":(?:"[^"]*"|null|\d+|\{[^{}]*\})', text))
    match rng.randrange(6):
        case 0:
            return text[:place] + rng.choice(" \n\t\u00a0\ufeff") + text[place:]
        case 1:
            return text[:place] + rng.choice("01-.eE+NaNx\u0663\uff11") + text[place + 1 :]
        case 2 if pairs:
            pair, other = rng.choice(pairs), rng.choice(pairs)
            name = pair.group().split(":")[0]
            value = other.group().split(":", 1)[1]
            return text[: pair.start()] + f"{name}:{value}," + text[pair.start() :]
        case 3:
            return re.sub(r"(?<=[\[:,])(\d+)(?=[,\]}])", lambda m: _number(m[1], rng), text)
        case 4:
            return text.replace("0x1", rng.choice(("\\u0030x1", "0x\\u0031", "\\ud800x1")), 1)
        case _:
            end = place + rng.randrange(1, 4)
            return text[:place] + text[end:]


def _number(digits: str, rng: random.Random) -> str:
    if rng.random() < 0.7:
        return digits
    ways = (
        f"{digits}.0",
        f"{digits}e0",
        f"-{digits}",
        f"0{digits}",
        "NaN",
        "-0",
        "1e99999999",
        "true",
    )
    return rng.choice(ways)


def forged(source: dict, others: list, rng: random.Random) -> str:
    """The text of a witness file whose instance, or how it is written, was changed."""
    content, rest = copy.deepcopy(source["instance"]), {**source, "instance": 0}
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        mutate(content, others, rng)
    found = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if rng.random() < 0.3:
        found = mistype(found, rng)
    return json.dumps(rest).replace('"instance": 0', f'"instance": {found}')


def read_by_verifier(path) -> Case | None:
    """The case of a witness file; None where the verifier refuses it."""
    try:
        return Case(load(path)["instance"])
    except REFUSALS:
        return None


def read_by_program(path):
    """The instance of a witness file; None where the program refuses it."""
    try:
        return witness.instance_of(witness.read(path))
    except witness.BadWitness:
        return None


def is_same(case: Case, instance) -> bool:
    """Whether verifier and program read the same instance, number by number."""
    names = [field.name for field in dataclasses.fields(instance)]
    network, labels = instance.network, instance.problem.loss.pseudo_labels(instance.problem.y)
    shapes = zip(network.patterns, network.widths, network.widths[1:])
    exact = [[_exact(each) for each in row] for row in case.X]
    return (
        all(_same(case.get(name), getattr(instance, name)) for name in names)
        and case.net.index == [p.expand(rows, columns).tolist() for p, columns, rows in shapes]
        and case.square == (instance.problem.loss.name == "SQUARE")
        and exact == [[Fraction(each) for each in row] for row in instance.problem.X.tolist()]
        and [[_exact(each) for each in row] for row in case.Y] == labels.tolist()
        and [_exact(each) for each in case.theta] == instance.start.tolist()
        and (case.net.order, case.net.size) == (network.order, network.size)
        and case.lipschitz == network.has_lipschitz_gradient
    )


def _exact(ball) -> Fraction:
    assert ball.lo == ball.hi
    return ball.lo * Fraction(2) ** ball.e


def _is_stored(field: dataclasses.Field) -> bool:
    return field.init and field.metadata.get("stored", True)


def _same(read, value) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype == float and _same(read, value.tolist())
    if isinstance(value, Enum):
        return read == value.name
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if _is_stored(field)]
        return list(read) == names and all(
            _same(read[name], getattr(value, name)) for name in names
        )
    if isinstance(value, tuple | list):
        return len(read) == len(value) and all(map(_same, read, value))
    if isinstance(value, float):
        return type(read) is float and read.hex() == value.hex()
    return type(read) is type(value) and read == value
