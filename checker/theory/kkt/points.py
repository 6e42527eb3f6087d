"""KKT points of the constrained NCF: polish, inertia, the one a flow tends to (theory §2, §8)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from numbers import Integral
from typing import Any

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import brentq
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, lsmr

from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.stated import must_be, shown
from ncfcheck.core.tolerances import (
    DEGENERATE,
    DENSE_HESSIAN,
    EPS,
    HANDOVER,
    LOOSER,
    POLISHED,
    RESOLUTION,
    Numerics,
)
from ncfcheck.model.arrays import direction, unit_vector
from ncfcheck.model.models import projected
from ncfcheck.model.ncf import NCF_HINT, Ncf, norm, sine, unit
from ncfcheck.model.networks import Network
from ncfcheck.theory.flow.ahead import ncf_flow_kept, ncf_flows_ahead
from ncfcheck.theory.flow.kinks.flows import Mode
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, ncf_flow, noise
from ncfcheck.theory.kkt.kinked import polish_in_mode
from ncfcheck.theory.kkt.point import CONDITION, Inertia, KktPoint

FLOWS = (
    64  # that are kept: a few for each of the instances that a check draws before it judges them
)
Known = tuple[float, np.ndarray, float]  # N(u), ∇N(u) and sin∠ at a point u
# Share of a blow-up time that looser runs may differ by: where it is more, the flow leaves a saddle
# along its errors, after a time that goes by their logarithm, and runs that agree say little.
LINEAR = 1e-3
ASIDE = 16.0  # roundings in a step that one start beside another stands for, some by chance
SMALL = 1e-3  # share of its largest norm from which on ∇N is small
BLOCK = 32  # columns that LAPACK's tridiagonalisation takes at a time


def polish(ncf: Ncf, u: np.ndarray, steps: int = 40) -> KktPoint:
    """The KKT point the unit vector u (P,) is near, with its inertia; raises as `refined` does."""
    return describe(ncf, *refined(ncf, u, steps))


def refined(ncf: Ncf, u: np.ndarray, steps: int = 40) -> tuple[np.ndarray, Known]:
    """Newton's method on the sphere from a unit vector u near a KKT point, damped by the residual:
    the point, with what is known.

    At a distance ε from a continuum of KKT points its flat directions have eigenvalues of size ε,
    of either sign, along which a full step goes anywhere. The damping is of that size and vanishes
    with it, so that convergence stays quadratic.

    Raises Unresolved where ∇N vanishes: such a point has no multiplier to polish against;
    ValueError for a u that is no direction of the network's size.
    """
    must_be(Ncf, "ncf", ncf, NCF_HINT)
    if not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"steps must be 1 or more, a whole number, not {shown(steps)}")
    u = direction(u, ncf.network.size, "u")
    solver = _DenseHessian if u.size <= DENSE_HESSIAN else _HessianProducts
    u = u / np.linalg.norm(u)
    point: np.ndarray
    known: Any
    point, *known = ncf.head_start(u) or (u,)
    if known and known[-1] <= POLISHED / 100:
        return point, tuple(known)
    best: Any = None
    best_residual, last, model = np.inf, np.inf, None
    for _ in range(steps):
        value, g = known[:2] or ncf.value_and_gradient(point)
        known = ()
        size = norm(g)
        if not (math.isfinite(size) and size > 0):
            raise Unresolved("∇N vanishes at the point to polish")
        tangential = g - (g @ point) * point
        residual = norm(tangential) / size
        slow = residual > 0.1 * last
        if residual < best_residual:
            best, best_residual = (point, (value, g, residual)), residual
        if best_residual <= POLISHED / 100 or (slow and best_residual <= POLISHED):
            break
        # Along nearly flat directions the first steps overshoot: the residual may rise at first.
        if model is None or slow:
            model = solver(ncf, point, g)
        last = residual
        point = point + model.newton_step(tangential)
        point /= np.linalg.norm(point)
        if not np.isfinite(point).all():
            raise Unresolved("a step of the polish is not finite")
    return best


def describe(ncf: Ncf, u: np.ndarray, known: Known | None = None) -> KktPoint:
    """KktPoint at the unit vector u (P,) as it stands, without moving it.

    Raises Unresolved where ∇N vanishes, ValueError for a u that is no direction of its size.
    """
    u = direction(u, ncf.network.size, "u")
    value, g = known[:2] if known else ncf.value_and_gradient(u)
    residual = known[2] if known else sine(g, u)
    if not g.any():
        raise Unresolved("∇N vanishes at the point to describe")
    hessian = (_DenseHessian if u.size <= DENSE_HESSIAN else _HessianProducts)(ncf, u, g)
    top, escape = hessian.escape_directions()
    lost = ncf.rounding(u)[1] / norm(g)
    return KktPoint(u, value, float(g @ u), residual, lost, top, escape, hessian.error)


def curvature_there(ncf: Ncf, point: KktPoint) -> Bounded:
    """`top_curvature`; with those on both sides of 0 of pre-activations, where ∇²N jumps or all but
    does, that the KKT point next to `point` may lie on. Raises Unresolved where those are not
    finite.
    """
    known, network = Bounded(point.top_curvature, point.curvature_error), ncf.network
    if not isinstance(network, Network):
        return known
    if not any(p > 1 and abs(a) != 1 for p, a in zip(network.powers, network.slopes)):
        return known
    reach = CONDITION * (point.residual + point.residual_error)
    curvature: Any = ncf.curvature(point.u)
    sides = curvature.sides(reach, EPS * abs(point.multiplier))
    if sides is None:
        return known
    tops = []
    for each in sides:
        matrix = projected(each.matrix(), point.u, point.multiplier)
        if not np.isfinite(matrix).all():
            raise Unresolved("second derivatives beside a kink are not finite")
        tops.append(np.linalg.eigvalsh(matrix)[-1] / abs(point.multiplier))
    least, most = sorted(tops)
    rounding = EPS * point.u.size * max(-least, most)
    return Bounded(float((least + most) / 2), float((most - least) / 2 + rounding))


def least_curved(ncf: Ncf, point: KktPoint) -> KktPoint:
    """The point with the largest curvature that it may have on either side of kinks."""
    return replace(point, top_curvature=curvature_there(ncf, point).most)


class _DenseHessian:
    """The projected Hessian A = Π(∇²N − λI)Π, −|λ| across the sphere, as QTQᵀ, T tridiagonal."""

    def __init__(self, ncf: Ncf, u: np.ndarray, g: np.ndarray):
        multiplier = g @ u
        self.scale, self.matrix = abs(multiplier), ncf.projected_hessian(u, multiplier)
        self.reflectors, self.diagonal, self.beside, self.factors, _ = lapack.dsytrd(
            self.matrix, lower=1, lwork=BLOCK * u.size
        )
        self.share = ncf.on_data.curvature_error

    @property
    def error(self) -> float:
        """What estimated second derivatives may move eigenvalues by, in units of |λ|."""
        if not self.share:
            return 0.0
        return self.share * math.hypot(norm(self.diagonal), norm(self.beside)) / (self.scale or 1.0)

    def newton_step(self, tangential: np.ndarray) -> np.ndarray:
        """−(A² + δ²)^{-1} A · tangential by A/(A² + δ²) = Re 1/(A + iδ)."""
        scale = math.hypot(norm(self.diagonal), norm(self.beside)) or 1.0
        damping, beside = max(1e-8, norm(tangential) / scale), self.beside / scale
        solved = lapack.zgtsv(
            beside, self.diagonal / scale + 1j * damping, beside, self._turned(-tangential, "T")
        )[-2]
        return self._turned(solved.real, "N") / scale

    def _turned(self, vector: np.ndarray, which: str) -> np.ndarray:
        """Qᵀ · vector (T) or Q · vector (N); with no room to work on more than one reflection at a
        time, which is fastest.
        """
        out = vector.copy()
        out[1:] = lapack.dormqr(
            "L", which, self.reflectors[1:, :-1], self.factors, vector[1:, None], 1
        )[0][:, 0]
        return out

    def escape_directions(self) -> tuple[float, np.ndarray]:
        """The largest eigenvalue over |λ|, and unit eigenvectors (k, P) above DEGENERATE."""
        # A matrix of one entry is its eigenvalue, which the routine does not take.
        values = lapack.dsterf(self.diagonal, self.beside)[0] if self.beside.size else self.diagonal
        with np.errstate(over="ignore"):  # of a multiplier that hardly is one
            top = values[-1] / self.scale if self.scale > 0 else np.nan
        if not top > DEGENERATE:
            return float(top), np.zeros((0, self.diagonal.size))
        values, vectors = np.linalg.eigh(self.matrix)
        return float(top), vectors[:, values > DEGENERATE * self.scale].T


class _HessianProducts:
    """The same Hessian as products only: LSMR for the step, Lanczos for the largest eigenvalues."""

    def __init__(self, ncf: Ncf, u: np.ndarray, g: np.ndarray):
        multiplier, curvature = g @ u, ncf.curvature(u)
        self.ncf, self.scale, self.u, self.gradient = ncf, abs(multiplier), u, g

        def product(direction: np.ndarray) -> np.ndarray:
            direction = direction.ravel()
            normal = direction @ u
            tangent = direction - normal * u
            curved = curvature.product(tangent)
            return curved - (curved @ u) * u - multiplier * tangent - self.scale * normal * u

        self.error = ncf.on_data.curvature_error
        self.operator = LinearOperator(
            (u.size, u.size), matvec=product, rmatvec=product, dtype=float
        )

    def newton_step(self, tangential: np.ndarray) -> np.ndarray:
        step = lsmr(
            self.operator, -tangential, damp=norm(tangential), atol=1e-9, btol=1e-9, maxiter=200
        )[0]
        return step - (step @ self.u) * self.u

    def escape_directions(self) -> tuple[float, np.ndarray]:
        try:
            values, vectors = eigsh(
                self.operator, k=4, which="LA", v0=np.ones(self.u.size), tol=1e-8, maxiter=200
            )
        except ArpackError:  # flat directions crowd the top of the spectrum, or there is hardly any
            return _DenseHessian(self.ncf, self.u, self.gradient).escape_directions()
        return float(values.max() / self.scale), vectors[:, values > DEGENERATE * self.scale].T


@dataclass(frozen=True, eq=False)
class Limit:
    """The KKT point an NCF flow tends to, and the flow up to the hand-over."""

    point: KktPoint
    trajectory: Trajectory
    order: float  # D

    @cached_property
    def distance(self) -> float:
        """‖v − u*‖ between the flow's last direction and the KKT point."""
        return norm(self.trajectory.direction - self.point.u)

    @cached_property
    def end(self) -> tuple[np.ndarray, float]:
        """Where v tends to as ∇N dies away, (P,), and what that may be off by: twice how far it is
        from what the flow tells of it until ‖∇N‖ is ten times as large. Raises Unresolved.
        """
        sizes = self.trajectory.gradient_norm
        larger = np.flatnonzero(sizes >= 10 * sizes[-1])
        rows = len(sizes) - 1, int(larger[-1]) if larger.size else 0
        u, other = (_extrapolated(self.trajectory, row, self.order) for row in rows)
        return u, 2 * norm(u - other)


