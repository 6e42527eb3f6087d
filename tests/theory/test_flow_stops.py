"""Why and where flows end: every event on the spot, every stop reason by an instance that should
give it.
"""

from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.tolerances import HANDOVER, Numerics
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Ncf, Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.flow.trajectories import (
    Stop,
    aligned_with,
    loss_flow,
    ncf_flow,
    norm_reaches,
    time_reaches,
)
from ncfcheck.theory.kkt.points import flow_limit
from tests.support import reference

NUMERICS = Numerics()
LAST_DIGITS = 8 * reference.EPS


def drawn(network=None, seed=0):
    network = network or dense((3, 4, 1), (2,), (0.5,))
    start, X, y = reference.problem(network, seed)
    problem = Problem(network, X, y)
    if problem.ncf.value(start) < 0:
        start[network.slices[-1]] *= -1
    return start, problem


FLOWS = {
    "ncf": lambda problem, start, numerics, until: ncf_flow(problem.ncf, start, numerics, until),
    "loss": lambda problem, start, numerics, until: loss_flow(
        problem, start, 0.05, numerics, until
    ),
}


@pytest.fixture(params=["compiled", "scipy"])
def numerics(request):
    return replace(NUMERICS, integrator=request.param)


@pytest.fixture(params=FLOWS)
def follow(request):
    return FLOWS[request.param]


@pytest.mark.parametrize("seed", range(3))
def test_a_norm_is_reached_on_the_spot(follow, numerics, seed):
    start, problem = drawn(seed=seed)
    flow = follow(problem, start, numerics, norm_reaches(1.5))
    assert flow.stop is Stop.ESCAPED
    # scipy evaluates its interpolant, whose last digits wobble.
    assert flow.norm == pytest.approx(
        1.5, rel=LAST_DIGITS if numerics.integrator == "compiled" else 1e-12
    )
    assert (np.exp(flow.log_norm[:-1]) < 1.5).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_time_is_reached_on_the_spot(follow, numerics, seed):
    start, problem = drawn(seed=seed)
    time = 0.7 * ncf_flow(problem.ncf, start, NUMERICS, norm_reaches(1.5)).time[-1]
    flow = follow(problem, start, numerics, time_reaches(time))
    assert flow.stop is Stop.REACHED
    assert flow.time[-1] == pytest.approx(
        time, rel=LAST_DIGITS if numerics.integrator == "compiled" else 1e-12
    )


@pytest.mark.parametrize("seed", range(3))
def test_an_alignment_is_reached_on_the_spot(follow, numerics, seed):
    start, problem = drawn(seed=seed)
    target = flow_limit(problem.ncf, start, NUMERICS).point.u
    cosine = 0.5 + 0.5 * start @ target
    flow = follow(problem, start, numerics, aligned_with(target, cosine))
    assert flow.stop is Stop.REACHED
    assert flow.direction @ target == pytest.approx(
        cosine, abs=LAST_DIGITS if numerics.integrator == "compiled" else 1e-12
    )
    assert (flow.directions[:-1] @ target < cosine).all()


def test_the_same_state_is_reached_by_every_kind_of_event(numerics):
    start, problem = drawn(seed=3)
    by_norm = ncf_flow(problem.ncf, start, numerics, norm_reaches(1.7))
    target = flow_limit(problem.ncf, start, NUMERICS).point.u
    for until in (time_reaches(by_norm.time[-1]), aligned_with(target, by_norm.direction @ target)):
        flow = ncf_flow(problem.ncf, start, numerics, until)
        np.testing.assert_allclose(flow.direction, by_norm.direction, rtol=0, atol=1e-7)
        assert flow.norm == pytest.approx(1.7, rel=1e-6)


def test_an_event_that_holds_at_the_start_ends_the_flow_there(follow, numerics):
    start, problem = drawn()
    flow = follow(problem, start, numerics, aligned_with(start, 0.9))
    assert flow.stop is Stop.REACHED and len(flow.time) == 1 and flow.norm == 1


def test_a_norm_left_and_reached_again_counts_when_it_is_reached(numerics):
    """From N(v_0) < 0 the norm first falls, then rises through every radius."""
    start, problem = drawn(seed=1)
    start[problem.network.slices[-1]] *= -1
    assert problem.ncf.value(start) < 0
    flow = ncf_flow(problem.ncf, start, numerics, norm_reaches(1.1))
    assert (
        flow.stop is Stop.ESCAPED
        and flow.log_norm.min() < -1e-3
        and flow.norm == pytest.approx(1.1, rel=1e-12)
    )


def test_a_flow_without_event_converges_to_the_residual_asked_for(numerics):
    start, problem = drawn()
    for residual in (1e-3, HANDOVER):
        flow = ncf_flow(problem.ncf, start, numerics, residual=residual)
        assert flow.stop is Stop.CONVERGED
        assert problem.ncf.residual(flow.direction) <= residual < flow.residual[:-1].min()


def test_a_flow_with_an_event_does_not_stop_where_it_converges(numerics):
    start, problem = drawn()
    assert (
        ncf_flow(
            problem.ncf,
            flow_limit(problem.ncf, start, NUMERICS).point.u,
            numerics,
            norm_reaches(3.0),
        ).norm
        > 2.99
    )


