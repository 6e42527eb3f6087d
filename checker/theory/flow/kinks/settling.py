"""Which mode a flow goes on in from where units are at z = 0, compiled (theory §11).

Every unit at z = 0 is on the positive side, on the negative side, or slides; a mode is *consistent*
if those on a side move to it, and those that slide have shares in [0, 1] of a kink that attracts.
From a first guess (who arrives crosses, who slides goes on) the first unit that is not consistent
changes, as in pivoting methods for complementarity, until all are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ncfcheck.core.compiling import bare, compiled
from ncfcheck.theory.flow.kinks.modes import (
    SLIDING,
    SMOOTH,
    first_unit,
    forward,
    has_inputs,
    is_kinked,
    make_room,
    move,
    normal_of,
)
from ncfcheck.theory.flow.kinks.sliding import (
    FAINT,
    PARALLEL,
    _norm,
    _reduced,
    arrange,
    faint_of,
    rate,
    settle_shares,
)

SETTLED, BRANCHES, TIED = 0, 1, 2
# |z| in units of ‖row‖·‖activations below‖ below which a unit is on its kink at an event.
ON_KINK = 1e-11
# dz in units of what it could be, and what a share may leave [0, 1] by, that count as 0.
STILL, SLACK = 1e-9, 1e-10
PIVOTS = 60
# Shares of ‖v‖² = 1 and of the mean square of a layer's inputs that a row, and what reaches it on
# one sample, count for at least: either may itself pass through 0.
LEAST = 1e-6
REPELLED, UNREST = np.int8(2), np.int8(3)  # what a unit cannot be told to be


class Ties(NamedTuple):
    """The units at z = 0 at an event."""

    units: np.ndarray  # (H,) int64
    status: np.ndarray  # (H,) int8: of each, the mode it is put in
    kept: np.ndarray  # (H,) int8: statuses before one was changed to try
    counts: np.ndarray  # (2,) int64: units; the unit at whose kink the flow branches


def make_ties(hidden: int) -> Ties:
    """Room for ties of as many units as there are."""
    statuses = np.empty(hidden, np.int8), np.empty(hidden, np.int8)
    return Ties(np.empty(hidden, np.int64), *statuses, np.zeros(2, np.int64))


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
    return np.sqrt(max(weights, LEAST) * max(inputs, LEAST * room.sizes[layer]))


@compiled(_nrt=False)
def measure(field, theta, room):
    """Mean squares of what reaches each hidden layer at θ."""
    layout, samples = field.layout, field.X.shape[1]
    forward(field, theta, room)
    start = 0
    for layer in range(1, layout.widths.size - 1):
        total, count = 0.0, layout.widths[layer - 1] * samples
        for i in range(count):
            k, sample = i // samples, i % samples
            a = field.X[k, sample] if layer == 1 else room.values[start + i]
            total += a * a
        room.sizes[layer] = total / samples
        if layer > 1:
            start += count


@compiled(_nrt=False)
def begin(field, theta, room):
    """Modes by the signs of z at θ, layer by layer; how many units lie on their kinks."""
    layout, samples = field.layout, field.X.shape[1]
    on = start = 0
    for layer in range(1, layout.widths.size - 1):
        stop = start + layout.widths[layer] * samples
        for unit in range(start, stop):
            room.modes[unit] = 1 if is_kinked(layout, layer) else SMOOTH
        measure(field, theta, room)
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
    """All units at z = 0 at θ, with the modes they have; the mode's basis is then known."""
    measure(field, theta, room)
    count = 0
    for unit in range(room.modes.size):
        room.zero[unit] = not has_inputs(field, unit, room)
        if room.modes[unit] == SMOOTH:
            continue
        if room.zero[unit]:
            if room.modes[unit] == SLIDING:
                room.modes[unit] = 1
            continue
        on_kink = abs(room.pre[unit]) <= ON_KINK * scale_of(field, unit, room)
        if room.modes[unit] == SLIDING or on_kink:
            room.zero[unit] = True
            ties.units[count], ties.status[count] = unit, room.modes[unit]
            count += 1
    ties.counts[0] = count
    arrange(field, theta, room)


@compiled(_nrt=False)
def put(field, ties, unit, status, room):
    """Give a unit at z = 0 a status, and those that move with it as far as units that slide in the
    mode that `room` is arranged for let them: parallel samples, and all of a neuron's whose weights
    pass through 0 along the only line that is left to them.
    """
    samples = field.X.shape[1]
    slides, group = room.modes[unit] == SLIDING, room.group[unit]
    normal_of(field, unit, room, room.normal)
    _reduced(room.normal, room.counts[0], room, room.triangle.shape[1] - 1)
    direction, length = room.basis[room.basis.shape[0] - 1], _norm(room.normal)
    for i in range(direction.size):
        direction[i] = room.normal[i] / length if length > 0.0 else 0.0
    start = first_unit(field.layout, room.layer_of[unit], samples)
    row = (unit - start) // samples
    for k in range(ties.counts[0]):
        other = ties.units[k]
        if other == unit:
            ties.status[k] = status
            continue
        if room.layer_of[other] != room.layer_of[unit] or (other - start) // samples != row:
            continue
        if slides != (room.modes[other] == SLIDING):
            continue
        if slides:
            if group >= 0 and room.group[other] == group:
                side = 1 if room.ratio[other] * room.ratio[unit] > 0 else -1
                ties.status[k] = np.int8(side) * status
            continue
        normal_of(field, other, room, room.normal)
        _reduced(room.normal, room.counts[0], room, room.triangle.shape[1] - 1)
        along, length = 0.0, _norm(room.normal)
        for i in range(direction.size):
            along += direction[i] * room.normal[i]
        if length > 0.0 and 1.0 - abs(along) / length <= PARALLEL:
            ties.status[k] = np.int8(1 if along > 0 else -1) * status


