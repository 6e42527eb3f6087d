"""Writers of a run, fed with events made by hand."""

import io
import json
import os
import xml.etree.ElementTree as ET

import pytest
from msgspec.structs import replace
from rich.console import Console

from ncfcheck.core import files
from ncfcheck.core.claims import Kind, Verdict
from ncfcheck.core.files import Unwritable, check_writable, write
from ncfcheck.report import progress, words
from ncfcheck.report.json_file import JsonFile, Latest
from ncfcheck.report.junit import JUnitFile, document
from ncfcheck.report.progress import ProgressWriter
from ncfcheck.report.terminal import Terminal
from ncfcheck.verdicts.events import ClaimFinished, Progress, RunStarted
from ncfcheck.verdicts.report import Report, read
from ncfcheck.verdicts.results import ClaimResult

GOOD = ClaimResult(
    id="area.good",
    kind=Kind.THEOREM,
    verdict=Verdict.NOT_REFUTED,
    instances=200,
    holds=198,
    violates=0,
    confirmed=0,
    unresolved=2,
    inapplicable=7,
    worst_margin=1.2e-3,
    error=4e-12,
    worst_instance="D=3 data=[bold]lattice[/bold] " + "x" * 100,
    seed=3,
    bound95=0.015,
    why_unresolved={"budget": 2},
    why_inapplicable={"dead start": 7},
    coverage={"D": {"3": 150, "15": 50}, "data": {"lattice": 200}},
    seconds=1.5,
)
REFUTED = replace(
    GOOD,
    id="area.bad",
    verdict=Verdict.POTENTIAL,
    violates=5,
    holds=193,
    worst_margin=-0.5,
    error=1e-9,
    worst_instance="D=3\x00<&>\x1b",
)
UNDECIDED = replace(
    GOOD,
    id="area.undecided",
    verdict=Verdict.UNRESOLVED,
    uncovered=("data: fan",),
    worst_margin=None,
    error=None,
    worst_instance=None,
    bound95=1.0,
)
STARTED = RunStarted(("area.good", "area.bad"), 200, 3, 2)


def report(*results, seconds=2.0, stopped=None, **options):
    """The report of a run with these results."""
    told = {"seed": 3, "examples": 200, "versions": {"numpy": "2"}} | options
    return Report(claims=results, seconds=seconds, stopped=stopped, **told)


def play(writer, *results, stopped=None):
    writer(STARTED)
    for result in results:
        writer(ClaimFinished(result))
    writer(report(*results, stopped=stopped))


def told(*results, terminal=True, colours="standard", stopped=None, **options):
    console = Console(
        file=io.StringIO(),
        width=80,
        force_terminal=terminal,
        color_system=colours,
        _environ={"TERM": "xterm"},
    )
    play(Terminal(console, **options), *results, stopped=stopped)
    return console.file.getvalue()


def plain(*results, **options):
    return told(*results, colours=None, **options)


def test_the_table_fits_80_columns_and_gives_each_claim_with_its_worst_instance():
    text = plain(GOOD)
    table = text.split("covered")[0]
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "area.good                      theorem      200     2     7  1.5 %  not refuted" in text
    assert "    worst margin +0.0012 ± 4e-12  D=3 data=[bold]lattice[/bold] xxx" in text


def test_an_instance_is_not_cut_where_there_is_no_terminal():
    assert "x" * 100 in told(GOOD, terminal=False)
    assert "x" * 100 not in plain(GOOD)


def test_coverage_is_summed_over_claims_and_sorted_by_value():
    text = plain(GOOD, GOOD)
    assert "  D         3×300  15×100" in text
    assert "  data      lattice×400" in text


def test_reasons_for_unresolved_instances_are_told():
    assert "  area.good  2 × budget" in plain(GOOD)


def test_reasons_why_violations_are_not_certified_are_told_when_verbose():
    some = replace(REFUTED, certified=3, why_uncertified={"a continuum": 2, "time is up": 1})
    text = plain(GOOD, some, verbose=True)
    assert "\nnot certified\n  area.bad  2 × a continuum\n  area.bad  1 × time is up\n" in text
    assert "not certified" not in plain(GOOD, some) and "not certified" not in plain(
        GOOD, verbose=True
    )