def _extrapolated(flow: Trajectory, row: int, order: float) -> np.ndarray:
    """Where v tends to as ∇N dies away, by the rows up to one: ‖∇N‖ falls like a power of the
    distance, D at most, which it tells by where it was ten and a hundred times as large.
    """
    sizes, sigma = flow.gradient_norm / flow.gradient_norm[row], flow.sigma
    rows = [np.flatnonzero(sizes[:row] >= share)[-1:] for share in (10.0, 100.0)]
    near, far = (int(each[0]) if each.size else row for each in rows)
    if not far < near < row:
        raise Unresolved("∇N dies away too fast to tell where the flow ends")
    lengths, logs = sigma[row] - sigma[[near, far]], np.log(sizes[[near, far]])

    def excess(inverse: float) -> float:
        grown = np.expm1(inverse * logs)
        return float(grown[1] / grown[0] - lengths[1] / lengths[0])

    least, most = 1 / order, 1.0
    if excess(least) < 0 < excess(most):
        least = brentq(excess, least, most)
    elif excess(most) <= 0:
        least = most
    left = lengths[0] / math.expm1(least * logs[0])
    way = flow.directions[row] - flow.directions[near]
    return unit(flow.directions[row] + left * unit(way))


def _zero_point(ncf: Ncf, trajectory: Trajectory) -> KktPoint:
    """Last direction of a flow whose gradient vanished; residual: its share of the first norm."""
    u, last = trajectory.direction, trajectory.gradient_norm[-1]
    if trajectory.turns is not None:  # at a kink ∇N may vanish at once, beyond the last row
        last = norm(Mode.of(ncf, trajectory.turns.modes[-1], u).gradient(u)[1])
    share = float(last / (trajectory.gradient_norm[0] or 1.0))
    return KktPoint(u, 0.0, 0.0, share, share, float("nan"), np.zeros((0, u.size)))


