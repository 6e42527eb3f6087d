"""Two-layer networks: positive KKT points with a rank-one hidden layer of any signs (theory §5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.model.networks import Network
from ncfcheck.theory.rank_one.criterion import factor, refuse_other_sides
from ncfcheck.theory.rank_one.points import reduced_point, reduced_value, tangent

Array = np.ndarray


@dataclass(frozen=True)
class Defect:
    """How far the conditions fail, relative to 1; least active row of W_1; active neurons, (k,)."""

    value: float
    smallest: float
    active: Array


def direction_value(network: Network, X: Array, ybar: Array, q: Array) -> tuple[float, Array]:
    """G(q) = Σ ȳ_i σ(qᵀx_i) and its gradient (d,); X (n, d), ȳ (n,)."""
    return reduced_value(network, X, ybar, q, (1.0,))


def defect(network: Network, X: Array, ybar: Array, theta: Array, accuracy: float = 0.0) -> Defect:
    """How far theta (P,) is from the conditions on rows along ±u; `accuracy` as in `factor`.

    Every used direction q ∈ {u, −u} is a KKT direction of G with G(q) ≠ 0, sign v_j = sign G(q),
    ‖w_j‖² = p v_j², and ‖w_j‖ |G(q)|^{1/(p−1)} is the same for all neurons if p ≥ 2, |G(u)| =
    |G(−u)| if p = 1 and both are used. Raises Inapplicable if the hidden layer has rank two,
    Unresolved where that cannot be told.
    """
    W, v = network.matrices(theta)[0], network.matrices(theta)[1][0]
    layer, power = factor(W, accuracy), network.powers[0]
    sizes, active = np.linalg.norm(W, axis=1), layer.active
    if not active.any():
        raise Unresolved("no neuron is larger than what the point is known to")
    refuse_other_sides(network, X, W, layer)
    parts = [float(np.abs(sizes**2 - power * v**2).max())]
    strengths = np.zeros(sizes.size)
    for sign in (1.0, -1.0):
        used = active & (np.sign(layer.a) == sign)
        if not used.any():
            continue
        value, gradient = direction_value(network, X, ybar, sign * layer.b)
        strengths[used] = abs(value)
        parts.append(float(np.tanh(tangent(gradient, layer.b))) if value else 1.0)
        parts.append(1.0 if (v[used] * value <= 0).any() else 0.0)
    weights = sizes[active] ** (power - 1) * strengths[active]
    parts.append(float(1 - weights.min() / weights.max()))
    return Defect(max(parts), float(sizes[active].min()), active)


def constructed(network: Network, X: Array, ybar: Array, u: Array, rng) -> Array:
    """A point that meets the conditions, on random ones of those ±u that are KKT directions of G.

    Raises Inapplicable where neither is.
    """
    power, width = network.powers[0], network.widths[1]
    strength = {}
    for sign in (1.0, -1.0):
        value, gradient = direction_value(network, X, ybar, sign * u)
        if value and tangent(gradient, u) <= 1e-12:
            strength[sign] = value
    if not strength:
        raise Inapplicable("±u are no KKT directions of G")
    both = len(strength) == 2 and width > 1 and rng.random() < 0.8
    if power == 1 and both:
        both = abs(abs(strength[1.0]) - abs(strength[-1.0])) <= 1e-14 * abs(strength[1.0])
    signs = rng.permutation(list(strength))[: 2 if both else 1]
    count = int(rng.integers(len(signs), width + 1))
    hidden, output = np.zeros((width, u.size)), np.zeros((1, width))
    for neuron in range(count):
        sign = signs[neuron % len(signs)]
        size = rng.uniform(0.3, 1.0) if power == 1 else abs(strength[sign]) ** (-1 / (power - 1))
        hidden[neuron] = size * sign * u
        output[0, neuron] = np.sign(strength[sign]) * size / np.sqrt(power)
    theta = network.flatten([hidden, output])
    return theta / np.linalg.norm(theta)


def broken(network: Network, theta: Array, rng) -> Array:
    """The point with a balance or a size 10 to 50 % off, or one of several output signs wrong."""
    W, v = network.matrices(theta)
    active = np.flatnonzero(v[0])
    neuron, factor = rng.choice(active), 1 + rng.choice([-1, 1]) * rng.uniform(0.1, 0.5)
    kind = rng.integers(3) if active.size > 1 else 0
    if kind == 0:
        W[neuron] *= factor
    elif kind == 1:
        W[neuron] *= factor
        v[0, neuron] *= factor
    else:
        v[0, neuron] *= -1
    theta = network.flatten([W, v])
    return theta / np.linalg.norm(theta)


def two_direction_point(network: Network, X: Array, ybar: Array, seed: int) -> Array:
    """A two-layer KKT point, p ≥ 2, with two active neurons on different KKT directions q of G.

    Neuron j has w_j = a_j q_j, v_j = ±a_j/√p with a_j ∝ |G(q_j)|^{−1/(p−1)}. Raises Inapplicable
    when only one direction is found.
    """
    points = [reduced_point(network, X, ybar, seed + other) for other in range(6)]
    second = next((point for point in points if abs(point.u @ points[0].u) < 0.99), None)
    if second is None:
        raise Inapplicable("only one KKT direction of G was found")
    (dimension, width, _), power = network.widths, network.powers[0]
    hidden, output = np.zeros((width, dimension)), np.zeros((1, width))
    for neuron, point in enumerate((points[0], second)):
        G = abs(reduced_value(network, X, ybar[:, 0], point.u, point.signs)[0])
        size = G ** (-1 / (power - 1))
        hidden[neuron], output[0, neuron] = size * point.u, point.signs[0] * size / np.sqrt(power)
    theta = network.flatten([hidden, output])
    return theta / np.linalg.norm(theta)
