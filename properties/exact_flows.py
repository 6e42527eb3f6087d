"""Exact counterparts of controls of early training: both flows in tubes (theory §4, §9).

The tubes are proved in balls here; what follows from them at T_ε, or where a norm is reached, only
by the verifier.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ncfcheck.certify.boxes import found_near
from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal
from ncfcheck.certify.flows import Field, Tube, enclose
from ncfcheck.certify.rings import precision
from ncfcheck.certify.windows import BITS, ERROR, Approach, approach, first_time, is_alone
from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.properties.early_controls import large
from ncfcheck.properties.early_label_controls import mislabelled, relabelled
from ncfcheck.theory.early.training import Window, conditioned_window, ladder, log_forcing
from ncfcheck.theory.flow.trajectories import ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import flow_limit, positive_limit
from ncfcheck.theory.starts import gaussian_start, unit

FAR = 100.0  # multiples of T_ε up to which a flow is followed to a norm
DISTANCES = (0.05, 0.03, 0.02, 0.01)  # of v_0 from the KKT point nearest to it
DOUBLED = 2e-10  # relative width of the bracket of the time at which a norm is 2


def known(judge, *arguments):
    """What the engine finds, in floats; NotProved where it finds nothing."""
    try:
        return judge(*arguments)
    except (Inapplicable, Unresolved) as reason:
        raise NotProved(str(reason)) from reason


def windows(instance, find=conditioned_window) -> tuple[Window, Approach]:
    """The engine's window, and the same in tubes."""
    found = known(find, instance)
    return found, approach(instance, found.limit.point.u, found.epsilon)


def smallest(instance, found: Window) -> float:
    """The first δ of the ladder."""
    return next(ladder(instance, found.log_forcing, found.radius, found.condition))


def tube(instance, delta: float, time: float, norm: float = 0.0) -> Tube:
    """The loss flow from δ·v_0 up to a time, and on to a norm unless it rests."""
    moves = instance.ncf.gradient(instance.start).any()
    limit = (FAR * time or math.inf) if norm and moves else time

    def is_over(step) -> bool:
        return bool(step.time + step.duration >= time and np.linalg.norm(step.end) > norm)

    with precision(BITS):
        return enclose(Field(instance.problem, delta), instance.start, ERROR, is_over, limit)


def certificate(proves: str, window: Approach, delta: float, loss: Tube, **more) -> Certificate:
    """The certificate of a window, and of one loss flow."""
    return Certificate(
        "flow", proves, window.plain() | {"delta": delta.hex(), "loss": loss.plain()} | more
    )


def large_init(instance) -> Certificate:
    """⟨w, u*⟩/‖w‖ < 1 − 1.01 ε at T_ε, δR_ε ≥ 3."""
    found, window = windows(instance)
    delta = large(instance, found, 10.0) * (1 + 1e-6)
    loss = tube(instance, delta, window.times[1])
    return certificate(
        "δR_ε ≥ 3, and ⟨w, u*⟩/‖w‖ < 1 − 1.01 ε at t = T_ε/δ^{D−2}", window, delta, loss
    )


def large_init_escape(instance) -> Certificate:
    """⟨w, u*⟩/‖w‖ < 1 − 1.01 ε where ‖w‖ first reaches R_ε δ."""
    found, window = windows(instance)
    delta = float(np.exp((np.log(10.0) - found.log_forcing) / instance.network.order))
    loss = tube(instance, delta, 0.0, window.norms[1] * (1 + 1e-9))
    return certificate(
        "for a large δ ⟨w, u*⟩/‖w‖ < 1 − 1.01 ε where ‖w‖ first reaches R_ε δ", window, delta, loss
    )


def positive_collapse(instance) -> Certificate:
    """‖w‖ > 2δε at T_ε."""
    found, window = windows(instance)
    delta = smallest(instance, found)
    return certificate(
        "N* > 0, and ‖w(T_ε/δ^{D−2})‖ > 2δε", window, delta, tube(instance, delta, window.times[1])
    )


def wrong_target(instance) -> Certificate:
    """Trained on shuffled labels, w is not aligned with u* at T_ε, nor where ‖w‖ reaches R_ε δ."""
    trained, (found, window) = known(mislabelled, instance), windows(instance)
    delta = smallest(trained, found)
    loss = tube(trained, delta, window.times[1], window.norms[1] * (1 + 1e-9))
    proves = (
        "trained on shuffled labels ⟨w, u*⟩/‖w‖ < 1 − 1.01 ε at t = T_ε/δ^{D−2}, and ‖w‖ = R_ε δ "
        "never or there too"
    )
    return certificate(proves, window, delta, loss)


def wrong_norm(instance) -> Certificate:
    """Trained on labels ten times as large, ‖w‖ > 1.01 R_ε δ before T_ε."""
    trained, (found, window) = relabelled(instance, 10 * instance.problem.y), windows(instance)
    delta, norm = smallest(instance, found), 1.0101 * window.norms[1]
    with precision(BITS):
        field = Field(trained.problem, delta)
        loss = enclose(
            field,
            instance.start,
            ERROR,
            lambda step: np.linalg.norm(step.end) > norm,
            window.times[0],
        )
    return certificate(
        "trained on 10y, ‖w(t)‖ > 1.01 R_ε δ for some t ≤ T_ε/δ^{D−2}", window, delta, loss
    )


