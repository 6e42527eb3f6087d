"""Rank-one KKT points, exact counterparts: an exact one that fails the conclusion (theory §5)."""

from __future__ import annotations

import numpy as np
from flint import arb, fmpq

from ncfcheck.certify.boxes import Found
from ncfcheck.certify.certificate import Certificate, NotProved, need
from ncfcheck.certify.kkt_points import NONE, boxed, started
from ncfcheck.certify.krawczyk import Box
from ncfcheck.certify.reduced import Reduced
from ncfcheck.certify.rings import Rationals
from ncfcheck.certify.structured import (
    at_rising_precision,
    is_aside,
    is_exactly_kkt,
    is_uniform,
    monomials,
    reduced_box,
)
from ncfcheck.model.ncf import unit
from ncfcheck.properties.rank_one.exact import _built, _mixed, with_box
from ncfcheck.theory.rank_one.criterion import hidden_layers, inner_signs
from ncfcheck.theory.rank_one.points import balanced_norms, structured_point

RESOLVED = fmpq(1, 10**6)  # what counts as a difference where the claim names no other


def equal_entries(instance) -> Certificate:
    """An exact KKT point, one e_l with entries P and −Q of sizes (Q/P)^{p−1} = |α|^{∓p} ≠ 1."""
    layer = _mixed(_built(instance, coherent=False))
    network, root = instance.network, instance.network.powers[layer] - 1
    alpha = Rationals.number(abs(float(network.slopes[layer])))
    need(alpha not in (0, 1), "with |α| = 1 the sizes are equal")
    positive = (instance.ncf.X @ instance.u)[0] > 0 if layer == 0 else instance.signs[layer - 1] > 0
    rows = [monomials(each, root) for each in instance.profiles]
    columns = [list(each) for each in rows]
    size = alpha ** (network.powers[layer] * (-1 if positive else 1))
    turn = (-1) ** network.powers[layer] * (
        -1 if network.slopes[layer] < 0 and network.powers[layer] % 2 else 1
    )
    rows[layer] = [(s, m * size if s < 0 else m) for s, m in rows[layer]]
    columns[layer] = [(turn if s < 0 else s, m * size if s < 0 else m) for s, m in columns[layer]]
    proves = (
        "an exact KKT point with N > 0 near `start` has nonzero |a_j| of different sizes in a "
        "layer with p ≥ 2"
    )
    return _exact(instance, rows, columns, proves, root)


def flat_entries(instance) -> Certificate:
    """An exact KKT point whose e_l has unequal entries for some p_l = 1."""
    _built(instance)
    flat = [each for each, p in zip(instance.profiles, instance.network.powers) if p == 1]
    need(not all(map(is_uniform, flat)), "every profile is uniform")
    rows = [monomials(each) for each in instance.profiles]
    proves = (
        "an exact KKT point with N > 0 near `start` has unequal nonzero a_j in a layer with p = 1"
    )
    return _exact(instance, rows, rows, proves)


def blind_input(instance) -> Certificate:
    """Structured without the first input, along u' in a box, where (0, u') is not reduced-KKT."""
    network, X = instance.network, instance.ncf.X
    need(getattr(instance, "point", None) is not None, "no KKT point was found")
    need(
        X.shape[1] > 1 and network.patterns[0].index is not None, "the network sees all its inputs"
    )
    try:
        layers = hidden_layers(network, instance.start)
    except Exception as error:
        raise NotProved("the hidden layers of the point found are not of rank one") from error
    need(all(layer.is_coherent for layer in layers), "profiles of mixed signs")
    signs = inner_signs(network, instance.start, layers)

    def prove() -> Certificate:
        box = reduced_box(instance, layers[0].b[1:], signs, X[:, 1:])
        system, total = box.system, arb(0)
        for x, (weight, _) in zip((x for x in X if x[1:].any()), system._samples(box.theta, 1)):
            total += weight * float(x[0])
        need(bool(total > 0 or total < 0), "∇n has no component along the input left out")
        proves = (
            "a KKT point of the network, rank-one and sign-coherent, along an exact u of which "
            "∇n(u) is no multiple"
        )
        data = {"box": box.plain(), "signs": [*map(int, signs)]}
        u = np.array([0.0, *map(float, box.theta)])
        return Certificate("structured", proves, data, started(instance, _alone(network, u, signs)))

    return at_rising_precision(prove)


