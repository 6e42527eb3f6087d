"""Exact counterparts of the controls about rank-one points: structured points of which every
hypothesis is proved (theory §5).
"""

from __future__ import annotations

from flint import arb, fmpq

from ncfcheck.certify.certificate import Certificate, NotProved
from ncfcheck.certify.krawczyk import Box
from ncfcheck.certify.reduced import Reduced
from ncfcheck.certify.structured import (
    FAR,
    Structure,
    along,
    at_rising_precision,
    balanced,
    common_side,
    is_exactly_kkt,
    is_uniform,
    mixed_columns,
    monomials,
    reduced_box,
    sine_exceeds,
)
from ncfcheck.theory.rank_one.criterion import hidden_layers, inner_signs
from ncfcheck.theory.rank_one.points import mixed_layers

NOT_KKT = (
    "an exact structured point near `start` meets every hypothesis but the one dropped, and "
    "sin∠(∇N, w) > 0.01 there"
)
RESOLVED = fmpq(1, 10**7)  # what counts as a difference where the claim names no other


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise NotProved(reason)


def _built(instance, coherent: bool = True, uniform: bool = True):
    """The instance, which is structured, with profiles ≥ 0, equal on their support where p_l ≥ 2,
    as asked for.
    """
    _require(getattr(instance, "u", None) is not None, "there is no structured point")
    if coherent:
        _require(all((each >= 0).all() for each in instance.profiles), "profiles of mixed signs")
    if uniform:
        curved = (each for each, p in zip(instance.profiles, instance.network.powers) if p >= 2)
        _require(all(map(is_uniform, curved)), "a profile is not exactly uniform")
    return instance


def _not_kkt(instance, structure, box: Box | None) -> Certificate:
    _require(sine_exceeds(instance, structure.weights(), FAR), "sin∠ > 0.01 is not proved")
    return Certificate("structured", NOT_KKT, {} if box is None else {"box": box.plain()})


def _structure(instance, u, norms=None, rows=None, columns=None) -> Structure:
    profiles, network = [list(map(float, each)) for each in instance.profiles], instance.network
    return Structure(
        network,
        u,
        instance.signs,
        rows or profiles,
        columns or profiles,
        norms or balanced(network),
    )


def _spoilt(instance) -> Certificate:
    def prove():
        box = reduced_box(instance, instance.u, instance.signs)
        return _not_kkt(instance, _structure(instance, box.theta), box)

    return at_rising_precision(prove)


def nonuniform(instance) -> Certificate:
    """e_l ≥ 0 is not uniform for some p_l ≥ 2."""
    _built(instance, uniform=False)
    curved = [each for each, p in zip(instance.profiles, instance.network.powers) if p >= 2]
    _require(not all(map(is_uniform, curved)), "every profile is uniform")
    return _spoilt(instance)


def unbalanced(instance) -> Certificate:
    """Any positive norms c_l."""
    _built(instance)
    _require(min(instance.norms) > 0, "a layer norm is not positive")

    def prove():
        box = reduced_box(instance, instance.u, instance.signs)
        return _not_kkt(
            instance, _structure(instance, box.theta, [*map(float, instance.norms)]), box
        )

    return at_rising_precision(prove)


def any_direction(instance) -> Certificate:
    """Any direction u, taken exactly."""
    _built(instance)
    return at_rising_precision(
        lambda: _not_kkt(instance, _structure(instance, [*map(float, instance.u)]), None)
    )


def signless(instance) -> Certificate:
    """Entries of both signs, of equal size where p_l ≥ 2."""
    _built(instance, coherent=False)
    _require(any((each < 0).any() for each in instance.profiles), "no profile has a negative entry")
    return _spoilt(instance)


def sparse_layers(instance) -> Certificate:
    """A layer lacks some of its weights."""
    _built(instance)
    _require(not all(each.is_dense for each in instance.network.patterns), "every layer is dense")
    return _spoilt(instance)


def _mixed(instance) -> int:
    """The layer of an instance whose profile has entries of both signs."""
    layers = [l for l, each in enumerate(instance.profiles) if (each < 0).any()]
    _require(
        len(layers) == 1 and instance.network.powers[layers[0]] >= 2,
        "not one layer with p ≥ 2 mixes signs",
    )
    return layers[0]


def two_sided(instance) -> Certificate:
    """P and −Q = −|ρ|^{−1/(p−1)} P mix in one e_l whose inputs may have either sign."""
    layer = _mixed(_built(instance, coherent=False))
    return at_rising_precision(
        lambda: _mixing(instance, layer, reduced_box(instance, instance.u, instance.signs))
    )


def _mixing(instance, layer: int, box: Box) -> Certificate:
    rows, columns = ([list(map(float, each)) for each in instance.profiles] for _ in range(2))
    rows[layer], columns[layer] = mixed_columns(instance, layer)
    return _not_kkt(instance, _structure(instance, box.theta, None, rows, columns), box)


def not_mixed(instance) -> Certificate:
    """As `two_sided`, for the theorem that such a point is KKT where the layer's inputs have one
    sign.
    """
    layer = _mixed(_built(instance, coherent=False))
    _require(
        layer in mixed_layers(instance.network, instance.ncf.X, instance.u),
        "the inputs have both signs",
    )

    def prove():
        box = reduced_box(instance, instance.u, instance.signs)
        side = common_side(along(box.theta, instance.ncf.X))
        _require(
            layer > 0 or side * (instance.ncf.X @ instance.u)[0] > 0,
            "the inputs are not known to have one sign",
        )
        return _mixing(instance, layer, box)

    return at_rising_precision(prove)


