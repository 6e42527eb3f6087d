"""The stepper of `stepper` for models whose gradients Python computes, by reverse communication.

What happens between two gradient calls is compiled, and small; steps, events and stops are those of
the compiled stepper.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from ncfcheck.core.compiling import compiled
from ncfcheck.theory.flow import stepper
from ncfcheck.theory.flow.fields import ModelField, ProgramField, _turned, gradients, turned
from ncfcheck.theory.flow.stepper import EXPONENT, SAFETY, SHRINKAGE, STAGES, TABLEAU

Array = np.ndarray
Rows = tuple[int, int, Array, Array]
Asking = Generator[tuple[Array, float], tuple[float, Array], Any]


@compiled(_nrt=False)
def _advance(stage, state, h, K, new, order, scale):
    """The rate of a stage, whose gradient at `new` is in K[stage], and into `new` where the next is
    taken; after the last stage the end of the step, its direction normalised. Returns the size of
    what was found: not finite if something in it is not.
    """
    if stage:
        _turned(K[stage], new, order, scale)
    stage += 1
    found = 0.0
    for i in range(new.size):
        new[i] = state[i]
    for j in range(stage):
        c = h * TABLEAU[stage, j]
        if c != 0.0:
            for i in range(new.size):
                new[i] += c * K[j, i]
    for i in range(new.size):
        found += abs(new[i])
    if stage == STAGES:
        length = 0.0
        for i in range(new.size - 2):
            length += new[i] * new[i]
        length = np.sqrt(length)
        for i in range(new.size - 2):
            new[i] /= length
    return found


@compiled(_nrt=False)
def _error(K, h, new, elapsed, tolerance):
    """The stepper's error of a step."""
    return stepper_error(K, h, new, elapsed, tolerance)


stepper_error = stepper._error


class _Walk:
    """A flow on its way: its state (v, log r, time since the last row), rates and rows. What needs
    gradients is a generator of where: it yields (v, log r), and is sent Σ −ℓ'·H and ḡ there.
    """

    def __init__(self, field: ModelField, v0: Array, log_r0: float, event: tuple):
        self.event = event
        self.state = np.concatenate([v0 / np.sqrt(v0 @ v0), [log_r0, 0.0]])
        self.new, self.K = self.state.copy(), np.empty((STAGES, self.state.size))
        self.slots = [each[:-2] for each in self.K]
        self.scales = float(field.order), float(field.scale)
        self.sigma, self.elapsed, self.calls = 0.0, 0.0, 1
        self.scalars: list[tuple] = []
        self.directions: list[Array] = []

    def set_out(self) -> Asking:
        """The first row."""
        yield from self.look(self.state, self.K[0])
        self.record(0.0)
        self.first_norm = self.norm
        self.before = self.distance(self.state)

    def look(self, state: Array, rate: Array) -> Asking:
        """What is known of a state, and its rate."""
        if not math.isfinite(state.dot(state)):
            rate.fill(np.nan)
            self.value = self.norm = self.sine = math.nan
            return
        value, rate[:-2] = yield state[:-2].copy(), float(state[-2])
        self.value = value / self.scales[1]
        self.norm, self.sine = turned(rate, state, *self.scales)

    def record(self, increment: float) -> None:
        """A row of the state as it stands."""
        told = self.sigma, self.state[-2], increment, self.value, self.norm, self.sine
        self.scalars.append(told)
        self.directions.append(self.state[:-2].copy())

    def distance(self, state: Array) -> float:
        """Signed distance from the event; -1 where there is none."""
        return stepper._event(*self.event, state, self.elapsed) if self.event[0] else -1.0

    def step(self, h: float) -> Asking:
        """One step of length h, to `new`; a gradient that is not finite ends in one that is not."""
        new, v = self.new, self.new[:-2]
        step = self.state, h, self.K, new, *self.scales
        found = _advance(0, *step)
        for stage in range(1, STAGES):
            if not found < np.inf:
                self.K[stage:] = np.nan
                break
            self.slots[stage][:] = (yield v.copy(), new[-2])[1]
            found = _advance(stage, *step)

    def located(self, h: float, after: float) -> Asking:
        """Length of the step to the event, where `new` ends, by full steps of Illinois."""
        bracket, length = (0.0, h, self.before, after, 0), h
        for _ in range(stepper.EVENT_STEPS):
            length = stepper.tried(bracket)
            yield from self.step(length)
            f = self.distance(self.new)
            if stepper.is_located(bracket, f, h):
                break
            bracket = stepper.narrowed(bracket, length, f)
        return length

    def arrive(self, taken: float) -> Asking:
        """`new` becomes the state, a step of length `taken` on."""
        increment = float(self.new[-1])
        rate = np.empty(self.new.size)
        yield from self.look(self.new, rate)
        self.sigma, self.elapsed = self.sigma + taken, self.elapsed + increment
        self.state, self.new = self.new, self.state
        self.record(increment)
        self.K[0], self.state[-1] = rate, 0.0


