"""Early training itself, from a small initialization to twice its norm: the loss flow beside plain
gradient descent.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.cases import Case
from benchmarks.contenders import ENGINE, descent
from benchmarks.peers import numpy_gradient_of
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import Problem
from ncfcheck.theory.flow.trajectories import loss_flow, ncf_flow, norm_reaches, time_reaches

DESCENT = "gradient descent, step 1e-3, numpy"
DELTA, STEP = 1e-2, 1e-3


def problem_of(case: Case) -> tuple[Problem, float]:
    """The square loss whose NCF is the case's, and the time at which the NCF flow
    doubles its norm.
    """
    flow = ncf_flow(case.ncf, case.start, Numerics(), norm_reaches(2.0))
    return Problem(case.ncf.network, case.ncf.X, case.ncf.ybar), float(flow.time[-1])


def followed(case: Case, numerics: Numerics):
    """w/δ at the time t = T/δ^{D−2} on the loss flow, as a function without arguments."""
    problem, time = problem_of(case)

    def run() -> np.ndarray:
        flow = loss_flow(problem, case.start, DELTA, numerics, time_reaches(time))
        return flow.norm * flow.direction

    return run


@descent(ENGINE)
def engine_descent(case: Case):
    """In the variables that do not depend on δ."""
    return followed(case, Numerics(tolerance=1e-7))


@descent(DESCENT)
def gradient_descent(case: Case):
    """w ← w − η∇𝓛(w) from δ·v_0, as papers on early training run it: T/(η δ^{D−2}) steps, each
    wrong by O(η).
    """
    problem, time = problem_of(case)
    steps = round(time / DELTA ** (problem.network.order - 2) / STEP)

    def run() -> np.ndarray:
        w, ybar = DELTA * case.start, problem.y.copy()
        ascent = numpy_gradient_of(replace(case, ncf=replace(case.ncf, ybar=ybar)))
        for _ in range(steps):
            ybar[:] = problem.y - problem.outputs(w)
            w = w + STEP * ascent(w)
        return w / DELTA

    return run


def precise(case: Case) -> np.ndarray:
    """The same by scipy's DOP853 at a tolerance of 1e-13."""
    return followed(case, Numerics(tolerance=1e-13, integrator="scipy"))()
