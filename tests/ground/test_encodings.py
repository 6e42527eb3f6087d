"""Output goes where it is sent, in whatever encoding, and paths are whatever users call them."""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ncfcheck.app import cli
from ncfcheck.core import claims, loading
from ncfcheck.verdicts import witness
from tests.support import ROOT
from tests.support.commands import claim_file, ncfcheck
from tests.support.machines import shell, told_once, with_stdout

ENCODINGS = ("cp1252", "cp437", "ascii", "latin-1", "gbk", "utf-16")
CERTIFIED = ROOT / "reports" / "counterexamples" / "conjecture.one_limit.json"
VERIFIER = ROOT / "checker" / "verifier" / "__main__.py"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_commands_in_any_encoding(encoding):
    """standard output without α, ≤ or ‖ (Windows pipes) → list and show print, spelled otherwise"""
    code, out, err = with_stdout(encoding, "show", "early.direction_aligns")
    assert (code, err) == (0, "") and "early.direction_aligns" in out and "?" not in out
    if encoding == "ascii":
        assert "<w, u*>/|w| >= 1 - epsilon - o(1)" in " ".join(out.split())
    assert with_stdout(encoding, "list")[0] == 0
    assert with_stdout(encoding, "list", "--map")[0] == 0
    code, out, err = with_stdout(encoding, "show", "no→claim")
    assert code == 2 and told_once(err, "no claim matches 'no")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_runs_in_any_encoding(encoding, toys):
    """check and merge where standard output is ascii or cp437 → the same numbers, exit codes"""
    options = ("--workers", 1, "--examples", 20, "-v", "--json", "a.json")
    code, out, err = with_stdout(encoding, "check", "toy.true", "toy.false", *options)
    assert (code, err) == (0, "") and "2 claims, 30 instances" in out
    code, out, err = with_stdout(encoding, "merge", "a.json")
    assert (code, err) == (0, "") and "2 claims, 30 instances" in out


@pytest.mark.parametrize("encoding", ENCODINGS[:3])
def test_verify_in_any_encoding(encoding):
    """verify of a valid certificate where standard output is cp437 → accepted, exit code 0"""
    code, out, err = with_stdout(encoding, "verify", CERTIFIED)
    assert (code, err) == (0, "") and out.startswith("accepted: conjecture.one_limit is refuted")


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONIOENCODING": "cp437"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX"},
    ],
    ids=lambda settings: " ".join(settings.values()),
)
def test_the_verifier_alone_in_any_encoding(settings):
    """the verifier by itself under such an encoding or locale → accepted, exit code 0"""
    for isolated in ([], ["-I"]):
        found = subprocess.run(
            [sys.executable, *isolated, VERIFIER, CERTIFIED],
            env=os.environ | settings,
            capture_output=True,
        )
        assert (found.returncode, found.stderr) == (0, b"")
        assert found.stdout.startswith(b"accepted: conjecture.one_limit is refuted")


def test_a_locale_without_characters(tmp_path):
    """LC_ALL=C, no UTF-8 mode, verify as a process → accepted, exit code 0"""
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = ncfcheck("verify", CERTIFIED, folder=tmp_path, **settings)
    assert (found.returncode, found.stderr) == (0, "") and found.stdout.startswith("accepted")


@pytest.mark.parametrize("option", ["--json", "--junit", "--html", "--markdown"])
def test_results_to_standard_output(option, command):
    """check --json -, --junit -, --html -, --markdown - → the file alone on standard output"""
    code, out, err = command("check", "toy.true", "--workers", 1, option, "-")
    assert code == 0 and "1 claim, 25 instances" in err and not Path("-").exists()
    match option:
        case "--json":
            assert json.loads(out)["claims"][0]["id"] == "toy.true"
        case "--junit":
            assert ET.fromstring(out).tag == "testsuites"
        case "--html":
            assert out.startswith("<!doctype html>") and out.rstrip().endswith("</html>")
        case "--markdown":
            assert out.startswith("#") and "1 claim, 25 instances" not in out


