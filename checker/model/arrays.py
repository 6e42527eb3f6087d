"""Arrays that users give, checked and converted where they come in: compiled code checks nothing.

Solvers check at their public entry and call kernels directly, so that inner loops pay nothing.
"""

from __future__ import annotations

from dataclasses import Field, fields
from math import isfinite
from operator import index
from typing import Any, ClassVar

import numpy as np

from ncfcheck.core.tolerances import OFF_THE_SPHERE

Array = np.ndarray
FLOAT = np.dtype(float)


def vector(values, size: int, name: str) -> Array:
    """values as floats (size,) that compiled code takes, contiguous and writable; the array itself
    where it is that already.

    Raises ValueError that names both shapes for any other shape, and for what are no real numbers.
    """
    if type(values) is Array and values.dtype is FLOAT and values.shape == (size,):
        return values if values.flags.carray else values.copy()
    return _converted(values, (size,), name)


def finite_vector(values, size: int, name: str) -> Array:
    """The same of finite numbers."""
    found = vector(values, size, name)
    return found if isfinite(found.dot(found)) else finite(found, name)


def direction(values, size: int, name: str) -> Array:
    """The same of finite numbers that are not all zero."""
    found = finite_vector(values, size, name)
    if not found.any():
        raise ValueError(f"{name} is zero: the zero vector has no direction")
    return found


def unit_vector(values, size: int, name: str) -> Array:
    """The same of length 1, to 1e-6."""
    found = finite_vector(values, size, name)
    length = float(np.linalg.norm(found))
    if not abs(length - 1) <= OFF_THE_SPHERE:
        raise ValueError(f"{name} is not a unit vector: its norm is {length:g}, not 1")
    return found


def matrix(values, shape: tuple[int | None, int], name: str) -> Array:
    """values as floats of the shape, as `vector` does; None for any number of rows."""
    rows, columns = shape
    if type(values) is Array and values.dtype is FLOAT and values.ndim == 2:
        if values.shape[1] == columns and rows in (None, values.shape[0]):
            return values if values.flags.carray else values.copy()
    return _converted(values, shape, name)


def finite(array: Array, name: str) -> Array:
    """The array; raises ValueError that says where it holds NaN or ±∞."""
    if not np.isfinite(array).all():
        place = tuple(int(each) for each in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name} must be finite: entry {place} of shape {array.shape} is {array[place]}"
        )
    return array


def numbers(values, shape: tuple[int, ...], name: str) -> Array:
    """values as an array of the shape, of numbers of any ring: real ones as floats."""
    given = np.asarray(values)
    if given.shape != shape or given.dtype.kind not in "biufcO":
        raise ValueError(
            f"{name} has shape {given.shape} of {given.dtype}: shape {shape} of numbers is right"
        )
    return given.astype(np.result_type(given, FLOAT), copy=False)


def _converted(values, shape: tuple[int | None, ...], name: str) -> Array:
    wanted = str(shape).replace("None", "n")
    try:
        given = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} is no array, shape {wanted} is right: {error}") from error
    fit = given.ndim == len(shape) and all(
        size in (None, found) for size, found in zip(shape, given.shape)
    )
    if not fit or given.dtype.kind not in "fiub" or np.ma.is_masked(values):
        kind = "masked entries" if np.ma.is_masked(values) else given.dtype
        raise ValueError(
            f"{name} has shape {given.shape} of {kind}: shape {wanted} of real numbers is right"
        )
    with np.errstate(over="ignore"):  # beyond float64, and found not to be finite where it matters
        return np.array(given, dtype=FLOAT, order="C", subok=False)


def owned(array: Array) -> Array:
    """The array, or a copy of one that somebody else could write to, read-only."""
    if array.flags.writeable or array.base is not None:
        array = np.array(array, order="C", subok=False)
        array.flags.writeable = False
    return array


def read_only(array: Array) -> Array:
    """The same numbers, in the same place, as an array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def integers(values, name: str, least: int, most: int = 2**31) -> tuple[int, ...]:
    """values as ints. Raises ValueError unless all are whole numbers from least to below most."""
    wanted = f"{name} must be whole numbers from {least} up"
    try:
        given = tuple(values)
        found = tuple(
            int(each) if isinstance(each, float) and each.is_integer() else index(each)
            for each in given
        )
    except TypeError as error:
        raise ValueError(f"{wanted}, not {values!r}") from error
    if not all(least <= each < most for each in found):
        raise ValueError(f"{wanted}, and below {most}, not {values!r}")
    return found


# The metadata of a field that witness files do without.
NOT_STORED = {"stored": False}


class Value:
    """A base of dataclasses whose arrays are read-only, whatever pickles, copies or replaces them.

    `__post_init__` makes them so; a subclass with one of its own calls it by super().
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __post_init__(self):
        for each in fields(self):
            object.__setattr__(self, each.name, _kept(getattr(self, each.name)))

    def __reduce__(self):
        # Arrays are writable when they have been pickled: so that all is built again.
        names = [each.name for each in fields(self) if each.init]
        return _built, (type(self), {name: getattr(self, name) for name in names})


def _built(kind: type, content: dict[str, Any]):
    return kind(**content)


def _kept(value):
    """The same with arrays that nobody can write to, in tuples and lists too."""
    if isinstance(value, Array):
        return owned(value)
    if type(value) in (tuple, list):
        return type(value)(map(_kept, value))
    return value


def not_subclassed(cls: type, instead: str) -> TypeError:
    """The error for a subclass of a class whose methods compiled code would not call."""
    base = cls.__mro__[1].__name__
    return TypeError(
        f"{base} cannot be subclassed ({cls.__name__}): flows run compiled code, which ignores the "
        f"methods that it overrides; {instead}"
    )
