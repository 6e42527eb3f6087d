"""A program as the compiled kernels take it: instructions on units, samples contiguous in each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# What an instruction makes of earlier units a, b and weights w, for every one of its own units o.
DENSE = (
    0  # o = W a, the entries of W one after another; a (columns, positions), o (rows, positions)
)
SUM = 1  # o = c Σ a
WEIGHTED = 2  # o = Σ w a
PRODUCT = 3  # o = Σ a b
MAXIMUM = 4  # o = max a
ONES = 5  # o = 1
POWER = 6  # o = max(a, αa)^p
EXPONENTIAL = 7  # o = exp a
RECIPROCAL = 8  # o = 1/a
INVERSE_ROOT = 9  # o = a^(−1/2)

ELEMENTWISE = (POWER, EXPONENTIAL, RECIPROCAL, INVERSE_ROOT)
OF_ENTRIES = (SUM, WEIGHTED, PRODUCT, MAXIMUM)

# Columns of the table of instructions.
OP = 0
START = 1  # the first of its units
STOP = 2  # the last, plus one
SOURCE = 3  # the first unit that it reads, if dense or elementwise
FIRST = 4  # of its entries
LAST = 5  # the last, plus one
WEIGHT = 6  # the first parameter of a dense one
ROWS = 7
COLUMNS = 8
IS_TIED = 9  # whether others read the weights of a dense one
IS_SHARED = 10  # whether others read the units that a dense one reads
EXPONENT = 11  # p
IS_TRANSPOSED = 12  # whether the matrix of a dense one is stored by columns
FIELDS = 13


class Code(NamedTuple):
    """A program; its units are the inputs, then what does not depend on weights, then the rest."""

    table: np.ndarray  # (instructions, FIELDS) int64
    scalars: np.ndarray  # (instructions,) float64: c of a sum, α of a power
    targets: np.ndarray  # (entries,) int64: the unit o
    sources: np.ndarray  # (entries,) int64: the unit a
    others: np.ndarray  # (entries,) int64: the parameter w or the unit b
    blocks: np.ndarray  # (entries,) int64: so many o, a and b from these on, for one w
    units: int
    fixed: int  # units that depend on no weights
    leading: int  # instructions that depend on none: they come first
    output: int  # the first output
    readers: int  # at most so many times is a unit or a parameter read
    spare: int  # entries of scratch, of weights
    spare_units: int  # and of units
