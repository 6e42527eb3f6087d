"""The variational equation along a tube of the NCF flow, in floats: curves that the verifier bounds
the error of (theory §4).

e(t) is what the loss flow departs by, per δ^D: ė = ∇²N(u)e − Jᵀ(ℓ''(0)·H(X; u)), e(0) = 0.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.certify.certificate import NotProved, check_time, hexadecimal
from ncfcheck.certify.fields import ORDER
from ncfcheck.certify.flows import Tube
from ncfcheck.certify.series import variation
from ncfcheck.model.ncf import Problem


def varied(problem: Problem, tube: Tube, time: float) -> list[np.ndarray]:
    """e along a tube's steps until one holds the time: Σ c_k τ^k, (ORDER + 1, P) a step."""
    e, found = np.zeros(problem.network.size), []
    for step in tube.steps:
        check_time()
        series = variation(problem, step.coefficients[0], e, ORDER)
        with np.errstate(over="ignore", invalid="ignore"):
            found.append(series * step.duration ** np.arange(ORDER + 1)[:, None])
        e = found[-1].sum(axis=0)
        if not np.isfinite(e).all():
            raise NotProved("the variational equation is not finite along the flow")
        if step.time + step.duration > time:
            return found
    raise NotProved("the flow ends before the time up to which its variation is asked for")


def plain(curves: list[np.ndarray]) -> list[list[list[str]]]:
    """What the verifier needs."""
    return [[hexadecimal(row) for row in each] for each in curves]
