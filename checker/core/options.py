"""Options of functions: one declaration of each says what it takes, how that is read, and what is
promised by it.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import wraps
from numbers import Integral, Real
from typing import Any

from ncfcheck.core.stated import shown

PROMISES = Callable[[Any, Any, Mapping[str, Any]], Any]
ALIKE = 0.7  # names that one may be mistaken for the other


def nothing_promised(instance, value, options):
    """An option about what is drawn that promises nothing of it."""
    return instance


@dataclass(frozen=True)
class Option:
    """What may be told by one name.

    `read(value)` returns the value as it is used, or raises ValueError or TypeError with what is
    possible. `keep(instance, value, options)` returns the instance where it is as the option
    promises, another one near it that is, or raises Inapplicable.
    """

    default: Any
    read: Callable[[Any], Any]
    keep: PROMISES = nothing_promised


def read(function: str, declared: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options given to a function, each as it is used.

    Raises TypeError or ValueError, with what is possible, for a value that it may not be.
    """
    found = {}
    for name, value in given.items():
        try:
            found[name] = declared[name].read(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{function}({name}={shown(value)}): {error}") from None
    return found


def with_defaults(declared: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every option."""
    return {name: option.default for name, option in declared.items()} | dict(given)


def checked(declared: Mapping[str, Option]) -> Callable[[Callable], Callable]:
    """Decorates a function that is called with the options as they were read."""

    def decorate(function: Callable) -> Callable:
        parameters = inspect.signature(function)

        @wraps(function)
        def call(*arguments, **named):
            refuse_unknown(function.__name__, declared, named)
            told = parameters.bind(*arguments, **named).arguments
            return function(**read(function.__name__, declared, told))

        return call

    return decorate


def refuse_unknown(function: str, possible: Iterable[str], given: Iterable[str]) -> None:
    """Raise TypeError for a name that is no option of the function."""
    for name in given:
        if name not in possible:
            raise TypeError(f"{function} has no option {name!r}; {among(name, possible)}")


def among(name: object, possible: Iterable[str]) -> str:
    """Which names are possible, and the one that was probably meant."""
    names = sorted(map(str, possible))
    near = difflib.get_close_matches(str(name), names, 1, ALIKE)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"possible: {', '.join(names)}{meant}"


def several(value) -> tuple:
    """The values of a collection, or the one given alone; none at all is a ValueError."""
    alone = isinstance(value, str | bytes) or not isinstance(value, Collection)
    found = (value,) if alone else tuple(sorted(value) if isinstance(value, Set) else value)
    if not found:
        raise ValueError("nothing to draw from")
    return found


def names_of(possible: Collection[str]) -> Callable[[Any], tuple[str, ...]]:
    """Reads one or several of the names."""

    def read(value) -> tuple[str, ...]:
        for each in several(value):
            if not isinstance(each, str) or each not in possible:
                raise ValueError(f"{shown(each)} is none of them; {among(each, possible)}")
        return tuple(map(str, several(value)))

    return read


def flag(value) -> bool:
    """Reads True or False."""
    if not isinstance(value, bool):
        raise TypeError("takes True or False")
    return value


def whole(least: int) -> Callable[[Any], int]:
    """Reads an integer from `least` on."""

    def read(value) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"takes an integer, {least} or more")
        if value < least:
            raise ValueError(f"{least} is the least that is possible")
        return int(value)

    return read


def whole_numbers(least: int) -> Callable[[Any], tuple[int, ...]]:
    """Reads one or several integers from `least` on."""
    return lambda value: tuple(map(whole(least), several(value)))


def numbers(least: float, most: float) -> Callable[[Any], tuple[float, ...]]:
    """Reads one or several numbers, the ends included."""

    def read(value) -> tuple[float, ...]:
        for each in several(value):
            if isinstance(each, bool) or not isinstance(each, Real):
                raise TypeError(f"takes numbers from {least:g} to {most:g}, one or several")
            if not least <= float(each) <= most:
                raise ValueError(f"{shown(each)} is not from {least:g} to {most:g}")
        return tuple(map(float, several(value)))

    return read
