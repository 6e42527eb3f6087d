"""Clarke KKT points that flows through kinks end at: polish and inertia within the mode (§6, §11).

In a mode N is smooth on the manifold of weights at which sliding units have z = 0, and its gradient
there is the least-norm subgradient of N as long as the units' slopes lie in [α, 1].
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import null_space

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import DEGENERATE, DENSE_HESSIAN, EPS, POLISHED
from ncfcheck.model.ncf import Ncf, norm
from ncfcheck.theory.flow.kinks.flows import Mode
from ncfcheck.theory.kkt.point import KktPoint

Array = np.ndarray
STEPS = 20
LOST = 1e-8  # what differences may leave out of curvatures, in units of the largest


def polish_in_mode(ncf: Ncf, u: Array, modes: Array) -> KktPoint | None:
    """The Clarke KKT point with the modes (H,) that the unit vector u (P,) is near, with its
    inertia on the manifold of the mode; None where it leaves the mode.

    `residual` is sin∠ of the least-norm subgradient. Raises Unresolved where that vanishes, or for
    more weights than a dense Hessian is formed for.
    """
    if u.size > DENSE_HESSIAN:
        raise Unresolved("a kinked network too large to polish within a mode")
    mode = Mode.of(ncf, modes, u)
    best, best_residual, slow = u, np.inf, 0
    for _ in range(STEPS):
        u = mode.onto(u)
        kept = mode.without_faded(u)
        if (kept != mode.modes).any():
            mode = Mode.of(ncf, kept, u)
            u = mode.onto(u)
        g = mode.gradient(u)[1]
        size = norm(g)
        if not (np.isfinite(size) and size > 0):
            raise Unresolved("∇N vanishes at the point to polish")
        tangential = g - (g @ u) * u
        residual = norm(tangential) / size
        slow = slow + 1 if residual > 0.1 * best_residual else 0
        if residual < best_residual:
            best, best_residual = u, residual
        if best_residual <= POLISHED / 100 or slow > (2 if best_residual <= POLISHED else 8):
            break
        basis = _tangent(mode, u)
        H = mode.hessian(u, basis)
        if not np.isfinite(H).all():
            raise Unresolved("second derivatives at the point to polish are not finite")
        values, vectors = np.linalg.eigh(H)
        damping = max(residual, 10 * LOST) * max(abs(values).max(initial=0.0), abs(g @ u))
        step = vectors @ (values / (values**2 + damping**2 + 1e-300) * (vectors.T @ (basis.T @ g)))
        u = u - basis @ step
    return _described(ncf, mode, mode.onto(best)) if mode.holds(best) else None


def _tangent(mode: Mode, u: Array) -> Array:
    """An orthonormal basis (P, m) of what is tangent to the sphere and the mode's manifold at u."""
    return null_space(np.vstack([mode.normals(u), u[None]]))


def _described(ncf: Ncf, mode: Mode, u: Array) -> KktPoint:
    value, g = mode.gradient(u)
    multiplier, basis = float(g @ u), _tangent(mode, u)
    values, vectors = np.linalg.eigh(mode.hessian(u, basis))
    scale = abs(multiplier) or np.nan
    top = float(values[-1] / scale) if values.size else -1.0
    steepest = float(abs(values).max(initial=0.0)) / scale
    # Rounding of ∇N, and of u itself.
    lost = norm(ncf.gradient_bound(u, settled=True)[1]) / norm(g) + EPS * (1 + steepest)
    residual = norm(g - multiplier * u) / norm(g)
    # Off the manifold N falls, at a positive point that its kinks hold: what is left is the normal.
    top = max(top, -1.0) if values.size else top
    escape = (basis @ vectors[:, values > DEGENERATE * scale]).T
    return KktPoint(u, value, multiplier, residual, lost, top, escape, LOST * steepest)