def _reach(point: KktPoint, residual: float) -> float:
    """How far from its KKT point a flow of this sin∠ may be: further where a maximum is flat."""
    flat = residual / -point.top_curvature if point.inertia is Inertia.MAXIMUM else 0.0
    return max(1e3 * residual, min(10 * flat, 0.05))


def flow_limit(ncf: Ncf, start: np.ndarray, numerics: Numerics) -> Limit:
    """Follow the NCF flow from start (P,) to the KKT point it tends to.

    The flow hands over to the polish at sin∠ ≤ HANDOVER. Where that ends on a saddle whose escape
    directions the flow has already entered, the flow goes on. Where ∇N dies away the limit is a
    zero KKT point. Raises Inapplicable for a dead start, Unresolved when the KKT point cannot be
    told, ValueError for a start that is no unit vector of the network's size, TypeError for no Ncf
    or Numerics.
    """
    must_be(Ncf, "ncf", ncf, NCF_HINT)
    must_be(Numerics, "numerics", numerics)
    start = unit_vector(start, ncf.network.size, "start")
    return _followed(ncf, start.tobytes(), numerics)


@lru_cache(maxsize=FLOWS)
def _followed(ncf: Ncf, start: bytes, numerics: Numerics) -> Limit:
    """`flow_limit` from start's bytes: claims ask for it several times, stiff flows are dear."""
    v = np.frombuffer(start).copy()
    scale = norm(ncf.gradient(v))
    if scale <= ncf.rounding(v)[1]:
        raise Inapplicable("∇N(v_0) = 0: the network is dead on the data")
    residual = HANDOVER
    for _ in range(4):
        trajectory = (
            ncf_flow_kept(ncf, v, numerics)
            if residual == HANDOVER
            else ncf_flow(ncf, v, numerics, residual=residual, scale=scale)
        )
        if trajectory.stop is Stop.DEAD:
            return Limit(_zero_point(ncf, trajectory), trajectory, ncf.network.order)
        if trajectory.stop is not Stop.CONVERGED:
            raise Unresolved(f"NCF flow {trajectory.stop.value}")
        point = _polished(ncf, trajectory)
        if point is None:
            residual *= 1e-2
            continue
        limit = Limit(point, trajectory, ncf.network.order)
        if point.residual_error > RESOLUTION:
            raise Unresolved(f"data cancel: ∇N is known to {point.residual_error:.1e} of itself")
        if not point.is_polished:
            raise Unresolved(f"polish ended at sin∠ = {point.residual:.1e}")
        if limit.distance > _reach(point, residual):
            residual *= 1e-2
            continue
        escaping = norm(point.escape @ (trajectory.direction - point.u))
        if escaping <= max(100 * numerics.tolerance, 10 * limit.distance**2):
            return limit
        residual *= 1e-2
    raise Unresolved("the polished point is not where the flow is heading")


