"""Flows, limits and starts of models that are no layered networks: of a network that hides its
layers all is as of the network.
"""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import norm
from ncfcheck.model.networks import dense
from ncfcheck.theory.early.tracking import RADIUS, predicted
from ncfcheck.theory.flow import any_model, linearised, solvers, stepper
from ncfcheck.theory.flow.trajectories import (
    Stop,
    aligned_with,
    field_of,
    loss_flow,
    ncf_flow,
    norm_reaches,
    time_reaches,
)
from ncfcheck.theory.kkt.points import blowup_time, flow_limit
from ncfcheck.theory.starts import EVERY, live_start
from tests.support.foreign import Gated, MatrixSensing, Wrapped, instance_on, wrapped

NETWORK = dense((2, 3, 2, 1), (2, 1), (0.5, 1.0))
LOSSES = "square", "logistic"
LAYERED = [instance_on(NETWORK, seed, loss=loss) for seed in (1, 2) for loss in LOSSES]
FOREIGN = [Gated(3, 2), MatrixSensing(2), Gated(2, 1, hidden=True)]


@pytest.fixture(params=range(len(LAYERED)), ids=["1", "1, logistic", "2", "2, logistic"])
def pair(request):
    """An instance, and the same without its layers."""
    return LAYERED[request.param], wrapped(LAYERED[request.param])


def same(found, right, tolerance=1e-7) -> None:
    """Two trajectories end at the same place, as does what is known of them."""
    assert found.stop is right.stop
    assert norm(found.direction - right.direction) <= tolerance
    more = ("time", "log_norm") if found.stop.is_event else ()  # which grow to the last step
    for name in ("value", "gradient_norm", *more):
        mine, others = getattr(found, name)[-1], getattr(right, name)[-1]
        assert mine == pytest.approx(others, rel=tolerance, abs=tolerance)


def test_flows_end_as_the_compiled_steppers(pair):
    target = flow_limit(pair[0].ncf, pair[0].start, pair[0].numerics).point.u
    events = norm_reaches(1.5), time_reaches(0.1), aligned_with(target, 0.9)
    flows = [ncf_flow(each.ncf, each.start, each.numerics) for each in pair]
    same(*flows[::-1])
    for until in events:
        for delta in (None, 0.3):
            flows = []
            for each in pair:
                if delta is None:
                    flows.append(ncf_flow(each.ncf, each.start, each.numerics, until))
                else:
                    given = each.problem, each.start, delta, each.numerics, until
                    flows.append(loss_flow(*given))
            same(*flows[::-1], tolerance=1e-7)
            assert abs(flows[0].calls - flows[1].calls) <= 2 * stepper.STAGES


def test_fitted_flows_stop_where_the_loss_says(pair):
    flows = [
        loss_flow(each.problem, each.start, 0.5, each.numerics, fitted=0.9 * _first_loss(each))
        for each in pair
    ]
    assert flows[0].stop is Stop.FITTED
    same(*flows[::-1], tolerance=1e-8)


def _first_loss(instance) -> float:
    return instance.problem.training_loss(0.5 * instance.start)


@pytest.mark.parametrize("integrator", ["compiled", "scipy"])
def test_every_way_to_stop_is_that_of_the_compiled_stepper(integrator):
    layered = LAYERED[0]
    few = Numerics(calls=30, integrator=integrator)
    dead = replace(layered, problem=replace(layered.problem, y=0 * layered.problem.y))
    huge = replace(layered, problem=replace(layered.problem, X=1e160 * layered.problem.X))
    for each, numerics in (
        (layered, few),
        (dead, few),
        (huge, few),
    ):
        stops = [
            ncf_flow(one.ncf, one.start, replace(numerics, integrator=integrator)).stop
            for one in (each, wrapped(each))
        ]
        assert stops[0] is stops[1], stops


def test_limits_blow_ups_and_constants_are_those_of_the_network(pair):
    limits = [flow_limit(each.ncf, each.start, each.numerics) for each in pair]
    (layered, foreign), exact = (each.point for each in limits), pair[0]
    assert foreign.value == pytest.approx(layered.value, rel=1e-12)
    assert foreign.inertia is layered.inertia and foreign.is_polished
    assert abs(foreign.top_curvature - layered.top_curvature) <= foreign.curvature_error
    assert layered.curvature_error == 0 < foreign.curvature_error < 1e-4
    for same in (replace(foreign, residual=0.0), pickle.loads(pickle.dumps(foreign))):
        assert same.curvature_error == foreign.curvature_error
    if layered.value > 0:
        times = [blowup_time(each.ncf, each.start, each.numerics)[0] for each in pair]
        assert abs(times[0].value - times[1].value) <= times[0].error + times[1].error
    reference = ncf_flow(exact.ncf, exact.start, exact.numerics, norm_reaches(RADIUS))
    if reference.stop is Stop.ESCAPED:
        (direction, delay, known), (other, late, _) = (predicted(each, reference) for each in pair)
        assert norm(direction - other) <= max(known[0], 1e-5 * norm(direction))
        assert abs(delay - late) <= max(known[1], 1e-5 * abs(delay))


