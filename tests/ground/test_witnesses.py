"""Stored counterexamples: what is not the claim's any more, cannot be read, or is too large."""

import json
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ncfcheck.app import cli
from ncfcheck.core import claims, loading
from ncfcheck.model.encoding import DIGITS, ENTRIES, NotStorable, decode, encode
from ncfcheck.verdicts import witness
from tests.support.commands import claim_file

STATED = '''
from ncfcheck import composite

@composite
def numbers(draw):
    return draw.integer(0, 100)

@claim("mine.small", kind=CONJECTURE, reference="-", given=numbers())
def small(x):
    """A number is below a half."""
    return Margin({margin}, 0.1)
'''
OTHER = '''
@claim("mine.other", kind=CONJECTURE, reference="-", given=numbers())
def other(x):
    """A number is a number."""
    return Margin(1.0, 0.1)
'''
LARGE = '''
from dataclasses import dataclass
from ncfcheck import composite

@dataclass(frozen=True)
class Large:
    entries: object

@composite
def arrays(draw):
    return Large(np.full(draw.integer({least}, {least} + 1), 0.1))

@claim("mine.large", kind=CONJECTURE, reference="-", given=arrays())
def large(x):
    """An array is small."""
    return Margin(-float(x.entries.size), 0.1)
'''
FILE = Path("reports/counterexamples/mine.small.json")


@pytest.fixture
def ran(monkeypatch, tmp_path, capsys):
    """The command line in an empty folder, as a fresh process would: (exit code, output)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.setattr(loading, "SOURCES", ())
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*arguments):
        claims._registry.clear()
        for name in [name for name in sys.modules if name.startswith("claims_")]:
            del sys.modules[name]
        code = cli.main([*map(str, arguments)])
        out = capsys.readouterr()
        return code, out.out + out.err

    yield run
    for name in [name for name in sys.modules if name.startswith("claims_")]:
        del sys.modules[name]


def checked(ran, file, examples=20, *options):
    """The row of a check, and what was printed."""
    how = ("--examples", examples, "--json", "a.json", *options)
    out = ran("check", "--claims", file, *how)[1]
    return json.loads(Path("a.json").read_text())["claims"][0], out


def test_a_replayed_witness(ran, tmp_path):
    """a stored counterexample, replayed → N is what was drawn, the verdict stays"""
    file = claim_file(tmp_path, STATED.format(margin="0.5 - x"))
    first, _ = checked(ran, file)
    second, _ = checked(ran, file)
    third, _ = checked(ran, file, 1)
    assert FILE.exists()
    assert (first["instances"], second["instances"], third["instances"]) == (20, 20, 1)
    assert (first["replayed"], second["replayed"], third["replayed"]) == (0, 1, 1)
    assert first["bound95"] == second["bound95"]
    assert third["verdict"] == "potential" and third["violates"] == 0


def test_an_unreadable_witness(ran, tmp_path):
    """a damaged witness file → named as not replayed, N and the rest as without it"""
    file = claim_file(tmp_path, STATED.format(margin="101.0 - x"))
    without, _ = checked(ran, file)
    FILE.parent.mkdir(parents=True)
    FILE.write_text("{}")
    found, out = checked(ran, file)
    assert f"not replayed: {FILE} is not a witness" in out
    counts = ("instances", "holds", "unresolved", "replayed", "verdict", "bound95", "coverage")
    assert [found[name] for name in counts] == [without[name] for name in counts]


def test_a_changed_claim(ran, tmp_path):
    """a claim changed since its counterexample was stored → told, not replayed, not counted"""
    file = claim_file(tmp_path, STATED.format(margin="0.5 - x"))
    checked(ran, file)
    claim_file(tmp_path, STATED.format(margin="101.0 - x"))
    found, out = checked(ran, file)
    assert f"not replayed: {FILE}: the claim has changed since it was stored" in out
    assert (found["verdict"], found["instances"], found["replayed"]) == ("not refuted", 20, 0)
    code, out = ran("replay", FILE, "--claims", file, "--quiet")
    assert code == 0 and out.count("\n") == 1
    assert "no longer violates" in out and "the claim has changed since it was stored" in out


def test_a_file_with_more_claims(ran, tmp_path):
    """a comment and another claim added to the file → its counterexample is replayed as before"""
    file = claim_file(tmp_path, STATED.format(margin="0.5 - x"))
    checked(ran, file)
    claim_file(tmp_path, STATED.format(margin="0.5 - x") + "\n# more\n" + OTHER)
    found, _ = checked(ran, file, 1)
    assert (found["verdict"], found["replayed"], found["witnesses"]) == ("potential", 1, [])


def test_a_moved_file(ran, tmp_path):
    """the claim's file moved → the same claim: replayed"""
    file = claim_file(tmp_path, STATED.format(margin="0.5 - x"))
    checked(ran, file)
    moved = file.rename(tmp_path / "moved.py")
    assert checked(ran, moved, 1)[0]["replayed"] == 1


