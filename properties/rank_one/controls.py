"""Claims about rank-one points that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, Outcome, Unresolved, claim
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.ncf import sign_flipped
from ncfcheck.properties.hypotheses import (
    CLARKE_REDUCED,
    COHERENT,
    CURVED_THERE,
    DENSE,
    KKT,
    LAYER_NORMS,
    ONE_SIGN,
    POSITIVE_VALUE,
    RANK_ONE,
    REDUCED,
    UNIFORM,
)
from ncfcheck.properties.rank_one import exact
from ncfcheck.properties.rank_one.margins import (
    angle_error,
    built,
    criterion,
    is_positive,
    mixed_sides,
)
from ncfcheck.strategies.choices import sampled_from
from ncfcheck.strategies.found import blind_points, two_direction_points
from ncfcheck.strategies.instances import architectures
from ncfcheck.strategies.structured import CURVED as SOME_CURVED
from ncfcheck.strategies.structured import (
    DIRECTION,
    NORMS,
    PROFILE,
    clarke_points,
    masked_points,
    mixed_points,
    perturbed_points,
    rank_one_points,
    signless_points,
)
from ncfcheck.theory.kkt.clarke import clarke_error, clarke_residual
from ncfcheck.theory.rank_one.criterion import singular_ratio

FAR = 0.01  # sin∠ beyond which a control counts a point as no KKT point
FLAT = sampled_from(
    [powers for group in architectures().values() for powers in group if min(powers) == 1]
)


control = partial(claim, kind=CONTROL, needs=Need.LAYERED, reference="§7", scale_free=True)
sufficient = partial(control, of=("rank_one.sufficient", "rank_one.perturbed_fails"))
necessary = partial(control, of=("rank_one.necessary",))


def _is_kkt(instance) -> Margin:
    """1 − sin∠/FAR."""
    return Margin(
        1 - instance.ncf.residual(built(instance).start) / FAR, angle_error(instance) / FAR
    )


@sufficient(
    "control.nonuniform",
    refute=exact.along_reduced_point,
    given=perturbed_points(kinds=(PROFILE,), sizes=(0.9,), powers=SOME_CURVED),
    drops=UNIFORM,
    of=("rank_one.sufficient",),
)
def nonuniform(instance) -> Margin:
    """A structured point with a non-uniform e_l, p_l ≥ 2, is a KKT point: sin∠ ≤ 0.01."""
    return _is_kkt(instance)


@sufficient(
    "control.unbalanced",
    refute=exact.along_reduced_point,
    given=perturbed_points(kinds=(NORMS,), sizes=(0.5,)),
    drops=LAYER_NORMS,
    of=("rank_one.sufficient",),
)
def unbalanced(instance) -> Margin:
    """A structured point with any layer norms c_l, Σ c_l² = 1, is a KKT point: sin∠ ≤ 0.01."""
    return _is_kkt(instance)


@sufficient(
    "control.any_direction",
    refute=exact.at_direction,
    given=perturbed_points(kinds=(DIRECTION,), sizes=(1.0,)),
    drops=REDUCED,
    of=("rank_one.sufficient",),
)
def any_direction(instance) -> Margin:
    """A structured point along any direction u is a KKT point: sin∠ ≤ 0.01."""
    return _is_kkt(instance)


@sufficient(
    "control.signless", refute=exact.along_reduced_point, given=signless_points(), drops=COHERENT
)
def signless(instance) -> Margin:
    """A structured point whose e_l has entries of both signs is a KKT point: sin∠ ≤ 0.01."""
    return _is_kkt(instance)


@sufficient(
    "control.sparse_layers", refute=exact.along_reduced_point, given=masked_points(), drops=DENSE
)
def sparse_layers(instance) -> Margin:
    """A structured point is a KKT point also where a layer lacks some of its weights:
    sin∠ ≤ 0.01.
    """
    return _is_kkt(instance)


@necessary(
    "control.equal_entries", refute=exact.along_reduced_point, given=mixed_points(), drops=COHERENT
)
def equal_entries(instance) -> Margin:
    """At a positive KKT point with rank-one hidden layers nonzero |a_j| of a layer with p_l ≥ 2 are
    equal, whatever the signs.
    """
    network, theta = built(instance).network, instance.start
    if instance.ncf.residual(theta) > max(1e-9, 10 * angle_error(instance)):
        raise Unresolved("the point is not a KKT point to working accuracy")
    curved = (W for W, p in zip(network.matrices(theta), network.powers) if p >= 2)
    return _equal([np.linalg.norm(W, axis=1) for W in curved])


@necessary(
    "control.flat_entries",
    refute=exact.along_reduced_point,
    given=rank_one_points(fewest=2, narrowest=2, powers=FLAT),
    drops=CURVED_THERE,
)
def flat_entries(instance) -> Margin:
    """At a positive KKT point with rank-one hidden layers the nonzero entries of a_l are equal also
    where p_l = 1.
    """
    return _equal(
        [profile for profile, p in zip(built(instance).profiles, instance.network.powers) if p == 1]
    )


def _equal(layers) -> Margin:
    """1 − (largest/smallest nonzero entry − 1)/0.01 for the layer where they differ most."""
    sizes = [np.abs(entries[np.abs(entries) > 1e-9]) for entries in layers]
    ratio = max(float(each.max() / each.min()) for each in sizes)
    return Margin(1 - (ratio - 1) / 0.01, 1e-6 * ratio)


@necessary("control.blind_input", refute=exact.blind_input, given=blind_points(), drops=DENSE)
def blind_input(instance) -> Margin:
    """The rank-one criterion, u reduced-KKT, at KKT points of networks whose first layer lacks
    weights.
    """
    if instance.point is None:
        raise Inapplicable("no positive KKT point was found")
    return criterion(instance, 4 * (instance.ncf.residual(instance.start) + angle_error(instance)))


@necessary(
    "control.any_rank_one",
    refute=exact.at_direction,
    given=perturbed_points(sizes=(0.9,)),
    drops=KKT,
)
def any_rank_one(instance) -> Margin:
    """The rank-one criterion at unit vectors with rank-one hidden layers that need not be KKT
    points.
    """
    if is_positive(built(instance)).outcome is not Outcome.HOLDS:
        raise Inapplicable("N is not positive")
    return criterion(instance, 64 * EPS)


@necessary(
    "control.negative_value",
    refute=exact.along_reduced_point,
    given=rank_one_points(),
    drops=POSITIVE_VALUE,
)
def negative_value(instance) -> Margin:
    """The rank-one criterion, n(u) > 0, at KKT points with N < 0."""
    flipped = sign_flipped(instance.network, built(instance).start)
    accuracy = 4 * (instance.ncf.residual(flipped) + angle_error(instance))
    return criterion(replace(instance, start=flipped), accuracy)


@control(
    "control.every_kkt_rank_one",
    refute=exact.every_kkt_rank_one,
    given=two_direction_points(),
    drops=RANK_ONE,
    of=("rank_one.necessary", "rank_one.two_layer_iff"),
)
def every_kkt_rank_one(instance) -> Margin:
    """Every KKT point has a hidden layer of rank one: its second singular value is at most a
    thousandth of the first.
    """
    if instance.ncf.residual(built(instance).start) > 1e-9:
        raise Unresolved("the two-neuron point is not a KKT point to working accuracy")
    return Margin(1 - singular_ratio(instance.network.matrices(instance.start)[0]) / 1e-3, 1e-6)


@control(
    "control.two_sided",
    refute=exact.along_reduced_point,
    given=mixed_points(one_sided=False),
    drops=ONE_SIGN,
    of=("rank_one.mixed_sign_even_p",),
)
def two_sided(instance) -> Margin:
    """Entries P and −Q, Q = |α|^{−p/(p−1)} P, may mix in e_l whatever the signs of the layer's
    inputs: sin∠ ≤ 0.01.
    """
    if len(mixed_sides(built(instance))) == 1:
        raise Inapplicable("inputs of the layer that mixes signs have one sign")
    return _is_kkt(instance)


@control(
    "control.slope_outside",
    refute=exact.slope_outside,
    given=clarke_points(inside=False),
    drops=CLARKE_REDUCED,
    of=("rank_one.clarke",),
)
def slope_outside(instance) -> Margin:
    """p_l = 1: a structured point along u on kinks is a Clarke KKT point whatever slopes would
    balance the gradient at u.
    """
    residual = clarke_residual(built(instance).ncf, instance.start)
    return Margin(1 - residual / 1e-3, clarke_error(instance.ncf, instance.start) / 1e-3)
