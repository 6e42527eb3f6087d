"""Structured points and the reduced problem against closed forms."""

import numpy as np
import pytest

from ncfcheck.core.claims import Inapplicable, Outcome, Unresolved, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.ncf import Ncf, Problem
from ncfcheck.model.networks import dense
from ncfcheck.properties.rank_one.margins import criterion
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.structured import rank_one_points
from ncfcheck.theory.rank_one.points import (
    RankOneInstance,
    balanced_norms,
    reduced_point,
    reduced_value,
    structured_point,
    structured_value,
    tangent,
)
from ncfcheck.theory.rank_one.two_layer import defect, two_direction_point

load_claims()


def problem(seed=0, d=3, n=6):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal((n, 1))


@pytest.mark.parametrize(
    "powers,slopes",
    [((2,), (0.5,)), ((1, 3), (-0.3, 0.1)), ((2, 2), (0.0, -1.0)), ((3, 1, 2), (0.5, 1.0, -0.5))],
)
def test_the_reduced_value_is_that_of_the_network_with_all_widths_one(powers, slopes):
    X, ybar = problem()
    network = dense((3, *[1] * (len(powers) + 1)), powers, slopes)
    u, signs = np.array([0.6, -0.8, 0.0]), (1.0, -1.0, 1.0)[: len(powers)]
    theta = network.flatten([u[None, :], *(np.array([[sign]]) for sign in signs)])
    assert reduced_value(network, X, ybar[:, 0], u, signs)[0] == pytest.approx(
        Ncf(network, X, ybar).value(theta), rel=1e-13
    )


@pytest.mark.parametrize(
    "powers,slopes", [((2,), (0.5,)), ((1, 3), (-0.3, 0.1)), ((3, 2), (0.5, -1.0))]
)
def test_the_reduced_gradient_is_the_derivative_of_the_reduced_value(powers, slopes):
    X, ybar = problem(1)
    network, u, signs = (
        dense((3, *[1] * (len(powers) + 1)), powers, slopes),
        np.array([0.3, 0.5, -0.7]),
        (-1.0, 1.0)[: len(powers)],
    )
    _, gradient = reduced_value(network, X, ybar[:, 0], u, signs)
    step = 1e-6
    differences = [
        (
            reduced_value(network, X, ybar[:, 0], u + step * e, signs)[0]
            - reduced_value(network, X, ybar[:, 0], u - step * e, signs)[0]
        )
        / (2 * step)
        for e in np.eye(3)
    ]
    np.testing.assert_allclose(gradient, differences, rtol=1e-7, atol=1e-8)


def test_a_deep_linear_structured_point_has_the_closed_form_value():
    """max N = ‖Xᵀȳ‖ L^{−L/2} at u = Xᵀȳ/‖Xᵀȳ‖ (theory §5)."""
    X, ybar = problem(2)
    network = dense((3, 4, 2, 1), (1, 1), (1.0, 1.0))
    moment = X.T @ ybar[:, 0]
    profiles = (np.array([0.6, 0.8, 0, 0]), np.array([1.0, 0.0]))
    theta = structured_point(network, moment / np.linalg.norm(moment), (1.0, 1.0), profiles)
    ncf = Ncf(network, X, ybar)
    assert ncf.value(theta) == pytest.approx(np.linalg.norm(moment) * 3**-1.5, rel=1e-13)
    assert ncf.residual(theta) < 1e-14


def test_two_layer_structured_points_have_the_closed_form_value():
    """N = G(u) (p/(p+1))^{p/2} (p+1)^{−1/2} with one active neuron, k'^{(1−p)/2} of that with k'
    (theory §5).
    """
    X, ybar = problem(3)
    for power in (2, 3):
        network = dense((3, 4, 1), (power,), (0.5,))
        point = reduced_point(network, X, ybar, seed=0)
        G, _ = reduced_value(network, X, ybar[:, 0], point.u, point.signs)
        one = G * (power / (power + 1)) ** (power / 2) * (power + 1) ** -0.5
        for active in (1, 2, 4):
            profile = np.zeros(4)
            profile[:active] = active**-0.5
            theta = structured_point(network, point.u, point.signs, (profile,))
            expected = one * active ** ((1 - power) / 2)
            assert structured_value(network, G, (profile,)) == pytest.approx(expected, rel=1e-13)
            assert Ncf(network, X, ybar).value(theta) == pytest.approx(expected, rel=1e-12)


def test_a_structured_point_is_a_unit_vector_with_balanced_layers():
    network = dense((2, 3, 2, 1), (2, 3), (0.1, 0.5))
    profiles = (np.array([1.0, 0, 0]), np.array([0.5, 0.5]) ** 0.5)
    theta = structured_point(network, np.array([0.6, 0.8]), (-1.0, 1.0), profiles)
    assert np.linalg.norm(theta) == pytest.approx(1, abs=1e-15)
    norms = [np.linalg.norm(W) for W in network.matrices(theta)]
    np.testing.assert_allclose(norms, balanced_norms(network), rtol=1e-15)


def test_reduced_points_are_kkt_points_of_the_reduced_problem():
    X, ybar = problem(4)
    network = dense((3, 2, 2, 1), (2, 2), (0.3, -0.6))
    point = reduced_point(network, X, ybar, seed=5)
    value, gradient = reduced_value(network, X, ybar[:, 0], point.u, point.signs)
    tangential = gradient - (gradient @ point.u) * point.u
    assert value > 0 and np.linalg.norm(tangential) <= 1e-11 * np.linalg.norm(gradient)


def test_a_problem_without_positive_values_has_no_reduced_point():
    with pytest.raises(Inapplicable):
        reduced_point(dense((1, 1, 1), (2,), (0.0,)), np.zeros((2, 1)), np.ones((2, 1)), seed=0)


