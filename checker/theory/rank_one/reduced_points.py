"""KKT points of the reduced problem near given ones, off kinks and on them (theory §5, §6)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import Network
from ncfcheck.theory.kkt.points import off_kinks as smooth
from ncfcheck.theory.kkt.points import polish, positive_limit
from ncfcheck.theory.rank_one.points import (
    ReducedPoint,
    narrowed,
    off_kinks,
    reduced_point,
    reduced_value,
    structured_point,
    tangent,
)

Array = np.ndarray
EXACT = 1e-14  # tan∠(∇n(u), u) of a direction that is kept as it is
ON_KINK = 1e-12  # |cos∠(x, u)| of a sample that lies on the kink
QUICK = Numerics(tolerance=1e-7, calls=4000)


def nearest_reduced_point(
    network: Network, X: Array, ybar: Array, old: ReducedPoint, seed: int
) -> ReducedPoint:
    """A positive KKT point of the reduced problem: the old one if it is one, what Newton's method
    or the flow from it lead to, or else any, from the seed. X (n, d), ȳ (n, 1).

    Raises Inapplicable where none was found.
    """
    signs = old.signs if len(old.signs) == network.depth - 1 else (1.0,) * (network.depth - 1)
    value, gradient = reduced_value(network, X, ybar[:, 0], old.u, signs)
    if value < 0:
        signs = (*signs[:-1], -signs[-1])
    if value and tangent(gradient, old.u) <= EXACT:
        return ReducedPoint(old.u, signs)
    narrow = narrowed(network)
    ncf = Ncf(narrow, X, ybar)
    theta = structured_point(narrow, old.u, signs, [np.ones(1)] * (network.depth - 1))
    for search in (polish, lambda ncf, theta: smooth(positive_limit(ncf, theta, QUICK)).point):
        try:
            point = search(ncf, theta)
        except (Inapplicable, Unresolved, np.linalg.LinAlgError):
            continue
        is_near = search is not polish or point.u @ theta > 0.9
        if point.is_polished and point.value > ncf.rounding(point.u)[0] and is_near:
            matrices = narrow.matrices(point.u)
            u = matrices[0][0] / np.linalg.norm(matrices[0])
            return ReducedPoint(u, tuple(float(np.sign(W[0, 0])) for W in matrices[1:]))
    return reduced_point(network, X, ybar, seed)


def on_kink(X: Array, u: Array) -> Array:
    """Which samples (n,) lie on the kink of direction u."""
    return np.abs(X @ u) <= ON_KINK * np.linalg.norm(X, axis=1)


def kinked_point(network: Network, X: Array, ybar: Array, old: ReducedPoint) -> ReducedPoint:
    """The KKT point orthogonal to the samples on the kink of the old u, from it; ȳ (n,)."""
    kinked = on_kink(X, old.u)
    signs = old.signs if len(old.signs) == network.depth - 1 else (1.0,) * (network.depth - 1)
    if not kinked.any() or kinked.all() or np.linalg.matrix_rank(X[kinked]) < kinked.sum():
        raise Inapplicable("kinks of some independent samples, not of all")
    basis = np.linalg.svd(X[kinked])[2][kinked.sum() :].T
    labels, start = np.where(kinked, 0.0, ybar), basis @ (basis.T @ old.u)
    value, _ = reduced_value(network, X, labels, start, signs)
    signs = signs if value >= 0 else (*signs[:-1], -signs[-1])
    u, _ = off_kinks(network, X, labels, basis, start, signs)
    return ReducedPoint(u, signs)


def balancing_slopes(network: Network, X: Array, ybar: Array, u: Array, signs) -> Array:
    """The slopes at samples on the kink that make u a KKT point of the reduced problem; p_l = 1.

    Empty where there is no such sample, or no such slopes.
    """
    kinked = on_kink(X, u)
    if not kinked.any() or not ybar[kinked].all():
        return np.zeros(0)
    _, gradient = reduced_value(network, X, np.where(kinked, 0.0, ybar), u, signs)
    off = gradient - (gradient @ u) * u
    needed = np.linalg.lstsq(X[kinked].T, -off, rcond=None)[0]
    if np.linalg.norm(X[kinked].T @ needed + off) > 1e-9 * np.linalg.norm(gradient):
        return np.zeros(0)
    return needed * np.prod(signs) / ybar[kinked]
