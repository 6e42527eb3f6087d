"""Which mode a flow goes on in from where units are at z = 0, compiled (theory §11).

Every group of zero units is on the positive side, on the negative side, or slides; a mode is
*consistent* if those on a side move to it, and those that slide have shares in [0, 1] of a kink that
attracts. From a first guess (who arrives crosses, who slides goes on) the first group that is not
consistent changes, as in pivoting methods for complementarity; where that goes round in circles all
modes of a few groups are tried.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from ncfcheck.core.compiling import bare, compiled
from ncfcheck.theory.flow.kinks.modes import (
    SLIDING,
    SMOOTH,
    first_unit,
    forward,
    has_inputs,
    is_kinked,
    move,
    normal_of,
)
from ncfcheck.theory.flow.kinks.sliding import (
    ANOTHER,
    DEPENDENT,
    PARALLEL,
    _norm,
    _reduced,
    arrange,
    rate,
    settle_shares,
)

SETTLED, BRANCHES, TIED = 0, 1, 2
# |z| in units of ‖row‖·‖activations below‖ below which a unit is on its kink at an event.
ON_KINK = 1e-11
# dz in units of what it could be, and what a share may leave [0, 1] by, that count as 0.
STILL, SLACK = 1e-9, 1e-10
PIVOTS = 60
LEAST_ROW = 1e-6  # share of ‖v‖² = 1 that a row counts for at least: rows themselves may pass 0
TRIED = 6  # groups all of whose modes are tried


class Ties(NamedTuple):
    """The groups of units at z = 0 at an event."""

    units: np.ndarray  # (H,) int64: those in groups
    group: np.ndarray  # (H,) int64: their groups
    sign: np.ndarray  # (H,): +1 where a unit is on its group's side, −1 on the other
    status: np.ndarray  # (H,) int8: of groups
    counts: np.ndarray  # (2,): units, groups
    branching: np.ndarray  # (H,) int8: of groups; on which sides a flow that branches goes on


@register_jitable(inline="always")
def make_ties(hidden):
    """Room for ties of as many units as there are."""
    return Ties(
        np.empty(hidden, np.int64),
        np.empty(hidden, np.int64),
        np.empty(hidden),
        np.empty(hidden, np.int8),
        np.zeros(2, np.int64),
        np.empty(hidden, np.int8),
    )


@compiled(_nrt=False)
def scale_of(field, unit, room):
    """What z of a unit could be, ‖row of W_l‖·‖activations below‖, after `forward`."""
    layout, samples = field.layout, field.X.shape[1]
    layer = room.layer_of[unit]
    start = first_unit(layout, layer, samples)
    row, sample, columns = (
        (unit - start) // samples,
        (unit - start) % samples,
        layout.widths[layer - 1],
    )
    below, first = start - columns * samples, layout.offsets[layer - 1] + row * columns
    weights = inputs = 0.0
    for k in range(columns):
        a = field.X[k, sample] if layer == 1 else room.values[below + k * samples + sample]
        weights += room.entries[first + k] ** 2
        inputs += a * a
    return np.sqrt(max(weights, LEAST_ROW) * inputs)


@compiled(_nrt=False)
def begin(field, theta, room):
    """Modes by the signs of z at θ, layer by layer; how many units lie on their kinks."""
    layout, samples = field.layout, field.X.shape[1]
    on = start = 0
    for layer in range(1, layout.widths.size - 1):
        stop = start + layout.widths[layer] * samples
        for unit in range(start, stop):
            room.modes[unit] = 1 if is_kinked(layout, layer) else SMOOTH
        forward(field, theta, room)
        if is_kinked(layout, layer):
            for unit in range(start, stop):
                if room.pre[unit] < 0:
                    room.modes[unit] = -1
                if abs(room.pre[unit]) <= ON_KINK * scale_of(field, unit, room):
                    on += 1
        start = stop
    arrange(field, theta, room)
    return on


@compiled(_nrt=False)
def gather(field, theta, room, ties):
    """Groups of all units at z = 0 at θ, and their statuses by the modes they have.

    Those that arrive together are a group where their ∇z are parallel as far as sliding units let
    them move: all samples of a neuron are whose weights pass through 0 along the only line that is
    left to them.
    """
    forward(field, theta, room)
    for unit in range(room.modes.size):
        room.zero[unit] = not has_inputs(field, unit, room)
        if room.modes[unit] == SMOOTH:
            continue
        if room.zero[unit]:
            if room.modes[unit] == SLIDING:
                room.modes[unit] = 1
            continue
        on_kink = abs(room.pre[unit]) <= ON_KINK * scale_of(field, unit, room)
        room.zero[unit] = room.modes[unit] == SLIDING or on_kink
    arrange(field, theta, room)
    sliding, count = room.counts[0], 0
    groups = sliding
    for place in range(sliding):
        ties.status[place] = 0
    for unit in range(room.modes.size):
        if not room.zero[unit] or not has_inputs(field, unit, room) or room.modes[unit] == SMOOTH:
            continue
        ties.units[count], ties.sign[count] = unit, 1.0
        group = room.group[unit]
        if room.modes[unit] == SLIDING:
            ties.sign[count] = -1.0 if group >= 0 and room.ratio[unit] < 0 else 1.0
            ties.group[count] = group if group >= 0 else _neighbour(room, unit)
            count += 1
            continue
        normal_of(field, unit, room, room.normal)
        size = _norm(room.normal)
        _reduced(room.normal, sliding, room, sliding)
        length = _norm(room.normal)
        if length <= DEPENDENT * size:  # held still by those that slide
            ties.group[count] = _neighbour(room, unit)
            room.modes[unit] = SLIDING
            count += 1
            continue
        ties.group[count] = -1
        for place in range(sliding, groups):
            along = 0.0
            for i in range(theta.size):
                along += room.basis[place, i] * room.normal[i]
            if 1.0 - abs(along) / length <= PARALLEL:
                ties.group[count], ties.sign[count] = place, 1.0 if along > 0 else -1.0
        if ties.group[count] < 0:
            if groups == room.basis.shape[0]:
                return False
            for i in range(theta.size):
                room.basis[groups, i] = room.normal[i] / length
            ties.group[count], ties.status[groups] = groups, room.modes[unit]
            groups += 1
        count += 1
    ties.counts[0], ties.counts[1] = count, groups
    return True


@bare()
def _neighbour(room, unit):
    """The last representative of a unit's layer, with which it slides."""
    for place in range(room.counts[0] - 1, -1, -1):
        if room.layer_of[room.representatives[place]] == room.layer_of[unit]:
            return place
    return 0


