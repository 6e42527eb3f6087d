"""KKT points: polish, inertia, the limit of a flow and the time of blow-up, against independent
computations.
"""

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.sparse.linalg import ArpackNoConvergence

from ncfcheck.core.claims import Inapplicable, Outcome, Unresolved, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.tolerances import HANDOVER, POLISHED, Numerics
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Ncf, Problem
from ncfcheck.model.networks import dense
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import architectures, instances
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow
from ncfcheck.theory.kkt import points
from ncfcheck.theory.kkt.points import Inertia, blowup_time, flow_limit, polish, positive_limit
from ncfcheck.theory.rank_one.points import structured_point
from ncfcheck.theory.starts import unit
from tests.support import reference

NUMERICS = Numerics()
CURVED = st.sampled_from(
    [powers for group in architectures().values() for powers in group if min(powers) >= 2]
)
NETWORKS = {
    "two layers": dense((3, 4, 1), (2,), (0.5,)),
    "three layers": dense((2, 3, 2, 1), (2, 2), (0.5, -0.3)),
    "cubic": dense((3, 3, 1), (3,), (-0.5,)),
    "three outputs": dense((3, 4, 3), (2,), (0.5,)),
    "convolution": reference.zoo()["convolution"],
    "masked": reference.zoo()["masked"],
}


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS.keys())
def network(request):
    return request.param


def drawn(network, seed=0):
    """Unit start with N > 0, and NCF."""
    for attempt in range(20):
        start, X, ybar = reference.problem(network, 20 * seed + attempt)
        ncf = Ncf(network, X, ybar)
        if ncf.value(start) > 1e-2 * np.linalg.norm(ncf.gradient(start)):
            return start, ncf
    raise AssertionError("no start with N > 0")


def flipped(network, u):
    """u with the sign of W_L changed."""
    out = u.copy()
    out[network.slices[-1]] *= -1
    return out


def tangent_eigenvalues(ncf, u):
    """Spectrum of Π(∇²N − λI)Π on the tangent space in units of |λ|, from the plain Hessian."""
    gradient = reference.backpropagated(ncf.network, u, ncf.X, ncf.ybar)
    basis = np.linalg.svd(np.eye(u.size) - np.outer(u, u))[0][:, :-1]
    hessian = reference.hessian(ncf.network, u, ncf.X, ncf.ybar) - gradient @ u * np.eye(u.size)
    return np.linalg.eigvalsh(basis.T @ hessian @ basis) / abs(gradient @ u)


def saddle():
    """NCF and a KKT point with two neurons on different directions of G: a saddle, as either alone
    is better (theory §5).
    """
    _, ncf = drawn(dense((3, 3, 1), (2,), (0.5,)), 3)
    narrow = Ncf(dense((3, 1, 1), (2,), (0.5,)), ncf.X, ncf.ybar)
    limits = [
        flow_limit(narrow, reference.problem(narrow.network, seed)[0], NUMERICS).point
        for seed in range(8)
    ]
    first, second = next(
        (a, b) for a in limits for b in limits if abs(a.u[:3] @ b.u[:3]) < 0.6 * 2 / 3
    )
    hidden, output = np.zeros((3, 3)), np.zeros((1, 3))
    for neuron, point in enumerate(
        (first, second)
    ):  # w_j = a_j q_j, v_j = ±a_j/√2, a_j ∝ 1/|G(q_j)|
        hidden[neuron], output[0, neuron] = point.u[:3] / point.value, point.u[3] / point.value
    theta = ncf.network.flatten([hidden, output])
    return ncf, theta / np.linalg.norm(theta)


def test_the_polish_reaches_rounding_on_nearly_all_random_instances():
    residuals = []
    for each in draw(instances(powers=CURVED).strategy(), 200, 11, simplest=False):
        flow = ncf_flow(each.ncf, each.start, each.numerics, residual=HANDOVER)
        if flow.stop is Stop.CONVERGED:
            residuals.append(polish(each.ncf, flow.direction).residual)
    assert len(residuals) > 150
    assert np.mean(np.array(residuals) <= POLISHED) >= 0.99


