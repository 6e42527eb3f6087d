"""Ladders of descents against their predicted constants, and decay against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import Unresolved
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem, norm
from ncfcheck.model.networks import dense
from ncfcheck.theory.descent.decay import fate
from ncfcheck.theory.descent.descents import loss_descent
from ncfcheck.theory.descent.ladders import Decayed, Descents, radius, steepness
from ncfcheck.theory.descent.rules import heavy_ball
from ncfcheck.theory.early.variations import predicted
from ncfcheck.theory.flow.trajectories import norm_reaches, time_reaches
from ncfcheck.theory.kkt.points import blowup_time, positive_limit
from ncfcheck.theory.starts import unit


def instance(powers=(2,), loss: Loss = Loss.SQUARE) -> Instance:
    rng, outputs = np.random.default_rng(0), loss.labels.fewest
    widths, slopes = (3, *[4] * len(powers), outputs), tuple(0.5 if p > 1 else 1.0 for p in powers)
    network = dense(widths, powers, slopes)
    X, y = rng.standard_normal((6, 3)), rng.standard_normal((6, outputs))
    start = unit(rng.standard_normal(network.size))
    return Instance(Problem(network, X, loss.labels.fit(y), loss), start)


SHAPES = {3: (2,), 4: (3,), 5: (1, 2), 7: (2, 2)}


def ratios(each: Instance, memory: float, rungs: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Departures of directions and times down a ladder over what is predicted of them."""
    descents = Descents(each, memory)
    *_, found = (found for found, _ in zip(descents.ladder(3), range(rungs - 2)))
    direction, delay, _ = predicted(each, found.reference, descents.force)
    steps, factor = descents.step(found.powers), (1 + memory) / (1 - memory)
    turned = found.directions @ direction / (direction @ direction) / steps / factor
    late = factor * delay + memory / (1 - memory) / descents.time
    return turned, found.delays / steps / late


@pytest.mark.parametrize("loss", [Loss.SQUARE, Loss.LOGISTIC])
@pytest.mark.parametrize("order", SHAPES)
def test_descent_departs_by_what_the_modified_equation_predicts(order, loss):
    each = instance(SHAPES[order], loss)
    assert each.network.order == order
    for found in ratios(each, 0.0):
        assert abs(2 * found[-1] - found[-2] - 1) < 1e-3


@pytest.mark.parametrize("beta", [0.5, 0.9])
@pytest.mark.parametrize("order", [3, 4])
def test_heavy_balls_depart_by_more_and_are_late(order, beta):
    for found in ratios(instance(SHAPES[order]), beta):
        assert abs(2 * found[-1] - found[-2] - 1) < 5e-3


def test_a_step_in_w_is_that_of_the_ladder():
    """h = ηδ^{D−2} at one η for all δ."""
    for order in SHAPES:
        descents = Descents(instance(SHAPES[order]))
        deltas = descents.delta * np.array([1.0, 0.5, 0.1])
        etas = descents.step(deltas) / deltas ** (order - 2.0)
        np.testing.assert_allclose(etas, etas[0])


def test_norms_are_compared_where_steps_have_not_grown_too_short():
    assert radius(2) == radius(3) == radius(4) == 2.0
    assert radius(13) == pytest.approx(4 ** (1 / 11))


def test_steepness_is_the_norm_of_the_second_derivatives():
    each = instance()
    flow = Descents(each).reference
    u = flow.norm * flow.direction
    exact = np.abs(np.linalg.eigvalsh(each.ncf.hessian(u))).max()
    assert steepness(each, flow) == pytest.approx(exact, rel=0.05)


def test_what_would_take_too_long_is_unresolved(monkeypatch):
    monkeypatch.setattr("ncfcheck.theory.descent.ladders.WORK", 1e5)
    with pytest.raises(Unresolved, match=r"too many steps|in time"):
        list(Descents(instance()).ladder(3))


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_descents_with_decay_go_along_the_path_of_the_flow(share):
    decayed = Decayed(instance((3,)), share)
    *_, found = (found for found, _ in zip(decayed.ladder(3), range(3)))
    slopes = np.diff(np.log(found.sizes), axis=0) / np.diff(np.log(found.powers))[:, None]
    np.testing.assert_allclose(slopes[-1], 2, atol=0.02)


def test_the_time_with_decay_is_that_of_the_path():
    """τ = (1 − e^{−κ(D−2)t})/(κ(D−2)) = T at the end, with norms e^{−κt} times the flow's."""
    decayed, order = Decayed(instance((3,)), 0.7), 4
    kappa = decayed.decay * (order - 2)
    assert (1 - math.exp(-kappa * decayed.end)) / kappa == pytest.approx(decayed.time)
    assert decayed.shrunk == pytest.approx(math.log(2) - decayed.decay * decayed.end)


@pytest.mark.parametrize("order", SHAPES)
def test_from_a_kkt_point_decay_is_decided_in_closed_form(order):
    """There T* = 1/(D(D−2)N*), and μ_c = D N* δ^{D−2}: growth and decay balance at the start."""
    each = instance(SHAPES[order])
    point = positive_limit(each.ncf, each.start, each.numerics).point
    at = replace(each, start=point.u)
    balance = order * point.value
    time, _ = blowup_time(at.ncf, at.start, at.numerics)
    assert 1 / ((order - 2) * time.value) == pytest.approx(balance, rel=1e-6)
    for share in (0.98, 1.02):
        found = fate(at, None, share * balance, math.log(1e4), point.value, 1e-8)
        assert found.is_escaped == (share < 1)
        if share < 1:
            assert found.left == pytest.approx(1 - share, abs=1e-3)
        else:
            assert found.short == pytest.approx(-math.log(1e4), abs=1e-3)


def test_at_order_two_the_threshold_is_twice_the_optimum_whatever_the_scale():
    """With D = 2 descents with decay 1.9 N* grow and with 2.1 N* shrink, once they are aligned."""
    each = instance((1,))
    point = positive_limit(each.ncf, each.start, each.numerics).point
    for decay, escapes in ((1.9, True), (2.1, False)):
        rule = heavy_ball(each.network.size, 1e-3 / point.value, decay=decay * point.value)
        until = norm_reaches(10.0) if escapes else time_reaches(60 / point.value)
        found = loss_descent(each.problem, each.start, 1e-6, rule, until)
        assert found.stop.is_event and (found.norm > 9) == escapes
        assert norm(found.direction - point.u) < 0.1


def test_flows_with_decay_do_what_descents_of_short_steps_do():
    each = instance()
    time, optimum = blowup_time(each.ncf, each.start, each.numerics)
    for share in (0.9, 1.1):
        decay = share / time.value
        found = fate(each, None, decay, math.log(20), optimum.value, 1e-8)
        rule = heavy_ball(each.network.size, 2e-5 * time.value, decay=decay)
        descent = loss_descent(each.problem, each.start, 1e-5, rule, norm_reaches(20.0), 10**6)
        assert found.is_escaped == descent.stop.is_event == (share < 1)
        if share < 1:
            left = math.exp(-decay * descent.time[-1])
            assert found.left == pytest.approx(left, abs=2e-3)
