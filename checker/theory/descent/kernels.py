"""Compiled descents: a step at a time, in the variables s = w/δ, up to an event between two."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import compiled
from ncfcheck.model.kernels.any_model import pull_back, workspace
from ncfcheck.model.losses import NCF_CODE
from ncfcheck.theory.descent.rules import ADAM, GRADIENT, SIGN
from ncfcheck.theory.flow import stepper
from ncfcheck.theory.flow.stepper import NORM_EVENT, TIME_EVENT

HALVINGS = 60  # of the share of a step at which the event happens
COLUMNS = 6  # σ, log r, time, Σ −ℓ'·H(v), ‖ḡ‖, sin∠
WEYL, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@compiled(_nrt=False)
def moved(rule, count, s, g, m, q, new):
    """s after its step number `count`, from 1 up, along g, into new; memories m, q (P,) go along.

    Returns the length of the step.
    """
    length, first, second = 0.0, 1.0 - rule.memory**count, 1.0 - rule.squares**count
    for i in range(s.size):
        d = g[i] - rule.decay * s[i]
        if rule.kind == GRADIENT:
            m[i] = rule.memory * m[i] + d
            d = m[i]
        elif rule.kind == SIGN:
            d = np.sign(d)
        elif rule.kind == ADAM:
            m[i] = rule.memory * m[i] + (1.0 - rule.memory) * d
            q[i] = rule.squares * q[i] + (1.0 - rule.squares) * d * d
            spread = np.sqrt(q[i] / second) + rule.floor
            d = m[i] / first / spread if spread > 0.0 else 0.0
        else:
            d = np.nan
        d *= rule.step * rule.rates[i]
        new[i] = s[i] + d
        length += d * d
    return np.sqrt(length)


@compiled(_nrt=False)
def excess(kind, target, direction, s, time):
    """Signed distance of s, at a time, from the event: it happens where this is not negative."""
    if kind == TIME_EVENT:
        return time - target
    squares = along = 0.0
    for i in range(s.size):
        squares += s[i] * s[i]
        along += s[i] * direction[i]
    if kind == NORM_EVENT:
        return 0.5 * np.log(squares) - target
    return along / np.sqrt(squares) - target


@compiled(_nrt=False)
def landed(kind, target, direction, before, s, new, times, end):
    """Where the parabola through three iterates in turn meets the event, into end; its share of the
    step from s to new, between `times` (2,). Of a first step, where `before` is s, the straight
    line: interpolating so for all would leave departures an O(h²) that does not settle.
    """
    low, high, is_first = 0.0, 1.0, True
    for i in range(s.size):
        is_first = is_first and before[i] == s[i]
    for halving in range(HALVINGS + 1):
        share = 0.5 * (low + high) if halving < HALVINGS else high
        for i in range(s.size):
            forward, back = new[i] - s[i], 0.0 if is_first else s[i] - before[i]
            bend = 0.0 if is_first else 0.5 * (forward - back)
            end[i] = s[i] + share * (forward - bend + share * bend)
        time = times[0] + share * (times[1] - times[0])
        if excess(kind, target, direction, end, time) >= 0.0:
            high = share
        else:
            low = share
    return high


@compiled(_nrt=False)
def recorded(row, sigma, time, s, value, g, order, scalars, directions):
    """A row of what is known at s: values and gradients are those of its direction."""
    squares = length = along = 0.0
    for i in range(s.size):
        squares += s[i] * s[i]
        length += g[i] * g[i]
        along += s[i] * g[i]
    r, size = np.sqrt(squares), np.sqrt(length)
    across = 0.0
    for i in range(s.size):
        directions[row, i] = s[i] / r
        across += (g[i] - along / squares * s[i]) ** 2
    scalars[row, 0], scalars[row, 1], scalars[row, 2] = sigma, np.log(r), time
    scalars[row, 3], scalars[row, 4] = value / r**order, size / r ** (order - 1)
    scalars[row, 5] = np.sqrt(across) / size if size > 0.0 else 0.0


@compiled(_nrt=False)
def thinned(scalars, directions):
    """Keep every second row; how many that is."""
    kept = scalars.shape[0] // 2
    for row in range(kept):
        for i in range(scalars.shape[1]):
            scalars[row, i] = scalars[2 * row, i]
        for i in range(directions.shape[1]):
            directions[row, i] = directions[2 * row, i]
    return kept


@compiled(_nrt=False)
def drawn(state, below):
    """A whole number from 0 up, below the bound, by the generator SplitMix64 in `state` (1,)."""
    state[0] += np.uint64(WEYL)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
    z = z ^ (z >> np.uint64(31))
    return int((z >> np.uint64(11)) * (below / 9007199254740992.0))


@compiled(_nrt=False)
def gathered(rule, state, order, place, X, y, some_X, some_y):
    """Columns of the next batch into some_X (d, b) and some_y (m, b); `order` (n,) is the
    permutation gone through, and `place` where in it; returns where after.
    """
    samples = X.shape[1]
    for j in range(some_X.shape[1]):
        if rule.is_shuffled:
            if place == samples:
                for k in range(samples - 1, 0, -1):
                    other = drawn(state, k + 1)
                    order[k], order[other] = order[other], order[k]
                place = 0
            column = order[place]
            place += 1
        else:
            column = drawn(state, samples)
        for i in range(X.shape[0]):
            some_X[i, j] = X[i, column]
        for i in range(y.shape[0]):
            some_y[i, j] = y[i, column]
    return place


@compiled()
def descend(field, rule, start, pace, kind, target, direction, steps, rows):
    """Step from s = start (P,) to the event, or as often as allowed; of a `stepper.Field`.

    Returns (stop code, steps, scalars (m, COLUMNS), directions (m, P)) with m ≤ rows + 1, rows even
    and as many steps apart as it takes, the last where it stops. Of batches, rows but the last tell
    their own values and gradients.
    """
    size, samples = start.size, field.X.shape[1]
    batch = rule.batch if rule.batch > 0 else samples
    factor = np.exp(field.order * field.log_delta) if field.loss != NCF_CODE else 0.0
    work, weights = workspace(field.layout, batch), np.empty((field.y.shape[0], batch))
    X, y = field.X, field.y
    if rule.batch > 0:
        X, y = np.empty((field.X.shape[0], batch)), np.empty((field.y.shape[0], batch))
    state, order, place = np.array([np.uint64(rule.seed)]), np.arange(samples), samples
    before, s, new = start.copy(), start.copy(), start.copy()
    g, m, q = np.empty(size), np.zeros(size), np.zeros(size)
    scalars, directions = np.empty((rows + 1, COLUMNS)), np.empty((rows + 1, size))
    row, stride, count, sigma, time, stop = 0, 1, 0, 0.0, 0.0, -1
    if kind and excess(kind, target, direction, s, 0.0) >= 0.0:
        stop = stepper.EVENT
    while stop < 0:
        if rule.batch > 0:
            place = gathered(rule, state, order, place, field.X, field.y, X, y)
        share = batch / samples
        value = pull_back(field.layout, s, X, y, field.loss, factor, share, weights, work, g)
        if count % stride == 0:
            if row == rows:
                row, stride = thinned(scalars[:rows], directions[:rows]), 2 * stride
            recorded(row, sigma, time, s, value, g, field.order, scalars, directions)
            row += 1
        length = norm = 0.0
        for i in range(size):
            length += abs(g[i])
            norm += s[i] * s[i]
        if not length + norm < np.inf:
            stop = stepper.NOT_FINITE
        elif length == 0.0 and rule.batch == 0:
            stop = stepper.DEAD
        elif count == steps:
            stop = stepper.BUDGET
        if stop >= 0:
            break
        count += 1
        length = moved(rule, count, s, g, m, q, new) / np.sqrt(norm)
        if kind and excess(kind, target, direction, new, count * pace) >= 0.0:
            times = ((count - 1) * pace, count * pace)
            part = landed(kind, target, direction, before, s, new, times, g)
            for i in range(size):
                new[i] = g[i]
            length, stop = part * length, stepper.EVENT
            time = times[0] + part * pace
        else:
            time = count * pace
        sigma += length
        before, s, new = s, new, before
    last, every = workspace(field.layout, samples), np.empty(field.y.shape)
    value = pull_back(field.layout, s, field.X, field.y, field.loss, factor, 1.0, every, last, g)
    if row > 0 and scalars[row - 1, 2] == time:
        row -= 1
    recorded(row, sigma, time, s, value, g, field.order, scalars, directions)
    return stop, count, scalars[: row + 1].copy(), directions[: row + 1].copy()
