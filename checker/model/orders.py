"""Orders of homogeneity of a program's units, told from its instructions."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.instructions import (
    DENSE,
    ELEMENTWISE,
    EXPONENTIAL,
    ONES,
    POWER,
    PRODUCT,
    WEIGHTED,
)

Array = np.ndarray


def orders(inputs: int, instructions, ends: Array) -> Array:
    """For every unit its order in each group of weights alone, in all weights together, and the
    order that it looks like having, (units, groups + 2); NaN where it has none.

    `ends` (groups,) says where the groups end. Exact: terms that are added must agree. What looks
    is the highest order of terms, exp that of its argument, and a quotient that of its numerator.
    """
    found = np.zeros((instructions[-1].stop, ends.size + 2))
    for each in instructions:
        found[each.start : each.stop] = _of(each, found, ends)
    return found


def _of(each, found: Array, ends: Array) -> Array:
    """Those of the units of one instruction, whose sources have theirs."""
    if each.op == ONES:
        return np.zeros((each.stop - each.start, found.shape[1]))
    terms = found[each.sources]
    if each.op in ELEMENTWISE:
        return _elementwise(each, terms)
    if each.op == DENSE:
        rows, columns = each.others.shape
        terms = terms.reshape(columns, -1, found.shape[1]) + _weights(each.others[:1, :1], ends)
        return np.tile(_agreed(terms.min(axis=0), terms.max(axis=0)), (rows, 1))
    if each.op == WEIGHTED:
        terms = terms + _weights(each.others, ends)
    if each.op == PRODUCT:
        terms = terms + found[each.others]
    lowest = np.full((each.stop - each.start, found.shape[1]), np.inf)
    highest = -lowest
    np.minimum.at(lowest, each.targets - each.start, terms)
    np.maximum.at(highest, each.targets - each.start, terms)
    return _agreed(lowest, highest)


def _elementwise(each, terms: Array) -> Array:
    if each.op == POWER:
        return each.power * terms
    found = np.where(terms == 0, 0.0, np.nan)
    found[:, -1] = terms[:, -1] if each.op == EXPONENTIAL else 0.0
    return found


def _weights(numbers: Array, ends: Array) -> Array:
    """The orders of single parameters, (…, groups + 2)."""
    found = np.zeros((*numbers.shape, ends.size + 2))
    groups = np.searchsorted(ends, numbers, side="right")
    np.put_along_axis(found, groups[..., None], 1.0, axis=-1)
    found[..., -2:] = 1.0
    return found


def _agreed(lowest: Array, highest: Array) -> Array:
    """The order of a sum of terms from the lowest to the highest; NaN where they differ."""
    found = np.where(lowest == highest, highest, np.nan)
    found[:, -1] = highest[:, -1]
    return found
