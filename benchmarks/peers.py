"""What is timed: the engine, and what its users would write instead with numpy and scipy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.integrate
import scipy.optimize

from benchmarks.cases import Case, batch
from benchmarks.contenders import (
    BATCH,
    ENGINE,
    End,
    batched_flow,
    cold_flow,
    flow,
    gradient,
    layers_of,
    polished,
)
from ncfcheck.core.tolerances import Numerics
from ncfcheck.theory.flow.trajectories import ncf_flow
from ncfcheck.theory.kkt.points import refined


@gradient(ENGINE)
def engine_gradient(case: Case):
    """One call of the compiled gradient from Python."""
    return lambda: case.ncf.gradient(case.start)


@flow(ENGINE)
def engine_flow(case: Case, tolerance: float):
    """The compiled stepper."""
    numerics = Numerics(tolerance=tolerance)

    def run() -> End:
        found = ncf_flow(case.ncf, case.start, numerics, residual=case.residual)
        return End(found.calls, found.sigma, np.column_stack([found.directions, found.log_norm]))

    return run


@cold_flow(ENGINE)
def engine_cold(case: Case, tolerance: float):
    """The same: its kernels take any shape."""
    return engine_flow(case, tolerance)


@batched_flow(ENGINE)
def engine_batch(case: Case, tolerance: float):
    """One instance after another."""
    runs = [engine_flow(each, tolerance) for each in batch(case, BATCH)]
    return lambda: np.array([run().direction for run in runs])


@polished(ENGINE)
def engine_polished(case: Case, tolerance: float):
    """The compiled stepper, then Newton's method on the sphere."""
    run = engine_flow(case, tolerance)
    return lambda: refined(case.ncf, run().direction)[0]


NUMPY, SCIPY, SCIPY_ROOT = (
    "numpy",
    "scipy solve_ivp DOP853 + numpy",
    "scipy solve_ivp DOP853 + root(lm) + numpy",
)
LSODA = "scipy solve_ivp LSODA + numpy"


def numpy_gradient_of(case: Case) -> Callable[[np.ndarray], np.ndarray]:
    """∇N as a function of the flat weights, for dense layers of any number, power and slope."""
    network, X, ybar = case.ncf.network, case.ncf.X, case.ncf.ybar
    shapes, activations = layers_of(network)

    def evaluate(theta):
        layers = [theta[part].reshape(rows, columns) for part, rows, columns in shapes]
        values, slopes, delta, parts = [X], [], ybar, []
        for W, (power, negative) in zip(layers, activations):
            z = values[-1] @ W.T
            lower = np.where(z >= 0, 1.0, negative) * z ** (power - 1)
            values.append(lower * z)
            slopes.append(power * lower)
        for layer in range(len(layers) - 1, 0, -1):
            parts.append((delta.T @ values[layer]).ravel())
            delta = (delta @ layers[layer]) * slopes[layer - 1]
        parts.append((delta.T @ X).ravel())
        return np.concatenate(parts[::-1])

    return evaluate


@gradient(NUMPY)
def numpy_gradient(case: Case):
    """Backpropagation as one writes it in numpy."""
    evaluate = numpy_gradient_of(case)
    return lambda: evaluate(case.start)


@flow(SCIPY)
def scipy_flow(case: Case, tolerance: float, dense: bool = False, method: str = "DOP853"):
    """The polar form of the flow (theory §4) with a terminal event at the residual.

    scipy bounds the root mean square of the errors: the tolerance is divided by √P so that it
    bounds the same norm as ours.
    """
    field = PolarField(numpy_gradient_of(case), case.ncf.network.order, case.residual)
    state = np.concatenate([case.start, [0.0, 0.0]])
    tight = max(tolerance / np.sqrt(state.size), 3e-14)

    def run() -> End:
        field.calls = 0
        found = scipy.integrate.solve_ivp(
            field,
            (0.0, 1e3),
            state,
            method,
            events=field.missed,
            rtol=tight,
            atol=tight,
            dense_output=dense,
        )
        end = End(field.calls, found.t, found.y[:-1].T)
        return (end, found.sol) if dense else end

    return run


@flow(LSODA)
def lsoda_flow(case: Case, tolerance: float):
    """The same with a method that turns implicit where that pays."""
    return scipy_flow(case, tolerance, method="LSODA")


@polished(SCIPY_ROOT)
def scipy_polished(case: Case, tolerance: float):
    """The same, then Levenberg–Marquardt on ∇N(u)/λ_0 = λu, ‖u‖ = 1, whose solutions need not be
    isolated.
    """
    run, evaluate = scipy_flow(case, tolerance), numpy_gradient_of(case)

    def solve():
        u = run().direction
        scale = evaluate(u) @ u

        def equations(unknowns):
            v, multiplier = unknowns[:-1], unknowns[-1]
            return np.append(evaluate(v) / scale - multiplier * v, 0.5 * (v @ v - 1))

        root = scipy.optimize.root(
            equations, np.append(u, 1.0), method="lm", options={"xtol": 1e-15, "ftol": 1e-15}
        )
        return root.x[:-1] / np.linalg.norm(root.x[:-1])

    return solve


class PolarField:
    """dv/dσ, d log r/dσ and dt/dσ at a state (v, log r, t), and how far its sin∠ is above the
    residual asked for.
    """

    def __init__(self, gradient, order: int, residual: float):
        self.gradient, self.order, self.residual, self.calls = gradient, order, residual, 0
        self._last = (None, 0.0)

    def __call__(self, _, state):
        self.calls += 1
        v, log_r = state[:-2], state[-2]
        g = self.gradient(v)
        norm = np.sqrt(g @ g)
        radial = (g @ v) / (v @ v)
        tangential = (g - radial * v) / norm
        self._last = (state, np.sqrt(tangential @ tangential))
        return np.concatenate(
            [tangential, [radial / norm, np.exp(-(self.order - 2) * log_r) / norm]]
        )

    def missed(self, sigma, state) -> float:
        """sin∠ − residual; the state a step ended on was evaluated last, and is not evaluated
        again.
        """
        if self._last[0] is None or not np.array_equal(self._last[0], state):
            self(sigma, state)
        return self._last[1] - self.residual

    missed.terminal = True
