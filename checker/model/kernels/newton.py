"""Newton's method on the sphere, compiled: for few parameters a polish would be mostly calls."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import bare, compiled
from ncfcheck.model.kernels.gradients import pull_back, workspace
from ncfcheck.model.kernels.tangents import curvature_matrix
from ncfcheck.model.losses import NCF_CODE

STEPS = 4  # with one Hessian
LEFT = 0.1  # of sin∠, at most, after a step that is taken
DAMPING = 1e-8  # at least, in units of the projected Hessian


@compiled()
def head_start(layout, u, X, ybar):
    """A unit vector nearer than u (P,) to a KKT point, by chords of ∇²N(u); N, ∇N, sin∠ there.

    Samples are columns X (d, n), pseudo-labels ȳ (k_L, n). Steps are those of `kkt.refined`, taken
    as long as sin∠ falls fast.
    """
    size, work, weights = u.size, workspace(layout, X.shape[1]), np.empty(ybar.shape)
    point, trial, gradient, step = u.copy(), u.copy(), np.empty(u.size), np.empty(u.size)
    best = np.empty(u.size)
    factors, solution, normal = (
        np.empty((size, size), np.complex128),
        np.empty(size, np.complex128),
        np.empty(size),
    )
    value = pull_back(layout, point, X, ybar, NCF_CODE, 0.0, 1.0, weights, work, best)
    last, multiplier, tangential = _along(best, point, step)
    if not 0 < last <= 1:
        return point, value, best, last
    _factorise(curvature_matrix(layout, u, X, ybar), point, multiplier, tangential, normal, factors)
    for _ in range(STEPS):
        _solve(factors, step, solution)
        length = 0.0
        for i in range(size):
            trial[i] = point[i] - step[i]
            length += trial[i] ** 2
        for i in range(size):
            trial[i] /= np.sqrt(length)
        reached = pull_back(layout, trial, X, ybar, NCF_CODE, 0.0, 1.0, weights, work, gradient)
        left = _along(gradient, trial, step)[0]
        if not left <= LEFT * last:
            break
        last, value = left, reached
        point[:], best[:] = trial, gradient
    return point, value, best, last


@bare()
def _along(gradient, point, out):
    """sin∠(∇N, u), ⟨∇N, u⟩ and the norm of ∇N's part along the sphere, which is written to out."""
    largest = along = size = tangential = 0.0
    for i in range(point.size):
        along += gradient[i] * point[i]
        largest = max(largest, abs(gradient[i]))
    # In its units no square under- or overflows.
    for i in range(point.size):
        out[i] = gradient[i] - along * point[i]
        size += (gradient[i] / largest) ** 2
        tangential += (out[i] / largest) ** 2
    return np.sqrt(tangential / size), along, largest * np.sqrt(tangential)


@compiled()
def projected_hessian(layout, u, X, ybar, multiplier):
    """A = Π(∇²N − λI)Π − |λ|uuᵀ (P, P) at a unit vector u (P,); columns X (d, n), ȳ (k_L, n)."""
    out = np.empty((u.size, u.size))
    _project(curvature_matrix(layout, u, X, ybar), u, multiplier, np.empty(u.size), out)
    return out


@bare()
def _project(hessian, u, multiplier, normal, out):
    """A = Π(∇²N − λI)Π − |λ|uuᵀ, into out (P, P), and ‖A‖ (Frobenius); normal (P,) is scratch."""
    size, curved, squares = u.size, 0.0, 0.0
    for i in range(size):
        normal[i] = 0.0
        for j in range(size):
            normal[i] += hessian[i, j] * u[j]
        curved += normal[i] * u[i]
    for i in range(size):
        normal[i] -= 0.5 * (curved + multiplier - abs(multiplier)) * u[i]
    for i in range(size):
        for j in range(size):
            entry = (
                hessian[i, j]
                - u[i] * normal[j]
                - normal[i] * u[j]
                - (multiplier if i == j else 0.0)
            )
            squares += entry**2
            out[i, j] = entry
    return np.sqrt(squares)


@bare()
def _factorise(hessian, u, multiplier, tangential, normal, factors):
    """DLᵀ of A + iδ = LDLᵀ in the upper triangle of factors (P, P).

    The imaginary parts of D are at least the damping δ, so that no pivot vanishes.
    """
    size = u.size
    damping = max(DAMPING * _project(hessian, u, multiplier, normal, factors), tangential)
    for k in range(size):
        factors[k, k] += 1j * damping
    for k in range(size):
        for i in range(k + 1, size):
            share = factors[k, i] / factors[k, k]
            for j in range(i, size):
                factors[i, j] -= share * factors[k, j]


@bare()
def _solve(factors, vector, solution):
    """Re (A + iδ)⁻¹ · vector, in its place; solution (P,) is scratch."""
    size = vector.size
    for k in range(size):
        solution[k] = vector[k]
    for k in range(size):
        share = solution[k] / factors[k, k]
        for i in range(k + 1, size):
            solution[i] -= factors[k, i] * share
    for k in range(size - 1, -1, -1):
        for j in range(k + 1, size):
            solution[k] -= factors[k, j] * solution[j]
        solution[k] /= factors[k, k]
        vector[k] = solution[k].real