def test_the_polish_moves_to_the_nearest_kkt_point(network):
    start, ncf = drawn(network)
    u = flow_limit(ncf, start, NUMERICS).point.u
    for distance in (1e-2, 1e-4, 1e-8):
        off = u + distance * np.random.default_rng(1).standard_normal(u.size) / u.size**0.5
        point = polish(ncf, off / np.linalg.norm(off))
        assert point.is_polished and np.linalg.norm(point.u) == pytest.approx(1, abs=1e-15)
        assert np.linalg.norm(point.u - u) <= 10 * distance
        assert (
            point.residual == pytest.approx(ncf.residual(point.u), abs=1e-15)
            and point.residual <= 1e-13
        )
        assert point.value == pytest.approx(ncf.value(u), rel=1e-3)


def test_a_kkt_point_is_described_by_its_value_multiplier_and_curvature(network):
    start, ncf = drawn(network)
    point = flow_limit(ncf, start, NUMERICS).point
    assert point.value == pytest.approx(
        reference.value(network, point.u, ncf.X, ncf.ybar), rel=1e-13
    )
    assert point.multiplier == pytest.approx(network.order * point.value, rel=1e-12)
    # The curvature may be taken where the polish last formed it, a step of HANDOVER away.
    assert point.top_curvature == pytest.approx(
        tangent_eigenvalues(ncf, point.u)[-1], abs=100 * HANDOVER
    )


def test_the_limit_of_one_neuron_is_a_maximum():
    start, ncf = drawn(dense((3, 1, 1), (2,), (0.5,)))
    point = flow_limit(ncf, start, NUMERICS).point
    assert point.inertia is Inertia.MAXIMUM and len(point.escape) == 0
    assert tangent_eigenvalues(ncf, point.u)[-1] < -0.1


@pytest.mark.parametrize("dense_up_to", [0, 400])
def test_two_active_neurons_are_a_saddle(monkeypatch, dense_up_to):
    ncf, u = saddle()
    monkeypatch.setattr(points, "DENSE_HESSIAN", dense_up_to)
    point = polish(ncf, u)
    positive = tangent_eigenvalues(ncf, u) > 1e-6
    assert point.inertia is Inertia.SADDLE and len(point.escape) == positive.sum() > 0
    for direction in point.escape:
        moved = point.u + 1e-3 * direction
        assert ncf.value(moved / np.linalg.norm(moved)) > point.value * (1 + 1e-8)


@pytest.mark.parametrize("dense_up_to", [0, 400])
def test_a_maximum_with_the_sign_of_its_output_flipped_is_a_saddle_or_minimum(
    monkeypatch, network, dense_up_to
):
    monkeypatch.setattr(points, "DENSE_HESSIAN", dense_up_to)
    start, ncf = drawn(network)
    up = flow_limit(ncf, start, NUMERICS).point
    down = polish(ncf, flipped(network, up.u))
    assert down.value == pytest.approx(-up.value, rel=1e-12) and down.inertia is Inertia.SADDLE


@pytest.mark.parametrize("depth", [3, 4])
@pytest.mark.parametrize("dense_up_to", [0, 400])
def test_rotations_of_a_deep_linear_network_are_degenerate(monkeypatch, depth, dense_up_to):
    monkeypatch.setattr(points, "DENSE_HESSIAN", dense_up_to)
    start, ncf = drawn(dense((3, *[3] * (depth - 1), 1), (1,) * (depth - 1), (1.0,) * (depth - 1)))
    point = flow_limit(ncf, start, NUMERICS).point
    assert (
        point.inertia is Inertia.DEGENERATE
        and point.is_polished
        and abs(point.top_curvature) < 1e-6
    )
    assert point.value == pytest.approx(
        np.linalg.norm(ncf.X.T @ ncf.ybar) * depth ** (-depth / 2), rel=1e-12
    )


@pytest.mark.parametrize("dense_up_to", [0, 400])
def test_the_polish_stays_near_a_continuum_of_kkt_points(monkeypatch, dense_up_to):
    """A linear layer's neurons rotate, so that near the point the Hessian has eigenvalues of the
    size of the distance, or 0.
    """
    monkeypatch.setattr(points, "DENSE_HESSIAN", dense_up_to)
    network = dense((3, 3, 2, 2, 1), (4, 1, 1), (0.5, 1.0, 1.0))
    rng = np.random.default_rng(0)
    for _ in range(300):
        x, profiles = (
            rng.standard_normal((1, 3)),
            [np.eye(3)[0], unit(rng.uniform(0.1, 1, 2)), unit(rng.uniform(0.1, 1, 2))],
        )
        ncf = Ncf(network, x, np.ones((1, 1)))
        exact = structured_point(network, unit(x[0]), (1.0, 1.0, 1.0), profiles)
        near = unit(exact + 1e-4 * unit(rng.standard_normal(exact.size)))
        found = polish(ncf, near)
        assert found.is_polished and np.linalg.norm(found.u - near) < 1e-3


