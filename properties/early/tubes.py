"""Both flows of an instance in tubes, to T_ε or to a norm: what certificates share (theory
§4, §9).

Tubes are found in floats; that they hold the flows, and what follows from that at T_ε, or where a
norm is reached, the verifier proves.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ncfcheck.certify.boxes import Found, filled, found_near
from ncfcheck.certify.certificate import Certificate, hexadecimal, known
from ncfcheck.certify.fields import Field
from ncfcheck.certify.flows import Tube, enclose
from ncfcheck.certify.variations import plain, varied
from ncfcheck.certify.windows import ERROR, Approach, approach, first_time
from ncfcheck.properties.early.margins import delta_changing, negative_limit
from ncfcheck.theory.early.training import Window, conditioned_window, log_forcing
from ncfcheck.theory.flow.trajectories import ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import unit

FAR = 100.0  # multiples of T_ε up to which a flow is followed to a norm
SURPASSED = 1 + 1e-9  # multiple of R_ε up to which a loss flow is followed
DOUBLE = 2.01  # norm up to which flows are followed whose norm is to reach 2
DOUBLED = 2e-10  # relative width of the bracket of the time at which a norm is 2


def windows(instance, find=conditioned_window) -> tuple[Window, Approach]:
    """The engine's window, and the same in tubes."""
    found = known(find, instance)
    return found, approach(instance, found.limit.point.u, found.epsilon)


def tube(instance, delta: float, time: float, norm: float = 0.0, error: float = ERROR) -> Tube:
    """The loss flow from δ·v_0, which is within `error` of δ times the start, up to a time, and on
    to a norm unless it rests.
    """
    moves = instance.ncf.gradient(instance.start).any()
    limit = (FAR * time or math.inf) if norm and moves else time

    def is_over(step) -> bool:
        return bool(step.time + step.duration >= time and np.linalg.norm(step.end) > norm)

    return enclose(Field(instance.problem, delta), instance.start, error, is_over, limit)


def beyond(instance, delta: float, window: Approach) -> Tube:
    """The loss flow up to T_ε, and on to where ‖w‖ = R_ε δ unless it rests."""
    return tube(instance, delta, window.times[1], window.norms[1] * SURPASSED)


def certificate(window: Approach, delta: float, loss: Tube, **more) -> Certificate:
    """The certificate of a window, and of one loss flow."""
    return Certificate("flow", window.plain() | rung(delta, loss) | more)


def vanishing(flow: Tube) -> dict:
    """What loss flows tend to as δ → 0, where that is not the flow of the window."""
    return {"vanishing": rung(0.0, flow)}


def rung(delta: float, loss: Tube) -> dict:
    """A loss flow, and its δ."""
    return {"delta": delta.hex(), "loss": loss.plain()}


def doubling(instance) -> Tube:
    """The NCF flow until its norm is 2. Raises NotProved where it does not grow."""
    known(positive_limit, instance.ncf, instance.start, instance.numerics)
    return tube(instance, 0.0, 0.0, DOUBLE)


def departures(instance, trained, powers, ncf: Tube | None = None) -> dict:
    """The NCF flow, `doubling`, and loss flows until their norm is 2: of δ^D in units of what
    changes the gradient by its own size; 0 for δ = 0.
    """
    ncf = ncf or doubling(instance)
    reference = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    forcing = log_forcing(instance, reference)
    deltas = [each and delta_changing(instance, each, forcing) for each in powers]
    flows = [_doubled(trained, each) for each in deltas]
    return {"ncf": ncf.plain(), "crossing": crossing(ncf), "flows": flows}


def _doubled(instance, delta: float) -> dict:
    found = tube(instance, delta, 0.0, DOUBLE)
    return rung(delta, found) | {"crossing": crossing(found)}


def with_constants(instance, ncf: Tube, data: dict) -> dict:
    """The data of departures, and what they over δ^D tend to."""
    moved = varied(instance.problem, ncf, float.fromhex(data["crossing"][1]))
    return data | {"moved": plain(moved)}


def crossing(flow: Tube) -> list[str]:
    """Two times between which the norm first reaches 2, wherever in the tube a flow is."""
    time = first_time(flow, lambda x: np.linalg.norm(x) > 2)
    step = next(each for each in flow.steps if time <= each.time + each.duration)
    before = 1e-3 * step.duration
    speed = (2 - float(np.linalg.norm(flow.at(time - before)))) / before
    reach = 2 * step.radius * math.sqrt(step.end.size)  # of the norm, which rises there
    width = max(DOUBLED / 2, reach / (speed * time) if speed > 0 else 0.0)
    return hexadecimal([time * (1 - width), min(time * (1 + width), flow.time)])


def boxed_negative_limit(instance):
    """The limit with N < 0 of the NCF flow, and its box. Raises NotProved."""
    limit = known(negative_limit, instance)
    return limit, found_near(instance.network, instance.ncf, limit.point.u)


def from_box(instance, found: Found, delta: float, time: float) -> Tube:
    """The loss flow from δ times the KKT point in a box, up to a time."""
    inside = replace(instance, start=unit(filled(instance.network, found)))
    return tube(inside, delta, time, error=ERROR + found.box.radius * found.box.free)
