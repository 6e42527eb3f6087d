"""Reading instances: exactly what the program writes, and nothing else; standard library only.

What a value must look like is a function that returns what it stands for, or raises Rejected.
"""

import math

from .numbers import Rejected, need

FLOAT, OFF_THE_SPHERE = 24, 9e-7  # characters at most; what the norm of a unit vector may be off by
# Numerics at which floats see what is proved: the largest tolerance, the fewest gradients a flow.
COARSEST, FEWEST = 1e-6, 1000


def number(value):
    """A finite float, from the text that `float.hex` writes of it."""
    need(type(value) is str and len(value) <= FLOAT, "not a float in hexadecimal")
    try:
        found = float.fromhex(value)
    except (ValueError, OverflowError):
        found = math.nan
    need(math.isfinite(found) and found.hex() == value, "not a finite float as float.hex writes it")
    return found


def numbers(values):
    return [numbers(each) for each in values] if isinstance(values, list) else number(values)


def whole(values, low, high):
    return isinstance(values, list) and all(
        type(each) is int and low <= each <= high for each in values
    )


def exact(value, *names):
    """The values of an object with these names and no others."""
    fits = isinstance(value, dict) and value.keys() == set(names)
    need(fits, f"not an object of {', '.join(names)}")
    return [value[name] for name in names]


def real(value):
    return number(*exact(value, "float"))


def integer(value):
    need(whole([value], -(2**63), 2**63 - 1), "not an integer of 64 bits")
    return value


def word(value):
    need(type(value) is str, "not text")
    return value


def each(read):
    """A tuple of such values."""

    def elements(value):
        (found,) = exact(value, "tuple")
        need(isinstance(found, list), "not a list")
        return [read(one) for one in found]

    return elements


def maybe(read):
    return lambda value: None if value is None else read(value)


def array(dimensions):
    def entries(values, shape):
        if not shape:
            return number(values)
        need(isinstance(values, list) and len(values) == shape[0], "an array of another shape")
        return [entries(one, shape[1:]) for one in values]

    def read(value):
        values, shape = exact(value, "array", "shape")
        fits = whole(shape, 0, 10**6) and len(shape) == dimensions and all(shape[1:])
        need(fits, "an array of another shape")
        return entries(values, shape if all(shape) else [0])

    return read


def loss(value):
    """The name of a loss that is proved of: of a user's own there is no name."""
    names = [{"enum": "Loss", "name": each} for each in ("SQUARE", "LOGISTIC")]
    need(value in names, "certificates are about the square and logistic loss")
    return value["name"]


def words(value):
    """A dict of text."""
    (pairs,) = exact(value, "dict")
    need(isinstance(pairs, list), "not a list")
    need(all(isinstance(pair, list) and len(pair) == 2 for pair in pairs), "not pairs")
    found = {word(name): word(told) for name, told in pairs}
    need(len(found) == len(pairs), "a name that stands twice")
    return found


def one_of(**kinds):
    """An object of one of these types, by name; each is {name of a field: what it must look like}.
    Every field is there, and no other.
    """

    def read(value):
        need(isinstance(value, dict), "not an object")
        name = word(value.get("type"))
        need(name in kinds, f"{name[:40]!r}: nothing is proved of others than {', '.join(kinds)}")
        exact(value, "type", *kinds[name])
        return {field: named(field, own, value[field]) for field, own in kinds[name].items()}

    return read


def named(field, read, value):
    try:
        return read(value)
    except Rejected as reason:
        raise Rejected(f"{field}: {reason}") from reason


PATTERN = {"kind": word, "index": maybe(each(each(integer)))}
NETWORK = {
    "widths": each(integer),
    "powers": each(integer),
    "slopes": each(real),
    "patterns": each(one_of(Pattern=PATTERN)),
}


def layered(value):
    told = "certificates are about layered networks"
    need(not isinstance(value, dict) or "model" not in value, told)
    return one_of(Network=NETWORK)(value)


PROBLEM = {"network": layered, "X": array(2), "y": array(2), "loss": loss}
NUMERICS = {"tolerance": real, "integrator": word, "calls": integer}
INSTANCE = {
    "problem": one_of(Problem=PROBLEM),
    "start": array(1),
    "fraction": real,
    "families": words,
    "seeds": each(integer),
    "numerics": one_of(Numerics=NUMERICS),
}
PARTS = {
    "u": maybe(array(1)),
    "signs": each(real),
    "profiles": each(array(1)),
    "norms": maybe(array(1)),
}
SIZES = ("value", "multiplier", "residual", "residual_error", "top_curvature")
POINT = {"u": array(1), **dict.fromkeys(SIZES, real), "escape": array(2)}
_instance = one_of(
    Instance=INSTANCE,
    RankOneInstance=INSTANCE | PARTS,
    FoundInstance=INSTANCE | {"point": maybe(one_of(KktPoint=POINT))},
)


def is_unit(vector):
    """Whether ‖v‖² is 1 up to what floats make of a unit vector."""
    return abs(math.fsum(v * v for v in vector) - 1) <= 2.0**-53 * (len(vector) + 12)


def instance(value):
    """The fields of an instance, those of objects in it as dicts, arrays and tuples as lists."""
    found = _instance(value)
    numerics, point = found["numerics"], found.get("point")
    unit = [part for part in (found.get("u"), *found.get("profiles", ())) if part is not None]
    need(abs(math.hypot(*found["start"]) - 1) < OFF_THE_SPHERE, "start: no unit vector")
    need(all(map(is_unit, unit)), "u, or an e_l: no unit vector to rounding")
    need(not point or point["u"] == found["start"], "point: not where `start` is")
    need(all(seed >= 0 for seed in found["seeds"]), "seeds: a negative one")
    need(0 < found["fraction"] < 1, "fraction: not between 0 and 1")
    need(
        0 < numerics["tolerance"] <= COARSEST
        and numerics["integrator"] in ("compiled", "scipy")
        and FEWEST <= numerics["calls"] <= 10**7,
        "numerics: no instance is judged with them",
    )
    return found
