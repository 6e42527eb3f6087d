"""A user's first claim, as the documents show it."""

import json
import re
import textwrap
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.commands import claim_file, ncfcheck

FIRST = '''
@claim("mine.finite", kind=CONJECTURE, reference="-", given=instances())
def finite(instance):
    """N(v_0) is finite."""
    return Margin(1.0 if np.isfinite(instance.ncf.value(instance.start)) else -1.0, 0.0)
'''


README = (ROOT / "README.md").read_text().split("<!-- conjecture -->")[1]
EXAMPLES = {
    "README": textwrap.dedent(re.search(r"\n((?:    .*\n|\n)+)", README)[1]),
    **dict(
        re.findall(
            r"^```python (\w+\.py)\n(.*?)^```",
            (ROOT / "docs" / "writing-a-claim.md").read_text(),
            re.MULTILINE | re.DOTALL,
        )
    ),
}


def test_a_true_claim_of_ones_own(tmp_path):
    """a file with one true claim, checked in an empty folder → not refuted, exit code 0"""
    path = claim_file(tmp_path, FIRST)
    found = ncfcheck("check", "--claims", path, "--examples", 20, folder=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "not refuted" in found.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_the_documents(own_command, name):
    """the examples of README and of the page on claims, checked → no instance ends in an error"""
    Path("mine.py").write_text(EXAMPLES[name], encoding="utf-8")
    options = ["--claims", "mine.py", "--workers", 1, "--json", "a.json"]
    code, _, err = own_command("check", *options)
    [result] = json.loads(Path("a.json").read_text())["claims"]
    assert (code, err, result["errors"]) == (0, "", 0)
    assert result["unresolved"] < result["instances"] / 2
