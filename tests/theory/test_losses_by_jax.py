"""Expansions and tracking constants of every loss against automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.early.tracking import RADIUS, departures, predicted
from ncfcheck.theory.early.training import second_orders
from ncfcheck.theory.starts import unit

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy
WIDTHS, SLOPE, ORDER = (3, 4, 2), 0.5, 3


@pytest.fixture(autouse=True)
def doubles():
    with jax.enable_x64(True):
        yield


def total(loss, outputs, y):
    """Σ ℓ."""
    match loss:
        case Loss.SQUARE:
            return (0.5 * (outputs - y) ** 2).sum()
        case Loss.LOGISTIC:
            return jnp.logaddexp(0.0, -y * outputs).sum()
        case Loss.HUBER:
            off = jnp.abs(outputs - y)
            return jnp.where(off < 1.5, 0.5 * off**2, 1.5 * off - 1.125).sum()
        case Loss.EXPONENTIAL:
            return jnp.exp(-y * outputs).sum()
        case Loss.SOFTMAX:
            return -(y * jax.nn.log_softmax(outputs, axis=1)).sum()


def problem_of(loss) -> Instance:
    rng = np.random.default_rng(3)
    y, X = loss.labels.fit(rng.standard_normal((6, 2))), rng.standard_normal((6, 3))
    if loss is Loss.HUBER:
        y[0] = 2.5, -2.5  # beyond the threshold, where nothing bends
    network = dense(WIDTHS, (2,), (SLOPE,))
    return Instance(Problem(network, X, y, loss), unit(rng.standard_normal(network.size)))


def outputs_of(instance):
    """w ↦ H(X; w), in jax."""
    X, (rows, columns) = instance.problem.X, (WIDTHS[1], WIDTHS[0])

    def outputs(w):
        z = X @ w[: rows * columns].reshape(rows, columns).T
        return jnp.maximum(z, SLOPE * z) ** 2 @ w[rows * columns :].reshape(WIDTHS[2], rows).T

    return outputs


@pytest.mark.parametrize("loss", Loss)
def test_the_gradient_expands_to_second_order_as_the_theory_says(loss):
    instance, u = problem_of(loss), problem_of(loss).start
    outputs, y = outputs_of(instance), instance.problem.y

    def scaled(power):
        """−∇𝓛(δu)/δ^{D−1} at δ^D = power, of which w is a function of u: J(u)ᵀ(−ℓ'(δ^D H(u)))."""
        _, back = jax.vjp(outputs, u)
        return -back(jax.grad(lambda h: total(loss, h, y))(power * outputs(u)))[0]

    first, second = jax.jvp(scaled, (0.0,), (1.0,))
    np.testing.assert_allclose(instance.ncf.gradient(u), first, rtol=1e-11, atol=1e-12)
    found = -second_orders(instance.problem)(u.copy()[None])[0]
    np.testing.assert_allclose(found, second, rtol=1e-11, atol=1e-12)
    gradient = jax.grad(lambda w: total(loss, outputs(w), y))(0.1 * u)
    np.testing.assert_allclose(instance.problem.training_gradient(0.1 * u), gradient, rtol=1e-10)


@pytest.mark.long
@pytest.mark.parametrize("loss", Loss)
def test_tracking_constants_are_those_of_a_flow_differentiated_by_jax(loss):
    instance = problem_of(loss)
    outputs, y = outputs_of(instance), instance.problem.y
    size = instance.start.size

    @jax.jit
    def field(power, s):
        h, back = jax.vjp(outputs, s)
        return -back(jax.grad(lambda at: total(loss, at, y))(power * h))[0]

    @jax.jit
    def rates(state):
        """u̇, and ė = ∂/∂δ^D of the flow's right-hand side along (1, e)."""
        u, e = state[:size], state[size:]
        return jnp.concatenate(jax.jvp(field, (0.0, u), (1.0, e)))

    def doubled(_, state):
        return np.linalg.norm(state[:size]) - RADIUS

    doubled.terminal, doubled.direction = True, 1
    found = departures(instance, 4)
    first = np.concatenate([instance.start, np.zeros(size)])
    until = 10 * found.reference.time[-1]
    way = solve_ivp(
        lambda _, s: np.asarray(rates(s)),
        (0, until),
        first,
        "DOP853",
        rtol=1e-9,
        atol=1e-11,
        events=doubled,
    )
    u, e = way.y[:size, -1], way.y[size:, -1]
    rate = np.asarray(field(0.0, u))
    shift = -(e @ u) / (rate @ u)
    direction, delay, _ = predicted(instance, found.reference)
    expected = (e + shift * rate) / RADIUS
    np.testing.assert_allclose(direction, expected, atol=1e-4 * np.linalg.norm(expected))
    assert delay == pytest.approx(shift / way.t[-1], rel=1e-4)
