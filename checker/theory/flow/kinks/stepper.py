"""Compiled DOP853 stepper for polar gradient flows through kinks (theory §11): full order within a
mode, events located by steps taken again.

An event is a free unit's z changing its sign, a sliding group's share reaching 0 or 1, or its kink
turning repelling, where the flow branches.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import bare, compiled
from ncfcheck.theory.flow import stepper as smooth
from ncfcheck.theory.flow.kinks.modes import SLIDING, make_room, move
from ncfcheck.theory.flow.kinks.settling import (
    BRANCHES,
    ON_KINK,
    SETTLED,
    SLACK,
    begin,
    gather,
    make_ties,
    put,
    scale_of,
    settle,
)
from ncfcheck.theory.flow.kinks.sliding import onto_kinks, rate, settle_shares
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
STAGES, TABLEAU = smooth.STAGES, smooth.TABLEAU
# A free unit has left its side when z is beyond this on the other, in units of what z could be.
BEYOND = 1e-12
# A group has ceased to slide when its share leaves [0, 1] by this: further than what settling takes
# for 1, so that it then moves to the side where it is put.
RELEASED = 10 * SLACK
MOST_EVENTS = 4000
LOCATING = 30


@bare()
def _stepped(field, state, h, K, new, room):
    """One DOP853 step of length h from state, with rate K[0], to `new`, direction normalised."""
    for stage in range(1, STAGES + 1):
        for i in range(new.size):
            new[i] = state[i]
        for j in range(stage):
            c = h * TABLEAU[stage, j]
            if c != 0.0:
                for i in range(new.size):
                    new[i] += c * K[j, i]
        if stage < STAGES:
            rate(field, new, K[stage], room)
    length = 0.0
    for i in range(new.size - 2):
        length += new[i] * new[i]
    length = np.sqrt(length)
    for i in range(new.size - 2):
        new[i] /= length
    onto_kinks(field, new[: new.size - 2], room)


@bare()
def _look(field, state, out, room, pre, moved, shares, strengths):
    """The rate at a state, into out, with z and dz of all units, shares and strengths of groups."""
    size = state.size - 2
    value, norm, sine = rate(field, state, out, room)
    if room.counts[0]:
        settle_shares(field, room)
        for q in range(room.counts[0]):
            shares[q], strengths[q] = room.shares[q], room.strengths[q]
    move(field, out[:size], room)
    for unit in range(pre.size):
        pre[unit], moved[unit] = room.pre[unit], room.moved[unit]
    return value, norm, sine


@bare()
def _hermite(x, h, z0, d0, z1, d1):
    """The cubic through both ends with their slopes, at the share x of a step of length h."""
    a, b, y = d0 * h - (z1 - z0), -d1 * h + (z1 - z0), 1.0 - x
    return y * z0 + x * z1 + x * y * (a * y + b * x)


@bare()
def _first_crossing(h, z0, d0, z1, d1, beyond):
    """Share of a step at which z, positive at first, falls below 0 by its cubic; 2 if nowhere."""
    low, high = 0.0, -1.0
    if z1 < -beyond:
        high = 1.0
    elif d0 < 0.0 and d1 > 0.0:
        least = 0.0
        for k in range(1, 16):
            x = k / 16
            z = _hermite(x, h, z0, d0, z1, d1)
            if z < least:
                least, high = z, x
        if least > -1e-9 * (abs(z0) + abs(z1)) - beyond:
            high = -1.0
    if high < 0.0:
        return 2.0
    if z0 <= 0.0:  # the kink is being left the wrong way
        return 0.0 if d0 < 0.0 else high
    for _ in range(50):
        middle = 0.5 * (low + high)
        if _hermite(middle, h, z0, d0, z1, d1) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@bare()
def _earliest(field, room, h, before, after):
    """The free unit that leaves its side first in a step, and at which share of it; −1 if none."""
    best, found = 2.0, -1
    z0, d0, z1, d1 = before[0], before[1], after[0], after[1]
    for unit in range(z0.size):
        mode = room.modes[unit]
        if mode != 1 and mode != -1:
            continue
        if mode * z1[unit] > 0.0 and not (mode * d0[unit] < 0.0 and mode * d1[unit] > 0.0):
            continue
        beyond = BEYOND * scale_of(field, unit, room)
        share = _first_crossing(
            h, mode * z0[unit], mode * d0[unit], mode * z1[unit], mode * d1[unit], beyond
        )
        if share < best:
            best, found = share, unit
    return found, best


@bare()
def _has_another_left(field, room, after, found):
    """Whether a free unit besides one has left its side by more than rounding."""
    for unit in range(after[0].size):
        mode = room.modes[unit]
        if unit != found and (mode == 1 or mode == -1):
            if mode * after[0][unit] < -ON_KINK * scale_of(field, unit, room):
                return True
    return False


@bare()
def _locate_kink(field, state, unit, h, share, before, K, new, k_new, room, looked):
    """Length of the step to where a unit's z is 0, by Newton's method within a bracket; −1 where z
    does not change its sign after all. `new` ends there.
    """
    mode = room.modes[unit]
    low, high, length = 0.0, h, share * h
    for _ in range(LOCATING):
        _stepped(field, state, length, K, new, room)
        _look(field, new, k_new, room, looked[0], looked[1], looked[2], looked[3])
        z, dz = mode * looked[0][unit], mode * looked[1][unit]
        if abs(z) <= 0.01 * ON_KINK * scale_of(field, unit, room):
            return length
        if z > 0.0:
            low = length
        else:
            high = length
        if high - low <= 1e-14 * h:
            return length
        following = length - z / dz if dz != 0.0 else -1.0
        if not low < following < high:
            if high == h and z > 0.0 and dz >= 0.0:
                return -1.0
            following = 0.5 * (low + high)
        length = following
    return length


@bare()
def _excess(room, group, kind, shares, strengths):
    """How far a sliding group is beyond what lets it slide, < 0 where it still does."""
    if kind == 2:
        return strengths[group]
    return (shares[group] - 1.0 if kind == 1 else -shares[group]) - RELEASED


@bare()
def _locate_release(field, state, group, kind, h, before, after, K, new, k_new, room, looked):
    """Length of the step to where a group's excess turns positive; `new` ends there."""
    bracket, length = (0.0, h, before, after, 0), h
    for _ in range(LOCATING):
        length = tried(bracket)
        _stepped(field, state, length, K, new, room)
        _look(field, new, k_new, room, looked[0], looked[1], looked[2], looked[3])
        f = _excess(room, group, kind, looked[2], looked[3])
        if abs(f) <= 1e-13 or is_located(bracket, f, h):
            break
        bracket = narrowed(bracket, length, f)
    return length


