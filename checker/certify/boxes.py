"""KKT points and the boxes that the verifier finds them in, without silent neurons or linear
layers' symmetries (theory §9).

A point is polished in floats. How far it is off the verifier's own arithmetic says, and so how
large its box has to be; whether that holds a KKT point, the verifier.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ncfcheck.certify.certificate import NotProved, check_time, hexadecimal
from ncfcheck.certify.spans import Span
from ncfcheck.certify.symmetries import Generator, generators
from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import DENSE, Network, Pattern, dense
from ncfcheck.theory.kkt.points import KktPoint, polish
from ncfcheck.verifier.boxes import equations, slopes
from ncfcheck.verifier.networks import Net
from ncfcheck.verifier.numbers import Ball, ball, limits, power

# Neurons with smaller weights are taken out, and exactly zero in the point that is proved.
SILENT = 1e-6
LARGEST = 160  # unknowns of a box
BITS = 192  # of the verifier's numbers
NEWTON = 12  # steps to a centre of two floats
APPROXIMATE = 1e-3  # Newton step at a point that is not near any other
ROOM = 8.0  # radius of a box in units of the Newton step at its centre
NEAR, ROUNDING = 4.0, 1e-15  # what is left to kinks of a box about floats: radii, and at least
LEAST, LEAST_FINE = 2.0**-80, 2.0**-120  # radii, of a centre of one float and of two


@dataclass(frozen=True)
class Box:
    """Where a KKT point seems to be: all unknowns within `radius` of centre + fine, the first
    `free` the weights.
    """

    centre: tuple[float, ...]
    fine: tuple[float, ...]
    radius: float
    scale: int
    turns: tuple[Generator, ...]
    free: int

    @property
    def theta(self) -> np.ndarray:
        """The weights at the centre, (free,)."""
        return np.array(self.centre[: self.free])

    def plain(self) -> dict:
        """What the verifier needs of the box."""
        return {
            "centre": hexadecimal(self.centre),
            **({"fine": hexadecimal(self.fine)} if any(self.fine) else {}),
            "radius": self.radius.hex(),
            "scale": self.scale,
            "generators": [list(each) for each in self.turns],
        }


def enclose(ncf: Ncf, theta: np.ndarray, fixed=(), turns: tuple[Generator, ...] = ()) -> Box:
    """The box about the KKT point that theta (P,) approximates, the last weights of the network
    `fixed`. Raises NotProved where there seems to be none.

    Where a kink is too near for a box about floats, the centre is given to twice as many digits.
    """
    limits.bits = BITS
    theta = theta / np.linalg.norm(theta)
    multiplier = float(theta @ ncf.gradient(np.concatenate([theta, fixed]))[: theta.size])
    if not (multiplier and math.isfinite(multiplier)):
        raise NotProved("λ is not known to differ from 0")
    scale = -math.frexp(multiplier)[1]
    centre = [*map(float, theta), math.ldexp(multiplier, scale), *[0.0] * len(turns)]
    if len(centre) > LARGEST:
        raise NotProved(f"too many unknowns for a box: {len(centre)}")
    system = _System(ncf, scale, tuple(map(float, fixed)), turns)
    fine, least = [0.0] * len(centre), LEAST
    step = system.step(centre, fine)
    if system.is_near_kink(theta, NEAR * ROOM * abs(step).max() + ROUNDING):
        least = LEAST_FINE
        for _ in range(NEWTON):
            middle = [ball(a) + ball(b) - ball(float(c)) for a, b, c in zip(centre, fine, step)]
            centre = [float(each) for each in middle]
            fine = [float(each - ball(near)) for each, near in zip(middle, centre)]
            step = system.step(centre, fine)
            if ROOM * abs(step).max() < LEAST_FINE:
                break
    radius = 2.0 ** math.ceil(math.log2(max(ROOM * abs(step).max(), least)))
    return Box(tuple(centre), tuple(fine), radius, scale, turns, theta.size)


@dataclass(frozen=True)
class _System:
    """The verifier's KKT equations of N times 2^scale."""

    ncf: Ncf
    scale: int
    fixed: tuple[float, ...]
    turns: tuple[Generator, ...]

    def step(self, centre: list[float], fine: list[float]) -> np.ndarray:
        """Newton's step from centre + fine. Raises NotProved where it leads away."""
        check_time()
        X, Y = exactly(self.ncf.X), exactly(self.ncf.ybar)
        Y = [[v * Ball(1, None, self.scale) for v in row] for row in Y]
        middle = [ball(a) + ball(b) for a, b in zip(centre, fine)]
        turns = [list(each) for each in self.turns]
        F = equations(net_of(self.ncf.network), X, Y, turns, middle, exactly(self.fixed))
        J = np.array([[float(each) for each in row] for row in slopes(F, middle)])
        try:
            step = np.linalg.solve(J, [float(each) for each in F(middle)])
        except np.linalg.LinAlgError as error:
            reason = "a continuum, or a degenerate point: the Jacobian is singular"
            raise NotProved(reason) from error
        if not abs(step).max() < APPROXIMATE:
            off = f"{abs(step).max():.0e}"
            raise NotProved(f"Newton's method leaves the point by {off}: approximate at best")
        return step

    def is_near_kink(self, theta: np.ndarray, radius: float) -> bool:
        """Whether a pre-activation may change its sign so near where that bends ∇N."""
        network, whole = self.ncf.network, np.concatenate([theta, self.fixed])
        moved = np.where(np.arange(whole.size) < theta.size, radius, 0.0)
        ends = (network.matrices(whole - moved), network.matrices(whole + moved))
        h = Span(self.ncf.X.T)
        for low, high, q, alpha in zip(*ends, network.powers, network.slopes):
            z = Span(low, high) @ h
            if q <= 2 and alpha != 1 and ((z.lo < 0) & (z.hi > 0)).any():
                return True
            h = z.bend(q, alpha)[0]
        return False


