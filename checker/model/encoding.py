"""Instances as plain JSON values and back, without loss: floats in hexadecimal, types by name.

None, bool, str and int stand for themselves (an int beyond 64 bits is {"int": "…"}). Otherwise a
value is an object: {"float": "0x1.8p-1"}, {"array": […], "shape": […]} with "dtype" unless it is
float64, {"tuple": […]}, {"list": […]}, {"dict": [[key, value], …]}, {"fraction": "1/3"}, {"enum":
"Loss", "name": "SQUARE"}, and for a dataclass {"type": "Instance", …} with its fields. Only
dataclasses and enums of `ncfcheck` and of the module that a claim is stated in can
be built, so that a file cannot run code.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import re
import sys
from enum import Enum
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np

from ncfcheck.core.options import among
from ncfcheck.model.shapes import fits, hints, sound

HOME = "ncfcheck"  # the package whose dataclasses and enums may be built
DTYPES = ("float64", "float32", "int64", "int32", "int8", "uint8", "bool")
DEPTH = 40  # how deep values may be nested
DIGITS = 4000  # of one number
ENTRIES = 400_000  # of one array: as text they take half of what a witness file may


FAULTS = (ArithmeticError, LookupError, TypeError, ValueError)  # of what files hold


class BadWitness(ValueError):
    """A witness cannot be read; the message says why in one line."""


class NotStorable(TypeError):
    """A value has no encoding; the message names its type, or what of it is too large."""


def encode(value, home: str = "", depth: int = 0):
    """The plain JSON value of an instance; `home` is the claim's module. Raises NotStorable.

    `depth` is how deep in another value it is nested.
    """
    if depth > DEPTH:
        raise NotStorable(f"values nested more than {DEPTH} deep have no encoding")
    if isinstance(value, Enum):
        return {"enum": _name(type(value), home), "name": value.name}
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        _require_short(value)
        return int(value) if -(2**63) <= value < 2**63 else {"int": str(value)}
    if isinstance(value, float | np.floating):
        return {"float": float(value).hex()}
    if isinstance(value, Fraction):
        _require_short(value.numerator, value.denominator)
        return {"fraction": f"{value.numerator}/{value.denominator}"}
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    return _encode_compound(value, home, depth + 1)


def _require_short(*integers) -> None:
    if any(abs(int(each)) >= 10**DIGITS // 10 for each in integers):
        raise NotStorable(f"a number of {DIGITS} digits or more has no encoding")


def _encode_array(array: np.ndarray):
    dtype = array.dtype.name
    if dtype not in DTYPES:
        raise NotStorable(f"an array of {dtype} has no encoding")
    if array.size > ENTRIES:
        told = f"an array of shape {array.shape} is more than a witness file holds"
        raise NotStorable(f"{told}, {ENTRIES} numbers")
    entries = array
    if array.dtype.kind == "f":
        entries = np.vectorize(float.hex, otypes=[object])(array.astype(float))
    found = {"array": entries.tolist() if array.size else [], "shape": list(array.shape)}
    return found if dtype == "float64" else {**found, "dtype": dtype}


def _encode_compound(value, home: str, depth: int):
    if type(value) in (tuple, list):
        return {type(value).__name__: [encode(each, home, depth) for each in value]}
    if type(value) is dict:
        pairs = [[encode(each, home, depth) for each in pair] for pair in value.items()]
        return {"dict": pairs}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise NotStorable(
            f"a {type(value).__qualname__} has no encoding: use dataclasses of numbers, text and "
            "arrays"
        )
    names = [field.name for field in dataclasses.fields(value) if field.init]
    if "type" in names:
        raise NotStorable(f"a field of {type(value).__qualname__} is named 'type': rename it")
    return {"type": _name(type(value), home)} | {
        name: encode(getattr(value, name), home, depth) for name in names
    }


def _name(kind: type, home: str) -> str:
    if _kinds(home).get(kind.__qualname__) is not kind:
        raise NotStorable(
            f"{kind.__module__}.{kind.__qualname__} has no encoding: only classes of the claim's "
            "own module have"
        )
    return kind.__qualname__


def _kinds(home: str) -> dict[str, type]:
    """Every dataclass and enum that may be built, by name; those of `home` first."""
    return _gathered(home, sys.modules.get(home), len(sys.modules))


@lru_cache(maxsize=8)
def _gathered(home: str, module, modules: int) -> dict[str, type]:
    """The same, anew for modules imported since or `home` again: it takes longer than encoding."""
    packages = [name for name in sorted(sys.modules) if name.split(".")[0] == HOME]
    kinds: dict[str, type] = {}
    for module in [*packages, home]:
        for kind in vars(sys.modules[module]).values() if module in sys.modules else ():
            if inspect.isclass(kind) and kind.__module__ == module and _is_buildable(kind):
                kinds[kind.__qualname__] = kind
    return kinds


def _is_buildable(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or issubclass(kind, Enum)


def decode(value, home: str = ""):
    """The instance of a plain JSON value. Raises BadWitness for what `encode` does not write."""
    try:
        return _decode(value, _kinds(home), 0)
    except _Within as fault:
        raise BadWitness(f"{'.'.join(fault.place)}: {fault.reason}") from fault
    except BadWitness:
        raise
    except FAULTS as error:
        raise BadWitness(f"{type(error).__name__}: {error}") from error


class _Within(Exception):
    """A fault of a part of a value: names of fields from the outermost on, and the reason."""

    def __init__(self, place: tuple[str, ...], reason: str):
        self.place, self.reason = place, reason


def _field(name: str, value, kinds: dict[str, type], depth: int):
    """The decoded value of a field. Raises _Within."""
    try:
        return _decode(value, kinds, depth)
    except _Within as fault:
        raise _Within((name, *fault.place), fault.reason) from fault
    except FAULTS as error:
        is_told = isinstance(error, BadWitness) or type(error) is ValueError
        raise _Within(
            (name,), str(error) if is_told else f"{type(error).__name__}: {error}"
        ) from error


def _decode(value, kinds: dict[str, type], depth: int):
    if depth > DEPTH:
        raise BadWitness("values are nested too deep")
    if value is None or isinstance(value, bool | int | str):
        return value
    if not isinstance(value, dict):
        raise BadWitness(f"expected a tagged value, not {str(value)[:40]!r}")
    if "type" in value:
        return _decode_dataclass(value, kinds, depth)
    if "array" in value:
        return _decode_array(**value)
    if "enum" in value:
        members = _kind(value["enum"], kinds, Enum).__members__
        if value["name"] not in members:
            raise BadWitness(f"{value['name']!r} is none; {among(value['name'], members)}")
        return members[value["name"]]
    ((tag, content),) = value.items()
    inner = partial(_decode, kinds=kinds, depth=depth + 1)
    if tag in ("tuple", "list"):
        return {"tuple": tuple, "list": list}[tag](map(inner, content))
    if tag == "dict":
        return {inner(key): inner(each) for key, each in content}
    return _decode_number(tag, content)


def _decode_number(tag: str, content: str):
    if not isinstance(content, str) or len(content) > DIGITS:
        raise BadWitness(f"not a number: {str(content)[:40]!r}")
    if tag == "float":
        return _float(content)
    if tag == "fraction" and re.fullmatch(r"-?\d+/\d+", content):
        return Fraction(content)
    if tag == "int" and re.fullmatch(r"-?\d+", content):
        return int(content)
    raise BadWitness(f"not a tagged value: {tag[:40]!r}")


def _float(content) -> float:
    try:
        return float.fromhex(content)
    except (TypeError, ValueError):
        right = "a number in hexadecimal, such as '0x1.8p+0', is right"
        raise BadWitness(f"not a number: {str(content)[:40]!r}; {right}") from None


def _decode_array(array: list, shape: list, dtype: str = "float64") -> np.ndarray:
    are_sizes = all(type(size) is int and size >= 0 for size in shape)
    if dtype not in DTYPES or len(shape) > DEPTH or not are_sizes:
        raise BadWitness(f"not an array: dtype {str(dtype)[:20]!r}, {len(shape)} dimensions")
    entries = [array]
    for _ in shape:
        entries = [each for part in entries for each in part]
    wanted, given = np.prod(shape, dtype=object), len(entries)
    if wanted != (given if wanted else 0) or any(isinstance(each, list | dict) for each in entries):
        raise BadWitness(f"an array of shape {tuple(shape)} has {given} entries")
    if dtype.startswith("float"):
        entries = [_float(each) for each in entries]
    elif not all(type(each) is (bool if dtype == "bool" else int) for each in entries):
        raise BadWitness(f"an array of {dtype} holds something else")
    return np.array(entries if wanted else [], dtype=dtype).reshape(shape)


def _decode_dataclass(value: dict, kinds: dict[str, type], depth: int):
    kind = _kind(value["type"], kinds, object)
    if issubclass(kind, Enum):
        raise BadWitness(f"{kind.__name__} is not a dataclass")
    given = {name: each for name, each in value.items() if name != "type"}
    _require_fields(kind, given)
    content = {name: _field(name, each, kinds, depth + 1) for name, each in given.items()}
    for name, hint in hints(kind).items():
        if name in content and not fits(content[name], hint):
            raise BadWitness(
                f"{kind.__name__}.{name} is a {type(content[name]).__name__}, which it cannot be"
            )
    built = kind(**content)
    sound(built)
    return built


def _require_fields(kind: type, given: dict) -> None:
    known = {each.name: each for each in dataclasses.fields(kind) if each.init}
    for name in given:
        if name not in known:
            raise BadWitness(f"{kind.__name__} has no field {name[:40]!r}; {among(name, known)}")
    for name, each in known.items():
        defaults = each.default, each.default_factory
        if name not in given and all(value is dataclasses.MISSING for value in defaults):
            raise BadWitness(f"{kind.__name__} lacks its field {name!r}")


def _kind(name, kinds: dict[str, type], base: type) -> type:
    found = kinds.get(name) if isinstance(name, str) else None
    if found is None or not issubclass(found, base):
        near = difflib.get_close_matches(str(name)[:60], kinds, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise BadWitness(f"no such type: {str(name)[:60]!r}{meant}")
    return found
