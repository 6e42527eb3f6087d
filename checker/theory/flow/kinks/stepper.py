"""Compiled DOP853 stepper for polar gradient flows through kinks (theory §11): full order within a
mode, a new mode at every event.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import bare, compiled
from ncfcheck.theory.flow import stepper as smooth
from ncfcheck.theory.flow.kinks.events import ARRIVES, STAGES, first_event, look, stepped
from ncfcheck.theory.flow.kinks.events import BRANCHES as REPELLED
from ncfcheck.theory.flow.kinks.modes import SLIDING, forward, make_room
from ncfcheck.theory.flow.kinks.settling import (
    BRANCHES,
    SETTLED,
    begin,
    gather,
    make_ties,
    put,
    settle,
)
from ncfcheck.theory.flow.kinks.sliding import DYING, is_dying, sliding_slopes
from ncfcheck.theory.flow.stepper import (
    _error,
    _event,
    _record,
    is_located,
    narrowed,
    tried,
)

BRANCHED, TIED = 7, 8
# What happened at an event.
CROSSED, ENTERED, LEFT, BRANCHING, TYING = 0, 1, 2, 3, 4
MOST_EVENTS = 4000
MOST_AT_ONCE = 40  # events at one place: units beyond count there, by rounding


@compiled(_nrt=False)
def set_out(field, state, given, room, ties, out):
    """The mode of a start (v, log r, t), or the one given, (H,); its rate into out. Returns −1, or
    the stop code where it is not one.
    """
    on_kinks = begin(field, state[: state.size - 2], room)
    if given.size:
        for unit in range(given.size):
            room.modes[unit] = given[unit]
    elif on_kinks == 0:
        return -1
    gather(field, state[: state.size - 2], room, ties)
    found = settle(field, state, ties, room, out)
    return -1 if found == SETTLED else BRANCHED if found == BRANCHES else TIED


@compiled(_nrt=False)
def turn(field, state, unit, side, room, ties, out):
    """The mode on from where a unit is at z = 0 — it arrives there, leaves a kink that it slid
    along (side ±1), or that repels now — and its rate, into out. Returns −1 or the stop code, what
    happened, and to which unit.
    """
    if side == REPELLED:
        forward(field, state[: state.size - 2], room)
        if is_dying(field, unit, room, 3 * DYING):
            return TIED, TYING, unit
        return BRANCHED, BRANCHING, unit
    gather(field, state[: state.size - 2], room, ties)
    was = room.modes[unit]
    put(field, ties, unit, -was if side == ARRIVES else np.int8(side), room)
    found = settle(field, state, ties, room, out)
    if found == BRANCHES:
        return BRANCHED, BRANCHING, ties.counts[1]
    if found != SETTLED:
        return TIED, TYING, unit
    if was == SLIDING:
        return -1, LEFT, unit
    return -1, ENTERED if room.modes[unit] == SLIDING else CROSSED, unit


@bare()
def _locate(field, state, h, elapsed, kind, target, direction, distance, late, K, new, room):
    """Length of the step to the event asked for, where `new` ends."""
    bracket, length = (0.0, h, distance, late, 0), h
    for _ in range(smooth.EVENT_STEPS):
        length = tried(bracket)
        stepped(field, state, length, K, new, room)
        f = _event(kind, target, direction, new, elapsed)
        if is_located(bracket, f, h):
            break
        bracket = narrowed(bracket, length, f)
    return length


@compiled()
def _integrate(
    field,
    v0,
    log_r0,
    tolerance,
    residual,
    kind,
    target,
    direction,
    calls_allowed,
    given,
    room,
    ties,
):
    """`stepper.integrate` for a layered network with kinks; `given` are modes (H,) to set out in,
    or empty: those of the start.

    It also returns events (m, 3) — row, unit, what happened — and after each the modes (m, H) and
    slopes (m, H) of sliding units; the first event is the start, and its unit −1, or the one at
    which it branches.
    """
    size, hidden, most = v0.size, room.modes.size, room.shares.size
    room.counts[3] = 0
    K, k_new = np.empty((STAGES, size + 2)), np.empty(size + 2)
    state, new = np.empty(size + 2), np.empty(size + 2)
    before = np.zeros(hidden), np.zeros(hidden), np.zeros(most), np.zeros(most)
    after = np.zeros(hidden), np.zeros(hidden), np.zeros(most), np.zeros(most)
    scalars, directions = np.empty((64, 6)), np.empty((64, size))
    events, modes = np.empty((8, 3)), np.empty((8, hidden), np.int8)
    slopes = np.empty((8, hidden))
    length = np.sqrt(np.dot(v0, v0))
    for i in range(size):
        state[i] = v0[i] / length
    state[size], state[size + 1] = log_r0, 0.0
    stop = set_out(field, state, given, room, ties, K[0])
    value, norm, sine = look(field, state, K[0], room, before)
    _record(0, 0.0, state, 0.0, value, norm, sine, scalars, directions)
    events[0, 0], events[0, 1], events[0, 2] = 0.0, -1.0, CROSSED
    if stop == BRANCHED:
        events[0, 1] = ties.counts[1]
    modes[0] = room.modes
    sliding_slopes(field, room, slopes[0])
    first_norm, rows, count, sigma, elapsed = norm, 1, 1, 0.0, 0.0
    still = 0
    h, rejected = smooth.FIRST_STEP * (tolerance / smooth.USUAL) ** smooth.EXPONENT, False
    distance = _event(kind, target, direction, state, elapsed) if kind else -1.0
    if not np.isfinite(norm):
        stop = smooth.NOT_FINITE
    elif norm == 0.0:
        stop = smooth.DEAD
    elif stop < 0 and sine <= residual:
        stop = smooth.CONVERGED
    elif stop < 0 and kind and distance >= 0:
        stop = smooth.EVENT
    while stop < 0:
        if room.counts[3] >= calls_allowed or count >= MOST_EVENTS:
            stop = smooth.BUDGET
            break
        stepped(field, state, h, K, new, room)
        error = _error(K, h, new, elapsed, tolerance)
        if not error <= 1.0:
            rejected, is_finite = True, np.isfinite(error)
            factor = smooth.SAFETY * error**-smooth.EXPONENT if is_finite else 0.0
            h *= max(smooth.SHRINKAGE, factor)
            if h < smooth.SHORTEST_STEP:
                stop = smooth.SMALL_STEP if is_finite else smooth.NOT_FINITE
                if is_finite and norm <= smooth.VANISHED_AT_STALL * first_norm:
                    stop = smooth.DEAD
            continue
        value, norm, sine = look(field, new, k_new, room, after)
        taken, unit, side = first_event(field, state, h, K, new, k_new, room, before, after)
        if kind:
            late = _event(kind, target, direction, new, elapsed)
            if late >= 0:
                taken = _locate(
                    field,
                    state,
                    taken,
                    elapsed,
                    kind,
                    target,
                    direction,
                    distance,
                    late,
                    K,
                    new,
                    room,
                )
                stop, unit = smooth.EVENT, -1
            distance = late
        value, norm, sine = look(field, new, k_new, room, after)
        sigma, increment = sigma + taken, new[size + 1]
        elapsed += increment
        if rows == len(scalars):
            scalars, directions = _doubled(scalars), _doubled(directions)
        _record(rows, sigma, new, increment, value, norm, sine, scalars, directions)
        rows += 1
        if unit >= 0:
            if count == len(events):
                events, modes = _doubled(events), _doubled_modes(modes)
                slopes = _doubled(slopes)
            new[size + 1] = 0.0
            stop, what, unit = turn(field, new, unit, side, room, ties, k_new)
            events[count, 0], events[count, 1], events[count, 2] = rows - 1, unit, what
            modes[count] = room.modes
            value, norm, sine = look(field, new, k_new, room, after)
            sliding_slopes(field, room, slopes[count])
            count += 1
            rejected = True  # the next step is no longer than this one
            still = still + 1 if taken <= smooth.SHORTEST_STEP else 0
            if stop < 0 and still > MOST_AT_ONCE:
                stop, events[count - 1, 2] = TIED, TYING
        if stop < 0:
            if not np.isfinite(norm):
                stop = smooth.NOT_FINITE
            elif norm <= smooth.VANISHED * first_norm:
                stop = smooth.DEAD
            elif sine <= residual:
                stop = smooth.CONVERGED
        for i in range(size + 2):
            state[i] = new[i]
            K[0, i] = k_new[i]
        state[size + 1] = 0.0
        for kept, found in zip(before, after):
            kept[:] = found
        growth = smooth.SAFETY * max(error, 1e-8) ** -smooth.EXPONENT
        growth = min(1.0 if rejected else smooth.GROWTH, max(smooth.SHRINKAGE, growth))
        h, rejected = min(smooth.LONGEST_STEP, h * growth), False
    return (
        stop,
        room.counts[3],
        scalars[:rows].copy(),
        directions[:rows].copy(),
        events[:count].copy(),
        modes[:count].copy(),
        slopes[:count].copy(),
    )


@compiled()
def _doubled(rows):
    out = np.empty((2 * len(rows), rows.shape[1]))
    out[: len(rows)] = rows
    return out


@compiled()
def _doubled_modes(rows):
    out = np.empty((2 * len(rows), rows.shape[1]), np.int8)
    out[: len(rows)] = rows
    return out


def integrate(field, v0, *arguments):
    """`_integrate`, with room for it."""
    room = make_room(field.layout, field.X.shape[1], v0.size)
    return _integrate(field, v0, *arguments, room, make_ties(room.modes.size))
