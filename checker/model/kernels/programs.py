"""Compiled kernels: a program's units and gradient at a flat weight vector.

One specialisation runs all programs; compiled for complex numbers it gives second derivatives, by
steps along the imaginary axis, which lose no digits: N is analytic on either side of a kink.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from ncfcheck.core.compiling import bare, compiled, inlined, matrix_view
from ncfcheck.model.instructions import (
    COLUMNS,
    DENSE,
    EXPONENT,
    EXPONENTIAL,
    FIRST,
    IS_SHARED,
    IS_TIED,
    IS_TRANSPOSED,
    LAST,
    MAXIMUM,
    ONES,
    OP,
    POWER,
    PRODUCT,
    RECIPROCAL,
    ROWS,
    SOURCE,
    START,
    STOP,
    SUM,
    WEIGHT,
    WEIGHTED,
)
from ncfcheck.model.kernels.matrix_products import product, product_with_transposed
from ncfcheck.model.layouts import times_power
from ncfcheck.model.losses import descent

_times_power = inlined(_nrt=False)(times_power)


@bare()
def _elementwise(row, slope, samples, values):
    """The units of an instruction that makes each of one other; 0 counts as positive."""
    op, power, negative = row[OP], row[EXPONENT], slope ** row[EXPONENT]
    count = (row[STOP] - row[START]) * samples
    below = matrix_view(values, row[SOURCE] * samples, 1, count)
    here = matrix_view(values, row[START] * samples, 1, count)
    if op == POWER and power == 2:
        for i in range(count):
            z = below[0, i]
            here[0, i] = (z if z.real >= 0 else negative * z) * z
        return
    for i in range(count):
        z = below[0, i]
        if op == POWER:
            here[0, i] = _times_power(z if z.real >= 0 else negative * z, z, power - 1)
        elif op == EXPONENTIAL:
            here[0, i] = np.exp(z)
        elif op == RECIPROCAL:
            here[0, i] = 1 / z
        else:
            here[0, i] = 1 / np.sqrt(z)


@bare()
def _elementwise_back(row, slope, samples, values, deltas, fixed):
    """Add what its units pass back to those that they are made of."""
    op, power, negative = row[OP], row[EXPONENT], slope ** row[EXPONENT]
    count = (row[STOP] - row[START]) * samples
    below = matrix_view(values, row[SOURCE] * samples, 1, count)
    here = matrix_view(values, row[START] * samples, 1, count)
    above = matrix_view(deltas, (row[START] - fixed) * samples, 1, count)
    back = matrix_view(deltas, (row[SOURCE] - fixed) * samples, 1, count)
    if op == POWER and power == 2:
        for i in range(count):
            z = below[0, i]
            back[0, i] += above[0, i] * (2 * z if z.real >= 0 else 2 * negative * z)
        return
    for i in range(count):
        delta, z, value = above[0, i], below[0, i], here[0, i]
        if op == POWER:
            delta *= power if z.real >= 0 else power * negative
            back[0, i] += _times_power(delta, z, power - 1)
        elif op == EXPONENTIAL:
            back[0, i] += delta * value
        elif op == RECIPROCAL:
            back[0, i] -= delta * value * value
        else:
            back[0, i] -= 0.5 * delta * value * value * value


@bare(fastmath={"reassoc", "contract", "nsz"}, forceinline=True)
def _weighted_back(w, deltas, above, values, a, back, count):
    """Add w times the deltas from `above` on to those from `back` on, unless that is below 0, where
    none are kept; returns the inner product of the former and as many values from a on.
    """
    given, left = matrix_view(deltas, above, 1, count), matrix_view(values, a, 1, count)
    here = matrix_view(deltas, max(back, 0), 1, count)
    total = 0.0 * deltas[above]
    for j in range(count):
        total += given[0, j] * left[0, j]
        if back >= 0:
            here[0, j] += w * given[0, j]
    return total


@bare(forceinline=True)
def _fill(number, sums, out, count):
    """So many numbers from `out` on are this one."""
    here = matrix_view(sums, out, 1, count)
    for j in range(count):
        here[0, j] = number


@bare(forceinline=True)
def _add(scale, parts, a, sums, out, count):
    """Add scale · parts to sums, so many numbers from a and from `out` on."""
    left, here = matrix_view(parts, a, 1, count), matrix_view(sums, out, 1, count)
    for j in range(count):
        here[0, j] += scale * left[0, j]


@bare(forceinline=True)
def _add_products(first, a, second, b, sums, out, count):
    """Add first · second to sums, so many numbers from a, b and `out` on."""
    left, right = matrix_view(first, a, 1, count), matrix_view(second, b, 1, count)
    here = matrix_view(sums, out, 1, count)
    for j in range(count):
        here[0, j] += left[0, j] * right[0, j]


@bare(forceinline=True)
def _raise(values, a, out, count):
    """The larger of two, of so many numbers from `out` and from a on, the former where equal."""
    left, here = matrix_view(values, a, 1, count), matrix_view(values, out, 1, count)
    for j in range(count):
        if not left[0, j].real <= here[0, j].real:
            here[0, j] = left[0, j]


@bare()
def _entries(code, k, theta, samples, values):
    """The units of an instruction that adds terms up, or takes the largest."""
    row, op = code.table[k], code.table[k, OP]
    empty, filled = -np.inf if op == MAXIMUM else 0.0, row[START] * samples
    for entry in range(row[FIRST], row[LAST]):
        out, a = code.targets[entry] * samples, code.sources[entry] * samples
        other, count = code.others[entry], code.blocks[entry] * samples
        if out >= filled:  # the first terms, in order
            _fill(empty, values, filled, out + count - filled)
            filled = out + count
        if op == SUM:
            _add(code.scalars[k], values, a, values, out, count)
        elif op == WEIGHTED:
            _add(theta[other], values, a, values, out, count)
        elif op == PRODUCT:
            _add_products(values, a, values, other * samples, values, out, count)
        else:
            _raise(values, a, out, count)
    _fill(empty, values, filled, row[STOP] * samples - filled)


@bare()
def _entries_back(code, k, theta, samples, values, deltas, gradient):
    """Add what its units pass back to those that they are made of, and to the gradient."""
    row, op, free = code.table[k], code.table[k, OP], code.fixed * samples
    for entry in range(row[FIRST], row[LAST]):
        out, a = code.targets[entry] * samples, code.sources[entry] * samples
        other, count = code.others[entry], code.blocks[entry] * samples
        above, back = out - free, a - free
        if op == SUM and back >= 0:
            _add(code.scalars[k], deltas, above, deltas, back, count)
        elif op == WEIGHTED:
            w = theta[other]
            gradient[other] += _weighted_back(w, deltas, above, values, a, back, count)
        elif op == PRODUCT:
            b = other * samples
            if back >= 0:
                _add_products(values, b, deltas, above, deltas, back, count)
            if b >= free:
                _add_products(values, a, deltas, above, deltas, b - free, count)
        elif op == MAXIMUM:
            _give(values, out, a, deltas, above, back, count)


@bare(forceinline=True)
def _give(values, out, a, deltas, above, back, count):
    """Hand the deltas of maxima over to the first of those that reach them."""
    reached, left = matrix_view(values, out, 1, count), matrix_view(values, a, 1, count)
    given = matrix_view(deltas, above, 1, count)
    here = matrix_view(deltas, max(back, 0), 1, count)
    for j in range(count):
        if left[0, j] == reached[0, j]:
            if back >= 0:
                here[0, j] += given[0, j]
            given[0, j] = 0.0


@bare()
def _dense(row, theta, samples, values):
    """The units of a matrix's product with others."""
    rows, columns = row[ROWS], row[COLUMNS]
    across = (row[STOP] - row[START]) // rows * samples
    below = matrix_view(values, row[SOURCE] * samples, columns, across)
    above = matrix_view(values, row[START] * samples, rows, across)
    if row[IS_TRANSPOSED]:
        product(matrix_view(theta, row[WEIGHT], columns, rows).T, below, above)
    else:
        product(matrix_view(theta, row[WEIGHT], rows, columns), below, above)