def test_another_file_with_a_claim_of_the_same_name(ran, tmp_path):
    """another file states a claim of the same id → told whose it is, not replayed"""
    checked(ran, claim_file(tmp_path, STATED.format(margin="0.5 - x")))
    other = claim_file(tmp_path, STATED.format(margin="101.0 - x"), name="theirs.py")
    found, out = checked(ran, other)
    assert "it is of another file's claim of this name (" in out and "mine.py)" in out
    assert (found["verdict"], found["replayed"]) == ("not refuted", 0)
    assert "another file's claim" in ran("replay", FILE, "--claims", other)[1]


def test_a_witness_of_an_older_version(ran, tmp_path):
    """a witness without a digest of its claim's source → replayed if its file has the same name"""
    file = claim_file(tmp_path, STATED.format(margin="0.5 - x"))
    checked(ran, file)
    content = json.loads(FILE.read_text())
    assert len(content.pop("source")) == 16
    FILE.write_text(json.dumps(content))
    assert checked(ran, file, 1)[0]["replayed"] == 1
    other = claim_file(tmp_path, STATED.format(margin="0.5 - x"), name="theirs.py")
    assert checked(ran, other, 1)[0]["replayed"] == 0


def test_instances_too_large_for_a_file(ran, tmp_path):
    """a violation on an array too large for a witness file → not stored, told by size, no crash"""
    file = claim_file(tmp_path, LARGE.format(least=ENTRIES + 1))
    found, out = checked(ran, file, 2)
    assert "counterexample not stored: an array of shape (" in out
    assert (found["verdict"], found["kept"]) == ("potential", "")
    code, _ = ran("hunt", "mine.large", "--claims", file, "--budget", "10s")
    assert code == 0 and not FILE.parent.exists()


def test_the_largest_instance_that_is_stored(ran, tmp_path):
    """the largest array that is stored, beside the one found → `replay` reads the file"""
    file = claim_file(tmp_path, LARGE.format(least=ENTRIES - 1))
    found, _ = checked(ran, file, 2)
    path = FILE.with_name("mine.large.json")
    assert str(path) in found["kept"]
    assert ran("replay", path, "--claims", file, "--quiet")[0] == 1


def nested(depth: int):
    value = ()
    for _ in range(depth):
        value = (value,)
    return value


endless: list = []
endless.append(endless)


@pytest.mark.parametrize(
    "value",
    [nested(100), endless, 10**DIGITS, np.full(ENTRIES + 1, 0.5)],
    ids=["nested", "endless", "digits", "array"],
)
def test_what_has_no_encoding(value):
    """values nested too deep or without end, huge numbers and arrays → not storable, no crash"""
    with pytest.raises(NotStorable):
        encode(value)


@pytest.mark.parametrize(
    "value",
    [nested(35), 10 ** (DIGITS - 2), np.full(ENTRIES, 0.1)],
    ids=["nested", "digits", "array"],
)
def test_what_is_encoded_is_read(value):
    """values as large as are stored → read again from JSON"""
    found = decode(msgspec.json.decode(msgspec.json.encode(encode(value))))
    assert np.array_equal(found, value) if isinstance(value, np.ndarray) else found == value


def test_a_type_that_its_annotation_denies(ran, tmp_path):
    """a dataclass that holds what its annotation denies, unreadable by `replay` → not stored"""
    body = LARGE.format(least=3).replace("entries: object", "entries: int")
    found, out = checked(ran, claim_file(tmp_path, body), 2)
    assert "counterexample not stored: " in out and found["kept"] == ""


def test_reading_says_what_a_witness_is_of(tmp_path):
    """a file that is no witness → one line that says what is wrong"""
    (tmp_path / "w.json").write_text("[]")
    with pytest.raises(witness.BadWitness, match="is not a witness"):
        witness.read(tmp_path / "w.json")
