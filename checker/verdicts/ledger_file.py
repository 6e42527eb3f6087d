"""The file of the ledger: what is one, opened to be read wherever it lies, and what SQLite says."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from ncfcheck.core.errors import CannotRun

PATH = Path("reports") / "ledger.sqlite"
VERSION = 1
WAIT = 30.0  # seconds for another process that writes to the same file
AGAIN = "move it away, and a hunt begins a new one"
TOLD = {  # what messages of SQLite with these words mean
    "full": "the disk is full",
    "disk I/O": "the disk is full",
    "too big": "the disk is full",
    "locked": "another process holds it; wait for that, or hunt from another folder",
    "not a database": f"it is no ledger, or damaged; {AGAIN}",
    "unable to open": "it, or its folder, is not one that can be used",
    "malformed": f"it is damaged; {AGAIN}",
}


class LedgerError(CannotRun):
    """The ledger cannot be used; the message names the file and says why, in one line."""


@contextmanager
def to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """A context with the ledger at `path`, which it neither changes nor makes. Raises LedgerError.

    Where its folder cannot be written, what a hunt that was killed left in a file of its own is
    read from a copy.
    """
    path = Path(path).absolute()
    log = path.with_name(f"{path.name}-wal")
    with ExitStack() as stack:
        try:
            database = stack.enter_context(_opened(path, "mode=ro"))
            if not _can_query(database) and not os.access(path.parent, os.W_OK):
                if log.is_file() and log.stat().st_size:
                    folder = stack.enter_context(tempfile.TemporaryDirectory())
                    for each in (log, path):
                        copied = shutil.copy(each, folder)
                    database = stack.enter_context(_opened(copied, "mode=rw"))
                else:
                    database = stack.enter_context(_opened(path, "immutable=1"))
            is_ledger(database, path)
            yield database
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"cannot read {path}: {reason_of(error)}") from error


def _opened(path: str | Path, how: str) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{Path(path).as_uri()}?{how}", uri=True, timeout=WAIT))


def _can_query(database: sqlite3.Connection) -> bool:
    try:
        database.execute("PRAGMA user_version").fetchone()
        return True
    except sqlite3.OperationalError:
        return False


def is_ledger(database: sqlite3.Connection, path: Path, or_empty: bool = False) -> bool:
    """Whether it is, or if allowed an empty file. Raises LedgerError for anything else."""
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return True
    if version:
        raise LedgerError(
            f"{path} is a ledger of version {version}, this program's are of {VERSION}: {AGAIN}"
        )
    is_empty = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not or_empty or not is_empty:
        raise LedgerError(f"{path} is not a ledger: {AGAIN}")
    return False


def reason_of(error: Exception) -> str:
    """What SQLite or the system said, after what it means where that is known."""
    message = " ".join(str(getattr(error, "strerror", None) or error).split())
    for word, meaning in TOLD.items():
        if word in message:
            return f"{meaning} ({message})"
    return message
