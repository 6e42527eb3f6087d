"""Results as pandas frames, and their documentation."""

import re

import pytest
from msgspec.structs import replace

from ncfcheck.report.json_file import JsonFile
from ncfcheck.verdicts import dataframes
from ncfcheck.verdicts.report import Report, read
from ncfcheck.verdicts.results import ClaimResult
from ncfcheck.verdicts.tallies import Case
from tests.report.test_writers import GOOD, UNDECIDED, play
from tests.support import ROOT

RESULTS = ROOT / "docs" / "results.md"


@pytest.fixture
def path(tmp_path):
    play(
        JsonFile(tmp_path / "run.json"), replace(GOOD, margins=((0.5, 0.1), (1.0, 0.2))), UNDECIDED
    )
    return tmp_path / "run.json"


def test_a_run_is_a_frame_in_one_call(path):
    found = dataframes.results(path)
    assert list(found.index) == ["area.good", "area.undecided"]
    assert (found.loc["area.good", "instances"], found.loc["area.good", "verdict"]) == (
        200,
        "not refuted",
    )
    assert found["worst_margin"].isna().tolist() == [False, True]
    assert dataframes.results(read(path)).equals(found)
    assert dataframes.results(read(path).claims).equals(found)


def test_margins_and_coverage_are_long_frames(path):
    assert dataframes.margins(path).values.tolist() == [
        ["area.good", 0.5, 0.1],
        ["area.good", 1.0, 0.2],
    ]
    found = dataframes.coverage(path)
    assert found[(found.claim == "area.good") & (found.key == "D")].instances.tolist() == [150, 50]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.json is not there"):
        dataframes.results(tmp_path / "none.json")


def test_every_field_is_documented():
    documented = set(re.findall(r"`(\w+)`", RESULTS.read_text()))
    for kind in (Report, ClaimResult, Case):
        names = set(kind.__struct_encode_fields__)
        assert names <= documented, names - documented


def test_the_documented_code_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    path.rename(tmp_path / "reports" / "latest.json")
    [code] = re.findall(r"```python\n(.*?)```", RESULTS.read_text(), re.S)
    names = {}
    exec(code, names)
    assert len(names["claims"]) == 2 and len(names["margins"]) == 2
