"""To first order, what a small force all along changes where the NCF flow reaches a norm (§4, §12).

With ṡ = ∇N(s) + κf(s) instead of u̇ = ∇N(u) from the same start, s = u + κe + O(κ²) and
ė = ∇²N(u)e + f(u), e(0) = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import norm
from ncfcheck.theory.flow.trajectories import Trajectory

# Local errors of the variational equation, fine and coarse: what it predicts is compared to a few
# per cent. And the evaluations allowed, several times what it usually takes.
VARIATIONAL, COARSE, EVALUATIONS = 1e-6, 1e-4, 2000


class Force(NamedTuple):
    """f at u (P,) where ∇N(u) is the second argument (P,), and about how large it is beside that:
    in units of it e is integrated.
    """

    at: Callable[[np.ndarray, np.ndarray], np.ndarray]
    unit: float


def predicted(
    instance: Instance, reference: Trajectory, force: Force
) -> tuple[np.ndarray, float, tuple[float, float]]:
    """Limits of (change of direction, relative change of time)/κ as κ → 0 where the norm reaches
    that which `reference` ends at, and errors of both.

    Errors are differences to what the variational equation gives at a hundred times its tolerance.
    Raises Unresolved where its flow does not end where `reference` does.
    """
    direction, delay = _first_order(instance, reference, force, VARIATIONAL)
    coarse_direction, coarse_delay = _first_order(instance, reference, force, COARSE)
    return direction, delay, (norm(direction - coarse_direction), abs(delay - coarse_delay))


def _first_order(
    instance: Instance, reference: Trajectory, force: Force, tolerance: float
) -> tuple[np.ndarray, float]:
    """(E/ρ, τ/T): what direction and time where the norm reaches ρ change by, per κ.

    With s = u + κe + O(κ²) that is at T + κτ, τ = −⟨e,u⟩/⟨u̇,u⟩, and s there is u + κE,
    E = e + u̇τ.
    """
    u, e = variation(instance, reference, force, tolerance)
    _refuse_other_ends(u, reference, tolerance)
    rate = instance.ncf.gradient(u)
    shift = -(e @ u) / (rate @ u)
    return (e + shift * rate) / reference.norm, float(shift / reference.time[-1])


def _refuse_other_ends(u: np.ndarray, reference: Trajectory, tolerance: float) -> None:
    """Raise Unresolved where the variational equation has left the flow."""
    if norm(u / reference.norm - reference.direction) > math.sqrt(tolerance):
        raise Unresolved("the variational equation ends elsewhere than the flow")


def variation(
    instance: Instance, reference: Trajectory, force: Force, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """u and e (P,) where the NCF flow `reference` ends: ė = ∇²N(u)e + f(u), e(0) = 0.

    Integrated in the flow's own arc-length-like time, dt = ‖u‖/‖∇N(u)‖ dσ, and with e in units of
    the force's. Weights of u are followed from the size of rounding on: near a zero KKT point the
    smallest decide where a flow goes. Raises Unresolved where that is stiff.
    """
    ncf, size, evaluations = instance.ncf, instance.network.size, count()
    # As it is on the data: what users call looks at every argument first.
    on_data, ybar = ncf.on_data, ncf.ybar

    def rate(sigma: float, state: np.ndarray) -> np.ndarray:
        if next(evaluations) > EVALUATIONS:
            raise Unresolved("the variational equation is stiff")
        u, e = state[:size], state[size:]
        gradient = on_data.pull_back(u, ybar)[1]
        if not (gradient.any() and np.isfinite(gradient).all() and np.isfinite(e).all()):
            raise Unresolved("the variational equation steps off the flow")
        curved = on_data.curvature_product(u, ybar, e)
        rates = np.concatenate([gradient, curved + force.at(u, gradient) / force.unit])
        return norm(u) / norm(gradient) * rates

    span, state = (0.0, reference.sigma[-1]), np.concatenate([instance.start, np.zeros(size)])
    least = np.repeat([EPS, 1e-3 * tolerance], size)
    end = solve_ivp(rate, span, state, "DOP853", rtol=tolerance, atol=least)
    if not end.success:
        raise Unresolved(f"variational equation: {end.message}")
    return end.y[:size, -1], force.unit * end.y[size:, -1]