def test_a_verdict_that_is_not_as_expected_is_told_with_its_instance():
    text = plain(GOOD, REFUTED)
    assert (
        "UNEXPECTED  area.bad is a theorem (must never be refuted), but is potential (5 of 200 "
        "instances violate it" in text
    )
    assert "    worst margin -0.5 ± 1e-09  D=3" in text
    assert text.splitlines()[-1] == "2 claims, 400 instances, seed 3, 2.0 s: 1 of 2 not as expected"
    assert (
        plain(GOOD).splitlines()[-1]
        == "1 claim, 200 instances, seed 3, 2.0 s: every verdict as expected"
    )


def test_a_theorem_with_a_stratum_not_covered_is_unexpected_only_when_strict():
    assert "UNEXPECTED" not in plain(UNDECIDED)
    assert "UNEXPECTED  area.undecided" in plain(UNDECIDED, strict=True)


def test_a_claim_at_fault_is_an_error_in_every_writer():
    faulty = replace(GOOD, verdict=Verdict.UNRESOLVED, errors=3, why_errors={"mine.py:8: odd": 3})
    text = plain(faulty)
    assert "unresolved, 3 errors" in text and "3 × error: mine.py:8: odd" in text
    suites = ET.fromstring(document(report(faulty)))
    assert (suites.get("errors"), suites.get("failures")) == ("1", "0")
    assert "mine.py:8: odd" in suites.find(".//error").text


def test_quiet_leaves_what_is_unexpected_and_one_line():
    assert len(plain(GOOD, quiet=True).splitlines()) == 1
    assert "area.good" not in plain(GOOD, REFUTED, quiet=True)
    assert "UNEXPECTED  area.bad" in plain(GOOD, REFUTED, quiet=True)


def test_a_run_that_was_stopped_says_so():
    assert "none unexpected so far; the run is incomplete" in plain(GOOD, stopped="interrupted")
    assert "0 claims" in plain(stopped="interrupted")


def test_colour_is_for_terminals_that_want_it():
    assert "\x1b[1;31mpotential" in told(REFUTED)
    assert "\x1b" not in plain(GOOD)


@pytest.mark.parametrize("result", [GOOD, REFUTED, UNDECIDED])
def test_no_verdict_is_told_as_proved_or_holding(result):
    text = plain(result) + words.sentence(result) + "".join(words.facts(result))
    assert "prove" not in text and "hold" not in text.lower()


def test_a_sentence_never_lacks_the_number_of_instances_nor_the_bound():
    expected = (
        "not refuted (on 200 instances, 2 unresolved; violation rate at most 1.5 % with 95 % "
        "confidence)"
    )
    assert words.sentence(GOOD) == expected


def test_more_reasons_than_shown_are_counted():
    many = replace(GOOD, unresolved=15, why_unresolved={"a": 5, "b": 4, "c": 3, "d": 2, "e": 1})
    assert words.reasons(many) == ["5 × a", "4 × b", "3 × c", "3 × other reasons"]


def test_the_json_file_has_the_documented_fields(tmp_path):
    play(JsonFile(tmp_path / "run.json"), GOOD, REFUTED)
    found = json.loads((tmp_path / "run.json").read_text())
    assert (found["schema"], found["seed"], found["versions"], found["stopped"]) == (
        1,
        3,
        {"numpy": "2"},
        None,
    )
    first = found["claims"][0]
    expected = {
        "id": "area.good",
        "kind": "theorem",
        "verdict": "not refuted",
        "instances": 200,
        "unresolved": 2,
        "inapplicable": 7,
        "worst_margin": 1.2e-3,
        "error": 4e-12,
        "bound95": 0.015,
        "seconds": 1.5,
    }
    assert {key: first[key] for key in expected} == expected
    assert found["claims"][1]["worst_instance"] == "D=3\x00<&>\x1b"


def test_numbers_that_are_not_finite_are_null_in_json(tmp_path):
    infinite = replace(GOOD, worst_margin=float("inf"), error=float("nan"))
    play(JsonFile(tmp_path / "run.json"), infinite, UNDECIDED, stopped="interrupted")
    found = json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)
    for row in found["claims"]:
        assert row["worst_margin"] is None and row["error"] is None
    assert found["stopped"] == "interrupted"


def test_the_latest_results_of_claims_are_kept_over_runs(tmp_path):
    path = tmp_path / "new" / "latest.json"
    play(Latest(path), GOOD, UNDECIDED)
    play(Latest(path), replace(GOOD, instances=9), REFUTED)
    rows = read(path).claims
    assert [(row.id, row.instances) for row in rows] == [
        ("area.good", 9),
        ("area.undecided", 200),
        ("area.bad", 200),
    ]
    play(Latest(path), replace(GOOD, instances=1), stopped="interrupted")
    assert read(path).claims == rows


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff", b"{}"])
def test_a_corrupt_latest_file_is_replaced_and_told(tmp_path, content):
    path, complaints = tmp_path / "latest.json", []
    path.write_bytes(content)
    play(Latest(path, complaints.append), GOOD)
    assert complaints == [f"{path} is not a report and is replaced"]
    assert [row.id for row in read(path).claims] == ["area.good"]


