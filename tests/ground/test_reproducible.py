"""The same output from the same seed, whatever the memory, the hashes and python's options."""

import json
import os
import re
import subprocess
import sys

import pytest

from ncfcheck.core.describing import describe
from ncfcheck.core.docstrings import docstring
from tests.support.commands import claim_file, ncfcheck

SEARCHES = """
from ncfcheck.model.networks import dense
from ncfcheck.model.ncf import Ncf
from ncfcheck.strategies.kkt_sampler import find
import numpy as np

for seed in range(12):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((5, 3)), rng.standard_normal((5, 1))
    ncf = Ncf(dense((3, 4, 2, 1), (1, 2), (0.3, 0.0)), X, y)
    for method in ("least squares", "near structured", "few active"):
        point = find(ncf, method, seed)
        print(method, None if point is None else [each.hex() for each in point.u])
"""
TRUE = '''
@claim("mine.true", kind=CONJECTURE, reference="-", given=instances())
def true(instance):
    """A start is a unit vector.

    Whatever it is drawn by.
    """
    return Margin(1e-9 - abs(np.linalg.norm(instance.start) - 1), 1e-12)
'''
FALSE = TRUE.replace("mine.true", "mine.false").replace("1e-9 -", "-1 -")
BARE = {"PYTHONOPTIMIZE": "2", "OPENBLAS_NUM_THREADS": "1"}


def checked(folder, *arguments, **environment) -> list[dict]:
    """The rows of a check in a fresh process, without how long it took."""
    found = ncfcheck("check", *arguments, "--json", "a.json", folder=folder, **environment)
    assert found.returncode in (0, 1), found.stderr
    rows = json.loads((folder / "a.json").read_text())["claims"]
    return [{name: each for name, each in row.items() if name != "seconds"} for row in rows]


def test_memory_that_nobody_has_written(tmp_path):
    """searches for KKT points, the allocator's memory filled with one byte or another → the same"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", SEARCHES],
            env={**os.environ, "MALLOC_PERTURB_": fill, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        for fill in ("85", "255")
    ]
    assert [run.stderr for run in runs] == ["", ""]
    assert runs[0].stdout.count("0x") > 100 and len({run.stdout for run in runs}) == 1


@pytest.mark.long
@pytest.mark.parametrize("claims", ["rank_one.*", "kkt.*"])
def test_claims_on_memory_that_nobody_has_written(tmp_path, claims):
    """a check of these claims, five fills of the allocator's memory, other hashes → the same"""
    first, *others = [
        checked(
            tmp_path, claims, "--examples", 12, MALLOC_PERTURB_=str(fill), PYTHONHASHSEED=str(fill)
        )
        for fill in (0, 1, 85, 170, 255)
    ]
    assert all(other == first for other in others)


def test_hashes(tmp_path):
    """PYTHONHASHSEED 0 and 1, one worker and two → the same"""
    how = ("homogeneity.*", "control.signless", "--examples", 6)
    first = checked(tmp_path, *how, "--workers", 1, PYTHONHASHSEED="0")
    assert checked(tmp_path, *how, "--workers", 2, PYTHONHASHSEED="1") == first


def test_objects_without_a_name():
    """an instance whose repr tells its address → described without it"""
    assert re.search(r" at 0x", repr(object())) and describe(object()) == "<object object>"


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A folder with two claims of the user's, and commands in it under `python -OO`."""
    folder = tmp_path_factory.mktemp("bare")
    claim_file(folder, TRUE + FALSE)

    def run(*arguments):
        return ncfcheck(*arguments, folder=folder, **BARE)

    return run


def test_statements_without_docstrings(bare):
    """`PYTHONOPTIMIZE=2`, which takes docstrings away: `list` → statements as ever"""
    found = bare("list", "homogeneity.euler", "mine.*", "--claims", "mine.py")
    assert found.returncode == 0 and "= D·N" in found.stdout
    assert found.stdout.count("A start is a unit vector.") == 2


@pytest.mark.long
def test_commands_without_docstrings(bare):
    """`PYTHONOPTIMIZE=2`: `show`, `check`, `replay`, `hunt`, `report` → as ever"""
    assert "Whatever it is drawn by." in bare("show", "mine.true", "--claims", "mine.py").stdout
    found = bare("check", "--claims", "mine.py", "--examples", 5, "--workers", 1, "--quiet")
    assert (found.returncode, found.stderr) == (0, "") and "potential" in found.stdout
    stored = "reports/counterexamples/mine.false.json"
    found = bare("replay", stored, "--claims", "mine.py")
    assert found.returncode == 1 and "A start is a unit vector." in found.stdout
    hunt = bare("hunt", "mine.false", "--claims", "mine.py", "--budget", 5, "--workers", 1)
    assert hunt.returncode == 0 and stored in hunt.stdout
    assert bare("report").returncode == 0
    assert bare("check", "--help").returncode == 0


def test_a_certificate_without_docstrings(bare):
    """`PYTHONOPTIMIZE=2`: `verify` on a stored certificate → accepted, with what it proves"""
    from tests.support import ROOT

    found = bare("verify", ROOT / "reports" / "counterexamples" / "control.signless.json")
    assert found.returncode == 0 and "A structured point near `start`" in found.stdout


def test_a_claim_without_docstring_in_a_process_that_has_them():
    """a function without docstring → no statement is made up"""

    def nothing():
        return None

    assert docstring(nothing) == "" and docstring(test_hashes).startswith("PYTHONHASHSEED")
