"""Margins, the registry and the judgement of one instance."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import strategies as st

from ncfcheck.core import claims
from ncfcheck.core.claims import (
    CONTROL,
    THEOREM,
    Inapplicable,
    Margin,
    Outcome,
    Unresolved,
    claim,
    mildest,
    registered,
    select,
    worst,
)


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(claims, "_registry", {})


def register(id, function=None, **options):
    def statement(instance):
        """A statement."""
        return Margin(1.0, 0.0)

    return claim(id, **{"kind": THEOREM, "reference": "§0", "given": st.none()} | options)(
        function or statement
    )


@pytest.mark.parametrize(
    ("value", "error", "outcome"),
    [
        (2.0, 1.0, Outcome.HOLDS),
        (-2.0, 1.0, Outcome.VIOLATES),
        (1e-300, 0.0, Outcome.HOLDS),
        (1.0, 1.0, Outcome.UNRESOLVED),
        (-0.5, 1.0, Outcome.UNRESOLVED),
        (0.0, 0.0, Outcome.UNRESOLVED),
        (math.nan, 0.0, Outcome.UNRESOLVED),
        (-1.0, math.nan, Outcome.UNRESOLVED),
        (-1.0, math.inf, Outcome.UNRESOLVED),
        (-math.inf, 1.0, Outcome.VIOLATES),
    ],
)
def test_a_margin_decides_only_beyond_its_error(value, error, outcome):
    assert Margin(value, error).outcome is outcome


def test_the_worst_margin_is_a_violation_first_then_an_undecided_one_then_the_smallest():
    violated, undecided, near, far = Margin(-1, 0.1), Margin(-5, 9), Margin(1, 0.1), Margin(7, 0.1)
    assert worst([far, undecided, violated]) is violated
    assert worst([far, near, undecided]) is undecided
    assert worst([far, near]) is near
    with pytest.raises(ValueError):
        worst([])


def test_the_mildest_margin_violates_only_where_every_part_does_and_then_by_least():
    violated, badly, undecided, holding = (
        Margin(-1, 0.1),
        Margin(-7, 0.1),
        Margin(5, 9),
        Margin(1, 0.1),
    )
    assert mildest([badly, holding, undecided]) is holding
    assert mildest([badly, undecided, violated]) is undecided
    assert mildest([badly, violated]) is violated
    with pytest.raises(ValueError):
        mildest([])


def test_judging_turns_exceptions_about_hypotheses_and_budgets_into_outcomes(registry):
    def statement(instance):
        """A statement."""
        if isinstance(instance, Exception):
            raise instance
        return Margin(instance, 0.5)

    register("a.b", statement)
    judge = registered()["a.b"].judge
    assert judge(-3.0) == (Outcome.VIOLATES, Margin(-3.0, 0.5))
    for reason, outcome in [
        (Inapplicable("D = 2"), Outcome.INAPPLICABLE),
        (Unresolved("budget"), Outcome.UNRESOLVED),
    ]:
        found, margin = judge(reason)
        assert (found, margin.note) == (outcome, str(reason))
        assert margin.outcome is Outcome.UNRESOLVED
    with pytest.raises(ZeroDivisionError):
        judge(ZeroDivisionError())


def test_a_claim_keeps_its_docstring_as_the_statement(registry):
    register("a.b", kind=CONTROL, hypotheses=["D > 2"])
    found = registered()["a.b"]
    assert (found.statement, found.summary, found.hypotheses) == (
        "A statement.",
        "A statement.",
        ("D > 2",),
    )


@pytest.mark.parametrize("id", ["a", "a.", ".b", "a.b.c", ""])
def test_an_id_that_is_not_area_and_name_is_refused(registry, id):
    with pytest.raises(ValueError, match=r"area\.name"):
        register(id)


def test_a_second_claim_of_the_same_id_is_refused(registry):
    register("a.b")
    with pytest.raises(ValueError, match=r"a\.b is registered twice"):
        register("a.b")


def test_a_claim_without_a_statement_is_refused(registry):
    with pytest.raises(ValueError, match="no docstring"):
        register("a.b", lambda instance: Margin(1.0, 0.0))


def test_patterns_select_in_order_of_registration_and_once(registry):
    for id in ("b.two", "a.one", "b.one"):
        register(id)
    ids = lambda *patterns: [each.id for each in select(patterns)]  # noqa: E731
    assert ids() == ["b.two", "a.one", "b.one"]
    assert ids("b.*", "*.one") == ["b.two", "a.one", "b.one"]
    assert ids("a.*") == ["a.one"]
    with pytest.raises(LookupError, match=r"no claim matches 'c\.\*'"):
        select(["a.*", "c.*"])


def test_a_given_with_a_strategy_of_its_own_is_told_the_data(registry):
    class Given:
        def strategy(self, data):
            return ("instances on", data)

    plain = st.none()
    register("a.b", given=Given())
    register("a.c", given=plain)
    assert registered()["a.b"].strategy("table") == ("instances on", "table")
    assert registered()["a.c"].strategy("table") is plain


@pytest.mark.parametrize(
    "value", [2, np.float32(2.0), np.array(2.0), np.array([2.0]), np.int64(2), Fraction(2)]
)
def test_a_margin_of_any_real_scalar_is_one_of_floats(value):
    found = Margin(value, value)
    assert (type(found.value), found.value, type(found.error), found.error) == (float, 2.0) * 2


@pytest.mark.parametrize(
    "value", [None, "2", 2j, True, np.bool_(True), np.ones(2), np.ones(0), [2.0], b"2", 10**400]
)
def test_a_margin_of_anything_else_is_refused(value):
    with pytest.raises(TypeError, match="a margin's value is one real number"):
        Margin(value, 0.0)
    with pytest.raises(TypeError, match="a margin's error is one real number"):
        Margin(0.0, value)


@pytest.mark.parametrize("error", [-1e-300, -5, -math.inf])
def test_a_negative_error_is_refused(error):
    with pytest.raises(ValueError, match="at least 0, not -"):
        Margin(1.0, error)
