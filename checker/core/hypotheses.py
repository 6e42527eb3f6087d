"""Hypotheses as functions: of what does not fulfil one, they say so or return what does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ncfcheck.core.claims import Inapplicable


def fulfilled(hypothesis: Callable, value):
    """The value where it fulfils the hypothesis, or what that returns in its place.

    A hypothesis returns True where it is fulfilled; False, or raises Inapplicable, where it is not;
    or a value of the same kind that fulfils it. Raises TypeError for anything else.
    """
    found = hypothesis(value)
    if isinstance(found, bool | np.bool_):
        if found:
            return value
        raise Inapplicable(f"the hypothesis {name_of(hypothesis)} is not fulfilled")
    if type(found) is not type(value):
        what = "nothing (is a `return` missing?)" if found is None else f"a {type(found).__name__}"
        raise TypeError(
            f"the hypothesis {name_of(hypothesis)} returned {what}; it returns True or False, "
            f"or a value of type {type(value).__name__} that fulfils it"
        )
    return found


def name_of(function: Callable) -> str:
    """A function's name, as its author knows it."""
    return getattr(function, "__name__", repr(function))
