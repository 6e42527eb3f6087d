"""The flows of theory §4 in double-double numbers: extrapolated midpoint steps of order 16.

The state is (v, 1/r, t), by the arc-length-like time σ of the engine, of which nothing is used here
but the numbers of the network: other arithmetic, another method, another state.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import compiled
from tests.honest.doubled import add, div, exponential, mul, plain, power, root, sub

COLUMNS = 8  # of the extrapolation, by 2, 4, … 16 midpoints
GLANCE = 3  # column from which on a step may be long enough, or known to be too long
FASTER = np.array([2.0, 2.0, 2.0, 3.0, 2.0, 1.6, 1.2, 0.95])  # next step, by the last column
SHORTEST = 1e-19
NCF, SQUARE, LOGISTIC, HUBER, EXPONENTIAL, SOFTMAX = 0, 1, 2, 3, 4, 5
THRESHOLD = 1.5  # κ of the Huber loss


@compiled()
def gradient(widths, offsets, powers, slopes, index, theta, X, y, code, factor, out):
    """Σ w ∘ H(X; θ) and, to out (P,), its gradient at fixed w = ȳ or −ℓ'(factor · H, y)."""
    depth, samples = widths.size - 1, X.shape[1]
    weights = np.zeros(offsets[depth], np.complex128)
    for entry in range(weights.size):
        number = index[entry] if index.size else entry
        if number >= 0:
            weights[entry] = theta[number]
    starts = np.zeros(depth + 2, np.int64)
    for layer in range(depth + 1):
        starts[layer + 1] = starts[layer] + widths[layer] * samples
    values = np.zeros(starts[depth + 1], np.complex128)
    bends = np.zeros(starts[depth + 1], np.complex128)
    for i in range(widths[0]):
        for j in range(samples):
            values[i * samples + j] = X[i, j]
    for layer in range(depth):
        rows, columns, below, above = (
            widths[layer + 1],
            widths[layer],
            starts[layer],
            starts[layer + 1],
        )
        for i in range(rows):
            for j in range(samples):
                z = plain(0.0)
                for k in range(columns):
                    w = weights[offsets[layer] + i * columns + k]
                    z = add(z, mul(w, values[below + k * samples + j]))
                here = above + i * samples + j
                values[here] = z
                if layer < depth - 1:
                    p = powers[layer]
                    side = plain(1.0) if z.real >= 0 else power(plain(slopes[layer]), p)
                    lower = mul(side, power(z, p - 1))
                    values[here], bends[here] = mul(lower, z), mul(plain(float(p)), lower)
    value = plain(0.0)
    delta = np.zeros(values.size, np.complex128)
    for i in range(widths[depth]):
        for j in range(samples):
            here = starts[depth] + i * samples + j
            if code == NCF:
                w = y[i, j]
            elif code == SQUARE:
                w = sub(y[i, j], mul(factor, values[here]))
            elif code == LOGISTIC:
                w = _sigmoid(y[i, j], mul(y[i, j], mul(factor, values[here])))
            elif code == HUBER:
                w = _cut(sub(y[i, j], mul(factor, values[here])))
            elif code == EXPONENTIAL:
                z = mul(y[i, j], mul(factor, values[here]))
                w = mul(y[i, j], exponential(sub(plain(0.0), z)))
            else:
                w = sub(
                    y[i, j], _share(values, starts[depth], widths[depth], samples, factor, i, j)
                )
            delta[here] = w
            value = add(value, mul(w, values[here]))
    for i in range(out.size):
        out[i] = plain(0.0)
    for layer in range(depth - 1, -1, -1):
        rows, columns, below, above = (
            widths[layer + 1],
            widths[layer],
            starts[layer],
            starts[layer + 1],
        )
        for i in range(rows):
            for k in range(columns):
                entry = offsets[layer] + i * columns + k
                number = index[entry] if index.size else entry
                if number < 0:
                    continue
                total = out[number]
                for j in range(samples):
                    a, b = above + i * samples + j, below + k * samples + j
                    total = add(total, mul(delta[a], values[b]))
                    if layer:
                        delta[b] = add(delta[b], mul(weights[entry], delta[a]))
                out[number] = total
        if layer:
            for here in range(below, above):
                delta[here] = mul(delta[here], bends[here])
    return value


@compiled()
def _sigmoid(y, z):
    """y/(1 + e^z)."""
    if abs(z.real) > 650.0:  # beyond, e^z or 1/e^z over- or underflows
        return plain(0.0) if z.real > 0 else y
    return div(y, add(plain(1.0), exponential(z)))


@compiled()
def _cut(a):
    """The number, cut at ±κ."""
    if abs(a.real) < THRESHOLD:
        return a
    return plain(THRESHOLD) if a.real > 0 else plain(-THRESHOLD)


@compiled()
def _share(values, start, outputs, samples, factor, i, j):
    """e^{factor·h_i} / Σ_k e^{factor·h_k} of sample j."""
    total, own = plain(0.0), values[start + i * samples + j]
    for k in range(outputs):
        beyond = sub(values[start + k * samples + j], own)
        total = add(total, exponential(mul(factor, beyond)))
    return div(plain(1.0), total)


