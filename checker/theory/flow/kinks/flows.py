"""Flows through kinks as integrators are asked for them, and what happened on the way (theory §11)."""

from __future__ import annotations

import numpy as np

from ncfcheck.theory.flow import stepper
from ncfcheck.theory.flow.kinks import stepper as compiled
from ncfcheck.theory.flow.kinks.modes import SLIDING, is_kinked
from ncfcheck.theory.flow.kinks.settling import both_sides
from ncfcheck.theory.flow.trajectory import Happened, Turn, Turns

Array = np.ndarray
BRANCHED, TIED = compiled.BRANCHED, compiled.TIED
_HAPPENED = {
    compiled.CROSSED: Happened.CROSSED,
    compiled.ENTERED: Happened.ENTERED,
    compiled.LEFT: Happened.LEFT,
    compiled.BRANCHING: Happened.BRANCHED,
    compiled.TYING: Happened.TIED,
}


def has_kinks(field: stepper.Field) -> bool:
    """Whether a layer of the field's network has p = 1 and α ≠ 1."""
    layout = field.layout
    return bool(((layout.powers == 1) & (layout.slopes != 1.0)).any())


def integrate(run: tuple, modes: Array | None, second: bool) -> tuple:
    """Stop code, gradient calls, scalars and directions as `stepper.integrate` gives for the
    arguments of a run, and the turns; from `modes` (H,), or those of the start.
    """
    given = np.zeros(0, np.int8) if modes is None else np.ascontiguousarray(modes, np.int8)
    *rows, events, passed = compiled.integrate(*run, given)
    turns = tuple(_turn(run[0], row, int(unit), int(what)) for row, unit, what in events[1:])
    branched = rows[0] == BRANCHED
    return *rows, Turns(turns, passed, int(events[-1, 1]) if branched else None)


def _turn(field: stepper.Field, row: float, unit: int, what: int) -> Turn:
    return Turn(int(row), *place_of(field.layout, field.X.shape[1], unit), _HAPPENED[what])


def place_of(layout, samples: int, unit: int) -> tuple[int, int, int]:
    """Layer (from 1), neuron and sample of a hidden unit by its number."""
    layer = 1
    while unit >= layout.widths[layer] * samples:
        unit -= int(layout.widths[layer]) * samples
        layer += 1
    return layer, unit // samples, unit % samples


def ways_on(field: stepper.Field, v: Array, turns: Turns) -> list[Array]:
    """The modes in which a flow that branched at v (P,) may go on."""
    return both_sides(field, v, turns.modes[-1], turns.unsettled)


__all__ = ["BRANCHED", "SLIDING", "TIED", "has_kinks", "integrate", "is_kinked", "ways_on"]
