"""Structured points exactly on kinks, all p_l = 1: the slopes that would balance the gradient
there, and others (theory §6).

Between kinks n is linear, its gradient a vector of rationals. So the only KKT direction among those
orthogonal to some samples, the projection of that gradient, is a vector of rationals, too, exactly
on the kinks of these samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat
from scipy.optimize import lsq_linear

from ncfcheck.certify.certificate import NotProved
from ncfcheck.certify.rings import Rationals
from ncfcheck.model.networks import Network


@dataclass(frozen=True)
class Kinked:
    """An exact direction u (d,) on the kinks of k samples, where ∇n is u + rest + Σ slope_i
    moves_i, slopes in [lowest, 1].

    `rest` (d,) and `moves` (k, d) are orthogonal to u, and spanned by the samples `basis`, a part
    of `samples`; rows of `spanning` are those.
    """

    samples: list[int]
    basis: list[int]
    spanning: list[list]
    u: list
    rest: list
    moves: list[list]
    lowest: fmpq

    def normal(self) -> list[float]:
        """Weights of the basis samples whose sum is near the least of the parts of ∇n across u."""
        moves, rest = np.array([_floats(row) for row in self.moves]).T, np.array(_floats(self.rest))
        found = lsq_linear(moves, -rest, (_floats([self.lowest])[0], 1.0), tol=1e-15)
        spanning = np.array([_floats(row) for row in self.spanning]).T
        return list(map(float, np.linalg.lstsq(spanning, rest + moves @ found.x, rcond=None)[0]))

    def exceeds(self, weights: Sequence[float], bound: fmpq, depth: int) -> bool:
        """Whether tan²∠(∇N, w) > bound at the structured point w along u for all slopes, by what
        `normal` returns.

        ‖W_l‖² = 1/L, so that ∇N has the part L^{1/2}|u| along w, and that of ∇n across it, up to
        one factor.
        """
        exact = [Rationals.number(each) for each in weights]
        normal = [_dot(exact, column) for column in zip(*self.spanning)]
        shares = [_dot(row, normal) for row in self.moves]
        least = sum((min(share, share * self.lowest) for share in shares), _dot(self.rest, normal))
        return bool(
            least > 0 and least**2 > bound * depth * _dot(self.u, self.u) * _dot(normal, normal)
        )


def kinked(
    network: Network, X: np.ndarray, ybar: np.ndarray, u: np.ndarray, signs, samples: Sequence[int]
) -> Kinked:
    """The exact direction near u (d,) on the kinks of these samples of X (n, d), ȳ (n, 1).

    Raises NotProved where there is none.
    """
    if set(network.powers) != {1} or sorted(network.slopes)[1:] != [1.0] * (network.depth - 2):
        raise NotProved("not one kinked layer")
    rows, labels = (
        [[Rationals.number(float(each)) for each in row] for row in M] for M in (X, ybar)
    )
    seen = [i for i, row in enumerate(rows) if any(row) and labels[i][0]]
    sign, lowest = math.prod(map(int, signs)), Rationals.number(float(min(network.slopes)))
    before = math.prod(map(int, signs[: network.slopes.index(min(network.slopes))]))
    sides = {i: int(np.sign(X[i] @ u)) for i in seen if i not in samples}
    weights = [
        sign * labels[i][0] * (1 if side * before > 0 else lowest) for i, side in sides.items()
    ]
    samples = [i for i in seen if i in samples]
    basis = _independent(rows, samples)
    if not basis:
        raise NotProved("no sample with a label is on a kink")
    g = [_dot(weights, column) for column in zip(*(rows[i] for i in sides))]
    g, spanning = g or [fmpq(0)] * len(rows[0]), [rows[i] for i in basis]
    rest = _projected(spanning, g)
    u = [a - b for a, b in zip(g, rest)]
    if not any(u) or any(Rationals.side(_dot(u, rows[i])) != sides.get(i, 0) for i in seen):
        raise NotProved("the gradient off the kinks vanishes, or other samples are on kinks")
    moves = [[sign * labels[i][0] * each for each in rows[i]] for i in samples]
    return Kinked(samples, basis, spanning, u, rest, moves, lowest)


def _independent(rows, samples: Sequence[int]) -> list[int]:
    """The samples whose rows do not depend on those of samples before."""
    if not samples:
        return []
    reduced, rank = fmpq_mat([rows[i] for i in samples]).transpose().rref()
    return [samples[next(k for k in range(len(samples)) if reduced[row, k])] for row in range(rank)]


def _projected(spanning, g) -> list:
    """The projection of g onto the span of independent rows."""
    rows = fmpq_mat(spanning)
    shares = (rows * rows.transpose()).solve(rows * fmpq_mat([[each] for each in g]))
    return (shares.transpose() * rows).entries()


def _dot(a, b) -> fmpq:
    return sum((x * y for x, y in zip(a, b)), fmpq(0))


def _floats(values) -> list[float]:
    return [int(each.p) / int(each.q) for each in values]
