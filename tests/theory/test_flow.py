"""Flows in polar form against the plain equations u̇ = ∇N(u) and ẇ = −∇𝓛(w), integrated by scipy on
plain numpy.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.flow.trajectories import Stop, loss_flow, ncf_flow, norm_reaches, time_reaches
from ncfcheck.theory.kkt.points import flow_limit
from tests.support import reference

NUMERICS = Numerics(tolerance=1e-12)
SMOOTH = {
    name: net
    for name, net in reference.zoo().items()
    if net.has_lipschitz_gradient and net.order > 2
}
# Well above the tolerance, which both integrators miss by up to 10^3 in a step across a kink of ∇²N
# or its derivative.
CLOSE = 2e-7


@pytest.fixture(params=SMOOTH.values(), ids=SMOOTH.keys())
def network(request):
    return request.param


def drawn(network, seed=0, loss=Loss.SQUARE):
    """Unit start with N > 0, so that every norm is reached, and problem."""
    if loss.labels.fewest > network.widths[-1]:
        pytest.skip("a network of one output")
    for attempt in range(10):
        start, X, y = reference.problem(network, 10 * seed + attempt)
        problem = Problem(network, X, loss.labels.fit(y), loss)
        if problem.ncf.value(start) > 1e-2 * np.linalg.norm(problem.ncf.gradient(start)):
            return start, problem
    raise AssertionError("no start with N > 0")


def unit_output_size(problem, start) -> float:
    """δ at which the largest output is 1."""
    return abs(reference.outputs(problem.network, start, problem.X)).max() ** (
        -1 / problem.network.order
    )


def plain(rate, start, time):
    return solve_ivp(lambda _, u: rate(u), (0, time), start, "DOP853", rtol=1e-12, atol=1e-14).y[
        :, -1
    ]


def descent(problem, w):
    """−∇𝓛(w)."""
    outputs, y = reference.outputs(problem.network, w, problem.X), problem.y
    slope = problem.loss.descent(outputs, y)
    return reference.backpropagated(problem.network, w, problem.X, slope)


def short_time(ncf, start) -> float:
    """A time in which the weights grow by a third, before any blow-up."""
    return ncf_flow(ncf, start, NUMERICS, norm_reaches(1.33)).time[-1]


def test_the_ncf_flow_solves_its_equation_in_plain_variables(network):
    start, problem = drawn(network)
    ncf = problem.ncf
    time = short_time(ncf, start)
    flow = ncf_flow(ncf, start, NUMERICS, time_reaches(time))
    expected = plain(lambda u: reference.backpropagated(network, u, ncf.X, ncf.ybar), start, time)
    assert flow.stop is Stop.REACHED and np.linalg.norm(expected - start) > 1e-2
    np.testing.assert_allclose(flow.norm * flow.direction, expected, rtol=0, atol=CLOSE)


@pytest.mark.parametrize("loss", Loss)
def test_the_loss_flow_solves_its_equation_in_plain_variables(network, loss):
    start, problem = drawn(network, 1, loss)
    delta, order = unit_output_size(problem, start), network.order
    time = short_time(problem.ncf, start)
    flow = loss_flow(problem, start, delta, NUMERICS, time_reaches(time))
    expected = (
        plain(lambda w: descent(problem, w), delta * start, time / delta ** (order - 2)) / delta
    )
    without_loss = plain(
        lambda u: reference.backpropagated(network, u, problem.X, problem.ncf.ybar), start, time
    )
    assert (
        np.linalg.norm(expected - without_loss) > 1e3 * CLOSE
    )  # else the test could not tell the loss from the NCF
    np.testing.assert_allclose(flow.norm * flow.direction, expected, rtol=0, atol=CLOSE)


def test_scipys_integrator_gives_the_same_flow(network):
    start, problem = drawn(network, 2)
    for until in (norm_reaches(1.2), time_reaches(short_time(problem.ncf, start))):
        compiled = ncf_flow(problem.ncf, start, NUMERICS, until)
        scipy = ncf_flow(problem.ncf, start, replace(NUMERICS, integrator="scipy"), until)
        assert compiled.stop is scipy.stop and compiled.stop.is_event
        np.testing.assert_allclose(scipy.direction, compiled.direction, rtol=0, atol=CLOSE)
        assert scipy.time[-1] == pytest.approx(compiled.time[-1], rel=CLOSE)
        assert scipy.log_norm[-1] == pytest.approx(compiled.log_norm[-1], abs=CLOSE)


def test_every_row_of_a_trajectory_says_what_its_direction_has(network):
    start, problem = drawn(network, 3)
    flow, ncf = ncf_flow(problem.ncf, start, NUMERICS, norm_reaches(1.5)), problem.ncf
    np.testing.assert_allclose(np.linalg.norm(flow.directions, axis=1), 1, atol=1e-14)
    values, gradients = zip(*(ncf.value_and_gradient(v) for v in flow.directions))
    np.testing.assert_allclose(flow.value, values, rtol=1e-12, atol=1e-14 * max(np.abs(values)))
    np.testing.assert_allclose(flow.gradient_norm, np.linalg.norm(gradients, axis=1), rtol=1e-13)
    np.testing.assert_allclose(
        flow.residual, [ncf.residual(v) for v in flow.directions], rtol=1e-9, atol=1e-15
    )
    assert (np.diff(flow.sigma) > 0).all() and (np.diff(flow.time) > 0).all()
    assert (flow.sigma[0], flow.time[0], flow.log_norm[0]) == (0, 0, 0)
    # σ counts d(log r) and dv by ‖ḡ‖, so neither moves by more than it.
    assert (np.abs(np.diff(flow.log_norm)) <= np.diff(flow.sigma) * (1 + 1e-9)).all()


POINTS = [
    ((2,), (0.5,)),
    ((3,), (-0.3,)),
    ((2, 2), (0.5, 0.0)),
    ((1, 1), (1.0, 1.0)),
    ((2, 1, 2), (0.5, 1.0, -1.0)),
]


@pytest.mark.parametrize(("powers", "slopes"), POINTS)
def test_from_a_kkt_direction_the_norm_has_its_closed_form(powers, slopes):
    """r(t) = (1 − D(D−2)N*t)^{−1/(D−2)} (theory §3), growing for N* > 0 and falling for N* < 0."""
    network = dense((3, *[2] * len(powers), 1), powers, slopes)
    start, problem = drawn(network, 4)
    ncf, order = problem.ncf, network.order
    point = flow_limit(ncf, start, NUMERICS).point
    assert point.value > 0
    flow = ncf_flow(ncf, point.u, NUMERICS, norm_reaches(5.0))
    rate = order * (order - 2) * point.value
    assert flow.stop is Stop.ESCAPED
    np.testing.assert_allclose(
        flow.directions, np.broadcast_to(point.u, flow.directions.shape), rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(
        np.exp(-(order - 2) * flow.log_norm), 1 - rate * flow.time, rtol=0, atol=1e-9
    )
    negative = point.u.copy()
    negative[network.slices[-1]] *= -1
    flow = ncf_flow(ncf, negative, NUMERICS, time_reaches(3 / rate))
    assert flow.stop is Stop.REACHED
    assert flow.norm == pytest.approx(4 ** (-1 / (order - 2)), rel=1e-9)


@pytest.mark.parametrize("depth", [3, 4, 5])
def test_deep_linear_flows_end_at_the_closed_form_maximum(depth):
    """N* = ‖Xᵀȳ‖ L^{−L/2}, W_1 along Xᵀȳ (theory §5)."""
    network = dense((3, *[3] * (depth - 1), 1), (1,) * (depth - 1), (1.0,) * (depth - 1))
    start, problem = drawn(network, 5)
    moment = np.linalg.norm(problem.X.T @ problem.y)
    assert flow_limit(problem.ncf, start, NUMERICS).point.value == pytest.approx(
        moment * depth ** (-depth / 2), rel=1e-12
    )


@pytest.mark.parametrize("power", [2, 3])
def test_two_layer_flows_end_at_the_closed_form_value(power):
    """N* = G(u) (p/(p+1))^{p/2} (p+1)^{−1/2} for the one active neuron's direction
    u (theory §5).
    """
    network = dense((3, 4, 1), (power,), (0.5,))
    start, problem = drawn(network, 6)
    point = flow_limit(problem.ncf, start, NUMERICS).point
    W = network.matrices(point.u)[0]
    active = np.argmax(np.linalg.norm(W, axis=1))
    assert np.linalg.norm(np.delete(W, active, axis=0)) < 1e-6
    u = W[active] / np.linalg.norm(W[active])
    G = abs(problem.y[:, 0] @ reference.activation(problem.X @ u, power, 0.5))
    assert point.value == pytest.approx(
        G * (power / (power + 1)) ** (power / 2) * (power + 1) ** -0.5, rel=1e-10
    )


@pytest.mark.parametrize(
    "network", [SMOOTH["dense p=2 α=0.5"], SMOOTH["three outputs"], SMOOTH["four layers"]]
)
@pytest.mark.parametrize("tiny", [1e-3, 1e-6, 1e-8])
@pytest.mark.parametrize("loss", Loss)
def test_a_tiny_delta_neither_overflows_nor_leaves_the_ncf_flow(network, tiny, loss):
    start, problem = drawn(network, 7, loss)
    flow = loss_flow(problem, start, tiny, NUMERICS, norm_reaches(2.0))
    limit = ncf_flow(problem.ncf, start, NUMERICS, norm_reaches(2.0))
    assert flow.stop is Stop.ESCAPED and np.isfinite(flow.time).all()
    # The distance is Θ(δ^D) (theory §4); the constant is that of outputs of norm up to 2^D.
    allowed = 1e-9 + 100 * (2 * tiny) ** network.order
    np.testing.assert_allclose(flow.direction, limit.direction, rtol=0, atol=allowed)
    assert flow.time[-1] == pytest.approx(limit.time[-1], rel=allowed)


def test_orders_far_apart_from_one_are_followed_at_tiny_delta():
    network = dense((2, 2, 2, 2, 1), (2, 2, 2), (0.5, 0.5, 0.5))
    start, problem = drawn(network, 8)
    assert network.order == 15
    flow = loss_flow(problem, start, 1e-8, NUMERICS, norm_reaches(2.0))
    assert flow.stop is Stop.ESCAPED and np.isfinite(flow.time).all() and flow.calls < 20_000


@pytest.mark.parametrize(
    ("name", "missed"), [("dense p=2 α=1", 3), ("dense p=4 α=0", 3), ("dense p=2 α=0.5", 1e4)]
)
@pytest.mark.parametrize("integrator", ["compiled", "scipy"])
def test_the_error_shrinks_with_the_tolerance(name, missed, integrator):
    start, problem = drawn(SMOOTH[name], 2)
    reference, *flows = (
        ncf_flow(problem.ncf, start, Numerics(10.0**-k, integrator), norm_reaches(2.0))
        for k in (13, 10, 8, 6, 4)
    )
    for k, flow in zip((10, 8, 6, 4), flows):
        assert np.linalg.norm(flow.direction - reference.direction) <= missed * 10.0**-k
        assert abs(flow.time[-1] / reference.time[-1] - 1) <= missed * 10.0**-k
    calls = [flow.calls for flow in (reference, *flows)]
    assert calls == sorted(calls, reverse=True) and calls[0] > 1.5 * calls[-1]
