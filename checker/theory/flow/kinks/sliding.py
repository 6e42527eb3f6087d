"""Sliding along kinks, compiled (theory §11): the least-norm subgradient in a mode is any of them,
with what moves sliding units off z = 0 projected out, as long as slopes in [α, 1] do that.

With sliding units S, g(θ) = g(0) + Σ_s θ_s b_s ∇z_s, where b_s flows back to s at slopes θ above it
and ∇z_s is that at slope 0 of sliding units below; so θ follows from the part of g(0) that is
projected out, from the uppermost layer downwards. Samples whose ∇z are parallel share one kink:
they are one *group*, of which one is the representative, between both sides by one share.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import bare, compiled, matrix_view
from ncfcheck.model.kernels.matrix_products import product
from ncfcheck.theory.flow.kinks.modes import (
    SLIDING,
    factor_of,
    first_unit,
    forward,
    is_kinked,
    normal_of,
    pull_back,
    signal,
)

# Share of ∇z outside those of other sliding units below which it depends on them; and 1 − |cosine|
# below which two of them are parallel.
DEPENDENT, PARALLEL = 1e-9, 1e-12
SWEEPS, RESTING = 2000, 1e-9  # of bounded least squares; what is left of them at rest
# The pull of a kink, in units of the first gradient, that rounding may leave of none: any slope
# will do there.
FAINT = 1e-12
# The norm of a neuron's weights at which it dies out rather than turns its kinks about: balance
# keeps what flows back to it as small, and errors decide its sign. Where it comes back to life, no
# way on is known.
DYING = 1e-4
NONE, ANOTHER = -1, -2  # the group of a unit that does not slide; of one that depends on several


@bare()
def _norm(vector):
    total = 0.0
    for x in vector:
        total += x * x
    return np.sqrt(total)


@bare()
def _reduced(vector, count, room, column):
    """Take the basis' first `count` directions out of a vector, twice; their coefficients are added
    to a column of the triangle.
    """
    for q in range(count):
        room.triangle[q, column] = 0.0
    for _ in range(2):
        for q in range(count):
            along = 0.0
            for i in range(vector.size):
                along += room.basis[q, i] * vector[i]
            room.triangle[q, column] += along
            for i in range(vector.size):
                vector[i] -= along * room.basis[q, i]


@bare()
def _adopt(vector, count, room):
    """A reduced ∇z as the basis' next direction."""
    length = _norm(vector)
    room.triangle[count, count] = length
    for i in range(vector.size):
        room.basis[count, i] = vector[i] / length


@bare()
def _parallel(field, unit, size, count, room):
    """The place of the representative whose ∇z is parallel, and ∇z in its units; or −2, 0."""
    column = count
    for place in range(count):
        other = room.representatives[place]
        if room.layer_of[other] != room.layer_of[unit]:
            continue
        along = length = 0.0
        for q in range(place + 1):
            along += room.triangle[q, place] * room.triangle[q, column]
            length += room.triangle[q, place] ** 2
        cosine = along / np.sqrt(length) / size
        if 1.0 - abs(cosine) <= PARALLEL:
            return place, along / length
    return ANOTHER, 0.0


@compiled(_nrt=False)
def arrange(field, theta, room):
    """Find representatives and groups of the mode's sliding units at θ, and their basis."""
    forward(field, theta, room)
    count = first = dependent = 0
    most = room.representatives.size
    for unit in range(room.modes.size):
        room.group[unit] = NONE
        if room.modes[unit] != SLIDING:
            continue
        normal = room.normal
        normal_of(field, unit, room, normal)
        size = _norm(normal)
        if size == 0.0:
            room.group[unit], room.ratio[unit] = ANOTHER, 0.0
            continue
        _reduced(normal, count, room, count)
        if _norm(normal) > DEPENDENT * size:
            _adopt(normal, count, room)
            room.representatives[count], room.group[unit], room.ratio[unit] = unit, count, 1.0
            count += 1
            if room.layer_of[unit] == 1:
                first = count
            continue
        room.group[unit], room.ratio[unit] = _parallel(field, unit, size, count, room)
        if room.group[unit] == ANOTHER:
            dependent += 1
            for q in range(most):
                room.dependent[unit, q] = room.triangle[q, count] if q < count else 0.0
    room.counts[0], room.counts[1], room.counts[2] = count, first, dependent


@bare()
def _refresh(field, room):
    """The basis at weights of which `forward` is known: ∇z of layer 1 are the same everywhere."""
    for place in range(room.counts[1], room.counts[0]):
        normal_of(field, room.representatives[place], room, room.normal)
        _reduced(room.normal, place, room, place)
        _adopt(room.normal, place, room)


