"""Claims of the user's with a criterion: what commands and Python say of their proofs."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import ncfcheck
from ncfcheck.certify import certify
from ncfcheck.core import claims
from ncfcheck.strategies.draw import draw
from tests.ground.test_mistakes import stated
from tests.support import ROOT
from tests.support.certified import resealed
from tests.support.commands import IMPORTS
from tests.support.commands import ncfcheck as command

BODY = "ncf, v = instance.ncf, instance.start; return Margin(-ncf.value(v), ncf.rounding(v)[0])"
POSITIVE = IMPORTS + stated(BODY, violated="lambda v: v.N", at='"start"')
VERIFIER = ROOT / "checker" / "verifier" / "__main__.py"
STORED = "reports/counterexamples/mine.x.json"


@pytest.fixture
def checked(own_command):
    """The command, once a claim that N ≤ 0 was checked, and refuted."""
    Path("mine.py").write_text(POSITIVE)
    line = ("check", "--claims", "mine.py", "--examples", 8, "--workers", 1)
    assert " refuted" in own_command(*line)[1]
    return own_command


def test_a_proof_is_verified_from_python(checked):
    """verify(path, files) of a claim with a criterion → what is proved, in words, and what is not,
    and without files which one is needed
    """
    told = ncfcheck.verify(STORED, "mine.py")
    assert told.startswith("By a criterion of mine.py. At `start`, divided by its norm: all that")
    assert "Not proved: that the criterion says what the claim does" in told
    with pytest.raises(ncfcheck.Rejected, match=r"stated in a file mine\.py: name it"):
        ncfcheck.verify(STORED)


def test_a_file_that_changed_proves_nothing_more(checked):
    """a remark is added to the file → the certificate is one of another version, and the witness
    still a witness
    """
    Path("mine.py").write_text(POSITIVE + "# a remark\n")
    with pytest.raises(ncfcheck.Rejected, match="for another version of"):
        ncfcheck.verify(STORED, "mine.py")
    code, out, _ = checked("replay", STORED, "--claims", "mine.py", "--quiet")
    assert code == 1 and "still violates" in out


def test_a_proof_goes_with_the_file_wherever_both_are(checked, tmp_path):
    """witness and file of claims are sent to somebody → accepted there, by the verifier alone"""
    (tmp_path / "elsewhere").mkdir()
    for each in (STORED, "mine.py"):
        shutil.copy(each, "elsewhere")
    os.chdir("elsewhere")
    line = [sys.executable, "-I", VERIFIER, "mine.x.json", "--claims", "mine.py"]
    found = subprocess.run(line, capture_output=True, text=True)
    assert found.returncode == 0 and found.stdout.startswith("accepted: mine.x is refuted: By a")


def test_a_claim_of_a_prompt_has_no_proof(monkeypatch):
    """a claim with a criterion is stated at a prompt → no proof, as there is no file to give on"""
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    exec(POSITIVE, vars(sys.modules["__main__"]))
    (claim,) = claims.registered().values()
    (instance,) = draw(claim.strategy(), 1, 0, simplest=True)
    assert certify(claim, instance).reason == (
        "a criterion is read from a file of claims, and there is none"
    )


BEYOND = {
    "time": ("while True: pass", "it takes longer than 4 s"),
    "memory": ("bytearray(9 << 30)", "MemoryError"),
    "print": ('print(\'"no JSON\'); print(\'"none"\'); print(\'["rejected", "x"]\')', ""),
}


@pytest.mark.parametrize("what", BEYOND)
def test_a_hypothesis_that_goes_beyond_what_there_is(what, own_command, monkeypatch):
    """a hypothesis of `given` hangs, takes all memory or prints where a proof is verified →
    accepted, and why it is not known whether `given` may draw the instance
    """
    does, why = BEYOND[what]
    odd = f"\ndef odd(instance):\n    if 'BEYOND' in os.environ:\n        {does}\n    return True\n"
    given = "instances(only_dense=True).assuming(odd)"
    claim = stated(BODY, violated="lambda v: v.N", at='"start"', given=given)
    Path("mine.py").write_text("import os\n" + IMPORTS + odd + claim)
    own_command("check", "--claims", "mine.py", "--examples", 8, "--workers", 1)
    monkeypatch.setenv("BEYOND", "1")
    monkeypatch.setattr("ncfcheck.app.verify.SECONDS", 4.0 if what == "time" else 60.0)
    code, out, _ = own_command("verify", STORED, "--claims", "mine.py")
    assert code == 0 and out.startswith("accepted: mine.x is refuted")
    told = f"not checked whether its `given` may draw this: {why}"
    assert (told if why else "checked in floats: its `given` may draw this") in out


def changed(change) -> None:
    """The stored witness with something changed, sealed again."""
    found = json.loads(Path(STORED).read_text(encoding="utf-8"))
    change(found)
    Path(STORED).write_text(json.dumps(resealed(found)), encoding="utf-8")


def test_a_proof_of_a_witness_without_some_entries(checked):
    """the witness lacks its statement → accepted, as that is no part of the proof, and what was not
    compared is told; no fault
    """
    changed(lambda found: found.pop("statement"))
    code, out, err = checked("verify", STORED, "--claims", "mine.py")
    assert code == 0 and out.startswith("accepted: mine.x is refuted")
    assert "not checked whether its `given` may draw this: " in out
    assert "is not compared: " in err and err.count("\n") == 1


def test_a_file_that_states_something_else_to_the_verifier(checked):
    """a file has a criterion where the verifier runs it, and none elsewhere → rejected"""
    only = '{} if __name__.startswith("criteria_") else None'
    text = IMPORTS + stated(
        BODY, violated=only.format("(lambda v: v.N)"), at=only.format('"start"')
    )
    Path("mine.py").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    changed(lambda found: found["certificate"]["data"]["criterion"].update(sha256=digest))
    assert "all that it returns" in ncfcheck.verify(STORED, "mine.py")
    found = command("verify", STORED, "--claims", "mine.py", folder=Path.cwd())
    assert found.returncode == 1 and found.stdout.startswith("rejected: ")
    assert "it has no criterion at start" in found.stdout and "accepted" not in found.stdout
