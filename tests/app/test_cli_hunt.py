"""`ncfcheck hunt`: what it prints, its exit codes, and that it can be stopped at any time."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from ncfcheck.app.cli import main
from ncfcheck.verdicts.ledger import LedgerError, instances_tested
from tests.support import ROOT


@pytest.fixture(autouse=True)
def folder(toys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hunted(*arguments):
    return main(["hunt", *arguments])


def test_a_refuted_theorem_exits_1_with_the_smallest_counterexample_and_its_file(capsys):
    assert hunted("toy.refutable", "--budget", "200") == 1
    out, err = capsys.readouterr()
    assert (
        "toy.refutable: potential on" in out
        and "witness: reports/counterexamples/toy.refutable.json" in out
    )
    assert "UNEXPECTED: toy.refutable is a theorem" in out and "counterexample, margin" in err
    assert main(["replay", "reports/counterexamples/toy.refutable.json"]) == 1


def test_a_refuted_control_and_a_theorem_that_holds_out_exit_0(capsys):
    assert hunted("toy.false", "--budget", "100", "--quiet") == 0
    assert hunted("toy.true", "--budget", "60") == 0
    out = capsys.readouterr().out
    assert (
        "toy.true: not refuted on 60 instances" in out
        and "worst margin" in out
        and "strata covered" in out
    )


def test_a_control_that_is_not_refuted_exits_1():
    assert hunted("toy.weak_control", "--budget", "40") == 1


def test_a_hunt_is_continued_with_resume(capsys):
    hunted("toy.true", "--budget", "64")
    assert hunted("toy.true", "--budget", "128", "--resume") == 0
    assert (
        "continuing after 64 instances" in capsys.readouterr().err
        and len(instances_tested()) == 128
    )


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("nothing.such",), "no claim matches"),
        (("toy.*",), "a hunt is for one"),
        (("toy.true", "--budget", "soon"), "neither a number of instances nor a time"),
        (("toy.true", "--budget", "0s"), "neither a number of instances nor a time"),
        (("toy.true", "--budget", "1.5"), "neither a number of instances nor a time"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_and_exits_2(capsys, arguments, told):
    assert hunted(*arguments) == 2
    out, err = capsys.readouterr()
    assert told in err and err.count("\n") == 1 and not out


def test_a_ledger_that_cannot_be_written_exits_2(capsys, folder):
    (folder / "reports").write_text("a file")
    assert hunted("toy.true", "--budget", "10") == 2
    err = capsys.readouterr().err
    assert "cannot write reports/ledger.sqlite" in err and err.count("\n") == 1


def test_a_counterexample_that_no_file_takes_is_printed(capsys, monkeypatch):
    from ncfcheck.verdicts.ledger import Ledger, LedgerError

    def full(self, hunt, place, strategy, report, rows, lasting):
        if lasting:
            raise LedgerError("cannot write reports/ledger.sqlite: the disk is full")
        return True

    monkeypatch.setattr(Ledger, "record", full)
    assert hunted("toy.false", "--budget", "50") == 2
    out, err = capsys.readouterr()
    assert '"format": "ncfcheck-witness' in out and "the disk is full" in err


COMMAND = """
import signal
import sys
from ncfcheck.core import loading
from ncfcheck.app.cli import main
if __name__ == "__main__":
    # Heeded also where the tests run in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    loading.SOURCES = ("tests.support.hunt_claims",)
    sys.exit(main(["hunt", "hunted.true", "--budget", "10000000", "--workers", "2"]))
"""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_once_or_twice_ends_a_hunt_and_keeps_what_was_tested(folder, times):
    (folder / "command.py").write_text(COMMAND)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "command.py"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    before = _wait_for_rows(folder)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    out, err = process.communicate(timeout=300)
    assert b"Traceback" not in err
    if times == 1:
        assert process.returncode == 130 and b"not refuted on" in out
    assert len(instances_tested(folder / "reports" / "ledger.sqlite")) >= before


def _wait_for_rows(folder):
    end = time.monotonic() + 300
    while time.monotonic() < end:
        time.sleep(0.1)
        with suppress(LedgerError):  # not there yet, or just being made
            if rows := len(instances_tested(folder / "reports" / "ledger.sqlite")):
                return rows
    raise AssertionError("nothing was tested")
