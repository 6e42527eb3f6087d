"""The early-training window and its ladder of δ against their definitions."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.early.training import (
    PERTURBATION,
    SMALL,
    aligning,
    conditioned_window,
    follow,
    ladder,
    log_forcing,
    window,
)
from ncfcheck.theory.flow.trajectories import ncf_flow, norm_reaches, time_reaches


def instance(seed=0, loss=Loss.SQUARE, fraction=0.1):
    rng = np.random.default_rng(seed)
    outputs = loss.labels.fewest
    network = dense((3, 4, outputs), (2,), (0.5,))
    y = rng.standard_normal((6, outputs))
    start = rng.standard_normal(network.size)
    problem = Problem(network, rng.standard_normal((6, 3)), loss.labels.fit(y), loss)
    return Instance(problem, start / np.linalg.norm(start), fraction)


def test_the_window_ends_where_the_alignment_is_one_minus_epsilon():
    each = instance()
    limit = aligning(each)
    found = window(each, limit, 0.1)
    assert found.flow.direction @ limit.point.u == pytest.approx(1 - found.epsilon, abs=1e-13)
    assert found.epsilon == pytest.approx(0.1 * min(1, 1 - each.start @ limit.point.u))
    assert all(v @ limit.point.u < 1 - found.epsilon for v in found.flow.directions[:-1])
    assert found.radius == pytest.approx(np.exp(found.flow.log_norm).max())


def test_the_condition_is_the_logarithmic_derivative_of_the_norm_in_time():
    each = instance()
    found = window(each, aligning(each), 0.1)
    precise, step = replace(each.numerics, tolerance=1e-12), 1e-5
    norms = [
        ncf_flow(each.ncf, each.start, precise, time_reaches(found.time * (1 + s))).log_norm[-1]
        for s in (-step, step)
    ]
    assert found.condition == pytest.approx((norms[1] - norms[0]) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("loss", Loss)
def test_the_forcing_is_the_relative_change_of_the_gradient_per_delta_to_the_order(loss):
    """−∇𝓛(δu)/δ^{D−1} = ∇N(u) − δ^D JᵀH ℓ'' + O(δ^{2D}), so differences of the two gradients show
    the forcing.
    """
    each = instance(loss=loss)
    network, problem, u = each.network, each.problem, each.start
    delta = 1e-2
    outputs = problem.outputs(delta * u)
    slope = loss.descent(outputs, problem.y)
    from ncfcheck.model.ncf import Ncf

    descent = Ncf(network, problem.X, slope).gradient(delta * u) / delta ** (network.order - 1)
    change = np.linalg.norm(descent - each.ncf.gradient(u)) / np.linalg.norm(each.ncf.gradient(u))
    flow = ncf_flow(each.ncf, u, each.numerics)
    assert np.log(change / delta**network.order) == pytest.approx(
        log_forcing(each, flow, 1), abs=1e-4
    )


def test_the_ladder_starts_small_and_halves():
    each = instance()
    rungs = list(itertools.islice(ladder(each, log_forcing=0.0, radius=2.0, condition=10.0), 4))
    assert rungs[0] <= SMALL / 2 and 10.0 * rungs[0] ** each.network.order <= PERTURBATION * (
        1 + 1e-12
    )
    np.testing.assert_allclose(np.diff(np.log2(rungs)), -1)
    assert len(list(ladder(each, log_forcing=-1000.0))) == 3


def test_an_ill_conditioned_epsilon_is_replaced_by_a_larger_one():
    each = instance(fraction=0.01)
    found = conditioned_window(each)
    assert found.condition <= 1e5
    steep = window(each, aligning(each), 1e-9)
    assert steep.condition > found.condition


def test_a_start_at_the_kkt_point_has_no_window():
    each = instance()
    at_limit = replace(each, start=aligning(each).point.u)
    with pytest.raises(Inapplicable):
        aligning(at_limit)


def test_a_loss_flow_that_misses_its_event_is_unresolved():
    each = replace(instance(), numerics=Numerics(calls=200))
    with pytest.raises(Unresolved):
        follow(each, 10.0, norm_reaches(1e6))
