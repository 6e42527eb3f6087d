"""Structured points proved not KKT, sin∠(∇N, w) > 0, all hypotheses but one proved (theory §5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from flint import fmpq

from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal, known, need
from ncfcheck.certify.kinks import kinked
from ncfcheck.certify.krawczyk import Box
from ncfcheck.certify.structured import (
    FAR,
    Structure,
    along,
    at_rising_precision,
    balanced,
    common_side,
    is_uniform,
    mixed_columns,
    reduced_box,
    sine_exceeds,
)
from ncfcheck.properties.rank_one.margins import mixed_sides
from ncfcheck.theory.rank_one.points import mixed_layers
from ncfcheck.theory.rank_one.reduced_points import on_kink

CLARKE_FAR = fmpq(1, 10**6)  # sin²∠ beyond which the control counts a point as no Clarke KKT point
NOT_KKT = (
    "an exact structured point near `start` meets every hypothesis but the one dropped, and "
    "sin∠(∇N, w) > 0.01 there"
)


def _built(instance, coherent: bool = True, uniform: bool = True):
    """The structured instance; profiles ≥ 0, equal on their support where p_l ≥ 2, as asked for."""
    need(getattr(instance, "u", None) is not None, "there is no structured point")
    if coherent:
        need(all((each >= 0).all() for each in instance.profiles), "profiles of mixed signs")
    if uniform:
        curved = (each for each, p in zip(instance.profiles, instance.network.powers) if p >= 2)
        need(all(map(is_uniform, curved)), "a profile is not exactly uniform")
    return instance


def _not_kkt(instance, structure, box: Box | None) -> Certificate:
    need(sine_exceeds(instance, structure.weights(), FAR), "sin∠ > 0.01 is not proved")
    return Certificate("structured", NOT_KKT, {} if box is None else {"box": box.plain()})


def _structure(instance, u, norms=None, rows=None, columns=None) -> Structure:
    profiles, network = [list(map(float, each)) for each in instance.profiles], instance.network
    rows, columns, norms = rows or profiles, columns or profiles, norms or balanced(network)
    return Structure(network, u, instance.signs, rows, columns, norms)


def with_box(instance, prove: Callable[[Box], Certificate]) -> Certificate:
    """prove(box of the reduced KKT point near the instance's u), at the precision it takes."""
    return at_rising_precision(lambda: prove(reduced_box(instance, instance.u, instance.signs)))


def _spoilt(instance, norms=None) -> Certificate:
    return with_box(
        instance, lambda box: _not_kkt(instance, _structure(instance, box.theta, norms), box)
    )


def nonuniform(instance) -> Certificate:
    """e_l ≥ 0 is not uniform for some p_l ≥ 2."""
    _built(instance, uniform=False)
    curved = [each for each, p in zip(instance.profiles, instance.network.powers) if p >= 2]
    need(not all(map(is_uniform, curved)), "every profile is uniform")
    return _spoilt(instance)


def unbalanced(instance) -> Certificate:
    """Any positive norms c_l."""
    _built(instance)
    need(min(instance.norms) > 0, "a layer norm is not positive")
    return _spoilt(instance, [*map(float, instance.norms)])


def any_direction(instance) -> Certificate:
    """Any direction u, taken exactly."""
    _built(instance)
    return at_rising_precision(
        lambda: _not_kkt(instance, _structure(instance, [*map(float, instance.u)]), None)
    )


def signless(instance) -> Certificate:
    """Entries of both signs, of equal size where p_l ≥ 2."""
    _built(instance, coherent=False)
    need(any((each < 0).any() for each in instance.profiles), "no profile has a negative entry")
    return _spoilt(instance)


def sparse_layers(instance) -> Certificate:
    """A layer lacks some of its weights."""
    _built(instance)
    need(not all(each.is_dense for each in instance.network.patterns), "every layer is dense")
    return _spoilt(instance)


def _mixed(instance) -> int:
    """The layer of an instance whose profile has entries of both signs."""
    layers = [l for l, each in enumerate(instance.profiles) if (each < 0).any()]
    need(
        len(layers) == 1
        and (instance.profiles[layers[0]] > 0).any()
        and instance.network.powers[layers[0]] >= 2,
        "not one layer with p ≥ 2 mixes signs",
    )
    curved = (each for each, p in zip(instance.profiles, instance.network.powers) if p >= 2)
    need(all(map(is_uniform, curved)), "a profile is not exactly uniform, up to signs")
    return layers[0]


def two_sided(instance) -> Certificate:
    """P and −Q = −|ρ|^{−1/(p−1)} P mix in one e_l whose inputs have both signs."""
    layer = _mixed(_built(instance, coherent=False))
    need(len(known(mixed_sides, instance)) == 2, "the inputs have one sign")
    return with_box(instance, partial(_mixing, instance, layer))


def _mixing(instance, layer: int, box: Box) -> Certificate:
    rows, columns = ([list(map(float, each)) for each in instance.profiles] for _ in range(2))
    rows[layer], columns[layer] = mixed_columns(instance, layer)
    return _not_kkt(instance, _structure(instance, box.theta, None, rows, columns), box)


def not_mixed(instance) -> Certificate:
    """As `two_sided`, for the theorem that such a point is KKT for inputs of one sign."""
    layer = _mixed(_built(instance, coherent=False))
    need(
        layer in mixed_layers(instance.network, instance.ncf.X, instance.u),
        "the inputs have both signs",
    )

    def prove(box: Box) -> Certificate:
        side = common_side(along(box.theta, instance.ncf.X))
        need(
            layer > 0 or side * (instance.ncf.X @ instance.u)[0] > 0,
            "the inputs are not known to have one sign",
        )
        return _mixing(instance, layer, box)

    return with_box(instance, prove)


def not_sufficient(instance) -> Certificate:
    """For the theorem: a structured point meets every hypothesis, and is proved not to be KKT."""
    _built(instance)

    def prove(box: Box) -> Certificate:
        theta = _structure(instance, box.theta).weights()
        need(sine_exceeds(instance, theta, 0), "the point is not proved to fail the KKT equation")
        proves = "a structured point that meets every hypothesis is no KKT point"
        return Certificate("structured", proves, {"box": box.plain()})

    return with_box(instance, prove)


def slope_outside(instance) -> Certificate:
    """u is balanced by slopes outside [α, 1]: for all slopes inside, ∇N is far from w."""
    if getattr(instance, "u", None) is None or not all(
        (each >= 0).all() for each in instance.profiles
    ):
        raise NotProved("there is no structured point")
    samples = [int(i) for i in np.flatnonzero(on_kink(instance.ncf.X, instance.u))]
    point = kinked(
        instance.network, instance.ncf.X, instance.ncf.ybar, instance.u, instance.signs, samples
    )
    normal = point.normal()
    if not point.exceeds(normal, CLARKE_FAR / (1 - CLARKE_FAR), instance.network.depth):
        raise NotProved("sin∠ > 0.001 is not proved for all slopes")
    proves = (
        "at an exact structured point near `start`, on kinks, sin∠(g, w) > 0.001 for every g with "
        "slopes in [α, 1]"
    )
    data = {"kinks": point.samples, "basis": point.basis, "normal": hexadecimal(normal)}
    return Certificate("structured", proves, data)