def off_kinks(limit: Limit) -> Limit:
    """The limit, where N is smooth there. Raises Unresolved for a point at which units slide."""
    turns = limit.trajectory.turns
    if turns is not None and not turns.modes[-1].all():
        raise Unresolved("the flow tends to a point at kinks")
    return limit


def _polished(ncf: Ncf, flow: Trajectory) -> KktPoint | None:
    """The KKT point next to a flow's end: through kinks, of its last mode, None if not in it."""
    if flow.turns is None:
        return polish(ncf, flow.direction)
    return polish_in_mode(ncf, flow.direction, flow.turns.modes[-1])


def positive_limit(ncf: Ncf, start: np.ndarray, numerics: Numerics) -> Limit:
    """`flow_limit` where N* > 0; raises Inapplicable for the other branch."""
    limit = flow_limit(ncf, start, numerics)
    if limit.point.value <= ncf.rounding(limit.point.u)[0]:
        raise Inapplicable(
            f"the NCF flow tends to a {'zero' if limit.point.multiplier == 0 else 'negative'} KKT "
            "point"
        )
    return limit


def blowups_ahead(ncf: Ncf, starts: Iterable[np.ndarray], numerics: Numerics) -> None:
    """Follow the flows that `blowup_time` asks for at several unit starts, where that is faster
    together.
    """
    starts = [unit_vector(start, ncf.network.size, "start") for start in starts]
    ncf_flows_ahead(ncf, [(start, run) for start in starts for run in numerics.runs()])


