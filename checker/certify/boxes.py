"""KKT points in Krawczyk boxes, without silent neurons or linear layers' symmetries (theory §9)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from flint import arb

from ncfcheck.certify.certificate import NotProved
from ncfcheck.certify.evaluate import matrices
from ncfcheck.certify.krawczyk import Box, enclose, is_below
from ncfcheck.certify.rings import Balls
from ncfcheck.certify.symmetries import generators
from ncfcheck.certify.system import System
from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import DENSE, Network, Pattern
from ncfcheck.theory.kkt.points import polish

# Neurons with smaller weights are taken out, and exactly zero in the point that is proved.
SILENT = 1e-6


@dataclass(frozen=True)
class Pruned:
    """A network without its silent neurons: `active` lists those that are left of every hidden
    layer.

    A zero neuron, in- and outgoing weights 0, stays zero: ∂N by its incoming weights has a factor
    of its outgoing ones, and ∂N by these the factor σ(0) = 0. So KKT points of `network` are KKT
    points of the whole with zeros filled in.
    """

    network: Network
    active: tuple[tuple[int, ...], ...]
    theta: np.ndarray
    is_smaller: bool


def prune(network: Network, u: np.ndarray) -> Pruned:
    """The network and its weights u without neurons whose weights are all smaller than SILENT."""
    W = network.matrices(u)
    if any(pattern.is_shared for pattern in network.patterns):
        active = tuple(tuple(range(width)) for width in network.widths[1:-1])
        return Pruned(network, active, u, False)
    sizes = [np.maximum(np.abs(a).max(axis=1), np.abs(b).max(axis=0)) for a, b in zip(W, W[1:])]
    active = tuple(tuple(map(int, np.flatnonzero(each > SILENT))) for each in sizes)
    if not all(active):
        raise NotProved("a hidden layer is silent")
    kept = [tuple(range(network.widths[0])), *active, tuple(range(network.widths[-1]))]
    patterns = tuple(
        _cut(p, rows, columns) for p, rows, columns in zip(network.patterns, kept[1:], kept)
    )
    small = Network(tuple(map(len, kept)), network.powers, network.slopes, patterns)
    theta = small.flatten([w[np.ix_(rows, columns)] for w, rows, columns in zip(W, kept[1:], kept)])
    return Pruned(small, active, theta, small.widths != network.widths)


def _cut(pattern: Pattern, rows, columns) -> Pattern:
    """The pattern of some rows and columns of a layer that shares no weights."""
    if pattern.index is None:
        return DENSE
    present = np.array(pattern.index)[np.ix_(rows, columns)] >= 0
    numbers = np.where(present, np.cumsum(present).reshape(present.shape) - 1, -1)
    return Pattern(pattern.kind, tuple(tuple(map(int, row)) for row in numbers))


@dataclass(frozen=True)
class Found:
    """A KKT point in a box, of a network that may have been pruned."""

    box: Box
    pruned: Pruned

    @property
    def system(self) -> System:
        """The equations that the point solves."""
        return self.box.system

    @property
    def matrices(self) -> list:
        """Weight matrices of the pruned network as balls."""
        return matrices(Balls, self.pruned.network, self.box.theta)

    @property
    def value(self) -> arb:
        """N in units of 2^scale."""
        return self.system.value(self.box.theta)

    def is_maximum(self) -> bool:
        """Whether the projected Hessian is negative definite; zero neurons add −λ, p ≥ 2, λ > 0."""
        theta, system = self.box.theta, self.system
        multiplier = self.box.multiplier
        if not multiplier > 0 or (self.pruned.is_smaller and min(self.pruned.network.powers) < 2):
            return False
        lift = 2 * self.pruned.network.order * multiplier
        return is_below(system.hessian(theta), multiplier, theta, lift)

    def plain(self) -> dict:
        """What the verifier needs."""
        return {"box": self.box.plain(), "active": [list(each) for each in self.pruned.active]}


def found_near(network: Network, ncf: Ncf, u: np.ndarray) -> Found:
    """The exact KKT point near u, polished without its silent neurons. Raises NotProved."""
    pruned = prune(network, u)
    try:
        theta = polish(
            Ncf(pruned.network, ncf.X, ncf.ybar), pruned.theta / np.linalg.norm(pruned.theta)
        ).u
    except (Inapplicable, Unresolved, np.linalg.LinAlgError) as error:
        raise NotProved(f"the point cannot be polished: {error}") from error
    if np.linalg.norm(theta - pruned.theta) > 1e-4:
        raise NotProved("without its silent neurons the point is another")
    system = System(pruned.network, ncf.X, ncf.ybar, theta, generators(pruned.network, theta))
    return Found(enclose(system), pruned)


def has_rank_two(W, share: float) -> bool:
    """Whether σ_2 > share·σ_1: of rank r all squared 2×2 minors sum up to σ_1²σ_2² r(r − 1)/2."""
    minors, rank = arb(0), min(W.nrows(), W.ncols())
    for i, j in combinations(range(W.nrows()), 2):
        for a, b in combinations(range(W.ncols()), 2):
            minor = W[i, a] * W[j, b] - W[i, b] * W[j, a]
            minors += minor * minor
    trace = sum((each * each for each in W.entries()), arb(0))
    bound = arb(share) * trace
    return bool(minors > bound * bound * (rank * (rank - 1) // 2))


def active_rows(W, share: float = 0.0) -> int:
    """Rows of a matrix of balls whose norm is above `share` times the largest for sure."""
    squares = [sum((W[i, j] * W[i, j] for j in range(W.ncols())), arb(0)) for i in range(W.nrows())]
    bound = arb(share) * arb(share) * max(each.upper() for each in squares)
    return sum(bool(each > bound) for each in squares)