def test_both_forms_of_the_hessian_give_the_same_point(monkeypatch, network):
    start, ncf = drawn(network, 1)
    u = ncf_flow(ncf, start, NUMERICS, residual=1e-4).direction
    full = polish(ncf, u)
    monkeypatch.setattr(points, "DENSE_HESSIAN", 0)
    products = polish(ncf, u)
    assert products.is_polished and full.is_polished and products.inertia is full.inertia
    assert products.value == pytest.approx(full.value, rel=1e-12)
    assert products.top_curvature == pytest.approx(full.top_curvature, abs=1e-6)


def test_a_spectrum_that_lanczos_cannot_tell_apart_is_diagonalised(monkeypatch, network):
    def give_up(*arguments, **options):
        raise ArpackNoConvergence("no convergence", np.zeros(0), np.zeros((0, 0)))

    start, ncf = drawn(network)
    u = flow_limit(ncf, start, NUMERICS).point.u
    expected = polish(ncf, u)
    monkeypatch.setattr(points, "DENSE_HESSIAN", 0)
    monkeypatch.setattr(points, "eigsh", give_up)
    assert polish(ncf, u).top_curvature == pytest.approx(expected.top_curvature, abs=1e-6)


def test_a_polish_that_ends_elsewhere_is_not_the_limit(monkeypatch):
    start, ncf = drawn(NETWORKS["two layers"])
    monkeypatch.setattr(points, "polish", lambda ncf, u: polish(ncf, flipped(ncf.network, u)))
    with pytest.raises(Unresolved, match="not where the flow is heading"):
        flow_limit(ncf, start, NUMERICS)


def test_a_point_without_gradient_cannot_be_polished():
    ncf = Ncf(dense((2, 3, 1), (2,), (0.0,)), np.ones((2, 2)), np.ones((2, 1)))
    with pytest.raises(Unresolved):
        polish(ncf, -np.ones(9) / 3)


def test_the_limit_is_that_of_a_plain_integration(network):
    """v' = (∇N − D·N·v)/‖∇N‖ on the sphere, with plain numpy and scipy's LSODA."""
    start, ncf = drawn(network, 2)

    def rate(_, v):
        g = reference.backpropagated(network, v, ncf.X, ncf.ybar)
        return (g - g @ v / (v @ v) * v) / np.linalg.norm(g)

    end = solve_ivp(rate, (0, 60), start, "LSODA", rtol=1e-9, atol=1e-11).y[:, -1]
    limit = flow_limit(ncf, start, NUMERICS)
    assert ncf.residual(end / np.linalg.norm(end)) < 1e-4  # it arrived
    np.testing.assert_allclose(limit.point.u, end / np.linalg.norm(end), rtol=0, atol=1e-3)


def test_scipys_integrator_finds_the_same_limit(network):
    start, ncf = drawn(network, 3)
    limits = [
        flow_limit(ncf, start, Numerics(1e-11, integrator)) for integrator in ("compiled", "scipy")
    ]
    assert limits[0].point.value == pytest.approx(limits[1].point.value, rel=1e-9)
    assert limits[0].point.inertia is limits[1].point.inertia
    assert all(limit.distance < 1e-2 for limit in limits)


@pytest.mark.parametrize("name", ["two layers", "three layers", "cubic", "three outputs"])
@pytest.mark.parametrize("seed", range(3))
def test_the_blow_up_time_is_within_its_error_of_brute_force(name, seed):
    """u̇ = ∇N(u) in plain variables until the rest of the time is below 10^-6 of the whole."""
    network = NETWORKS[name]
    start, ncf = drawn(network, seed)
    found, limit = blowup_time(ncf, start, NUMERICS)
    time, error, optimum = found.value, found.error, limit.value
    far = 1e6 ** (1 / (network.order - 2))

    def escaped(_, u):
        return np.linalg.norm(u) - far

    escaped.terminal = True
    plain = solve_ivp(
        lambda _, u: reference.backpropagated(network, u, ncf.X, ncf.ybar),
        (0, 10 * time),
        start,
        "DOP853",
        rtol=1e-12,
        atol=1e-12,
        events=escaped,
    )
    u = plain.y[:, -1]
    direction = u / np.linalg.norm(u)
    rest = np.linalg.norm(u) ** (2 - network.order) / (network.order * (network.order - 2))
    value = reference.value(network, direction, ncf.X, ncf.ybar)
    assert (
        abs(plain.t[-1] + rest / value - time)
        <= error + abs(rest / value - rest / optimum) + 1e-9 * time
    )
    assert error < 1e-6 * time