@bare()
def _neighbour(room, unit):
    """The last representative of a unit's layer, with which it slides."""
    for place in range(room.counts[0] - 1, -1, -1):
        if room.layer_of[room.representatives[place]] == room.layer_of[unit]:
            return place
    return 0


@bare()
def _wake(field, theta, room):
    """Modes of units that nothing but units at z = 0 reaches: on the side to which these turn."""
    layout, samples = field.layout, field.X.shape[1]
    forward(field, theta, room)
    turned, start, lower = room.moved, 0, 0
    for layer in range(1, layout.widths.size - 1):
        rows, columns, first = (
            layout.widths[layer],
            layout.widths[layer - 1],
            layout.offsets[layer - 1],
        )
        kinked = is_kinked(layout, layer)
        for unit in range(start, start + rows * samples):
            mode = room.modes[unit]
            turned[unit] = mode * LEAST if room.zero[unit] and kinked else 0.0
            if layer == 1 or not room.zero[unit] or has_inputs(field, unit, room):
                continue
            row, sample = (unit - start) // samples, (unit - start) % samples
            turned[unit] = 0.0
            for k in range(columns):
                below = lower + k * samples + sample
                w = room.entries[first + row * columns + k]
                turned[unit] += w * room.slopes[below] * turned[below]
            if kinked and turned[unit] != 0.0:
                room.modes[unit] = 1 if turned[unit] > 0.0 else -1
                room.slopes[unit] = 1.0 if turned[unit] > 0.0 else layout.slopes[layer - 1]
        lower, start = start, start + rows * samples


@compiled(_nrt=False)
def assume(field, state, ties, room, out):
    """The mode of the units' statuses: its rate (v, log r, t), shares, strengths, and dz."""
    for k in range(ties.counts[0]):
        room.modes[ties.units[k]] = ties.status[k]
    size = state.size - 2
    _wake(field, state[:size], room)
    arrange(field, state[:size], room)
    _, norm, _ = rate(field, state, out, room)
    settle_shares(field, room)
    move(field, out[:size], room)
    return norm


@bare()
def _wanted(field, unit, room):
    """What a unit would rather be: its mode if that is consistent; REPELLED where its kink repels,
    UNREST where no slopes hold it still.
    """
    mode = room.modes[unit]
    if mode != SLIDING:
        moved = room.moved[unit]
        return np.int8(0) if moved * mode < -STILL * scale_of(field, unit, room) else mode
    place = room.group[unit]
    if place < 0:
        place = _neighbour(room, unit)
    share, strength = room.shares[place], room.strengths[place]
    if share == 2.0:
        return UNREST
    faint = faint_of(field, unit, room)
    if strength > faint or not np.isfinite(share):
        return REPELLED
    if faint > FAINT and strength > -faint:
        return np.int8(0)
    if room.group[unit] >= 0 and room.ratio[unit] < 0:
        share = 1.0 - share
    if share > 1.0 + SLACK:
        return np.int8(1)
    return np.int8(-1) if share < -SLACK else np.int8(0)


@compiled(_nrt=False)
def _repelled(field, state, ties, unit, room, out):
    """On which sides a sliding unit may leave its kink, which repels: ±1, 0 for none, 2 for both.
    Its status is then one of these.
    """
    found = 0
    for k in range(ties.counts[0]):
        ties.kept[k] = ties.status[k]
    for side in (1, -1):
        for k in range(ties.counts[0]):
            ties.status[k] = ties.kept[k]
        assume(field, state, ties, room, out)
        put(field, ties, unit, np.int8(side), room)
        assume(field, state, ties, room, out)
        if _wanted(field, unit, room) == side:
            found = side if found == 0 else 2
    if found == 1:
        for k in range(ties.counts[0]):
            ties.status[k] = ties.kept[k]
        assume(field, state, ties, room, out)
        put(field, ties, unit, np.int8(1), room)
    return found


@compiled(_nrt=False)
def settle(field, state, ties, room, out):
    """Pivot from the units' statuses to a consistent mode, whose rate is then in `out`."""
    for _ in range(PIVOTS):
        if assume(field, state, ties, room, out) == 0.0:
            return SETTLED
        changed = False
        for k in range(ties.counts[0]):
            unit = ties.units[k]
            wanted = _wanted(field, unit, room)
            if wanted == room.modes[unit]:
                continue
            if wanted == UNREST:
                return TIED
            changed = True
            if wanted != REPELLED:
                put(field, ties, unit, wanted, room)
                break
            side = _repelled(field, state, ties, unit, room, out)
            if side == 2:
                ties.counts[1] = unit
                return BRANCHES
            if side == 0:
                return TIED
            break
        if not changed:
            return SETTLED
    return TIED


def both_sides(field, v: np.ndarray, modes: np.ndarray, unit: int) -> list[np.ndarray]:
    """The modes (H,) with a unit at z = 0 at v (P,), and what moves with it, on either side."""
    found = []
    for side in (1, -1):
        room = make_room(field.layout, field.X.shape[1], v.size)
        ties = make_ties(modes.size)
        room.modes[:] = modes
        _on_side(field, v, unit, np.int8(side), room, ties)
        found.append(room.modes.copy())
    return found


@compiled()
def _on_side(field, v, unit, side, room, ties):
    gather(field, v, room, ties)
    put(field, ties, unit, side, room)
    for k in range(ties.counts[0]):
        room.modes[ties.units[k]] = ties.status[k]
