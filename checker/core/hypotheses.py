"""Hypotheses as functions: of what does not fulfil one, they say so or return what does."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.stated import place


def fulfilled(hypothesis: Callable, value):
    """The value where it fulfils the hypothesis, or what that returns in its place.

    A hypothesis returns True where it is fulfilled; False, or raises Inapplicable, where it is not;
    or a value of the same kind that fulfils it. Raises TypeError for anything else, Inapplicable
    that says which hypothesis it is.
    """
    try:
        found = hypothesis(value)
    except Inapplicable as reason:
        if not hasattr(hypothesis, "__name__"):  # put together here of such, which are named
            raise
        raise Inapplicable(f"the hypothesis {placed(hypothesis)}: {reason}") from reason
    if isinstance(found, bool | np.bool_):
        if found:
            return value
        raise Inapplicable(f"the hypothesis {placed(hypothesis)} is not fulfilled")
    if type(found) is not type(value):
        what = "nothing (is a `return` missing?)" if found is None else f"a {type(found).__name__}"
        raise TypeError(
            f"the hypothesis {name_of(hypothesis)} returned {what}; it returns True or False, "
            f"or a value of type {type(value).__name__} that fulfils it"
        )
    return found


def placed(function: Callable) -> str:
    """A function's name, and where it is written if that is known."""
    written = hasattr(inspect.unwrap(function), "__code__")
    return f"{name_of(function)} ({place(function)})" if written else name_of(function)


def name_of(function: Callable) -> str:
    """A function's name, as its author knows it."""
    return getattr(function, "__name__", repr(function))
