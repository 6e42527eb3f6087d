"""Files that are given for witnesses: verify, the verifier by itself and replay say the same."""

import json
import os
import subprocess
import sys

import pytest

from ncfcheck.app import cli
from ncfcheck.verifier import LARGEST
from tests.support import ROOT

CERTIFIED = ROOT / "reports" / "counterexamples" / "conjecture.one_limit.json"
VERIFIER = ROOT / "checker" / "verifier" / "__main__.py"


def alone(*arguments, **options) -> subprocess.CompletedProcess:
    """The verifier by itself, isolated from all that is installed."""
    command = [sys.executable, "-I", VERIFIER, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def every(path, capsys) -> list[tuple[int, str]]:
    """Exit code and standard error of the verifier, of verify and of replay."""
    done = alone(path)
    found = [(done.returncode, done.stderr)]
    for name in ("verify", "replay"):
        code = cli.main([name, str(path)])
        found.append((code, capsys.readouterr().err))
    return found


def pipe(path):
    os.mkfifo(path)


def huge(path):
    with open(path, "wb") as file:
        file.truncate(LARGEST + 1)


UNREADABLE = {
    "missing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a pipe": pipe,
    "a device": lambda path: path.symlink_to("/dev/null"),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a loop": lambda path: path.symlink_to(path),
    "empty": lambda path: path.write_bytes(b""),
    "huge": huge,
    "bytes": lambda path: path.write_bytes(bytes(range(256))),
    "UTF-16": lambda path: path.write_bytes(CERTIFIED.read_text().encode("utf-16")),
    "cut": lambda path: path.write_bytes(CERTIFIED.read_bytes()[:1000]),
    "a list": lambda path: path.write_text("[]"),
    "deep": lambda path: path.write_text("[" * 100_000),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_no_witness(kind, tmp_path, capsys):
    """a missing, huge, empty file, a folder, a pipe, a device → exit code 2 and one line"""
    path = tmp_path / "w.json"
    UNREADABLE[kind](path)
    for code, err in every(path, capsys):
        assert code == 2 and len(err.splitlines()) == 1 and str(path) in err, (kind, err)


def test_a_byte_order_mark(tmp_path, capsys):
    """a witness with a byte order mark, as editors on Windows write it → read by all three"""
    path = tmp_path / "w.json"
    path.write_bytes(b"\xef\xbb\xbf" + CERTIFIED.read_bytes())
    assert alone(path).returncode == 0
    assert cli.main(["verify", str(path)]) == 0
    assert cli.main(["replay", str(path)]) == cli.main(["replay", str(CERTIFIED)])
    capsys.readouterr()


def test_a_tampered_witness(tmp_path, capsys):
    """a witness whose instance was changed → rejected: exit code 1, the reason on one line"""
    document = json.loads(CERTIFIED.read_text())
    document["certificate"]["sha256"] = "0" * 64
    path = tmp_path / "w.json"
    path.write_text(json.dumps(document))
    assert (alone(path).returncode, cli.main(["verify", str(path)])) == (1, 1)
    assert capsys.readouterr().out.startswith("rejected: ")


def test_the_verifiers_own_usage():
    """the verifier by itself with --help, no file, two files → its usage; 0, and 2 on one line"""
    for name in ("-h", "--help"):
        done = alone(name)
        assert done.returncode == 0 and done.stdout.startswith("usage: ") and not done.stderr
    for arguments in ((), (CERTIFIED, CERTIFIED), ("--nope",)):
        done = alone(*arguments)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("line", "code"), [("> /dev/full", 2), ("| true", 141), (">&-", 0), ("2>&-", 0), ("<&-", 0)]
)
def test_the_verifiers_streams(line, code):
    """the verifier by itself, streams full, gone or closed → 2 and one line, or its verdict"""
    run = f"{sys.executable} -I {VERIFIER} {CERTIFIED} {line}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", run], capture_output=True, text=True)
    assert done.returncode == code and len(done.stderr.splitlines()) == (code == 2)


def test_a_fault_of_the_verifiers(monkeypatch, capsys):
    """an exception of the verifier's own → exit code 2 and one line, never a verdict"""
    from ncfcheck.verifier import __main__ as verifier

    def fail(*_):
        raise KeyError("planted")

    monkeypatch.setattr(verifier, "verify", fail)
    assert verifier.run([str(CERTIFIED)]) == 2
    assert capsys.readouterr() == ("", "cannot go on: KeyError: 'planted'\n")
