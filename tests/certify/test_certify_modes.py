"""Flows through kinks, found in floats: the verifier's tubes hold what tiny Euler steps along the
least-norm subgradient lead to, and conclusions about them are proved.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace

import numpy as np
import pytest

from ncfcheck.certify import Certificate, prove
from ncfcheck.certify.certificate import NotProved, within
from ncfcheck.certify.mode_flows import apart, begin, follow, has_changed, parted, through
from ncfcheck.properties.kinks import exact
from ncfcheck.verifier import PROOFS, Rejected, kink_controls, through_kinks
from ncfcheck.verifier.mode_tubes import ModeFlow
from ncfcheck.verifier.numbers import ball
from ncfcheck.verifier.registry import proves
from tests.support.through_kinks import (
    BRANCHES,
    CROSSES,
    DIES,
    LEAVES,
    SLIDES,
    case_of,
    drawn,
    euler,
    extended,
    network_of,
    reason,
)

pytestmark = pytest.mark.usefixtures("at_one_precision")
ID = "kinks.monotone_for_tests"
STEPS = 500  # of Euler's method, and twice as many
NARROW = 1e-9  # radius of what is enclosed
RELU, LEAKY = (0.0,), (0.3,)
# (instance, time, what units are along the way: 0 slides)
FLOWS = {
    "slides": (SLIDES, 1.5),
    "crosses": (CROSSES, 2.0),
    "dies": (DIES, 2.0),
    "leaves": (LEAVES, 1.0),
    "relu, one neuron": (drawn((2, 1, 1), RELU, 5, 5), 1.5),
    "relu, two neurons": (drawn((2, 2, 1), RELU, 14, 5), 0.55),
    "negative slope": (drawn((2, 2, 1), (-0.5,), 2, 4), 1.5),
    "leaky, two neurons": (drawn((2, 2, 1), LEAKY, 2, 3), 1.0),
    "leaves as another enters": (drawn((3, 2, 1), (0.1,), 32, 6), 1.2),
    "two units slide": (drawn((3, 2, 1), (0.1,), 12, 6), 2.3),
    "relu, three layers": (drawn((2, 2, 2, 1), (0.0, 0.0), 22, 3), 1.0),
    "leaky, three layers": (drawn((2, 2, 2, 1), (0.2, 0.2), 6, 4), 0.6),
    "p = 1 below p = 2": (drawn((2, 2, 2, 1), (0.1, 0.5), 1, 3, (1, 2)), 1.5),
    "p = 2 below p = 1": (drawn((2, 2, 2, 1), (0.5, 0.0), 3, 3, (2, 1)), 1.5),
}


def never(path) -> bool:
    return False


@functools.cache
def found(name: str):
    """The path of one of the flows."""
    instance, time = FLOWS[name]
    within(60)
    return follow(begin(instance), never, time)


@pytest.mark.parametrize("name", FLOWS)
def test_the_tube_of_a_flow_through_kinks_holds_where_euler_steps_lead(name):
    instance, time = FLOWS[name]
    path = found(name)
    flow = ModeFlow(case_of(instance), path.plain())
    assert abs(float(flow.end) - time) < 1e-12 and float(flow.last[1].upper) < NARROW
    end = np.array([float(each) for each in flow.at_end])
    coarse, fine = (euler(instance, time, steps) for steps in (STEPS, 2 * STEPS))
    error = np.linalg.norm(coarse - fine)
    assert np.linalg.norm(fine - end) < 1.6 * error + 1e-5 and error < 0.05


def kinds_of(path) -> set[str]:
    """What happens in the events of a path."""
    sides = [each["signs"] for each in path.plain()]
    names = {(0, 0): "", (1, 1): "", (-1, -1): "", (1, -1): "crosses", (-1, 1): "crosses"}
    names |= {(1, 0): "enters", (-1, 0): "enters", (0, 1): "leaves", (0, -1): "leaves"}
    return {names[pair] for a, b in zip(sides, sides[1:]) for pair in zip(a, b)} - {""}


def test_units_cross_start_to_slide_and_leave():
    for name, kind in (("crosses", "crosses"), ("slides", "enters"), ("leaves", "leaves")):
        assert kind in kinds_of(found(name))
    composite = found("leaves as another enters")
    assert kinds_of(composite) == {"enters", "leaves"}
    two = found("two units slide").plain()
    assert max(each["signs"].count(0) for each in two) == 2


def test_a_flow_that_ignores_the_kink_leads_elsewhere():
    instance, time = FLOWS["slides"]
    smooth = extended(begin(instance), time)
    assert np.linalg.norm(smooth.at - euler(instance, time, 2 * STEPS)) > 0.1


PROVED = {
    through_kinks.balance: ("slides", "negative slope", "leaky, three layers"),
    through_kinks.blowup_bracket: ("leaky, three layers",),
}


@pytest.mark.parametrize("check", PROVED, ids=lambda check: check.__name__)
def test_a_conclusion_about_a_flow_through_kinks_is_proved(check):
    for name in PROVED[check]:
        data = {"ncf": found(name).plain()}
        assert reason(check, FLOWS[name][0], data) == ""


CHANGING = {
    through_kinks.monotone: ("slides", "dies", "leaky, three layers"),
    through_kinks.norm_bracket: ("slides", "crosses", "relu, one neuron"),
}


@pytest.mark.parametrize("check", CHANGING, ids=lambda check: check.__name__)
def test_a_conclusion_is_proved_until_the_norm_has_changed(check):
    for name in CHANGING[check]:
        instance, early = FLOWS[name][0], begin(FLOWS[name][0])
        within(60)
        assert reason(check, instance, exact.changed(instance).data) == ""
        short = {"ncf": follow(early, never, 0.01).plain()}
        assert "neither doubled nor halved" in reason(check, instance, short)


@pytest.mark.parametrize("seed, powers", [(3, (1, 2)), (2, (2, 1))])
def test_a_balance_that_counts_all_weights_once_is_proved_to_change(seed, powers):
    within(60)
    instance = drawn((2, 2, 2, 1), (0.1, 0.0), seed, 3, powers)
    data = exact.unweighed_balance(instance).data
    assert reason(kink_controls.unweighed_balance, instance, data) == ""
    short = {"ncf": follow(begin(instance), never, 1e-4).plain()}
    assert "may be conserved" in reason(kink_controls.unweighed_balance, instance, short)


@pytest.mark.parametrize("name", ["slides", "leaky, two neurons"])
def test_a_flow_that_ignores_kinks_is_proved_to_lead_elsewhere(name):
    instance, time = FLOWS[name]
    within(60)
    assert reason(kink_controls.kinks_ignored, instance, apart(instance, time)) == ""


def both(instance, time: float) -> dict:
    """Both solutions from a start."""
    within(60)
    first, second = parted(instance, time)
    return {"first": first.plain(), "second": second.plain()}


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.3])
def test_two_solutions_are_proved_where_a_kink_turns_repelling(alpha):
    instance = network_of((2, 1, 1), (alpha,), [[1, 0], [-0.5, 1]], [-1, -1], [0.02, 1.0, 0.7])
    data = both(instance, 2.0)
    assert [each["signs"][0] for each in data["first"]] == [1, 0, 1]
    assert reason(kink_controls.branches, instance, data) == ""
    with pytest.raises(NotProved, match="branches"):
        through(instance, never, 2.0)


def test_two_solutions_that_are_still_near_each_other_prove_nothing():
    data = both(BRANCHES, 2.0)
    same = {"first": data["first"], "second": data["first"]}
    assert "nearer" in reason(kink_controls.branches, BRANCHES, same)


@pytest.fixture
def registered(monkeypatch):
    """A claim of monotony as the page registers it: the function, and what asks for its proof."""
    keeps = {"p_l = 1, α_l < 1 for some l": through_kinks.kinked}
    keeps |= {"no branching": through_kinks.followed}
    proves(ID, keeps=keeps)(through_kinks.monotone)
    monkeypatch.setitem(PROOFS, ID, PROOFS.pop(ID))  # taken out again at the end

    def monotone(instance):
        path = through(instance, has_changed(0.49, 2.01), time=3.0)
        return Certificate("flow", {"ncf": path.plain()})

    return SimpleNamespace(id=ID, prove=monotone, function=SimpleNamespace(__module__=""))


def test_a_claim_that_is_registered_as_the_page_says_is_proved_with_its_hypotheses(registered):
    proved = prove(registered, SLIDES, seconds=60)
    assert isinstance(proved, Certificate) and proved.proves.startswith("N(v(t)) rises")
    smooth = drawn((2, 1, 1), (1.0,), 0, 2)
    data = {"ncf": []}
    assert "“p_l = 1, α_l < 1 for some l” is not proved" in reason(PROOFS[ID], smooth, data)
    assert "“no branching” is not proved" in reason(PROOFS[ID], SLIDES, data)
    assert prove(registered, BRANCHES, seconds=60).reason.startswith("the flow branches")


def test_exponentials_hold_those_of_floats():
    for x in (-30.0, -1.0, -1e-9, 0.0, 0.3, 2.0, 17.5):
        value = through_kinks.exponential(ball(x))
        assert value > np.exp(x) * (1 - 1e-14) and value < np.exp(x) * (1 + 1e-14)


def test_the_flow_ends_where_its_norm_has_changed():
    within(60)
    path = through(SLIDES, has_changed(0.5, 2.0))
    assert np.linalg.norm(path.at) > 2


@pytest.mark.long
@pytest.mark.parametrize("widths, slopes", [((2, 2, 1), RELU), ((2, 2, 2, 1), (0.2, 0.2))])
def test_most_small_flows_through_kinks_are_enclosed(widths, slopes):
    proved = 0
    for seed in range(40):
        instance = drawn(widths, slopes, seed, 4)
        within(60)
        try:
            path = through(instance, has_changed(0.5, 2.0), 2.0)
            proved += bool(ModeFlow(case_of(instance), path.plain()).end)
        except (NotProved, Rejected):
            continue
    assert proved > 32
