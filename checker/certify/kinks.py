"""Structured points on kinks, all p_l = 1: a direction that keeps every gradient there away from w
(theory §6).

Between kinks n is linear; at the kinks of some samples ∇n is u + rest + Σ slope_i moves_i, the only
KKT direction u orthogonal to these samples, slopes in [α, 1].
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import lsq_linear

from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal
from ncfcheck.theory.rank_one.reduced_points import on_kink

DEPENDENT = 1e-9  # what rows leave of a sample that depends on them, relative to it


def separated(instance) -> Certificate:
    """The samples on whose kinks u lies, a basis of them, and weights of it whose sum is near the
    least of the parts of ∇n across u.
    """
    network, X, u = instance.network, instance.ncf.X, instance.u
    if set(network.powers) != {1} or sorted(network.slopes)[1:] != [1.0] * (network.depth - 2):
        raise NotProved("not one kinked layer")
    labels, sides = instance.ncf.ybar[:, 0], X @ u
    heard = X.any(axis=1) & (labels != 0)
    samples = [int(i) for i in np.flatnonzero(on_kink(X, u) & heard)]
    basis = _independent(X, samples)
    if not basis:
        raise NotProved("no sample with a label is on a kink")
    sign, lowest = math.prod(instance.signs), min(network.slopes)
    before = math.prod(instance.signs[: network.slopes.index(lowest)])
    others = np.setdiff1d(np.flatnonzero(heard), samples)
    slopes = np.where(sides[others] * before > 0, 1.0, lowest)
    g, spanning = sign * (labels[others] * slopes) @ X[others], X[basis].T
    rest = spanning @ np.linalg.lstsq(spanning, g, rcond=None)[0]
    moves = sign * (labels[samples, None] * X[samples]).T
    least = rest + moves @ lsq_linear(moves, -rest, (lowest, 1.0), tol=1e-15).x
    normal = np.linalg.lstsq(spanning, least, rcond=None)[0]
    data = {"kinks": samples, "basis": basis, "normal": hexadecimal(normal)}
    return Certificate("structured", data)


def _independent(X: np.ndarray, samples: list[int]) -> list[int]:
    """The samples whose rows do not depend on those of samples before."""
    basis: list[int] = []
    for i in samples:
        spanning = X[basis].T
        left = X[i] - spanning @ np.linalg.lstsq(spanning, X[i], rcond=None)[0] if basis else X[i]
        if np.linalg.norm(left) > DEPENDENT * np.linalg.norm(X[i]):
            basis.append(i)
    return basis