def _alone(network, u, signs) -> np.ndarray:
    """The structured point along u with the first neuron of each hidden layer active, (P,)."""
    firsts = [np.eye(1, width)[0] for width in network.widths[1:-1]]
    return structured_point(network, unit(u), signs, firsts, balanced_norms(network))


def any_rank_one(instance) -> Certificate:
    """The exact structured point fails: an entry of e_l, a c_l, or u is off by more than 10⁻⁷."""
    _built(instance, uniform=False)

    def prove():
        ways = (_unequal, _off_balance, _no_reduced_point)
        need(any(way(instance) for way in ways), "the criterion is met to 10⁻⁷")
        proves = (
            "the exact structured point at `start`, with rank-one hidden layers, fails the "
            "rank-one criterion"
        )
        return Certificate("structured", proves)

    return at_rising_precision(prove)


def _unequal(instance) -> bool:
    """max e > (1 + 10⁻⁷) min e over nonzero entries for some p_l ≥ 2."""
    for profile, power in zip(instance.profiles, instance.network.powers):
        sizes = [Rationals.number(float(each)) for each in profile if each]
        if power >= 2 and max(sizes) > (1 + RESOLVED) * min(sizes):
            return True
    return False


def _off_balance(instance) -> bool:
    """|D c_l² − P_l Σ c²| > 10⁻⁷ D Σ c² for some layer."""
    squares = [Rationals.number(float(each)) ** 2 for each in instance.norms]
    order, whole = instance.network.order, sum(squares)
    gaps = [abs(order * c - own * whole) for c, own in zip(squares, instance.network.orders)]
    return max(gaps) > RESOLVED * order * whole


def _no_reduced_point(instance) -> bool:
    """sin∠(∇n(u), u) > 10⁻⁷."""
    u = [arb(float(each)) for each in instance.u]
    system = Reduced(
        instance.network, instance.ncf.X, instance.ncf.ybar, instance.u, signs=tuple(instance.signs)
    )
    return is_aside(system.gradient(u), u, RESOLVED)


def negative_value(instance) -> Certificate:
    """An exact KKT point with N > 0 has a mirror image, W_L → −W_L, with n(u) < 0."""
    rows = [monomials(each) for each in _built(instance).profiles]
    proves = "`start` with W_L negated is near an exact KKT point with N < 0, and n(u) < 0 there"
    return _exact(instance, rows, rows, proves)


def not_spoilt(instance) -> Certificate:
    """For the theorem: a spoilt structured point is proved to be KKT all the same."""
    _built(instance, uniform=False)
    rows = [monomials(each) for each in instance.profiles]
    need(_unequal(instance), "the profiles are uniform")
    return _exact(instance, rows, rows, "a structured point with unequal entries is a KKT point")


def _exact(instance, rows, columns, proves: str, root: int = 1) -> Certificate:
    def prove(box: Box) -> Certificate:
        met = is_exactly_kkt(instance, box, instance.signs, rows, columns, root)
        need(met, "the KKT equation of a layer is not met")
        return Certificate("structured", proves, {"box": box.plain()})

    return with_box(instance, prove)


def every_kkt_rank_one(instance) -> Certificate:
    """An exact KKT point whose hidden layer has two rows that are not parallel: σ_2 > σ_1/1000."""
    proves = "an exact KKT point has a hidden layer with σ_2 > σ_1/1000"
    return boxed(instance, instance.start, _two_directions, proves)


def _two_directions(found: Found) -> None:
    """The 2×2 Gram determinant exceeds (trace/1000)²: σ_1²σ_2² > 10⁻⁶ (σ_1² + σ_2²)²."""
    need(singular_gap(found.matrices[0], NONE), "σ_2 > σ_1/1000 is not proved")


def singular_gap(W, share: float) -> bool:
    """Whether the squared 2×2 minors of two rows, σ_1²σ_2², show σ_2 > share·σ_1."""
    if W.nrows() != 2:
        return False
    gram = W * W.transpose()
    trace = gram[0, 0] + gram[1, 1]
    minors = gram[0, 0] * gram[1, 1] - gram[0, 1] * gram[1, 0]
    return bool(minors > arb(share) * arb(share) * trace * trace)