@bare()
def project(gradient, room):
    """Take ∇z of sliding units out of a gradient (P,), and keep what it had of the basis."""
    for q in range(room.counts[0]):
        room.coefficients[q] = 0.0
    for _ in range(2):
        for q in range(room.counts[0]):
            along = 0.0
            for i in range(gradient.size):
                along += room.basis[q, i] * gradient[i]
            room.coefficients[q] += along
            for i in range(gradient.size):
                gradient[i] -= along * room.basis[q, i]


@compiled(_nrt=False)
def least(field, v, log_r, out, room):
    """The least subgradient of the mode at v (P,) and log r, over the field's scale, into out;
    Σ −ℓ'·H/scale.
    """
    value = pull_back(field, v, factor_of(field, log_r), room, out)
    if room.counts[0]:
        _refresh(field, room)
        project(out, room)
    return value


@compiled(_nrt=False)
def rate(field, state, out, room):
    """Rate of (v, log r, t), (P + 2,), in the mode, into out; Σ −ℓ'·H/scale, ‖ḡ‖/scale and sin∠."""
    size = state.size - 2
    v, g = state[:size], out[:size]
    value = least(field, v, state[size], g, room)
    along = squares = length = 0.0
    for i in range(size):
        along += g[i] * v[i]
        squares += g[i] * g[i]
        length += v[i] * v[i]
    radial, norm = along / length, np.sqrt(squares)
    if norm == 0.0:
        out.fill(0.0)
        return value, norm, 0.0
    tangential = 0.0
    for i in range(size):
        g[i] = (g[i] - radial * v[i]) / norm
        tangential += g[i] * g[i]
    out[size] = radial / norm
    out[size + 1] = np.exp(-(field.order - 2) * state[size]) / norm
    return value, norm, np.sqrt(tangential)


@compiled(_nrt=False)
def settle_shares(field, room):
    """Where between both sides each sliding group is, and how strongly its kink pulls: after `rate`
    at the same weights. `room.back` is then what flows back at these slopes.
    """
    layout, samples = field.layout, field.X.shape[1]
    count = room.counts[0]
    layer_with_dependent = -1
    for unit in range(room.modes.size):
        if room.group[unit] == ANOTHER:
            layer_with_dependent = room.layer_of[unit]
    for place in range(count - 1, -1, -1):  # back-substitution: the parts that were projected out
        total = room.coefficients[place]
        for q in range(place + 1, count):
            total -= room.triangle[place, q] * room.shares[q]
        room.shares[place] = total / room.triangle[place, place]
    depth, above, place = layout.widths.size - 1, room.weights, count - 1
    stop = room.pre.size
    for layer in range(depth, 1, -1):
        rows, columns = layout.widths[layer], layout.widths[layer - 1]
        start = stop - columns * samples
        W = matrix_view(room.entries, layout.offsets[layer - 1], rows, columns)
        product(W.T, above, matrix_view(room.back, start, columns, samples))
        alpha, lowest = layout.slopes[layer - 2], place
        while lowest >= 0 and room.representatives[lowest] >= start:
            room.strengths[lowest] = 0.0
            room.pulls[lowest] = 0.0
            lowest -= 1
        for unit in range(start, stop):
            group = room.group[unit]
            if group >= 0:
                negative, positive = _pulls(field, unit, layer - 1, alpha, room)
                room.strengths[group] += positive - negative
                room.pulls[group] += negative
        if layer - 1 == layer_with_dependent:
            _rest(room, start, stop, alpha, lowest + 1, place + 1)
        else:
            for q in range(lowest + 1, place + 1):
                strength = room.strengths[q]
                wanted = -room.shares[q] - room.pulls[q]
                if abs(strength) > FAINT:
                    room.shares[q] = wanted / strength
                else:
                    room.shares[q] = 0.5 if abs(wanted) <= FAINT else np.nan
        place = lowest
        for unit in range(start, stop):
            group = room.group[unit]
            if group >= 0:
                negative, positive = _pulls(field, unit, layer - 1, alpha, room)
                share = room.shares[group]
                room.moved[unit] = (negative + share * (positive - negative)) / room.ratio[unit]
            else:
                room.moved[unit] = room.back[unit] * room.slopes[unit]
        above, stop = matrix_view(room.moved, start, columns, samples), start


