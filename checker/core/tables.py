"""The user's table: a file of numbers, or a DataFrame, with one column to predict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ncfcheck.core.table_columns import Numbers, labels, numbers, offered, one_class
from ncfcheck.core.table_files import TableError, is_number, named, read_file

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Table", "TableError", "read_table"]

EXACT, WORD = 2.0**53, 2.0**64  # where floats begin to skip integers; where words end
COUNTED = 3  # rows, at least, for a column to be taken for their numbers


@dataclass(frozen=True)
class Table:
    """Features X (rows × columns), labels y (rows), and notes on what was understood how."""

    name: str
    columns: tuple[str, ...]
    X: np.ndarray
    y: np.ndarray
    notes: tuple[str, ...] = ()


def read_table(
    source: str | Path | pd.DataFrame,
    target: str,
    standardise: bool = True,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> Table:
    """Numeric columns of a file or a DataFrame as features, column `target` as labels.

    The file is CSV, compressed or not, or Parquet; `delimiter` and `decimal` are found out where
    they are not given. Rows with a missing cell are left out, and columns that are no numbers. A
    target of two values that are no numbers gives labels ±1; of more, `target="column=value"` is
    that value against the others. Standardised: features have mean 0 and variance 1, constant ones
    are left out; numeric labels are divided by their standard deviation, not centred, so that
    their signs stay. `notes` tell what was left out or converted. Raises TableError.
    """
    path = None if hasattr(source, "columns") else Path(source)
    try:
        found = (source, ".", []) if path is None else read_file(path, delimiter, decimal)
        return _table("table" if path is None else path.name, *found, target, standardise)
    except TableError as error:
        raise TableError(f"{path or 'the table'}: {error}") from None


def _table(name: str, cells, decimal: str, notes: list[str], target: str, standardise: bool):
    """Table of the numeric columns and complete rows, checked and standardised."""
    import numpy as np

    cells = cells.set_axis([str(column).strip() for column in cells.columns], axis=1)
    if not cells.columns.is_unique:
        twice = cells.columns[cells.columns.duplicated()].unique()
        raise TableError(f"has several columns named {named(twice)}; column names must differ")
    cells = cells.reset_index(drop=True).dropna(how="all")
    if len(cells) < 2:
        raise TableError(f"has {_rows(len(cells))} below the column names; at least two are needed")
    column, y, are_classes = _target(cells, target, decimal)
    features, told = _features(cells.drop(columns=column), decimal)
    if all(map(is_number, cells.columns)):
        told.append(f"its first row, taken for names, is all numbers: {named(cells.columns)}")
    if not features:
        left = "".join(f"; {each}" for each in told)
        raise TableError(f"has no numeric column besides the target {column!r}{left}")
    if y.how:
        told.append(f"target {column!r}: {y.how}")
    found, gaps = _complete({**features, column: y.values}, cells.index)
    labels = found.pop(column)
    if _is_constant(labels):
        raise TableError(f"target column {column!r} is constant; there is nothing to predict")
    constant = [each for each in found if _is_constant(found[each])]
    if len(constant) == len(found):
        every = "; ".join([f"every feature column is constant ({named(constant)})", *told])
        raise TableError(f"{every}; there is nothing to learn from")
    notes = [*notes, *told, *gaps]
    if standardise:
        notes += [f"left out, constant: {named(constant)}"] * bool(constant)
        found = {each: _standard(found[each]) for each in found if each not in constant}
        labels = labels if are_classes else labels / _deviation(labels)
    return Table(name, tuple(found), np.column_stack(list(found.values())), labels, tuple(notes))


def _target(cells: pd.DataFrame, target: str, decimal: str) -> tuple[str, Numbers, bool]:
    """Name of the target's column, its labels, and whether they are the signs of classes."""
    if target in cells.columns:
        return target, *labels(cells[target], decimal)
    column, equals, value = target.partition("=")
    if equals and column in cells.columns:
        return column, one_class(cells[column], value), True
    names = list(cells.columns)
    hint = "; is its first row, of column names, missing?" if any(map(is_number, names)) else ""
    hint = "; what separates its cells? give --delimiter" if len(names) == 1 else hint
    raise TableError(f"has no column {target!r}; {offered(target, names)}{hint}")


