"""Running bounds on the rounding errors of a program's computed units and gradients.

As for layered networks (`ncfcheck.model.rounding`): every unit and delta a comes with e ≥
|computed a − exact a|, to first order in the unit roundoff, with room to spare in the constants.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import bare, compiled
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.instructions import (
    COLUMNS,
    DENSE,
    EXPONENT,
    EXPONENTIAL,
    FIRST,
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
    Code,
)
from ncfcheck.model.rounding import activation_bounds, underflow

Array = np.ndarray


def output_bound(code: Code, theta: Array, X: Array, width: int) -> Array:
    """Bound on the error of every computed output H(x_i; θ), (n, m); θ (P,), samples as columns
    X (d, n).
    """
    return _bounds(code, theta, X, np.zeros((width, X.shape[1])), False)[2].T


def gradient_bound(
    code: Code, theta: Array, X: Array, r: Array, settled: bool = False
) -> tuple[float, Array]:
    """Bounds on the errors of Σ r ∘ H(X; θ) and of its gradient (P,); θ (P,), samples as columns
    X (d, n), r (m, n).

    `settled`: whatever is within rounding of a kink lies on the side computed for it.
    """
    return _bounds(code, theta, X, r, settled)[:2]


@compiled()
def _bounds(code, theta, X, r, settled):
    """Bounds for Σ r ∘ H(X; θ), its gradient (P,), H (m, n); X (d, n), r (m, n)."""
    samples = X.shape[1]
    values, errors = np.zeros(code.units * samples), np.zeros(code.units * samples)
    slopes, bends = np.zeros(code.units * samples), np.zeros(code.units * samples)
    deltas, offs = np.zeros(code.units * samples), np.zeros(code.units * samples)
    gradient, outputs = np.zeros(theta.size), np.empty(r.shape)
    for i in range(X.shape[0]):
        for j in range(samples):
            values[i * samples + j] = X[i, j]
    for k in range(len(code.table)):
        row = code.table[k]
        if row[OP] == DENSE:
            _dense(row, theta, samples, values, errors)
        elif row[OP] >= ONES:
            for i in range(row[START] * samples, row[STOP] * samples):
                below = i + (row[SOURCE] - row[START]) * samples
                values[i], errors[i], slopes[i], bends[i] = _elementwise(
                    row, code.scalars[k], values[below], errors[below], settled
                )
        else:
            _entries(code, k, theta, samples, values, errors)
    value, count = 0.0, r.shape[0] * samples
    for i in range(r.shape[0]):
        for j in range(samples):
            here, weight = (code.output + i) * samples + j, r[i, j]
            outputs[i, j], deltas[here] = errors[here], weight
            value += abs(weight) * (errors[here] + EPS * (count + 2) * abs(values[here]))
            value += underflow(weight, 0.0, values[here], errors[here])
    for k in range(len(code.table) - 1, code.leading - 1, -1):
        row = code.table[k]
        if row[OP] == DENSE:
            _dense_back(code, row, theta, samples, values, errors, deltas, offs, gradient)
        elif row[OP] == MAXIMUM:
            _maximum_back(code, k, samples, values, errors, deltas, offs, settled)
        elif row[OP] >= POWER:
            for i in range(row[START] * samples, row[STOP] * samples):
                below = i + (row[SOURCE] - row[START]) * samples
                _pass(code, below, deltas[i], offs[i], slopes[i], bends[i], 2, deltas, offs)
        elif row[OP] < ONES:
            _entries_back(code, k, theta, samples, values, errors, deltas, offs, gradient)
    return value, gradient, outputs


@bare()
def _pass(code, here, delta, off, factor, factor_error, terms, deltas, offs):
    """Add delta · factor to the delta `here`, and what it may be off by, after sums of `terms`."""
    part = delta * factor
    rounding = EPS * (terms + code.readers + 2) * abs(part)
    rounding += underflow(delta, off, factor, factor_error)
    deltas[here] += part
    offs[here] += off * (abs(factor) + factor_error) + abs(delta) * factor_error + rounding


@bare()
def _product_error(a, a_error, b, b_error, terms):
    """What a·b may be off by, in a sum of so many terms."""
    return (
        abs(a) * b_error
        + a_error * abs(b)
        + a_error * b_error
        + EPS * (terms + 2) * abs(a) * abs(b)
        + underflow(a, a_error, b, b_error)
    )


@bare()
def _number(row, i, k):
    """The parameter in row i, column k of a dense instruction's matrix."""
    place = k * row[ROWS] + i if row[IS_TRANSPOSED] else i * row[COLUMNS] + k
    return row[WEIGHT] + place


@bare()
def _dense(row, theta, samples, values, errors):
    rows, columns = row[ROWS], row[COLUMNS]
    across = (row[STOP] - row[START]) // rows * samples
    for i in range(rows):
        for k in range(columns):
            w = theta[_number(row, i, k)]
            for j in range(across):
                out = row[START] * samples + i * across + j
                below = row[SOURCE] * samples + k * across + j
                values[out] += w * values[below]
                errors[out] += _product_error(w, 0.0, values[below], errors[below], columns)


