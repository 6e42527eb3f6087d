"""The pytest plugin, in runs of pytest of their own."""

import xml.etree.ElementTree as ET

import pytest

CLAIMS = '''
from hypothesis import strategies as st
from ncfcheck import CONJECTURE, CONTROL, THEOREM, Inapplicable, Margin, Unresolved, claim

NUMBERS = st.integers(0, 10**6)

@claim("mine.good", kind=THEOREM, reference="here", given=NUMBERS)
def good(number):
    """A number is at least zero."""
    return Margin(number + 1.0, 0.5)

@claim("mine.bad", kind=THEOREM, reference="here", given=NUMBERS)
def bad(number):
    """A number is negative."""
    return Margin(-1.0 - number, 0.5)

@claim("mine.control", kind=CONTROL, reference="here", given=NUMBERS)
def control(number):
    """A number is at least zero, which is no control."""
    return Margin(number + 1.0, 0.5)

@claim("mine.never", kind=THEOREM, reference="here", given=NUMBERS)
def never(number):
    """Applies to nothing."""
    raise Inapplicable("never applies")

@claim("mine.hard", kind=CONJECTURE, reference="here", given=NUMBERS)
def hard(number):
    """A number is not negative, which only multiples of 7 show."""
    if number % 7:
        raise Unresolved("no multiple of 7")
    return Margin(1.0, 0.5)

def test_plain():
    pass
'''


@pytest.fixture
def project(pytester):
    pytester.mkdir("properties")
    (pytester.path / "properties" / "chapter.py").write_text(CLAIMS)
    (pytester.path / "properties" / "helpers.py").write_text(
        "1 / 0  # has no claims and must not be imported"
    )
    return pytester


def test_every_claim_is_an_item_that_passes_fails_or_is_skipped(project):
    result = project.runpytest_subprocess("properties", "-v")
    result.assert_outcomes(passed=2, failed=3, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "mine.bad is a theorem (must never be refuted), but is potential (25 of 25 instances "
            "violate it*",
            "worst margin -* ± 0.5  *",
            "mine.control is a control (false: must be refuted), but is not refuted (on 13 "
            "instances*",
            "FAILED properties/chapter.py::mine.bad - *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    "named", ["properties/chapter.py::mine.good", "properties/chapter.py", "elsewhere.py"]
)
def test_claims_can_be_named_by_file_and_node(project, named):
    (project.path / "elsewhere.py").write_text(CLAIMS)
    result = project.runpytest_subprocess(named, "-k", "mine.good")
    result.assert_outcomes(passed=1, deselected=0 if "::" in named else 5)


def test_claims_of_a_file_that_pytest_collects_are_items_and_others_are_not_unless_named(project):
    (project.path / "elsewhere.py").write_text(CLAIMS)
    (project.path / "test_elsewhere.py").write_text(CLAIMS)
    project.runpytest_subprocess("--ignore=properties").assert_outcomes(
        passed=2, failed=3, skipped=1
    )


def test_options_set_the_number_of_instances_and_the_seed(project):
    def facts(*options):
        project.runpytest_subprocess("properties", "-k", "mine.bad", "--junitxml=out.xml", *options)
        [case] = ET.parse(project.path / "out.xml").iter("testcase")
        return {each.get("name"): each.get("value") for each in case.iter("property")}

    assert facts()["instances"] == "25"
    assert facts("--ncf-profile=ci")["instances"] == "200"
    assert facts("--ncf-profile=ci", "--ncf-examples=7")["instances"] == "7"
    assert (
        facts("--ncf-seed=2")["worst_margin"]
        == facts("--ncf-seed=2")["worst_margin"]
        != facts()["worst_margin"]
    )


def test_claims_run_on_several_processes(project):
    project.runpytest_subprocess("properties", "-n", "2").assert_outcomes(
        passed=2, failed=3, skipped=1
    )


def test_the_plugin_loads_no_engine_where_there_are_no_claims(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_light():
            assert "ncfcheck.app.plugin" in sys.modules
            heavy = ("numba", "rich", "ncfcheck.run.check", "ncfcheck.core.claims")
            assert not [name for name in heavy if name in sys.modules]
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
