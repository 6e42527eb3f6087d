"""The ledger: every instance that hunts tested, in one SQLite file with one writer, the process
that hunts.

Each shard of a hunt is one transaction, committed as soon as its results arrive. In WAL mode a
process that is killed loses nothing of what was committed, and what was not is at most what arrived
since. Shards with a counterexample are synchronised to disk before anything else is done, so that
not even a loss of power takes one away.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ncfcheck.verdicts.ledger_file import (
    PATH,
    VERSION,
    WAIT,
    LedgerError,
    is_ledger,
    reason_of,
    to_read,
)

__all__ = ["PATH", "Ledger", "LedgerError", "instances_tested"]


PAUSE = 0.05  # seconds between attempts where SQLite does not wait by itself
SCHEMA = """
CREATE TABLE hunts (
    hunt INTEGER PRIMARY KEY, claim TEXT NOT NULL, seed INTEGER NOT NULL,
    options TEXT NOT NULL, versions TEXT NOT NULL, started TEXT NOT NULL
);
CREATE TABLE shards (
    hunt INTEGER NOT NULL REFERENCES hunts, generation INTEGER NOT NULL, shard INTEGER NOT NULL,
    strategy TEXT NOT NULL, seconds REAL NOT NULL, cut INTEGER NOT NULL, report BLOB NOT NULL,
    PRIMARY KEY (hunt, generation, shard)
) WITHOUT ROWID;
CREATE TABLE instances (
    hunt INTEGER NOT NULL, generation INTEGER NOT NULL, shard INTEGER NOT NULL,
    number INTEGER NOT NULL, strategy TEXT NOT NULL, stratum TEXT NOT NULL, spec TEXT NOT NULL,
    margin REAL, error REAL, outcome TEXT NOT NULL, note TEXT NOT NULL, seconds REAL NOT NULL,
    instance TEXT, PRIMARY KEY (hunt, generation, shard, number)
) WITHOUT ROWID;
"""


class Ledger:
    """The open ledger of one hunt at a time; a context that closes it. Raises LedgerError."""

    def __init__(self, path: Path = PATH):
        self.path = Path(path)
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.database = sqlite3.connect(self.path, isolation_level=None, timeout=WAIT)
            try:
                self._prepare()
            except BaseException:
                self.database.close()
                raise

    def _prepare(self) -> None:
        """Make the tables if there are none: several hunts may begin at the same time."""
        with self._transaction(lasting=False) as database:
            if not is_ledger(database, self.path, or_empty=True):
                for statement in SCHEMA.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {VERSION}")
        self._write_ahead()
        database.execute("PRAGMA synchronous = NORMAL")

    def _write_ahead(self) -> None:
        """Change to WAL mode, for which SQLite itself does not wait."""
        until = time.monotonic() + WAIT
        while True:
            try:
                self.database.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(PAUSE)

    def begin(self, claim: str, seed: int, options: dict, versions: dict[str, str]) -> int | None:
        """A new hunt; its number."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        row = claim, seed, _canonical(options), _canonical(versions), now
        columns = "claim, seed, options, versions, started"
        with self._told():
            query = f"INSERT INTO hunts ({columns}) VALUES (?, ?, ?, ?, ?)"
            return self.database.execute(query, row).lastrowid

    def latest(self, claim: str, seed: int, options: dict) -> int | None:
        """The last hunt begun with the same claim, seed and options; None if there is none."""
        with self._told():
            query = "SELECT max(hunt) FROM hunts WHERE claim = ? AND seed = ? AND options = ?"
            return self.database.execute(query, (claim, seed, _canonical(options))).fetchone()[0]

    def shards(self, hunt: int) -> Iterator[tuple[int, int, dict]]:
        """Generation, number and report of every shard of a hunt that was done, none cut short."""
        with self._told():
            query = (
                "SELECT generation, shard, report FROM shards WHERE hunt = ? AND NOT cut ORDER BY "
                "generation, shard"
            )
            for generation, shard, report in self.database.execute(query, (hunt,)):
                yield generation, shard, _unpacked(report)

    def report(self, hunt: int, place: tuple[int, int]) -> dict:
        """The report of one of these shards."""
        with self._told():
            query = "SELECT report FROM shards WHERE hunt = ? AND generation = ? AND shard = ?"
            return _unpacked(self.database.execute(query, (hunt, *place)).fetchone()[0])

    def record(
        self,
        hunt: int,
        place: tuple[int, int],
        strategy: str,
        report: dict,
        rows: list[tuple],
        lasting: bool,
    ) -> bool:
        """Write a shard at `place` (generation, shard) in one transaction; False if it was there.

        `rows` are (stratum, spec, margin, error, outcome, note, seconds, instance) of its
        instances. A `lasting` shard is on the disk, not only with the operating system, when this
        returns, and always counts as whole; another that was cut short, as its report says, is
        replaced by the same one written later.
        """
        cut = bool(report.get("cut")) and not lasting
        packed = zlib.compress(json.dumps(report).encode())
        with self._told(), self._transaction(lasting) as database:
            same = "WHERE hunt = ? AND generation = ? AND shard = ?"
            if database.execute(f"DELETE FROM shards {same} AND cut", (hunt, *place)).rowcount:
                database.execute(f"DELETE FROM instances {same}", (hunt, *place))
            shard = (hunt, *place, strategy, report.get("seconds", 0.0), cut, packed)
            query = "INSERT OR IGNORE INTO shards VALUES (?, ?, ?, ?, ?, ?, ?)"
            if not database.execute(query, shard).rowcount:
                return False
            numbered = [(hunt, *place, number, strategy, *row) for number, row in enumerate(rows)]
            database.executemany(f"INSERT INTO instances VALUES ({', '.join('?' * 13)})", numbered)
        return True

    @contextmanager
    def _transaction(self, lasting: bool) -> Iterator[sqlite3.Connection]:
        database = self.database
        if lasting:
            database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        finally:
            if lasting:
                database.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def _told(self):
        try:
            yield
        except (sqlite3.Error, OSError, zlib.error, ValueError) as error:
            raise LedgerError(f"cannot write {self.path}: {reason_of(error)}") from error

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_) -> None:
        self.database.close()


def instances_tested(path: Path = PATH, claim: str | None = None):
    """Instances tested, of a claim or of all, as a pandas DataFrame, one a row. Raises LedgerError.

    Columns: hunt, claim, seed, generation, shard, number, strategy, stratum, spec, margin, error,
    outcome, note, seconds, instance (JSON as in witness files, of violations and of the worst
    margins; otherwise None).
    """
    import pandas

    if not Path(path).is_file():
        raise LedgerError(f"there is no ledger at {path}: `ncfcheck hunt` writes it")
    query = (
        "SELECT hunt, claim, seed, generation, shard, number, strategy, stratum, spec, margin, "
        "error, outcome, note, seconds, instance FROM instances JOIN hunts USING (hunt) "
        "WHERE ?1 IS NULL OR claim = ?1 ORDER BY hunt, generation, shard, number"
    )
    try:
        with to_read(path) as database:
            return pandas.read_sql_query(query, database, params=(claim,))
    except pandas.errors.DatabaseError as error:
        raise LedgerError(f"cannot read {path}: {reason_of(error)}") from error


def _unpacked(report: bytes) -> dict:
    return json.loads(zlib.decompress(report))


def _canonical(value: dict) -> str:
    return json.dumps(value, sort_keys=True)
