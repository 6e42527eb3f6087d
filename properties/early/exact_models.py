"""Certificates about controls of early training with kinks, p = 1 and one neuron a layer, or
with biases (theory §6, §7).

As long as no pre-activation changes its sign a network with kinks is a linear one, whose flows are
enclosed as those of any other. Those of one with biases are enclosed in tubes of weights and
biases.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.certify.boxes import found_near
from ncfcheck.certify.certificate import Certificate, NotProved, known
from ncfcheck.certify.fields import Field, biased_field
from ncfcheck.certify.flows import enclose
from ncfcheck.certify.windows import (
    ERROR,
    Approach,
    Attractor,
    attractor,
    bracketed,
    cosine_of,
)
from ncfcheck.model.architectures.biases import biased_instance, with_constant
from ncfcheck.properties.early.margins import smallest
from ncfcheck.properties.early.tubes import (
    beyond,
    boxed_negative_limit,
    certificate,
    departures,
    rung,
    vanishing,
    windows,
)
from ncfcheck.properties.flow.instances import stationary
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import unit

COLLAPSED = 1e-3  # δ of a flow that leaves a kink
DELTA = 0.01  # of the control
BEYOND = 1 + 1e-12  # of the time at which the loss flow ends: the bracket of T_ε is exact
NEAR = 0.7  # share of the reach that all but output biases come within: tubes are wide by then
FURTHER = 1e-3  # share of ε by which the NCF flow is followed beyond T_ε


def branch(instance, q: np.ndarray, side: float):
    """The linear network of data θ_i x_i, sample 0 to a side of its kink, others where q has it."""
    problem, network = instance.problem, instance.network
    sides = np.concatenate([[side], problem.X[1:] @ q])
    theta = np.where(sides > 0, 1.0, network.slopes[0])
    linear = replace(network, slopes=(1.0,) * len(network.slopes))
    return replace(instance, problem=replace(problem, network=linear, X=theta[:, None] * problem.X))


def leaving(instance):
    """Branches from the balanced v_0 on the kink next to the start: sides of slope α, slope 1."""
    first, kink = instance.network.slices[0], unit(instance.problem.X[0])
    q = instance.start[first] - (instance.start[first] @ kink) * kink
    start = unit(np.concatenate([unit(q), np.sign(instance.start[first.stop :])]))
    return (branch(replace(instance, start=start), q, side) for side in (-1.0, 1.0))


def kink_start(instance) -> Certificate:
    """The loss flow to one side exceeds the NCF flow to the other, not aligned with its limit."""
    slow, fast = leaving(instance)
    found, window = windows(slow)
    delta = smallest(slow, found)
    loss, still = (beyond(fast, each, window) for each in (delta, 0.0))
    return certificate(window, delta, loss, **vanishing(still))


def kink_start_tracking(instance) -> Certificate:
    """The loss flow to one side departs from the NCF flow to the other, to no order δ^D."""
    return Certificate("flow", departures(*leaving(instance), (1e-6, 1e-12, 0.0)))


def kink_collapse(instance) -> Certificate:
    """A loss flow leaves the kink on which an NCF flow shrinks, and grows to twice its norm."""
    if instance.network.order == 2:
        raise NotProved("D = 2")
    v = stationary(instance)
    fast = branch(replace(instance, start=v), v[instance.network.slices[0]], 1.0)

    def is_over(step) -> bool:
        return np.linalg.norm(step.end) > 2

    loss, still = (
        enclose(Field(fast.problem, each), v, ERROR, is_over) for each in (COLLAPSED, 0.0)
    )
    data = rung(COLLAPSED, loss) | vanishing(still)
    return Certificate("flow", data, replace(instance, start=v))


def biases_early(instance) -> Certificate:
    """With biases the loss flow is larger by T_ε, aligned neither there nor where ‖w‖ = R_ε δ."""
    if instance.network.depth != 2:
        raise NotProved(
            "three layers or more: biases within the network change where the NCF flow tends to"
        )
    trained = biased_instance(instance)
    window = _window_with_biases(instance, trained)
    time = window.times[1] / DELTA ** (instance.network.order - 2) * BEYOND
    field, start = biased_field(trained.problem, True), DELTA * trained.start
    loss = enclose(field, start, DELTA * ERROR, lambda step: False, time)
    data = window.plain() | {"loss": loss.plain()}
    return Certificate("flow", data)


def _window_with_biases(instance, trained) -> Approach:
    """The NCF flow with biases to its limit, T_ε and R_ε in brackets."""
    free = _unbiased(trained)
    goal = _limit_without_biases(instance, trained, free)
    epsilon = (1 - float(trained.start @ goal.theta)) / 2

    def is_over(step) -> bool:
        near = cosine_of(step.end[free], goal.theta[free]) > 1 - (NEAR * goal.reach) ** 2 / 2
        return near and cosine_of(step.end, goal.theta) > 1 - epsilon * (1 - FURTHER)

    tube = enclose(biased_field(trained.problem, False), trained.start, ERROR, is_over)
    return bracketed(Approach(goal, tube, epsilon))


def _unbiased(trained) -> np.ndarray:
    """Numbers of all weights and biases but those of the outputs."""
    first, last = trained.network.parts(np.arange(trained.network.size)).values()
    return np.concatenate([first.ravel(), last[:, :-1].ravel()])


def _limit_without_biases(instance, trained, free: np.ndarray) -> Attractor:
    """The KKT point of all but output biases, which flow as without biases, on inputs (x, 1)."""
    network, X = instance.network, with_constant(instance.problem.X)
    wider = replace(network, widths=(network.inputs + 1, *network.widths[1:]))
    bare = replace(instance.problem, network=wider, X=X)
    within = replace(instance, problem=bare, start=unit(trained.start[free]))
    limit = known(positive_limit, within.ncf, within.start, instance.numerics)
    found = attractor(within, found_near(wider, within.ncf, limit.point.u))
    theta = np.zeros(trained.network.size)
    theta[free] = found.theta
    return replace(found, theta=theta)


def biases_collapse(instance) -> Certificate:
    """From an exact negative KKT point, biases 0, the loss flow leaves a ball for good before T."""
    return Certificate("box", {"limit": boxed_negative_limit(instance)[1].plain()})
