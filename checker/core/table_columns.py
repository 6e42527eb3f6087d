"""Columns of a table as numbers: missing cells, percentages, thousands, True and False, classes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncfcheck.core.table_files import MISSING, TableError, is_number, named

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TRUTHS = {"true": 1.0, "false": 0.0}
# What stands between thousands, by decimal mark.
MARKS = {".": "[,'’ \u00a0\u202f]", ",": "[.'’ \u00a0\u202f]"}
CLOSE = 0.6  # how alike a name is that may have been meant (difflib's ratio)


@dataclass(frozen=True)
class Numbers:
    """A column as floats, NaN where a cell is missing or no number.

    `how` tells how they were read where that is not plain; `odd` where the first cell is that is no
    number, empty if there is none.
    """

    values: np.ndarray
    how: str = ""
    odd: str = ""


def numbers(column: pd.Series, decimal: str = ".") -> Numbers:
    """The column as numbers, as far as it has any."""
    import numpy as np
    import pandas as pd

    types = pd.api.types
    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
        if not types.is_complex_dtype(column):
            return Numbers(column.to_numpy(dtype=float, na_value=np.nan))
    cells = texts(column)
    there = cells.dropna()
    truths = there.str.lower().map(TRUTHS)
    if len(there) and truths.notna().all():
        return Numbers(truths.reindex(cells.index).to_numpy(float), "True as 1 and False as 0")
    plain, how, scale = _unmarked(cells, there, decimal)
    values = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=float) / scale
    odd = cells[cells.notna() & np.isnan(values)]
    return Numbers(values, how, f"row {odd.index[0] + 1}: {odd.iloc[0]!r}" if len(odd) else "")


def texts(column: pd.Series) -> pd.Series:
    """The cells as text without spaces around them, NaN where they are missing."""
    cells = column.astype(object).map(str, na_action="ignore").astype(object)
    cells = cells.map(str.strip, na_action="ignore")
    return cells.mask(cells.isin(["", *MISSING]))


def _unmarked(cells: pd.Series, there: pd.Series, decimal: str) -> tuple[pd.Series, str, float]:
    """Cells without percent signs and thousands separators, what there was, what to divide by."""
    how, scale = [], 1.0
    if len(there) and there.str.endswith("%").all():
        cells, scale = cells.str.removesuffix("%").str.strip(), 100.0
        how.append("percentages, divided by 100")
    mark = MARKS.get(decimal, MARKS["."])
    grouped = cells.str.fullmatch(rf"[-+]?\d{{1,3}}({mark}\d{{3}})+(\{decimal}\d+)?", na=False)
    if grouped.any():
        cells = cells.mask(grouped, cells.str.replace(mark, "", regex=True))
        how.append("thousands separated")
    return cells.str.replace(decimal, ".", regex=False), " and ".join(how), scale


def labels(column: pd.Series, decimal: str) -> tuple[Numbers, bool]:
    """Labels of the target column, and whether they are classes: two values are −1 and +1."""
    found = numbers(column, decimal)
    cells = texts(column)
    classes = sorted(cells.dropna().unique())
    is_text = bool(found.odd) or found.how.startswith("True")
    if not is_text or len(classes) < 2:
        return found, False
    if found.odd and any(found.values == found.values):
        raise TableError(
            f"target column {column.name!r}, {found.odd} is not a number, but others in it are"
        )
    if len(classes) == 2:
        low, high = classes
        return Numbers(_signs(cells, high), f"{low!r} is -1, {high!r} is +1"), True
    raise TableError(
        f"target column {column.name!r} has {len(classes)} values, which are no numbers "
        f"({named(classes)}); take one against the others: --target '{column.name}={classes[0]}'"
    )


def one_class(column: pd.Series, value: str) -> Numbers:
    """+1 where the column has the value, −1 where another. Raises TableError if none has it."""
    cells = texts(column)
    high: str | float = value
    if is_number(value) and not (found := numbers(column)).odd:
        cells, high = cells.where(cells.isna(), found.values), float(value)
    if not (cells == high).any():
        there = sorted(cells.dropna().unique())
        raise TableError(f"column {column.name!r} has no {value!r}; {offered(value, there)}")
    return Numbers(_signs(cells, high), f"{value!r} is +1, all others are -1")


def _signs(cells: pd.Series, high) -> np.ndarray:
    import numpy as np

    return np.where(cells.isna(), np.nan, np.where(cells == high, 1.0, -1.0))


def offered(name, names: Iterable) -> str:
    """What there is instead of `name`, the closest first where it may have been mistyped."""
    there = {str(each).lower(): each for each in names}
    close = difflib.get_close_matches(str(name).lower(), list(there), cutoff=CLOSE)
    meant = f"did you mean {named(there[each] for each in close)}? " if close else ""
    return f"{meant}it has {named(names)}"
