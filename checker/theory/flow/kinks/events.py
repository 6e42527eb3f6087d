"""Events within a step of a flow through kinks, compiled (theory §11): which comes first, and
where; located by steps taken again.

An event is a free unit's z changing its sign, a sliding group's share leaving [0, 1], or its kink
turning repelling, where the flow branches.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import bare
from ncfcheck.theory.flow import stepper as smooth
from ncfcheck.theory.flow.kinks.modes import move
from ncfcheck.theory.flow.kinks.settling import ON_KINK, SLACK, scale_of
from ncfcheck.theory.flow.kinks.sliding import faint_of, onto_kinks, rate, settle_shares
from ncfcheck.theory.flow.stepper import is_located, narrowed, tried

STAGES, TABLEAU = smooth.STAGES, smooth.TABLEAU
# How a group ceases to slide: its share falls below 0, rises above 1, or its kink turns repelling.
BELOW, ABOVE, REPELS = 0, 1, 2
# The side of a unit at an event: it arrives; −1 and 1: it leaves; its kink repels.
ARRIVES, BRANCHES = 0, 2
# A free unit has left its side when z is beyond this on the other, in units of what z could be.
BEYOND = 1e-12
# A group has ceased to slide when its share leaves [0, 1] by this: further than what settling takes
# for 1, so that it then moves to the side where it is put.
RELEASED = 10 * SLACK
LOCATING = 30
TRIES = 8  # of the first event in a step


@bare()
def stepped(field, state, h, K, new, room):
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
def look(field, state, out, room, seen):
    """The rate at a state, into out; seen: z and dz of all units, shares of groups, and how far
    their kinks are from repelling.
    """
    size = state.size - 2
    pre, moved, shares, strengths = seen
    value, norm, sine = rate(field, state, out, room)
    if room.counts[0]:
        settle_shares(field, room)
        for q in range(room.counts[0]):
            faint = faint_of(field, room.representatives[q], room)
            shares[q], strengths[q] = room.shares[q], room.strengths[q] - faint
            if strengths[q] > -2 * faint:
                shares[q] = 0.5  # of next to nothing, a share says nothing
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
def _locate_kink(field, state, unit, h, share, K, new, k_new, room, seen):
    """Length of the step to where a unit's z is 0, by Newton's method within a bracket; −1 where z
    does not change its sign after all. `new` ends there.
    """
    mode = room.modes[unit]
    low, high, length = 0.0, h, share * h
    for _ in range(LOCATING):
        stepped(field, state, length, K, new, room)
        look(field, new, k_new, room, seen)
        z, dz = mode * seen[0][unit], mode * seen[1][unit]
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
def excess(group, kind, seen):
    """How far a sliding group is beyond what lets it slide, < 0 where it still does."""
    share, strength = seen[2][group], seen[3][group]
    if kind == REPELS:
        return strength
    return (share - 1.0 if kind == ABOVE else -share) - RELEASED


@bare()
def _locate_release(field, state, group, kind, h, old, late, K, new, k_new, room, seen):
    """Length of the step to where a group's excess turns positive; `new` ends there."""
    bracket, length = (0.0, h, old, late, 0), h
    for _ in range(LOCATING):
        length = tried(bracket)
        stepped(field, state, length, K, new, room)
        look(field, new, k_new, room, seen)
        f = excess(group, kind, seen)
        if abs(f) <= 1e-13 or is_located(bracket, f, h):
            break
        bracket = narrowed(bracket, length, f)
    return length


@bare()
def _released(room, before, after):
    """The sliding group that first ceases to slide in a step, as far as lines tell, and how; −1."""
    best, found, how = 2.0, -1, 0
    for group in range(room.counts[0]):
        for kind in (BELOW, ABOVE, REPELS):
            old, new = excess(group, kind, before), excess(group, kind, after)
            if new > 0.0:
                share = old / (old - new) if old < 0.0 else 0.0
                if share < best:
                    best, found, how = share, group, kind
    return found, how


@bare()
def first_event(field, state, h, K, new, k_new, room, before, after):
    """Where the first event in a step of length h is: its length until there, its unit (−1: there
    is none) and side, as `turn` takes them. `new` and `after` are then of its end.
    """
    size, taken, unit = state.size, h, -1
    for _ in range(TRIES):
        found, share = _earliest(field, room, taken, before, after)
        if found < 0:
            break
        arrived = _locate_kink(field, state, found, taken, share, K, new, k_new, room, after)
        if arrived < 0.0:  # the cubic was wrong: a shorter step, without an event
            taken = share * taken
            stepped(field, state, taken, K, new, room)
            look(field, new, k_new, room, after)
            continue
        taken, unit = arrived, found
        if not _has_another_left(field, room, after, found):
            break
    if room.counts[0] == 0:
        return taken, unit, ARRIVES
    group, kind = _released(room, before, after)
    if group < 0:
        return taken, unit, ARRIVES
    old, late = excess(group, kind, before), excess(group, kind, after)
    if old < 0.0:
        taken = _locate_release(
            field, state, group, kind, taken, old, late, K, new, k_new, room, after
        )
    else:
        taken = 0.0
        for i in range(size):
            new[i] = state[i]
        look(field, new, k_new, room, after)
    side = BRANCHES if kind == REPELS else 1 if kind == ABOVE else -1
    return taken, room.representatives[group], side
