"""Compiled DOP853 stepper for polar gradient flows in arc-length-like time σ (theory §4).

With ḡ = J(X; v)ᵀ(−ℓ'((δr)^D H(X; v), y)) the state (v, log r, t) moves by
dv/dσ = (ḡ − ⟨ḡ,v⟩v)/‖ḡ‖, d log r/dσ = ⟨ḡ,v⟩/‖ḡ‖, dt/dσ = r^{−(D−2)}/‖ḡ‖,
which never overflows; ḡ = ∇N(v) gives the flow of the NCF.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.integrate import DOP853

from ncfcheck.core.compiling import bare, compiled, inlined
from ncfcheck.model.kernels.any_model import pull_back, workspace
from ncfcheck.model.losses import NCF_CODE
from ncfcheck.theory.flow.linearised import compiled_derivatives

STAGES = 12
# Rows are the stages' coefficients, the last those of the step itself.
TABLEAU = np.vstack([DOP853.A[:STAGES, :STAGES], DOP853.B])
E3 = np.ascontiguousarray(DOP853.E3[:STAGES])
E5 = np.ascontiguousarray(DOP853.E5[:STAGES])

NO_EVENT, NORM_EVENT, TIME_EVENT, ALIGNMENT_EVENT = 0, 1, 2, 3
CONVERGED, EVENT, SMALL_STEP, DEAD, BUDGET, NOT_FINITE, STIFF = 0, 1, 2, 3, 4, 5, 6

# The first step at the usual tolerance; at others it is another, as all later ones are: runs at two
# tolerances that shared a step would share what its error estimate leaves out.
FIRST_STEP, USUAL = 1e-2, 1e-9
LONGEST_STEP, SHORTEST_STEP = 2.0, 1e-13
GROWTH, SHRINKAGE, SAFETY = 6.0, 0.2, 0.9
EXPONENT = 0.125
EVENT_STEPS = 40
# Shares of its first value below which a gradient has vanished; the second where steps collapse.
VANISHED, VANISHED_AT_STALL = 1e-8, 1e-6
# Flows of well-conditioned instances take 30 to 400 steps; one that needs more than this is stiff.
STIFF_STEPS = 800


class Field(NamedTuple):
    """A gradient flow for the stepper: network, data and what multiplies ∂H in the gradient."""

    layout: tuple  # of a layered network, or the code of a program
    X: np.ndarray  # (d, n), or the units of a program that depend on no weights
    y: np.ndarray  # (k_L, n): labels, or pseudo-labels for the NCF
    loss: int  # a code of ncfcheck.model.losses
    order: int  # D
    log_delta: float
    scale: float  # ‖∇N(v_0)‖: gradients are divided by it, times multiplied

    def calls_of_jacobian(self, size: int) -> int:
        """Gradients that a Jacobian for `size` weights takes as long as."""
        return size

    def rate(self, state: np.ndarray, out: np.ndarray) -> tuple[float, float, float]:
        """Rate of (v, log r, t), (P + 2,), into out; Σ −ℓ'·H/scale, ‖ḡ‖/scale, sin∠(ḡ, v)."""
        work = workspace(self.layout, self.X.shape[1])
        return rate(self, state, out, np.empty(self.y.shape), work)

    def derivatives(self, v: np.ndarray, log_r: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ḡ/scale (P,) at direction v (P,) and log r; its derivatives by v, (P, P), and log r."""
        return compiled_derivatives(self, v, log_r)


@bare(fastmath={"reassoc", "contract", "nsz"})
def _products(g, v):
    """⟨g, v⟩, ⟨g, g⟩ and ⟨v, v⟩."""
    along = squares = length = 0.0
    for i in range(v.size):
        along += g[i] * v[i]
        squares += g[i] * g[i]
        length += v[i] * v[i]
    return along, squares, length


@inlined()
def _rate(field, state, out, weights, work):
    """Rate of (v, log r, t), size P + 2, into out; returns Σ −ℓ'·H/scale, ‖ḡ‖/scale, sin∠(ḡ, v)."""
    size = state.size - 2
    v, g = state[:size], out[:size]
    factor = (
        np.exp(field.order * (field.log_delta + state[size])) if field.loss != NCF_CODE else 0.0
    )
    value = pull_back(
        field.layout, v, field.X, field.y, field.loss, factor, field.scale, weights, work, g
    )
    along, squares, length = _products(g, v)
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
def rate(field, state, out, weights, work):
    """`_rate` as a call, in itself as slow as a tiny network's rate: a field is a hundred words."""
    return _rate(field, state, out, weights, work)


@bare()
def _step(field, state, h, K, new, weights, work):
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
            _rate(field, new, K[stage], weights, work)
    length = 0.0
    for i in range(new.size - 2):
        length += new[i] * new[i]
    length = np.sqrt(length)
    for i in range(new.size - 2):
        new[i] /= length


@bare()
def _error(K, h, new, elapsed, tolerance):
    """Local error of a step in units of tolerance: ‖·‖₂ in v, absolute in log r, relative in t."""
    size = new.size - 2
    fifth = third = 0.0
    for i in range(new.size):
        e5 = e3 = 0.0
        for j in range(STAGES):
            e5 += E5[j] * K[j, i]
            e3 += E3[j] * K[j, i]
        scale = tolerance * (elapsed + new[size + 1]) if i == size + 1 else tolerance
        fifth += (e5 / scale) ** 2
        third += (e3 / scale) ** 2
    if fifth == 0.0 and third == 0.0:
        return 0.0
    return abs(h) * fifth / np.sqrt(fifth + 0.01 * third)


@compiled(_nrt=False)
def _event(kind, target, direction, state, elapsed):
    """Signed distance from the event: it happens where this turns from negative to non-negative."""
    size = state.size - 2
    if kind == NORM_EVENT:
        return state[size] - target
    if kind == TIME_EVENT:
        return (elapsed + state[size + 1]) / target - 1.0
    return np.dot(state[:size], direction) - target


@compiled(_nrt=False)
def tried(bracket):
    """The length that Illinois tries next in a bracket (low, high, f_low, f_high, side)."""
    low, high, f_low, f_high, _ = bracket
    return (low * f_high - high * f_low) / (f_high - f_low)


@compiled(_nrt=False)
def is_located(bracket, f, h):
    """Whether a length where the event is f away, or a bracket in a step of length h, will do."""
    return abs(f) <= 4e-16 or bracket[1] - bracket[0] <= 1e-15 * h


@compiled(_nrt=False)
def narrowed(bracket, length, f):
    """The bracket with `length`, where the event is f away, for one of its ends."""
    low, high, f_low, f_high, side = bracket
    if f < 0:
        return length, high, f, 0.5 * f_high if side == -1 else f_high, -1
    return low, length, 0.5 * f_low if side == 1 else f_low, f, 1


@inlined()
def _locate(
    field, state, h, elapsed, kind, target, direction, before, after, K, new, weights, work
):
    """Length of the step from `state` to the event, where `new` ends, by full steps of Illinois."""
    bracket, length = (0.0, h, before, after, 0), h
    for _ in range(EVENT_STEPS):
        length = tried(bracket)
        _step(field, state, length, K, new, weights, work)
        f = _event(kind, target, direction, new, elapsed)
        if is_located(bracket, f, h):
            break
        bracket = narrowed(bracket, length, f)
    return length


@inlined()
def _record(row, sigma, state, increment, value, norm, sine, scalars, directions):
    size = state.size - 2
    scalars[row, 0], scalars[row, 1], scalars[row, 2] = sigma, state[size], increment
    scalars[row, 3], scalars[row, 4], scalars[row, 5] = value, norm, sine
    for i in range(size):
        directions[row, i] = state[i]


@compiled()
def integrate(field, v0, log_r0, tolerance, residual, kind, target, direction, calls_allowed):
    """Integrate from direction v0 (P,) and log-norm log_r0 to sin∠ ≤ residual, event, or failure.

    Returns (stop code, gradient calls, scalars (steps + 1, 6), directions (steps + 1, P)); the
    columns of scalars are σ, log r, time since the row before, N(v)/scale, ‖ḡ‖/scale and sin∠.
    """
    size = v0.size
    work = workspace(field.layout, field.X.shape[1])
    weights = np.empty(field.y.shape)
    K, k_new = np.empty((STAGES, size + 2)), np.empty(size + 2)
    state, new = np.empty(size + 2), np.empty(size + 2)
    capacity = min(STIFF_STEPS, calls_allowed // STAGES) + 2
    scalars, directions = np.empty((capacity, 6)), np.empty((capacity, size))
    length = np.sqrt(np.dot(v0, v0))
    for i in range(size):
        state[i] = v0[i] / length
    state[size], state[size + 1] = log_r0, 0.0
    value, norm, sine = rate(field, state, K[0], weights, work)
    _record(0, 0.0, state, 0.0, value, norm, sine, scalars, directions)
    first_norm = norm
    rows, calls, sigma, elapsed = 1, 1, 0.0, 0.0
    h = FIRST_STEP * (tolerance / USUAL) ** EXPONENT
    rejected = False
    before = _event(kind, target, direction, state, elapsed) if kind else -1.0
    stop = -1
    if not np.isfinite(norm):
        stop = NOT_FINITE
    elif norm == 0.0:
        stop = DEAD
    elif sine <= residual:
        stop = CONVERGED
    elif kind and before >= 0:
        stop = EVENT
    while stop < 0:
        if calls >= calls_allowed:
            stop = BUDGET
            break
        _step(field, state, h, K, new, weights, work)
        calls += STAGES
        error = _error(K, h, new, elapsed, tolerance)
        if not error <= 1.0:
            rejected = True
            h *= max(SHRINKAGE, SAFETY * error**-EXPONENT) if np.isfinite(error) else SHRINKAGE
            if h < SHORTEST_STEP:
                stop = SMALL_STEP if np.isfinite(error) else NOT_FINITE
                if stop == SMALL_STEP and norm <= VANISHED_AT_STALL * first_norm:
                    stop = DEAD
            continue
        taken = h
        if kind:
            after = _event(kind, target, direction, new, elapsed)
            if after >= 0:
                taken = _locate(
                    field,
                    state,
                    h,
                    elapsed,
                    kind,
                    target,
                    direction,
                    before,
                    after,
                    K,
                    new,
                    weights,
                    work,
                )
                stop = EVENT
            before = after
        increment = new[size + 1]
        value, norm, sine = rate(field, new, k_new, weights, work)
        sigma += taken
        elapsed += increment
        _record(rows, sigma, new, increment, value, norm, sine, scalars, directions)
        rows += 1
        if stop < 0:
            if not np.isfinite(norm):
                stop = NOT_FINITE
            elif norm <= VANISHED * first_norm:
                stop = DEAD
            elif sine <= residual:
                stop = CONVERGED
            elif rows > STIFF_STEPS:
                stop = STIFF
        for i in range(size + 2):
            state[i] = new[i]
            K[0, i] = k_new[i]
        state[size + 1] = 0.0
        growth = SAFETY * max(error, 1e-8) ** -EXPONENT
        h = min(LONGEST_STEP, h * min(1.0 if rejected else GROWTH, max(SHRINKAGE, growth)))
        rejected = False
    return stop, calls, scalars[:rows].copy(), directions[:rows].copy()
