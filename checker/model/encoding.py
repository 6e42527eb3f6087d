"""Instances as plain JSON values and back, without loss: floats in hexadecimal, types by name.

None, bool, str and int stand for themselves (an int beyond 64 bits is {"int": "…"}). Otherwise a
value is an object: {"float": "0x1.8p-1"}, {"array": […], "shape": […]} with "dtype" unless it is
float64, {"tuple": […]}, {"list": […]}, {"dict": [[key, value], …]}, {"fraction": "1/3"}, {"enum":
"Loss", "name": "SQUARE"}, for a model of a family {"model": "gated", …}, with the name of the
user's file that states it, and for a dataclass {"type": "Instance", …} with its fields. Only
dataclasses and enums of `ncfcheck` and of the module that a claim is stated in can
be built, and models of families that are known, so that a file cannot run code.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import re
import sys
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np

from ncfcheck.core.options import among
from ncfcheck.model.models import Model
from ncfcheck.model.shapes import fits, hints, sound
from ncfcheck.model.sources import family_of, source_of

HOME = "ncfcheck"  # the package whose dataclasses and enums may be built
DTYPES = ("float64", "float32", "int64", "int32", "int8", "uint8", "bool")
DEPTH = 40  # how deep values may be nested
DIGITS = 4000  # of one number
TOO_LONG = 10 ** (DIGITS - 1)  # the least integer that is
WHOLE = rf"-?[0-9]{{1,{DIGITS}}}"
LARGEST = 10**4  # inputs and outputs of a model
ENTRIES = 400_000  # of one array: as text they take half of what a witness file may


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
    if any(abs(int(each)) >= TOO_LONG for each in integers):
        raise NotStorable(f"a number of {DIGITS} digits or more has no encoding")


def _encode_array(array: np.ndarray):
    dtype = array.dtype.name
    if dtype not in DTYPES:
        raise NotStorable(f"an array of {dtype} has no encoding")
    if array.size > ENTRIES:
        told = f"an array of shape {array.shape} is more than a witness file holds"
        raise NotStorable(f"{told}, {ENTRIES} numbers")
    is_float = array.dtype.kind == "f"
    entries = _hexadecimal(array.astype(float).tolist()) if is_float else array.tolist()
    found = {"array": entries if array.size else [], "shape": list(array.shape)}
    return found if dtype == "float64" else {**found, "dtype": dtype}


def _hexadecimal(entries):
    """Nested lists of floats, written without loss: faster than entry by entry of an array."""
    return entries.hex() if isinstance(entries, float) else [_hexadecimal(each) for each in entries]


def _encode_compound(value, home: str, depth: int):
    if type(value) in (tuple, list):
        return {type(value).__name__: [encode(each, home, depth) for each in value]}
    if type(value) is dict:
        pairs = [[encode(each, home, depth) for each in pair] for pair in value.items()]
        return {"dict": pairs}
    if isinstance(value, Model) and value.family is not None:
        return _encode_model(value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise NotStorable(
            f"a {type(value).__qualname__} has no encoding: use dataclasses of numbers, text and "
            "arrays"
        )
    names = _stored(type(value))
    if "type" in names:
        raise NotStorable(f"a field of {type(value).__qualname__} is named 'type': rename it")
    return {"type": _name(type(value), home)} | {
        name: encode(getattr(value, name), home, depth) for name in names
    }


@lru_cache(maxsize=256)
def _stored(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass that files hold: what makes it, but those that say NOT_STORED."""
    fields = (each for each in dataclasses.fields(kind) if each.init)
    return tuple(each.name for each in fields if each.metadata.get("stored", True))


def _encode_model(model: Model) -> dict:
    source = source_of(model)
    return {
        "model": model.family.name,
        "file": source and source.name,
        "inputs": model.inputs,
        "width": model.width,
        "sizes": {name: int(value) for name, value in model.sizes.items()},
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


@lru_cache(maxsize=64)
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
    """The instance of a plain JSON value. Raises BadWitness for all that `encode` does not write,
    with the names of the fields where it stands.
    """
    with np.errstate(all="ignore"):  # what is too large is refused without
        return _field("", _decode, value, home, 0)


def _decode(value, home: str, depth: int):
    if depth > DEPTH:
        raise BadWitness("values are nested too deep")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, dict) and "type" in value:
        return _decode_dataclass(value, home, depth)
    if isinstance(value, dict) and "model" in value:
        return _decode_model(value)
    if isinstance(value, dict) and len(value) == 1:
        ((tag, content),) = value.items()
        inner = partial(_decode, home=home, depth=depth + 1)
        if tag in ("tuple", "list") and isinstance(content, list):
            return {"tuple": tuple, "list": list}[tag](map(inner, content))
        if tag == "dict" and isinstance(content, list):
            return _decode_dict(content, inner)
    found = _decode_leaf(value, home)
    _require_same(value, found, home)
    return found


def _decode_dict(pairs: list, inner: Callable) -> dict:
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise BadWitness(f"not pairs of keys and values: {_cut(pairs)}")
    found = {inner(key): inner(each) for key, each in pairs}
    if len(found) < len(pairs):
        raise BadWitness("a key stands twice in a dict")
    return found


