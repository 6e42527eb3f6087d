"""Structured points along the KKT points of the reduced problem: W_l = c_l s_l e_l e_{l−1}ᵀ,
exactly (theory §5).

Entries of e_l are exact, up to a common factor; c_l = √(P_l/D) and the direction u are balls: u is
a KKT point of the reduced problem in a Krawczyk box, or exact where it may be any direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from flint import arb, fmpq

from ncfcheck.certify.certificate import NotProved
from ncfcheck.certify.evaluate import Evaluation, bend
from ncfcheck.certify.krawczyk import Box, enclose
from ncfcheck.certify.reduced import Reduced
from ncfcheck.certify.rings import PRECISIONS, Balls, Rationals, precision
from ncfcheck.certify.system import dot
from ncfcheck.model.networks import Network, times_power

FAR = fmpq(1, 100)  # sin∠ beyond which controls call a point no KKT point


def at_rising_precision(prove):
    """What prove() returns at the lowest precision at which it does not raise NotProved."""
    for bits in PRECISIONS:
        try:
            with precision(bits):
                return prove()
        except NotProved as reason:
            last = reason
            if "time" in str(reason):
                raise
    raise last


def reduced_box(instance, u, signs, X=None) -> Box:
    """The KKT point of the reduced problem near u, of positive value. Raises NotProved."""
    X = instance.ncf.X if X is None else X
    box = enclose(Reduced(instance.network, X, instance.ncf.ybar, np.array(u), signs=tuple(signs)))
    if not box.system.value(box.theta) > 0:
        raise NotProved("the reduced value is not known to be positive")
    return box


@dataclass(frozen=True)
class Structure:
    """W_l = c_l s_l rows_l columns_{l−1}ᵀ, rows and columns balls, columns_0 = u, any `norms`."""

    network: Network
    u: Sequence
    signs: Sequence[float]
    rows: Sequence[Sequence]
    columns: Sequence[Sequence]
    norms: Sequence

    def weights(self) -> list:
        """Flat weights as balls, (P,), without entries that the network's patterns strike out."""
        outward = [*map(unit, self.rows), [arb(1)]]
        inward = [unit(self.u), *map(unit, self.columns)]
        theta = []
        layers = zip(self.network.patterns, self.norms, (1.0, *self.signs), outward, inward)
        for pattern, norm, sign, row, column in layers:
            numbers = pattern.expand(len(row), len(column))
            entries = (norm * sign * a * b for a in row for b in column)
            placed = sorted(zip(numbers.ravel(), entries), key=itemgetter(0))
            theta += [value for number, value in placed if number >= 0]
        return theta


def unit(vector) -> list:
    """vector/‖vector‖ as balls."""
    entries = [Balls.number(each) for each in vector]
    length = dot(entries, entries).sqrt()
    return [each / length for each in entries]


def balanced(network: Network) -> list:
    """c_l = √(P_l/D)."""
    return [(arb(order) / network.order).sqrt() for order in network.orders]


def sine_exceeds(instance, theta, bound) -> bool:
    """Whether sin∠(∇N, θ) > bound at every point of the balls θ."""
    g = Evaluation(Balls, instance.network, theta, instance.ncf.X, instance.ncf.ybar).gradient
    return is_aside(g, theta, bound)


def is_aside(g, u, bound) -> bool:
    """Whether sin∠(g, u) > bound at every point of balls."""
    gg, uu, gu = dot(g, g), dot(u, u), dot(g, u)
    return bool(gg * uu - gu * gu > Balls.number(bound) * Balls.number(bound) * gg * uu)


def is_uniform(profile) -> bool:
    """Whether nonzero entries are exactly equal in size."""
    return len({abs(float(each)) for each in profile if each}) <= 1