def exactly(values):
    """Floats, in a list or an array of any dimension, as the verifier's numbers."""
    each_is_row = np.ndim(values) > 1
    return [exactly(each) if each_is_row else ball(float(each)) for each in values]


def net_of(network: Network) -> Net:
    """The network as the verifier has it."""
    shapes = zip(network.patterns, network.widths[1:], network.widths)
    index = [pattern.expand(rows, columns).tolist() for pattern, rows, columns in shapes]
    laws = [(q, Ball(1), power(ball(float(a)), q)) for q, a in zip(network.powers, network.slopes)]
    return Net(list(network.widths), laws, index)


def reduced_box(network: Network, X: np.ndarray, ybar: np.ndarray, u: np.ndarray, signs) -> Box:
    """The box about the KKT point of the reduced problem near u (d,), that of X (n, d) and ȳ (n,
    1), all widths one.
    """
    chain = dense((X.shape[1], *[1] * network.depth), network.powers, network.slopes)
    return enclose(Ncf(chain, X, ybar), np.asarray(u), signs)


@dataclass(frozen=True)
class Pruned:
    """A network without its silent neurons: `active` lists those that are left of every hidden
    layer.

    A zero neuron, in- and outgoing weights 0, stays zero: ∂N by its incoming weights has a factor
    of its outgoing ones, and ∂N by these the factor σ(0) = 0. So KKT points of `network` are KKT
    points of the whole with zeros filled in.
    """

    network: Network
    active: tuple[tuple[int, ...], ...]
    theta: np.ndarray
    is_smaller: bool