@compiled(_nrt=False)
def assume(field, state, ties, room, out):
    """The mode of the groups' statuses: its rate (v, log r, t), shares, strengths, and dz."""
    for k in range(ties.counts[0]):
        status = ties.status[ties.group[k]]
        room.modes[ties.units[k]] = np.int8(ties.sign[k]) * status
    size = state.size - 2
    arrange(field, state[:size], room)
    _, norm, _ = rate(field, state, out, room)
    settle_shares(field, room)
    move(field, out[:size], room)
    return norm


@bare()
def _verdict(field, ties, group, room):
    """What a group would rather be: its status if that is consistent; 2 where its kink repels."""
    for k in range(ties.counts[0]):
        if ties.group[k] == group:
            unit, sign = ties.units[k], ties.sign[k]
            break
    status = ties.status[group]
    if status == 0:
        place = room.group[unit]
        if place == ANOTHER:
            place = _neighbour(room, unit)
        if place < 0 or room.shares[place] == 2.0:
            return np.int8(3)
        share, strength = room.shares[place], room.strengths[place]
        if not strength < 0.0:
            return np.int8(2)
        if room.ratio[unit] * sign < 0:
            share = 1.0 - share
        if share > 1.0 + SLACK:
            return np.int8(1)
        return np.int8(-1) if share < -SLACK else np.int8(0)
    moved = room.moved[unit] * sign
    return np.int8(0) if moved * status < -STILL * scale_of(field, unit, room) else status


@bare()
def _wake(field, room):
    """Modes of units whose inputs are all 0 go by where these move to; whether any changed."""
    changed = False
    for unit in range(room.modes.size):
        mode = room.modes[unit]
        if mode != 1 and mode != -1 or not room.zero[unit] or room.moved[unit] * mode >= 0.0:
            continue
        if not has_inputs(field, unit, room):
            room.modes[unit] = -mode
            changed = True
    return changed


@compiled(_nrt=False)
def _repelled(field, state, ties, group, room, out):
    """On which sides a group may leave its kink, which repels: 1, −1, 0 for none, 2 for both."""
    found = 0
    for side in (1, -1):
        ties.status[group] = np.int8(side)
        assume(field, state, ties, room, out)
        if _verdict(field, ties, group, room) == side:
            found += side if found == 0 else 3
    return 2 if found == 2 or found == 3 or found == 4 else found


@compiled(_nrt=False)
def settle(field, state, ties, room, out):
    """Pivot from the groups' statuses to a consistent mode, whose rate is then in `out`."""
    woken = 0
    for _ in range(PIVOTS):
        norm = assume(field, state, ties, room, out)
        if norm == 0.0:
            return SETTLED
        if woken < 5 and _wake(field, room):
            woken += 1
            continue
        changed = False
        for group in range(ties.counts[1]):
            wanted = _verdict(field, ties, group, room)
            if wanted == ties.status[group]:
                continue
            changed = True
            if wanted == 3:
                return TIED
            if wanted == 2:
                side = _repelled(field, state, ties, group, room, out)
                if side == 2:
                    ties.status[group] = 0
                    ties.branching[0] = np.int8(group)
                    return BRANCHES
                if side == 0:
                    return TIED
                ties.status[group] = np.int8(side)
            else:
                ties.status[group] = wanted
            break
        if not changed:
            return SETTLED if _all_agree(field, ties, room) else TIED
    return TIED


@bare()
def _all_agree(field, ties, room):
    """Whether every free unit of the groups moves to its side."""
    for k in range(ties.counts[0]):
        unit = ties.units[k]
        mode = room.modes[unit]
        if mode != SLIDING:
            if room.moved[unit] * mode < -STILL * scale_of(field, unit, room):
                return False
    return True
