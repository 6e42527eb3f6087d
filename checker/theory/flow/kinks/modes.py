"""Compiled pull-back of a layered network in a *mode*: a side for every hidden unit and sample of a
layer with p = 1, α ≠ 1, or sliding, on z = 0 (theory §11).

Free units have slope 1 or α by their mode, whatever sign rounding gives z, so that the field is
smooth within a mode. Sliding units have activation 0, and slope 0: whatever slope they are given
changes the gradient by multiples of their ∇z only, which sliding projects out (`sliding`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ncfcheck.core.compiling import bare, compiled, inlined, matrix_view
from ncfcheck.model.kernels.gradients import _activate, _collect, _expand
from ncfcheck.model.kernels.matrix_products import product, product_with_transposed
from ncfcheck.model.losses import NCF_CODE, descent

# Modes of a hidden unit on a sample; SMOOTH where its layer has no kink.
POSITIVE, NEGATIVE, SLIDING, SMOOTH = 1, -1, 0, 2


class Room(NamedTuple):
    """Scratch of a flow through kinks, and the mode it is in; units are those of hidden layers, H
    with their samples, in the order layer, neuron, sample.
    """

    modes: np.ndarray  # (H,) int8
    pre: np.ndarray  # (H,): z
    values: np.ndarray  # (units · n,): σ(z) of hidden layers, then outputs
    slopes: np.ndarray  # (H,): σ'(z), 0 where sliding
    back: np.ndarray  # (H,): what flows back to σ(z)
    entries: np.ndarray  # expanded weights
    entry_gradient: np.ndarray
    delta: np.ndarray  # (widest · n,)
    weights: np.ndarray  # (k_L, n): −ℓ'
    moved: np.ndarray  # (H,): dz along a direction
    basis: np.ndarray  # (K + 1, P): orthonormal, spans the ∇z of sliding units
    triangle: np.ndarray  # (K, K + 1): the ∇z of representatives in that basis, columns
    normal: np.ndarray  # (P,): one ∇z
    coefficients: np.ndarray  # (K,)
    pulls: np.ndarray  # (K,): a sliding group's part of the gradient on its negative side
    shares: np.ndarray  # (K,): where between both sides a sliding group is, in [0, 1]
    strengths: np.ndarray  # (K,): change of its pull between both sides, < 0 where it attracts
    representatives: np.ndarray  # (K,) int64: sliding units with independent ∇z, layer by layer
    group: np.ndarray  # (H,) int64: the representative's place; −1 where not sliding
    ratio: np.ndarray  # (H,): ∇z in units of the representative's
    layer_of: np.ndarray  # (H,) int64
    zero: np.ndarray  # (H,) int8: whether z is 0, by its own or for want of inputs, at an event
    sizes: np.ndarray  # (L,): mean squares of what reaches each layer
    dependent: np.ndarray  # (H, K): ∇z in the basis of units that depend on several others
    counts: np.ndarray  # (4,) int64: representatives, of them in layer 1, dependent units, calls


def make_room(layout, samples: int, size: int) -> Room:
    """A `Room` for a network of `size` weights on some samples; modes are not set.

    It is made outside compiled code, which does not keep alive what a named tuple holds.
    """
    hidden = (layout.units - layout.widths[-1]) * samples
    most = min(hidden, size)
    layer_of = np.repeat(np.arange(1, layout.widths.size - 1), layout.widths[1:-1] * samples)
    return Room(
        np.empty(hidden, np.int8),
        np.empty(hidden),
        np.empty(layout.units * samples),
        np.empty(hidden),
        np.empty(hidden),
        np.empty(layout.offsets[-1]),
        np.empty(layout.offsets[-1]),
        np.empty(layout.widest * samples),
        np.empty((layout.widths[-1], samples)),
        np.empty(hidden),
        np.empty((most + 1, size)),
        np.zeros((most, most + 1)),
        np.empty(size),
        np.empty(most),
        np.empty(most),
        np.empty(most),
        np.empty(most),
        np.empty(most, np.int64),
        np.empty(hidden, np.int64),
        np.empty(hidden),
        layer_of,
        np.zeros(hidden, np.int8),
        np.zeros(layout.widths.size),
        np.empty((hidden, most)),
        np.zeros(4, np.int64),
    )


@bare()
def is_kinked(layout, layer):
    """Whether hidden layer `layer`, counted from 1, has kinks."""
    return layout.powers[layer - 1] == 1 and layout.slopes[layer - 1] != 1.0


@bare()
def first_unit(layout, layer, samples):
    """Where hidden layer `layer` starts among all hidden units."""
    start = 0
    for below in range(1, layer):
        start += layout.widths[below] * samples
    return start


@bare()
def _in_mode(room, start, stop, alpha):
    """Activations and slopes of a kinked layer's units, whose z are in `values`."""
    for i in range(start, stop):
        mode = room.modes[i]
        slope = 1.0 if mode > 0 else (alpha if mode < 0 else 0.0)
        room.slopes[i] = slope
        room.values[i] *= slope