def blowup_time(ncf: Ncf, start: np.ndarray, numerics: Numerics) -> tuple[Bounded, Bounded]:
    """Blow-up time T* of the NCF flow from unit start, and N* (D > 2, N* > 0), with error bounds.

    After the hand-over at time t the rest is r^{−(D−2)}/(D(D−2)N) with N between N(v) and N*; the
    integrator's share is the difference of a tighter run to that at the tolerance, and to a looser
    one; where ∇N is small on the way, to one from next to the start, too, since rounding of v may
    decide how long that takes. Local errors and rounding of ∇N, as good as one, add up in log r.
    """
    order, runs = ncf.network.order, numerics.runs()
    blowups_ahead(ncf, [start], numerics)
    tight, times = runs[0].tolerance, [_blowup(ncf, start, run) for run in runs]
    (flow, optimum, time, bracket), *others = times
    if flow.gradient_norm.min() < SMALL * flow.gradient_norm.max():
        others.insert(0, _blowup(ncf, _rounded(start, len(flow.sigma)), runs[0]))
    if any(abs(optimum - each[1]).is_positive for each in others):
        raise Unresolved("errors decide which KKT point the flow tends to")
    lost = noise(ncf, flow)
    apart = [abs(time.value - each[2].value) for each in others]
    integrated = sum(apart[:-1]) + apart[-1] / LOOSER
    if integrated > LINEAR * time.value:
        raise Unresolved("errors decide when the flow leaves a saddle, and so its blow-up time")
    summed = (64 * EPS + (tight + lost) * (1 + (order - 2) * flow.sigma[-1])) * time.value
    error = integrated * (1 + lost / tight) + summed
    return Bounded(time.value, time.error + bracket.size + error), optimum


def _blowup(
    ncf: Ncf, start: np.ndarray, run: Numerics
) -> tuple[Trajectory, Bounded, Bounded, Bounded]:
    """The flow of one run, N*, its blow-up time, and how much later that may be."""
    order, limit = ncf.network.order, positive_limit(ncf, start, run)
    flow, u = limit.trajectory, limit.point.u
    rest = np.exp(-(order - 2) * flow.log_norm[-1]) / (order * (order - 2))
    optimum = Bounded(limit.point.value, ncf.rounding(u)[0])
    late = Bounded(flow.value[-1], ncf.rounding(flow.direction)[0])
    return flow, optimum, flow.time[-1] + rest / optimum, rest / late - rest / optimum


def _rounded(start: np.ndarray, steps: int) -> np.ndarray:
    """A unit vector as far from the start as rounding of v in so many steps may lead."""
    aside = np.random.default_rng(0).standard_normal(start.size)
    return unit(start + ASIDE * EPS * math.sqrt(steps) * unit(aside))
