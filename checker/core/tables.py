"""The user's table: a CSV file of numbers with one column to predict."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NAMED = 8  # columns named in a message, at most


class TableError(Exception):
    """The table cannot be used; one line says what is wrong, where, and what would be right."""


@dataclass(frozen=True)
class Table:
    """Features X (rows × columns), labels y (rows), and notes on what was left out."""

    name: str
    columns: tuple[str, ...]
    X: np.ndarray
    y: np.ndarray
    notes: tuple[str, ...] = ()


def read_table(path, target: str, standardise: bool = True) -> Table:
    """Numeric columns of a CSV file (commas, UTF-8, names first) as features, `target` as labels.

    Standardised: every feature has mean 0 and variance 1; labels are divided by their standard
    deviation, not centred, so that their signs stay. Columns without any number are left out, and
    constant ones too when standardising, each with a note. Raises TableError.
    """
    path = Path(path)
    try:
        cells = _cells(_text(path))
        if target not in cells.columns:
            raise TableError(_unknown(target, list(cells.columns)))
        return _table(path.name, cells, target, standardise)
    except TableError as error:
        raise TableError(f"{path}: {error}") from None


def _text(path: Path) -> str:
    """Contents of the file, which must be text."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise TableError("no such file") from None
    except IsADirectoryError:
        raise TableError("is a directory, not a CSV file") from None
    except OSError as error:
        raise TableError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8"
        raise TableError(reason) from None
    if "\0" in text:
        raise TableError("is a binary file, not CSV")
    if not text.strip():
        raise TableError(
            "is empty; expected a row of column names and at least two rows of numbers"
        )
    return text


def _cells(text: str) -> pd.DataFrame:
    """Cells as text, by column name and line in the file; a row must have one for every name."""
    import pandas as pd

    rows = {}
    reader = csv.reader(io.StringIO(text), skipinitialspace=True)
    try:
        for row in filter(None, reader):
            rows[reader.line_num] = [cell.strip() for cell in row]
    except csv.Error as error:
        raise TableError(f"line {reader.line_num}: {error}") from None
    (_, names), *body = rows.items()
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(f"has several columns named {_named(twice)}; column names must differ")
    for line, row in body:
        if len(row) != len(names):
            raise TableError(
                f"line {line}: {_count(row, 'cell')}, but there are {_count(names, 'column name')}"
            )
    if len(body) < 2:
        found = _count(body, "row")
        raise TableError(f"has {found} below the column names; at least two are needed")
    lines, cells = zip(*body)
    return pd.DataFrame(list(cells), index=list(lines), columns=names, dtype=object)


def _table(name: str, cells: pd.DataFrame, target: str, standardise: bool) -> Table:
    """Table of the numeric columns, checked and standardised."""
    import numpy as np

    columns = {column: _numbers(cells[column], column) for column in cells.columns}
    y = columns.pop(target)
    if y is None:
        raise TableError(f"target column {target!r} has no number in it")
    if np.ptp(y) == 0:
        raise TableError(f"target column {target!r} is constant; there is nothing to predict")
    text = [column for column, values in columns.items() if values is None]
    numeric = {column: values for column, values in columns.items() if values is not None}
    constant = [column for column, values in numeric.items() if np.ptp(values) == 0]
    if not numeric:
        raise TableError(f"has no numeric column besides the target {target!r}")
    if len(constant) == len(numeric):
        raise TableError(
            f"every feature column is constant ({_named(constant)}); there is nothing to learn from"
        )
    notes = [f"left out, no numbers in it: {_named(text)}"] * bool(text)
    if standardise:
        notes += [f"left out, constant: {_named(constant)}"] * bool(constant)
        varied = [column for column in numeric if column not in constant]
        numeric = {column: _standard(numeric[column]) for column in varied}
        y = y / _deviation(y)
    return Table(name, tuple(numeric), np.column_stack(list(numeric.values())), y, tuple(notes))


def _numbers(cells: pd.Series, column: str) -> np.ndarray | None:
    """The column as finite floats; None if none is a number. TableError names the first bad one."""
    import numpy as np
    import pandas as pd

    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float)
    bad = (~np.isfinite(values)).nonzero()[0]
    if len(bad) == len(values) and not any(map(_is_infinite, cells)):
        return None
    if len(bad):
        cell, where = cells.iloc[bad[0]], f"line {cells.index[bad[0]]}, column {column!r}"
        if _is_infinite(cell):
            raise TableError(f"{where}: {cell!r} is infinite; only finite numbers can be used")
        if cell.lower() in ("", "nan", "na", "n/a", "null", "none"):
            raise TableError(
                f"{where}: the value is missing ({cell!r}); fill it in or drop the row"
            )
        raise TableError(f"{where}: {cell!r} is not a number, but others in it are")
    return values


def _standard(values: np.ndarray) -> np.ndarray:
    """(x − mean) / standard deviation."""
    values = values / abs(values).max()  # so that huge values do not overflow when squared
    return (values - values.mean()) / values.std()


def _deviation(values: np.ndarray) -> float:
    scale = abs(values).max()
    return scale * (values / scale).std()


def _unknown(target: str, columns: list[str]) -> str:
    hint = "; is it separated by commas?" if len(columns) == 1 else ""
    return f"has no column {target!r}; it has {_named(columns)}{hint}"


def _named(columns: list[str]) -> str:
    shown = ", ".join(repr(column) for column in columns[:NAMED])
    return shown if len(columns) <= NAMED else f"{shown} and {len(columns) - NAMED} more"


def _count(things: list, name: str) -> str:
    return f"{len(things)} {name}" + "s" * (len(things) != 1)


def _is_infinite(cell: str) -> bool:
    """Whether a cell is a number beyond all floats; pandas before 3.0 does not read those."""
    try:
        return math.isinf(float(cell))
    except ValueError:
        return False
