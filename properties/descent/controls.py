"""Claims about descents that are false because they drop one hypothesis (theory §12)."""

from __future__ import annotations

import math

import numpy as np

from ncfcheck.core.claims import CONTROL, Margin, Unresolved, claim
from ncfcheck.model.ncf import norm
from ncfcheck.properties.descent.decay import escape
from ncfcheck.properties.hypotheses import (
    EARLY,
    FIXED_RATE,
    GRADIENT_STEPS,
    ONE_RATE,
    STRONG_DECAY,
    SUPERQUADRATIC,
    WEAK_DECAY,
)
from ncfcheck.strategies.choices import just
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.descent.ladders import Descents
from ncfcheck.theory.descent.rules import GRADIENT, Rule, adam, heavy_ball, sign_descent
from ncfcheck.theory.early.tracking import difference
from ncfcheck.theory.kkt.points import positive_limit

# Steps to norm ρ where they do not shrink with δ; of Adam and signs, and of rates of layers, on the
# longer of two rungs.
COARSE, FINE = 40, 1000
# Between the two δ; and departures of directions that are not small.
APART, NEAR = 1e-3, 0.05
# What h‖∇²N‖ is at most where steps do not shrink.
STEEPEST = 0.5
# Rates of the last group of weights, in units of that of all others.
FASTER = 4.0
TRACKING = "descent.tracking_order", "descent.tracking_constant", "descent.momentum"
FOLLOWING = *TRACKING, "descent.decay_path"


def vanishing(instance) -> Margin:
    """½ − what is left of the departure from the NCF flow at a thousandth of δ, for one step h."""
    positive_limit(instance.ncf, instance.start, instance.numerics)
    descents = Descents(instance)
    step, until = min(descents.time / COARSE, STEEPEST / descents.steepness), descents.until
    rule, delta = heavy_ball(instance.network.size, step), descents.delta
    sizes = []
    for each in (delta, APART * delta):
        flow = descents.along(rule, each, until, descents.time / step)
        turned, late = difference(flow, descents.reference)
        sizes.append(norm(turned) + abs(late))
    if sizes[0] < 1e3 * instance.numerics.tolerance:
        raise Unresolved("the descent departs by no more than it is computed to")
    return Margin(0.5 - sizes[1] / sizes[0], 1e-3)


@claim(
    "control.quadratic_descent",
    kind=CONTROL,
    needs=EARLY[:2],
    reference="§12",
    scale_free=True,
    given=instances(powers=just((1,))),
    drops=SUPERQUADRATIC,
    of=FOLLOWING,
)
def quadratic_descent(instance) -> Margin:
    """At D = 2 too descent at a fixed η nears the NCF flow as δ falls: at a thousandth of δ it
    departs by half as much or less where norms reach 2.
    """
    return vanishing(instance)


@claim(
    "control.growing_rate",
    kind=CONTROL,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(),
    drops=FIXED_RATE,
    of=FOLLOWING,
)
def growing_rate(instance) -> Margin:
    """Descent nears the NCF flow as δ falls for η ∝ δ^{−(D−2)} too, h fixed: at a thousandth of δ
    it departs by half as much or less where norms reach ρ.
    """
    return vanishing(instance)


def near(instance, rule_of) -> Margin:
    """NEAR − ‖v − v_NCF‖ where norms first reach ρ, for the shorter of two steps, known as far as
    the longer one agrees; `rule_of` takes the share of the way, of order 1, that a step goes.
    """
    positive_limit(instance.ncf, instance.start, instance.numerics)
    descents, found = Descents(instance), []
    for steps in (FINE, 4 * FINE):
        rule, delta = rule_of(descents, 1 / steps), descents.delta
        most = descents.time / rule.step if rule.kind == GRADIENT else 10 * steps
        flow = descents.along(rule, delta, descents.until, most)
        found.append(norm(difference(flow, descents.reference)[0]))
    return Margin(NEAR - found[1], abs(found[1] - found[0]) + 1e-6)


def _per_weight(descents: Descents, share: float) -> float:
    """A step by which every weight goes this share of 1/√P."""
    return share / math.sqrt(descents.instance.network.size)


@claim(
    "control.adam",
    kind=CONTROL,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(),
    drops=GRADIENT_STEPS,
    of=FOLLOWING,
)
def adam_follows(instance) -> Margin:
    """Adam follows the NCF flow as η/δ → 0: where norms first reach ρ directions are within a
    twentieth.
    """

    def rule(descents: Descents, share: float) -> Rule:
        return adam(instance.network.size, _per_weight(descents, share), squares=0.99)

    return near(instance, rule)


@claim(
    "control.sign_descent",
    kind=CONTROL,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(),
    drops=GRADIENT_STEPS,
    of=FOLLOWING,
)
def sign_descent_follows(instance) -> Margin:
    """Descent by signs, w ← w − η sign ∇𝓛, follows the NCF flow as η/δ → 0: where norms first reach
    ρ directions are within a twentieth.
    """

    def rule(descents: Descents, share: float) -> Rule:
        return sign_descent(instance.network.size, _per_weight(descents, share))

    return near(instance, rule)


@claim(
    "control.layer_rates",
    kind=CONTROL,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(),
    drops=ONE_RATE,
    of=FOLLOWING,
)
def layer_rates(instance) -> Margin:
    """Descent in which the last layer has four times the learning rate follows the NCF flow as δ →
    0: where norms first reach ρ directions are within a twentieth.
    """
    network = instance.network
    rates = np.ones(network.size)
    rates[network.groups[-1].part] = FASTER

    def rule(descents: Descents, share: float) -> Rule:
        step = share * FINE * descents.first / FASTER
        return heavy_ball(network.size, step, rates=rates)

    return near(instance, rule)


@claim(
    "control.strong_decay",
    kind=CONTROL,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(),
    drops=WEAK_DECAY,
    of=("descent.decay_threshold",),
)
def strong_decay(instance) -> Margin:
    """With weight decay μ = 1.05 μ_c the flow of the loss still escapes from the origin."""
    return escape(instance, 1.05, trained=True)


@claim(
    "control.weak_decay",
    kind=CONTROL,
    needs=EARLY,
    reference="§12",
    scale_free=True,
    given=instances(),
    drops=STRONG_DECAY,
    of=("descent.decay_threshold",),
)
def weak_decay(instance) -> Margin:
    """With weight decay μ = 0.95 μ_c the flow of the loss does not escape from the origin."""
    return escape(instance, 0.95, trained=True, sign=-1.0)