def test_a_report_of_another_schema_is_not_read(tmp_path):
    play(JsonFile(tmp_path / "run.json"), GOOD)
    (tmp_path / "other.json").write_text(
        (tmp_path / "run.json").read_text().replace('"schema": 1', '"schema": 2')
    )
    with pytest.raises(ValueError, match="schema 2, expected 1"):
        read(tmp_path / "other.json")


def test_junit_has_one_case_per_claim_and_fails_what_is_unexpected(tmp_path):
    play(JUnitFile(tmp_path / "run.xml"), GOOD, REFUTED, UNDECIDED)
    suites = ET.parse(tmp_path / "run.xml").getroot()
    assert suites.tag == "testsuites"
    [suite] = suites
    assert (
        suite.get("tests"),
        suite.get("failures"),
        suite.get("errors"),
        suite.get("skipped"),
    ) == ("3", "1", "0", "1")
    good, bad, undecided = suite.iter("testcase")
    assert (good.get("classname"), good.get("name"), good.get("time")) == ("area", "good", "1.500")
    assert good.find("failure") is None and good.find("skipped") is None
    assert bad.find("failure").get("type") == "potential"
    assert "must never be refuted" in bad.find("failure").get("message")
    assert "2 × budget" in undecided.find("skipped").get("message")
    assert "verdict: not refuted" in good.find("system-out").text


def test_junit_strips_what_xml_cannot_hold_and_escapes_the_rest():
    xml = document(report(REFUTED))
    assert b"\x00" not in xml and b"\x1b" not in xml
    assert "D=3?<&>?" in ET.fromstring(xml).find(".//failure").text


def test_junit_fails_an_unresolved_theorem_when_strict_and_a_run_that_was_stopped():
    strict = ET.fromstring(document(report(UNDECIDED), strict=True))
    assert strict.find(".//failure").get("type") == "unresolved"
    stopped = ET.fromstring(document(report(GOOD, stopped="a worker died")))
    assert stopped.find(".//error").get("message") == "a worker died"
    assert stopped.find("testsuite").get("tests") == "2"


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write(path, b"old")
    monkeypatch.setattr(
        os, "replace", lambda *names: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(Unwritable, match=r"cannot write .*file: No space left on device"):
        write(path, b"new")
    assert path.read_bytes() == b"old"


def test_links_and_devices_are_written_to_and_not_replaced(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    check_writable(tmp_path / "link")
    write(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_bytes() == b"content"
    write("/dev/null", b"content")
    assert not files.Path("/dev/null").is_file()


def test_checking_that_a_file_is_writable_leaves_nothing_behind(tmp_path):
    (tmp_path / "old").write_text("old")
    check_writable(tmp_path / "new")
    check_writable(tmp_path / "old")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "old"
    for bad in (tmp_path, tmp_path / "none" / "file", tmp_path / "old" / "file"):
        with pytest.raises(Unwritable, match="cannot write"):
            check_writable(bad)


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    console = Console(file=io.StringIO(), force_terminal=False, _environ={})
    writer = ProgressWriter(console)
    writer(STARTED)
    writer(ClaimFinished(GOOD))
    writer(Progress(50, 400, "area.[bold]bad"))
    assert (
        console.file.getvalue()
        == "ncfcheck: 50 of 400 instances, 1 of 2 claims done, about 0 s left\n"
    )
    monkeypatch.setattr(progress, "EVERY", 1e9)
    writer(Progress(100, 400, "area.bad"))
    assert console.file.getvalue().count("\n") == 1


def test_progress_is_a_bar_on_a_terminal_and_leaves_the_line_clean():
    console = Console(
        file=io.StringIO(),
        width=80,
        force_terminal=True,
        force_interactive=True,
        _environ={"TERM": "xterm"},
    )
    writer = ProgressWriter(console)
    writer(STARTED)
    writer(Progress(200, 400, "area.[bold]bad"))
    writer.bar.refresh()
    assert "50%" in console.file.getvalue() and "area.[bold]bad" in console.file.getvalue()
    writer(report())
    assert writer.bar is None
    writer.close()