@bare()
def _rest(room, start, stop, alpha, first, last):
    """Whether slopes in [α, 1] hold still units of a layer of which some depend on several others,
    as where a neuron's weights are all 0: bounded least squares, one slope at a time. Shares are
    then ½, else 2.
    """
    left, slopes = room.normal, room.moved
    size = 0.0
    for q in range(first, last):
        # What of g(0) was projected out, in the basis; layers above have had theirs.
        total = 0.0
        for place in range(q, last):
            total += room.triangle[q, place] * room.shares[place]
        left[q] = total
        size = max(size, abs(total))
    for unit in range(start, stop):
        if room.modes[unit] == SLIDING and room.group[unit] != NONE:
            slopes[unit] = 0.5 * (1.0 + alpha)
            for q in range(first, last):
                part = slopes[unit] * room.back[unit] * _entry(room, unit, q)
                left[q] += part
                size = max(size, abs(part))
    rest = 0.0
    for _ in range(SWEEPS):
        for unit in range(start, stop):
            if room.modes[unit] != SLIDING or room.group[unit] == NONE:
                continue
            along = length = 0.0
            for q in range(first, last):
                column = room.back[unit] * _entry(room, unit, q)
                along += column * left[q]
                length += column * column
            if length == 0.0:
                continue
            slope = min(1.0, max(alpha, slopes[unit] - along / length))
            for q in range(first, last):
                left[q] += (slope - slopes[unit]) * room.back[unit] * _entry(room, unit, q)
            slopes[unit] = slope
        rest = 0.0
        for q in range(first, last):
            rest = max(rest, abs(left[q]))
        if rest <= RESTING * size:
            break
    for q in range(first, last):
        room.shares[q] = 0.5 if rest <= RESTING * size else 2.0
        room.strengths[q] = -1.0


@bare()
def _entry(room, unit, q):
    """∇z of a sliding unit along a direction of the basis."""
    group = room.group[unit]
    if group == ANOTHER:
        return room.dependent[unit, q]
    return room.ratio[unit] * room.triangle[q, group] if q <= group else 0.0


@bare()
def _pulls(field, unit, layer, alpha, room):
    """What multiplies the representative's ∇z in g for a unit of a sliding group, on the group's
    negative and on its positive side.
    """
    ratio, back = room.ratio[unit], room.back[unit]
    inner, outer = alpha * back, back
    if layer + 1 < field.layout.widths.size - 1 and is_kinked(field.layout, layer + 1):
        if is_alone(field, unit, layer, room):
            outer = signal(field, unit, 1, room)
            inner = alpha * signal(field, unit, 1 if alpha < 0 else -1, room)
    return (ratio * inner, ratio * outer) if ratio > 0 else (ratio * outer, ratio * inner)


@bare()
def is_alone(field, unit, layer, room):
    """Whether no other unit of a hidden layer is active on the unit's sample."""
    samples = field.X.shape[1]
    start = first_unit(field.layout, layer, samples)
    sample = (unit - start) % samples
    for k in range(field.layout.widths[layer]):
        other = start + k * samples + sample
        if room.values[other] != 0.0 and not room.zero[other]:
            return False
    return True


@compiled(_nrt=False)
def is_dying(field, unit, room, size):
    """Whether the norm of a unit's row is at most `size`, after `forward`."""
    layout, layer = field.layout, room.layer_of[unit]
    samples, columns = field.X.shape[1], layout.widths[layer - 1]
    row = (unit - first_unit(layout, layer, samples)) // samples
    first, total = layout.offsets[layer - 1] + row * columns, 0.0
    for k in range(columns):
        total += room.entries[first + k] ** 2
    return total <= size * size


@compiled(_nrt=False)
def faint_of(field, unit, room):
    """The pull of a unit's kink that counts as none, after `forward`."""
    return DYING if is_dying(field, unit, room, DYING) else FAINT


@compiled(_nrt=False)
def sliding_slopes(field, room, out):
    """θ of sliding units, (H,), after `settle_shares`; NaN for others, and where any will do."""
    for unit in range(room.modes.size):
        out[unit] = np.nan
        group = room.group[unit]
        if room.modes[unit] != SLIDING or group < 0:
            continue
        if abs(room.strengths[group]) > faint_of(field, unit, room):
            alpha, share = field.layout.slopes[room.layer_of[unit] - 1], room.shares[group]
            share = share if room.ratio[unit] > 0 else 1.0 - share
            out[unit] = alpha + (1.0 - alpha) * share


@compiled(_nrt=False)
def onto_kinks(field, v, room):
    """Bring a unit vector v (P,) whose sliding units drifted off z = 0 back, by a Newton step;
    `rate` or `least` gave the basis there, or nearby.
    """
    count, size = room.counts[0], v.size
    if count == 0:
        return
    forward(field, v, room)
    for place in range(count):  # forward substitution with the triangle's transpose
        total = room.pre[room.representatives[place]]
        for q in range(place):
            total -= room.triangle[q, place] * room.normal[q]
        room.normal[place] = total / room.triangle[place, place]
    for place in range(count):
        for i in range(size):
            v[i] -= room.normal[place] * room.basis[place, i]
    length = _norm(v)
    for i in range(size):
        v[i] /= length
