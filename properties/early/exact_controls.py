"""Certificates about controls of early training: both flows in tubes (theory §4, §7, §9)."""

from __future__ import annotations

import numpy as np

from ncfcheck.certify.boxes import found_near
from ncfcheck.certify.certificate import Certificate, hexadecimal, known
from ncfcheck.certify.fields import Field
from ncfcheck.certify.flows import enclose
from ncfcheck.certify.windows import ERROR
from ncfcheck.properties.early.margins import (
    delta_changing,
    large,
    mirrored,
    other_limits,
    set_aside,
    smallest,
    time_to_shrink,
)
from ncfcheck.properties.early.tubes import (
    SURPASSED,
    beyond,
    boxed_negative_limit,
    certificate,
    crossing,
    departures,
    doubling,
    from_box,
    rung,
    tube,
    vanishing,
    windows,
    with_constants,
)
from ncfcheck.properties.homogeneity.labels import mislabelled, relabelled
from ncfcheck.theory.early.training import log_forcing
from ncfcheck.theory.flow.trajectories import ncf_flow, norm_reaches

# Share of the residual of one sample at which the loss flow is followed no further.
SETTLED = 1e-6
# Norm to which the NCF flow shrinks, and relative width of the bracket of when it does.
EPSILON, WITHIN = 0.01, 1e-9


def large_init(instance) -> Certificate:
    """⟨w, u*⟩/‖w‖ < 1 − 1.01 ε at T_ε, δR_ε ≥ 3."""
    found, window = windows(instance)
    delta = large(instance, found, 10.0) * (1 + 1e-6)
    loss = tube(instance, delta, window.times[1])
    return certificate(window, delta, loss)


def large_init_escape(instance) -> Certificate:
    """⟨w, u*⟩/‖w‖ < 1 − 1.01 ε where ‖w‖ first reaches R_ε δ."""
    found, window = windows(instance)
    delta = delta_changing(instance, 10.0, found.log_forcing)
    loss = tube(instance, delta, 0.0, window.norms[1] * SURPASSED)
    return certificate(window, delta, loss)


def large_init_tracking(instance) -> Certificate:
    """The loss flow of a large δ comes so near its minimum that the way left is short of norm 2."""
    reference = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    delta = max(3.0, delta_changing(instance, 10.0, log_forcing(instance, reference)))
    field, ncf = Field(instance.problem, delta), doubling(instance)
    strength, y = delta**instance.network.order, instance.problem.y

    def is_over(step) -> bool:
        left = np.abs(y - strength * instance.problem.outputs(step.end)).max()
        return float(left) < SETTLED * float(np.abs(y).max())

    loss = enclose(field, instance.start, ERROR, is_over)
    data = {"ncf": ncf.plain(), "crossing": crossing(ncf)} | rung(delta, loss)
    return Certificate("flow", data)


def large_init_collapse(instance) -> Certificate:
    """From an exact negative KKT point, ‖w‖ > 2δε at T for a large δ."""
    limit, found = boxed_negative_limit(instance)
    time = time_to_shrink(instance, limit.point, EPSILON)
    forcing = log_forcing(instance, limit.trajectory, 1)
    delta = max(3.0, delta_changing(instance, 10.0, forcing))
    times = time * (1 - WITHIN), time * (1 + WITHIN)
    loss = rung(delta, from_box(instance, found, delta, times[1]))
    data = {"limit": found.plain()} | loss | {"times": hexadecimal(times)}
    return Certificate("flow", data)


def order(instance) -> Certificate:
    """The departure has a slope below D + ¾ between two δ."""
    ncf = doubling(instance)
    data = with_constants(instance, ncf, departures(instance, instance, (1e-3, 1e-4), ncf))
    return Certificate("flow", data)


def positive_collapse(instance) -> Certificate:
    """‖w‖ > 2δε at T_ε."""
    found, window = windows(instance)
    delta = smallest(instance, found)
    return certificate(window, delta, tube(instance, delta, window.times[1]))


def initial_direction(instance) -> Certificate:
    """From a v_0 next to a negative KKT point, w is more than 0.1 away from it at T_ε."""
    moved = set_aside(instance)
    near = found_near(instance.network, instance.ncf, instance.start)
    found, window = windows(moved)
    delta = smallest(moved, found)
    loss = tube(moved, delta, window.times[1])
    return certificate(window, delta, loss, near=near.plain())


def global_maximiser(instance) -> Certificate:
    """N < 0.9 N(p) at T_ε, and where ‖w‖ reaches R_ε δ, for a better point p."""
    found, window = windows(instance)
    points = [found.limit.point, *other_limits(instance)]
    best, delta = max(points, key=lambda point: point.value), smallest(instance, found)
    loss = beyond(instance, delta, window)
    return certificate(window, delta, loss, better=hexadecimal(best.u))


def wrong_target(instance) -> Certificate:
    """Trained on shuffled labels, w is not aligned with u* at T_ε, nor where ‖w‖ reaches R_ε δ."""
    trained, (found, window) = known(mislabelled, instance), windows(instance)
    delta = smallest(trained, found)
    loss, still = (beyond(trained, each, window) for each in (delta, 0.0))
    return certificate(window, delta, loss, **vanishing(still))


def wrong_norm(instance) -> Certificate:
    """Trained on labels ten times as large, ‖w‖ > 1.01 R_ε δ before T_ε."""
    trained, (found, window) = relabelled(instance, 10 * instance.problem.y), windows(instance)
    delta, norm = smallest(instance, found), 1.0101 * window.norms[1]

    def is_over(step) -> bool:
        return np.linalg.norm(step.end) > norm

    loss, still = (
        enclose(Field(trained.problem, each), instance.start, ERROR, is_over, window.times[0])
        for each in (delta, 0.0)
    )
    return certificate(window, delta, loss, **vanishing(still))


def wrong_labels_tracking(instance) -> Certificate:
    """Trained on shuffled labels, the departure has a slope < D − ¼ and is no multiple of δ^D."""
    trained = known(mislabelled, instance)
    return Certificate("flow", departures(instance, trained, (1e-6, 1e-12, 0.0)))


def wrong_labels_collapse(instance) -> Certificate:
    """From an exact negative KKT point, trained on −y, ‖w‖ > 2δε at T."""
    limit, found = boxed_negative_limit(instance)
    order = instance.network.order
    time = 0.9 / (order * (order - 2) * -limit.point.value)
    delta = mirrored(instance, limit)
    loss = from_box(relabelled(instance, -instance.problem.y), found, delta, time)
    return Certificate("flow", {"limit": found.plain()} | rung(delta, loss))