def _features(cells: pd.DataFrame, decimal: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """The columns that are numbers, and notes on the others and on what looks wrong."""
    import numpy as np

    read = {name: numbers(cells[name], decimal) for name in cells.columns}
    blank = {name for name, each in read.items() if np.isnan(each.values).all()}
    counting = [name for name, each in read.items() if _counts(each.values)]
    out = {
        "left out, empty": [name for name in read if name in blank and not read[name].odd],
        "left out, no numbers in it": [name for name in read if name in blank and read[name].odd],
        "left out, unnamed and counts the rows": [each for each in counting if _unnamed(each)],
    }
    left = {name for names in out.values() for name in names}
    notes = [f"{why}: {named(names)}" for why, names in out.items() if names]
    for name, each in read.items():
        if each.odd and name not in left:
            left.add(name)
            notes.append(f"left out, not all of it numbers: {name!r} ({each.odd})")
    kept = {name: each for name, each in read.items() if name not in left}
    for how in dict.fromkeys(each.how for each in kept.values() if each.how):
        notes.append(f"{how}: {named(name for name in kept if kept[name].how == how)}")
    if index := [name for name in counting if name in kept]:
        notes.append(f"counts the rows, delete it if it is no feature: {named(index)}")
    if rounded := [name for name in kept if _is_rounded(kept[name].values)]:
        notes.append(f"integers beyond 2^53, which are rounded: {named(rounded)}")
    return {name: each.values for name, each in kept.items()}, notes


def _unnamed(name: str) -> bool:
    return not name or name.startswith("Unnamed:")


def _counts(values: np.ndarray) -> bool:
    """Whether these are 0, 1, 2, … or 1, 2, 3, …"""
    import numpy as np

    is_long = len(values) >= COUNTED and values[0] in (0, 1)
    return bool(is_long and (values == values[0] + np.arange(len(values))).all())


def _is_rounded(values: np.ndarray) -> bool:
    """Whether integers among them may have lost digits as floats."""
    import numpy as np

    there = np.abs(values[np.isfinite(values)])
    largest = there.max(initial=0.0)
    return bool(EXACT <= largest <= WORD and (there == np.round(there)).all())


def _complete(columns: dict[str, np.ndarray], rows) -> tuple[dict[str, np.ndarray], list[str]]:
    """The rows without a missing cell, which must be finite and two at least."""
    import numpy as np

    for name, values in columns.items():
        if np.isinf(values).any():
            where = f"row {rows[np.isinf(values).argmax()] + 1}, column {name!r}"
            raise TableError(f"{where}: an infinite number; only finite ones can be used")
    missing = {name: np.isnan(values) for name, values in columns.items()}
    whole = ~np.any(list(missing.values()), axis=0)
    gaps = "; ".join(f"{name!r} in {gap.sum()}" for name, gap in missing.items() if gap.any())
    if whole.sum() < 2:
        few = f"has {_rows(whole.sum())} without a missing cell"
        raise TableError(f"{few} (missing: {gaps}); at least two are needed")
    notes = [f"left out, incomplete: {_rows((~whole).sum())} of {len(whole)} (missing: {gaps})"]
    return {name: values[whole] for name, values in columns.items()}, notes * (not whole.all())


def _is_constant(values: np.ndarray) -> bool:
    return bool(values.min() == values.max())  # their difference may overflow


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _standard(values: np.ndarray) -> np.ndarray:
    """(x − mean) / standard deviation."""
    values = values / abs(values).max()  # so that huge values do not overflow when squared
    return (values - values.mean()) / values.std()


def _deviation(values: np.ndarray) -> float:
    scale = abs(values).max()
    return scale * (values / scale).std()