def test_relu_flows_that_slide_along_kinks_have_limits():
    """Two-layer ReLU: steppers that know no kinks use up their budgets on these (theory §11)."""
    slid = 0
    for seed in range(6):
        start, problem = drawn(dense((3, 4, 1), (1,), (0.0,)), seed)
        flow = ncf_flow(problem.ncf, start, replace(NUMERICS, calls=12_000))
        assert flow.stop is Stop.CONVERGED and flow.residual[-1] <= HANDOVER
        slid += not flow.turns.modes.all()
    assert slid >= 4


def test_a_gradient_that_is_only_rounding_stalls():
    """A linear network on pairs ±x with equal labels: N = 0, and what is computed for ∇N jumps from
    step to step.
    """
    X = np.random.default_rng(0).standard_normal((5, 4))
    ncf = Ncf(
        dense((4, 4, 3, 1), (1, 1), (1.0, 1.0)), np.concatenate([X, -X]), np.full((10, 1), 0.5)
    )
    start, *_ = reference.problem(ncf.network, 0)
    assert 0 < np.linalg.norm(ncf.gradient(start)) < ncf.rounding(start)[1]
    assert ncf_flow(ncf, start, NUMERICS).stop is Stop.STALLED


def test_a_start_without_gradient_is_dead_at_once(numerics):
    network = dense((2, 3, 1), (2,), (0.0,))
    ncf = Ncf(network, np.array([[1.0, 2.0], [3.0, 1.0]]), np.ones((2, 1)))
    start = network.flatten([-np.ones((3, 2)), np.ones((1, 3))]) / 3
    flow = ncf_flow(ncf, start / np.linalg.norm(start), numerics)
    assert flow.stop is Stop.DEAD and len(flow.time) == 1


@pytest.mark.parametrize("power", [2, 3])
def test_a_flow_whose_hidden_neuron_closes_dies(power, numerics):
    """One ReLU^p neuron, v < 0: N = v·max(w, 0)^p rises until w = 0, a zero KKT point, which is
    reached only as t → ∞.
    """
    network = dense((1, 1, 1), (power,), (0.0,))
    flow = ncf_flow(Ncf(network, np.ones((1, 1)), np.ones((1, 1))), np.array([0.6, -0.8]), numerics)
    assert flow.stop is Stop.DEAD
    assert abs(flow.direction[0]) < 1e-3 and flow.direction[1] == pytest.approx(-1, abs=1e-6)
    assert flow.gradient_norm[-1] < 1e-5 * flow.gradient_norm[0]


def test_a_budget_of_gradient_calls_is_kept(numerics):
    start, problem = drawn()
    numerics = replace(numerics, calls=50)
    flow = ncf_flow(problem.ncf, start, numerics)
    assert flow.stop is Stop.BUDGET and 50 <= flow.calls < 50 + 30


def test_a_time_beyond_the_blow_up_is_not_reached_and_nothing_overflows():
    start, problem = drawn()
    order = problem.network.order
    flow = ncf_flow(
        problem.ncf,
        start,
        replace(NUMERICS, calls=2000),
        time_reaches(10 / problem.ncf.value(start)),
    )
    assert flow.stop in (Stop.BUDGET, Stop.STALLED)
    assert np.isfinite(flow.log_norm).all() and flow.log_norm[-1] > 10
    assert flow.time[-1] <= 1 / (order * (order - 2) * problem.ncf.value(start))


def test_a_gradient_that_overflows_is_not_finite(numerics):
    start, problem = drawn()
    ncf = Ncf(problem.network, 1e160 * problem.X, problem.y)
    with np.errstate(all="ignore"):
        assert ncf_flow(ncf, start, numerics).stop is Stop.NOT_FINITE


def test_data_of_extreme_but_harmless_size_change_nothing_but_the_time():
    start, problem = drawn()
    flow = ncf_flow(problem.ncf, start, NUMERICS, norm_reaches(2.0))
    for exponent in (-100, 100):
        scale = 2.0**exponent  # ȳ by a power of two: every number is the same but for its exponent
        other = ncf_flow(
            Ncf(problem.network, problem.X, scale * problem.y), start, NUMERICS, norm_reaches(2.0)
        )
        np.testing.assert_array_equal(other.directions, flow.directions)
        np.testing.assert_array_equal(scale * other.time, flow.time)


@pytest.mark.parametrize("loss", Loss)
def test_a_large_delta_fits_the_labels_instead_of_escaping(loss):
    start, problem = drawn(dense((3, 4, loss.labels.fewest), (2,), (0.5,)))
    problem = replace(problem, y=loss.labels.fit(np.sign(problem.y)), loss=loss)
    flow = loss_flow(problem, start, 2.0, replace(NUMERICS, calls=6000), norm_reaches(100.0))
    assert flow.stop is not Stop.ESCAPED
    assert problem.training_loss(2.0 * flow.norm * flow.direction) < 0.8 * problem.training_loss(
        2.0 * start
    )
