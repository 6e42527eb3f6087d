"""Witness files that were edited: replay says which file, which field, and what is right."""

from __future__ import annotations

import json

import pytest

from ncfcheck import replay
from ncfcheck.model.encoding import BadWitness
from tests.support import ROOT

FILE = ROOT / "reports" / "counterexamples" / "conjecture.mixed_labels_grow.json"
RIGHT = "a number in hexadecimal, such as '0x1.8p+0', is right"
EDITS = {
    "a margin that is none": (
        lambda w: w.update(margin="nan"),
        "w.json is not a witness: margin and error are numbers in hexadecimal, as '-0x1.8p+0' is",
    ),
    "a field that is left out": (
        lambda w: w.pop("seed"),
        "w.json is not a witness: Object missing required field `seed`",
    ),
    "a loss that there is not": (
        lambda w: w["instance"]["problem"]["loss"].update(name="HINGE"),
        "w.json: in its instance: problem: loss: 'HINGE' is none; possible: EXPONENTIAL, HUBER, "
        "LOGISTIC, SOFTMAX, SQUARE",
    ),
    "an entry that is no number": (
        lambda w: w["instance"]["start"]["array"].__setitem__(0, "zero"),
        f"w.json: in its instance: start: 'zero' is no number; {RIGHT}",
    ),
    "an entry less": (
        lambda w: w["instance"]["problem"]["X"]["array"][0].append("0x0p+0"),
        "w.json: in its instance: problem: X: not an array of shape (",
    ),
    "no problem": (
        lambda w: w["instance"].pop("problem"),
        "w.json: in its instance: 'problem' is missing in Instance; possible: families, ",
    ),
    "a field too many": (
        lambda w: w["instance"]["problem"].update(los=None),
        "w.json: in its instance: problem: 'los' is unknown in Problem; "
        "possible: X, loss, network, y; did you mean 'loss'?",
    ),
    "a type misspelt": (
        lambda w: w["instance"].update(type="Instants"),
        "w.json: in its instance: no such type: 'Instants'; did you mean 'Instance'?",
    ),
    "a start of another length": (
        lambda w: w["instance"]["start"]["array"].__setitem__(0, "0x1.0000000000000p+9"),
        "w.json: in its instance: start is not a unit vector: its norm is 512",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_witness_that_cannot_be_decoded(name, tmp_path, monkeypatch):
    """a witness file with one field edited → the file, the field and what would be right"""
    monkeypatch.chdir(tmp_path)
    edit, said = EDITS[name]
    content = json.loads(FILE.read_text())
    edit(content)
    (tmp_path / "w.json").write_text(json.dumps(content))
    with pytest.raises(BadWitness) as found:
        replay("w.json")
    assert str(found.value).startswith(said)
