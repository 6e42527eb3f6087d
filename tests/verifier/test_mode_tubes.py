"""Forged certificates of flows through kinks are rejected, and are accepted once the check that
they fail is left out; the arithmetic of division in tubes.
"""

from __future__ import annotations

import copy
import functools
import json
from fractions import Fraction

import numpy as np
import pytest

from ncfcheck.certify.certificate import within
from ncfcheck.certify.mode_flows import begin, follow, parted
from ncfcheck.verifier import through_kinks
from ncfcheck.verifier.mode_events import Event
from ncfcheck.verifier.mode_tubes import ModeFlow
from ncfcheck.verifier.modes import reciprocal, solve
from ncfcheck.verifier.numbers import Ball, Dual, Rejected, ball
from ncfcheck.verifier.polynomials import Poly
from tests.support.planting import in_verifier, planted
from tests.support.through_kinks import (
    BRANCHES,
    CROSSES,
    DIES,
    LEAVES,
    SLIDES,
    case_of,
    extended,
    reason,
)

pytestmark = pytest.mark.usefixtures("at_one_precision")
INSTANCES = {
    "slides": (SLIDES, 1.2),
    "crosses": (CROSSES, 1.5),
    "dies": (DIES, 1.5),
    "leaves": (LEAVES, 1.0),
}
QUICK = ["slides", "crosses", "dies", pytest.param("leaves", marks=pytest.mark.long)]
SIDES, EVENT, BOUNDS = "a unit may leave its side", "come to its kink", "θ its bounds"


def found(name: str):
    """The instance and the path of its flow."""
    instance, time = INSTANCES[name]
    within(60)
    return instance, follow(begin(instance), lambda path: False, time)


@functools.cache
def _stored(name: str) -> str:
    return json.dumps(found(name)[1].plain())


def pieces_of(name: str) -> list[dict]:
    return json.loads(_stored(name))


def why(name: str, pieces) -> str:
    """Why the flow of these pieces is rejected, "" if it is not."""
    return reason(enclosed, INSTANCES[name][0], {"ncf": pieces})


def enclosed(case, data):
    """All solutions are enclosed."""
    through_kinks.followed(case, data)


@pytest.mark.parametrize("name", INSTANCES)
def test_the_flows_that_are_forged_below_are_accepted(name):
    assert why(name, pieces_of(name)) == ""


@pytest.mark.parametrize("name", QUICK)
def test_another_side_of_any_unit_in_any_piece_is_rejected(name):
    for k, piece in enumerate(pieces_of(name)):
        for unit, side in enumerate(piece["signs"]):
            for other in {-1, 0, 1} - {side}:
                forged = pieces_of(name)
                forged[k]["signs"][unit] = other
                assert why(name, forged)


@pytest.mark.parametrize("name", QUICK)
def test_missed_events_and_times_out_of_order_are_rejected(name):
    forgeries = []
    for k in range(1, min(3, len(pieces_of(name)))):
        for edit in (
            lambda pieces, k=k: pieces.pop(k - 1),
            lambda pieces, k=k: pieces.reverse(),
            lambda pieces, k=k: pieces[k].pop("duration"),
            lambda pieces, k=k: pieces[k].update(duration=(0.0).hex()),
            lambda pieces, k=k: pieces[k].update(duration=(-1e-12).hex()),
            lambda pieces, k=k: pieces[k].update(duration=(1e-30).hex()),
            lambda pieces, k=k: pieces[k].update(duration=(0.1).hex()),
            lambda pieces, k=k: pieces[k - 1]["ncf"].pop(),
        ):
            pieces = pieces_of(name)
            edit(pieces)
            forgeries.append(pieces)
    assert forgeries and all(why(name, each) for each in forgeries)


@pytest.mark.parametrize(
    "pieces",
    [[], {}, None, [{}], [{"signs": [1, 1]}], [{"signs": [2, 1], "ncf": []}], [{"signs": [True]}]],
)
def test_what_is_no_list_of_pieces_is_rejected(pieces):
    assert why("slides", pieces)


def through_the_kink() -> list[dict]:
    """One piece that keeps its slopes as a unit crosses its kink."""
    return extended(begin(CROSSES), 1.0).plain()


def sliding_on() -> list[dict]:
    """The unit slides on as its θ leaves [α, 1]."""
    instance, time = INSTANCES["leaves"]
    within(60)
    path = follow(begin(instance), lambda path: 0 in path.sides.values(), time)
    return extended(path, float(path.time) + 0.005).plain()


def changed_early(name: str, side: int) -> list[dict]:
    """The first unit, which is still beside its kink, is taken to a side, or to slide."""
    within(60)
    path = extended(begin(INSTANCES[name][0]), 0.2)
    sides = {**path.sides, path.kinked.units[0]: side}
    event = Event(path.mode, sides, path.start, path.error, Fraction(1, 10**9))
    return extended(path.after(sides, event, 1e-9), 0.4).plain()


def too_early() -> list[dict]:
    """A unit crosses before it is at its kink."""
    return changed_early("crosses", -1)


def slides_early() -> list[dict]:
    """A unit slides before it is at its kink."""
    return changed_early("slides", 0)


def slides_from_the_start() -> list[dict]:
    """A unit slides that begins beside its kink."""
    within(60)
    sides = dict.fromkeys(begin(SLIDES).kinked.units[:1], 0)
    return extended(begin(SLIDES, sides=sides), 0.2).plain()


