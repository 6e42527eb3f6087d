"""Families of start directions v_0 on the unit sphere."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.families import ROUNDING, Family
from ncfcheck.core.tolerances import HANDOVER, POLISHED, Numerics
from ncfcheck.model.models import Model
from ncfcheck.model.ncf import Ncf, neuron_balance, unit
from ncfcheck.model.networks import Network
from ncfcheck.theory.kkt.points import flow_limit, polish, positive_limit

Array = np.ndarray
QUICK = Numerics(tolerance=1e-7, calls=5000)
NEAR = (-3, -1)  # powers of ten that a start near a KKT point is away from it
LOUD = 10.0  # how much larger than others the weights of a closing start's last layer are


def gaussian_start(rng, ncf: Ncf) -> Array:
    """Uniform on the sphere."""
    return unit(rng.standard_normal(ncf.network.size))


def sparse_start(rng, ncf: Ncf) -> Array:
    """About half of the weights zero, at least one nonzero a layer, or group of weights."""
    network = ncf.network
    theta = rng.standard_normal(network.size)
    kept = rng.random(network.size) < 0.5
    for part in _parts(network):
        kept[rng.integers(part.start, part.stop)] = True
    return unit(theta * kept)


def unbalanced_start(rng, ncf: Ncf) -> Array:
    """Layers, or groups of weights, of very different norms, by factors from 1/10 to 10."""
    theta = rng.standard_normal(ncf.network.size)
    for part in _parts(ncf.network):
        theta[part] *= 10.0 ** rng.uniform(-1, 1)
    return unit(theta)


def balanced_start(rng, ncf: Ncf) -> Array:
    """Hidden neurons between unshared layers balanced, ‖row_j(W_l)‖² = p_l ‖col_j(W_{l+1})‖²."""
    return unit(balance(ncf.network, rng.standard_normal(ncf.network.size)))


def _parts(network: Model) -> list[slice]:
    """Where the groups of weights stand: layers of a layered network."""
    return [group.part for group in network.groups]


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
        u = flow_limit(ncf, start, QUICK).point.u
    except (Inapplicable, Unresolved):
        return start
    return unit(u + 10.0 ** rng.uniform(*NEAR) * gaussian_start(rng, ncf))


def _nearer_kkt(start: Array, ncf: Ncf, seed: int) -> Array:
    """As it is or, further from the limit of its flow than is drawn, as near as that."""
    try:
        u = flow_limit(ncf, start, QUICK).point.u
    except (Inapplicable, Unresolved):
        return start
    aside, furthest = start - u, 10.0 ** NEAR[1] / 2
    is_near = np.linalg.norm(aside) <= 2 * furthest
    return start if is_near else unit(u + furthest * unit(aside))


def _is_near_kkt(start: Array, ncf: Ncf, seed: int) -> bool:
    return _nearer_kkt(start, ncf, seed) is start or _is_drawn("near-kkt", start, ncf, seed)


def _is_drawn(family: str, start: Array, ncf: Ncf, seed: int) -> bool:
    """Whether it is what the seed draws, where no KKT point may be found."""
    return np.array_equal(start, live_start(family, seed, ncf))


def negative_kkt_start(rng, ncf: Ncf) -> Array:
    """A KKT point of positive value with W_L's sign flipped; a Gaussian start if none was found."""
    start = gaussian_start(rng, ncf)
    try:
        u = positive_limit(ncf, start, QUICK).point.u.copy()
    except (Inapplicable, Unresolved):
        return start
    u[ncf.network.slices[-1]] *= -1
    return u


def _is_negative_kkt(start: Array, ncf: Ncf, seed: int) -> bool:
    gradient = np.linalg.norm(ncf.gradient(start))
    if ncf.value(start) < 0 and gradient > 0:
        accuracy = max(POLISHED, min(ncf.rounding(start)[1] / gradient, HANDOVER))
        return ncf.residual(start) <= accuracy or _is_drawn("negative-kkt", start, ncf, seed)
    return _is_drawn("negative-kkt", start, ncf, seed)


def _negative_kkt_again(start: Array, ncf: Ncf, seed: int) -> Array:
    """The KKT point Newton's method finds near it, or one drawn from the seed."""
    try:
        point = polish(ncf, start)
        if point.is_polished and point.value < 0:
            return point.u
    except (Unresolved, np.linalg.LinAlgError):
        pass
    return live_start("negative-kkt", seed, ncf)


def closing_start(rng, ncf: Ncf) -> Array:
    """A dominating last layer against the labels' sign: with activations ≥ 0 neurons shut down."""
    theta = gaussian_start(rng, ncf)
    last = ncf.network.slices[-1]
    theta[last] = _against(ncf) * (0.1 + np.abs(theta[last])) * LOUD
    return unit(theta)


def _against(ncf: Ncf) -> float:
    """The sign against that of the labels' sum."""
    return -np.sign(ncf.ybar.sum() or 1.0)


def _is_closing(start: Array, ncf: Ncf, seed: int) -> bool:
    """Whether each weight of the last layer is of that sign and no smaller than all others."""
    last = ncf.network.slices[-1]
    least = np.linalg.norm(start[: last.start]) * (1 - ROUNDING)
    return bool((_against(ncf) * start[last] >= least).all())


def _closed(start: Array, ncf: Ncf, seed: int) -> Array:
    last, found = ncf.network.slices[-1], start.copy()
    least = np.linalg.norm(start[: last.start])
    found[last] = _against(ncf) * np.maximum(np.abs(start[last]), least)
    return unit(found)


def _reaches_every_layer(start: Array, ncf: Ncf, seed: int) -> bool:
    return all(start[part].any() for part in _parts(ncf.network))


def _is_balanced(start: Array, ncf: Ncf, seed: int) -> bool:
    return all(np.abs(each).max() <= ROUNDING for each in neuron_balance(ncf.network, start))


def _balanced_again(start: Array, ncf: Ncf, seed: int) -> Array:
    return unit(balance(ncf.network, start))


# Builders (rng, ncf) → start; `holds(start, ncf, seed)` and `project(start, ncf, seed)`.
STARTS: dict[str, Family] = {
    "gaussian": Family(gaussian_start, generic=True),
    "sparse": Family(sparse_start, _reaches_every_layer),
    "unbalanced": Family(unbalanced_start, generic=True),
    "balanced": Family(balanced_start, _is_balanced, _balanced_again),
    "near-kkt": Family(near_kkt_start, _is_near_kkt, _nearer_kkt, generic=True),
}
# Starts whose flow tends to a negative or zero KKT point, which generic starts seldom do.
COLLAPSING: dict[str, Family] = {
    "negative-kkt": Family(negative_kkt_start, _is_negative_kkt, _negative_kkt_again),
    "closing": Family(closing_start, _is_closing, _closed),
}
EVERY = {**STARTS, **COLLAPSING}


def live_start(family: str, seed: int, ncf: Ncf, attempts: int = 8) -> Array:
    """A start of the family with ∇N(v_0) more than rounding, from the seed's first such stream."""
    for attempt in range(attempts):
        start = EVERY[family](np.random.default_rng([seed, attempt]), ncf)
        if np.linalg.norm(ncf.gradient(start)) > ncf.rounding(start)[1]:
            break
    return start
