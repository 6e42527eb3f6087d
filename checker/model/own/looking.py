"""A family of the user's looked at, at several sizes: what each is, and what a gradient costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ncfcheck.core.claim_files import told
from ncfcheck.model.own.contract import drawn
from ncfcheck.model.own.families import BrokenModel, OwnFamily
from ncfcheck.model.own.models import OwnModel

SAMPLES = 8
TIMES, LONGEST = 50, 0.5  # gradients timed, and seconds after which no more are


@dataclass(frozen=True)
class Found:
    """The networks of the sizes that were tried, all the least sizes first and all the most second;
    and why others were refused, by their sizes.
    """

    models: tuple[OwnModel, ...]
    refused: tuple[tuple[str, str], ...]


def looked_at(family: OwnFamily) -> Found:
    """What is found at `family.tried()`. Raises BrokenModel for what the theory is not about, or
    where every one of these sizes is refused.
    """
    models, refused = [], []
    for sizes in family.tried():
        try:
            found = family.of_sizes(sizes)
        except ValueError as error:
            listed = ", ".join(f"{name}={value}" for name, value in sizes.items())
            refused.append((listed, told(error)))
            continue
        _ = found.measured
        models.append(found)
    if not models:
        raise BrokenModel(
            f"{refused[0][1]} ({family.name}({refused[0][0]}), as at all sizes tried)"
        )
    return Found(tuple(models), tuple(refused))


def seconds_a_gradient(model: OwnModel) -> float:
    """The median time of a pull-back on SAMPLES samples."""
    X, w = drawn(model, np.random.default_rng(0), SAMPLES)
    on_data, r = model.on(X), np.ones((SAMPLES, model.width))
    on_data.pull_back(w, r)
    taken: list[float] = []
    while len(taken) < TIMES and sum(taken) < LONGEST:
        start = time.perf_counter()
        on_data.pull_back(w, r)
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))
