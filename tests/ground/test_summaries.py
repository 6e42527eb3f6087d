"""What is told of a run in short: at its end on a terminal, and by its value in a notebook."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ncfcheck import CONJECTURE, Inapplicable, Margin, check, claim, hunt, instances
from ncfcheck.core.claims import forget
from ncfcheck.report.hunt import details
from ncfcheck.report.terminal import Terminal
from ncfcheck.verdicts.events import RunStarted


@pytest.fixture
def seldom():
    """A claim that one instance in four is about."""

    @claim("mine.seldom", kind=CONJECTURE, reference="", given=instances(outputs=1))
    def function(instance):
        """It is so."""
        if instance.seeds[-1] % 4:
            raise Inapplicable("the seed is no multiple of 4")
        return Margin(1.0, 0.0)

    yield function
    forget(__name__)


def printed(*events) -> str:
    text = io.StringIO()
    terminal = Terminal(Console(file=text, width=200))
    for event in events:
        terminal(event)
    return text.getvalue()


def test_why_most_instances_are_inapplicable(seldom, tmp_path):
    """hypotheses of a claim's function that most draws do not meet → the summary says which"""
    report = check(seldom, examples=20)
    [result] = report.claims
    count = result.inapplicable
    assert count > result.instances == 20
    why = f"{count} × the seed is no multiple of 4"
    assert f"mostly inapplicable\n  mine.seldom  {why}\n" in printed(report)
    found = hunt(seldom, instances=30, folder=tmp_path)
    assert f"inapplicable: {found.inapplicable} × the seed is no multiple of 4" in details(found)


def test_values_are_short(seldom, tmp_path):
    """the value of a check or a hunt, shown in a notebook → a line for each claim"""
    report, found = check(seldom, examples=2), hunt(seldom, instances=30, folder=tmp_path)
    assert repr(report) == (
        "<Report of 1 claims, seed 0>\n<mine.seldom: not refuted on 2 instances>"
    )
    assert repr(report.claims) == "(<mine.seldom: not refuted on 2 instances>,)"
    assert repr(found) == "<HuntResult mine.seldom: not refuted on 30 instances>"
    many = type(report)(seed=0, versions={}, examples=1, seconds=0.0, claims=report.claims * 40)
    assert repr(many).count("\n") == 11 and repr(many).endswith(
        "… and 30 more: ncfcheck.results has all"
    )


def test_claims_that_an_interrupted_run_did_not_begin(seldom):
    """a run stopped before it began some claims → how many, as their rows are not there"""
    report = check(seldom, examples=2)
    stopped = type(report)(
        seed=0, versions={}, examples=2, seconds=1.0, claims=report.claims, stopped="interrupted"
    )
    ids = ("mine.seldom", "mine.another", "mine.third")
    said = printed(RunStarted(ids, 2, 0, 1), stopped)
    assert "the run is incomplete, 2 claims not begun" in said
