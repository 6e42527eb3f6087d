"""Training that fits its data: how it ends, and where its loss is the one asked for."""

from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.early.training import conditioned_window, follow
from ncfcheck.theory.flow.trajectories import Stop, loss_flow, norm_reaches
from ncfcheck.theory.starts import unit

DELTA, LEVEL = 0.1, 0.01


@pytest.fixture(params=["compiled", "scipy"])
def numerics(request):
    return Numerics(integrator=request.param)


def wide(seed, loss=Loss.SQUARE):
    """A network of eight smooth neurons, three samples, and a start: it interpolates them."""
    rng = np.random.default_rng(seed)
    outputs = loss.labels.fewest
    network = dense((4, 8, outputs), (2,), (0.5,))
    X, y = rng.standard_normal((3, 4)), np.sign(rng.standard_normal((3, outputs)))
    return Problem(network, X, loss.labels.fit(y), loss), unit(rng.standard_normal(network.size))


def losses(problem, flow):
    norms = DELTA * np.exp(flow.log_norm)
    return np.array([problem.training_loss(r * v) for r, v in zip(norms, flow.directions)])


@pytest.mark.parametrize("seed", range(3))
def test_training_that_interpolates_stops_as_fitted(numerics, seed):
    problem, start = wide(seed)
    flow = loss_flow(problem, start, DELTA, numerics)
    assert flow.stop is Stop.FITTED and not flow.stop.is_event
    assert losses(problem, flow)[-1] <= 1e-12 * losses(problem, flow)[0]


@pytest.mark.parametrize("loss", [Loss.LOGISTIC, Loss.EXPONENTIAL, Loss.SOFTMAX])
@pytest.mark.parametrize("seed", range(3))
def test_a_loss_that_is_positive_everywhere_is_fitted_only_to_what_is_asked_for(
    numerics, loss, seed
):
    problem, start = wide(seed, loss)
    flow = loss_flow(problem, start, DELTA, numerics)
    assert flow.stop is Stop.DEAD and losses(problem, flow)[-1] > 0
    assert loss_flow(problem, start, DELTA, numerics, fitted=1e-30).stop is Stop.DEAD
    assert loss_flow(problem, start, DELTA, numerics, fitted=1e-3).stop is Stop.FITTED


def test_training_that_cannot_go_on_dies(numerics):
    """One ReLU² neuron with a negative outgoing weight and a label of 1: training closes it."""
    network = dense((1, 1, 1), (2,), (0.0,))
    problem = Problem(network, np.array([[1.0]]), np.array([[1.0]]))
    start = np.array([0.6, -0.8])
    flow = loss_flow(problem, start, DELTA, numerics)
    assert flow.stop is Stop.DEAD and losses(problem, flow)[-1] > 0.4
    assert loss_flow(problem, start, DELTA, numerics, fitted=LEVEL).stop is Stop.DEAD


@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("seed", range(3))
def test_the_loss_asked_for_is_met_on_the_spot(numerics, loss, seed):
    problem, start = wide(seed, loss)
    flow = loss_flow(problem, start, DELTA, numerics, fitted=LEVEL)
    found = losses(problem, flow)
    assert flow.stop is Stop.FITTED
    assert found[-1] == pytest.approx(LEVEL, rel=1e-12) and (found[:-1] > LEVEL).all()
    assert (np.diff(flow.time) >= 0).all() and (np.diff(flow.sigma) > 0).all()
    assert len({len(getattr(flow, name)) for name in ("time", "residual", "directions")}) == 1


def test_both_integrators_meet_it_at_the_same_time():
    problem, start = wide(0)
    times = [
        loss_flow(problem, start, DELTA, Numerics(integrator=each), fitted=LEVEL).time[-1]
        for each in ("compiled", "scipy")
    ]
    assert times[0] == pytest.approx(times[1], rel=1e-6)


def test_what_comes_first_ends_the_flow(numerics):
    problem, start = wide(0)
    early, late = norm_reaches(1.1), norm_reaches(8.0)
    assert loss_flow(problem, start, DELTA, numerics, late).stop is Stop.ESCAPED
    assert loss_flow(problem, start, DELTA, numerics, early, fitted=LEVEL).stop is Stop.ESCAPED
    above = 0.999 * problem.training_loss(DELTA * start)
    found = loss_flow(problem, start, DELTA, numerics, late, fitted=above)
    assert found.stop is Stop.FITTED and found.norm < 8.0


def test_a_start_below_the_loss_asked_for_is_where_the_flow_ends(numerics):
    problem, start = wide(0)
    flow = loss_flow(problem, start, DELTA, numerics, fitted=1e6)
    assert flow.stop is Stop.FITTED and len(flow.time) == 1


def test_fitted_before_its_event_a_flow_is_unresolved_and_says_so():
    problem, start = wide(0)
    with pytest.raises(Unresolved, match="loss flow fitted: "):
        follow(Instance(problem, start), DELTA, norm_reaches(1e6))


@pytest.mark.parametrize("share", [0.0, -1.0, 1.0, 2.0, float("nan")])
def test_a_share_outside_0_and_1_is_refused_by_value(share):
    problem, start = wide(0)
    instance = Instance(problem, start)
    object.__setattr__(instance, "fraction", share)
    with pytest.raises(ValueError, match="a share between 0 and 1"):
        conditioned_window(instance)


def test_a_share_above_all_that_are_tried_has_a_window():
    problem, start = wide(0)
    found = conditioned_window(replace(Instance(problem, start), fraction=0.995))
    assert 0.99 < found.epsilon / min(1.0, 1 - start @ found.limit.point.u) <= 0.995