@bare()
def _dense_back(code, row, theta, samples, values, errors, deltas, offs, gradient):
    rows, columns = row[ROWS], row[COLUMNS]
    across = (row[STOP] - row[START]) // rows * samples
    for i in range(rows):
        for k in range(columns):
            number, total = _number(row, i, k), 0.0
            for j in range(across):
                out = row[START] * samples + i * across + j
                below = row[SOURCE] * samples + k * across + j
                total += _product_error(
                    deltas[out], offs[out], values[below], errors[below], across + code.readers
                )
                _pass(code, below, deltas[out], offs[out], theta[number], 0.0, rows, deltas, offs)
            gradient[number] += total


@bare()
def _elementwise(row, slope, z, error, settled):
    """f(z), its error, f'(z) and its error, for a z known to within `error`."""
    if row[OP] == POWER:
        return activation_bounds(z, error, row[EXPONENT], slope, settled)
    if row[OP] == EXPONENTIAL:
        value = np.exp(z)
        off = value * (np.expm1(error) + 4 * EPS)
        return value, off, value, off
    if row[OP] == ONES:
        return 1.0, 0.0, 0.0, 0.0
    # What is divided by is positive: at worst it is smaller by all of its error.
    least, power = max(abs(z) - error, 0.0), 1.0 if row[OP] == RECIPROCAL else 0.5
    value, first = abs(z) ** -power, power * abs(z) ** (-power - 1)
    off = power * least ** (-power - 1) * error + 4 * EPS * value
    bend = power * (power + 1) * least ** (-power - 2) * error + 8 * EPS * first
    return (value if z > 0 else -value), off, -first, bend


@bare()
def _entries(code, k, theta, samples, values, errors):
    row = code.table[k]
    terms = row[LAST] - row[FIRST]
    for entry in range(row[FIRST], row[LAST]):
        target = code.targets[entry]
        is_first = entry == row[FIRST] or code.targets[entry - 1] != target
        for j in range(code.blocks[entry] * samples):
            out, a = target * samples + j, code.sources[entry] * samples + j
            if row[OP] == MAXIMUM:
                values[out] = values[a] if is_first else max(values[out], values[a])
                errors[out] = max(errors[out], errors[a])
            else:
                b, b_error = _factor(code, k, entry, theta, samples, j, values, errors)
                values[out] += values[a] * b
                errors[out] += _product_error(values[a], errors[a], b, b_error, terms)


@bare()
def _factor(code, k, entry, theta, samples, j, values, errors):
    """What the source of an entry is multiplied with, and its error."""
    op, other = code.table[k, OP], code.others[entry]
    if op == SUM:
        return code.scalars[k], 0.0
    if op == PRODUCT:
        return values[other * samples + j], errors[other * samples + j]
    return theta[other], 0.0


@bare()
def _entries_back(code, k, theta, samples, values, errors, deltas, offs, gradient):
    op = code.table[k, OP]
    for entry in range(code.table[k, FIRST], code.table[k, LAST]):
        other, count = code.others[entry], code.blocks[entry] * samples
        for j in range(count):
            out = code.targets[entry] * samples + j
            a = code.sources[entry] * samples + j
            delta, off = deltas[out], offs[out]
            b, b_error = _factor(code, k, entry, theta, samples, j, values, errors)
            _pass(code, a, delta, off, b, b_error, 2, deltas, offs)
            if op == PRODUCT:
                there = other * samples + j
                _pass(code, there, delta, off, values[a], errors[a], 2, deltas, offs)
            elif op != SUM:
                terms = count + code.readers
                gradient[other] += _product_error(delta, off, values[a], errors[a], terms)


@bare()
def _maximum_back(code, k, samples, values, errors, deltas, offs, settled):
    """To the first of those that reach the maximum; all that may reach it may be the one."""
    row = code.table[k]
    for j in range(samples):
        given = -1
        for entry in range(row[FIRST], row[LAST]):
            target, source = code.targets[entry], code.sources[entry]
            out, here = target * samples + j, source * samples + j
            gap, doubt = values[out] - values[here], errors[out] + errors[here]
            is_taken = gap == 0 and given != target
            if is_taken:
                given = target
            share = 1.0 if is_taken else 0.0
            unsure = (
                1.0
                if not settled
                and gap <= doubt
                and _has_rival(code, k, entry, samples, j, values, errors)
                else 0.0
            )
            _pass(code, here, deltas[out], offs[out], share, unsure, 1, deltas, offs)


@bare()
def _has_rival(code, k, entry, samples, j, values, errors):
    """Whether another of the same group may reach the maximum, too."""
    target = code.targets[entry]
    out = target * samples + j
    for other in range(code.table[k, FIRST], code.table[k, LAST]):
        here = code.sources[other] * samples + j
        may_reach = values[out] - values[here] <= errors[out] + errors[here]
        if code.targets[other] == target and other != entry and may_reach:
            return True
    return False