def global_maximiser(instance) -> Certificate:
    """N < 0.9 N(p) at T_ε, and where ‖w‖ reaches R_ε δ, for a better point p."""
    found, window = windows(instance)
    rng, points = np.random.default_rng(instance.seeds[-1]), [found.limit.point]
    for _ in range(3):
        try:
            points.append(
                positive_limit(
                    instance.ncf, gaussian_start(rng, instance.ncf), instance.numerics
                ).point
            )
        except (Inapplicable, Unresolved):
            continue
    best, delta = max(points, key=lambda point: point.value), smallest(instance, found)
    loss = tube(instance, delta, window.times[1], window.norms[1] * (1 + 1e-9))
    proves = (
        "N(w/‖w‖) < 0.9 N at another point, at t = T_ε/δ^{D−2} and where ‖w‖ first reaches R_ε δ"
    )
    return certificate(proves, window, delta, loss, better=hexadecimal(best.u))


def initial_direction(instance) -> Certificate:
    """From a v_0 next to a negative KKT point, w is more than 0.1 away from it at T_ε."""
    aside = gaussian_start(np.random.default_rng(instance.seeds[-1]), instance.ncf)
    with precision(BITS):
        near = found_near(instance.network, instance.ncf, instance.start)
        distance = next((each for each in DISTANCES if is_alone(instance, near, 2.01 * each)), None)
    if distance is None:
        raise NotProved("the KKT point nearest is not proved to be it")
    moved = replace(instance, start=unit(instance.start + distance * aside))
    found, window = windows(moved)
    delta = smallest(moved, found)
    more = {"near": near.plain(), "point": hexadecimal(moved.start)}
    proves = (
        "from `point`, nearest to a KKT point u with N(u) < 0, ⟨w, u⟩ < 0.9‖w‖ at t = T_ε/δ^{D−2}"
    )
    return certificate(proves, window, delta, tube(moved, delta, window.times[1]), **more)


def doubling(instance) -> Approach:
    """The NCF flow until it is within reach of its limit, and its norm is 2."""
    found = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    return approach(instance, found.point.u, None, 2.01)


def departures(instance, trained, powers, window: Approach | None = None) -> dict:
    """The NCF flow, `doubling`, and two loss flows until their norm is 2."""
    window = window or doubling(instance)
    reference = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    scale = np.log(powers) - log_forcing(instance, reference)
    flows = [_doubled(trained, float(np.exp(each / instance.network.order))) for each in scale]
    return window.plain() | {"crossing": _crossing(window.tube), "flows": flows}


def _doubled(instance, delta: float) -> dict:
    found = tube(instance, delta, 0.0, 2.0)
    return {"delta": delta.hex(), "loss": found.plain(), "crossing": _crossing(found)}


def _crossing(flow: Tube) -> list[str]:
    """Two times between which the norm first reaches 2."""
    time = first_time(flow, lambda x: np.linalg.norm(x) > 2)
    return hexadecimal([time * (1 - DOUBLED / 2), min(time * (1 + DOUBLED / 2), flow.time)])


def order(instance) -> Certificate:
    """The departure has a slope below D + ¾ between two δ."""
    proves = (
        "log departure over log δ has a slope below D + ¾ between two δ, where each norm first "
        "reaches 2"
    )
    return Certificate("flow", proves, departures(instance, instance, (1e-3, 1e-4)))


def wrong_labels_tracking(instance) -> Certificate:
    """Trained on shuffled labels, the departure has a slope below D − ¼ and is no
    multiple of δ^D.
    """
    proves = (
        "trained on shuffled labels, the departure has a slope below D − ¼ between two δ, and is "
        "no multiple of δ^D"
    )
    return Certificate(
        "flow", proves, departures(instance, known(mislabelled, instance), (1e-6, 1e-12))
    )


def negative_limit(instance):
    """The limit with N < 0 of the NCF flow, and its box. Raises NotProved."""
    limit = known(flow_limit, instance.ncf, instance.start, instance.numerics)
    if not limit.point.value < 0:
        raise NotProved("the NCF flow does not tend to a negative KKT point")
    with precision(BITS):
        return limit, found_near(instance.network, instance.ncf, limit.point.u)


def wrong_labels_collapse(instance) -> Certificate:
    """From an exact negative KKT point, trained on −y, ‖w‖ > 2δε at T."""
    (limit, found), order = negative_limit(instance), instance.network.order
    time = 0.9 / (order * (order - 2) * -limit.point.value)
    delta = next(ladder(instance, log_forcing(instance, limit.trajectory, slice(1)), 10.0))
    loss = tube(relabelled(instance, -instance.problem.y), delta, time)
    data = {"limit": found.plain(), "delta": delta.hex(), "loss": loss.plain()}
    return Certificate(
        "flow", "from an exact KKT point with N < 0, trained on −y, ‖w(T/δ^{D−2})‖ > 2δε", data
    )