def _decode_leaf(value, home: str):
    """A number, a member of an enum, or an array."""
    match value:
        case int():
            return value
        case {"array": _, "shape": list()}:
            return _decode_array(**value)
        case {"enum": name, "name": member}:
            members = _kind(name, home, Enum).__members__
            if member not in members:
                raise BadWitness(f"{_cut(member)} is none; {among(member, members)}")
            return members[member]
        case {"float": str(digits)} if len(digits) <= DIGITS:
            return _float(digits)
        case {"fraction": str(digits)} if re.fullmatch(WHOLE + "/" + WHOLE, digits):
            return Fraction(digits)
        case {"int": str(digits)} if re.fullmatch(WHOLE, digits):
            return int(digits)
    raise BadWitness(f"not a tagged value: {_cut(value)}")


def _float(digits: str) -> float:
    try:
        return float.fromhex(digits)
    except ValueError:
        right = "a number in hexadecimal, such as '0x1.8p+0', is right"
        raise BadWitness(f"{_cut(digits)} is no number; {right}") from None


def _require_same(value, found, home: str) -> None:
    """That `value` is what `encode` writes of what was found."""
    right = encode(found, home)
    if type(right) is not type(value) or right != value:
        raise BadWitness(f"{_cut(value)} is not what is written for it: {_cut(right)} is")


def _cut(value) -> str:
    return f"{value!r:.60}".rstrip()


def _decode_array(array: list, shape: list, dtype: str = "float64") -> np.ndarray:
    are_sizes = all(type(size) is int and size >= 0 for size in shape)
    if dtype not in DTYPES or len(shape) > DEPTH or not are_sizes:
        raise BadWitness(f"not an array: dtype {str(dtype)[:20]!r}, {len(shape)} dimensions")
    wanted, entries = np.prod(shape, dtype=object), [array]
    for size in shape if wanted else ():
        if not all(isinstance(part, list) and len(part) == size for part in entries):
            raise BadWitness(f"not an array of shape {tuple(shape)}")
        entries = [each for part in entries for each in part]
    if wanted:
        kind = str if dtype.startswith("float") else bool if dtype == "bool" else int
        if not all(type(each) is kind for each in entries):
            raise BadWitness(f"an array of {dtype} holds something else")
        if kind is str:
            entries = list(map(_float, entries))
    return np.array(entries if wanted else [], dtype=dtype).reshape(shape)


def _decode_dataclass(value: dict, home: str, depth: int):
    kind = _kind(value["type"], home, object)
    if issubclass(kind, Enum):
        raise BadWitness(f"{kind.__name__} is not a dataclass")
    names = _stored(kind)
    if value.keys() != {"type", *names}:
        odd = sorted(value.keys() ^ {"type", *names})[0]
        wrong = "unknown" if odd in value else "missing"
        raise BadWitness(f"{_cut(odd)} is {wrong} in {kind.__name__}; {among(odd, names)}")
    content = {name: _field(name, _decode, value[name], home, depth + 1) for name in names}
    for name, hint in hints(kind).items():
        if name in content and not fits(content[name], hint):
            raise BadWitness(
                f"{kind.__name__}.{name} is a {type(content[name]).__name__}, which it cannot be"
            )
    built = kind(**content)
    sound(built)
    if kind.__module__.split(".")[0] == HOME:  # what it was converted to is what is written
        for name in names:
            _field(name, _require_same, value[name], getattr(built, name), home)
    return built


def _decode_model(value: dict) -> Model:
    match value:
        case {
            "model": str(name),
            "file": str() | None as file,
            "inputs": int(inputs),
            "width": int(width),
            "sizes": dict(sizes),
        } if len(value) == 5:
            return _built_model(name, file, inputs, width, sizes)
    raise BadWitness(f"not a model: {_cut(value)}")


def _built_model(name: str, file: str | None, inputs: int, width: int, sizes: dict) -> Model:
    """The model of a family of this name, of the user's `file` where there is one."""
    family = family_of(name, file)
    if family is None:
        told = f"its model {_cut(name)} is of {file}: add --model {file}" if file else ""
        raise BadWitness(told or f"no family of models {_cut(name)} is known")
    if sizes.keys() != family.ranges.keys():
        raise BadWitness(f"sizes of {name} are {', '.join(family.ranges)}, not {', '.join(sizes)}")
    for each, size in sizes.items():
        least, most = family.ranges[each]
        if type(size) is not int or not least <= size <= most:
            raise BadWitness(f"{each} is from {least} to {most} in {name}, not {_cut(size)}")
    fixed = {"inputs": family.inputs_of(sizes), "width": family.width_of(sizes)}
    for each, found in (("inputs", inputs), ("width", width)):
        if found != (found if fixed[each] is None else fixed[each]) or not 0 < found <= LARGEST:
            raise BadWitness(f"{each} of {name} of these sizes cannot be {found}")
    return family.build(inputs, width, sizes)


def _field(name: str, function, *arguments):
    """function(…) of what stands in a field, whose name goes before what is wrong there."""
    try:
        return function(*arguments)
    except ValueError as error:
        told = str(error)
    except (ArithmeticError, LookupError, TypeError) as error:
        told = f"{type(error).__name__}: {error}"
    raise BadWitness(f"{name}: {told}" if name else told)


def _kind(name, home: str, base: type) -> type:
    kinds = {each: kind for each, kind in _kinds(home).items() if issubclass(kind, base)}
    if not isinstance(name, str) or name not in kinds:
        near = difflib.get_close_matches(str(name), kinds, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise BadWitness(f"no such type: {_cut(name)}{meant}")
    return kinds[name]
