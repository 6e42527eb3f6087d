"""What an integration returns: why it ended, its rows, what happened at kinks (theory §3, §11)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from enum import Enum, StrEnum
from typing import Any

import numpy as np

from ncfcheck.model.arrays import Value
from ncfcheck.theory.flow import stepper


class Stop(Enum):
    """Why an integration ended, in words that name the likely cause."""

    CONVERGED = "converged: sin∠ fell below the target"
    ESCAPED = "escaped: the norm reached the radius asked for"
    REACHED = "reached the time or alignment asked for"
    STALLED = "stalled: the step length collapsed, as it does at a kink of the gradient"
    FITTED = "fitted: the loss fell to what was asked for, or vanished with its gradient"
    DEAD = "dead: the gradient vanished"
    BUDGET = "budget: the allowed gradient calls were used up"
    NOT_FINITE = "not finite: the gradient over- or underflowed"
    BRANCHED = "branched: a kink that the flow slid along turned repelling"
    TIED = "tied: kinks met that no single way on was found from"

    @property
    def is_event(self) -> bool:
        """Whether the flow ended at its event."""
        return self in (Stop.ESCAPED, Stop.REACHED)


@dataclass(frozen=True, eq=False)
class Event:
    """Where to end a flow: build one with `norm_reaches`, `time_reaches` or `aligned_with`."""

    kind: int = stepper.NO_EVENT
    target: float = 0.0
    direction: np.ndarray | None = None


NO_EVENT = Event()


def norm_reaches(radius: float) -> Event:
    """The first time ‖s‖ rises to `radius` > 0, in units of the initial norm."""
    if not 0 < radius < math.inf:
        raise ValueError(f"radius must be above 0, not {radius!r}")
    return Event(stepper.NORM_EVENT, math.log(radius))


def time_reaches(time: float) -> Event:
    """Physical time ≥ 0 of the NCF flow, or t δ^{D−2} of the loss flow."""
    if not time >= 0:
        raise ValueError(f"time must be 0 or more, not {time!r}")
    return Event(stepper.TIME_EVENT, time)


def aligned_with(direction: np.ndarray, cosine: float) -> Event:
    """The first time ⟨v, direction⟩ rises to `cosine`; direction (P,)."""
    if math.isnan(cosine):
        raise ValueError("cosine must be a number, not NaN")
    return Event(stepper.ALIGNMENT_EVENT, cosine, direction)


class Happened(StrEnum):
    """What a hidden unit did on a sample at an event of a flow through kinks."""

    CROSSED = "crossed its kink"
    ENTERED = "began to slide along its kink"
    LEFT = "ceased to slide along its kink"
    BRANCHED = "slid along a kink that turned repelling"
    TIED = "met others at z = 0"


@dataclass(frozen=True)
class Turn:
    """An event of a flow through kinks: at a row, of a unit (layer from 1, neuron, sample)."""

    row: int
    layer: int
    neuron: int
    sample: int
    happened: Happened


@dataclass(frozen=True, eq=False)
class Turns(Value):
    """The events of a flow through kinks, and the modes of all hidden units (neuron by neuron,
    layer by layer, on every sample): 1 and −1 on a side of the kink, 0 sliding, 2 without one;
    (m + 1, H) at the start and after each event; then, too, the `slopes` in [α, 1] of sliding
    units, NaN for others. `unsettled` is the unit at which it branched.
    """

    events: tuple[Turn, ...]
    modes: np.ndarray
    slopes: np.ndarray
    unsettled: int | None = None

    def mode_at(self, row: int) -> np.ndarray:
        """The modes (H,) in which the flow goes on from a row."""
        return self.modes[sum(event.row <= row for event in self.events)]

    def until(self, count: int) -> Turns:
        """Those within the first `count` rows."""
        kept = tuple(event for event in self.events if event.row < count)
        return Turns(kept, self.modes[: len(kept) + 1], self.slopes[: len(kept) + 1], None)

    def then(self, rows: int, more: Turns) -> Turns:
        """Those of a flow of so many rows that went on from its last one."""
        late = tuple(replace(event, row=event.row + rows - 1) for event in more.events)
        modes = np.concatenate([self.modes, more.modes[1:]])
        slopes = np.concatenate([self.slopes, more.slopes[1:]])
        return Turns(self.events + late, modes, slopes, more.unsettled)


@dataclass(frozen=True, eq=False)
class Trajectory(Value):
    """A flow from r = 1, sampled at the steps of the integrator; m + 1 rows.

    `log_norm` is log r, `time` physical time (t δ^{D−2} for the loss flow), `value` N(v) (Σ
    −ℓ'·H(v) for the loss flow), `gradient_norm` ‖ḡ‖, `residual` sin∠(ḡ, v), `directions` (m + 1, P)
    unit vectors v. Through kinks ḡ is the subgradient of least norm, and `turns` tells the events.
    """

    stop: Stop
    calls: int
    sigma: np.ndarray
    log_norm: np.ndarray
    time: np.ndarray
    value: np.ndarray
    gradient_norm: np.ndarray
    residual: np.ndarray
    directions: np.ndarray
    turns: Turns | None = None

    @property
    def direction(self) -> np.ndarray:
        """The last direction, (P,)."""
        return self.directions[-1]

    @property
    def norm(self) -> float:
        """The last norm r."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.log_norm[-1]))


# What a trajectory has a row of at every step.
ROWS = tuple(
    field.name for field in fields(Trajectory) if field.name not in ("stop", "calls", "turns")
)


def first_rows(flow: Trajectory, count: int) -> Trajectory:
    """The first rows of a flow."""
    rows: dict[str, Any] = {name: getattr(flow, name)[:count] for name in ROWS}
    return replace(flow, turns=flow.turns and flow.turns.until(count), **rows)


def joined(flow: Trajectory, more: Trajectory) -> Trajectory:
    """A flow, and where it went on from its last row."""
    rows: dict[str, Any] = {
        name: np.concatenate([getattr(flow, name), getattr(more, name)[1:]]) for name in ROWS
    }
    for name in ("sigma", "time"):
        rows[name][len(flow.time) :] += getattr(flow, name)[-1]
    turns = flow.turns and more.turns and flow.turns.then(len(flow.time), more.turns)
    return replace(more, calls=flow.calls + more.calls, turns=turns, **rows)
