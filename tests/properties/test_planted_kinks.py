"""Mistakes planted in how flows go through kinks: each is caught by a claim of kinks.*

What follows flows is compiled, so that it runs as Python here, on the smallest networks.
"""

from __future__ import annotations

import builtins
import importlib
import types
from contextlib import ExitStack
from functools import cache

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from ncfcheck.core.claims import Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.properties.kinks.instances import kinked
from ncfcheck.strategies.datasets import families
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.flow import ahead
from ncfcheck.theory.flow.trajectories import ncf_flow
from ncfcheck.theory.flow.trajectory import Happened
from ncfcheck.theory.kkt import points
from ncfcheck.theory.starts import unit
from tests.properties.test_kinks import branching
from tests.support.planting import Mutant, planted

load_claims()
MODULES = [
    importlib.import_module(f"ncfcheck.theory.flow.kinks.{name}")
    for name in ("modes", "sliding", "settling", "events", "stepper", "flows")
]
MODES, SLIDING, SETTLING, EVENTS, STEPPER = (f"{module.__name__}:" for module in MODULES[:5])
MONOTONE, DIRECTION = "kinks.monotone", "kinks.direction_converges"
CONTINUOUS = "kinks.continuous"
SMALL = instances(
    powers=((1,),),
    kinked=True,
    slopes=(0.0, 0.5),
    outputs=(1,),
    only_dense=True,
    starts=("gaussian",),
    data=families(max_samples=6, max_dimension=3, only=("gaussian", "duplicated")),
)
INSTANCES = 60

RELEASES = """if share > 1.0 + SLACK:
        return np.int8(1)
    return np.int8(-1) if share < -SLACK else np.int8(0)"""
MOVES = "np.int8(0) if moved * mode < -STILL * scale_of(field, unit, room) else mode"
CLIPPED = [(SETTLING + "_wanted", RELEASES, "return np.int8(0)"), (EVENTS, "RELEASED", 1e9)]
# What is planted together, each a change of a function's source or of a number; and who notices.
MISTAKES = {
    "θ is clipped": (CLIPPED, (DIRECTION,)),
    "a unit slides though it should cross": (
        [*CLIPPED, (STEPPER + "turn", "-was if side", "np.int8(0) if side")],
        (DIRECTION,),
    ),
    "an event is missed": ([(EVENTS + "_earliest", "found, best\n", "-1, best\n")], (MONOTONE,)),
    "the slope of the other side": (
        [(MODES + "_in_mode", "1.0 if mode > 0 else (alpha", "alpha if mode > 0 else (1.0")],
        (MONOTONE,),
    ),
    "a unit crosses though it should slide": (
        [(SETTLING + "_wanted", MOVES, "mode")],
        (MONOTONE, DIRECTION),
    ),
    "parallel samples are kept apart": (
        [(SETTLING, "PARALLEL", -1.0), (SLIDING, "PARALLEL", -1.0)],
        (CONTINUOUS,),
    ),
    "a branch is overlooked": (
        [(EVENTS + "_released", "(BELOW, ABOVE, REPELS)", "(BELOW, ABOVE)")],
        (CONTINUOUS,),
    ),
}


OWN = {module.__name__ for module in MODULES}


def matrix_view(array, start, rows, columns):
    """What compiled code has by that name."""
    return array[start : start + rows * columns].reshape(rows, columns)


def as_python(found: Dispatcher) -> types.FunctionType:
    """A compiled function, and all that it calls, as Python."""
    function = found.py_func
    if function.__module__ in OWN:
        return function  # their names are patched
    names = {
        name: as_python(each) if isinstance(each, Dispatcher) else each
        for name, each in function.__globals__.items()
        if name in function.__code__.co_names
    }
    names = {"matrix_view": matrix_view, "__builtins__": builtins} | {
        name: each for name, each in names.items() if name != "matrix_view"
    }
    return types.FunctionType(function.__code__, names, function.__name__, function.__defaults__)


@cache
def leaving() -> tuple[Instance, ...]:
    """Instances whose flows cease to slide along a kink."""
    found = []
    for instance in draw(kinked().strategy(), 300, 1, simplest=False):
        turns = ncf_flow(instance.ncf, instance.start, instance.numerics).turns
        if any(event.happened is Happened.LEFT for event in turns.events):
            found.append(instance)
    return tuple(sorted(found, key=lambda instance: instance.start.size)[:10])


@pytest.fixture
def interpreted(monkeypatch):
    """All that follows flows through kinks as Python."""
    assert leaving()  # which compiled code is asked for
    for module in MODULES:
        for name, found in list(vars(module).items()):
            if isinstance(found, Dispatcher):
                monkeypatch.setattr(module, name, as_python(found))
        if hasattr(module, "matrix_view"):
            monkeypatch.setattr(module, "matrix_view", matrix_view)
    forget()
    with np.errstate(all="ignore"):
        yield monkeypatch
    forget()


def forget():
    """Flows that are kept are of one version of the code."""
    points._followed.cache_clear()
    for kept in (ahead._ncf_flows, ahead._loss_flows):
        kept._found.clear()


def objections(claims, few: int) -> set[str]:
    """How the claims object to instances: ids of those violated, with ? of those undecided."""
    found = set()
    for instance in (
        branching(),
        doubled(),
        *leaving(),
        *draw(SMALL.strategy(), INSTANCES, 0, simplest=False),
    ):
        for id in claims:
            outcome = registered()[id].judge(instance)[0]
            if outcome is Outcome.VIOLATES:
                return {id}
            found |= {f"{id}?"} if outcome is Outcome.UNRESOLVED else set()
    return found


def doubled() -> Instance:
    """A neuron on the kink of two parallel samples, which together let it cross (theory §11)."""
    X = np.array([[1.0, 0.0], [1.0, 0.0], [0.3, 1.0]])
    problem = Problem(dense((2, 1, 1), (1,), (0.0,)), X, np.array([[1.0], [-0.5], [0.4]]))
    return Instance(problem, unit(np.array([0.0, 1.0, 1.0])), seeds=(0,))


def plant(changes, patch, stack: ExitStack) -> None:
    for of, what, instead in changes:
        if isinstance(instead, str):
            stack.enter_context(planted(Mutant(of, what, instead, "", ()), patch))
        else:
            patch.setattr(importlib.import_module(of.rstrip(":")), what, instead)


@pytest.mark.long
def test_flows_are_the_same_as_python(interpreted):
    found = objections((MONOTONE, DIRECTION, CONTINUOUS), 0)
    assert not found & {MONOTONE, DIRECTION, CONTINUOUS} and f"{DIRECTION}?" not in found


@pytest.mark.long
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_caught(mistake, interpreted):
    changes, claims = MISTAKES[mistake]
    with ExitStack() as stack:
        plant(changes, interpreted, stack)
        forget()
        # Without a mistake none is left undecided by where directions converge to.
        assert objections(claims, 10 if changes is CLIPPED else 0) & {*claims, f"{DIRECTION}?"}