def prune(network: Network, u: np.ndarray) -> Pruned:
    """The network and its weights u without neurons whose weights are all smaller than SILENT."""
    W = network.matrices(u)
    if any(pattern.is_shared for pattern in network.patterns):
        active = tuple(tuple(range(width)) for width in network.widths[1:-1])
        return Pruned(network, active, u, False)
    sizes = [np.maximum(np.abs(a).max(axis=1), np.abs(b).max(axis=0)) for a, b in zip(W, W[1:])]
    active = tuple(tuple(map(int, np.flatnonzero(each > SILENT))) for each in sizes)
    if not all(active):
        raise NotProved("a hidden layer is silent")
    kept = [tuple(range(network.widths[0])), *active, tuple(range(network.widths[-1]))]
    patterns = tuple(
        _cut(p, rows, columns) for p, rows, columns in zip(network.patterns, kept[1:], kept)
    )
    small = Network(tuple(map(len, kept)), network.powers, network.slopes, patterns)
    theta = small.flatten([w[np.ix_(rows, columns)] for w, rows, columns in zip(W, kept[1:], kept)])
    return Pruned(small, active, theta, small.widths != network.widths)


def _cut(pattern: Pattern, rows, columns) -> Pattern:
    """The pattern of some rows and columns of a layer that shares no weights."""
    if pattern.index is None:
        return DENSE
    present = np.array(pattern.index)[np.ix_(rows, columns)] >= 0
    numbers = np.where(present, np.cumsum(present).reshape(present.shape) - 1, -1)
    return Pattern(pattern.kind, tuple(tuple(map(int, row)) for row in numbers))


@dataclass(frozen=True)
class Found:
    """A KKT point, of the NCF of a network that may have been pruned, and its box."""

    point: KktPoint
    box: Box
    ncf: Ncf
    pruned: Pruned

    @property
    def matrices(self) -> list[np.ndarray]:
        """Weight matrices of the pruned network."""
        return self.pruned.network.matrices(self.box.theta)

    @property
    def is_maximum(self) -> bool:
        """Whether the projected Hessian seems negative definite; zero neurons add −λ, p ≥ 2."""
        left_out = self.pruned.is_smaller and min(self.pruned.network.powers) < 2
        return self.point.multiplier > 0 > self.point.top_curvature and not left_out

    def plain(self) -> dict:
        """What the verifier needs."""
        return {"box": self.box.plain(), "active": [list(each) for each in self.pruned.active]}


def found_near(network: Network, ncf: Ncf, u: np.ndarray) -> Found:
    """The KKT point near u, polished without its silent neurons. Raises NotProved."""
    pruned = prune(network, u)
    small = Ncf(pruned.network, ncf.X, ncf.ybar)
    try:
        point = polish(small, pruned.theta / np.linalg.norm(pruned.theta))
    except (Inapplicable, Unresolved, np.linalg.LinAlgError) as error:
        raise NotProved(f"the point cannot be polished: {error}") from error
    if np.linalg.norm(point.u - pruned.theta) > 1e-4:
        raise NotProved("without its silent neurons the point is another")
    box = enclose(small, point.u, (), generators(pruned.network, point.u))
    return Found(point, box, small, pruned)


def filled(network: Network, found: Found) -> np.ndarray:
    """The centre of a box as weights of the whole network, zeros for silent neurons, (P,)."""
    pruned, out = found.pruned, network.matrices(np.zeros(network.size))
    kept = [range(network.widths[0]), *pruned.active, range(network.widths[-1])]
    for whole, part, rows, columns in zip(out, found.matrices, kept[1:], kept):
        whole[np.ix_(rows, columns)] = part
    return network.flatten(out)


def has_rank_two(W: np.ndarray, share: float) -> bool:
    """Whether σ_2 > share·σ_1."""
    sizes = np.linalg.svd(W, compute_uv=False)
    return sizes.size > 1 and bool(sizes[1] > share * sizes[0])


def active_rows(W: np.ndarray, share: float) -> int:
    """Rows whose norm is above `share` times the largest."""
    sizes = np.linalg.norm(W, axis=1)
    return int((sizes > share * sizes.max()).sum())
