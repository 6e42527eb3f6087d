"""Homogeneity: the exact margins (theory §1, §2)."""

from __future__ import annotations

from flint import arb

from ncfcheck.core.tolerances import RESOLUTION
from ncfcheck.model.architectures import Architecture
from ncfcheck.model.architectures.biases import biased_instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import ordered
from ncfcheck.properties.homogeneity.controls import NEGATIVE_SCALES
from ncfcheck.properties.homogeneity.labels import mislabelled
from ncfcheck.properties.homogeneity.theorems import SCALES, _delta
from tests.honest.audit import truth
from tests.honest.exact import Exact, ExactModel, exactly, length


def equal(a: arb, b: arb, scale: arb) -> arb:
    """The exact margin of a = b."""
    return 1 - abs(a - b) / (scale * RESOLUTION)


def _at(instance, factor: float = 1.0) -> Exact:
    exact = ExactModel if isinstance(instance.network, Architecture) else Exact
    return exact(instance.ncf, exactly(instance.start) * factor)


@truth("homogeneity.euler")
def euler(instance):
    exact = _at(instance)
    sides = exact.gradient @ exact.theta, instance.network.order * exact.value
    return [equal(*sides, length(exact.gradient))]


@truth("homogeneity.layer_euler")
def layer_euler(instance):
    exact, network = _at(instance), instance.network
    return [
        equal(
            exact.gradient[group.part] @ exact.theta[group.part],
            group.order * exact.value,
            length(exact.gradient),
        )
        for group in ordered(network)
    ]


@truth("homogeneity.output_scaling")
def output_scaling(instance, scales=SCALES):
    outputs, order = _at(instance).outputs, instance.network.order
    return [
        equal(length(_at(instance, c).outputs / arb(c) ** order - outputs), 0, length(outputs))
        for c in scales
    ]


@truth("homogeneity.gradient_scaling")
def gradient_scaling(instance, scales=SCALES):
    gradient, order = _at(instance).gradient, instance.network.order
    scaled = [_at(instance, c).gradient / arb(c) ** (order - 1) for c in scales]
    return [equal(length(each - gradient), 0, length(gradient)) for each in scaled]


@truth("homogeneity.loss_expansion")
def loss_expansion(instance):
    delta = _delta(instance.problem, instance.start, 1.0)
    descends = _descends(instance, arb(delta), arb(1e-3))
    return [arb(1), descends, *expansion(instance, instance.ncf)]


def expansion(instance, ncf):
    problem, u = instance.problem, instance.start
    return [
        _remainder(instance, ncf, arb(_delta(problem, u, share)), _at(instance))
        for share in (1e-1, 1e-3)
    ]


def _remainder(instance, ncf, delta: arb, exact: Exact) -> arb:
    outputs = Exact(instance.ncf, exact.theta * delta).outputs
    change = _change(instance.problem, outputs)
    left = change.sum() + delta**instance.network.order * Exact(ncf, exact.theta).value
    return 1 - abs(left) / (outputs * outputs).sum()


def _change(problem, outputs):
    """ℓ(ŷ, y) − ℓ(0, y)."""
    y = exactly(problem.y)
    if problem.loss is Loss.SQUARE:
        return outputs * (outputs / 2 - y)
    return exactly([[_softplus(-a * b) for a, b in zip(*rows)] for rows in zip(outputs, y)])


def _softplus(z: arb) -> arb:
    return (1 + z.exp()).log() - arb(2).log()


def _descent(problem, outputs):
    y = exactly(problem.y)
    if problem.loss is Loss.SQUARE:
        return y - outputs
    return exactly([[b / (1 + (a * b).exp()) for a, b in zip(*r)] for r in zip(outputs, y)])


def _descends(instance, delta: arb, step: arb) -> arb:
    problem = instance.problem
    outputs = delta**instance.network.order * _at(instance).outputs
    after, before = _change(problem, outputs * (1 + step)), _change(problem, outputs)
    left = after - before + step * outputs * _descent(problem, outputs)
    return 1 - abs(left.sum()) / ((step * outputs) ** 2).sum()


@truth("control.biases")
def biases(instance):
    there = biased_instance(instance)
    identities = (euler, layer_euler, output_scaling, gradient_scaling)
    return [part for identity in identities for part in identity(there)]


@truth("control.biases_expansion")
def biases_expansion(instance):
    return expansion(biased_instance(instance), biased_instance(instance).ncf)


@truth("control.softmax_attention", "control.layer_normalisation", "control.unequal_branches")
def any_identity(instance):
    return [part for each in (euler, output_scaling, gradient_scaling) for part in each(instance)]


@truth("control.negative_factor")
def negative_factor(instance):
    parts = output_scaling, gradient_scaling
    return [part for scaling in parts for part in scaling(instance, NEGATIVE_SCALES)]


@truth("control.wrong_labels")
def wrong_labels(instance):
    return expansion(instance, mislabelled(instance).ncf)
