"""The implicit integrator of stiff flows: exact Jacobians, accurate steps whatever the Jacobian,
honest failures.
"""

import numpy as np
import pytest

from ncfcheck.model.kernels.gradients import workspace
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Ncf, norm
from ncfcheck.model.networks import DENSE, Network, convolution, dense, masked
from ncfcheck.theory.flow import solvers as second_integrator
from ncfcheck.theory.flow import stepper
from ncfcheck.theory.flow.implicit import ORDER, extrapolated_step
from ncfcheck.theory.flow.trajectories import NEVER, field_of
from ncfcheck.theory.starts import gaussian_start

rng = np.random.default_rng(7)
NETWORKS = {
    "dense": dense((3, 4, 3, 2), (2, 3), (0.5, -0.3)),
    "shared": Network(
        (4, 4, 3, 2),
        (3, 2),
        (0.3, 1.0),
        (convolution(4, 4, 2), masked(rng.random((3, 4)) < 0.7), DENSE),
    ),
}
LOSSES = [None, *Loss]  # None: the flow of the NCF


def flow(network, loss, log_delta=-0.3):
    """The right-hand side as integrators take it, and a state (v, log r, t, σ)."""
    rng = np.random.default_rng(7)
    X, y = (
        rng.standard_normal((6, network.widths[0])),
        np.sign(rng.standard_normal((6, network.widths[-1]))),
    )
    y = y if loss is None else loss.labels.fit(y)
    ncf = Ncf(network, X, y)
    start = gaussian_start(rng, ncf)
    start[network.slices[-1]] *= np.sign(ncf.value(start))  # so that the norm grows
    field = field_of(ncf, y, loss, log_delta, norm(ncf.gradient(start)))
    return second_integrator._Flow(field, start.size, paced=False), np.concatenate(
        [start, [0.2, 0.0, 0.0]]
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_jacobian_is_the_derivative_of_the_slope(name, loss):
    rate, state = flow(NETWORKS[name], loss)
    found = rate.jacobian(0, state)
    for j in range(state.size):
        step = 1e-6 * np.eye(state.size)[j]
        np.testing.assert_allclose(
            found[:, j],
            (rate(0, state + step) - rate(0, state - step)) / 2e-6,
            rtol=1e-6,
            atol=1e-7,
        )


@pytest.mark.parametrize("loss", LOSSES)
def test_the_error_of_a_step_falls_with_its_order(loss):
    rate, state = flow(NETWORKS["dense"], loss)
    fine = second_integrator.explicit(rate, state, 1e-14)
    length = fine.t_bound = 1 / np.linalg.norm(rate.jacobian(0, state), 2)
    while fine.status == "running":
        fine.step()
    errors = [np.abs(taken(rate, state, length, pieces) - fine.y).max() for pieces in (1, 2)]
    assert 1e-12 < errors[0] < 1e-4
    assert errors[1] < max(errors[0] / 2 ** (ORDER - 3), 3e-13)


def taken(rate, state, length, pieces, exact=True):
    """The state after a number of equal steps; without the exact Jacobian, with none at all."""
    work, weights = (
        workspace(rate.field.layout, rate.field.X.shape[1]),
        np.empty(rate.field.y.shape),
    )
    for _ in range(pieces):
        jacobian = rate.jacobian(0, state) if exact else np.zeros((state.size, state.size))
        state, _ = extrapolated_step(
            rate.field, state, length / pieces, jacobian, rate(0, state), weights, work
        )
    return state


def test_without_a_jacobian_steps_are_as_accurate_where_nothing_is_stiff():
    rate, state = flow(NETWORKS["dense"], None)
    np.testing.assert_allclose(
        taken(rate, state, 0.02, 4), taken(rate, state, 0.02, 4, exact=False), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("solver", [second_integrator.extrapolated, second_integrator.radau])
@pytest.mark.parametrize("loss", LOSSES)
def test_implicit_solvers_end_where_the_compiled_stepper_ends(solver, loss):
    rate, state = flow(NETWORKS["shared"], loss, log_delta=-3.0)
    v = state[:-3]
    until = (1e-9, NEVER, stepper.NORM_EVENT, np.log(1.05), np.zeros(v.size), 60_000)
    code, _, scalars, directions = stepper.integrate(rate.field, v, 0.0, *until)
    again, _, rows, ends = second_integrator.integrate(rate.field, v, 0.0, *until, solver)
    assert code == again == stepper.EVENT
    np.testing.assert_allclose(ends[-1], directions[-1], rtol=0, atol=1e-6)
    assert rows[:, 2].sum() == pytest.approx(scalars[:, 2].sum(), rel=1e-6)
    assert rows[-1, 0] == pytest.approx(scalars[-1, 0], rel=1e-6)


def test_a_jacobian_that_is_not_finite_fails_the_step():
    rate, state = flow(NETWORKS["dense"], None)
    solver = second_integrator.extrapolated(rate, state, 1e-9)
    solver.jac = lambda _, state: np.full((state.size, state.size), np.nan)
    solver.step()
    assert solver.status == "failed"