def integrate(
    field, v0, log_r0, tolerance, residual, kind, target, direction, calls_allowed
) -> Rows:
    """Same contract as `stepper.integrate`, which steps where it knows the model."""
    arguments = tolerance, residual, kind, target, direction, calls_allowed
    if isinstance(field, ProgramField):
        return stepper.integrate(field.compiled, v0, float(log_r0), *arguments)
    with quietly():
        asking = _rows(field, v0, log_r0, *arguments)
        try:
            where = next(asking)
            while True:
                where = asking.send(field.gradient(*where))
        except StopIteration as end:
            return end.value


def integrate_together(runs: Sequence[tuple]) -> list[Rows]:
    """`integrate` for the arguments of each of several runs, of fields of one model on one data
    set: a gradient of each is asked for at a time.
    """
    found: list[Any] = [None] * len(runs)
    with quietly():
        asking = {k: _rows(*run) for k, run in enumerate(runs)}
        answers = dict.fromkeys(asking)
        while asking:
            where = {}
            for k, answer in answers.items():
                try:
                    where[k] = asking[k].send(answer)
                except StopIteration as end:
                    found[k] = end.value
                    del asking[k]
            answers = dict(zip(where, gradients([runs[k][0] for k in where], [*where.values()])))
    return found


def quietly():
    """Numbers that over- or underflow end a flow, and are told so."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def _rows(
    field, v0, log_r0, tolerance, residual, kind, target, direction, calls_allowed
) -> Generator[tuple[Array, float], Any, Rows]:
    walk = _Walk(field, v0, log_r0, (kind, target, direction))
    yield from walk.set_out()
    code = yield from _walked(walk, tolerance, residual, calls_allowed)
    return code, walk.calls, np.array(walk.scalars), np.array(walk.directions)


def _walked(walk: _Walk, tolerance: float, residual: float, calls_allowed: int) -> Asking:
    """Step on to a stop, whose code it returns."""
    h = stepper.FIRST_STEP * (tolerance / stepper.USUAL) ** EXPONENT
    is_rejected, stop = False, _ended(walk, residual, first=True)
    while stop is None:
        if walk.calls >= calls_allowed:
            return stepper.BUDGET
        yield from walk.step(h)
        walk.calls += STAGES
        error = _error(walk.K, h, walk.new, walk.elapsed, tolerance)
        if not error <= 1.0:
            is_rejected, is_finite = True, error < np.inf
            h *= max(SHRINKAGE, SAFETY * error**-EXPONENT) if is_finite else SHRINKAGE
            if h < stepper.SHORTEST_STEP:
                return _stalled(walk) if is_finite else stepper.NOT_FINITE
            continue
        taken, after = h, walk.distance(walk.new)
        if after >= 0:
            taken, stop = (yield from walk.located(h, after)), stepper.EVENT
        walk.before = after
        yield from walk.arrive(taken)
        stop = _ended(walk, residual) if stop is None else stop
        growth = min(
            1.0 if is_rejected else stepper.GROWTH,
            max(SHRINKAGE, SAFETY * max(error, 1e-8) ** -EXPONENT),
        )
        h, is_rejected = min(stepper.LONGEST_STEP, h * growth), False
    return stop


def _ended(walk: _Walk, residual: float, first: bool = False) -> int | None:
    """The stop code of where the flow is; None where it goes on."""
    if not walk.norm < np.inf:
        return stepper.NOT_FINITE
    if walk.norm <= (0.0 if first else stepper.VANISHED * walk.first_norm):
        return stepper.DEAD
    if walk.sine <= residual:
        return stepper.CONVERGED
    if first:
        return stepper.EVENT if walk.before >= 0 else None
    return stepper.STIFF if len(walk.scalars) > stepper.STIFF_STEPS else None


def _stalled(walk: _Walk) -> int:
    """What it means that the step length collapsed."""
    is_dead = walk.norm <= stepper.VANISHED_AT_STALL * walk.first_norm
    return stepper.DEAD if is_dead else stepper.SMALL_STEP
