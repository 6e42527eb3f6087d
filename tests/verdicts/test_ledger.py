"""The ledger: what was written is there, once, whatever happens to the process that wrote it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from ncfcheck.verdicts.ledger import Ledger, LedgerError, instances_tested
from tests.support import ROOT

ROWS = [
    ("D=3", "an instance", 0.5, 1e-9, "holds", "", 0.01, None),
    ("D=4", "another", None, None, "unresolved", "hard", 0.02, None),
]
FOUND = [("D=3", "a counterexample", -1.0, 1e-9, "violates", "", 0.01, '{"tuple": [1]}')]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reports" / "ledger.sqlite"


def begun(ledger, claim="a.b", seed=7):
    return ledger.begin(claim, seed, {"search": 1}, {"python": "3"})


def test_instances_load_as_a_data_frame_with_where_they_come_from(path):
    with Ledger(path) as ledger:
        hunt = begun(ledger)
        assert ledger.record(hunt, (2, 5), "drawn", {"seconds": 0.5}, ROWS, False)
        ledger.record(begun(ledger, "c.d", 8), (0, 0), "mutated", {}, FOUND, True)
    frame = instances_tested(path)
    assert list(frame.columns) == (
        "hunt claim seed generation shard number strategy stratum spec margin error outcome note "
        "seconds instance".split()
    )
    first, second, third = frame.to_dict("records")
    assert (
        first["claim"],
        first["seed"],
        first["generation"],
        first["shard"],
        first["number"],
    ) == ("a.b", 7, 2, 5, 0)
    assert (first["margin"], first["outcome"], first["spec"], second["note"]) == (
        0.5,
        "holds",
        "an instance",
        "hard",
    )
    assert third["instance"] == '{"tuple": [1]}' and third["strategy"] == "mutated"
    assert frame.margin.isna().tolist() == [False, True, False]
    assert instances_tested(path, "c.d").spec.tolist() == ["a counterexample"]


def test_a_shard_is_written_once_however_often_it_arrives(path):
    with Ledger(path) as ledger:
        hunt = begun(ledger)
        assert ledger.record(hunt, (0, 1), "drawn", {}, ROWS, False)
        assert not ledger.record(hunt, (0, 1), "drawn", {}, ROWS, False)
    assert len(instances_tested(path)) == len(ROWS)


def test_a_shard_that_was_cut_short_does_not_count_as_done_and_is_replaced(path):
    with Ledger(path) as ledger:
        hunt = begun(ledger)
        ledger.record(hunt, (0, 0), "drawn", {"cut": True}, ROWS[:1], False)
        ledger.record(
            hunt, (0, 1), "drawn", {"cut": True}, FOUND, True
        )  # a counterexample is never done without
        assert [shard for _, shard, _ in ledger.shards(hunt)] == [1]
        assert ledger.record(hunt, (0, 0), "drawn", {}, ROWS, False) and not ledger.record(
            hunt, (0, 1), "drawn", {}, ROWS, False
        )
    assert instances_tested(path).spec.tolist() == ["an instance", "another", "a counterexample"]


def test_the_last_hunt_of_the_same_claim_seed_and_options_is_found_with_its_shards(path):
    with Ledger(path) as ledger:
        begun(ledger)
        hunt = begun(ledger)
        report = {"seconds": 0.1, "found": [{"margin": -0.1}], "coverage": {"α": {"0.5": 3}}}
        ledger.record(hunt, (1, 0), "drawn", report, [], False)
        ledger.record(hunt, (0, 3), "drawn", {}, [], False)
    with Ledger(path) as again:
        assert again.latest("a.b", 7, {"search": 1}) == hunt
        assert [
            again.latest("a.b", seed, {"search": version}) for seed, version in ((8, 1), (7, 2))
        ] == [None, None]
        assert list(again.shards(hunt)) == [(0, 3, {}), (1, 0, report)]


@pytest.mark.parametrize(
    "content", [b"no database", b"SQLite format 3\0" + b"x" * 5000], ids=["text", "torn"]
)
def test_a_file_that_is_no_ledger_is_told_in_one_line_and_left_alone(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    for attempt in (lambda: Ledger(path), lambda: instances_tested(path)):
        with pytest.raises(LedgerError, match=r"ledger\.sqlite") as told:
            attempt()
        assert "\n" not in str(told.value)
    assert path.read_bytes() == content


def test_ledgers_of_other_versions_and_other_databases_are_refused(path):
    path.parent.mkdir()
    for statement, message in (
        ("PRAGMA user_version = 99", "version 99"),
        ("CREATE TABLE mine (x)", "not a ledger"),
    ):
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as database:
            database.execute(statement)
        with pytest.raises(LedgerError, match=message):
            Ledger(path)


def test_where_no_folder_can_be_made_the_ledger_says_so(tmp_path):
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(LedgerError, match=r"cannot write .*ledger\.sqlite: "):
        Ledger(tmp_path / "reports" / "ledger.sqlite")


def test_a_ledger_that_is_not_there_is_told_with_what_writes_it(tmp_path):
    with pytest.raises(LedgerError, match="ncfcheck hunt"):
        instances_tested(tmp_path / "none.sqlite")


def test_when_the_disk_is_full_earlier_shards_stay_and_the_error_says_so(path):
    with Ledger(path) as ledger:
        hunt, written = begun(ledger), 0
        ledger.database.execute("PRAGMA max_page_count = 40")
        with pytest.raises(LedgerError, match="the disk is full"):
            while True:
                ledger.record(hunt, (0, written), "drawn", {}, ROWS * 50, False)
                written += 1
        assert not ledger.database.in_transaction
    assert written > 0 and len(instances_tested(path)) == written * 50 * len(ROWS)


WRITER = """
import sys
from pathlib import Path
from ncfcheck.verdicts.ledger import Ledger
with Ledger(Path(sys.argv[1])) as ledger:
    hunt = ledger.begin("a.b", 7, {"search": 1}, {})
    for shard in range(10**6):
        rows = [("D=3", "x" * 200, 0.5, 1e-9, "holds", "", 0.01, None)] * 20
        ledger.record(hunt, (0, shard), "drawn", {"shard": shard}, rows, shard % 10 == 0)
        print(shard, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_every_shard_that_it_was_done_with_whole(
    path, tmp_path
):
    for delay in (0.05, 0.2, 0.35):
        path.unlink(missing_ok=True)
        with open(tmp_path / "out", "w+") as out:
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path)],
                stdout=out,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            while not (tmp_path / "out").stat().st_size:
                time.sleep(0.01)
            time.sleep(delay)
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
        last = int((tmp_path / "out").read_text().split()[-1])
        with Ledger(path) as ledger:
            shards = [
                shard for _, shard, _ in ledger.shards(ledger.latest("a.b", 7, {"search": 1}))
            ]
        counts = instances_tested(path).groupby("shard").size()
        # One more may have been written than was told.
        assert shards == list(range(len(shards))) and len(shards) in (last + 1, last + 2)
        assert counts.tolist() == [20] * len(shards)
