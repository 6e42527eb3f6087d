"""Folders that may only be read, files that cannot be written: said before anything is checked."""

import json
import os
import subprocess
import sys

import pytest

from ncfcheck.app import cli
from ncfcheck.run import check
from ncfcheck.run.hunting import hunt
from tests.support.machines import bounded, small_disk, told_once

RUN = """
import sys
import ncfcheck.core.loading as loading
from ncfcheck.app.cli import main
loading.SOURCES = ("tests.support.toy_claims",)
for line in sys.stdin:
    print("exit", main(line.split()), flush=True)
"""
WRITTEN = ("--json", "--junit", "--html", "--markdown")


@pytest.fixture
def unchecked(monkeypatch):
    """Fails where an instance is drawn."""
    monkeypatch.setattr(check, "run", lambda plan: pytest.fail("something was checked"))
    monkeypatch.setattr(hunt, "hunt", lambda plan: pytest.fail("something was hunted"))


@pytest.mark.parametrize("option", WRITTEN)
@pytest.mark.parametrize("path", ["none/there.x", "file/below.x", ".", "/dev/none/x", "/proc/x"])
def test_a_file_that_cannot_be_written(option, path, command, unchecked, tmp_path):
    """--json and others in no folder, below a file, a folder → exit code 2, one line, at once"""
    (tmp_path / "file").write_text("")
    code, out, err = command("check", "toy.true", option, path)
    assert (code, out) == (2, "") and told_once(err, f"cannot write {path}: ")


@pytest.mark.parametrize("path", ["file/reports/b.json", "/proc/none/b.json", "file"])
def test_a_baseline_that_cannot_be_written(path, command, unchecked, tmp_path):
    """--update-baseline where nothing can be written → exit code 2, one line, at once"""
    (tmp_path / "file").write_text("")
    code, out, err = command("check", "toy.true", "--update-baseline", "--baseline", path)
    assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_a_report_that_cannot_be_written(command, tmp_path):
    """report -o below a file, onto a folder → exit code 2 and one line"""
    command("check", "toy.true")
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "report.md").mkdir(parents=True)
    for place in ("file/below", "taken", "/proc/none"):
        code, out, err = command("report", "-o", place)
        assert (code, out) == (2, "") and told_once(err, f"cannot write {place}")


@pytest.mark.parametrize("path", ["/dev/full", "small/a.json"])
def test_files_on_a_full_disk(path, command, tmp_path):
    """--json on a full disk → the results are printed, exit code 2 and one line; no half a file"""
    options = ("--examples", 300, "--json", path)
    with small_disk(tmp_path / "small", "8k") as disk:
        code, out, err = command("check", "toy.true", "toy.false", *options)
        left = list(disk.iterdir())
    assert code == 2 and told_once(err, f"cannot write {path}: No space left on device")
    assert "2 claims, 450 instances" in out and left == []


def test_counterexamples_that_cannot_be_written(command, tmp_path):
    """a hunt finds one, reports/counterexamples is a file → it is printed whole, 2 and one line"""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "counterexamples").write_text("")
    code, out, err = command("hunt", "toy.refutable", "--budget", 200)
    assert code == 2 and json.loads(out)["claim"] == "toy.refutable"
    assert "reports/counterexamples: File exists; the counterexample found is on" in err


def in_read_only_folder(folder, *lines, moved: bool = False) -> tuple[list[str], str]:
    """Exit codes and errors of commands on the toy claims in a folder that may only be read."""
    folder.chmod(0o555)
    try:
        done = subprocess.run(
            bounded(sys.executable, "-c", RUN),
            input="\n".join(lines),
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        folder.chmod(0o755)
    codes = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("exit ")]
    return codes, done.stderr


def test_commands_in_a_folder_that_may_only_be_read(tmp_path):
    """a folder that may only be read → list, show and check as anywhere, the rest 2 and one line"""
    lines = (
        "list",
        "show toy.true",
        "check toy.true --workers 1 --quiet",
        "check toy.refutable --workers 1 --quiet --examples 100",
        "check toy.true --workers 1 --json a.json",
        "check toy.true --workers 1 --update-baseline",
        "hunt toy.true --budget 10 --workers 1",
        "report -o out",
        "plot toy.true -o a.svg",
    )
    codes, err = in_read_only_folder(tmp_path, *lines)
    assert codes == ["0", "0", "0", "1", "2", "2", "2", "2", "2"], err
    told = err.splitlines()
    assert [line.split(": ")[1] for line in told[:2]] == ["warning"] * 2, err
    assert len(told) == 7 and all(line.startswith("ncfcheck: ") for line in told)


def test_reports_that_may_only_be_read(tmp_path):
    """reports/ that may only be read → check as anywhere with one warning; hunt 2, one line"""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports").chmod(0o555)
    lines = ("check toy.true --workers 1 --quiet", "hunt toy.true --budget 10 --workers 1")
    codes, err = in_read_only_folder(tmp_path, *lines)
    (tmp_path / "reports").chmod(0o755)
    assert codes == ["0", "2"], err
    first, second = err.splitlines()
    assert "warning: the results are not kept for `ncfcheck show`" in first
    assert "ledger.sqlite" in second


def test_a_working_folder_that_is_gone(toys, tmp_path, monkeypatch, capsys):
    """the working folder is deleted under a command → list, show as anywhere; else 2"""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.main(["list"]) == 0 and cli.main(["show", "toy.true"]) == 0
    capsys.readouterr()
    for arguments in (
        ["check", "toy.true", "--workers", "1"],
        ["check", "toy.true", "--json", "a.json"],
        ["check", "--claims", "mine.py"],
        ["hunt", "toy.true"],
        ["replay", "a.json"],
        ["verify", "a.json"],
        ["report"],
        ["merge", "a.json"],
    ):
        assert cli.main(arguments) == 2, arguments
        assert len(capsys.readouterr().err.splitlines()) == 1, arguments


def test_a_working_folder_that_is_gone_from_the_start(tmp_path):
    """a shell in a deleted folder: ncfcheck list → listed"""
    line = f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && {sys.executable} -m ncfcheck list"
    (tmp_path / "gone").mkdir()
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.returncode == 0 and "homogeneity.euler" in done.stdout
