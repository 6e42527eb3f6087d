"""Open questions about early training: news from any run, in docs/conjectures.md (theory §5)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.certify.certificate import asked
from ncfcheck.core.claims import CONJECTURE, Inapplicable, Margin, Unresolved, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.model.identities import value_at
from ncfcheck.model.ncf import norm
from ncfcheck.properties.conjectures import exact
from ncfcheck.properties.early.theorems import before_escape
from ncfcheck.properties.early.tracking import tracking_at_least
from ncfcheck.properties.hypotheses import (
    DENSE,
    FLOW_LIMIT,
    POSITIVE_LIMIT,
    SMALL_START,
    SUPERQUADRATIC,
)
from ncfcheck.properties.kkt.theorems import strict_maximum
from ncfcheck.strategies.choices import one_of
from ncfcheck.strategies.datasets import families
from ncfcheck.strategies.instances import instances, powers_where
from ncfcheck.theory.kkt.points import (
    Inertia,
    KktPoint,
    flow_limit,
    least_curved,
    positive_limit,
)

ALL_CURVED = powers_where(lambda powers: min(powers) >= 2)
TWO_LAYERS = powers_where(lambda powers: len(powers) == 1 and powers[0] >= 2)
THREE_LAYERS_OR_MORE = powers_where(lambda powers: len(powers) >= 2 and min(powers) >= 2)
KINKABLE = powers_where(lambda powers: 1 in powers)
# p ≥ 2 and two neurons or more in hidden layers: so rank one and one active neuron say something.
WIDE = dict(starts=("gaussian",), only_dense=True, powers=ALL_CURVED, narrowest=2)
# Where higher rank pays: samples of one sign that only several neurons tell from those around them.
SURROUNDED = dict(data=one_of(families(), families(only=("fan",))), labels=("inner", "gaussian"))
CURVED, GENERIC = "p_l ≥ 2", "v_0 drawn uniformly from the sphere"
# A second singular value, or a second neuron, at most this share of the first counts as none.
NONE = 1e-3
# Polished points are known far better than this; what is not is not called a violation.
POLISH = 1e-6
HIDDEN = slice(None, -1)


def _maximum(instance) -> KktPoint:
    """The strict local maximum the flow tends to; other positive limits are not told for sure."""
    point = positive_limit(instance.ncf, instance.start, instance.numerics).point
    point = least_curved(instance.ncf, point)
    if point.inertia is not Inertia.MAXIMUM:
        raise Unresolved(f"the limit found is not a strict local maximum but {point.inertia}")
    return point


def _rank_one(instance, point: KktPoint, layers: slice) -> Margin:
    """1 − (second singular value/first)/NONE, the smallest over those layers."""
    matrices = instance.network.matrices(point.u)[layers]
    return worst(_one_alone(np.linalg.svd(W, compute_uv=False), point.off) for W in matrices)


def _one_neuron(instance, point: KktPoint) -> Margin:
    """1 − (second largest row/largest row)/NONE, the smallest over the hidden layers."""
    rows = (np.linalg.norm(W, axis=1) for W in instance.network.matrices(point.u)[HIDDEN])
    return worst(_one_alone(np.sort(sizes)[::-1], point.off) for sizes in rows)


def _one_alone(sizes: np.ndarray, off: float) -> Margin:
    """1 − (second size/first)/NONE of sizes in descending order, known to within `off`; a single
    one is alone.
    """
    second = sizes[1] / sizes[0] if sizes.size > 1 else 0.0
    return Margin(float(1 - second / NONE), float((POLISH + 2 * off / sizes[0]) / NONE))


@claim(
    "conjecture.rank_one_limits",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.rank_one_hidden,
    given=instances(outputs=(1,), **WIDE, **SURROUNDED),
    hypotheses=(DENSE, CURVED, GENERIC, POSITIVE_LIMIT, "one output"),
)
def rank_one_limits(instance) -> Margin:
    """Flow limits have hidden layers of rank one."""
    return _rank_one(instance, _maximum(instance), HIDDEN)


@claim(
    "conjecture.one_neuron_limits",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.one_neuron,
    given=instances(outputs=(1,), **WIDE, **SURROUNDED),
    hypotheses=(DENSE, CURVED, GENERIC, POSITIVE_LIMIT, "one output"),
)
def one_neuron_limits(instance) -> Margin:
    """Flow limits have one active neuron per hidden layer."""
    return _one_neuron(instance, _maximum(instance))


@claim(
    "conjecture.one_signed_labels",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.one_neuron,
    given=instances(outputs=(1,), labels=("one-signed",), **WIDE),
    hypotheses=(DENSE, CURVED, GENERIC, POSITIVE_LIMIT, "one output", "ȳ of one sign"),
)
def one_signed_labels(instance) -> Margin:
    """Flow limits have one active neuron per hidden layer if all labels have one sign."""
    return _one_neuron(instance, _maximum(instance))


@claim(
    "conjecture.rank_one_maxima",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.rank_one_hidden,
    given=instances(outputs=(1,), only_dense=True, powers=ALL_CURVED, narrowest=2, **SURROUNDED),
    hypotheses=(DENSE, CURVED, "u a strict local maximum of N on the sphere", "one output"),
)
def rank_one_maxima(instance) -> Margin:
    """Every local maximum has hidden layers of rank one, from whatever start it is found."""
    return _rank_one(instance, strict_maximum(instance), HIDDEN)


@claim(
    "conjecture.one_limit",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.one_limit,
    given=instances(outputs=(1,), **WIDE),
    hypotheses=(DENSE, CURVED, GENERIC, POSITIVE_LIMIT),
)
def one_limit(instance) -> Margin:
    """The limits from two random v_0 agree up to a permutation of neurons; judged by N*, which
    permutations do not change. The second has the weights of the first in reverse.
    """
    ncf, first = instance.ncf, _maximum(instance)
    second = positive_limit(ncf, instance.start[::-1], instance.numerics).point
    if second.inertia is not Inertia.MAXIMUM:
        raise Unresolved("the second limit found is not a strict local maximum")
    one, other = (value_at(ncf, point.u) for point in (first, second))
    largest = one if one.value > other.value else other
    found = (1 - abs(one - other) / largest / NONE).margin()
    return Margin(found.value, found.error + POLISH / NONE)


@claim(
    "conjecture.kinks_align",
    kind=CONJECTURE,
    needs=(Need.HOMOGENEOUS, Need.KINKS, Need.SUPERQUADRATIC),
    reference="§6",
    scale_free=True,
    given=instances(kinked=True, powers=KINKABLE),
    hypotheses=(
        SUPERQUADRATIC,
        "p_l = 1 and α_l < 1 for some l",
        POSITIVE_LIMIT,
        SMALL_START,
        FLOW_LIMIT,
    ),
)
def kinks_align(instance) -> Margin:
    """With kinks too, the direction is within ε + o(1) of u* when ‖w‖ first reaches R_ε δ.

    Flows that branch are unresolved.
    """
    # Smooth flows take a thousand calls; one that chatters along a kink would use up any number.
    return before_escape(replace(instance, numerics=replace(instance.numerics, calls=5000)))


@claim(
    "conjecture.kinks_track",
    kind=CONJECTURE,
    needs=(Need.HOMOGENEOUS, Need.KINKS, Need.SUPERQUADRATIC),
    reference="§11",
    scale_free=True,
    given=instances(kinked=True, powers=KINKABLE),
    hypotheses=(
        SUPERQUADRATIC,
        "p_l = 1 and α_l < 1 for some l",
        GENERIC,
        POSITIVE_LIMIT,
        SMALL_START,
    ),
)
def kinks_track(instance) -> Margin:
    """With kinks too, however they are met, loss flow and NCF flow differ by O(δ^D) where each norm
    first reaches 2.

    Flows that branch are unresolved.
    """
    numerics = replace(instance.numerics, calls=5000)
    return tracking_at_least(replace(instance, numerics=numerics), instance.network.order)


@claim(
    "conjecture.outputs_rank_one",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.rank_one_all,
    given=instances(outputs=(2, 3), **WIDE, **SURROUNDED),
    hypotheses=(DENSE, CURVED, GENERIC, POSITIVE_LIMIT, "two or three outputs"),
)
def outputs_rank_one(instance) -> Margin:
    """With several outputs too, flow limits have rank one in every layer, the output layer
    included.
    """
    return _rank_one(instance, _maximum(instance), slice(None))


@claim(
    "conjecture.above_a_filter",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.rank_one_above,
    given=instances(
        starts=("gaussian",),
        outputs=(1,),
        filtered=True,
        narrowest=2,
        powers=THREE_LAYERS_OR_MORE,
        **SURROUNDED,
    ),
    hypotheses=("W_1 a convolution, the other layers dense", CURVED, GENERIC, POSITIVE_LIMIT),
)
def above_a_filter(instance) -> Margin:
    """Above a first layer that shares its weights, flow limits have hidden layers of rank one."""
    return _rank_one(instance, _maximum(instance), slice(1, -1))


@claim(
    "conjecture.strongest_neuron",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.strongest_neuron,
    given=instances(outputs=(1,), **{**WIDE, "powers": TWO_LAYERS}),
    hypotheses=("L = 2", DENSE, CURVED, GENERIC, POSITIVE_LIMIT),
)
def strongest_neuron(instance) -> Margin:
    """The limit's active neuron is the one that contributes most to N(v_0), v_j G(w_j)."""
    network, ncf = instance.network, instance.ncf
    if network.widths[1] == 1:
        raise Inapplicable("one hidden neuron, which is the strongest")
    rows = np.linalg.norm(network.matrices(_maximum(instance).u)[0], axis=1)
    _, output = network.matrices(instance.start)
    _, gradient = network.matrices(ncf.gradient(instance.start))
    contributions = (output * gradient)[0]
    if not contributions.any():
        raise Inapplicable("no neuron contributes to N(v_0): none is the strongest")
    shares, active = contributions / norm(contributions), int(np.argmax(rows))
    error = POLISH + 4 * ncf.rounding(instance.start)[1] / norm(contributions)
    return Margin(float(shares[active] - np.delete(shares, active).max()), float(error))


@claim(
    "conjecture.mixed_labels_grow",
    kind=CONJECTURE,
    needs=Need.LAYERED,
    reference="§4",
    scale_free=True,
    refute=asked,
    given=instances(outputs=(1,), labels=("signs", "gaussian"), **WIDE),
    hypotheses=(DENSE, CURVED, GENERIC, "labels of both signs"),
)
def mixed_labels_grow(instance) -> Margin:
    """With labels of both signs, the NCF flow from a generic v_0 never tends to a
    zero KKT point.
    """
    ybar = instance.ncf.ybar
    if ybar.min() >= 0 or ybar.max() <= 0:
        raise Inapplicable("labels of one sign")
    point = flow_limit(instance.ncf, instance.start, instance.numerics).point
    return Margin(-1.0 if point.inertia is Inertia.ZERO else 1.0, 0.0)
