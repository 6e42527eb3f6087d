"""How descents depart from the NCF flow: a ladder of steps, and the first order (theory §12)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import norm
from ncfcheck.theory.descent.descents import is_compiled, loss_descent
from ncfcheck.theory.descent.rules import Rule, heavy_ball
from ncfcheck.theory.early.tracking import Departures, difference, to_radius
from ncfcheck.theory.early.training import follow, log_forcing, looser
from ncfcheck.theory.early.variations import Force
from ncfcheck.theory.flow.trajectories import Event, Trajectory, noise, norm_reaches, time_reaches

# Descents are compared where the norm is this, or where ‖u‖^{D−2} is: beyond, steps would have to
# be ever shorter, at D = 13 a thousand times as short as at norm 1.
RADIUS, GROWTH = 2.0, 4.0
# A ladder begins with so many steps, or more where the gradient turns by more than a tenth in one.
FEWEST, STABLE = 100, 0.1
# Departures that a ladder begins at, at most; what the loss adds to them, in units of h/T.
LARGEST, SHARE = 1e-2, 1e-6
# What departures fall to, at most, with steps half of that or less, if they go to 0 at all.
STUCK = 0.5
# Rungs of a ladder.
MOST = 9
# Steps of all rungs together, times what one takes: parameters times samples, and what all take.
WORK, EACH = 3e8, 300


def radius(order: float) -> float:
    """The norm ρ, in units of δ, at which descents are compared with the NCF flow."""
    return min(RADIUS, GROWTH ** (1 / (order - 2))) if order > 2 else RADIUS


def steepness(instance: Instance, flow: Trajectory) -> float:
    """About the largest ‖∇²N(u)‖ along a flow."""
    on_data, ybar, order = instance.ncf.on_data, instance.ncf.ybar, instance.network.order
    largest = 0.0
    for row in np.unique(np.linspace(0, len(flow.time) - 1, 6).astype(int)):
        v, scale = np.array(flow.directions[row]), math.exp((order - 2) * flow.log_norm[row])
        curvature, turned = on_data.curvature(v, ybar), on_data.pull_back(v, ybar)[1]
        for _ in range(8):  # of power iteration
            size = norm(turned)
            if not 0 < size < math.inf:
                break
            turned = curvature.product(turned / size)
        largest = max(largest, norm(turned) * scale)
    return largest


def is_too_long(instance: Instance, steps: float) -> bool:
    """Whether so many steps would take too long."""
    if not is_compiled(instance.ncf, instance.problem.loss):
        return steps > instance.numerics.calls
    return steps * (instance.network.size * len(instance.problem.X) + EACH) > WORK


class Descents:
    """Descents of an instance by heavy balls of one memory β and one η, for ever smaller δ, whose
    steps go along H of the flow's time; and the NCF flow that they follow.
    """

    def __init__(self, instance: Instance, memory: float = 0.0):
        numerics = replace(instance.numerics, tolerance=1e-3 * instance.numerics.tolerance)
        self.instance, self.memory = replace(instance, numerics=numerics), memory
        self.order = instance.network.order
        self.reference = to_radius(self.instance, radius(self.order))
        self.steepness = steepness(instance, self.reference)
        self.first = (1 - memory) * min(self.time / FEWEST, STABLE / self.steepness)
        # δ^D at the longest step, so small that the loss is next to nothing beside the step.
        forcing = log_forcing(self.instance, self.reference)
        self.log_delta = (math.log(SHARE * self.first / self.time) - forcing) / self.order
        self.log_rate = math.log(self.first) - (self.order - 2) * self.log_delta

    @property
    def time(self) -> float:
        """T, when the NCF flow's norm reaches ρ."""
        return float(self.reference.time[-1])

    @property
    def until(self) -> Event:
        """Where norms reach ρ."""
        return norm_reaches(radius(self.order))

    @property
    def delta(self) -> float:
        """The largest δ."""
        return math.exp(self.log_delta)

    def step(self, delta):
        """H = ηδ^{D−2}/(1 − β), of one δ or of several."""
        return np.exp(self.log_rate + (self.order - 2) * np.log(delta))

    def along(self, rule: Rule, delta: float, until: Event, steps: float) -> Trajectory:
        """A descent by a rule to the event, after about so many steps; Unresolved elsewhere, and
        where that would take too long.
        """
        if is_too_long(self.instance, steps):
            raise Unresolved("descents would take too many steps")
        most = int(4 * steps) + 100
        flow = loss_descent(self.instance.problem, self.instance.start, delta, rule, until, most)
        if not flow.stop.is_event:
            raise Unresolved(f"descent: {flow.stop.value}")
        return flow

    def departure(self, delta: float) -> tuple[np.ndarray, float]:
        """(difference of directions (P,), relative difference of arrival times) at norm ρ."""
        step = self.step(delta)
        rule = heavy_ball(self.instance.network.size, (1 - self.memory) * step, self.memory)
        return difference(self.along(rule, delta, self.until, self.time / step), self.reference)

    def ladder(self, least: int) -> Iterator[Departures]:
        """Those down a ladder of δ, of steps each half as long as the last, as far as it was gone
        down: to `least` rungs, then to one more at a time, up to MOST. Raises Unresolved where even
        those would take too long.
        """
        deltas, found, taken = [self.asymptotic()], [], 0.0
        while len(deltas) <= MOST:
            steps = self.time / self.step(deltas[-1])
            taken += steps
            if is_too_long(self.instance, taken):
                if len(found) >= least:
                    return
                raise Unresolved("descents would take too many steps")
            found.append(self.departure(deltas[-1]))
            if len(found) >= least:
                told = np.array(deltas), *map(np.array, zip(*found)), self.floor(steps)
                yield Departures(self.reference, *told)
            deltas.append(deltas[-1] * self.shorter(0.5))

    def shorter(self, share: float) -> float:
        """By what δ is multiplied for a step this share as long."""
        return share ** (1 / (self.order - 2))

    def asymptotic(self) -> float:
        """The δ that a ladder begins at: departures are LARGEST at most, or do not fall with δ."""
        delta, before = self.delta, math.inf
        for _ in range(8):
            if is_too_long(self.instance, self.time / self.step(delta)):
                break
            try:
                direction, delay = self.departure(delta)
                error = max(norm(direction), abs(delay))
            except Unresolved:
                error = math.inf
            if error <= LARGEST or STUCK * before < error < math.inf:
                return delta
            shorter = max(0.05, 0.8 * LARGEST / error) if error < 1 else 0.1
            before = error if shorter <= STUCK / 2 else math.inf
            delta *= self.shorter(shorter)
        raise Unresolved("no step found with which a descent is near the NCF flow in time")

    def floor(self, steps: float) -> np.ndarray:
        """What (‖direction‖, delay) may be off by: what the flows lose that it goes by, and
        rounding of so many steps.
        """
        return self.lost + steps * EPS

    @cached_property
    def lost(self) -> np.ndarray:
        """The NCF flow's errors, and what the loss changes at the largest δ, as `floor` does."""
        each, lost = self.instance, noise(self.instance.ncf, self.reference)
        coarse = to_radius(looser(each), radius(self.order))
        trained = follow(each, self.delta, self.until)
        apart = [difference(flow, self.reference) for flow in (coarse, trained)]
        off = np.array([[norm(direction), abs(delay)] for direction, delay in apart])
        return off[0] * (1 + lost / each.numerics.tolerance) + off[1] + lost

    @property
    def force(self) -> Force:
        """−½∇²N(u)∇N(u), by h times which a step along h∇N moves u besides the flow: descent
        follows N − (h/4)‖∇N‖².
        """
        on_data, ybar = self.instance.ncf.on_data, self.instance.ncf.ybar
        return Force(
            lambda u, gradient: -0.5 * on_data.curvature_product(u, ybar, gradient),
            max(self.steepness, 1e-300),
        )


class Decayed(Descents):
    """Descents with weight decay, at the time t at which the NCF flow's path has been gone along up
    to norm ρ: τ(t) = T, where κ(D−2)τ is the share given.

    With s = e^{−κt}q, dq/dτ = ∇N(q) in the time τ = (1 − e^{−κ(D−2)t})/(κ(D−2)).
    """

    def __init__(self, instance: Instance, share: float):
        super().__init__(instance)
        self.decay = share / ((self.order - 2) * self.time)
        self.end = -math.log1p(-share) / ((self.order - 2) * self.decay)
        self.shrunk = self.reference.log_norm[-1] - self.decay * self.end

    def departure(self, delta: float) -> tuple[np.ndarray, float]:
        """(difference of directions (P,), of log‖s‖ from that of e^{−κt}u(τ)) at that time."""
        step, until = self.step(delta), time_reaches(self.end)
        rule = heavy_ball(self.instance.network.size, step, decay=self.decay)
        flow = self.along(rule, delta, until, self.end / step)
        turned = flow.direction - self.reference.direction
        return turned, float(flow.log_norm[-1] - self.shrunk)
