"""Order two: what its margins say of flows that are known, and what they notice."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import Inapplicable, Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, unit
from ncfcheck.model.networks import dense
from ncfcheck.properties.two_homogeneous.departure import departures
from ncfcheck.properties.two_homogeneous.instances import both_sides, branching, ways
from ncfcheck.properties.two_homogeneous.margins import grown, growth, unbranched, way
from ncfcheck.strategies.draw import draw
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow, time_reaches

load_claims()
CLAIMS = {id: each for id, each in registered().items() if id.startswith("two_homogeneous.")}


def product(start) -> Instance:
    """H(x) = vwx on one sample x = 1, ȳ = 1: N = vw, of eigenvalues ±1 on v ± w."""
    problem = Problem(dense((1, 1, 1), (1,), (1.0,)), np.array([[1.0]]), np.array([[1.0]]))
    return Instance(problem, unit(np.array(start)))


def sliding(slope: float, v: float, e: float = 0.02) -> Instance:
    """Theory §11's example: x = (1, 0), (−½, 1), ȳ = (−1, −1), one neuron."""
    problem = Problem(
        dense((2, 1, 1), (1,), (slope,)),
        np.array([[1.0, 0.0], [-0.5, 1.0]]),
        np.array([[-1.0], [-1.0]]),
    )
    return Instance(problem, unit(np.array([e, 1.0, v])))


@pytest.mark.parametrize("start", [(1.0, 0.3), (1.0, -0.9)])
@pytest.mark.parametrize("time", [0.1, 1.0, 3.0])
def test_norms_are_those_of_the_flow_in_closed_form(start, time):
    instance = product(start)
    flow = ncf_flow(instance.ncf, instance.start, instance.numerics, time_reaches(time))
    w, v = instance.start
    squares = (w + v) ** 2 * math.exp(2 * time) + (w - v) ** 2 * math.exp(-2 * time)
    assert 2 * flow.log_norm[-1] == pytest.approx(math.log(squares / 2), abs=1e-8)
    found = growth(instance.ncf, flow, instance.numerics, 0.5)
    assert found.lower[-1] == pytest.approx(math.log(squares / 2) / 2 - 2 * w * v * time, abs=1e-8)
    assert (found.error < 3e-6).all() and grown(instance.ncf, flow, instance.numerics).value > 0


@pytest.mark.parametrize("rate", [0.99, 1.01])
def test_a_time_that_is_off_by_a_hundredth_breaks_a_bound(rate):
    instance = product((1.0, 0.95))
    flow = way(instance)
    wrong = replace(flow, time=rate * flow.time)
    assert grown(instance.ncf, flow, instance.numerics).outcome is Outcome.HOLDS
    assert grown(instance.ncf, wrong, instance.numerics).outcome is Outcome.VIOLATES


@pytest.mark.parametrize("id", CLAIMS)
def test_theorems_hold_of_the_product_of_two_weights(id):
    assert CLAIMS[id].judge(product((1.0, 0.3)))[0] is Outcome.HOLDS


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.3])
def test_the_example_branches_into_the_two_limits_that_theory_gives(slope):
    """Norms of αx₁ + x₂ and of x₁ + x₂, halved."""
    flow, both = ways(sliding(slope, 0.75))
    assert flow.stop is Stop.BRANCHED
    expected = sorted(math.hypot(share - 0.5, 1.0) / 2 for share in (slope, 1.0))
    assert [each.value[-1] for each in both] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("id", CLAIMS)
def test_flows_that_branch_are_no_matter_of_theorems_that_suppose_one_solution(id):
    outcome, margin = CLAIMS[id].judge(sliding(0.1, 0.75))
    if id.endswith(("norm_bracket", "direction_converges")):
        assert outcome is Outcome.HOLDS
    else:
        assert outcome is Outcome.INAPPLICABLE and "branches" in margin.note


def test_starts_on_both_sides_of_the_kink_end_as_both_ways_do():
    instance = sliding(0.1, 0.75)
    _, both = ways(instance)
    for start, on in zip(both_sides(instance), both):
        unbranched(start)
        assert way(start).direction == pytest.approx(on.direction, abs=1e-4)


def test_a_flow_that_does_not_branch_has_no_two_sides():
    with pytest.raises(Inapplicable, match="does not branch"):
        both_sides(sliding(0.1, -0.75))


def test_drawn_flows_branch():
    for instance in draw(branching().strategy(), 40, 5, simplest=True):
        assert ways(instance)[0].stop is Stop.BRANCHED


def test_a_neuron_that_comes_to_rest_on_its_kink_has_a_zero_limit():
    """N = −vσ(w), from w > 0, v > w: w falls to 0, where with α ≤ 0 it stays, as v does."""
    problem = Problem(dense((1, 1, 1), (1,), (0.0,)), np.array([[1.0]]), np.array([[-1.0]]))
    instance = Instance(problem, unit(np.array([1.0, 2.0])))
    flow = way(instance)
    assert flow.stop is Stop.DEAD and flow.direction == pytest.approx([0.0, 1.0], abs=1e-9)
    outcome, margin = CLAIMS["two_homogeneous.direction_converges"].judge(instance)
    assert outcome is Outcome.HOLDS and margin.note == "zero KKT point"


def test_departures_are_of_order_two_in_closed_form():
    """Square loss, N = vw from its maximum: d log r/dt = 1 − δ²r²/2, so that log r falls short by
    δ²(r² − 1)/4.
    """
    instance = replace(product((1.0, 0.9999)), numerics=Numerics(1e-10))
    powers, sizes, floor = departures(instance, instance)
    flow = way(replace(instance, numerics=Numerics(1e-13)))
    assert floor < 1e-9 and np.diff(np.log(sizes[:4])) == pytest.approx(
        np.diff(np.log(powers[:4])), rel=1e-3
    )
    half = np.argmax(flow.sigma >= 0.5 * flow.sigma[-1])
    grown_by = math.exp(2 * flow.log_norm[half])
    assert sizes[2] / powers[2] == pytest.approx((grown_by - 1) / 4, rel=0.02)
