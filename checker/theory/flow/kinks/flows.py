"""Flows through kinks as integrators are asked for them, and what happened (theory §11)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import compiled
from ncfcheck.model.losses import NCF_CODE
from ncfcheck.theory.flow import stepper
from ncfcheck.theory.flow.kinks import second as by_scipy
from ncfcheck.theory.flow.kinks import stepper as by_modes
from ncfcheck.theory.flow.kinks.modes import SLIDING, make_room
from ncfcheck.theory.flow.kinks.settling import ON_KINK, both_sides, scale_of
from ncfcheck.theory.flow.kinks.sliding import (
    arrange,
    least,
    onto_kinks,
    settle_shares,
    sliding_slopes,
)
from ncfcheck.theory.flow.trajectory import Happened, Turn, Turns

Array = np.ndarray
# What a share may leave [0, 1] by at a polished point, since it goes by a quotient; and the pull of
# a kink, in units of ‖∇N‖, that any slope is as good as another for: its neuron dies out.
HELD, FADED = 1e-6, 1e-5
ASIDE = 1e-5  # of differences: of third order in it, and rounding over it, 1e-10 each
BRANCHED, TIED = by_modes.BRANCHED, by_modes.TIED
_HAPPENED = {
    by_modes.CROSSED: Happened.CROSSED,
    by_modes.ENTERED: Happened.ENTERED,
    by_modes.LEFT: Happened.LEFT,
    by_modes.BRANCHING: Happened.BRANCHED,
    by_modes.TYING: Happened.TIED,
}


class Mode:
    """The smooth problem of an NCF in a mode: its least-norm subgradient at any u (P,)."""

    def __init__(self, field: stepper.Field, modes: Array, u: Array):
        self.field, self.room = field, make_room(field.layout, field.X.shape[1], u.size)
        self.room.modes[:] = modes
        arrange(field, u, self.room)

    @property
    def modes(self) -> Array:
        """Those it is the problem of, (H,)."""
        return self.room.modes

    @classmethod
    def of(cls, ncf, modes: Array, u: Array) -> Mode:
        """That of an NCF near u."""
        on_data = ncf.on_data
        columns = on_data.columns, on_data.rows_to_columns(ncf.ybar)
        order = int(ncf.network.order)
        return cls(stepper.Field(on_data.layout, *columns, NCF_CODE, order, 0.0, 1.0), modes, u)

    def gradient(self, u: Array) -> tuple[float, Array]:
        """N(u) and its least-norm subgradient (P,)."""
        out = np.empty(u.size)
        return least(self.field, u, 0.0, out, self.room), out

    def normals(self, u: Array) -> Array:
        """An orthonormal basis of the ∇z of sliding units at u, (k, P)."""
        self.gradient(u)
        return self.room.basis[: self.room.counts[0]].copy()

    def onto(self, u: Array) -> Array:
        """The unit vector next to u whose sliding units have z = 0."""
        u = u / np.linalg.norm(u)
        for _ in range(2):
            self.gradient(u)
            onto_kinks(self.field, u, self.room)
        return u

    def hessian(self, u: Array, basis: Array) -> Array:
        """The Hessian (m, m) of N on the sphere and the manifold where sliding units have z = 0, in
        a tangent basis (P, m) at u, by differences of the gradient.
        """
        H = basis.T @ _differences(self.field, u, np.ascontiguousarray(basis.T), self.room).T
        return 0.5 * (H + H.T)

    def holds(self, u: Array) -> bool:
        """Whether free units are on their sides at u, and slopes of sliding ones in [α, 1]."""
        g = self.gradient(u)[1]
        settle_shares(self.field, self.room)
        return bool(_holds(self.field, self.room, FADED * np.linalg.norm(g)))

    def without_faded(self, u: Array) -> Array:
        """The modes (H,), with those whose ∇z all but vanishes, as where the neurons below die out,
        on a side instead of sliding: it is no direction to project out.
        """
        self.gradient(u)
        modes = self.room.modes.copy()
        for unit in np.flatnonzero((modes == SLIDING) & (self.room.group >= 0)):
            place = self.room.group[unit]
            length = np.linalg.norm(self.room.triangle[: place + 1, place])
            if length <= FADED:
                modes[unit] = 1 if self.room.ratio[unit] > 0 else -1
        return modes

    def slopes(self, u: Array) -> dict[tuple[int, int, int], float]:
        """θ of sliding units (layer from 1, neuron, sample) at u, but where any will do."""
        self.gradient(u)
        settle_shares(self.field, self.room)
        samples = self.field.X.shape[1]
        slopes, found = np.empty(self.room.modes.size), {}
        sliding_slopes(self.field, self.room, slopes)
        for unit in np.flatnonzero(np.isfinite(slopes)):
            found[place_of(self.field.layout, samples, int(unit))] = float(slopes[unit])
        return found


@compiled()
def _differences(field, u, directions, room):
    """Derivatives of the gradient across u, (m, P), along directions (m, P) within the manifold."""
    out, g, end = np.empty(directions.shape), np.empty(u.size), np.empty(u.size)
    for k in range(len(directions)):
        for side in (1.0, -1.0):
            end[:] = u + side * ASIDE * directions[k]
            end /= np.sqrt(np.dot(end, end))
            least(field, end, 0.0, g, room)
            onto_kinks(field, end, room)
            least(field, end, 0.0, g, room)
            g -= np.dot(g, end) * end
            if side > 0:
                out[k] = g
            else:
                out[k] -= g
        out[k] /= 2 * ASIDE
    return out


@compiled()
def _holds(field, room, faded):
    for q in range(room.counts[0]):
        if abs(room.strengths[q]) <= faded:
            continue
        if not -HELD <= room.shares[q] <= 1.0 + HELD or not room.strengths[q] < 0.0:
            return False
    for unit in range(room.modes.size):
        mode = room.modes[unit]
        if (mode == 1 or mode == -1) and mode * room.pre[unit] < 0.0:
            if mode * room.pre[unit] < -ON_KINK * scale_of(field, unit, room):
                return False
    return True


def has_kinks(field: stepper.Field) -> bool:
    """Whether a layer of the field's network has p = 1 and α ≠ 1."""
    layout = field.layout
    return bool(((layout.powers == 1) & (layout.slopes != 1.0)).any())


def integrate(run: tuple, modes: Array | None, second: bool) -> tuple:
    """Stop code, gradient calls, scalars and directions as `stepper.integrate` gives for the
    arguments of a run, and the turns; from `modes` (H,), or those of the start.
    """
    given = np.zeros(0, np.int8) if modes is None else np.ascontiguousarray(modes, np.int8)
    *rows, events, passed, slopes = (by_scipy if second else by_modes).integrate(*run, given)
    turns = tuple(_turn(run[0], row, int(unit), int(what)) for row, unit, what in events[1:])
    branched = rows[0] == BRANCHED
    return *rows, Turns(turns, passed, slopes, int(events[-1, 1]) if branched else None)


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
