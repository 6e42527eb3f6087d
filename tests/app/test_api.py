"""The public API: what `import ncfcheck` offers, how cheaply, and the commands from Python."""

import re
import subprocess
import sys

import numpy as np
import pytest

import ncfcheck
from ncfcheck.core import claims as registry
from tests.support import ROOT

PUBLIC = re.compile(r"\bncfcheck\.(?!properties\b)\w+\.\w+|from ncfcheck\.")


def test_every_name_is_there_and_has_a_docstring():
    found = {name: getattr(ncfcheck, name) for name in ncfcheck.__all__}
    assert 30 <= len(found) <= 50
    assert [name for name, value in found.items() if not value.__doc__] == []


def test_every_name_is_in_the_reference():
    told = re.findall(r"^::: ncfcheck\.(\w+)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert sorted(told) == sorted(ncfcheck.__all__)


def test_importing_it_loads_no_engine():
    heavy = "('numpy', 'numba', 'scipy', 'pandas', 'hypothesis', 'click', 'ncfcheck.core.claims')"
    script = f"import sys, ncfcheck; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr


@pytest.mark.parametrize("path", sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]))
def test_documents_import_from_it_alone(path):
    blocks = re.findall(r"```python.*?```|(?:^    .*\n)+", path.read_text(), re.M | re.DOTALL)
    code = "\n".join(block for block in blocks if "import" in block)
    assert PUBLIC.findall(re.sub(r"python -m \S+", "", code)) == []


def test_a_run_from_python_is_the_one_of_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = ncfcheck.check("homogeneity.euler", "control.biases", examples=10, seed=3)
    command = [sys.executable, "-m", "ncfcheck", "check", "homogeneity.euler", "control.biases"]
    options = ["--examples", "10", "--seed", "3", "--quiet", "--json", "out.json"]
    subprocess.run([*command, *options], check=True, capture_output=True)
    mine, theirs = ncfcheck.results(report), ncfcheck.results("out.json")
    told = ["verdict", "instances", "unresolved", "worst_margin", "bound95"]
    assert mine[told].equals(theirs[told])
    assert not (ncfcheck.margins(report).margin < 0).all()


def test_claims_are_named_by_id_pattern_or_function():
    [euler] = ncfcheck.claims("homogeneity.euler")
    assert ncfcheck.claims(euler.function) == [euler]
    assert ncfcheck.claims(euler) == [euler]
    assert euler in ncfcheck.claims("homogeneity.*")
    with pytest.raises(LookupError, match="no claim matches"):
        ncfcheck.claims("no.such")
    with pytest.raises(LookupError, match="states no claim"):
        ncfcheck.claims(np.sin)


def test_options_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="go together"):
        ncfcheck.check("homogeneity.euler", data="table.csv")
    with pytest.raises(ValueError, match="examples"):
        ncfcheck.check("homogeneity.euler", examples=0)
    with pytest.raises(ValueError, match="one claim"):
        ncfcheck.hunt("homogeneity.*")
    with pytest.raises(ValueError, match="seconds > 0"):
        ncfcheck.hunt("homogeneity.euler", seconds=-1)
    with pytest.raises(TypeError, match="hypothesis"):
        ncfcheck.given(ncfcheck.instances())


NOTEBOOK = """
from ncfcheck import CONJECTURE, Margin, check, claim, hunt, instances, replay

def cell():
    @claim("mine.positive", kind=CONJECTURE, reference="notes", given=instances(only_dense=True))
    def positive(instance):
        "The NCF is positive at every start."
        return Margin(instance.ncf.value(instance.start), 1e-9)
    return positive

cell()
positive = cell()
print(check(positive, examples=20).claims[0].verdict)
found = hunt(positive, instances=40)
print(found.verdict, replay(found.path).still_violates)
try:
    check(positive, workers=2)
except ValueError as error:
    print(error)
"""


def test_a_claim_of_a_notebook_is_stated_again_checked_hunted_and_replayed(tmp_path):
    (tmp_path / "cells.py").write_text(NOTEBOOK)
    found = subprocess.run(
        [sys.executable, "cells.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert found.stdout.splitlines() == [
        "potential",
        "potential True",
        "expected claims stated in no file need workers=1",
    ], found.stderr


def test_a_certificate_is_verified_and_a_broken_one_refused(tmp_path):
    path = ROOT / "reports/counterexamples/control.biases.json"
    assert "fails" in ncfcheck.verify(path)
    broken = tmp_path / "broken.json"
    broken.write_text(path.read_text().replace('"claim": "control.biases"', '"claim": "mine.x"'))
    with pytest.raises(Exception, match="not one of this claim"):
        ncfcheck.verify(broken)


OWN = """
from ncfcheck import CONJECTURE, Margin, claim, instances

@claim("own.true", kind=CONJECTURE, reference="notes", given=instances(only_dense=True))
def true(instance):
    "Nothing is claimed."
    return Margin(1.0, 0.0)
"""


def test_a_file_of_claims_means_its_own_claims(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    path = tmp_path / "own.py"
    path.write_text(OWN)
    assert [each.id for each in ncfcheck.claims(files=str(path))] == ["own.true"]
    report = ncfcheck.check(files=(str(path),), examples=60, workers=2)
    assert [each.verdict for each in report.claims] == ["not refuted"]
