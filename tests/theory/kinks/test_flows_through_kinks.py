"""Flows slide along kinks, cross, leave and branch as the least-norm subgradient tells (§11)."""

from __future__ import annotations

import numpy as np
import pytest

from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Ncf, Problem, neuron_balance, unit
from ncfcheck.model.networks import dense
from ncfcheck.theory.flow.kinks.flows import Mode
from ncfcheck.theory.flow.trajectories import (
    Stop,
    continuations,
    loss_flow,
    ncf_flow,
    norm_reaches,
    time_reaches,
)
from ncfcheck.theory.flow.trajectory import Happened
from ncfcheck.theory.kkt.clarke import clarke_residual
from ncfcheck.theory.kkt.points import flow_limit
from tests.theory.kinks.drawn import KINDS, drawn, euler

QUICK = Numerics()
SETTLED = Stop.CONVERGED, Stop.BRANCHED, Stop.DEAD


def _flows(kind: str, count: int):
    for seed in range(count):
        ncf, start = drawn(kind, seed)
        if ncf.gradient(start).any():
            yield ncf, start, ncf_flow(ncf, start, QUICK)


def _branching(slope: float, seed: int) -> tuple[Ncf, np.ndarray]:
    """Theory §11's example."""
    rng = np.random.default_rng(seed)
    w = rng.uniform(-0.05, 0.05), rng.uniform(0.9, 1.1), rng.uniform(0.6, 0.8)
    X, y = np.array([[1.0, 0.0], [-0.5, 1.0]]), np.array([[-1.0], [-1.0]])
    return Ncf(dense((2, 1, 1), (1,), (slope,)), X, y), unit(np.array(w))


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_a_kink_that_turns_repelling_branches_into_two_limits(slope):
    for seed in range(30):
        ncf, start = _branching(slope, seed)
        flow = ncf_flow(ncf, start, QUICK)
        assert flow.stop is Stop.BRANCHED
        assert [event.happened for event in flow.turns.events] == [
            Happened.ENTERED,
            Happened.BRANCHED,
        ]
        ends = [on.direction for on in continuations(flow, ncf, QUICK)]
        assert len(ends) == 2 and np.linalg.norm(ends[0] - ends[1]) > 0.1


def test_balanced_starts_of_two_layers_do_not_branch():
    for seed in range(150):
        ncf, start = drawn("two layers", seed)
        W, v = ncf.network.matrices(start)
        signs = np.where(v[0] >= 0, 1.0, -1.0)
        balanced = unit(np.concatenate([W.ravel(), signs * np.linalg.norm(W, axis=1)]))
        if ncf.gradient(balanced).any():
            assert ncf_flow(ncf, balanced, QUICK).stop is not Stop.BRANCHED


def test_parallel_samples_share_a_kink_and_are_crossed_together():
    X, y = np.array([[1.0, 0.0], [1.0, 0.0], [0.3, 1.0]]), np.array([[1.0], [-0.5], [0.4]])
    ncf = Ncf(dense((2, 1, 1), (1,), (0.0,)), X, y)
    flow = ncf_flow(ncf, unit(np.array([-0.1, 1.0, 1.0])), QUICK)
    assert [event.happened for event in flow.turns.events] == [Happened.CROSSED]
    assert flow.turns.modes[-1].tolist() == [1, 1, 1]
    on_the_kink = ncf_flow(ncf, unit(np.array([0.0, 1.0, 1.0])), QUICK)
    assert on_the_kink.turns.modes[0].tolist() == [1, 1, 1] and on_the_kink.value[-1] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_few_flows_end_without_a_limit_or_a_branch(kind):
    stops = [flow.stop for _, _, flow in _flows(kind, 250)]
    assert sum(stop not in SETTLED for stop in stops) <= 0.04 * len(stops)


@pytest.mark.parametrize("kind", KINDS)
def test_the_correlation_rises_and_eulers_identity_holds_at_every_row(kind):
    for ncf, _, flow in _flows(kind, 60):
        steps = np.diff(flow.value)
        assert steps.min(initial=0.0) >= -1e-9 * np.abs(flow.value).max()
        cosine = ncf.network.order * flow.value / np.maximum(flow.gradient_norm, 1e-300)
        moving = flow.gradient_norm > 0
        assert np.hypot(cosine, flow.residual)[moving] == pytest.approx(1.0, abs=1e-9)


