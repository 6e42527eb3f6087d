"""Rank-one KKT points of feed-forward networks: necessary and sufficient conditions (§5, §6)."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, Outcome, Unresolved, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import EPS, RESOLUTION
from ncfcheck.model.identities import equal, size_at
from ncfcheck.model.ncf import group_norms, neuron_balance, norm
from ncfcheck.properties.hypotheses import (
    CLARKE_REDUCED,
    COHERENT,
    CURVED_THERE,
    DENSE,
    KKT,
    LAYER_NORMS,
    MIXED,
    ONE_SIGN,
    POSITIVE_VALUE,
    RANK_ONE,
    REDUCED,
    UNIFORM,
)
from ncfcheck.properties.kkt.one_sample import one_sample
from ncfcheck.properties.rank_one import exact
from ncfcheck.properties.rank_one.margins import (
    angle_error,
    built,
    criterion,
    is_kkt,
    is_positive,
    mixed_sides,
    on_kinks,
    reduced_at,
    reduced_tangent,
)
from ncfcheck.strategies.found import found_points, two_layer_points
from ncfcheck.strategies.structured import (
    clarke_points,
    mixed_points,
    perturbed_points,
    rank_one_points,
)
from ncfcheck.theory.kkt.clarke import clarke_error, clarke_residual
from ncfcheck.theory.rank_one.points import (
    balanced_norms,
    predicted_tangent,
    reduced_value,
    structured_point,
    structured_value,
    tangent,
)
from ncfcheck.theory.rank_one.two_layer import Defect, defect
from ncfcheck.theory.starts import unit


@claim(
    "rank_one.sufficient",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.along_reduced_point,
    given=rank_one_points(),
    hypotheses=(DENSE, COHERENT, UNIFORM, LAYER_NORMS, REDUCED),
    covers=(("active neurons", "several"), ("signs", "mixed")),
)
def sufficient(instance) -> Margin:
    """W_1 = c_1 e_1 uᵀ, W_l = c_l s_l e_l e_{l−1}ᵀ with c_l² = P_l/D is a KKT point with N > 0, of
    the stated value, balanced.
    """
    network, ncf, theta = built(instance).network, instance.ncf, instance.start
    expected = structured_value(network, reduced_at(instance), instance.profiles)
    error = 4 * ncf.rounding(theta)[0] + expected.error + 16 * network.order * EPS * expected.size
    return worst(
        [
            is_kkt(instance, 4 * reduced_tangent(instance).size),
            equal(ncf.value(theta), expected.value, error, abs(expected.value)),
            is_positive(instance),
            *_balances(network, theta),
        ]
    )


def _balances(network, theta):
    error = 64 * EPS
    for square, order in zip(group_norms(network, theta), network.orders):
        yield equal(float(square), order / network.order, error, 1.0)
    for balances in neuron_balance(network, theta):
        yield equal(float(np.abs(balances).max()), 0.0, error, 1.0)


@claim(
    "rank_one.necessary",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    given=found_points(),
    hypotheses=(DENSE, KKT, POSITIVE_VALUE, RANK_ONE, COHERENT, CURVED_THERE),
    covers=(("active neurons", "several"), ("inertia", "saddle"), ("signs", "mixed")),
)
def necessary(instance) -> Margin:
    """At a KKT point with N > 0 whose hidden layers are a_l b_lᵀ, the nonzero a_l of one sign are
    equal where p_l ≥ 2.

    If every a_l ≥ 0, moreover, W_1 = c_1 e_1 uᵀ, W_l = c_l s_l e_l e_{l−1}ᵀ, W_L = c_L s_L e_{L−1}ᵀ
    with c_l² = P_l/D, and u is a KKT point of the reduced problem with n(u) > 0.
    """
    if instance.point is None:
        raise Inapplicable("no positive KKT point was found")
    return criterion(instance, 4 * (instance.ncf.residual(instance.start) + angle_error(instance)))


@claim(
    "rank_one.perturbed_fails",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.along_reduced_point,
    given=perturbed_points(),
    hypotheses=(DENSE, COHERENT),
    covers=(("active neurons", "several"),),
)
def perturbed_fails(instance) -> Margin:
    """A structured point with a non-uniform e_l, wrong c_l, or u not reduced-KKT is no KKT point;
    tan∠(∇N, w) is as predicted.

    tan² = Σ_l (P_l/c_l − D c_l)²/D² + Σ_l (P_l/(D c_l))² ((1 + τ_l²)(1 + τ_{l−1}²) − 1), τ_l =
    tan∠(e_l, e_l^{∘p_l}) and τ_0 = tan∠(∇n(u), u): it grows linearly with the perturbation.
    """
    tangent_of_u = reduced_tangent(built(instance))
    spoilt = partial(predicted_tangent, instance.network, instance.norms, instance.profiles)
    predicted = spoilt(tangent_of_u.value)
    error = angle_error(instance) + 64 * EPS + spoilt(tangent_of_u.size) - predicted
    sine = predicted / np.hypot(1.0, predicted)
    if sine <= 1e4 * error:
        raise Inapplicable("the perturbation leaves the point a KKT point, or is lost in rounding")
    found = instance.ncf.residual(instance.start)
    return worst([Margin(found, error), equal(found, sine, 4 * error, sine)])


@claim(
    "rank_one.mixed_sign_even_p",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.along_reduced_point,
    given=mixed_points(),
    hypotheses=(DENSE, MIXED, LAYER_NORMS, REDUCED, ONE_SIGN),
)
def mixed_sign_even_p(instance) -> Margin:
    """At structured points, where the inputs of a layer with p ≥ 2, α ≠ 0 have one sign, entries P
    and −Q may mix in its e_l.

    They are KKT points with N > 0 for Q = |α|^{−p/(p−1)} P if the pre-activations are positive, and
    the inverse if negative.
    """
    if len(mixed_sides(built(instance))) > 1:
        raise Inapplicable("inputs of the layer that mixes signs have both signs")
    off = 4 * reduced_tangent(instance).size
    return worst([is_kkt(instance, off), is_positive(instance)])


@claim(
    "rank_one.two_layer_iff",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    given=two_layer_points(),
    hypotheses=(RANK_ONE,),
    covers=(("signs", "mixed"), ("start", "constructed"), ("start", "broken")),
)
def two_layer_iff(instance) -> Margin:
    """L = 2, rows of W_1 along ±u: a KKT point with N > 0 iff each used q = ±u is a KKT direction
    of G(q) = Σ ȳ_i σ(qᵀx_i) ≠ 0, sign v_j = sign G(q), ‖w_j‖² = p v_j², and ‖w_j‖ ∝
    |G(q)|^{−1/(p−1)} (p ≥ 2) or |G(u)| = |G(−u)| if both are used (p = 1).
    """
    network, ncf, theta = instance.network, instance.ncf, instance.start
    if getattr(instance, "point", None) is None and getattr(instance, "u", None) is None:
        raise Inapplicable("no point to judge: no KKT point found, or no direction to build on")
    if is_positive(instance).outcome is not Outcome.HOLDS:
        raise Inapplicable("N is not positive")
    residual, error = ncf.residual(theta), angle_error(instance)
    found = defect(network, ncf.X, ncf.ybar[:, 0], theta, 4 * error)
    if found.value <= RESOLUTION:
        error = error + _unmet(network.powers[0], found) + _left_over(instance, ~found.active)
        return Margin(1 - residual / RESOLUTION, error / RESOLUTION)
    if residual <= 10 * error:
        return Margin(
            1 - found.value / RESOLUTION, 4 * (residual + error) / (found.smallest * RESOLUTION)
        )
    if found.value < 1e-3:
        raise Unresolved("neither the conditions nor the KKT equation clearly hold or fail")
    return Margin(residual, error)


def _unmet(power: int, found: Defect) -> float:
    """What sin∠ is at most where conditions fail by the defect: one of ‖w_j‖² − p v_j² is a larger
    share of a small neuron.
    """
    count = np.count_nonzero(found.active)
    return found.value * (math.sqrt(2 * count) / found.smallest + 3 * math.sqrt(power))


def _left_over(instance, zero) -> float:
    """What neurons counted as zero, (k,) booleans, add to sin∠: their own equations may fail."""
    gradient, theta = instance.ncf.gradient(instance.start), instance.start
    hidden, output = instance.network.matrices(gradient - (gradient @ theta) * theta)
    return norm(np.hstack([hidden, output.T])[zero]) / norm(gradient)


@claim(
    "rank_one.clarke",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§6",
    scale_free=True,
    given=clarke_points(),
    hypotheses=(DENSE, COHERENT, LAYER_NORMS, CLARKE_REDUCED),
)
def clarke(instance) -> Margin:
    """p_l = 1: the structured point along a Clarke KKT point u of the reduced problem, on kinks, is
    a Clarke KKT point.
    """
    ncf, theta = built(instance).ncf, instance.start
    error = clarke_error(ncf, theta)
    return worst(
        [
            Margin(1 - clarke_residual(ncf, theta) / RESOLUTION, error / RESOLUTION),
            is_positive(instance, on_kinks(instance)),
        ]
    )


@claim(
    "rank_one.spoilt_at_once",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    given=one_sample(),
)
def spoilt_at_once(instance) -> Margin:
    """On one sample x, tan∠(∇N, w) is the one predicted also where u, every c_l and every e_l ≥ 0
    are spoilt at once, by far.

    tan² = Σ_l (P_l/c_l − D c_l)²/D² + Σ_l (P_l/(D c_l))² ((1 + τ_l²)(1 + τ_{l−1}²) − 1), as in
    rank_one.perturbed_fails.
    """
    network, ncf = instance.network, instance.ncf
    rng = np.random.default_rng([*instance.seeds, 2])
    aside = rng.standard_normal(instance.u.size)
    u = instance.u
    if u.size > 1:
        # No further from x than 45°: with α = 0 there is nothing on the other side.
        u = unit(u + 0.5 * unit(aside - (aside @ u) * u))
    norms = unit(balanced_norms(network) * rng.uniform(0.5, 2.0, network.depth))
    profiles = [unit(each * rng.uniform(0.5, 2.0, each.size)) for each in instance.profiles]
    theta = structured_point(network, u, instance.signs, profiles, norms)
    slope = reduced_value(network, ncf.X, ncf.ybar[:, 0], u, instance.signs)[1]
    predicted = predicted_tangent(network, norms, profiles, tangent(slope, u))
    found = tangent(ncf.gradient(theta), theta)
    size = size_at(ncf, theta)
    error = 16 * (1 + found**2) * ((Bounded(size.error) / size).size + 16 * EPS)
    return equal(found, predicted, error, predicted)