def equal_entries(instance) -> Certificate:
    """An exact KKT point of which entries P and −Q of one e_l have sizes with (Q/P)^{p−1} =
    |α|^{∓p} ≠ 1.
    """
    layer = _mixed(_built(instance, coherent=False))
    network, root = instance.network, instance.network.powers[layer] - 1
    alpha = fmpq(*abs(float(network.slopes[layer])).as_integer_ratio())
    _require(alpha not in (0, 1), "with |α| = 1 the sizes are equal")
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
    _require(not all(map(is_uniform, flat)), "every profile is uniform")
    rows = [monomials(each) for each in instance.profiles]
    proves = (
        "an exact KKT point with N > 0 near `start` has unequal nonzero a_j in a layer with p = 1"
    )
    return _exact(instance, rows, rows, proves)


def negative_value(instance) -> Certificate:
    """An exact KKT point with N > 0 has a mirror image, W_L → −W_L, with n(u) < 0."""
    rows = [monomials(each) for each in _built(instance).profiles]
    return _exact(
        instance,
        rows,
        rows,
        "`start` with W_L negated is near an exact KKT point with N < 0, and n(u) < 0 there",
    )


def _exact(instance, rows, columns, proves: str, root: int = 1) -> Certificate:
    def prove():
        box = reduced_box(instance, instance.u, instance.signs)
        _require(
            is_exactly_kkt(instance, box, instance.signs, rows, columns, root),
            "the KKT equation of a layer is not met",
        )
        return Certificate("structured", proves, {"box": box.plain()})

    return at_rising_precision(prove)


def blind_input(instance) -> Certificate:
    """A structured point of the network without its first input, along u' in a box, for which (0,
    u') is not reduced-KKT.
    """
    network, X = instance.network, instance.ncf.X
    _require(getattr(instance, "point", None) is not None, "no KKT point was found")
    _require(
        X.shape[1] > 1 and network.patterns[0].index is not None, "the network sees all its inputs"
    )
    try:
        layers = hidden_layers(network, instance.start)
    except Exception as error:
        raise NotProved("the hidden layers of the point found are not of rank one") from error
    _require(all(layer.is_coherent for layer in layers), "profiles of mixed signs")
    signs = inner_signs(network, instance.start, layers)

    def prove():
        box = reduced_box(instance, layers[0].b[1:], signs, X[:, 1:])
        system, total = box.system, arb(0)
        for x, (weight, _) in zip((x for x in X if x[1:].any()), system._samples(box.theta, 1)):
            total += weight * float(x[0])
        _require(bool(total > 0 or total < 0), "∇n has no component along the input left out")
        proves = (
            "a KKT point of the network, rank-one and sign-coherent, along an exact u of which "
            "∇n(u) is no multiple"
        )
        return Certificate("structured", proves, {"box": box.plain(), "signs": [*map(int, signs)]})

    return at_rising_precision(prove)


def any_rank_one(instance) -> Certificate:
    """The exact structured point fails the criterion: an entry of e_l, a norm c_l, or u is off by
    more than 10⁻⁷.
    """
    _built(instance, uniform=False)

    def prove():
        ways = (_unequal, _off_balance, _no_reduced_point)
        _require(any(way(instance) for way in ways), "the criterion is met to 10⁻⁷")
        proves = (
            "the exact structured point at `start`, with rank-one hidden layers, fails the "
            "rank-one criterion"
        )
        return Certificate("structured", proves)

    return at_rising_precision(prove)


def _unequal(instance) -> bool:
    """max e > (1 + 10⁻⁷) min e over nonzero entries for some p_l ≥ 2."""
    for profile, power in zip(instance.profiles, instance.network.powers):
        sizes = [fmpq(*float(each).as_integer_ratio()) for each in profile if each]
        if power >= 2 and max(sizes) > (1 + RESOLVED) * min(sizes):
            return True
    return False


def _off_balance(instance) -> bool:
    """|D c_l² − P_l Σ c²| > 10⁻⁷ D Σ c² for some layer."""
    network, squares = (
        instance.network,
        [fmpq(*float(each).as_integer_ratio()) ** 2 for each in instance.norms],
    )
    whole = sum(squares)
    gaps = [
        abs(network.order * square - order * whole)
        for square, order in zip(squares, network.orders)
    ]
    return max(gaps) > RESOLVED * network.order * whole


def _no_reduced_point(instance) -> bool:
    """sin∠(∇n(u), u) > 10⁻⁷."""
    u = [arb(float(each)) for each in instance.u]
    system = Reduced(
        instance.network, instance.ncf.X, instance.ncf.ybar, instance.u, signs=tuple(instance.signs)
    )
    g = system.gradient(u)
    gg, uu, gu = (sum((a * b for a, b in zip(x, y)), arb(0)) for x, y in ((g, g), (u, u), (g, u)))
    return bool(gg * uu - gu * gu > arb(RESOLVED * RESOLVED) * gg * uu)


def not_sufficient(instance) -> Certificate:
    """For the theorem: a structured point that meets every hypothesis is proved not to be KKT, or N
    not to be positive.
    """
    _built(instance)

    def prove():
        box = reduced_box(instance, instance.u, instance.signs)
        theta = _structure(instance, box.theta).weights()
        _require(
            sine_exceeds(instance, theta, 0), "the point is not proved to fail the KKT equation"
        )
        return Certificate(
            "structured",
            "a structured point that meets every hypothesis is no KKT point",
            {"box": box.plain()},
        )

    return at_rising_precision(prove)


def not_spoilt(instance) -> Certificate:
    """For the theorem: a spoilt structured point is proved to be KKT all the same."""
    _built(instance, uniform=False)
    rows = [monomials(each) for each in instance.profiles]
    _require(_unequal(instance), "the profiles are uniform")
    return _exact(instance, rows, rows, "a structured point with unequal entries is a KKT point")
