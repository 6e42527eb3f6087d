"""How far apart runs of stochastic descent end: the Lyapunov equation of their noise (theory §12).

With unbiased gradients g + ξ at every step s = u + √h e, e Gaussian of covariance P as h → 0, with
Ṗ = AP + PAᵀ + Σ, A = ∇²N(u), Σ the covariance of ξ.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np
from scipy.integrate import solve_ivp

from ncfcheck.core.claims import Unresolved
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import norm
from ncfcheck.theory.flow.trajectories import Trajectory

TOLERANCE, EVALUATIONS = 1e-5, 4000


@dataclass(frozen=True, eq=False)
class Spread:
    """Per h: variances along the principal axes (P,) of directions where norms first reach ρ, and
    that of the relative arrival time.
    """

    turned: np.ndarray
    late: float


def noise_covariance(instance: Instance, u: np.ndarray, batch: int) -> np.ndarray:
    """Σ (P, P) of n/b times the gradient of b samples drawn with replacement, about ∇N(u)."""
    ncf, found = instance.ncf, []
    for row in range(len(ncf.X)):
        labels = np.zeros(ncf.ybar.shape)
        labels[row] = ncf.ybar[row]
        found.append(ncf.on_data.pull_back(u, labels)[1])
    each, whole = np.array(found), np.sum(found, axis=0)
    return (len(found) * each.T @ each - np.outer(whole, whole)) / batch


def spread(instance: Instance, reference: Trajectory, batch: int) -> Spread:
    """That at the end of the NCF flow `reference`. Raises Unresolved where that is stiff."""
    u, P = _lyapunov(instance, reference, batch)
    rate = instance.ncf.gradient(u)
    # E = e + u̇τ, τ = −⟨e,u⟩/⟨u̇,u⟩.
    G = (np.eye(u.size) - np.outer(rate, u) / (rate @ u)) / reference.norm
    late = u @ P @ u / (rate @ u * reference.time[-1]) ** 2
    return Spread(np.clip(np.linalg.eigvalsh(G @ P @ G.T), 0, None), float(late))


def _lyapunov(instance: Instance, reference: Trajectory, batch: int):
    """u (P,) and P (P, P) where the flow ends: Ṗ = AP + PAᵀ + Σ, P(0) = 0."""
    ncf, size, evaluations = instance.ncf, instance.network.size, count()

    def rate(_, state):
        if next(evaluations) > EVALUATIONS or not np.isfinite(state).all():
            raise Unresolved("the equation of the noise is stiff")
        u, P = state[:size].copy(), state[size:].reshape(size, size)
        gradient = ncf.on_data.pull_back(u, ncf.ybar)[1]
        moved = ncf.on_data.hessian(u, ncf.ybar) @ P
        noise = noise_covariance(instance, u, batch)
        rates = np.concatenate([gradient, (moved + moved.T + noise).ravel()])
        return norm(u) / norm(gradient) * rates

    start = np.concatenate([instance.start, np.zeros(size * size)])
    largest = np.abs(noise_covariance(instance, instance.start, batch)).max() * reference.time[-1]
    least = np.repeat([1e-9, 1e-3 * TOLERANCE * (largest or 1.0)], [size, size * size])
    span = (0.0, reference.sigma[-1])
    end = solve_ivp(rate, span, start, "RK45", rtol=TOLERANCE, atol=least)
    if not end.success:
        raise Unresolved(f"the equation of the noise: {end.message}")
    u = end.y[:size, -1]
    if norm(u / reference.norm - reference.direction) > 1e-2:
        raise Unresolved("the equation of the noise ends elsewhere than the flow")
    return u, end.y[size:, -1].reshape(size, size)