@bare()
def _released(room, before, after):
    """The sliding group that first ceases to slide in a step, as far as lines tell, and how; −1."""
    best, found, how = 2.0, -1, 0
    for group in range(room.counts[0]):
        for kind in range(3):
            old = _excess(room, group, kind, before[2], before[3])
            new = _excess(room, group, kind, after[2], after[3])
            if kind < 2 and not after[3][group] < 0.0:
                continue  # a share of nothing says nothing
            if new > 0.0:
                share = old / (old - new) if old < 0.0 else 0.0
                if share < best:
                    best, found, how = share, group, kind
    return found, how


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

    It also returns events (m, 3) — row, unit, what happened — and the modes (m, H) after each; the
    first event is the start, and its unit −1, or the one at which it branches.
    """
    size, hidden, most = v0.size, room.modes.size, room.shares.size
    room.counts[3] = 0
    K, k_new = np.empty((STAGES, size + 2)), np.empty(size + 2)
    state, new = np.empty(size + 2), np.empty(size + 2)
    before = np.zeros(hidden), np.zeros(hidden), np.zeros(most), np.zeros(most)
    after = np.zeros(hidden), np.zeros(hidden), np.zeros(most), np.zeros(most)
    scalars, directions = np.empty((64, 6)), np.empty((64, size))
    events, modes = np.empty((8, 3)), np.empty((8, hidden), np.int8)
    length = np.sqrt(np.dot(v0, v0))
    for i in range(size):
        state[i] = v0[i] / length
    state[size], state[size + 1] = log_r0, 0.0
    stop, count = -1, 0
    on = begin(field, state[:size], room)
    if given.size:
        for unit in range(hidden):
            room.modes[unit] = given[unit]
        on = 1
    if on:
        gather(field, state[:size], room, ties)
        found = settle(field, state, ties, room, K[0])
        if found != SETTLED:
            stop = BRANCHED if found == BRANCHES else TIED
    value, norm, sine = _look(field, state, K[0], room, before[0], before[1], before[2], before[3])
    _record(0, 0.0, state, 0.0, value, norm, sine, scalars, directions)
    events[0, 0], events[0, 1], events[0, 2] = 0.0, -1.0, CROSSED
    if stop == BRANCHED:
        events[0, 1] = ties.counts[1]
    modes[0] = room.modes
    count = 1
    first_norm, rows, sigma, elapsed = norm, 1, 0.0, 0.0
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
        _stepped(field, state, h, K, new, room)
        error = _error(K, h, new, elapsed, tolerance)
        if not error <= 1.0:
            rejected = True
            h *= (
                max(smooth.SHRINKAGE, smooth.SAFETY * error**-smooth.EXPONENT)
                if np.isfinite(error)
                else smooth.SHRINKAGE
            )
            if h < smooth.SHORTEST_STEP:
                stop = smooth.SMALL_STEP if np.isfinite(error) else smooth.NOT_FINITE
                if stop == smooth.SMALL_STEP and norm <= smooth.VANISHED_AT_STALL * first_norm:
                    stop = smooth.DEAD
            continue
        value, norm, sine = _look(field, new, k_new, room, after[0], after[1], after[2], after[3])
        taken, unit, group, how = h, -1, -1, 0
        for _ in range(8):  # the first of all events in the step
            found, share = _earliest(field, room, taken, before, after)
            if found < 0:
                break
            arrived = _locate_kink(
                field, state, found, taken, share, before, K, new, k_new, room, after
            )
            if arrived < 0.0:
                # The cubic was wrong: a shorter step without an event.
                taken = share * taken
                _stepped(field, state, taken, K, new, room)
                _look(field, new, k_new, room, after[0], after[1], after[2], after[3])
                continue
            taken, unit = arrived, found
            if not _has_another_left(field, room, after, found):
                break
        if room.counts[0]:
            group, how = _released(room, before, after)
            if group >= 0:
                old = _excess(room, group, how, before[2], before[3])
                late = _excess(room, group, how, after[2], after[3])
                unit = -1
                if old < 0.0:
                    taken = _locate_release(
                        field, state, group, how, taken, old, late, K, new, k_new, room, after
                    )
                else:
                    taken = 0.0
                    for i in range(size + 2):
                        new[i] = state[i]
                    _look(field, new, k_new, room, after[0], after[1], after[2], after[3])
        if kind:
            late = _event(kind, target, direction, new, elapsed)
            if late >= 0:
                bracket, length = (0.0, taken, distance, late, 0), taken
                for _ in range(smooth.EVENT_STEPS):
                    length = tried(bracket)
                    _stepped(field, state, length, K, new, room)
                    f = _event(kind, target, direction, new, elapsed)
                    if is_located(bracket, f, taken):
                        break
                    bracket = narrowed(bracket, length, f)
                taken, stop, unit, group = length, smooth.EVENT, -1, -1
            distance = late
        value, norm, sine = _look(field, new, k_new, room, after[0], after[1], after[2], after[3])
        sigma += taken
        increment = new[size + 1]
        elapsed += increment
        if rows == len(scalars):
            scalars, directions = _doubled(scalars), _doubled(directions)
        _record(rows, sigma, new, increment, value, norm, sine, scalars, directions)
        rows += 1
        if stop < 0 and (unit >= 0 or group >= 0):
            if count == len(events):
                events, modes = _doubled(events), _doubled_modes(modes)
            mark = room.representatives[group] if group >= 0 else unit
            events[count, 0], events[count, 1] = rows - 1, mark
            events[count, 2] = BRANCHING
            state[:] = new
            state[size + 1] = 0.0
            if group >= 0 and how == 2:
                stop = BRANCHED
            else:
                gather(field, new[:size], room, ties)
                was = room.modes[mark]
                if group < 0:  # who arrives is taken to cross
                    put(field, ties, mark, -was, room)
                else:
                    put(field, ties, mark, np.int8(1 if how == 1 else -1), room)
                found = settle(field, state, ties, room, k_new)
                if found == BRANCHES:
                    stop, events[count, 1] = BRANCHED, ties.counts[1]
                elif found != SETTLED:
                    stop, events[count, 2] = TIED, TYING
                else:
                    now = room.modes[mark]
                    events[count, 2] = (
                        CROSSED
                        if was != SLIDING and now != SLIDING
                        else (ENTERED if was != SLIDING else LEFT)
                    )
                value, norm, sine = _look(
                    field, state, k_new, room, after[0], after[1], after[2], after[3]
                )
            modes[count] = room.modes
            count += 1
            rejected = True
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
        for k in range(hidden):
            before[0][k], before[1][k] = after[0][k], after[1][k]
        for k in range(most):
            before[2][k], before[3][k] = after[2][k], after[3][k]
        growth = smooth.SAFETY * max(error, 1e-8) ** -smooth.EXPONENT
        h = min(
            smooth.LONGEST_STEP,
            h * min(1.0 if rejected else smooth.GROWTH, max(smooth.SHRINKAGE, growth)),
        )
        rejected = False
    return (
        stop,
        room.counts[3],
        scalars[:rows].copy(),
        directions[:rows].copy(),
        events[:count].copy(),
        modes[:count].copy(),
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
