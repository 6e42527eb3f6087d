"""Small random networks with kinks, and an Euler reference that knows nothing of modes."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.ncf import Ncf, unit
from ncfcheck.model.networks import dense

Array = np.ndarray
KINDS = "two layers", "three layers", "leaky", "mixed"


def drawn(kind: str, seed: int) -> tuple[Ncf, Array]:
    """An NCF of up to ten Gaussian samples on a network of widths up to 5, and a start (P,)."""
    rng = np.random.default_rng((KINDS.index(kind), seed))
    depth = {"two layers": 2, "three layers": 3}.get(kind) or int(rng.integers(2, 4))
    if kind == "mixed":
        depth = 3
    hidden = depth - 1
    powers, slopes = [1] * hidden, [0.0] * hidden
    if kind == "leaky":
        slopes = [float(rng.choice([-0.5, -0.3, 0.1, 0.3, 0.5])) for _ in range(hidden)]
    if kind == "mixed":
        powers = [int(p) for p in rng.integers(1, 4, hidden)]
        powers[int(rng.integers(hidden))] = 1
        slopes = [float(rng.choice([0.0, 0.3, -0.3])) for _ in range(hidden)]
    widths = [int(rng.integers(1, 5)), *map(int, rng.integers(1, 6, hidden)), 1]
    network = dense(widths, powers, slopes)
    n = int(rng.integers(1, 11))
    X, y = rng.standard_normal((n, widths[0])), rng.standard_normal((n, 1))
    return Ncf(network, X, y), unit(rng.standard_normal(network.size))


def euler(ncf: Ncf, u: Array, time: float, steps: int) -> Array:
    """u(t) by so many Euler steps of any subgradient: steps across a kink chatter about it, and
    their means are the sliding motion to first order.
    """
    for _ in range(steps):
        u = u + time / steps * subgradient(ncf, u)
    return u


def subgradient(ncf: Ncf, u: Array) -> Array:
    """One of N at u, slopes by the signs of z: written out, without the project's kernels."""
    network, matrices, first = ncf.network, [], 0
    for rows, columns in zip(network.widths[1:], network.widths):
        matrices.append(u[first : first + rows * columns].reshape(rows, columns))
        first += rows * columns
    below, slopes = [ncf.X.T], []
    for W, p, alpha in zip(matrices, network.powers, network.slopes):
        z = W @ below[-1]
        side = np.where(z >= 0, 1.0, alpha**p)
        slopes.append(p * side * z ** (p - 1))
        below.append(side * z**p)
    back, parts = ncf.ybar.T, []
    for k in range(len(matrices) - 1, -1, -1):
        parts.insert(0, (back @ below[k].T).ravel())
        if k:
            back = (matrices[k].T @ back) * slopes[k - 1]
    return np.concatenate(parts)
