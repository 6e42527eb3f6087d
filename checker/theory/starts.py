"""Families of start directions v_0 on the unit sphere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import Ncf, unit
from ncfcheck.model.networks import Network
from ncfcheck.theory.kkt.points import flow_limit, positive_limit

Array = np.ndarray


def gaussian_start(rng, ncf: Ncf) -> Array:
    """Uniform on the sphere."""
    return unit(rng.standard_normal(ncf.network.size))


def sparse_start(rng, ncf: Ncf) -> Array:
    """About half of the weights zero, at least one nonzero a layer."""
    network = ncf.network
    theta = rng.standard_normal(network.size)
    kept = rng.random(network.size) < 0.5
    for part in network.slices:
        kept[rng.integers(part.start, part.stop)] = True
    return unit(theta * kept)


def unbalanced_start(rng, ncf: Ncf) -> Array:
    """Layers of very different norms, by factors from 1/10 to 10."""
    theta = rng.standard_normal(ncf.network.size)
    for part in ncf.network.slices:
        theta[part] *= 10.0 ** rng.uniform(-1, 1)
    return unit(theta)


def balanced_start(rng, ncf: Ncf) -> Array:
    """Hidden neurons between unshared layers balanced, ‖row_j(W_l)‖² = p_l ‖col_j(W_{l+1})‖²."""
    return unit(balance(ncf.network, rng.standard_normal(ncf.network.size)))


def balance(network: Network, theta: Array) -> Array:
    """Rescale rows of W_{L-1}, …, W_1 in turn, to balance every neuron between unshared layers."""
    matrices = network.matrices(theta)
    for l in reversed(network.between_unshared):
        rows = np.linalg.norm(matrices[l], axis=1)
        columns = np.sqrt(network.powers[l]) * np.linalg.norm(matrices[l + 1], axis=0)
        matrices[l] *= np.divide(columns, rows, out=np.zeros_like(rows), where=rows > 0)[:, None]
    return network.flatten(matrices)


def near_kkt_start(rng, ncf: Ncf) -> Array:
    """A KKT point of positive value moved by 10^-3 to 10^-1; a Gaussian start if none was found."""
    start = gaussian_start(rng, ncf)
    try:
        u = flow_limit(ncf, start, Numerics(tolerance=1e-7, calls=5000)).point.u
    except (Inapplicable, Unresolved):
        return start
    return unit(u + 10.0 ** rng.uniform(-3, -1) * gaussian_start(rng, ncf))


def negative_kkt_start(rng, ncf: Ncf) -> Array:
    """A KKT point of positive value with W_L's sign flipped; a Gaussian start if none was found."""
    start = gaussian_start(rng, ncf)
    try:
        u = positive_limit(ncf, start, Numerics(tolerance=1e-7, calls=5000)).point.u.copy()
    except (Inapplicable, Unresolved):
        return start
    u[ncf.network.slices[-1]] *= -1
    return u


def closing_start(rng, ncf: Ncf) -> Array:
    """A dominating last layer against the labels' sign: with activations ≥ 0 neurons shut down."""
    theta = gaussian_start(rng, ncf)
    last = ncf.network.slices[-1]
    theta[last] = -np.sign(ncf.ybar.sum() or 1.0) * (0.1 + np.abs(theta[last])) * 10
    return unit(theta)


STARTS: dict[str, Callable[..., Array]] = {
    "gaussian": gaussian_start,
    "sparse": sparse_start,
    "unbalanced": unbalanced_start,
    "balanced": balanced_start,
    "near-kkt": near_kkt_start,
}
# Starts whose flow tends to a negative or zero KKT point, which generic starts seldom do.
COLLAPSING: dict[str, Callable[..., Array]] = {
    "negative-kkt": negative_kkt_start,
    "closing": closing_start,
}


def live_start(family: str, seed: int, ncf: Ncf, attempts: int = 8) -> Array:
    """A start of the family with ∇N(v_0) more than rounding, from the seed's first such stream."""
    for attempt in range(attempts):
        start = {**STARTS, **COLLAPSING}[family](np.random.default_rng([seed, attempt]), ncf)
        if np.linalg.norm(ncf.gradient(start)) > ncf.rounding(start)[1]:
            break
    return start
