"""How loss flows depart from the NCF flow at a fixed time, of order 2 (theory §11)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, Unresolved, claim
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.ncf import norm
from ncfcheck.properties.early.margins import SLACK, train
from ncfcheck.properties.flow.margins import agreed
from ncfcheck.properties.hypotheses import (
    HOMOGENEOUS,
    NO_BRANCH,
    SMALL_START,
    TRUE_LABELS,
    TWO,
)
from ncfcheck.properties.two_homogeneous.margins import unbranched, way
from ncfcheck.properties.two_homogeneous.theorems import LAYERS
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.training import NEGLIGIBLE, follow, is_forced, log_forcing, looser
from ncfcheck.theory.flow.trajectories import (
    Event,
    Trajectory,
    ncf_flow,
    noise,
    time_reaches,
)

# Share of its way, σ, after which flows are compared: events lie before, all is growth thereafter.
HALF = 0.5
GREW = 10.0  # log r up to which flows are compared
# The largest departure that a ladder of δ² starts from, and its rungs in units of the first.
FIRST, RUNGS = 1e-3, 10.0 ** -np.arange(6.0)
APART = 1e-4  # departures below it are left to the theorem
ATTEMPTS = 12  # at a first rung
FINER = 1e-3  # times an instance's tolerance, for what departures are known to
SLOPE = 0.25  # what slopes may fall short of the order


@claim(
    "two_homogeneous.departure",
    kind=THEOREM,
    needs=TWO,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    hypotheses=(HOMOGENEOUS, TRUE_LABELS, SMALL_START, NO_BRANCH),
)
def departure(instance) -> Margin:
    """At a fixed time loss flow and NCF flow differ by O(δ²): log error over log δ has a slope of 2
    or more.
    """
    unbranched(instance)
    return departs(instance, instance, 2.0)


def departs(instance, trained, order: float) -> Margin:
    """slope − order + ¼, where the slope is best known; at most ¼."""
    powers, sizes, floor = departures(instance, trained)
    steps, rises = np.diff(np.log(powers)), np.diff(np.log(sizes))
    slopes = 2 * rises / steps
    known = 2 * (floor / sizes[:-1] + floor / sizes[1:]) / np.abs(steps)
    settling = np.abs(np.diff(slopes))
    error = known[1:-1] + np.maximum(settling[:-1], settling[1:])
    k = int(np.argmin(error))
    return Margin(float(min(slopes[k + 1] - order, 0.0) + SLOPE), float(error[k]))


def departures(instance, trained) -> tuple[np.ndarray, np.ndarray, float]:
    """δ², and ‖s − u‖/‖u‖ at one time between the loss flow of `trained` and the NCF flow of
    `instance`, (m,) both; and what these are known to.
    """
    numerics = replace(instance.numerics, tolerance=FINER * instance.numerics.tolerance)
    precise, on = replace(instance, numerics=numerics), replace(trained, numerics=numerics)
    reference, until = _reference(precise)
    if not is_forced(instance, reference):
        raise Inapplicable("the loss has no second order on the way")

    def size(power: float) -> float:
        return _apart(follow(on, math.sqrt(power), until), reference)

    powers = RUNGS * _first(size, FIRST * math.exp(-log_forcing(instance, reference)))
    sizes = np.array([size(power) for power in powers])
    return powers, sizes + 1e-300, _floor(precise, reference, until)


def slope_between(instance, trained, changes: tuple[float, float]) -> Margin:
    """slope − 2 + ¼ between two δ², in units of what changes the gradient by its own size, however
    large departures are there, known as far as three runs agree.
    """
    runs = [
        _slope_between(replace(instance, numerics=each), replace(trained, numerics=each), changes)
        for each in instance.numerics.runs()
    ]
    return agreed(*runs)


def _slope_between(instance, trained, changes: tuple[float, float]) -> Margin:
    reference, until = _reference(instance)
    powers = np.array(changes) * math.exp(-log_forcing(instance, reference))
    sizes = [_apart(train(trained, math.sqrt(each), until), reference) for each in powers]
    return short_of_two(powers, np.array(sizes))


def short_of_two(powers: np.ndarray, sizes: np.ndarray) -> Margin:
    """slope − 2 + ¼ of departures between two δ²."""
    if min(sizes) < APART:
        raise Unresolved("the flows hardly differ")
    slope = 2 * float(np.diff(np.log(sizes))[0] / np.diff(np.log(powers))[0])
    return Margin(slope - 2 + SLOPE, SLACK)


def _first(size: Callable[[float], float], power: float) -> float:
    """A δ², from one on down, at which the departure is small: below, the loss is as it is at 0."""
    for _ in range(ATTEMPTS):
        if (found := size(power)) <= FIRST:
            return power
        power *= max(0.5 * FIRST / found, 1e-3)
    raise Unresolved("no δ found at which the loss flow is near the NCF flow")


def _reference(instance) -> tuple[Trajectory, Event]:
    """The NCF flow to where half of its way to its limit is behind it, or it has grown as much as
    GREW, and that time.
    """
    flow = way(instance)
    is_far = (flow.sigma >= HALF * flow.sigma[-1]) | (np.abs(flow.log_norm) >= GREW)
    row = int(np.argmax(is_far))
    if row == 0:
        raise Inapplicable("the flow does not move: v_0 is a KKT point")
    until = time_reaches(float(flow.time[row]))
    found = ncf_flow(instance.ncf, instance.start, instance.numerics, until)
    if not found.stop.is_event:
        raise Unresolved(f"NCF flow to a time: {found.stop.value}")
    return found, until


def _apart(flow: Trajectory, reference: Trajectory) -> float:
    """‖s − u‖/‖u‖ at their ends."""
    ratio = math.exp(flow.log_norm[-1] - reference.log_norm[-1])
    return norm(ratio * flow.direction - reference.direction)


def _floor(instance, reference: Trajectory, until: Event) -> float:
    """What a departure may be off by: what a looser run makes of it, what is left where δ is all
    but 0, and rounding, where data cancel as good as local errors of its size.
    """
    coarse = ncf_flow(instance.ncf, instance.start, looser(instance).numerics, until)
    lost = noise(instance.ncf, reference)
    none = follow(instance, math.sqrt(NEGLIGIBLE), until)
    integrated = _apart(coarse, reference) * (1 + lost / instance.numerics.tolerance)
    return integrated + _apart(none, reference) + lost + 64 * EPS
