"""Exact counterparts of controls about flows from, or to, the kink of the first sample, p = 1, one
neuron a layer (theory §6).

As long as no pre-activation changes its sign the network is a linear one, whose flows are enclosed
as those of any other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.certify.certificate import Certificate, NotProved
from ncfcheck.certify.flows import Field, enclose
from ncfcheck.certify.rings import precision
from ncfcheck.certify.windows import BITS, ERROR
from ncfcheck.properties.early_model_controls import stationary
from ncfcheck.properties.exact_flows import certificate, departures, smallest, tube, windows
from ncfcheck.theory.starts import unit

COLLAPSED = 1e-3  # δ of a flow that leaves a kink


def branch(instance, q: np.ndarray, side: float):
    """The instance with the linear network of data θ_i x_i, the first sample on a side of its kink,
    others where q has them.
    """
    problem, network = instance.problem, instance.network
    sides = np.concatenate([[side], problem.X[1:] @ q])
    theta = np.where(sides > 0, 1.0, network.slopes[0])
    linear = replace(network, slopes=(1.0,) * len(network.slopes))
    return replace(instance, problem=replace(problem, network=linear, X=theta[:, None] * problem.X))


def leaving(instance):
    """The two branches from the balanced v_0 on the kink next to the start: on the sides of slope α
    and of slope 1.
    """
    first, kink = instance.network.slices[0], unit(instance.problem.X[0])
    q = instance.start[first] - (instance.start[first] @ kink) * kink
    start = unit(np.concatenate([unit(q), np.sign(instance.start[first.stop :])]))
    return (branch(replace(instance, start=start), q, side) for side in (-1.0, 1.0))


def kinks(instance) -> Certificate:
    """The NCF flow tends to a point on the kink that one-sided gradients are not along."""
    return Certificate(
        "point",
        "all solutions of the NCF flow tend to an exact point on a kink, where sin∠ > 0.01 on both "
        "sides",
    )


def kink_start(instance) -> Certificate:
    """The loss flow to one side is larger than the NCF flow to the other, and not aligned with its
    limit.
    """
    slow, fast = leaving(instance)
    found, window = windows(slow)
    delta = smallest(slow, found)
    loss = tube(fast, delta, window.times[1], window.norms[1] * (1 + 1e-9))
    proves = (
        "from an exact v_0 on a kink, ‖w‖ > 1.01 R_ε δ and ⟨w, u*⟩/‖w‖ < 1 − 1.01 ε at T_ε, of a "
        "solution to the other side"
    )
    return certificate(proves, window, delta, loss)


def kink_start_tracking(instance) -> Certificate:
    """The loss flow to one side departs from the NCF flow to the other by what is of
    no order δ^D.
    """
    proves = (
        "from an exact v_0 on a kink, solutions to both sides depart with a slope below D − ¼ "
        "between two δ"
    )
    return Certificate("flow", proves, departures(*leaving(instance), (1e-6, 1e-12)))


def kink_collapse(instance) -> Certificate:
    """A loss flow leaves the kink on which an NCF flow shrinks, and grows to twice its norm."""
    if instance.network.order == 2:
        raise NotProved("D = 2")
    v = stationary(instance)
    fast = branch(replace(instance, start=v), v[instance.network.slices[0]], 1.0)
    with precision(BITS):
        loss = enclose(
            Field(fast.problem, COLLAPSED), v, ERROR, lambda step: np.linalg.norm(step.end) > 2
        )
    data = {"delta": COLLAPSED.hex(), "loss": loss.plain()}
    return Certificate(
        "flow",
        "from a v_0 on a kink, on whose ray an NCF flow shrinks, a loss flow reaches ‖w‖ = 2δ",
        data,
    )
