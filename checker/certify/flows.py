"""Validated enclosures of the NCF flow and of the rescaled loss flow: a tube around a curve of
polynomials (theory §3, §4, §9).

On each step a solution u of u̇ = f(u) and the polynomial q satisfy D⁺‖u − q‖ ≤ μ‖u − q‖ + ‖q̇ −
f(q)‖ as long as ‖u − q‖ ≤ ρ, where μ bounds the largest eigenvalue of the symmetric matrices Df
within ρ of q. So it is enough to check that the error stays below ρ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb, arb_poly

from ncfcheck.certify.certificate import NotProved, check_time, hexadecimal, no_certificates
from ncfcheck.certify.evaluate import Evaluation
from ncfcheck.certify.krawczyk import is_below
from ncfcheck.certify.polynomials import Polynomials, bounded, extremes
from ncfcheck.certify.rings import Balls
from ncfcheck.certify.series import taylor
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import times_power

ORDER = 14  # of the polynomials
LARGEST, STEPS = 18, 400  # weights of a network, and steps of a flow
DEFECT = 2.0**-46  # of a polynomial, per step, in units of ‖u‖
STRETCH = 0.5  # h·μ at most
SLACK = 16.0  # radius of a tube in units of the error that was found
UNBOUNDED = "the eigenvalues of the Jacobian are not bounded"


@dataclass(frozen=True)
class RingField:
    """u̇ = J(X; u)ᵀ(−ℓ'(δ^D H(X; u), y)) of a problem; at δ = 0 that is ∇N(u)."""

    problem: Problem
    delta: float = 0.0

    @cached_property
    def strength(self) -> arb:
        """δ^D."""
        return times_power(arb(1), arb(self.delta), self.problem.network.order)

    def at(self, ring, u) -> Evaluation:
        """The network at weights u over the ring, with −ℓ' for ȳ: its gradient is the field."""
        problem = self.problem
        found = Evaluation(ring, problem.network, u, problem.X, problem.ncf.ybar)
        if self.delta:
            pairs = zip(found.ybar.entries(), found.outputs.entries())
            residual = [self._descent(ybar, self.strength * output) for ybar, output in pairs]
            found.ybar = ring.matrix(found.ybar.nrows(), found.ybar.ncols(), residual)
        return found

    def _descent(self, ybar, x):
        """−ℓ'(x, y): ȳ − x, or y/(1 + e^{yx}) = y/2 − x/4 + x³/48 within |x|⁵/480."""
        match self.problem.loss:
            case Loss.SQUARE:
                return ybar - x
            case Loss.LOGISTIC:
                size = bounded(x) if isinstance(x, arb_poly) else abs(x).upper()
                return ybar - x * arb(0.25) + x * x * x * (arb(1) / 48) + arb(0, size**5 / 480)
        raise no_certificates(self.problem.loss)

    def _curvature(self, x: arb) -> arb:
        """ℓ''(x, y): 1, or ¼ cosh⁻²(x/2) within x²/16 below ¼."""
        match self.problem.loss:
            case Loss.SQUARE:
                return arb(1)
            case Loss.LOGISTIC:
                return (arb(1) - (x * x / 4).union(arb(0))) / 4
        raise no_certificates(self.problem.loss)

    def series(self, at: np.ndarray) -> np.ndarray:
        """Taylor coefficients of the flow from a point, in floats, (ORDER + 1, P)."""
        return taylor(self.problem, float(self.strength.mid()), at, ORDER)

    def jacobian(self, u) -> list[list]:
        """Df over a box of weights."""
        found, size = self.at(Balls, u), len(u)
        rows = found.hessian(size)
        if not self.delta:
            return rows
        for curvature, g in self._outputs(u, found):
            for i in range(size):
                for j in range(size):
                    rows[i][j] -= curvature * g[i] * g[j]
        return rows

    def _outputs(self, u, found: Evaluation):
        """δ^D ℓ'' and the gradient of every output."""
        problem = self.problem
        for i in range(len(problem.X)):
            for k in range(problem.y.shape[1]):
                one = [[float(k == j) for j in range(problem.y.shape[1])]]
                yield (
                    self.strength * self._curvature(self.strength * found.outputs[k, i]),
                    Evaluation(Balls, problem.network, u, problem.X[i : i + 1], one).gradient,
                )


@dataclass(frozen=True)
class Step:
    """A solution stays within `radius` of Σ c_k τ^k, τ = (t − time)/duration ∈ [0, 1];
    `coefficients` (k, P) are floats.

    `growth` is μ; `error` bounds the distance at the end of the step.
    """

    time: float
    duration: float
    coefficients: np.ndarray
    growth: float
    radius: float
    error: float

    @property
    def end(self) -> np.ndarray:
        """The polynomial at the end of the step, (P,)."""
        return self.coefficients.sum(axis=0)

    def plain(self) -> dict:
        """What the verifier needs."""
        curve = [hexadecimal(each) for each in self.coefficients]
        return {
            "duration": self.duration.hex(),
            "growth": self.growth.hex(),
            "radius": self.radius.hex(),
            "curve": curve,
        }


@dataclass(frozen=True)
class Tube:
    """Steps one after another, from time 0."""

    steps: tuple[Step, ...]

    @property
    def time(self) -> float:
        """Where the last step ends."""
        return self.steps[-1].time + self.steps[-1].duration

    def at(self, t: float) -> np.ndarray:
        """The curve at a time, (P,)."""
        step = next((each for each in self.steps if t <= each.time + each.duration), self.steps[-1])
        tau = min(max((t - step.time) / step.duration, 0.0), 1.0)
        return np.polynomial.polynomial.polyval(tau, step.coefficients)

    def plain(self) -> list[dict]:
        """What the verifier needs."""
        return [each.plain() for each in self.steps]


def need_small(size: int) -> None:
    """Raise NotProved for networks of more weights than flows are enclosed of."""
    if size > LARGEST:
        raise NotProved(f"more than {LARGEST} weights: the flow is not enclosed")


def enclose(
    field: RingField,
    start: np.ndarray,
    error: float,
    is_over: Callable[[Step], bool],
    time: float = math.inf,
) -> Tube:
    """The tube of all solutions that start within `error` of start, to the first step that is_over,
    or to the time.

    Raises NotProved where it cannot be had, and for more than LARGEST weights.
    """
    need_small(start.size)
    steps: list[Step] = []
    now, at, duration = 0.0, start.astype(float), math.inf
    while len(steps) < STEPS:
        check_time()
        step = _step(field, now, at, error, min(duration, time - now))
        steps.append(step)
        now, at, duration = now + step.duration, step.end, 4 * step.duration
        error = step.error + 4 * np.finfo(float).eps * float(np.abs(at).sum())
        if now >= time or is_over(step):
            return Tube(tuple(steps))
    raise NotProved(f"the flow takes more than {STEPS} steps")


def _step(field: RingField, now: float, at: np.ndarray, error: float, longest: float) -> Step:
    """One step, as long as its polynomial and the growth of errors allow."""
    series = field.series(at)
    size = float(np.linalg.norm(at))
    duration = min(longest, _reach(series, size))
    for _ in range(60):
        check_time()
        # A time that is a sum of these is exact.
        duration = _rounded(duration) if duration < longest else duration
        found = _validated(field, now, duration, series, size, error)
        if found is not None:
            return found
        duration /= 2
    raise NotProved("steps become too short: a kink, or a flow that cannot be enclosed")


def _reach(series: np.ndarray, size: float) -> float:
    """How far the polynomial is good to DEFECT, by its last coefficients."""
    sizes = {k: float(np.abs(series[k]).sum()) for k in (ORDER - 1, ORDER)}
    reaches = [(DEFECT / 16 * size / each) ** (1 / k) for k, each in sizes.items() if each > 0]
    speed = float(np.linalg.norm(series[1]))
    return min([*reaches, size / speed if speed else math.inf])


def _rounded(duration: float) -> float:
    """The duration rounded down to 20 bits."""
    mantissa, exponent = math.frexp(duration)
    return math.ldexp(math.floor(mantissa * 2**20), exponent - 20)


def _validated(
    field: RingField, now: float, duration: float, series: np.ndarray, size: float, error: float
) -> Step | None:
    """The step of this duration if its tube is proved to hold every solution, None if not."""
    if not duration < math.inf:
        raise NotProved("the flow does not move")
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite bounds no defect
        coefficients = series * duration ** np.arange(len(series))[:, None]
    q = [arb_poly(list(map(float, column))) for column in coefficients.T]
    f = field.at(Polynomials, q).gradient
    defect = sum((bounded(each.derivative() - duration * g) for each, g in zip(q, f)), arb(0))
    if not defect < DEFECT * size:
        return None
    radius = SLACK * (error + float(defect.upper()))
    box = [low.union(high) + arb(0, radius) for low, high in map(extremes, q)]
    growth = _growth(field, box)
    stretch = arb(duration) * arb(growth)
    if not stretch < STRETCH:
        return None
    factor = 1 + stretch + stretch * stretch
    larger = factor.max(arb(1))
    if not (arb(error) + defect) * larger < radius:
        return None
    after = arb(error) * factor + defect * larger
    return Step(now, duration, coefficients, growth, radius, float(after.upper()) * (1 + 1e-12))


def _growth(field: RingField, box) -> float:
    """A bound on the eigenvalues of Df over a box, a little above the least that is proved."""
    rows = field.jacobian(box)
    middle = np.array([[float(each.mid()) for each in row] for row in rows])
    width = np.array([[float(each.rad().upper()) for each in row] for row in rows])
    if not (np.isfinite(middle).all() and np.isfinite(width).all()):
        raise NotProved(UNBOUNDED)
    spread = float(np.linalg.norm(width, 2)) + 1e-6 * float(np.linalg.norm(middle, 2))
    top = float(np.linalg.eigvalsh((middle + middle.T) / 2).max())
    for _ in range(20):
        bound = top + 2 * spread
        if is_below(rows, bound):
            return bound
        spread = 2 * spread + 1e-300
    raise NotProved(UNBOUNDED)
