"""Compiled descents against loops that a user would write, events between iterates, batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem, norm
from ncfcheck.model.networks import dense
from ncfcheck.theory.descent.descents import ROWS, is_compiled, loss_descent, ncf_descent
from ncfcheck.theory.descent.rules import Rule, adam, heavy_ball, sign_descent, stochastic
from ncfcheck.theory.flow.trajectories import (
    Stop,
    aligned_with,
    ncf_flow,
    norm_reaches,
    time_reaches,
)
from ncfcheck.theory.starts import unit
from tests.support.foreign import Wrapped

DELTA, STEPS = 0.1, 300


def problem(loss: Loss = Loss.SQUARE, powers=(2,), n: int = 6) -> Problem:
    rng, outputs = np.random.default_rng(1), loss.labels.fewest
    network = dense((3, *[4] * len(powers), outputs), powers, (0.5,) * len(powers))
    X, y = rng.standard_normal((n, 3)), rng.standard_normal((n, outputs))
    return Problem(network, X, loss.labels.fit(y), loss)


def start(of: Problem) -> np.ndarray:
    return unit(np.random.default_rng(2).standard_normal(of.network.size))


def hidden(of: Problem) -> Problem:
    """The problem on the network without its layers, whose gradients Python computes."""
    return replace(of, network=Wrapped(of.network))


def by_hand(of: Problem, step) -> np.ndarray:
    """w/δ after STEPS steps w ← w + step(∇𝓛(w), w), from δ v_0, as one writes it in numpy."""
    w = DELTA * start(of)
    for _ in range(STEPS):
        w = w + step(of.training_gradient(w), w)
    return w / DELTA


class HeavyBall:
    def __init__(self, eta, beta=0.0, decay=0.0):
        self.eta, self.beta, self.decay, self.m = eta, beta, decay, 0.0

    def __call__(self, gradient, w):
        self.m = self.beta * self.m - (gradient + self.decay * w)
        return self.eta * self.m


class Adam:
    def __init__(self, eta, beta1, beta2, floor):
        self.eta, self.betas, self.floor = eta, (beta1, beta2), floor
        self.m = self.q = 0.0
        self.t = 0

    def __call__(self, gradient, w):
        one, two = self.betas
        self.t += 1
        self.m = one * self.m + (1 - one) * gradient
        self.q = two * self.q + (1 - two) * gradient**2
        m, q = self.m / (1 - one**self.t), self.q / (1 - two**self.t)
        return -self.eta * m / (np.sqrt(q) + self.floor)


def last(of: Problem, rule: Rule) -> np.ndarray:
    found = loss_descent(of, start(of), DELTA, rule, steps=STEPS)
    assert found.stop is Stop.BUDGET and found.calls == STEPS + 1
    return found.norm * found.direction


@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize(("beta", "mu"), [(0.0, 0.0), (0.9, 0.0), (0.5, 0.01)])
def test_descent_and_heavy_ball_are_those_that_one_writes_in_numpy(loss, beta, mu):
    """η and μ in w are h = ηδ^{D−2} and κ = μ/δ^{D−2} in s."""
    of, eta = problem(loss), 0.05
    scale = DELTA ** (of.network.order - 2)
    rule = heavy_ball(of.network.size, eta * scale, beta, mu / scale)
    np.testing.assert_allclose(last(of, rule), by_hand(of, HeavyBall(eta, beta, mu)), rtol=1e-10)


@pytest.mark.parametrize("powers", [(2,), (3, 2)])
def test_adam_and_signs_are_those_that_one_writes_in_numpy(powers):
    of, eta, floor = problem(powers=powers), 1e-4, 1e-6
    size, order = of.network.size, of.network.order
    rule = adam(size, eta / DELTA, 0.9, 0.99, floor / DELTA ** (order - 1))
    np.testing.assert_allclose(last(of, rule), by_hand(of, Adam(eta, 0.9, 0.99, floor)), rtol=1e-9)
    signs = by_hand(of, lambda gradient, w: -eta * np.sign(gradient))
    np.testing.assert_allclose(last(of, sign_descent(size, eta / DELTA)), signs, rtol=1e-10)


def test_rates_multiply_steps_weight_by_weight():
    of, rates = problem(), np.linspace(0.5, 2, problem().network.size)
    scale = DELTA ** (of.network.order - 2)
    found = last(of, heavy_ball(of.network.size, 0.05 * scale, rates=rates))
    by_numpy = by_hand(of, lambda gradient, w: -0.05 * rates * gradient)
    np.testing.assert_allclose(found, by_numpy, rtol=1e-10)


@pytest.mark.parametrize("rule", ["ball", "adam"])
def test_what_python_computes_descends_as_what_is_compiled(rule):
    of = problem(Loss.LOGISTIC)
    other, size = hidden(of), of.network.size
    rule = heavy_ball(size, 1e-3, 0.5, 0.1) if rule == "ball" else adam(size, 1e-3)
    assert is_compiled(of.ncf, of.loss) and not is_compiled(other.ncf, other.loss)
    one, two = (
        loss_descent(each, start(of), DELTA, rule, norm_reaches(1.5)) for each in (of, other)
    )
    assert one.stop is two.stop is Stop.ESCAPED and one.calls == two.calls > 100
    for name in ("sigma", "log_norm", "time", "value", "gradient_norm", "residual", "directions"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-9, atol=1e-11)


def test_rows_are_those_of_a_flow():
    of = problem()
    found = ncf_descent(of.ncf, start(of), heavy_ball(of.network.size, 1e-5), time_reaches(0.1))
    flow = ncf_flow(of.ncf, start(of), Numerics(1e-11), time_reaches(0.1))
    assert found.stop is Stop.REACHED and len(found.time) <= ROWS + 1 < found.calls
    assert found.time[-1] == pytest.approx(0.1, rel=1e-12)
    for name in ("sigma", "log_norm", "value", "gradient_norm", "residual"):
        assert getattr(found, name)[-1] == pytest.approx(getattr(flow, name)[-1], rel=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found.directions, axis=1), 1)
    row = len(found.time) // 2
    assert found.value[row] == pytest.approx(of.ncf.value(found.directions[row]))
    steps = found.time[: row + 1] / 1e-5
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)
    assert len(set(np.rint(np.diff(steps)))) == 1


def test_events_are_met_between_iterates_on_a_parabola():
    """Halving the step quarters what is left once the first order is taken out: on the chord that
    would depend on where in a step the norm is met.
    """
    of, left = problem(), []
    flow = ncf_flow(of.ncf, start(of), Numerics(1e-12), norm_reaches(1.7))
    for steps in (1000.0, 2000.0, 4000.0, 8000.0, 16000.0):
        rule = heavy_ball(of.network.size, flow.time[-1] / (steps + 0.37))
        found = ncf_descent(of.ncf, start(of), rule, norm_reaches(1.7))
        assert found.norm == pytest.approx(1.7, rel=1e-12)
        left.append(steps * (found.direction - flow.direction))
    changes = [norm(b - a) for a, b in zip(left, left[1:])]
    np.testing.assert_allclose(np.divide(changes[:-1], changes[1:]), 2, rtol=0.02)


def test_alignment_is_an_event_too():
    of = problem()
    target = ncf_flow(of.ncf, start(of), Numerics(1e-9), norm_reaches(2.0)).direction
    until = aligned_with(target, 0.9)
    found = ncf_descent(of.ncf, start(of), heavy_ball(of.network.size, 1e-4), until)
    assert found.stop is Stop.REACHED and found.direction @ target == pytest.approx(0.9, rel=1e-9)


def test_what_does_not_move_or_overflows_says_so():
    of = problem()
    dead = replace(of, X=np.zeros_like(of.X))
    rule = heavy_ball(of.network.size, 1e-3)
    assert ncf_descent(dead.ncf, start(of), rule, norm_reaches(2.0)).stop is Stop.DEAD
    huge = heavy_ball(of.network.size, 1e3)
    for each in (of, hidden(of)):
        assert ncf_descent(each.ncf, start(of), huge, steps=9999).stop is Stop.NOT_FINITE
    assert ncf_descent(of.ncf, start(of), rule, norm_reaches(0.5)).time.tolist() == [0.0]


def test_batches_with_replacement_are_unbiased_and_permutations_go_through_all_samples():
    """One step from the same point with many seeds; one epoch at so small a step that gradients
    stay the same.
    """
    of, step = problem(n=6), 1e-7
    size, first = of.network.size, start(of)
    whole = of.ncf.gradient(first)

    def moved(rule: Rule, steps: int) -> np.ndarray:
        found = ncf_descent(of.ncf, first, rule, steps=steps)
        return (found.norm * found.direction - first) / (step * steps)

    epochs = [moved(stochastic(size, step, 2, seed, True), 3) for seed in range(5)]
    for each in epochs:
        np.testing.assert_allclose(each, whole, atol=1e-5 * norm(whole))
    drawn = np.array([moved(stochastic(size, step, 1, seed), 1) for seed in range(600)])
    spread = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - whole) <= 4.5 * spread + 1e-6).all()
    kinds = np.unique(np.round(drawn, 4), axis=0)
    assert len(kinds) == 6
    again = moved(stochastic(size, step, 1, 7), 50)
    assert np.array_equal(again, moved(stochastic(size, step, 1, 7), 50))
    assert norm(again - moved(stochastic(size, step, 1, 8), 50)) > 1e-3 * norm(whole)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: heavy_ball(3, 0.0), "step must be above 0"),
        (lambda: heavy_ball(3, 0.1, 1.0), "memory must be from 0 up"),
        (lambda: heavy_ball(3, 0.1, rates=[1.0]), "rates must be 3 finite numbers"),
        (lambda: stochastic(3, 0.1, 0, 1), "batch must be a whole number"),
        (lambda: loss_descent(problem(), start(problem()), 0.0, heavy_ball(20, 1)), "delta must"),
    ],
)
def test_what_cannot_be_run_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