def test_a_dead_start_has_no_limit():
    ncf = Ncf(dense((2, 3, 1), (2,), (0.0,)), np.ones((2, 2)), np.ones((2, 1)))
    with pytest.raises(Inapplicable, match="dead"):
        flow_limit(ncf, np.concatenate([-np.ones(6), np.ones(3)]) / 3, NUMERICS)


def test_a_gradient_that_is_only_rounding_counts_as_dead():
    X = np.random.default_rng(0).standard_normal((5, 4))
    ncf = Ncf(
        dense((4, 4, 3, 1), (1, 1), (1.0, 1.0)), np.concatenate([X, -X]), np.full((10, 1), 0.5)
    )
    with pytest.raises(Inapplicable, match="dead"):
        flow_limit(ncf, reference.problem(ncf.network, 0)[0], NUMERICS)


def test_a_neuron_that_closes_tends_to_a_zero_kkt_point():
    ncf = Ncf(dense((1, 1, 1), (2,), (0.0,)), np.ones((1, 1)), np.ones((1, 1)))
    start = np.array([0.6, -0.8])
    point = flow_limit(ncf, start, NUMERICS).point
    assert point.inertia is Inertia.ZERO and point.multiplier == 0 and point.residual < 1e-6
    np.testing.assert_allclose(point.u, [0, -1], atol=1e-3)
    with pytest.raises(Inapplicable, match="zero"):
        positive_limit(ncf, start, NUMERICS)
    with pytest.raises(Inapplicable):
        blowup_time(ncf, start, NUMERICS)


def test_a_negative_kkt_point_is_its_own_limit_but_not_a_positive_one(network):
    start, ncf = drawn(network)
    u = flipped(network, flow_limit(ncf, start, NUMERICS).point.u)
    point = flow_limit(ncf, u, NUMERICS).point
    assert point.value < 0 and np.linalg.norm(point.u - u) < 1e-10
    with pytest.raises(Inapplicable, match="negative"):
        positive_limit(ncf, u, NUMERICS)


@pytest.mark.parametrize(
    "distance", [1e-2, 1e-4, 3e-7]
)  # the last is within HANDOVER of the saddle
def test_a_flow_that_passes_a_saddle_goes_on_to_a_maximum(distance):
    ncf, u = saddle()
    at_saddle = polish(ncf, u)
    start = u + distance * at_saddle.escape[0]
    limit = flow_limit(ncf, start / np.linalg.norm(start), NUMERICS)
    # Which neuron wins depends on the sign of an eigenvector; the worse of both maxima is better
    # than the saddle by 0.15 %.
    assert limit.point.value > 1.001 * at_saddle.value
    assert limit.point.inertia is not Inertia.SADDLE


def test_a_flow_that_creeps_to_a_nearly_flat_maximum_violates_nothing():
    """G(q) = q_1² + (1 − gap)² q_2²: at the hand-over the flow is residual/curvature, more than
    0.01, from its limit.
    """
    load_claims()
    start = np.array([0.5, 0.6, 0.4]) / np.linalg.norm([0.5, 0.6, 0.4])
    problem = Problem(dense((2, 1, 1), (2,), (1.0,)), np.diag([1, 1 - 3e-5]), np.ones((2, 1)))
    each = Instance(problem, start, seeds=(0,))
    assert flow_limit(each.ncf, each.start, each.numerics).distance > 1e-2
    assert registered()["flow.direction_converges"].judge(each)[0] is Outcome.UNRESOLVED


def test_curvature_beside_a_kink_that_is_not_finite_is_not_known():
    # The kink is that of the second sample, which alone overflows on the way to ∇²N.
    network = dense((2, 1, 1), (2,), (0.5,))
    ncf = Ncf(network, np.array([[0.0, 1.0], [1e200, 0.0]]), np.array([[1.0], [1e-300]]))
    point = points.describe(ncf, unit(np.array([0.0, np.sqrt(2), 1.0])))
    with np.errstate(all="ignore"), pytest.raises(Unresolved, match="beside a kink are not finite"):
        points.curvature_there(ncf, point)
