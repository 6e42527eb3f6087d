"""Instances with floats that are hard on arithmetic: near-ties, subnormals, scales of 1e±150, exact
kinks, integers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.model.ncf import Problem

KINDS = ("near-tie", "subnormal", "huge", "tiny", "kinks", "integers", "mixed scales")


def adversarial(instance, rng: np.random.Generator, kind: str):
    """The instance with its data, labels or start made hard in the way that `kind` names."""
    problem, start = instance.problem, instance.start.copy()
    X, y = problem.X.copy(), problem.y.copy()
    if kind == "near-tie":
        _nearly_orthogonal(X, start[: X.shape[1]], rng)
    elif kind == "subnormal":
        start[rng.integers(start.size)] = 5e-324 * rng.integers(-9, 10)
        X[rng.integers(len(X)), rng.integers(X.shape[1])] = 5e-324
    elif kind in ("huge", "tiny"):
        X *= 1e150 if kind == "huge" else 1e-150
    elif kind == "kinks":
        X[rng.integers(len(X))] = 0.0
        start[rng.random(start.size) < 0.3] = 0.0
    elif kind == "integers":
        X, start = np.round(2 * X), np.round(3 * start)
    else:
        X *= 10.0 ** rng.integers(-40, 41, X.shape)
    y = y if str(problem.loss) == "logistic" or kind != "integers" else np.round(2 * y)
    if not start.any():
        start[0] = 1.0
    start /= np.linalg.norm(start)
    return replace(instance, problem=Problem(problem.network, X, y, problem.loss), start=start)


def _nearly_orthogonal(X: np.ndarray, direction: np.ndarray, rng) -> None:
    """Move a sample to within rounding of the kink of the first neuron."""
    row = rng.integers(len(X))
    if direction.size == X.shape[1] and direction @ direction > 0:
        X[row] -= (X[row] @ direction) / (direction @ direction) * direction