@bare()
def _dense_back(row, theta, samples, values, deltas, fixed, gradient, spare):
    """The matrix's gradient, and what goes back to the units that it was multiplied with."""
    rows, columns = row[ROWS], row[COLUMNS]
    across = (row[STOP] - row[START]) // rows * samples
    above = matrix_view(deltas, (row[START] - fixed) * samples, rows, across)
    below = matrix_view(values, row[SOURCE] * samples, columns, across)
    out, first = (spare, 0) if row[IS_TIED] else (gradient, row[WEIGHT])
    if row[IS_TRANSPOSED]:
        product_with_transposed(below, above, matrix_view(out, first, columns, rows))
    else:
        product_with_transposed(above, below, matrix_view(out, first, rows, columns))
    if row[IS_TIED]:
        _add(1.0, spare, 0, gradient, row[WEIGHT], rows * columns)
    start = (row[SOURCE] - fixed) * samples
    if start < 0:
        return
    out, first = (spare, 0) if row[IS_SHARED] else (deltas, start)
    passed = matrix_view(out, first, columns, across)
    if row[IS_TRANSPOSED]:
        product(matrix_view(theta, row[WEIGHT], columns, rows), above, passed)
    else:
        product(matrix_view(theta, row[WEIGHT], rows, columns).T, above, passed)
    if row[IS_SHARED]:
        _add(1.0, spare, 0, deltas, start, columns * across)


