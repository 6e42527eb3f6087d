"""Whether values read from a file are what their classes expect: types of fields, shapes, sizes."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from operator import mul

from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.arrays import unit_vector
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import Network

ENTRIES = 10**6  # of all weight matrices of a network together
CALLS = 10**7  # gradient calls of one flow
ORDER = 10**4  # D


@lru_cache(maxsize=64)
def hints(kind: type) -> dict[str, object]:
    """Types of the fields of a dataclass by name; none where they cannot be told."""
    try:
        return typing.get_type_hints(kind)
    except (NameError, TypeError):
        return {}


def fits(value, hint) -> bool:
    """Whether a value may stand where the type `hint` is asked for; True for types unknown here."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, each) for each in arguments)
    if hint is None or hint is type(None):
        return value is None
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        each = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        return len(value) == len(each) and all(map(fits, value, each))
    if origin is list:
        return isinstance(value, list) and all(fits(each, arguments[0]) for each in value)
    if origin is dict:
        return isinstance(value, Mapping) and all(
            fits(k, arguments[0]) and fits(v, arguments[1]) for k, v in value.items()
        )
    if hint is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is str:
        return isinstance(value, str) and not isinstance(value, Enum)
    return not isinstance(hint, type) or isinstance(value, hint)


def sound(built) -> None:
    """Raise ValueError for a value of `ncfcheck` that cannot be computed on, or only for ever."""
    if isinstance(built, Network):
        _sound_network(built)
    elif isinstance(built, Problem) and built.network.size > ENTRIES:
        raise ValueError(f"a model of {built.network.size} weights is too large")
    elif isinstance(built, Numerics):
        if not (built.tolerance < 1 and built.calls <= CALLS):
            raise ValueError(f"{built} cannot be computed with")
    elif isinstance(built, Instance):
        for name, point in built.unit_vectors().items():
            unit_vector(point, built.network.size, name)


def _sound_network(network) -> None:
    entries, order = sum(map(mul, network.widths[:-1], network.widths[1:])), network.order
    if entries > ENTRIES or order > ORDER:
        raise ValueError(f"a network of {entries} entries and order D = {order} is too large")
    if min(network.parameter_counts) == 0:
        raise ValueError("a layer without weights")
