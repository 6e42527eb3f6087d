"""Clarke KKT points that flows through kinks end at: polish and inertia within the mode (§6, §11).

In a mode N is smooth on the manifold of weights at which sliding units have z = 0, and its gradient
there is the least-norm subgradient of N as long as the units' slopes lie in [α, 1].
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import null_space

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import DEGENERATE, DENSE_HESSIAN, POLISHED
from ncfcheck.model.ncf import Ncf, norm
from ncfcheck.theory.flow.kinks.flows import Mode
from ncfcheck.theory.kkt.points import KktPoint

Array = np.ndarray
STEPS = 20
ASIDE = 1e-5  # of differences: of third order in it, and rounding over it, 1e-10 each
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
        H = _hessian(mode, u, basis)
        if not np.isfinite(H).all():
            raise Unresolved("second derivatives at the point to polish are not finite")
        values, vectors = np.linalg.eigh(H)
        damping = residual * max(abs(values).max(initial=0.0), abs(g @ u))
        step = vectors @ (values / (values**2 + damping**2 + 1e-300) * (vectors.T @ (basis.T @ g)))
        u = u - basis @ step
    return _described(ncf, mode, mode.onto(best)) if mode.holds(best) else None


def _tangent(mode: Mode, u: Array) -> Array:
    """An orthonormal basis (P, m) of what is tangent to the sphere and the mode's manifold at u."""
    return null_space(np.vstack([mode.normals(u), u[None]]))


def _hessian(mode: Mode, u: Array, basis: Array) -> Array:
    """The Hessian (m, m) of N on the manifold in that basis, by differences of the gradient."""
    columns = []
    for direction in basis.T:
        ends = (mode.onto(u + side * ASIDE * direction) for side in (1, -1))
        ahead, behind = (_across(mode, end) for end in ends)
        columns.append(basis.T @ (ahead - behind) / (2 * ASIDE))
    H = np.array(columns).reshape(basis.shape[1], basis.shape[1])
    return 0.5 * (H + H.T)


def _across(mode: Mode, u: Array) -> Array:
    """The gradient (P,) on the manifold and the sphere at a unit vector u."""
    g = mode.gradient(u)[1]
    return g - (g @ u) * u


def _described(ncf: Ncf, mode: Mode, u: Array) -> KktPoint:
    value, g = mode.gradient(u)
    multiplier, basis = float(g @ u), _tangent(mode, u)
    values, vectors = np.linalg.eigh(_hessian(mode, u, basis))
    scale = abs(multiplier) or np.nan
    top = float(values[-1] / scale) if values.size else -1.0
    lost = norm(ncf.gradient_bound(u, settled=True)[1]) / norm(g)
    residual = norm(g - multiplier * u) / norm(g)
    # Off the manifold N falls, at a positive point that its kinks hold: what is left is the normal.
    top = max(top, -1.0) if values.size else top
    error = LOST * float(abs(values).max(initial=0.0)) / scale
    escape = (basis @ vectors[:, values > DEGENERATE * scale]).T
    return KktPoint(u, value, multiplier, residual, lost, top, escape, error)
