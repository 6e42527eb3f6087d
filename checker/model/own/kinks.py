"""Kinks found by sampling: gradients along segments between random weights.

A smooth homogeneous function of whole order is a polynomial, whose gradient along a segment is one
of degree D − 1. Where it is none, the place where the gradient is farthest from a straight line is
looked for by halving: there, the gradient changes by no more than the length of what is left says
where it is Lipschitz, and by as much as before where it jumps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.interpolate import BarycentricInterpolator

from ncfcheck.model.own.contract import EXACT, drawn

Array = np.ndarray
SEGMENTS = 4
SAMPLES = 5
STARTS = 16  # intervals of a segment, whose worst is halved
HALVINGS = 20
# Times the steepest change seen on the segment: a Lipschitz gradient has places that are steeper,
# but one that jumps changes, at the end, by 2^HALVINGS times what the length of what is left says.
STEEPER = 2.0**8
LARGEST = 40  # order up to which polynomials are told from others


def gradients(model, rng: np.random.Generator) -> tuple[Callable[[float], Array], float]:
    """The gradient along a segment between random weights, a function of t in [0, 1], and its size
    at the start.
    """
    X, start = drawn(model, rng, SAMPLES)
    end = rng.standard_normal(model.size)
    r = rng.standard_normal((SAMPLES, model.width))
    on_data = model.as_written(X)

    def at(t: float) -> Array:
        return on_data.pull_back((1 - t) * start + t * end, r)[1]

    return at, float(np.linalg.norm(at(0.0)))


def is_polynomial(model, order: float, rng: np.random.Generator) -> bool:
    """Whether gradients along segments are polynomials of degree D − 1."""
    if order != int(order) or order > LARGEST:
        return False
    count = max(2, int(order))
    nodes = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    for _ in range(SEGMENTS):
        at, _ = gradients(model, rng)
        values = np.array([at(t) for t in nodes])
        between = rng.uniform(0, 1, 3)
        found, told = np.array([at(t) for t in between]), BarycentricInterpolator(nodes, values)
        if np.abs(told(between) - found).max() > EXACT * max(1.0, np.abs(values).max()):
            return False
    return True


def is_lipschitz(model, rng: np.random.Generator) -> bool:
    """Whether no segment has a place where the gradient jumps, or all but does."""
    return all(_has_no_jump(*gradients(model, rng)) for _ in range(SEGMENTS))


def _has_no_jump(at: Callable[[float], Array], size: float) -> bool:
    """Whether the gradient, where it bends most, changes as a Lipschitz one does."""
    values = [at(t) for t in np.linspace(0, 1, 2 * STARTS + 1)]
    threes = [values[2 * i : 2 * i + 3] for i in range(STARTS)]
    steepest = max(_change(*three) for three in threes)  # within a length of 1/STARTS
    worst = max(range(STARTS), key=lambda i: _bend(*threes[i]))
    start, stop = worst / STARTS, (worst + 1) / STARTS
    left, middle, right = threes[worst]
    for _ in range(HALVINGS):
        centre = (start + stop) / 2
        first, second = at((start + centre) / 2), at((centre + stop) / 2)
        if _bend(left, first, middle) >= _bend(middle, second, right):
            stop, middle, right = centre, first, middle
        else:
            start, left, middle = centre, middle, second
    return _change(left, middle, right) <= max(STEEPER * steepest / 2**HALVINGS, EXACT * size)


def _bend(left: Array, middle: Array, right: Array) -> float:
    """How far the middle is from the line between the ends."""
    return float(np.abs(middle - (left + right) / 2).max())


def _change(left: Array, middle: Array, right: Array) -> float:
    """How far it goes from the one end to the other."""
    return float(max(np.abs(middle - left).max(), np.abs(right - middle).max()))
