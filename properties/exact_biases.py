"""Exact counterpart of the control of early training with biases: both flows in tubes, of weights
and biases (theory §7).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.certify.biased_fields import BiasedField
from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal
from ncfcheck.certify.flows import enclose
from ncfcheck.certify.rings import precision
from ncfcheck.certify.windows import (
    BITS,
    ERROR,
    Approach,
    Attractor,
    attractor,
    bracketed,
    cosine_of,
)
from ncfcheck.model.ncf import Problem
from ncfcheck.properties.exact_flows import known
from ncfcheck.theory.biases.networks import biased
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import unit

DELTA = 0.01  # of the control
BEYOND = 1 + 1e-12  # of the time at which the loss flow ends: the bracket of T_ε is exact
# share of the reach that all but the biases of the outputs come within: tubes are wide by then
NEAR = 0.7
FURTHER = 1e-3  # share of ε by which the NCF flow is followed beyond T_ε


def biases_early(instance) -> Certificate:
    """The loss flow with biases is larger than the NCF flow by T_ε, and aligned neither there nor
    where ‖w‖ = R_ε δ.
    """
    if instance.network.depth != 2:
        raise NotProved(
            "three layers or more: biases within the network change where the NCF flow tends to"
        )
    trained = biased(instance)
    with precision(BITS):
        window = _window(instance, trained)
        time = window.times[1] / DELTA ** (instance.network.order - 2) * BEYOND
        loss = enclose(
            BiasedField(trained.problem, True),
            DELTA * trained.start,
            DELTA * ERROR,
            lambda step: False,
            time,
        )
    data = window.plain() | {"point": hexadecimal(trained.start), "loss": loss.plain()}
    proves = (
        "with biases, from `point` and δ = 0.01, ‖w‖ > 1.01 R_ε δ and ⟨w, u*⟩/‖w‖ < 1 − 1.01 ε at "
        "T_ε, and where ‖w‖ = R_ε δ"
    )
    return Certificate("flow", proves, data)


def _window(instance, trained) -> Approach:
    """The NCF flow with biases to its limit, T_ε and R_ε in brackets."""
    free = _unbiased(trained)
    goal = _limit(instance, trained, free)
    epsilon = (1 - float(trained.start @ goal.theta)) / 2

    def is_over(step) -> bool:
        near = cosine_of(step.end[free], goal.theta[free]) > 1 - (NEAR * goal.reach) ** 2 / 2
        return near and cosine_of(step.end, goal.theta) > 1 - epsilon * (1 - FURTHER)

    return bracketed(
        Approach(
            goal,
            enclose(BiasedField(trained.problem, False), trained.start, ERROR, is_over),
            epsilon,
        )
    )


def _unbiased(trained) -> np.ndarray:
    """Numbers of all weights and biases but those of the outputs."""
    matrices = trained.network.matrices(np.arange(trained.network.size, dtype=float))
    return np.concatenate(
        [np.arange(trained.network.slices[0].stop), matrices[-1][:, :-1].ravel().astype(int)]
    )


def _limit(instance, trained, free: np.ndarray) -> Attractor:
    """The KKT point that all but the biases of the outputs tend to, which flow as in a network
    without, of inputs (x, 1).
    """
    network, problem = instance.network, trained.problem
    widths = (network.widths[0] + 1, *network.widths[1:])
    bare = Problem(replace(network, widths=widths), problem.X, problem.y, problem.loss)
    within = replace(instance, problem=bare, start=unit(trained.start[free]))
    limit = known(positive_limit, within.ncf, within.start, instance.numerics)
    found = attractor(within, limit.point.u)
    theta = np.zeros(trained.network.size)
    theta[free] = found.theta
    return replace(found, theta=theta)
