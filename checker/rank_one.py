"""Points whose hidden layers are rank one, and the reduced problem on the sphere of R^d (theory §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checker.claims import Inapplicable, Unresolved
from checker.instances import Instance
from checker.kkt import positive_limit
from checker.ncf import Ncf
from checker.networks import Network, dense
from checker.starts import gaussian_start
from checker.tolerances import Numerics

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RankOneInstance(Instance):
    """An instance whose `start` is the structured point of a reduced KKT point `u` (d,).

    `signs` (s_2, …, s_L) and `profiles` (e_1, …, e_{L−1}), unit vectors ≥ 0, one a hidden layer.
    """

    u: Array | None = None
    signs: tuple[float, ...] = ()
    profiles: tuple[Array, ...] = ()


@dataclass(frozen=True, eq=False)
class ReducedPoint:
    """A KKT point u of the reduced problem of positive value, with the signs s_2, …, s_L it belongs to."""

    u: Array
    signs: tuple[float, ...]


def reduced_value(network: Network, X: Array, ybar: Array, u: Array, signs: Sequence[float]) -> tuple[float, Array]:
    """n(u) = s_L Σ ȳ_i σ_{L−1}(s_{L−1} … s_2 σ_1(uᵀx_i)) and its gradient (d,); X (n, d), ȳ (n,)."""
    z, slope = X @ u, np.ones(len(X))
    for power, alpha, sign in zip(network.powers, network.slopes, signs):
        side = np.where(z >= 0, 1.0, alpha**power)
        slope = slope * sign * side * power * z ** (power - 1)
        z = sign * side * z**power
    return float(ybar @ z), X.T @ (ybar * slope)


def balanced_norms(network: Network) -> Array:
    """c_l = √(P_l/D), (L,): the layer norms of every KKT point with λ ≠ 0."""
    return np.sqrt(np.array(network.orders) / network.order)


def structured_point(network: Network, u: Array, signs: Sequence[float], profiles: Sequence[Array]) -> Array:
    """Flat weights of W_1 = c_1 e_1 uᵀ, W_l = c_l s_l e_l e_{l−1}ᵀ, W_L = c_L s_L e_{L−1}ᵀ; a unit vector."""
    norms = balanced_norms(network)
    outward, inward = [*profiles, np.ones(1)], [u, *profiles]
    return network.flatten(
        [c * sign * np.outer(row, column) for c, sign, row, column in zip(norms, (1.0, *signs), outward, inward)]
    )


def structured_value(network: Network, n: float, profiles: Sequence[Array]) -> float:
    """N = n(u) Π c_l^{P_l} Π_{l<L} (k_l')^{(1−p_l)P_{l+1}/2}, k_l' the number of active neurons of uniform profiles."""
    active = np.array([np.count_nonzero(profile) for profile in profiles], dtype=float)
    exponents = (1 - np.array(network.powers)) * np.array(network.orders[1:]) / 2
    return float(n * np.prod(balanced_norms(network) ** network.orders) * np.prod(active**exponents))


def reduced_point(network: Network, X: Array, ybar: Array, seed: int, attempts: int = 6) -> ReducedPoint:
    """A KKT point of the reduced problem: limit of the NCF flow of the same network with all widths one.

    X (n, d), ȳ (n, 1). Raises Inapplicable when no attempt ends at a positive KKT point.
    """
    narrow = dense((network.widths[0], *[1] * network.depth), network.powers, network.slopes)
    ncf = Ncf(narrow, X, ybar)
    for attempt in range(attempts):
        start = gaussian_start(np.random.default_rng([seed, attempt]), ncf)
        try:
            limit = positive_limit(ncf, start, Numerics(tolerance=1e-7, calls=4000))
        except (Inapplicable, Unresolved):
            continue
        matrices = narrow.matrices(limit.point.u)
        u, signs = matrices[0][0], tuple(float(np.sign(W[0, 0])) for W in matrices[1:])
        return ReducedPoint(u / np.linalg.norm(u), signs)
    raise Inapplicable("no positive KKT point of the reduced problem was found")


def two_direction_point(network: Network, X: Array, ybar: Array, seed: int) -> Array:
    """A KKT point of a two-layer network, p ≥ 2, with two active neurons on different KKT directions q of G.

    Neuron j has w_j = a_j q_j, v_j = ±a_j/√p with a_j ∝ |G(q_j)|^{−1/(p−1)}. Raises Inapplicable when only one
    direction is found.
    """
    points = [reduced_point(network, X, ybar, seed + other) for other in range(6)]
    second = next((point for point in points if abs(point.u @ points[0].u) < 0.99), None)
    if second is None:
        raise Inapplicable("only one KKT direction of G was found")
    power = network.powers[0]
    hidden, output = np.zeros((network.widths[1], network.widths[0])), np.zeros((1, network.widths[1]))
    for neuron, point in enumerate((points[0], second)):
        G = abs(reduced_value(network, X, ybar[:, 0], point.u, point.signs)[0])
        size = G ** (-1 / (power - 1))
        hidden[neuron], output[0, neuron] = size * point.u, point.signs[0] * size / np.sqrt(power)
    theta = network.flatten([hidden, output])
    return theta / np.linalg.norm(theta)
