"""Exact counterparts of claims about where flows tend to, or never come (theory §3–§5, §7); the
verifier proves what follows.
"""

from __future__ import annotations

import math

import numpy as np

from ncfcheck.certify.boxes import found_near
from ncfcheck.certify.certificate import Certificate, hexadecimal
from ncfcheck.certify.flows import Field, enclose
from ncfcheck.certify.rings import precision
from ncfcheck.certify.windows import BITS, ERROR, approach
from ncfcheck.properties.exact_flows import certificate, known, negative_limit, tube
from ncfcheck.theory.early.training import log_forcing
from ncfcheck.theory.flow.trajectories import ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import gaussian_start

SETTLED = (
    1e-6  # of the residual of one sample, relative, at which the loss flow is followed no further
)
EPSILON, WITHIN = (
    0.01,
    1e-9,
)  # norm to which the NCF flow shrinks, and relative width of the bracket of when it does


def no_escape(instance) -> Certificate:
    """The norm of the loss flow never grows, and the NCF flow tends to a zero KKT point."""
    return Certificate(
        "point", "every v_j keeps a sign opposed to the labels, so that ‖w‖ never grows and N* = 0"
    )


def mixed_labels_grow(instance) -> Certificate:
    """The NCF flow tends to a zero KKT point from an open set of v_0."""
    return Certificate(
        "point",
        "v_j G(w_j) < 0 and ‖w_j‖² < p v_j² for every neuron, so that N* = 0, as from all v_0 "
        "nearby",
    )


def one_limit(instance) -> Certificate:
    """Two strict local maxima of different values."""
    starts = (
        instance.start,
        gaussian_start(np.random.default_rng([*instance.seeds, 1]), instance.ncf),
    )
    limits = [
        known(positive_limit, instance.ncf, start, instance.numerics).point.u for start in starts
    ]
    with precision(BITS):
        first, second = (found_near(instance.network, instance.ncf, u).plain() for u in limits)
    proves = "two strict local maxima, which attract open sets of v_0, have different values"
    return Certificate("box", proves, {"limit": first, "near": second})


def strongest_neuron(instance) -> Certificate:
    """The flow tends to a strict maximum whose active neuron is not the strongest at v_0."""
    limit = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    window = approach(instance, limit.point.u, None)
    proves = (
        "the NCF flow, from all v_0 nearby, tends to a KKT point whose active neuron had not the "
        "largest v_j G(w_j)"
    )
    return Certificate("flow", proves, window.plain())


def large_init_tracking(instance) -> Certificate:
    """The loss flow of a large δ comes so close to its minimum that the way left is short of the
    norm 2.
    """
    limit = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    reference = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    delta = max(
        3.0, math.exp((math.log(10) - log_forcing(instance, reference)) / instance.network.order)
    )
    field, window = Field(instance.problem, delta), approach(instance, limit.point.u, None)
    strength, y = delta**instance.network.order, instance.problem.y

    def is_over(step) -> bool:
        return float(
            np.abs(y - strength * instance.problem.outputs(step.end)).max()
        ) < SETTLED * float(np.abs(y).max())

    with precision(BITS):
        loss = enclose(field, instance.start, ERROR, is_over)
    return certificate(
        "for a large δ ‖w‖ never reaches 2δ, and the NCF flow does", window, delta, loss
    )


def biases_collapse(instance) -> Certificate:
    """From an exact negative KKT point and biases 0 the loss flow leaves a ball, and is not back at
    T.
    """
    proves = (
        "with biases, from an exact KKT point with N < 0, the loss at T/δ^{D−2} is lower than "
        "anywhere where ‖w‖ ≤ 2δε"
    )
    return Certificate("box", proves, {"limit": negative_limit(instance)[1].plain()})


def large_init_collapse(instance) -> Certificate:
    """From an exact negative KKT point, ‖w‖ > 2δε at T for a large δ."""
    (limit, found), order = negative_limit(instance), instance.network.order
    time = math.expm1(-(order - 2) * math.log(EPSILON)) / (order * (order - 2) * -limit.point.value)
    delta = max(
        3.0, math.exp((math.log(10.0) - log_forcing(instance, limit.trajectory, slice(1))) / order)
    )
    times = time * (1 - WITHIN), time * (1 + WITHIN)
    loss = tube(instance, delta, times[1])
    data = {
        "limit": found.plain(),
        "delta": delta.hex(),
        "loss": loss.plain(),
        "times": hexadecimal(times),
    }
    return Certificate(
        "flow", "for a large δ, from an exact KKT point with N < 0, ‖w(T/δ^{D−2})‖ > 2δε", data
    )
