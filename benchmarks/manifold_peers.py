"""Pymanopt as a contender for the KKT point: Riemannian trust regions on the sphere, with
differences of gradients as Hessian.
"""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case
from benchmarks.contenders import polished
from benchmarks.peers import numpy_gradient_of

PYMANOPT = "Pymanopt trust regions + numpy"


@polished(PYMANOPT)
def pymanopt_point(case: Case, tolerance: float):
    """A local maximum of N from the same start; which one is its own business, as nothing is
    followed there.
    """
    import pymanopt
    from pymanopt.manifolds import Sphere
    from pymanopt.optimizers import TrustRegions

    evaluate, order = numpy_gradient_of(case), case.ncf.network.order
    scale = np.linalg.norm(evaluate(case.start))
    manifold = Sphere(case.start.size)

    @pymanopt.function.numpy(manifold)
    def cost(u):
        return -(evaluate(u) @ u) / (order * scale)

    @pymanopt.function.numpy(manifold)
    def descent(u):
        return -evaluate(u) / scale

    @pymanopt.function.numpy(manifold)
    def curvature(u, direction):
        h = 1e-6 / max(np.linalg.norm(direction), 1e-300)
        return (descent(u + h * direction) - descent(u - h * direction)) / (2 * h)

    problem = pymanopt.Problem(
        manifold, cost, euclidean_gradient=descent, euclidean_hessian=curvature
    )
    optimizer = TrustRegions(
        verbosity=0, min_gradient_norm=1e-12, min_step_size=0.0, max_iterations=200, max_time=60
    )

    def solve() -> np.ndarray:
        u = optimizer.run(problem, initial_point=case.start).point
        return u / np.linalg.norm(u)

    return solve