def _compared_with_euler(kind: str, seeds: range, steps: int) -> int:
    compared = 0
    for seed in seeds:
        ncf, start = drawn(kind, seed)
        flow = ncf_flow(ncf, start, QUICK)
        if flow.stop is not Stop.CONVERGED or len(flow.turns.events) == 0:
            continue
        row = min(max(flow.turns.events[-1].row, 2), len(flow.time) - 1)
        grown = np.flatnonzero(np.abs(flow.log_norm) > 0.4)
        row = min(row, int(grown[0])) if grown.size else row
        time = flow.time[row]
        until = ncf_flow(ncf, start, QUICK, time_reaches(time))
        u = until.norm * until.direction
        coarse, fine = (euler(ncf, start, time, count) for count in (steps, 4 * steps))
        # Of first order: if that is not where the runs tend to, both lack the same.
        lacks = np.linalg.norm(coarse - u)
        assert np.linalg.norm(fine - u) <= 0.5 * lacks + 1e-4 * np.linalg.norm(u)
        compared += 1
    return compared


@pytest.mark.parametrize("kind", KINDS)
def test_ends_agree_with_euler_steps(kind):
    assert _compared_with_euler(kind, range(14), 500) >= 4


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_ends_of_many_agree_with_euler_steps(kind):
    assert _compared_with_euler(kind, range(100), 8000) >= 30


@pytest.mark.parametrize("kind", KINDS)
def test_scipy_finds_the_same_events_and_ends(kind):
    second, same = Numerics(integrator="scipy"), 0
    for seed in range(12):
        ncf, start = drawn(kind, seed)
        if not ncf.gradient(start).any():
            continue
        first, other = ncf_flow(ncf, start, QUICK), ncf_flow(ncf, start, second)
        if first.stop is not Stop.CONVERGED:
            continue
        assert other.stop is Stop.CONVERGED
        assert np.linalg.norm(first.direction - other.direction) < 1e-4
        same += [e.happened for e in first.turns.events] == [e.happened for e in other.turns.events]
    assert same >= 4


def test_neurons_in_another_order_and_rescaled_data_lead_to_the_same_end():
    for seed in range(12):
        ncf, start = drawn("two layers", seed)
        flow = ncf_flow(ncf, start, QUICK)
        if flow.stop is not Stop.CONVERGED:
            continue
        W, v = ncf.network.matrices(start)
        order = np.random.default_rng(seed).permutation(len(W))
        moved = np.concatenate([W[order].ravel(), v[0][order]])
        other = ncf_flow(Ncf(ncf.network, 3.0 * ncf.X, 0.5 * ncf.ybar), moved, QUICK)
        W_end, v_end = ncf.network.matrices(flow.direction)
        expected = np.concatenate([W_end[order].ravel(), v_end[0][order]])
        assert np.linalg.norm(other.direction - expected) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_sliding_units_have_slopes_between_both_sides(kind):
    seen = 0
    for ncf, _, flow in _flows(kind, 40):
        if flow.stop is not Stop.CONVERGED or (flow.turns.modes[-1] != 0).all():
            continue
        mode = Mode.of(ncf, flow.turns.modes[-1], flow.direction)
        for (layer, _, _), slope in mode.slopes(flow.direction).items():
            assert ncf.network.slopes[layer - 1] - 1e-6 <= slope <= 1 + 1e-6
            seen += 1
    assert seen >= 10


@pytest.mark.parametrize("kind", ["two layers", "leaky"])
def test_limits_are_clarke_points(kind):
    found = 0
    for seed in range(40):
        ncf, start = drawn(kind, seed)
        flow = ncf_flow(ncf, start, QUICK) if ncf.gradient(start).any() else None
        if flow is None or flow.stop is not Stop.CONVERGED or ncf.network.depth > 2:
            continue
        point = flow_limit(ncf, start, QUICK).point
        assert point.residual <= 1e-11
        assert clarke_residual(ncf, point.u) <= 1e-8
        found += 1
    assert found >= 8


@pytest.mark.parametrize("loss", [Loss.SQUARE, Loss.LOGISTIC])
def test_the_loss_flow_keeps_the_balance_of_neurons(loss):
    followed = 0
    for seed in range(20):
        ncf, start = drawn("two layers", seed)
        y = np.sign(ncf.ybar) if loss is Loss.LOGISTIC else ncf.ybar
        problem = Problem(ncf.network, ncf.X, y, loss)
        if not problem.ncf.gradient(start).any():
            continue
        flow = loss_flow(problem, start, 0.5, QUICK, norm_reaches(1.5))
        points = np.exp(flow.log_norm)[:, None] * flow.directions
        balances = [np.concatenate(neuron_balance(ncf.network, s)) for s in points]
        drift = np.abs(np.array(balances) - balances[0]).max() / np.exp(2 * flow.log_norm.max())
        assert drift < 1e-6
        followed += len(flow.turns.events) > 0
    assert followed >= 5
