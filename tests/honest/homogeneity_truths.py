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
    problem, outputs = instance.problem, Exact(instance.ncf, exact.theta * delta).outputs
    ybar = exactly(ncf.ybar)
    if problem.loss is Loss.SOFTMAX:  # 1/m is no float
        ybar = exactly(ncf.ybar > 0) - arb(1) / ybar.shape[1]
    value = (ybar * Exact(ncf, exact.theta).outputs).sum()
    left = _change(problem, outputs).sum() + delta**instance.network.order * value
    return 1 - abs(left) / (_steepest(problem, outputs) * outputs * outputs).sum()


def _every(function, outputs, y):
    """function(ŷ, y) of every output."""
    return exactly([[function(*each) for each in zip(*rows)] for rows in zip(outputs, y)])


CUT = arb(1.5)  # κ


def _cut(off: arb) -> arb:
    return off if abs(off) <= CUT else CUT if off > 0 else -CUT


def _huber(off: arb) -> arb:
    return _cut(off) * (off - _cut(off) / 2)


def _softmax(row) -> arb:
    return arb(sum(each.exp() for each in row)).log()


def _change(problem, outputs):
    """ℓ(ŷ, y) − ℓ(0, y), of outputs or samples."""
    y = exactly(problem.y)
    match problem.loss:
        case Loss.SQUARE:
            return outputs * (outputs / 2 - y)
        case Loss.LOGISTIC:
            return _every(lambda a, b: (1 + (-a * b).exp()).log() - arb(2).log(), outputs, y)
        case Loss.HUBER:
            return _every(lambda a, b: _huber(b - a) - _huber(b), outputs, y)
        case Loss.EXPONENTIAL:
            return _every(lambda a, b: (-a * b).exp() - 1, outputs, y)
        case Loss.SOFTMAX:
            rows = zip(outputs, y)
            return exactly([_softmax(a) - arb(len(a)).log() - sum(a * b) for a, b in rows])


def _descent(problem, outputs):
    y = exactly(problem.y)
    match problem.loss:
        case Loss.SQUARE:
            return y - outputs
        case Loss.LOGISTIC:
            return _every(lambda a, b: b / (1 + (a * b).exp()), outputs, y)
        case Loss.HUBER:
            return _every(lambda a, b: _cut(b - a), outputs, y)
        case Loss.EXPONENTIAL:
            return _every(lambda a, b: b * (-a * b).exp(), outputs, y)
        case Loss.SOFTMAX:
            rows = zip(outputs, y)
            return exactly([[v - (x - _softmax(a)).exp() for x, v in zip(a, b)] for a, b in rows])


def _steepest(problem, outputs):
    """sup ‖ℓ''‖ over [0, ŷ], or the bound that the claim has for it; RESOLUTION for less."""
    match problem.loss:
        case Loss.SQUARE:
            found = 0 * outputs + 1
        case Loss.LOGISTIC:
            found = 0 * outputs + arb("0.25")
        case Loss.HUBER:
            found = _every(_meets, outputs, exactly(problem.y))
        case Loss.EXPONENTIAL:
            exponents = -problem.y * outputs
            found = problem.y**2 * _every(lambda a, b: a.max(b).exp(), exponents, 0 * outputs)
        case Loss.SOFTMAX:
            rows = [max(a) - min(a) for a in outputs]
            found = exactly([[(a.exp() / outputs.shape[1]).min(arb("0.5"))] for a in rows])
    return _every(lambda a, b: a.max(arb(RESOLUTION)), found, found)


def _meets(output: arb, label: arb) -> arb:
    """Whether [0, ŷ] meets [y − κ, y + κ]."""
    low, high = output.min(arb(0)), output.max(arb(0))
    return arb(int(low <= label + CUT and high >= label - CUT))


def _descends(instance, delta: arb, step: arb) -> arb:
    problem = instance.problem
    outputs = delta**instance.network.order * _at(instance).outputs
    after, before = _change(problem, outputs * (1 + step)), _change(problem, outputs)
    left = after.sum() - before.sum() + (step * outputs * _descent(problem, outputs)).sum()
    bound = (_steepest(problem, outputs * (1 + step)) * (step * outputs) ** 2).sum()
    return 1 - abs(left) / bound


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