@compiled(_nrt=False)
def forward(code, theta, samples, values, first, last):
    """The units of instructions first to last, in values (units · samples,)."""
    for k in range(first, last):
        row = code.table[k]
        if row[OP] == DENSE:
            _dense(row, theta, samples, values)
        elif row[OP] == ONES:
            _fill(1.0, values, row[START] * samples, (row[STOP] - row[START]) * samples)
        elif row[OP] >= POWER:
            _elementwise(row, code.scalars[k], samples, values)
        else:
            _entries(code, k, theta, samples, values)


@bare()
def _backward(code, theta, samples, values, deltas, gradient, spare):
    """Add the gradient, by the deltas of the outputs; the other deltas and the gradient are 0."""
    for k in range(len(code.table) - 1, code.leading - 1, -1):
        row = code.table[k]
        if row[OP] == DENSE:
            _dense_back(row, theta, samples, values, deltas, code.fixed, gradient, spare)
        elif row[OP] >= POWER:
            _elementwise_back(row, code.scalars[k], samples, values, deltas, code.fixed)
        else:
            _entries_back(code, k, theta, samples, values, deltas, gradient)


@register_jitable(inline="always")
def workspace(code, samples):
    """Scratch for some samples: units, what flows back to them, room for products."""
    free = (code.units - code.fixed) * samples
    spare = max(code.spare, code.spare_units * samples)
    return np.empty(code.units * samples), np.empty(free), np.empty(spare)


@bare()
def _units(code, theta, fixed, values):
    """All units, those that depend on no weights from fixed (units, n)."""
    samples = fixed.shape[1]
    for i in range(fixed.shape[0]):
        for j in range(samples):
            values[i * samples + j] = fixed[i, j]
    forward(code, theta, samples, values, code.leading, len(code.table))


@bare()
def _pulled_back(code, theta, r, values, deltas, spare, gradient):
    """Σ r ∘ H and its gradient into `gradient`, after `_units`, for r (m, n)."""
    samples = r.shape[1]
    deltas[:] = 0.0
    gradient[:] = 0.0
    value, start = values[0] * 0.0, code.output * samples
    for i in range(r.shape[0]):
        for j in range(samples):
            here = start + i * samples + j
            deltas[here - code.fixed * samples] = r[i, j]
            value += r[i, j] * values[here]
    _backward(code, theta, samples, values, deltas, gradient, spare)
    return value


@compiled()
def pull_back(code, theta, fixed, r):
    """Σ r ∘ H and its gradient (P,), for the units that depend on no weights, fixed (units, n), and
    r (m, n).
    """
    samples = fixed.shape[1]
    # In one block: several large ones the C library hands back to the system at every call.
    size, free = code.units * samples, (code.units - code.fixed) * samples
    room = np.empty(size + free + max(code.spare, code.spare_units * samples), theta.dtype)
    values, deltas, spare = room[:size], room[size : size + free], room[size + free :]
    gradient = np.empty(theta.size, theta.dtype)
    _units(code, theta, fixed, values)
    return _pulled_back(code, theta, r, values, deltas, spare, gradient), gradient


@compiled(_nrt=False)
def pull_back_weighed(code, theta, fixed, y, loss, factor, scale, weights, work, gradient):
    """Σ_i w_i H(x_i; θ), its gradient at fixed w = −ℓ'(factor · H(X; θ), y)/scale, left in weights.

    The same as `gradients.pull_back` of layered networks, with fixed (units, n) for X.
    """
    values, deltas, spare = work
    _units(code, theta, fixed, values)
    start = code.output * fixed.shape[1]
    outputs = matrix_view(values, start, y.shape[0], y.shape[1])
    descent(loss, y, outputs, factor, weights)
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            weights[i, j] /= scale
    return _pulled_back(code, theta, weights, values, deltas, spare, gradient)
