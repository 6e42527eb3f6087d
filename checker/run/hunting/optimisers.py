"""Minimising a margin over a few numbers: generators, functions of a seed, sent each point's value.

Points are in units of the numbers' own size, from the place where the search starts.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

Array = np.ndarray
STEPS = (0.3, 0.03, 0.003)  # first steps
FURTHEST = 3.0  # that a line is followed
ALONG = 5  # points on one line


def evolution(seed: int, start: Array) -> Generator[Array, float, None]:
    """CMA-ES, until it has converged: where the margin is a rugged function of several numbers."""
    from cmaes import CMA

    optimiser = CMA(mean=np.array(start, dtype=float), sigma=_step(seed), seed=seed % 2**32)
    while not optimiser.should_stop():
        batch = []
        for _ in range(optimiser.population_size):
            point = optimiser.ask()
            batch.append((point, (yield point)))
        optimiser.tell(batch)


def lines(seed: int, start: Array) -> Generator[Array, float, None]:
    """Without end, along random lines to a little beyond where a linear margin would vanish.

    How far beyond is drawn from eight orders of magnitude below the first value: there may be
    little room where it is negative.
    """
    rng = np.random.default_rng(seed)
    anchor = np.array(start, dtype=float)
    first = value = yield anchor
    while True:
        direction = rng.standard_normal(anchor.size) * (
            rng.random(anchor.size) < rng.choice((0.3, 1.0))
        )
        length = np.linalg.norm(direction) or 1.0
        step = rng.choice((-1.0, 1.0)) * _step(int(rng.integers(3)))
        for _ in range(ALONG):
            point = anchor + step / length * direction
            reached = yield point
            slope = (reached - value) / step
            if reached < value:
                anchor, value, step = point, reached, 0.0
            if not (np.isfinite(slope) and slope):
                break
            beyond = abs(first) * 10 ** rng.uniform(-9, -1)
            step = float(np.clip(-(value + beyond) / slope, -FURTHEST, FURTHEST))
            if not abs(step) > 1e-15:
                break


def _step(seed: int) -> float:
    return STEPS[seed % len(STEPS)]


METHODS = (evolution, lines)
