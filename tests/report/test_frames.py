"""Results as pandas frames, and their documentation."""

import re
from dataclasses import replace

import pytest

from ncfcheck.report import frames, json_file
from ncfcheck.report.json_file import CaseRow, ClaimRow, JsonFile, Report
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
    found = frames.results(path)
    assert list(found.index) == ["area.good", "area.undecided"]
    assert (found.loc["area.good", "instances"], found.loc["area.good", "verdict"]) == (
        200,
        "not refuted",
    )
    assert found["worst_margin"].isna().tolist() == [False, True]
    assert frames.results(json_file.read(path)).equals(found)


def test_margins_and_coverage_are_long_frames(path):
    assert frames.margins(path).values.tolist() == [
        ["area.good", 0.5, 0.1],
        ["area.good", 1.0, 0.2],
    ]
    found = frames.coverage(path)
    assert found[(found.claim == "area.good") & (found.key == "D")].instances.tolist() == [150, 50]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.json is not there"):
        frames.results(tmp_path / "none.json")


def test_every_field_is_documented():
    documented = set(re.findall(r"`(\w+)`", RESULTS.read_text()))
    for kind in (Report, ClaimRow, CaseRow):
        assert set(kind.__struct_fields__) <= documented, set(kind.__struct_fields__) - documented


def test_the_documented_code_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    path.rename(tmp_path / "reports" / "latest.json")
    [code] = re.findall(r"```python\n(.*?)```", RESULTS.read_text(), re.S)
    names = {}
    exec(code, names)
    assert len(names["claims"]) == 2 and len(names["margins"]) == 2
