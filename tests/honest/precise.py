"""A world in which claims compute flows, N, ∇N and ∇²N in double-double numbers.

What a claim does with these it does as ever, in floats: what it then says of an instance is the
truth, but for a few roundings, which a second world with other ones tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np

from ncfcheck.core.tolerances import EPS
from ncfcheck.model.ncf import Ncf, sine
from ncfcheck.theory.early import training
from ncfcheck.theory.flow import ahead, stepper, trajectories
from ncfcheck.theory.flow.trajectories import Event, Stop, Trajectory
from ncfcheck.theory.kkt import points
from tests.honest import exact_flows
from tests.honest.doubled import add, sub

Array = np.ndarray
GRADIENTS = 30_000  # of one flow
FALL = 8.0  # of a gradient in a step, at most, for steps to tell how it dies
SLOWER = 0.75  # share of its first fall, as a power, from which on something else is met
LENGTHENED = 400  # steps that a flow may go on where the engine's had ended
VALUE = 3  # place of N in a row of a flow
CHANGE = 2.0**-30  # of weights, for differences of ∇N: their error is its square


def forget_flows() -> None:
    """What claims look at again is computed anew."""
    for kept in (points._followed, training._window):
        kept.cache_clear()
    for flows in (ahead._ncf_flows, ahead._loss_flows):
        flows._found.clear()


class NotKnown(Exception):
    """The truth could not be told: why."""


def network_of(layout, order: int) -> tuple:
    """What the flow of a network needs of it."""
    return layout.widths, layout.offsets, layout.powers, layout.slopes, layout.index, order


class World:
    """Exact flows and points of local error `tolerance`, rounded to floats; `jitter` units in the
    last place at random are added to all of them. Flows go on to the end that the engine's came to.
    """

    def __init__(self, tolerance: float, jitter: float = 0.0):
        self.tolerance, self.jitter = tolerance, jitter
        self.engine = trajectories._run

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Claims compute in this world."""
        forget_flows()
        self.rng = np.random.default_rng(0)  # what is told of an instance depends on no other
        try:
            with ExitStack() as stack:
                for each in self.patches():
                    stack.enter_context(each)
                yield
        finally:
            forget_flows()

    def patches(self) -> list:
        """What is computed otherwise."""
        return [
            mock.patch.object(trajectories, "_run", self.run),
            mock.patch.object(Ncf, "value_and_gradient", lambda ncf, u: self.at(ncf, u)),
            mock.patch.object(Ncf, "head_start", lambda ncf, u: self._as_known(ncf, u)),
            mock.patch.object(Ncf, "hessian", lambda ncf, u: self.hessian(ncf, u)),
            mock.patch.object(
                Ncf, "projected_hessian", lambda ncf, u, scale: self.projected(ncf, u, scale)
            ),
        ]

    def rounded(self, values):
        """Floats for double-double numbers, or floats, as this world rounds."""
        plain = np.real(values) + np.imag(values)
        return plain * (1 + self.jitter * EPS * self.rng.uniform(-1, 1, np.shape(plain)))

    def at(self, ncf: Ncf, u) -> tuple[float, Array]:
        """N(u) and ∇N(u), (P,)."""
        value, gradient = self._doubled(ncf, np.asarray(u, float).astype(complex))
        return float(self.rounded(value)), self.rounded(gradient)

    def _doubled(self, ncf: Ncf, u: Array) -> tuple[complex, Array]:
        layout, out = ncf.network.layout, np.empty(u.size, complex)
        X, y = (
            ncf.on_data.columns.astype(complex),
            ncf.on_data.rows_to_columns(ncf.ybar).astype(complex),
        )
        net = network_of(layout, ncf.network.order)[:-1]
        return exact_flows.gradient(*net, u, X, y, exact_flows.NCF, 0j, out), out

    def _as_known(self, ncf: Ncf, u: Array) -> tuple:
        value, gradient = self.at(ncf, u)
        return u, value, gradient, sine(gradient, u)

    def hessian(self, ncf: Ncf, u: Array) -> Array:
        """∇²N(u), (P, P), by differences of ∇N."""
        columns = []
        for aside in CHANGE * np.eye(u.size):
            ahead, behind = (self._doubled(ncf, (u + sign * aside) + 0j)[1] for sign in (1, -1))
            change = exact_flows.difference(ahead, behind)
            columns.append(change.real / ((u + aside) - (u - aside))[aside > 0])
        matrix = np.array(columns)
        return self.rounded((matrix + matrix.T) / 2)

    def projected(self, ncf: Ncf, u: Array, multiplier: float) -> Array:
        """Π(∇²N − λI)Π − |λ|uuᵀ."""
        across = np.eye(u.size) - np.outer(u, u)
        inner = self.hessian(ncf, u) - multiplier * np.eye(u.size)
        return np.asfortranarray(across @ inner @ across - abs(multiplier) * np.outer(u, u))

    def run(self, field, start, numerics, until: Event, residual: float, log_r: float = 0.0):
        """`trajectories._run`: at the engine's own steps, and beyond them to the same end."""
        residual = trajectories.NEVER if until.kind else residual
        rough = self.engine(field, start, numerics, until, residual, log_r)
        flow = _Walk(self, field, start, log_r, until)
        spans = list(np.diff(rough.sigma))
        stop = flow.ended(residual, last=False)
        for span in spans:
            if stop is None:
                flow.walk(float(span))
                stop = flow.event()
        if stop is None and rough.stop not in _ENDED:
            stop = rough.stop
        for _ in range(LENGTHENED):
            stop = stop or flow.ended(residual, last=True)
            if stop is not None:
                if stop is Stop.DEAD and not until.kind and len(spans) > 1:
                    flow.die(*map(float, spans[-2:]))
                return flow.trajectory(stop)
            flow.walk(float(spans[-1]) if spans else 0.01)
            stop = flow.event()
        raise NotKnown("the flow does not end")