@compiled()
def rate(net, data, state, out):
    """Rate of (v, 1/r, t) by σ into out (P + 2,); N/scale, ‖ḡ‖/scale and sin∠ of ḡ at v."""
    widths, offsets, powers, slopes, index, order = net
    X, y, code, delta, scale = data
    size = state.size - 2
    v, g = state[:size], out[:size]
    factor = power(div(delta, state[size]), order) if code else plain(0.0)
    value = gradient(widths, offsets, powers, slopes, index, v, X, y, code, factor, g)
    along, squares, length = plain(0.0), plain(0.0), plain(0.0)
    for i in range(size):
        g[i] = div(g[i], scale)
        along = add(along, mul(g[i], v[i]))
        squares = add(squares, mul(g[i], g[i]))
        length = add(length, mul(v[i], v[i]))
    size_of = root(squares)
    if size_of.real == 0.0:
        out[:] = plain(0.0)
        return div(value, scale), size_of, plain(0.0)
    radial = div(along, length)
    off = plain(0.0)
    for i in range(size):
        g[i] = div(sub(g[i], mul(radial, v[i])), size_of)
        off = add(off, mul(g[i], g[i]))
    out[size] = div(mul(sub(plain(0.0), radial), state[size]), size_of)
    out[size + 1] = div(power(state[size], order - 2), size_of)
    return div(value, scale), size_of, root(off)


@compiled()
def _excess(high, low, state, tolerance):
    """Their difference in units of the tolerance: ‖·‖ in v, relative in 1/r and in t."""
    size, total = state.size - 2, 0.0
    for i in range(state.size):
        off = abs(sub(high[i], low[i]).real)
        unit = max(abs(high[i].real), 1e-300) if i >= size else 1.0
        total = max(total, off / (unit * tolerance))
    return total


@compiled()
def _midpoints(net, data, state, first, h, parts, now):
    """Gragg's modified midpoint rule over h, by `parts` (even) points, to `now`."""
    size = state.size
    before, after, move = state.copy(), np.empty_like(state), np.empty_like(state)
    step = div(plain(h), plain(float(parts)))
    for i in range(size):
        now[i] = add(state[i], mul(step, first[i]))
    for _ in range(1, parts):
        rate(net, data, now, move)
        for i in range(size):
            after[i] = add(before[i], mul(add(step, step), move[i]))
        before[:] = now
        now[:] = after


@compiled()
def _extrapolate(table, column, now):
    """A row more of Aitken and Neville's scheme in the squares of 2, 4, …; the last one is best."""
    for i in range(now.size):
        new, most = now[i], (column + 1) ** 2
        for level in range(1, column + 1):
            least = (column + 1 - level) ** 2
            gain = div(mul(sub(new, table[level - 1, i]), plain(least)), plain(most - least))
            table[level - 1, i], new = new, add(new, gain)
        table[column, i] = new


@compiled()
def advance(net, data, state, span, length, tolerance, budget):
    """Move the state (P + 2,) on by `span` in σ, by steps of about `length` at first.

    What is left of the budget of gradients, below 0 where that was given up; the next length.
    """
    table = np.empty((COLUMNS, state.size), np.complex128)
    first, now = np.empty_like(state), np.empty_like(state)
    gone = 0.0
    rate(net, data, state, first)
    while gone < span and budget >= 0:
        h, accepted, factor = min(length, span - gone), False, 0.5
        for column in range(COLUMNS):
            parts = 2 * (column + 1)
            _midpoints(net, data, state, first, h, parts, now)
            budget -= parts
            _extrapolate(table, column, now)
            if column < GLANCE:
                continue
            excess = _excess(table[column], table[column - 1], state, tolerance)
            if excess <= 1:
                accepted = True
                factor = FASTER[column]
                state[:] = table[column]
                break
            if not excess < tolerance**-0.6:
                break
            factor = 0.7 * excess ** (-1 / (2 * column + 1))
        if accepted:
            gone = span if h >= span - gone else gone + h
            rate(net, data, state, first)
            length = max(length, h * factor) if h < length else h * factor
        else:
            length = h * min(0.6, max(0.02, factor))
            if not length > SHORTEST:
                return -1, length
    return budget, length


@compiled()
def difference(a, b):
    """a − b, entry by entry."""
    out = np.empty_like(a)
    for i in range(a.size):
        out[i] = sub(a[i], b[i])
    return out


@compiled()
def normalised(state):
    """The state with a unit vector v."""
    out, square = state.copy(), plain(0.0)
    for i in range(state.size - 2):
        square = add(square, mul(state[i], state[i]))
    for i in range(state.size - 2):
        out[i] = div(state[i], root(square))
    return out


@compiled()
def cosine(state, direction):
    """⟨v, direction⟩."""
    v, total = normalised(state), plain(0.0)
    for i in range(direction.size):
        total = add(total, mul(v[i], direction[i]))
    return total


@compiled()
def grown(a):
    """e^a."""
    return exponential(a)
