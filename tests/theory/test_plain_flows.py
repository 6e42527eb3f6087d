"""Flows of models that are not homogeneous: against plain integration of differences."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ncfcheck.core.claims import Unresolved
from ncfcheck.model.architectures import BUILT_IN
from ncfcheck.model.architectures.biases import biased_instance
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.flow import plain
from ncfcheck.theory.starts import unit

BRANCHES = BUILT_IN["unequal_branches"].build(2, 1, {"hidden": 2, "power": 2, "slope": 5})


def instance_on(model, loss=Loss.SQUARE, seed=3):
    """An instance whose labels are all positive: its NCF flow goes to infinity."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((3, model.inputs)), np.abs(rng.standard_normal((3, model.width)))
    problem = Problem(model, X, y if loss is Loss.SQUARE else np.ones_like(y), loss)
    return Instance(problem, unit(rng.standard_normal(model.size)), seeds=(seed,))


def biased(loss=Loss.SQUARE):
    return biased_instance(instance_on(dense((2, 3, 1), (2,), (0.5,)), loss))


INSTANCES = {"biases": biased(), "unequal branches": instance_on(BRANCHES)}
INSTANCES["biases, logistic"] = biased(Loss.LOGISTIC)


@pytest.fixture(params=INSTANCES)
def instance(request):
    return INSTANCES[request.param]


def descent(function, sign, step=1e-6):
    """w ↦ sign times the slope of a function, by differences."""
    return lambda _, w: (
        sign
        * np.array(
            [(function(w + e) - function(w - e)) / (2 * step) for e in step * np.eye(w.size)]
        )
    )


def test_the_loss_flow_is_gradient_descent_on_the_loss(instance):
    norms, directions = plain.loss_flow(instance, 0.1, 2.0)
    slope = descent(instance.problem.training_loss, -1)
    expected = solve_ivp(slope, (0, 2.0), 0.1 * instance.start, rtol=1e-7, atol=1e-9).y[:, -1]
    np.testing.assert_allclose(norms[-1] * directions[-1], expected, atol=1e-5)


def test_the_norm_asked_for_is_one_of_those_that_the_loss_flow_goes_through(instance):
    norms, _ = plain.loss_flow(instance, 0.1, 2.0, 0.15)
    assert norms[0] == pytest.approx(0.1) and np.abs(norms - 0.15).min() < 1e-6


def test_the_window_is_where_the_flow_of_n_is_aligned_with_where_it_goes(instance):
    target, epsilon, time, radius = plain.window(instance, 5.0, 0.5)
    flow = solve_ivp(
        descent(instance.ncf.value, 1), (0, time), instance.start, rtol=1e-7, atol=1e-9
    )
    assert epsilon == pytest.approx((1 - instance.start @ target) / 2)
    assert 1 - unit(flow.y[:, -1]) @ target == pytest.approx(epsilon, rel=1e-4)
    assert np.linalg.norm(flow.y, axis=0).max() == pytest.approx(radius, rel=1e-4)


def test_a_flow_that_takes_too_many_evaluations_is_unresolved(instance, monkeypatch):
    monkeypatch.setattr(plain, "EVALUATIONS", 5)
    with pytest.raises(Unresolved, match="allowed evaluations"):
        plain.window(instance, 5.0, 0.5)
    with pytest.raises(Unresolved, match="allowed evaluations"):
        plain.loss_flow(instance, 0.1, 2.0)


def test_a_flow_of_n_that_does_not_move_is_unresolved():
    still = INSTANCES["biases"].network
    problem = Problem(still, np.zeros((1, 2)), np.zeros((1, 1)))
    with pytest.raises(Unresolved):
        plain.window(Instance(problem, unit(np.ones(still.size))), 5.0, 0.5)