class Steps(World):
    """A world in which every step of the engine's is a flow of its own, from where that begins."""

    def patches(self) -> list:
        """Flows alone: by another ∇N at the start the engine would take other steps."""
        return [mock.patch.object(trajectories, "_run", self.run)]

    def run(self, field, start, numerics, until: Event, residual: float, log_r: float = 0.0):
        """`trajectories._run`, N risen by what it rises in each step; its times are none."""
        rough = self.engine(field, start, numerics, until, residual, log_r)
        flow = _Walk(self, field, start, log_r, until)
        value = flow.rows[0][VALUE]
        for k, span in enumerate(np.diff(rough.sigma)):
            before = flow.take_up(rough.directions[k], rough.log_norm[k])
            flow.walk(float(span))
            value = add(value, sub(flow.rows[-1][VALUE], before))
            flow.rows[-1] = (*flow.rows[-1][:VALUE], value, *flow.rows[-1][VALUE + 1 :])
        return flow.trajectory(rough.stop)


_ENDED = Stop.CONVERGED, Stop.DEAD, Stop.ESCAPED, Stop.REACHED


class _Walk:
    """A flow on its way: its state (v, 1/r, t·scale), and the rows it has left."""

    def __init__(self, world: World, field, start, log_r: float, until: Event):
        self.world, self.field, self.until = world, field, until
        self.net = network_of(field.layout, field.order)
        delta = exact_flows.grown(complex(field.log_delta, 0.0))
        code = 0 if field.loss == trajectories.NCF_CODE else field.loss
        arrays = field.X.astype(complex), field.y.astype(complex)
        self.data = *arrays, code, delta, complex(field.scale, 0.0)
        self.take_up(start, log_r)
        self.sigma, self.length, self.left, self.rows = 0.0, 0.05, GRADIENTS, []
        self.target = until.target * (field.scale if until.kind == stepper.TIME_EVENT else 1.0)
        self._note()

    def take_up(self, v: Array, log_r: float) -> complex:
        """Go on from another state instead, (P,); N/scale there."""
        self.state = exact_flows.normalised(np.append(v, [math.exp(-log_r), 0.0]) + 0j)
        return exact_flows.rate(
            self.net, self.data, self.state, np.empty(self.state.size, complex)
        )[0]

    def walk(self, span: float) -> None:
        """Go on by `span` in σ, or to the event."""
        if not span > 0:
            return
        before, earlier = self.state.copy(), self.distance()
        self._advance(span)
        if self.until.kind and (later := self.distance()) >= 0:
            span = self._locate(before, span, earlier, later)
        self.sigma += span
        self._note()

    def _advance(self, span: float) -> None:
        asked = self.net, self.data, self.state, span, self.length, self.world.tolerance, self.left
        try:
            self.left, self.length = exact_flows.advance(*asked)
        except OverflowError:
            raise NotKnown("a number is beyond doubles") from None
        if self.left < 0:
            raise NotKnown("the flow takes too many steps")

    def _locate(self, before: Array, span: float, f_low: float, f_high: float) -> float:
        """The span to the event, by Illinois; the state there."""
        low, high, side, best = 0.0, span, 0, (span, f_high, self.state.copy())
        for _ in range(60):
            middle = (low * f_high - high * f_low) / (f_high - f_low)
            if not low < middle < high:
                break
            self.state = before.copy()
            self._advance(middle)
            f = self.distance()
            if abs(f) < abs(best[1]):
                best = middle, f, self.state.copy()
            if abs(f) < 1e-17:
                break
            if f < 0:
                low, f_low, f_high = middle, f, 0.5 * f_high if side == -1 else f_high
                side = -1
            else:
                high, f_high, f_low = middle, f, 0.5 * f_low if side == 1 else f_low
                side = 1
        span, _, self.state = best
        self.is_there = True
        return span

    is_there = False

    def die(self, before: float, span: float) -> None:
        """Go on towards where ∇N vanishes, by steps as their last two spans go on, as long as it
        falls in each alike: it does not where the flow only passes by.
        """
        first, shorter = self.rows[0][4], min(1.0, span / before)
        falls = []
        try:
            for _ in range(LENGTHENED):
                if not self.rows[-1][4] > stepper.VANISHED**2 * first:
                    return
                span *= shorter
                self.walk(span)
                if self.rows[-1][4] == 0:
                    return
                falls.append(math.log(self.rows[-2][4] / self.rows[-1][4]))
                if not SLOWER * falls[0] <= falls[-1] <= math.log(FALL):
                    del self.rows[-1]
                    return
        except NotKnown:
            return

    def distance(self) -> float:
        """Signed distance from the event."""
        kind, state = self.until.kind, self.state
        if kind == stepper.NORM_EVENT:
            return _log_norm(state) - self.target
        if kind == stepper.TIME_EVENT:
            return (state[-1].real - self.target + state[-1].imag) / self.target
        if kind == stepper.ALIGNMENT_EVENT:
            along = exact_flows.cosine(state, self.until.direction + 0j)
            return along.real - self.target + along.imag
        return -1.0

    def event(self) -> Stop | None:
        """How the flow stops if it is at its event."""
        if not self.until.kind or not (self.is_there or self.distance() >= 0):
            return None
        return Stop.ESCAPED if self.until.kind == stepper.NORM_EVENT else Stop.REACHED

    def ended(self, residual: float, last: bool) -> Stop | None:
        """How the flow stops here; `last`: where the engine's has."""
        _, _, _, _, size, sine, _ = self.rows[-1]
        if size == 0 or (last and size <= 1.01 * stepper.VANISHED * self.rows[0][4]):
            return Stop.DEAD
        if sine <= residual * (1.01 if last else 1.0):
            return Stop.CONVERGED
        return self.event()

    def _note(self) -> None:
        out = np.empty(self.state.size, complex)
        value, size, sine = (
            each for each in exact_flows.rate(self.net, self.data, self.state, out)
        )
        if not np.isfinite([value, size, *self.state]).all():
            raise NotKnown("not finite")
        v = exact_flows.normalised(self.state)[:-2]
        self.rows.append(
            (self.sigma, _log_norm(self.state), self.state[-1], value, size.real, sine.real, v)
        )

    def trajectory(self, stop: Stop) -> Trajectory:
        """What the engine would return of the way so far."""
        rounded, scale = self.world.rounded, self.field.scale
        sigma, log_norm, time, value, size, sine, v = zip(*self.rows)
        return Trajectory(
            stop,
            GRADIENTS - self.left,
            np.array(sigma),
            rounded(np.array(log_norm)),
            rounded(np.array(time)) / scale,
            rounded(np.array(value)) * scale,
            rounded(np.array(size)) * scale,
            np.array(sine),
            rounded(np.array(v)),
        )


def _log_norm(state: Array) -> float:
    """log r."""
    return -math.log(state[-2].real) - state[-2].imag / state[-2].real