@compiled(_nrt=False)
def forward(field, theta, room):
    """z, σ(z), σ'(z) of all units and the outputs at θ (P,), in the mode."""
    layout, samples = field.layout, field.X.shape[1]
    if layout.index.size:
        _expand(layout.index, theta, room.entries)
    else:
        for i in range(theta.size):
            room.entries[i] = theta[i]
    start, below, depth = 0, field.X, layout.widths.size - 1
    for layer in range(1, depth + 1):
        rows, columns = layout.widths[layer], layout.widths[layer - 1]
        above = matrix_view(room.values, start, rows, samples)
        product(matrix_view(room.entries, layout.offsets[layer - 1], rows, columns), below, above)
        stop = start + rows * samples
        if layer < depth:
            for i in range(start, stop):
                room.pre[i] = room.values[i]
            power, alpha = layout.powers[layer - 1], layout.slopes[layer - 1]
            if is_kinked(layout, layer):
                _in_mode(room, start, stop, alpha)
            else:
                _activate(room.values, room.slopes, start, stop, power, alpha)
        start, below = stop, above


@bare()
def backward(field, theta, room, gradient):
    """Gradient (P,) of Σ weights ∘ H(X; θ) after `forward`; `room.back` on the way."""
    layout, samples = field.layout, field.X.shape[1]
    entry_gradient = room.entry_gradient if layout.index.size else gradient
    depth, above = layout.widths.size - 1, room.weights
    stop = room.pre.size
    for layer in range(depth, 1, -1):
        rows, columns, first = (
            layout.widths[layer],
            layout.widths[layer - 1],
            layout.offsets[layer - 1],
        )
        start = stop - columns * samples
        below = matrix_view(room.values, start, columns, samples)
        product_with_transposed(above, below, matrix_view(entry_gradient, first, rows, columns))
        here = matrix_view(room.back, start, columns, samples)
        product(matrix_view(room.entries, first, rows, columns).T, above, here)
        # What flows back to z takes the place of moved z, which nothing needs meanwhile.
        for i in range(start, stop):
            room.moved[i] = room.back[i] * room.slopes[i]
        above, stop = matrix_view(room.moved, start, columns, samples), start
    rows, columns = layout.widths[1], layout.widths[0]
    product_with_transposed(above, field.X, matrix_view(entry_gradient, 0, rows, columns))
    if layout.index.size:
        _collect(layout.index, room.entry_gradient, gradient)


@compiled(_nrt=False)
def pull_back(field, theta, factor, room, gradient):
    """Σ weights ∘ H and its gradient (P,) in the mode, both over the field's scale, before sliding
    units are projected out.
    """
    forward(field, theta, room)
    count = field.y.shape[0] * field.y.shape[1]
    first = room.values.size - count
    outputs = matrix_view(room.values, first, field.y.shape[0], field.y.shape[1])
    descent(field.loss, field.y, outputs, factor, room.weights)
    value = 0.0
    for i in range(room.weights.shape[0]):
        for j in range(room.weights.shape[1]):
            room.weights[i, j] /= field.scale
            value += room.weights[i, j] * outputs[i, j]
    backward(field, theta, room, gradient)
    room.counts[3] += 1
    return value


@inlined(_nrt=False)
def factor_of(field, log_r):
    """(δr)^D, in whose units outputs are: of the loss flow."""
    if field.loss == NCF_CODE:
        return 0.0
    return np.exp(field.order * (field.log_delta + log_r))


