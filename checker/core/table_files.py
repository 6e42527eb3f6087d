"""Files of tables as DataFrames; how a file is written is found out, and told in notes."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import dropwhile
from lzma import LZMAError
from pathlib import Path
from typing import TYPE_CHECKING

from ncfcheck.core.errors import CannotRun

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = (",", ";", "\t", "|")
SPACES = r"\s+"
NAMES = {";": "semicolons", "\t": "tabs", "|": "bars", SPACES: "spaces"}
SEPARATORS = {"tab": "\t", "\\t": "\t", "space": SPACES, " ": SPACES}  # as people may give them
PARQUET, SPREADSHEETS = (".parquet", ".pq"), (".xlsx", ".xlsm", ".xls", ".ods")
# Cells that stand for nothing, beside those that pandas knows (NA, N/A, NaN, null, None, empty …).
MISSING = ("?", "-", "--", "–", "—", ".", "*", "na", "Na", "NAN", "Nan", "none", "NONE", "Null")
HEAD = 200  # lines that tell how a file is written
COMPRESSED = (".bz2", ".gz", ".tar", ".xz", ".zip", ".zst")  # which pandas reads
STARTS = 1 << 16  # bytes that tell whether a file is text
EXPECTED = "expected a row of column names and at least two rows of numbers"
SHOWN = 8  # names or values in a message, at most

# What readers of pandas raise for files that are not what they seem, or packages that are missing.
READING = (OSError, EOFError, ImportError, LZMAError, ValueError, csv.Error, zlib.error)
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")
COMMA = re.compile(r"[-+]?(\d*|\d{1,3}(\.\d{3})+),\d+([eE][-+]?\d+)?%?")
POINT = re.compile(r"[-+]?[\d,]*\.\d+([eE][-+]?\d+)?%?")


class TableError(CannotRun):
    """The table cannot be used; one line says what is wrong, where, and what would be right."""


def read_file(
    path: Path, delimiter: str | None = None, decimal: str | None = None
) -> tuple[pd.DataFrame, str, list[str]]:
    """The cells by name of column, the decimal mark, and notes on how the file was understood.

    Raises TableError for what is no table, naming what would be.
    """
    suffix = path.suffix.lower()
    if suffix in SPREADSHEETS:
        raise TableError("is a spreadsheet; save its sheet as CSV")
    try:
        path.open("rb").close()
        if suffix in PARQUET:
            return _parquet(path), ".", []
        return _csv(path, delimiter, decimal)
    except FileNotFoundError:
        raise TableError("no such file") from None
    except IsADirectoryError:
        raise TableError("is a directory, not a table") from None
    except READING as error:
        raise TableError(f"cannot be read: {_line(error)}") from None


def _line(error: Exception) -> str:
    """What went wrong, in one line without a C library's preamble."""
    told = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    wide = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", told)
    if wide:
        names, line, cells = wide.groups()
        return f"line {line} has {cells} cells, but there are {names} column names"
    return told


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError:
        told = "is Parquet, which needs pyarrow: pip install 'ncfcheck[parquet]'; or save it as CSV"
        raise TableError(told) from None


def _csv(path: Path, delimiter: str | None, decimal: str | None):
    """Cells of text in whatever encoding: by its byte-order mark, UTF-8, else Windows-1252."""
    first = "".join(_head(path, "latin-1")[:1])
    encoding = "utf-16" if first.startswith(("ÿþ", "þÿ")) else "utf-8-sig"
    if encoding != "utf-16" and _is_binary(path):
        raise TableError("is a binary file, not CSV")
    try:
        return _decoded(path, encoding, delimiter, decimal)
    except UnicodeDecodeError:
        cells, decimal, notes = _decoded(path, "cp1252", delimiter, decimal)
        return cells, decimal, ["is not UTF-8: text in it is read as Windows-1252", *notes]


def _is_binary(path: Path) -> bool:
    """Whether a file, not compressed, starts as no text does: pandas 2 ends lines at a NUL."""
    with path.open("rb") as file:
        return path.suffix.lower() not in COMPRESSED and b"\0" in file.read(STARTS)