def test_a_two_direction_point_is_a_kkt_point_of_rank_two():
    X, ybar = np.eye(2), np.array([[1.0], [2.0]])
    network = dense((2, 3, 1), (2,), (0.0,))
    theta = two_direction_point(network, X, ybar, seed=0)
    assert Ncf(network, X, ybar).residual(theta) < 1e-12
    assert np.linalg.matrix_rank(network.matrices(theta)[0], tol=1e-3) == 2


def collect(strategy, count=60, seed=0):
    seen = list(draw(strategy, count, seed, simplest=True))
    return [each for each in seen if each.u is not None]


def test_drawn_profiles_are_unit_nonnegative_and_uniform_where_they_must_be():
    instances = collect(rank_one_points().strategy())
    assert len(instances) > 30
    for each in instances:
        for profile, power in zip(each.profiles, each.network.powers):
            active = profile[profile > 0]
            assert (profile >= 0).all() and np.linalg.norm(profile) == pytest.approx(1, abs=1e-14)
            assert power == 1 or np.ptp(active) < 1e-15
    supports = {np.count_nonzero(profile) for each in instances for profile in each.profiles}
    assert {1, 2, 3} <= supports


def test_a_point_where_the_gradient_vanishes_makes_no_angle():
    """With e_1 = −1 and α = 0 the network is dead: nothing can be said about sin∠, whatever the
    claim.
    """
    network, profiles = dense((1, 1, 1), (2,), (0.0,)), (np.array([-1.0]),)
    problem = Problem(network, np.ones((1, 1)), np.ones((1, 1)))
    start = structured_point(network, np.ones(1), (1.0,), profiles)
    instance = RankOneInstance(problem, start, u=np.ones(1), signs=(1.0,), profiles=profiles)
    for id in ("control.signless", "rank_one.two_layer_iff"):
        outcome, margin = registered()[id].judge(instance)
        assert outcome is Outcome.INAPPLICABLE
        assert "∇N = 0" in margin.note or margin.note == "N is not positive"


def test_the_criterion_is_undecided_where_the_reduced_problem_is_dead():
    """With x = −1 and α = 0, n vanishes about u = 1."""
    network, profiles = dense((1, 1, 1), (2,), (0.0,)), (np.ones(1),)
    problem = Problem(network, -np.ones((1, 1)), np.ones((1, 1)))
    start = structured_point(network, np.ones(1), (1.0,), profiles)
    with pytest.raises(Unresolved, match="dead"):
        criterion(
            RankOneInstance(problem, start, u=np.ones(1), signs=(1.0,), profiles=profiles), 1e-14
        )


@pytest.mark.filterwarnings("error")
def test_tangents_across_the_line_are_infinite_and_of_no_gradient_are_no_number():
    point = np.array([1.0, 0.0])
    assert (
        tangent(np.array([1.0, -1.0]), point) == 1.0
        and tangent(np.array([0.0, 2.0]), point) == np.inf
    )
    assert np.isnan(tangent(np.zeros(2), point))
    # Found by a hunt, at p = 202: the square of what is left across the line overflowed.
    assert tangent(np.array([1e184, 1e168]), point) == pytest.approx(1e-16)


def test_conditions_on_neurons_that_are_all_noise_are_undecided():
    network = dense((1, 2, 1), (1,), (0.0,))
    theta = structured_point(network, np.ones(1), (1.0,), (np.array([0.6, 0.8]),))
    with pytest.raises(Unresolved, match="too coarsely"):
        defect(network, np.ones((1, 1)), np.ones(1), theta, accuracy=0.1)


def test_rows_next_to_a_kink_are_undecided_where_the_direction_read_off_them_is_on_its_other_side():
    """Found by a hunt: 1e-74 off the kink of a sample the network's gradient is exact, that at u =
    (0, −1) is another one.
    """
    network = dense((2, 1, 1), (1,), (0.5,))
    X, ybar = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([1.0, -1.0])
    theta = np.array([-6e-75, -1.0, 1.0]) / np.sqrt(2)
    with pytest.raises(Unresolved, match="kink"):
        defect(network, X, ybar, theta)
    theta[0] = -1e-3
    assert defect(network, X, ybar, theta).value > 1e-4


def test_what_neurons_that_count_as_zero_leave_of_the_equation_is_in_the_margins_error():
    """A hunt had found it: labels cancel to G(−1) = 2e-4 beside G(1) = −132, and a neuron of 1e-6
    beside one of 0.8.
    """
    X = [
        0.8766918560679414,
        -2.1144114548764925,
        3.6262882629046396,
        -2.542022666904603,
        3.4283794196723263,
    ]
    X += [-2.4905269218140242, 1.9684646682757034, -1.2967125525756957, 1.5765979073158805]
    y = [
        0.17248427759052565,
        24.04793806952898,
        -10.307325119752843,
        0.582922802034486,
        0.876650993631159,
    ]
    y += [-3.6278280864121832, -10.820303626275678, -2.3305545215971444, -2.472909323954573]
    problem = Problem(dense((1, 2, 1), (2,), (-0.7,)), np.array(X)[:, None], np.array(y)[:, None])
    start = np.array(
        [
            -8.1649658092638233e-01,
            1.4812478803330493e-06,
            5.7735026918867571e-01,
            -1.0474004208016989e-06,
        ]
    )
    instance = RankOneInstance(
        problem, start, u=np.ones(1), signs=(1.0,), profiles=(np.array([-1.0, 1.8e-6]),)
    )
    outcome, margin = registered()["rank_one.two_layer_iff"].judge(instance)
    assert outcome is Outcome.UNRESOLVED and margin.value < -1 and margin.error > 2
