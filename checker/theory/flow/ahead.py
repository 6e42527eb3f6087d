"""Flows that several claims about an instance ask for, kept; and followed together beforehand,
where a model takes several weights at a time in less than one after the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import Ncf, Problem
from ncfcheck.theory.flow.trajectories import (
    NO_EVENT,
    Event,
    Trajectory,
    are_together,
    loss_flows,
    ncf_flows,
)

MOST = 128  # flows of a kind: a few for each of the instances that are drawn before being judged


class Kept:
    """What was found for the last keys."""

    def __init__(self, most: int):
        self._most, self._found = most, OrderedDict[Any, Any]()

    def of(self, keys: Sequence, find: Callable[[list], Sequence]) -> list:
        """What `find` gives for keys (k,), asked for all that are not kept at once."""
        found = {key: self._found[key] for key in keys if key in self._found}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        found.update(zip(missing, find(missing)) if missing else ())
        self._found.update(found)
        while len(self._found) > self._most:
            self._found.popitem(last=False)
        return [found[key] for key in keys]


_ncf_flows, _loss_flows = Kept(MOST), Kept(MOST)


def ncf_flow_kept(
    ncf: Ncf, start: np.ndarray, numerics: Numerics, until: Event = NO_EVENT
) -> Trajectory:
    """`ncf_flow`, to a norm, a time or a KKT point."""
    return _ncf_flows_kept(ncf, [(start, numerics)], until)[0]


def ncf_flows_ahead(
    ncf: Ncf, asked: Iterable[tuple[np.ndarray, Numerics]], until: Event = NO_EVENT
) -> None:
    """Have these flows kept, from every (start, numerics), where that saves time."""
    asked = list(asked)
    if are_together(ncf, [numerics for _, numerics in asked]):
        _ncf_flows_kept(ncf, asked, until)


def _ncf_flows_kept(ncf, asked, until: Event) -> list[Trajectory]:
    keys = [(ncf, start.tobytes(), numerics, until.kind, until.target) for start, numerics in asked]

    def find(keys: list) -> list[Trajectory]:
        starts = [(np.frombuffer(key[1]).copy(), key[2]) for key in keys]
        return ncf_flows(ncf, starts, until)

    return _ncf_flows.of(keys, find)


def loss_flow_kept(
    problem: Problem, start: np.ndarray, delta: float, numerics: Numerics, until: Event
) -> Trajectory:
    """`loss_flow`, to a norm or time."""
    return _loss_flows_kept(problem, start, [(delta, numerics)], until)[0]


def loss_flows_ahead(
    problem: Problem, start: np.ndarray, asked: Iterable[tuple[float, Numerics]], until: Event
) -> None:
    """Have these flows kept, for every (δ, numerics), where that saves time."""
    asked = list(asked)
    if are_together(problem.ncf, [numerics for _, numerics in asked]):
        _loss_flows_kept(problem, start, asked, until)


def _loss_flows_kept(problem, start: np.ndarray, asked, until: Event) -> list[Trajectory]:
    at = problem, start.tobytes(), until.kind, until.target

    def find(keys: list) -> list[Trajectory]:
        return loss_flows(problem, start, [key[-2:] for key in keys], until)

    return _loss_flows.of([(*at, float(delta), numerics) for delta, numerics in asked], find)