def _head(path: Path, encoding: str) -> list[str]:
    """The first lines as they are, decompressed by pandas."""
    import pandas as pd

    how = {"sep": "\x1f", "quoting": csv.QUOTE_NONE, "header": None, "names": ["line"]}
    how |= {"nrows": HEAD, "skip_blank_lines": False, "keep_default_na": False, "dtype": str}
    how |= {"encoding": encoding, "encoding_errors": _errors(encoding)}
    try:
        return pd.read_csv(path, index_col=False, **how)["line"].tolist()
    except pd.errors.EmptyDataError:
        return []


def _decoded(path: Path, encoding: str, delimiter: str | None, decimal: str | None):
    import pandas as pd

    head = _head(path, encoding)
    if any("\0" in line for line in head):
        raise TableError("is a binary file, not CSV")
    if delimiter and len(delimiter) > 1 and delimiter not in SEPARATORS:
        raise TableError(f"its delimiter must be one character, tab or space, not {delimiter!r}")
    lines = list(dropwhile(lambda line: not line.strip() or line.startswith("#"), head))
    if not lines:
        raise TableError(f"is empty; {EXPECTED}")
    sep = SEPARATORS.get(delimiter, delimiter) if delimiter else _delimiter(lines)
    mark = decimal or _decimal(lines, sep)
    notes = []
    if not delimiter and sep != ",":
        notes.append(f"{NAMES[sep]} are between its cells, else give --delimiter")
    if not decimal and mark == ",":
        notes.append("commas are its decimal marks, else give --decimal .")
    names, *rows = ([cell.strip() for cell in row] for row in _rows(lines, sep))
    if rows and len(rows[0]) > len(names):  # pandas takes the first cells for an index then
        seen = f"its rows have {len(rows[0])} cells"
        raise TableError(f"{seen}, but there are {len(names)} column names")
    cells = pd.read_csv(
        path,
        sep=sep,
        decimal=mark,
        encoding=encoding,
        encoding_errors=_errors(encoding),
        skiprows=len(head) - len(lines),
        skipinitialspace=True,
        na_values=list(MISSING),
        low_memory=False,
    )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice and not all(map(is_number, names)):
        raise TableError(f"has several columns named {named(twice)}; column names must differ")
    for name in cells.columns[[each.kind == "O" for each in cells.dtypes]]:
        cells[name] = _overflown(cells[name])
    return cells, mark, notes


def _overflown(column: pd.Series) -> pd.Series:
    """Numbers some of which overflow, which pandas leaves as text up to 2, as ±∞."""
    texts = [cell for cell in column if isinstance(cell, str)]
    return column.astype(float) if texts and all(map(is_number, texts)) else column


def _errors(encoding: str) -> str:
    """Windows-1252, the last resort, reads anything."""
    return "replace" if encoding == "cp1252" else "strict"


def _rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    if delimiter == SPACES:
        return map(str.split, lines)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def _delimiter(lines: list[str]) -> str:
    """What parts the names into most; spaces only where nothing else parts them."""
    csv.field_size_limit(
        max(csv.field_size_limit(), max(map(len, lines)))
    )  # a line may be one field
    parts = {each: len(next(_rows(lines, each))) for each in DELIMITERS}
    return max(parts, key=parts.__getitem__) if max(parts.values()) > 1 else SPACES


def _decimal(lines: list[str], delimiter: str) -> str:
    """A comma where numbers can be read no other way, or in a file that has semicolons for it."""
    cells = [cell.strip() for row in _rows(lines[1:], delimiter) for cell in row]
    commas = [cell for cell in cells if COMMA.fullmatch(cell)]
    points = any(map(POINT.fullmatch, cells))
    clear = not all(map(THOUSANDS.fullmatch, commas))
    return "," if clear or (commas and delimiter != "," and not points) else "."


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def named(things: Iterable) -> str:
    """The first few, quoted, and how many more."""
    all_of_them = list(things)
    shown = ", ".join(repr(thing) for thing in all_of_them[:SHOWN])
    more = len(all_of_them) - SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
