"""Instances as sequences of choices, those that Hypothesis makes when it draws: drawn again with
some of them changed.

Whatever a claim's strategy is, the result is one of its own draws, so all that the strategy
promises holds.
"""

from __future__ import annotations

import math
import random

from hypothesis.internal.conjecture.choice import choice_permitted

from ncfcheck.strategies.draw import Choices, Drawn


def mutated(parent: Drawn, rng: random.Random) -> Choices:
    """The parent's choices with one to three of them changed."""
    choices, free = list(parent.choices), parent.free
    for _ in range(rng.choice((1, 1, 2, 3)) if free else 0):
        i = rng.choice(free)
        value = _moved(parent, i, rng)
        if choice_permitted(value, parent.nodes[i].constraints):
            choices[i] = value
    return tuple(choices)


def _moved(parent: Drawn, i: int, rng: random.Random):
    """Another value for choice i: another choice's, or one that is near, simple or far."""
    value, kind = parent.choices[i], parent.nodes[i].type
    if kind == "boolean":
        return not value
    if kind in ("integer", "float") and rng.random() < 0.2:
        return rng.choice([parent.choices[j] for j in parent.free if parent.nodes[j].type == kind])
    if kind == "integer":
        return _moved_integer(value, parent.nodes[i].constraints, rng)
    if kind == "float":
        return _moved_float(value, rng)
    return value[: rng.randrange(len(value) + 1)]


def _moved_integer(value: int, constraints: dict, rng: random.Random) -> int:
    """By steps of every size, to simple values, and to anywhere between the bounds."""
    least, most = constraints["min_value"], constraints["max_value"]
    how = rng.random()
    if how < 0.4 and least is not None and most is not None:
        return rng.randint(least, most)
    if how < 0.5:
        return rng.choice((0, 1, -value, value // 2, 2 * value))
    reach = most - least if least is not None and most is not None else 2 * abs(value) + 16
    step = max(1, round(2 ** rng.uniform(0, math.log2(max(2, reach)))))
    return value + rng.choice((-step, step))


def _moved_float(value: float, rng: random.Random) -> float:
    """By relative steps of every size, to simple values, rounded."""
    if not math.isfinite(value):
        return rng.gauss(0, 1)
    how = rng.random()
    if how < 0.3:
        return rng.choice((0.0, 1.0, -1.0, 0.5, -value, float(round(value)), round(4 * value) / 4))
    return value + (abs(value) or 1.0) * rng.gauss(0, 1) * 10 ** rng.uniform(-6, 1)


def simplified(parent: Drawn, rng: random.Random) -> Choices:
    """The parent's choices with numbers made special: small, equal to each other, zero, rounded."""
    choices, how = list(parent.choices), rng.random()
    numbers = [i for i in parent.free if parent.nodes[i].type in ("integer", "float")]
    common = {
        kind: rng.choice(
            [parent.choices[i] for i in numbers if parent.nodes[i].type == kind] or [0]
        )
        for kind in KINDS
    }
    for i in numbers:
        kind, constraints = parent.nodes[i].type, parent.nodes[i].constraints
        value = (
            common[kind]
            if how < 0.4
            else rng.choice((0, 1, 2, 3, -1, -2, choices[i], constraints["min_value"]))
        )
        value = KINDS[kind](value) if value is not None and math.isfinite(value) else choices[i]
        if rng.random() < 0.8 and choice_permitted(value, constraints):
            choices[i] = value
    return tuple(choices)


KINDS = {"integer": int, "float": float}