@pytest.mark.parametrize("model", FOREIGN, ids=str)
@pytest.mark.parametrize("loss", ["square", "logistic", None])
def test_the_jacobian_is_the_derivative_of_the_rate(model, loss):
    instance = instance_on(model, 3, **({} if loss is None else {"loss": loss}))
    ncf, start, size = instance.ncf, instance.start, model.size
    y, kind = (ncf.ybar, None) if loss is None else (instance.problem.y, instance.problem.loss)
    field = field_of(ncf, y, kind, -0.3, norm(ncf.gradient(start)))
    flow, state = solvers._Flow(field, size, paced=False), np.append(start, [0.2, 0.0, 0.0])
    found = linearised.jacobian(field, state)
    for j in range(state.size):
        step = 1e-6 * np.eye(state.size)[j]
        by = (flow(0, state + step) - flow(0, state - step)) / 2e-6
        np.testing.assert_allclose(found[:, j], by, rtol=1e-5, atol=1e-6)


def test_stiff_flows_go_on_by_the_implicit_integrators(monkeypatch):
    instance = instance_on(Gated(3, 2), 3)
    right = flow_limit(instance.ncf, instance.start, instance.numerics)
    for integrator in ("compiled", "scipy"):
        numerics = Numerics(integrator=integrator)
        with monkeypatch.context() as patch:
            patch.setattr(stepper, "STIFF_STEPS", 5)
            flow = ncf_flow(instance.ncf, instance.start, numerics)
        assert flow.stop is Stop.CONVERGED and len(flow.sigma) > 6
        assert norm(flow.direction - right.point.u) < 1e-4
        assert flow.time[-1] > 0 and (np.diff(flow.value) > -1e-9).all()


def test_a_stiff_flow_of_many_weights_is_not_resolved(monkeypatch):
    monkeypatch.setattr(stepper, "STIFF_STEPS", 3)
    instance = instance_on(Gated(40, 6), 3)
    with pytest.raises(Unresolved, match="budget"):
        flow_limit(instance.ncf, instance.start, instance.numerics)


@pytest.mark.parametrize("family", EVERY)
@pytest.mark.parametrize("model", FOREIGN, ids=str)
def test_starts_are_what_their_families_promise(model, family):
    ncf = instance_on(model, 1).ncf
    start = live_start(family, 4, ncf)
    own = EVERY[family]
    assert norm(start) == pytest.approx(1.0) and own.holds(start, ncf, 4)
    if own.project is not None:
        moved = start + 0.3 * live_start("gaussian", 9, ncf)
        projected = own.project(moved / norm(moved), ncf, 4)
        assert own.holds(projected, ncf, 4) and norm(projected) == pytest.approx(1.0)


def test_the_stepper_of_any_model_takes_no_gradient_twice(monkeypatch):
    seen, instance = [], wrapped(LAYERED[0])
    field = field_of(instance.ncf, instance.ncf.ybar, None, 0.0, 1.0)
    plain = type(field.on_data).pull_back

    def counted(on_data, w, r):
        assert w.flags.writeable and w.flags.c_contiguous and np.isfinite(w).all()
        seen.append(w.tobytes())
        return plain(on_data, w, r)

    monkeypatch.setattr(type(field.on_data), "pull_back", counted)
    nothing = stepper.NO_EVENT, 0.0, np.zeros(instance.start.size)
    calls = any_model.integrate(field, instance.start, 0.0, 1e-9, 1e-6, *nothing, 60_000)[1]
    assert calls - len(seen) <= calls / stepper.STAGES  # of a step turned down one is left out
    assert len(set(seen)) == len(seen)


def test_a_model_whose_gradients_are_of_another_type_or_read_only_is_the_same():
    class Odd(type(Wrapped(NETWORK).on(LAYERED[0].problem.X))):
        def pull_back(self, w, r):
            value, gradient = super().pull_back(w, r)
            padded = np.repeat(gradient, 2)[::2]
            padded.flags.writeable = False
            return np.float32(value), padded

    instance = wrapped(LAYERED[0])
    right = ncf_flow(instance.ncf, instance.start, instance.numerics)
    odd = wrapped(LAYERED[0])
    object.__setattr__(odd.ncf, "on_data", Odd(odd.network, odd.problem.X))
    found = ncf_flow(odd.ncf, odd.start, odd.numerics)
    assert found.calls == right.calls and np.array_equal(found.direction, right.direction)
