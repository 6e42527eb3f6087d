"""Families of start directions: every draw is a unit vector with what its name promises."""

import numpy as np
import pytest

from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import Ncf, neuron_balance
from ncfcheck.model.networks import DENSE, Network, convolution, dense
from ncfcheck.theory.flow.trajectories import ncf_flow
from ncfcheck.theory.kkt.points import flow_limit
from ncfcheck.theory.starts import COLLAPSING, STARTS, balance, live_start, unit
from tests.support import reference

NETWORKS = {
    "two layers": dense((3, 4, 1), (2,), (0.5,)),
    "three layers": dense((2, 3, 2, 1), (2, 3), (0.5, -0.3)),
    "three outputs": dense((3, 4, 3), (2,), (0.5,)),
    "masked": reference.zoo()["masked"],
    "shared": Network(
        (4, 4, 3, 2, 1), (2, 1, 2), (0.5, 1.0, 0.5), (convolution(4, 4, 2), DENSE, DENSE, DENSE)
    ),
}
FAMILIES = {**STARTS, **COLLAPSING}
SEEDS = range(6)


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS.keys())
def ncf(request):
    _, X, ybar = reference.problem(request.param, 0)
    return Ncf(request.param, X, ybar)


def starts(family, ncf):
    return [FAMILIES[family](np.random.default_rng(seed), ncf) for seed in SEEDS]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_start_is_a_unit_vector_that_depends_on_the_seed_alone(family, ncf):
    drawn = starts(family, ncf)
    for start in drawn:
        assert start.shape == (ncf.network.size,) and np.linalg.norm(start) == pytest.approx(
            1, abs=1e-14
        )
    for one, two in zip(drawn, starts(family, ncf)):
        np.testing.assert_array_equal(one, two)
    assert np.linalg.matrix_rank(np.array(drawn)[:2], tol=1e-6) == 2  # another seed, another start


def test_sparse_starts_have_zeros_but_none_in_a_whole_layer(ncf):
    drawn = starts("sparse", ncf)
    assert all(start[part].any() for start in drawn for part in ncf.network.slices)
    assert 0.2 < np.mean(np.array(drawn) == 0) < 0.7
    assert not any((start == 0).any() for start in starts("gaussian", ncf))


def test_unbalanced_starts_have_layers_of_different_size(ncf):
    def spread(start):
        sizes = [np.sqrt(np.mean(start[part] ** 2)) for part in ncf.network.slices]
        return max(sizes) / min(sizes)

    rng_seeds = range(30)
    unbalanced = [
        spread(FAMILIES["unbalanced"](np.random.default_rng(seed), ncf)) for seed in rng_seeds
    ]
    assert np.median(unbalanced) > 3


def test_balanced_starts_are_balanced_to_rounding(ncf):
    for start in starts("balanced", ncf):
        assert all(np.abs(each).max() < 1e-14 for each in neuron_balance(ncf.network, start))
    assert any(
        np.abs(each).max() > 1e-3
        for each in neuron_balance(ncf.network, starts("gaussian", ncf)[0])
    )


def test_balancing_leaves_shared_layers_and_the_last_alone():
    network = NETWORKS["shared"]
    theta = np.random.default_rng(0).standard_normal(network.size)
    balanced = balance(network, theta)
    np.testing.assert_array_equal(balanced[network.slices[0]], theta[network.slices[0]])
    np.testing.assert_array_equal(balanced[network.slices[-1]], theta[network.slices[-1]])
    assert not np.array_equal(balanced[network.slices[1]], theta[network.slices[1]])


def test_near_kkt_starts_are_near_a_kkt_point_but_not_at_it():
    network = NETWORKS["two layers"]
    _, X, ybar = reference.problem(network, 0)
    ncf = Ncf(network, X, ybar)
    for start in starts("near-kkt", ncf):
        limit = flow_limit(ncf, start, Numerics())
        assert 1e-4 < np.linalg.norm(start - limit.point.u) < 0.2
        assert ncf.residual(start) > 1e-5


def test_negative_kkt_starts_are_negative_kkt_points():
    network = NETWORKS["three layers"]
    _, X, ybar = reference.problem(network, 0)
    ncf = Ncf(network, X, ybar)
    found = [
        start
        for start in starts("negative-kkt", ncf)
        if ncf.residual(start) < 1e-12 and ncf.value(start) < 0
    ]
    assert len(found) >= 4  # the others are Gaussian, where no KKT point was found


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_closing_starts_shut_the_hidden_neurons_down(sign):
    """With activations ≥ 0 and labels of one sign the flow tends to a zero KKT point."""
    network = dense((3, 4, 1), (2,), (0.0,))
    _, X, ybar = reference.problem(network, 1)
    ncf = Ncf(network, X, sign * np.abs(ybar))
    for start in starts("closing", ncf):
        assert ncf.value(start) < 0 and (np.sign(start[network.slices[-1]]) == -sign).all()
        flow = ncf_flow(ncf, start, Numerics())
        assert flow.gradient_norm[-1] < 1e-5 * flow.gradient_norm[0]


def test_a_live_start_skips_streams_without_gradient():
    """One ReLU² neuron on one sample: half of the Gaussian starts are dead."""
    ncf = Ncf(dense((1, 1, 1), (2,), (0.0,)), np.ones((1, 1)), np.ones((1, 1)))
    dead = [
        not ncf.gradient(STARTS["gaussian"](np.random.default_rng([seed, 0]), ncf)).any()
        for seed in range(40)
    ]
    assert any(dead)
    assert all(ncf.gradient(live_start("gaussian", seed, ncf)).any() for seed in range(40))


def test_a_live_start_where_everything_is_dead_is_still_a_start():
    ncf = Ncf(dense((1, 1, 1), (2,), (0.0,)), np.zeros((1, 1)), np.ones((1, 1)))
    assert np.linalg.norm(live_start("gaussian", 0, ncf)) == pytest.approx(1)


@pytest.mark.parametrize("family", FAMILIES)
def test_live_starts_belong_to_their_family(family):
    network = NETWORKS["two layers"]
    _, X, ybar = reference.problem(network, 0)
    ncf = Ncf(network, X, ybar)
    np.testing.assert_array_equal(
        live_start(family, 5, ncf), FAMILIES[family](np.random.default_rng([5, 0]), ncf)
    )


def test_a_zero_vector_has_no_direction():
    with pytest.raises(ValueError):
        unit(np.zeros(3))
    np.testing.assert_allclose(unit(np.array([3.0, -4.0])), [0.6, -0.8])
