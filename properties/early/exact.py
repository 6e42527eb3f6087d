"""Certificates that theorems about early training hold on one small instance (theory §4, §9)."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal
from ncfcheck.certify.flows import Tube
from ncfcheck.certify.kkt_points import steepest
from ncfcheck.certify.windows import Approach, cosine_of, first_time
from ncfcheck.properties.early.margins import VANISHING, grown_window, time_to_shrink
from ncfcheck.properties.early.tubes import (
    SURPASSED,
    boxed_negative_limit,
    departures,
    doubling,
    from_box,
    rung,
    tube,
    windows,
    with_constants,
)
from ncfcheck.theory.early.training import PERTURBATION, ladder, log_forcing

RUNGS = 8  # of the ladder of δ that are tried
BELOW = 1 - 1e-4  # times the first δ of the ladder: R_ε is known to 1e-6 at best
SETTLED = 0.9  # share of VANISHING that the excess may reach in floats


def _settled(deltas, flow: Callable[[float], Tube], excess: Callable[[Tube], float]) -> list[dict]:
    """Two δ in turn at which the excess is below VANISHING."""
    first = next(iter(deltas)) * BELOW
    tubes = ((first / 2**k, flow(first / 2**k)) for k in range(RUNGS))
    for pair in pairwise(tubes):
        if all(excess(each) < SETTLED * VANISHING for _, each in pair):
            return [rung(*each) for each in pair]
    raise NotProved("the excess does not settle on the ladder of δ")


def _shown(window: Approach, rungs: list[dict]) -> Certificate:
    return Certificate("flow", window.plain() | {"rungs": rungs})


def norm_stays_small(instance) -> Certificate:
    """‖w‖ ≤ 1.01 R_ε δ up to T_ε, at two δ."""
    found, window = windows(instance)
    deltas = ladder(instance, found.log_forcing, found.radius, found.condition)

    def excess(flow: Tube) -> float:
        return max(float(np.linalg.norm(step.end)) for step in flow.steps) / window.norms[0] - 1

    rungs = _settled(deltas, lambda delta: tube(instance, delta, window.times[1]), excess)
    return _shown(window, rungs)


def direction_aligns(instance) -> Certificate:
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε at T_ε, at two δ."""
    found, window = windows(instance)
    deltas = ladder(instance, found.log_forcing, found.radius, found.condition)

    def excess(flow: Tube) -> float:
        return _misalignment(flow.at(window.times[0]), window)

    rungs = _settled(deltas, lambda delta: tube(instance, delta, window.times[1]), excess)
    return _shown(window, rungs)


def alignment_before_escape(instance) -> Certificate:
    """⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε where ‖w‖ first reaches R_ε δ, at two δ."""
    found, window = windows(instance, grown_window)

    def flow(delta: float) -> Tube:
        return tube(instance, delta, 0.0, window.norms[1] * SURPASSED)

    def excess(flow: Tube) -> float:
        time = first_time(flow, lambda x: np.linalg.norm(x) > window.norms[0])
        return _misalignment(flow.at(time), window)

    rungs = _settled(ladder(instance, found.log_forcing, found.radius), flow, excess)
    return _shown(window, rungs)


def _misalignment(x: np.ndarray, window: Approach) -> float:
    return (1 - cosine_of(x, window.attractor.theta)) / window.epsilon - 1


def tracking_order(instance) -> Certificate:
    """The departure has a slope within ¼ of D between two δ."""
    return Certificate("flow", departures(instance, instance, (1e-4, 1e-5)))


def tracking_constant(instance) -> Certificate:
    """The departure is within 5 % of its predicted constants at two δ."""
    ncf = doubling(instance)
    data = with_constants(instance, ncf, departures(instance, instance, (1e-4, 1e-5), ncf))
    return Certificate("flow", data)


def collapse(instance) -> Certificate:
    """From an exact KKT point with N < 0, ‖w‖ ≤ 2δr at two δ, until the NCF flow's norm r is ε."""
    limit, found = boxed_negative_limit(instance)
    if np.linalg.norm(limit.point.u - instance.start) > 1e-7:
        raise NotProved("the NCF flow does not stay at a negative KKT point")
    largest, along = steepest(found)
    curvature = math.floor(largest * 64 * (1 - 1e-9)) / 64
    epsilon = max(instance.fraction, PERTURBATION ** (1 / (2 * curvature))) * (1 - 1e-9)
    time = time_to_shrink(instance, limit.point, epsilon * (1 - 1e-9))
    forcing = log_forcing(instance, limit.trajectory, 1)
    deltas = ladder(instance, forcing, condition=epsilon**-curvature)

    def excess(flow: Tube) -> float:
        return (float(np.linalg.norm(flow.at(time))) / epsilon - 1) * VANISHING

    rungs = _settled(deltas, lambda delta: from_box(instance, found, delta, time), excess)
    data = {"limit": found.plain(), "epsilon": epsilon.hex(), "along": hexadecimal(along)}
    return Certificate("flow", data | {"rungs": rungs})