def mixed_columns(instance, layer: int) -> tuple[list, list]:
    """Rows, columns of an e_l with P > 0 and −Q < 0, Q = |ρ|^{−1/(p−1)} P, ρ = σ(−t)/σ(t)."""
    network, profile = instance.network, instance.profiles[layer]
    p, alpha = network.powers[layer], arb(float(network.slopes[layer]))
    positive = (instance.ncf.X @ instance.u)[0] > 0 if layer == 0 else instance.signs[layer - 1] > 0
    ratio = times_power(arb(1), -alpha, p)
    ratio = ratio if positive else 1 / ratio
    size = (1 / abs(ratio)).root(p - 1)
    sign = 1 if ratio > 0 else -1
    rows = [arb(float(e)) if e >= 0 else arb(float(e)) * size for e in profile]
    columns = [arb(float(e)) if e >= 0 else sign * -arb(float(e)) * size for e in profile]
    return rows, columns


def is_exactly_kkt(instance, box: Box, signs, rows, columns, root: int = 1) -> bool:
    """Whether layers W_l = s_l rows_l columns_{l−1}ᵀ along the u of a box solve the KKT equation up
    to their norms, exactly.

    Entries are pairs (sign, size^root) of rationals: products and powers are all that is needed.
    The activations of neuron j are A_j σ(z_i) and their derivatives D_j σ'(z_i), z_i those of a
    network of width one, so that ∂N/∂W_l ∥ W_l for every l, and the point with balanced norms is
    KKT, iff columns_l ∥ A and (D·column_l) ∥ rows_l, with factors that do not depend on j.
    """
    network, sample = instance.network, along(box.theta, instance.ncf.X)
    for l, (power, alpha) in enumerate(zip(network.powers, network.slopes)):
        known = _known_side(network, signs, l)
        side, alpha = known or common_side(sample), Rationals.number(float(alpha))
        images, slopes = zip(*(_separated(entry, power, alpha, side, root) for entry in rows[l]))
        back = [_times(slope, column) for slope, column in zip(slopes, columns[l])]
        if not (_parallel(columns[l], images) and _parallel(back, rows[l])):
            return False
        sample = [
            Balls.number(signs[l]) * bend(Balls, z, power, Balls.number(alpha), known)[0]
            for z in sample
        ]
    return True


def monomials(entries, root: int = 1) -> list[tuple[int, fmpq]]:
    """Floats as (sign, size^root)."""
    exact = [Rationals.number(float(each)) for each in entries]
    return [(Rationals.side(each), abs(each) ** root) for each in exact]


def _known_side(network: Network, signs, l: int) -> int | None:
    """The sign of z in hidden layer l, whatever the samples, if activations below are ≥ 0."""
    if l and (network.powers[l - 1] % 2 == 0 or network.slopes[l - 1] <= 0):
        return 1 if signs[l - 1] > 0 else -1
    return None


def along(u, X) -> list:
    """uᵀx for all rows of X (n, d) and balls u."""
    return [dot(u, map(float, row)) for row in X]


def common_side(sample) -> int:
    """1 if every ball is ≥ 0, −1 if every one is ≤ 0, 0 if neither is known."""
    if all(z.is_zero() or z >= 0 for z in sample):
        return 1
    return -1 if all(z.is_zero() or z <= 0 for z in sample) else 0


def _separated(entry, power: int, alpha: fmpq, side: int, root: int):
    """A, D of a neuron of pre-activation a·z: σ(az) = A σ(z), σ'(az) = D σ'(z), z on this side."""
    sign, size = entry
    image, slope = (sign and 1, size**power), (sign and 1, size ** (power - 1))
    if sign >= 0:
        return image, slope
    if not (side and alpha):
        raise NotProved("a neuron of the other sign sees inputs of both signs")
    turn, odd = Rationals.side(alpha) ** power, (-1) ** power
    factor = abs(alpha) ** (power * root * side)
    return _times(image, (turn * odd, factor)), _times(slope, (turn * -odd, factor))


def _times(a, b):
    return a[0] * b[0], a[1] * b[1]


def _parallel(a, b) -> bool:
    """Whether one list of signed sizes is a positive multiple of the other."""
    ratios = {x[1] / y[1] for x, y in zip(a, b) if y[0]}
    return len(ratios) == 1 and all(x[0] == y[0] for x, y in zip(a, b))
