"""Ledgers that several hunts begin, that may only be read, that are damaged, locked, full."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

from ncfcheck.app import cli
from ncfcheck.verdicts import ledger, ledger_file
from ncfcheck.verdicts.ledger import Ledger, LedgerError, instances_tested
from tests.support.commands import claim_file
from tests.support.machines import bounded, small_disk, told_once

ROW = ("D=3", "an instance", 0.5, 1e-9, "holds", "", 0.01, None)
PAIRS = 20
HUNTED = '''
from hypothesis import strategies as st

@claim("mine.true", kind=CONJECTURE, reference="-", given=st.integers(0, 9))
def true(instance):
    """A number is at least zero."""
    return Margin(1.0 + instance, 0.5)
'''


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reports" / "ledger.sqlite"


def write(path, seed: int = 0, shards: int = 1) -> None:
    """A hunt of some shards of one instance."""
    with Ledger(path) as found:
        hunt = found.begin("a.b", seed, {}, {})
        for shard in range(shards):
            found.record(hunt, (0, shard), "drawn", {}, [ROW], bool(shard % 2))


def abandoned(path) -> None:
    """A ledger of a hunt that was killed: what it wrote last is in a file beside it."""
    script = f"""
import os, pathlib
from ncfcheck.verdicts.ledger import Ledger
ledger = Ledger(pathlib.Path({str(path)!r}))
hunt = ledger.begin("a.b", 0, {{}}, {{}})
ledger.record(hunt, (0, 0), "drawn", {{}}, [{ROW!r}], False)
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert path.with_name(f"{path.name}-wal").stat().st_size


def together(work, count: int) -> list[Exception]:
    """What was raised by so many threads that begin at the same moment."""
    gate, errors = threading.Barrier(count), []

    def run(number):
        gate.wait()
        try:
            work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return errors


def test_hunts_that_begin_a_ledger_together(tmp_path):
    """4 hunts begun at once in an empty folder, 20 times → each has its hunt and its instances"""
    for attempt in range(PAIRS):
        path = tmp_path / str(attempt) / "ledger.sqlite"
        assert together(lambda number, path=path: write(path, number, 3), 4) == []
        assert sorted(instances_tested(path).groupby("seed").size().tolist()) == [3] * 4


@pytest.mark.long
def test_commands_that_begin_a_ledger_together(tmp_path):
    """two `ncfcheck hunt` begun at once in an empty folder, 20 pairs → exit code 0, all is there"""
    claim_file(tmp_path, HUNTED)
    for pair in range(PAIRS):
        shutil.rmtree(tmp_path / "reports", ignore_errors=True)
        run = [sys.executable, "-m", "ncfcheck", "hunt", "mine.true", "--claims", "mine.py"]
        run += ["--budget", "20", "--workers", "1", "--quiet", "--seed"]
        options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        hunts = [subprocess.Popen([*run, str(seed)], **options) for seed in (0, 1)]
        ended = [(*each.communicate(), each.returncode) for each in hunts]
        assert [code for *_, code in ended] == [0, 0], (pair, ended)
        tested = instances_tested(tmp_path / "reports" / "ledger.sqlite")
        assert sorted(tested.seed.unique()) == [0, 1]


READ = """
import sys
from ncfcheck import instances_tested
print(len(instances_tested(sys.argv[1])))
"""


@pytest.mark.parametrize("kind", ["closed", "abandoned"])
def test_a_ledger_in_a_folder_that_may_only_be_read(kind, path):
    """a ledger in a read-only folder, also of a hunt that was killed → all its rows are read"""
    write(path) if kind == "closed" else abandoned(path)
    for each in path.parent.glob(f"{path.name}-shm"):
        each.unlink()
    path.parent.chmod(0o555)
    try:
        done = subprocess.run(
            bounded(sys.executable, "-c", READ, path), capture_output=True, text=True
        )
        left = sorted(each.name for each in path.parent.iterdir())
    finally:
        path.parent.chmod(0o755)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert left == ["ledger.sqlite"] + ["ledger.sqlite-wal"] * (kind == "abandoned")


def garbage(path):
    path.write_bytes(b"no database at all" * 100)


def cut(path):
    write(path, shards=200)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def torn(path):
    write(path, shards=200)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))


def another(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mine (x)")


def newer(path):
    write(path)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")


def folder(path):
    path.mkdir()


DAMAGED = {
    garbage: "no ledger, or damaged; move it away",
    cut: "damaged; move it away",
    torn: "damaged; move it away",
    another: "is not a ledger: move it away",
    newer: "is a ledger of version 99, this program's are of 1: move it away",
    folder: "is not one that can be used",
}


@pytest.mark.parametrize("damage", DAMAGED, ids=lambda damage: damage.__name__)
def test_a_ledger_that_is_damaged(damage, path, toys, tmp_path, monkeypatch, capsys):
    """a ledger cut, garbage, newer, another database, a folder: hunt → exit code 2, what to do"""
    path.parent.mkdir(exist_ok=True)
    damage(path)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["hunt", "toy.true", "--budget", "10", "--workers", "1"]) == 2
    err = capsys.readouterr().err
    assert told_once(err, "") and "ledger.sqlite" in err and DAMAGED[damage] in err
    if path.is_file():
        with pytest.raises(LedgerError, match="ledger"):
            instances_tested(path)


def test_a_ledger_that_another_process_holds(path, monkeypatch):
    """another process holds the ledger for a while, or for good → the hunt waits, then says so"""
    write(path)
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    for module in (ledger, ledger_file):
        monkeypatch.setattr(module, "WAIT", 0.3)
    with pytest.raises(LedgerError, match="another process holds it; wait for that") as told:
        Ledger(path)
    assert "\n" not in str(told.value)
    for module in (ledger, ledger_file):
        monkeypatch.setattr(module, "WAIT", 20.0)
    freed = threading.Timer(0.5, holder.execute, ("ROLLBACK",))
    freed.start()
    write(path, seed=1)
    freed.join()
    assert sorted(instances_tested(path).seed) == [0, 1]


def test_a_ledger_on_a_full_disk(tmp_path, toys, monkeypatch, capsys):
    """a hunt in a folder on a full disk → exit code 2 and one line that says so"""
    with small_disk(tmp_path / "small", "16k") as disk:
        monkeypatch.chdir(disk)
        assert cli.main(["hunt", "toy.true", "--budget", "10", "--workers", "1"]) == 2
        err = capsys.readouterr().err
        monkeypatch.chdir(tmp_path)
    assert told_once(err, "cannot write reports/ledger.sqlite: the disk is full")
