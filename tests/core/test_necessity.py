"""The map of theorems, hypotheses and controls: its rows, and how they are printed."""

import pytest
from hypothesis import strategies as st

from ncfcheck.core.claims import CONJECTURE, CONTROL, THEOREM, Claim, Margin
from ncfcheck.core.necessity import Need, controls_of, needs, stale
from ncfcheck.report.necessity import lines, state, suppositions


def claims(*rows):
    """Claims by id from rows (id, kind, hypotheses, what it drops, of what)."""
    return {
        id: Claim(
            id,
            kind,
            "A statement.",
            "§0",
            hypotheses,
            st.none(),
            lambda instance: Margin(1.0, 0.0),
            drops,
            of,
        )
        for id, kind, hypotheses, drops, of in rows
    }


MAPPED = claims(
    ("a.one", THEOREM, ("x", "y"), "", ()),
    ("a.two", THEOREM, ("x",), "", ()),
    ("a.open", CONJECTURE, ("x",), "", ()),
    ("control.no_x", CONTROL, (), "x", ("a.one", "a.two")),
    ("control.nor_x", CONTROL, (), "x", ("a.one",)),
    ("control.more", CONTROL, (), "", ("a.two",)),
)


def test_every_hypothesis_of_every_theorem_has_a_row_for_each_control_that_drops_it():
    assert needs(MAPPED) == [
        Need("a.one", "x", "control.no_x"),
        Need("a.one", "x", "control.nor_x"),
        Need("a.one", "y", None),
        Need("a.two", "x", "control.no_x"),
    ]
    assert [control.id for control in controls_of(MAPPED, "a.two")] == [
        "control.no_x",
        "control.more",
    ]
    assert stale(MAPPED) == []


def test_controls_of_what_is_no_theorem_or_does_not_list_the_hypothesis_are_stale():
    stale_claims = MAPPED | claims(
        ("control.lost", CONTROL, (), "x", ("a.gone",)),
        ("control.open", CONTROL, (), "x", ("a.open",)),
        ("control.other", CONTROL, (), "z", ("a.one",)),
    )
    assert stale(stale_claims) == [
        "control.lost is of a.gone, which is no theorem",
        "control.open is of a.open, which is no theorem",
        "control.other drops 'z', which a.one does not list",
    ]


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ("refuted", "found"),
        ("potential", "found"),
        ("not refuted", "not found"),
        ("unresolved", "not found"),
        (None, "not run"),
    ],
)
def test_a_hypothesis_is_found_needed_where_its_control_is_violated(verdict, told):
    assert (
        state(Need("a.one", "x", "control.no_x"), {"control.no_x": verdict} if verdict else {})
        == told
    )


def test_pairs_are_counted_once_by_the_best_of_their_controls():
    printed = lines(needs(MAPPED), {"control.no_x": "not refuted", "control.nor_x": "potential"})
    assert [" ".join(line.split()) for line in printed] == [
        "a.one",
        "x control.no_x not found",
        "control.nor_x found",
        "y none known",
        "a.two",
        "x control.no_x not found",
        "",
        "3 pairs of a theorem and a hypothesis",
        "1 found, 1 not found, 0 not run, 1 without a control",
    ]


def test_long_hypotheses_are_wrapped_within_eighty_columns():
    long = claims(
        ("a.one", THEOREM, ("word " * 30,), "", ()),
        (f"control.{'x' * 30}", CONTROL, (), "word " * 30, ("a.one",)),
    )
    printed = lines(needs(long), {})
    assert max(map(len, printed)) <= 80
    assert " ".join(printed).split().count("word") == 30


def test_a_claim_tells_its_hypotheses_and_controls_a_control_what_it_drops():
    assert suppositions(MAPPED["a.two"], MAPPED) == [
        "hypotheses    x",
        "controls      control.no_x: without x",
        "              control.more: says more",
    ]
    assert suppositions(MAPPED["control.no_x"], MAPPED) == [
        "drops         x",
        "of            a.one, a.two",
    ]
    assert suppositions(MAPPED["control.more"], MAPPED)[0] == "drops         nothing: it says more"