def branching(pieces: str = "first") -> list[dict]:
    """One of two solutions, taken for all."""
    within(60)
    return dict(zip(("first", "second"), (path.plain() for path in parted(BRANCHES, 2.0))))[pieces]


def test_a_unit_that_keeps_its_slope_across_its_kink_is_rejected():
    assert SIDES in why("crosses", through_the_kink())


def test_a_unit_that_slides_on_as_its_slope_leaves_the_bounds_is_rejected():
    assert BOUNDS in why("leaves", sliding_on())


@pytest.mark.parametrize("pieces", [through_the_kink, sliding_on])
def test_one_solution_of_several_stays_on_sides_and_slopes_too(pieces):
    instance = CROSSES if pieces is through_the_kink else LEAVES
    with pytest.raises(Rejected, match=SIDES):
        ModeFlow(case_of(instance), pieces(), every=False)


def test_an_event_that_ends_too_soon_is_rejected():
    pieces = pieces_of("crosses")
    pieces[1]["duration"] = (1e-18).hex()
    assert EVENT in why("crosses", pieces)


def test_a_unit_that_slides_though_it_crosses_is_rejected():
    pieces = pieces_of("crosses")
    pieces[1]["signs"][0] = 0
    assert "slid" in why("crosses", pieces)


def test_a_solution_that_branches_is_no_flow_of_all_solutions():
    assert BOUNDS in reason(enclosed, BRANCHES, {"ncf": branching()})
    within(60)
    path = follow(begin(BRANCHES), lambda path: 0 in path.sides.values(), 2.0)
    slides = extended(path, 1.5).plain()  # beyond v = 0
    assert BOUNDS in reason(enclosed, BRANCHES, {"ncf": slides})


def test_a_start_beside_the_kink_does_not_slide():
    pieces = [{"signs": [0, 1], "ncf": pieces_of("slides")[0]["ncf"]}]
    assert "not on its kink" in why("slides", pieces)


LENIENT = [
    (
        "crosses",
        through_the_kink,
        "mode_tubes:Mode.are_on_sides",
        "point.is_silent(each) or ",
        "True or ",
        "units on any side",
    ),
    (
        "leaves",
        sliding_on,
        "modes:Point.attract",
        "all(",
        "any([True]) or all(",
        "slopes beyond their bounds",
    ),
    (
        "crosses",
        too_early,
        "mode_events:Event._need_passed",
        "need(passes, ",
        "need(True, ",
        "units that are not at their kinks yet",
    ),
    (
        "slides",
        slides_early,
        "mode_events:Event._need_passed",
        "need(passes, ",
        "need(True, ",
        "units that slide beside their kinks",
    ),
    (
        "slides",
        slides_from_the_start,
        "mode_tubes:ModeFlow._first",
        "sliding <= zero",
        "True",
        "starts beside kinks",
    ),
]


@pytest.mark.parametrize(
    "name, forged, of, fragment, replacement, mistake", LENIENT, ids=[each[-1] for each in LENIENT]
)
def test_a_condition_that_is_left_out_lets_a_forgery_pass(
    name, forged, of, fragment, replacement, mistake, monkeypatch
):
    with planted(in_verifier(of, fragment, replacement, mistake), monkeypatch):
        pieces = forged()
        assert why(name, copy.deepcopy(pieces)) == ""
    assert why(name, pieces)


def test_a_reciprocal_holds_that_of_every_value():
    values = np.array([0.75, 0.015625, -0.0078125, *[0.0] * 18])
    found = reciprocal(Poly([int(v * 2**192) for v in values], 2**100))
    for tau in np.linspace(0, 1, 7):
        exact = 1 / np.polynomial.polynomial.polyval(tau, values)
        near = found.at(ball(float(tau)))
        assert near > exact * (1 - 1e-9) and near < exact * (1 + 1e-9)
    for wrong in (Poly([0]), Poly([-(2**192)]), Ball(-1, 1), Ball(0)):
        with pytest.raises(Rejected):
            reciprocal(wrong)
    moved = reciprocal(Dual(ball(2.0), {0: Ball(1)}))
    assert float(moved.v) == 0.5 and abs(float(moved.t[0]) + 0.25) < 1e-15


def test_equations_of_sliding_units_are_solved_or_rejected():
    rng = np.random.default_rng(0)
    for n in (1, 2, 4):
        A = rng.standard_normal((n, n))
        G, b = A @ A.T + np.eye(n), rng.standard_normal(n)
        found = solve([[ball(v) for v in row] for row in G], [ball(v) for v in b])
        assert np.allclose([float(each) for each in found], np.linalg.solve(G, b), rtol=1e-12)
    with pytest.raises(Rejected, match="depend"):
        solve([[Ball(1), Ball(1)], [Ball(1), Ball(1)]], [Ball(0), Ball(0)])


def test_the_field_is_the_gradient_where_no_unit_slides():
    kinked = through_kinks.Kinked(case := case_of(LEAVES))
    point = kinked.field(begin(LEAVES).sides).at(case.theta)
    exact = LEAVES.ncf.value_and_gradient(LEAVES.start)
    assert abs(float(point.value) - exact[0]) < 1e-14
    assert np.allclose([float(each) for each in point.rate], exact[1], atol=1e-14)
