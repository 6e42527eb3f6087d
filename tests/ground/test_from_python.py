"""Mistakes in calls from Python: each is told with what was given and what is right."""

import numpy as np
import pytest

import ncfcheck
from ncfcheck import check, hunt
from ncfcheck.core import claims, loading

HELD = "homogeneity.euler"
CALLS = {
    "examples no number": (
        lambda: check(HELD, examples="many"),
        TypeError,
        "examples is a whole number, not 'many'",
    ),
    "examples a half": (
        lambda: check(HELD, examples=2.5),
        TypeError,
        "examples is a whole number, not 2.5",
    ),
    "examples none": (lambda: check(HELD, examples=0), ValueError, "expected examples ≥ 1, not 0"),
    "seed negative": (lambda: check(HELD, seed=-1), ValueError, "expected seed ≥ 0, not -1"),
    "seconds a text": (
        lambda: hunt(HELD, seconds="60s"),
        TypeError,
        "seconds is a number, not '60s'",
    ),
    "seconds none": (lambda: hunt(HELD, seconds=0), ValueError, "expected seconds > 0, not 0"),
    "an empty list": (lambda: check([]), LookupError, "an empty list names no claim"),
    "a number for a claim": (
        lambda: check(7),
        LookupError,
        "7 states no claim: decorate it with @claim",
    ),
    "a number for a file": (
        lambda: check(files=7),
        TypeError,
        "`files` are paths of claim files, not 7",
    ),
    "results of nothing": (
        lambda: ncfcheck.results(None),
        TypeError,
        "expected a report, its claims or the path of a file of results, not None",
    ),
    "results of numbers": (
        lambda: ncfcheck.margins([1, 2]),
        TypeError,
        "expected a report, its claims or the path of a file of results, not [1, 2]",
    ),
    "results of another file": (
        lambda: ncfcheck.results("text.json"),
        ValueError,
        "text.json is no file of results: ",
    ),
    "a witness of another file": (
        lambda: ncfcheck.replay("text.json"),
        ValueError,
        "text.json is not a witness: ",
    ),
    "a certificate of another file": (
        lambda: ncfcheck.verify("text.json"),
        ValueError,
        "text.json is no witness file: ",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_cannot_be_meant(tmp_path, monkeypatch, name):
    """a call from Python that cannot be meant → an error that says what was given and is right"""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.json").write_text("not JSON")
    call, error, told = CALLS[name]
    with pytest.raises(error) as found:
        call()
    assert str(found.value).startswith(told)


@pytest.fixture
def stated(monkeypatch):
    """A claim of a notebook, alone, and its function."""
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.setattr(loading, "SOURCES", ())

    @ncfcheck.claim("mine.x", kind="conjecture", reference="-", given=ncfcheck.instances())
    def holds(instance):
        """N(v_0) is not negative."""
        return ncfcheck.Margin(instance.ncf.value(instance.start), 1e-12)

    return holds


def test_shrinking_what_does_not_violate(stated):
    """shrink of an instance that holds, or is none of the claim's → an error that says so"""
    network = ncfcheck.dense((1, 1, 1), (2,), (0.0,))
    problem = ncfcheck.Problem(network, np.ones((1, 1)), np.ones((1, 1)))
    instance = ncfcheck.Instance(problem, ncfcheck.unit(np.ones(2)))
    with pytest.raises(ValueError, match=r"nothing to shrink: .* mine\.x holds \(margin 0\.35"):
        ncfcheck.shrink(stated, instance)
    with pytest.raises(ValueError, match=r"nothing to shrink: on 3, mine\.x is at fault .*'ncf'"):
        ncfcheck.shrink(stated, 3)


def test_a_list_of_claims(stated):
    """check of a list of claims, and of one function that states two → all of them"""
    both = ncfcheck.claim(
        "mine.y", kind="conjecture", reference="-", given=ncfcheck.instances(only_dense=True)
    )(stated)
    assert [each.id for each in ncfcheck.claims(both)] == ["mine.x", "mine.y"]
    report = ncfcheck.check(ncfcheck.claims("mine.*"), examples=np.int64(4))
    assert [each.id for each in report.claims] == ["mine.x", "mine.y"]
