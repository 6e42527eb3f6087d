"""Points with rank-one hidden layers, and the reduced problem on the sphere of R^d (theory §5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.tolerances import EPS, Numerics
from ncfcheck.model.arrays import finite, finite_vector, matrix
from ncfcheck.model.instance import Instance, Space, part
from ncfcheck.model.ncf import Ncf, norm
from ncfcheck.model.networks import Network, dense
from ncfcheck.theory.kkt.points import off_kinks as smooth
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import gaussian_start

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RankOneInstance(Instance):
    """An instance whose `start` is a structured point along `u` (d,); `u` is None where none was
    found to build on.

    `signs` (s_2, …, s_L), `profiles` (e_1, …, e_{L−1}), unit vectors, one a hidden layer, and
    `norms` (c_1, …, c_L).
    """

    u: Array | None = part(Space.INPUT)
    signs: tuple[float, ...] = part(Space.HIDDEN, ())
    profiles: tuple[Array, ...] = part(Space.NEURONS, ())
    norms: Array | None = part(Space.LAYERS)

    def coverage(self) -> dict[str, str]:
        """The strata of any instance, how many neurons are active and whether signs are mixed."""
        most = max((np.count_nonzero(profile) for profile in self.profiles), default=0)
        mixed = any(sign < 0 for sign in self.signs) or any(
            (profile < 0).any() for profile in self.profiles
        )
        return {
            **super().coverage(),
            "active neurons": "several" if most > 1 else "one",
            "signs": "mixed" if mixed else "+",
        }

    def confirmations(self) -> Iterator[tuple[str, Instance]]:
        """None: statements about points integrate nothing."""
        return iter(())


@dataclass(frozen=True, eq=False)
class ReducedPoint:
    """A KKT point u of the reduced problem, of positive value with its signs s_2, …, s_L."""

    u: Array
    signs: tuple[float, ...]


def reduced_value(
    network: Network, X: Array, ybar: Array, u: Array, signs: Sequence[float]
) -> tuple[float, Array]:
    """n(u) = s_L Σ ȳ_i σ_{L−1}(s_{L−1} … s_2 σ_1(uᵀx_i)), its gradient (d,); X (n, d), ȳ (n,).

    Raises ValueError for other shapes than these, and for entries that are not finite.
    """
    X = finite(matrix(X, (None, network.widths[0]), "X"), "X")
    ybar = finite_vector(ybar, len(X), f"ybar of samples X {X.shape}")
    u = finite_vector(u, X.shape[1], "u")
    if len(signs) != network.depth - 1:
        raise ValueError(f"{len(signs)} signs: {network.depth - 1} are right")
    values, slopes = _chained(network, X @ u, signs)
    return float(ybar @ values), X.T @ (ybar * slopes)


def _chained(network: Network, z: Array, signs: Sequence[float]) -> tuple[Array, Array]:
    """s_L σ_{L−1}(s_{L−1} … s_2 σ_1(z)) and its derivative, of every z."""
    slope = np.ones_like(z)
    for power, alpha, sign in zip(network.powers, network.slopes, signs):
        side = np.where(z >= 0, 1.0, alpha**power)
        slope = slope * sign * side * power * z ** (power - 1)
        z = sign * side * z**power
    return z, slope


def reduced_shift(
    network: Network, X: Array, ybar: Array, u: Array, signs: Sequence[float], off: float
) -> float:
    """By how much ∇n(u) changes at most, in norm, where u moves by `off`; arguments as for
    `reduced_value`. Samples on a kink of p = 1 count as on the side that they are on.
    """
    if network.orders[0] == 1:
        return 0.0
    z, sizes = X @ u, np.linalg.norm(X, axis=1)
    here, *aside = (_chained(network, z + k * off * sizes, signs)[1] for k in (0, 1, -1))
    change = np.max([np.abs(each - here) for each in aside], axis=0)
    return float((np.abs(ybar) * change * sizes).sum())


def reduced_rounding(
    network: Network, X: Array, ybar: Array, u: Array, signs: Sequence[float]
) -> tuple[float, float]:
    """Bounds on the rounding errors of `reduced_value` and, in norm, of its gradient.

    Those of the network with widths one, whose weights are u and the signs: activations of small
    slopes make a sample's errors as small as its share. Samples on a kink of p = 1 count as on the
    side computed for them.
    """
    ncf = Ncf(narrowed(network), X, ybar[:, None])
    value, gradient = ncf.gradient_bound(np.concatenate([u, signs]), settled=True)
    return value, norm(gradient[: len(u)])


def narrowed(network: Network) -> Network:
    """The network with the same activations and widths one."""
    return dense((network.widths[0], *[1] * network.depth), network.powers, network.slopes)


def balanced_norms(network: Network) -> Array:
    """c_l = √(P_l/D), (L,): the layer norms of every KKT point with λ ≠ 0."""
    return np.sqrt(np.array(network.orders) / network.order)


def structured_point(
    network: Network, u: Array, signs: Sequence[float], profiles: Sequence[Array], norms=None
) -> Array:
    """Unit flat weights: W_1 = c_1 e_1 uᵀ, W_l = c_l s_l e_l e_{l−1}ᵀ, W_L = c_L s_L e_{L−1}ᵀ.

    `norms` (c_1, …, c_L) are the balanced ones unless given.
    """
    norms = balanced_norms(network) if norms is None else norms
    outward, inward = [*profiles, np.ones(1)], [u, *profiles]
    layers = zip(norms, (1.0, *signs), outward, inward)
    return network.flatten([c * sign * np.outer(row, column) for c, sign, row, column in layers])


def predicted_tangent(
    network: Network, norms: Array, profiles: Sequence[Array], reduced_tangent: float
) -> float:
    """tan∠(∇N(w), w) at a sign-coherent structured point w with any norms c_l, Σ c_l² = 1, profiles
    e_l ≥ 0 and direction u.

    ∂N/∂W_l ∥ e_l^{∘p_l} (e_{l−1}^{∘p_{l−1}})ᵀ, and its component along W_l is P_l N/c_l by Euler.
    With τ_l the tangent of the angle between e_l and e_l^{∘p_l}, τ_0 = tan∠(∇n(u), u) and τ_L = 0,
    tan² = Σ_l (P_l/c_l − D c_l)²/D² + Σ_l (P_l/(D c_l))² ((1 + τ_l²)(1 + τ_{l−1}²) − 1).
    """
    shares = np.array(network.orders) / network.order
    turns = [reduced_tangent, *(_turn(e, p) for e, p in zip(profiles, network.powers)), 0.0]
    before, after = np.array(turns[:-1]) ** 2, np.array(turns[1:]) ** 2
    turned = before + after + before * after
    squares = (shares / norms - norms) ** 2 + (shares / norms) ** 2 * turned
    return float(np.sqrt(squares.sum()))


def _turn(profile: Array, power: int) -> float:
    """Tangent of the angle between the unit vector e and e^{∘p}."""
    image = profile**power
    along = image @ profile
    return float(np.linalg.norm(image - along * profile) / along)


def tangent(gradient: Array, point: Array) -> float:
    """tan∠ of a gradient and the line of a unit vector: infinite across it, NaN for no gradient."""
    along = gradient @ point
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(norm(gradient - along * point) / abs(along))


def structured_value(network: Network, n, profiles: Sequence[Array]):
    """N = n(u) Π c_l^{P_l} Π_{l<L} (k_l')^{(1−p_l)P_{l+1}/2}; k_l' neurons active, e_l uniform.

    n(u) is a number or one with its bound (`Bounded`), and so is N.
    """
    active = np.array([np.count_nonzero(profile) for profile in profiles], dtype=float)
    exponents = (1 - np.array(network.powers)) * np.array(network.orders[1:]) / 2
    norms = balanced_norms(network) ** network.orders
    return n * float(np.prod(norms) * np.prod(active**exponents))


def reduced_point(
    network: Network, X: Array, ybar: Array, seed: int, attempts: int = 6
) -> ReducedPoint:
    """A KKT point of the reduced problem: limit of the NCF flow of the network with widths one.

    X (n, d), ȳ (n, 1). Raises Inapplicable when no attempt ends at a positive KKT point.
    """
    narrow = narrowed(network)
    ncf = Ncf(narrow, X, ybar)
    for attempt in range(attempts):
        start = gaussian_start(np.random.default_rng([seed, attempt]), ncf)
        try:
            limit = smooth(positive_limit(ncf, start, Numerics(tolerance=1e-7, calls=4000)))
        except (Inapplicable, Unresolved):
            continue
        matrices = narrow.matrices(limit.point.u)
        u, signs = matrices[0][0], tuple(float(np.sign(W[0, 0])) for W in matrices[1:])
        return ReducedPoint(u / np.linalg.norm(u), signs)
    raise Inapplicable("no positive KKT point of the reduced problem was found")


def mixed_layers(network: Network, X: Array, u: Array) -> list[int]:
    """Hidden layers l (0-based) of p_l ≥ 2, α_l ≠ 0 with inputs of one sign at structured points.

    After an even power, or a slope α ≤ 0, activations are ≥ 0; the first layer has it where the
    data lie on one side of u.
    """
    z = X @ u
    one_sided = [bool((z > 0).all() or (z < 0).all())]
    one_sided += [
        power % 2 == 0 or alpha <= 0
        for power, alpha in zip(network.powers[:-1], network.slopes[:-1])
    ]
    return [
        l
        for l, one in enumerate(one_sided)
        if one and network.powers[l] >= 2 and network.slopes[l] != 0
    ]


def input_sides(network: Network, z: Array, signs: Sequence[float], layer: int) -> Array:
    """Signs −1, 0, 1 (n,) of the inputs of a hidden layer (0-based) at structured points, every
    other e_l ≥ 0; z = Xu (n,).
    """
    sides = np.sign(z)
    for power, alpha, sign in zip(network.powers[:layer], network.slopes, signs):
        sides = sign * np.where(sides < 0, (-np.sign(alpha)) ** power, sides)
    return sides


def is_two_sided(network: Network, X: Array, u: Array, signs: Sequence[float], layer: int) -> bool:
    """Whether a hidden layer (0-based) has inputs of both signs at structured points, by samples
    not within rounding of u (d,); X (n, d).
    """
    z, rounding = X @ u, EPS * (len(u) + 2) * (np.abs(X) @ np.abs(u))
    sides = input_sides(network, z[np.abs(z) > rounding], signs, layer)
    return bool((sides > 0).any() and (sides < 0).any())


def mixed_point(
    network: Network,
    X: Array,
    point: ReducedPoint,
    profiles: Sequence[Array],
    layer: int,
    negative: Array,
) -> Array:
    """A structured point whose e_l has entries P > 0 and −Q < 0 in one layer of `mixed_layers`, Q
    where `negative` (k_l,).

    With t the common sign of the pre-activations and ρ = σ(−t)/σ(t), Q = |ρ|^{−1/(p−1)} P:
    |α|^{−p/(p−1)} P for t > 0 and the inverse for t < 0. A neuron with entry −Q enters the next
    layer with the sign of ρ, that of (−α)^p. In other layers t is that of the first sample, or s_l.
    """
    power, alpha = network.powers[layer], network.slopes[layer]
    positive_input = (X @ point.u)[0] > 0 if layer == 0 else point.signs[layer - 1] > 0
    ratio = (-alpha) ** power if positive_input else (-alpha) ** -power
    size = np.where(negative, abs(ratio) ** (-1 / (power - 1)), 1.0) * (profiles[layer] > 0)
    outward = list(profiles)
    inward = [*outward]
    outward[layer] = np.where(negative, -size, size) / np.linalg.norm(size)
    inward[layer] = np.where(negative, np.sign(ratio) * size, size) / np.linalg.norm(size)
    rows, columns = [*outward, np.ones(1)], [point.u, *inward]
    norms = balanced_norms(network)
    return network.flatten(
        [c * s * np.outer(a, b) for c, s, a, b in zip(norms, (1.0, *point.signs), rows, columns)]
    )


def clarke_problem(
    network: Network, X: Array, ybar: Array, shares: Array, rng, steps: int = 50
) -> tuple[ReducedPoint, Array]:
    """A Clarke KKT point u of a reduced problem with all p_l = 1 that lies on the kinks of the
    first samples, and ȳ (n,) for it.

    u is KKT among the directions orthogonal to those samples; their labels are then chosen so that
    the slopes α + share·(1 − α) at the zero pre-activations balance the rest of the gradient: it is
    a Clarke KKT point if every share is in [0, 1]. Raises Inapplicable where the search fails.
    """
    alpha, kinked = min(network.slopes), len(shares)
    signs = tuple(rng.choice([-1.0, 1.0], network.depth - 1))
    basis = np.linalg.svd(X[:kinked])[2][kinked:].T
    u = basis @ rng.standard_normal(basis.shape[1])
    labels = np.concatenate([np.zeros(kinked), ybar[kinked:]])
    u, off = off_kinks(network, X, labels, basis, u, signs, steps)
    slopes = alpha + (1 - alpha) * shares
    needed = np.linalg.lstsq(X[:kinked].T, -off, rcond=None)[0]
    labels[:kinked] = needed * np.prod(signs) / np.where(np.abs(slopes) > 1e-3, slopes, 1e-3)
    return ReducedPoint(u, signs), labels


def off_kinks(
    network: Network, X: Array, labels: Array, basis: Array, u: Array, signs, steps: int = 50
) -> tuple[Array, Array]:
    """A KKT direction of positive value in `basis` (d, k), from u, and its gradient's rest (d,).

    Labels of samples orthogonal to the basis are zero. Raises Inapplicable where the search fails.
    """
    if not np.linalg.norm(u) > 0:
        raise Inapplicable("no direction off the kinks to start from")
    for _ in range(steps):
        previous, gradient = u, reduced_value(network, X, labels, u / np.linalg.norm(u), signs)[1]
        u = basis @ (basis.T @ gradient)
        if not np.linalg.norm(u) > 1e-3 * np.linalg.norm(gradient):
            raise Inapplicable("the reduced problem is flat off the kinks")
        u /= np.linalg.norm(u)
        if np.linalg.norm(u - previous) <= 1e-15:
            break
    value, gradient = reduced_value(network, X, labels, u, signs)
    off = gradient - (gradient @ u) * u
    if value <= 0 or np.linalg.norm(basis.T @ off) > 1e-13 * np.linalg.norm(gradient):
        raise Inapplicable("no positive KKT point off the kinks was found")
    return u, off