def test_results_in_a_pipe(tmp_path):
    """check --json - | a reader of JSON → it reads it, also where standard output is ascii"""
    read = f"{sys.executable} -c 'import json, sys; print(json.load(sys.stdin.buffer)[\"seed\"])'"
    run = "$NCF check homogeneity.euler --examples 1 --workers 1 --json -"
    found = shell(f"{run} | {read}", tmp_path, PYTHONIOENCODING="ascii")
    assert (found.returncode, found.stdout) == (0, "0\n")


def test_two_files_to_standard_output(command):
    """check --json - --junit - → exit code 2 and one line before anything is checked"""
    code, out, err = command("check", "toy.true", "--json", "-", "--junit", "-")
    assert (code, out) == (2, "") and told_once(err, "standard output, -, takes one file")


def test_a_dash_for_a_claim_or_a_witness(command, capsys):
    """check -, show -, replay -, verify -, merge -, report --results - → exit code 2, one line"""
    for name in ("check", "show", "replay", "verify", "merge", "report --results"):
        code, out, err = command(*name.split(), "-")
        assert (code, out, len(err.splitlines())) == (2, "", 1), name


@pytest.mark.parametrize(
    "settings",
    [{"COLUMNS": "20"}, {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"COLUMNS": "x"}, {"FORCE_COLOR": ""}],
    ids=lambda settings: "=".join(*settings.items()),
)
def test_terminals_of_any_kind(settings, command, monkeypatch):
    """COLUMNS=20, TERM=dumb, NO_COLOR → the same lines, whole where there is no terminal"""
    plain = command("check", "toy.true", "--workers", 1)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert (
        command("check", "toy.true", "--workers", 1)[1].splitlines()[:-1]
        == (plain[1].splitlines()[:-1])
    )


NAMES = (
    "with spaces",
    "añjo → α",
    "quote'\"s",
    "$HOME;*",
    "-dash",
    b"caf\xe9".decode("utf-8", "surrogateescape"),
)
FALSE = '''
from hypothesis import strategies as st

@claim("mine.small", kind=CONJECTURE, reference="-", given=st.integers(0, 9))
def small(instance):
    """A number is less than four."""
    return Margin(3.5 - instance, 0.1)
'''


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_paths_of_any_name(name, tmp_path, monkeypatch, capsys):
    """folders and files with spaces, quotes, any bytes → written and replayed"""
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.setattr(loading, "SOURCES", ())
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    own = claim_file(folder, FALSE, f"{name}.py")
    files = [str(folder / f"{name}.{kind}") for kind in ("json", "xml", "html", "md")]
    options = zip(("--json", "--junit", "--html", "--markdown"), files)
    options = [f"{option}={file}" for option, file in options]
    code = cli.main(["check", f"--claims={own}", "--workers=1", *options])
    assert code == 0, capsys.readouterr().err
    assert all(os.path.getsize(file) for file in files)
    [stored] = witness.FOLDER.glob("*.json")
    path = shutil.move(stored, folder / f"{name} kept.json")
    assert cli.main(["replay", f"--claims={own}", "--", str(path)]) == 1
    assert cli.main(["report", "--results", files[0], "-o", str(folder / "again")]) == 0


def test_names_that_are_too_long(command):
    """a file name of 250 characters, and one of 300 → written; exit code 2 and one line"""
    name = "a" * 245 + ".json"
    assert command("check", "toy.true", "--workers", 1, "--json", name)[0] == 0
    assert Path(name).is_file()
    for arguments in (
        ("check", "toy.true", "--json", "a" * 300),
        ("check", "--claims", "a" * 300 + ".py"),
        ("check", "toy.true", "--baseline", "a" * 300),
        ("replay", "a" * 300),
        ("verify", "a" * 300),
        ("merge", "a" * 300),
        ("report", "-o", "a" * 300),
        ("plot", "toy.true", "-o", "a" * 300 + ".svg"),
    ):
        code, _, err = command(*arguments)
        assert code == 2 and len(err.splitlines()) == 1, arguments[:1]
        assert "too long" in err
