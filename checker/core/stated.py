"""What `@claim` is given: converted where its meaning is plain, otherwise refused."""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

# It names files, is matched by patterns, and is read by people: no letter looks like another.
ID = re.compile(r"[a-z0-9_][a-z0-9_-]*\.[a-z0-9_][a-z0-9_-]*")
LONGEST = 100  # characters of an id

Member = TypeVar("Member", bound=StrEnum)


def id_of(id) -> str:
    """The id of a claim. Raises TypeError or ValueError."""
    if not isinstance(id, str):
        raise TypeError(f"a claim's id is text of the form area.name, not {shown(id)}")
    if not ID.fullmatch(id) or len(id) > LONGEST:
        raise ValueError(
            f"claim id {shown(id)} is not of the form area.name: a to z, digits, _ and - with one "
            f"dot between, at most {LONGEST}"
        )
    return id


def member(about: str, value, members: Iterable[Member]) -> Member:
    """The member of an enumeration that a value names. Raises ValueError listing them."""
    members = tuple(members)
    for each in members:
        if value == each:
            return each
    listed = ", ".join(repr(str(each)) for each in members)
    raise ValueError(f"{about} is one of {listed}, not {shown(value)}")


def text(about: str, value) -> str:
    """A text. Raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{about} is text, not {shown(value)}")
    return value


def texts(about: str, values) -> tuple[str, ...]:
    """Texts as a tuple; one alone stands for itself. Raises TypeError."""
    if isinstance(values, str):
        return (values,)
    if not isinstance(values, Iterable):
        raise TypeError(f"{about} are a tuple of texts, not {shown(values)}")
    return tuple(text(f"each of the {about}", each) for each in values)


def pairs(about: str, values) -> tuple[tuple[str, str], ...]:
    """Pairs of texts as a tuple; one pair alone stands for itself, values become text.

    Raises TypeError.
    """
    right = f"{about} are pairs (key, value) such as (('loss', 'logistic'),)"
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{right}, not {shown(values)}")
    values = tuple(values)
    if len(values) == 2 and all(isinstance(each, str) for each in values):
        values = (values,)
    for each in values:
        if isinstance(each, str) or not isinstance(each, Iterable) or len(tuple(each)) != 2:
            raise TypeError(f"{right}, not {shown(values)}")
    return tuple((str(key), str(value)) for key, value in values)


def optional(about: str, value, of: str = "an instance") -> Callable[..., Any] | None:
    """A function or None. Raises TypeError."""
    if value is not None and not callable(value):
        raise TypeError(f"{about} is a function of {of}, not {shown(value)}")
    return value


def criterion(value, points: int) -> Callable[..., Any] | None:
    """A function of so many points, or None. Raises TypeError."""
    of = "one point" if points == 1 else "two points"
    if optional("violated", value, of) is not None:
        with contextlib.suppress(ValueError):  # it has no signature
            signature = inspect.signature(value)
            try:
                signature.bind(*range(points))
            except TypeError:
                told = f"{getattr(value, '__name__', 'it')}{signature}"
                raise TypeError(f"violated is a function of {of}, not {told}") from None
    return value


def strategy(given):
    """What draws instances. Raises TypeError for what does not."""
    hypothesis = sys.modules.get("hypothesis.strategies")
    is_class = inspect.isclass(given)
    if not is_class and (
        callable(getattr(given, "strategy", None))
        or hasattr(type(given), "drawn_by")
        or (hypothesis is not None and isinstance(given, hypothesis.SearchStrategy))
    ):
        return given
    right = "given is a strategy such as instances() or one of Hypothesis's"
    if is_class or callable(given):
        raise TypeError(f"{right}, not a function or class that makes one: call it")
    raise TypeError(f"{right}, not {shown(given)}")


def function_of(claimed, id: str):
    """The function that states a claim: of one instance, and no generator or coroutine.

    Raises TypeError.
    """
    right = f"@claim decorates a function of one instance that returns a Margin ({id})"
    name = getattr(claimed, "__name__", "it")
    if inspect.isclass(claimed):
        raise TypeError(f"{right}, not the class {name}")
    if not callable(claimed) or not hasattr(claimed, "__module__"):
        raise TypeError(f"{right}, not {shown(claimed)}")
    try:
        signature = inspect.signature(claimed)
    except (TypeError, ValueError):
        return claimed
    try:
        signature.bind(None)
    except TypeError:
        raise TypeError(f"{right}, not {name}{signature}") from None
    kinds = {"async": inspect.iscoroutinefunction, "a generator": inspect.isgeneratorfunction}
    for what, is_it in kinds.items():
        if is_it(claimed):
            raise TypeError(f"{right}: {name} is {what}")
    return claimed


def place(function) -> str:
    """Where a function is written: file:line, or its name where there is no file."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return repr(getattr(function, "__name__", function))
    return f"{short(code.co_filename)}:{code.co_firstlineno}"


def short(path: str) -> str:
    """The path as one would type it from here."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path


def must_be(kind: type, name: str, value, hint: str = "") -> None:
    """Raise TypeError, with the hint, unless the value given by a name is of a kind."""
    if not isinstance(value, kind):
        what = "None" if value is None else f"a {type(value).__name__}"
        given = f"the class {value.__name__}" if inspect.isclass(value) else what
        told = f": {hint}" if hint else ""
        raise TypeError(f"{name} is of type {kind.__name__}, not {given}{told}")


def shown(value, limit: int = 60) -> str:
    """A value as a message shows it."""
    try:
        found = " ".join(repr(value).split())
    except Exception:
        found = f"a {type(value).__name__}"
    return found if len(found) <= limit else f"{found[: limit - 1]}…"