@compiled(_nrt=False)
def normal_of(field, unit, room, out):
    """∇z (P,) of one unit after `forward`: sliding units below have slope 0."""
    layout, samples = field.layout, field.X.shape[1]
    layer = room.layer_of[unit]
    start = first_unit(layout, layer, samples)
    row, sample = (unit - start) // samples, (unit - start) % samples
    entries = room.entry_gradient if layout.index.size else out
    entries.fill(0.0)
    here, there = room.delta, room.moved  # of layer's units, one sample: both are long enough
    widths = layout.widths
    for j in range(widths[layer]):
        here[j] = 0.0
    here[row] = 1.0
    while True:
        rows, columns, first = widths[layer], widths[layer - 1], layout.offsets[layer - 1]
        below = start - columns * samples
        for j in range(rows):
            if here[j] == 0.0:
                continue
            for k in range(columns):
                a = field.X[k, sample] if layer == 1 else room.values[below + k * samples + sample]
                entries[first + j * columns + k] += here[j] * a
        if layer == 1:
            break
        for k in range(columns):
            total = 0.0
            for j in range(rows):
                total += here[j] * room.entries[first + j * columns + k]
            there[k] = total * room.slopes[below + k * samples + sample]
        for k in range(columns):
            here[k] = there[k]
        layer, start = layer - 1, below
    if layout.index.size:
        _collect(layout.index, entries, out)


@compiled(_nrt=False)
def move(field, direction, room):
    """dz of all units, into `room.moved`, where weights move along `direction` (P,), after
    `forward`.
    """
    layout, samples = field.layout, field.X.shape[1]
    depth, start, lower = layout.widths.size - 1, 0, 0
    for layer in range(1, depth):
        rows, columns, first = (
            layout.widths[layer],
            layout.widths[layer - 1],
            layout.offsets[layer - 1],
        )
        for j in range(rows):
            for i in range(samples):
                room.moved[start + j * samples + i] = 0.0
            for k in range(columns):
                entry = first + j * columns + k
                number = layout.index[entry] if layout.index.size else entry
                dw = direction[number] if number >= 0 else 0.0
                w = room.entries[entry]
                for i in range(samples):
                    here = start + j * samples + i
                    if layer == 1:
                        room.moved[here] += dw * field.X[k, i]
                    else:
                        below = lower + k * samples + i
                        room.moved[here] += (
                            dw * room.values[below] + w * room.slopes[below] * room.moved[below]
                        )
        lower, start = start, start + rows * samples


@compiled(_nrt=False)
def has_inputs(field, unit, room):
    """Whether anything but zeros reaches a unit, as `room.zero` tells, after `forward`."""
    layout, samples = field.layout, field.X.shape[1]
    layer = room.layer_of[unit]
    start = first_unit(layout, layer, samples)
    sample, columns = (unit - start) % samples, layout.widths[layer - 1]
    for k in range(columns):
        if layer == 1:
            if field.X[k, sample] != 0.0:
                return True
            continue
        below = start - columns * samples + k * samples + sample
        if room.values[below] != 0.0 and not room.zero[below]:
            return True
    return False


@compiled(_nrt=False)
def signal(field, unit, side, room):
    """What flows back to σ(z) of a unit whose z turns to one side (±1): units above that have no
    other inputs turn with it.
    """
    layout, samples = field.layout, field.X.shape[1]
    layer, depth = room.layer_of[unit], layout.widths.size - 1
    start = first_unit(layout, layer, samples)
    row, sample = (unit - start) // samples, (unit - start) % samples
    here, there = room.delta, room.normal
    for k in range(layout.widths[layer]):
        here[k] = 0.0
    here[row] = 1.0 if side > 0 else -1.0
    start += layout.widths[layer] * samples
    for above in range(layer + 1, depth + 1):
        rows, columns, first = (
            layout.widths[above],
            layout.widths[above - 1],
            layout.offsets[above - 1],
        )
        for j in range(rows):
            dz = 0.0
            for k in range(columns):
                dz += room.entries[first + j * columns + k] * here[k]
            if above < depth:
                other = start + j * samples + sample
                slope = room.slopes[other]
                if is_kinked(layout, above):
                    if not has_inputs(field, other, room):
                        slope = 1.0 if dz > 0 else layout.slopes[above - 1]
                    elif room.group[other] >= 0:
                        slope = room.moved[other] / room.back[other] if room.back[other] else 0.0
                dz *= slope
            there[j] = dz
        for j in range(rows):
            here[j] = there[j]
        start += rows * samples
    total = 0.0
    for j in range(layout.widths[depth]):
        total += room.weights[j, sample] * here[j]
    return total * side
