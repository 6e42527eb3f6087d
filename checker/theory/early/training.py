"""Early training: loss flow from δ·v_0 beside NCF flow from v_0, to alignment 1 − ε (theory §4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from ncfcheck.core.claims import Inapplicable, Margin, Outcome, Unresolved
from ncfcheck.core.tolerances import EPS, LOOSER, Numerics
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, norm
from ncfcheck.theory.flow.ahead import loss_flow_kept, loss_flows_ahead
from ncfcheck.theory.flow.trajectories import (
    Event,
    Stop,
    Trajectory,
    aligned_with,
    ncf_flow,
)
from ncfcheck.theory.kkt.points import FLOWS, Limit, positive_limit

# Shares of 1 − ⟨v_0, u*⟩ tried for ε, from the one drawn up to a well-conditioned window.
SHARES = (0.01, 0.1, 0.5, 0.9, 0.99)
# Largest d log r / d log t at T_ε: beyond it, rounding in t drowns r (theory §4 for D = 7).
CONDITION = 1e5
# The paper's smallness of δR, and the largest relative change of the gradient on a ladder's top.
SMALL, PERTURBATION = 0.3, 1e-4
# A ladder of δ ends where the loss's second order is below rounding: nothing happens further down.
SUNK = 1e-17
# A δ^D so small that the loss flow is the NCF flow in float64, whatever the data.
NEGLIGIBLE = 1e-60


@dataclass(frozen=True, eq=False)
class Window:
    """The NCF flow up to the first time T_ε its direction has ⟨v, u*⟩ ≥ 1 − ε.

    `radius` is R_ε = max ‖u(t)‖, `condition` d log r / d log t at T_ε, `log_forcing` the logarithm
    of the largest relative size of the loss's second-order term per δ^D along the way.
    """

    limit: Limit
    flow: Trajectory
    epsilon: float
    condition: float
    log_forcing: float

    @property
    def time(self) -> float:
        """T_ε, in the time of the NCF flow."""
        return float(self.flow.time[-1])

    @property
    def rounding(self) -> float:
        """What rounding of ⟨v, u*⟩ may make of (1 − ⟨v, u*⟩)/ε where this is 1."""
        return (self.limit.point.u.size + 8) * EPS / self.epsilon

    @property
    def radius(self) -> float:
        """R_ε."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.flow.log_norm.max()))


def aligning(instance: Instance) -> Limit:
    """The positive KKT point the NCF flow tends to; Inapplicable if there is none or v_0 is it."""
    limit = positive_limit(instance.ncf, instance.start, instance.numerics)
    if 1 - instance.start @ limit.point.u <= 1e-9:
        raise Inapplicable("v_0 is the KKT point itself")
    return limit


def resolved(judge: Callable[[Instance], Margin], instance: Instance) -> Margin:
    """judge(instance); where that is unresolved, judged from further along the same flow.

    Where N(v_0) is negative or far below N*, the way to the window takes so long, or passes so
    close to a zero KKT point, that the loss's share drowns in rounding (theory §4). The claims are
    about every start; from where N(v) is a tenth of N* they are well-conditioned.
    """
    limit = aligning(instance)
    try:
        margin = judge(instance)
        if margin.outcome is not Outcome.UNRESOLVED:
            return margin
    except Unresolved:
        pass
    late = int(np.argmax(limit.trajectory.value >= 0.1 * limit.point.value))
    margin = judge(replace(instance, start=limit.trajectory.directions[late]))
    return replace(margin, note="from further along the flow, where N(v) is a tenth of N*")


def window(instance: Instance, limit: Limit, share: float) -> Window:
    """The window of ε = share · min(1, 1 − ⟨v_0, u*⟩). Raises Unresolved if the flow misses it,
    ValueError for a share that is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"ε is a share between 0 and 1 of what v_0 lacks, not {share}")
    return _window(instance.problem, instance.start.tobytes(), instance.numerics, limit, share)


@lru_cache(maxsize=FLOWS)
def _window(
    problem: Problem, start: bytes, numerics: Numerics, limit: Limit, share: float
) -> Window:
    """`window` from start's bytes: many claims about one instance ask for it."""
    v, u, order = np.frombuffer(start).copy(), limit.point.u, problem.network.order
    epsilon = share * min(1.0, 1 - float(v @ u))
    flow = ncf_flow(problem.ncf, v, numerics, aligned_with(u, 1 - epsilon))
    if flow.stop is not Stop.REACHED:
        raise Unresolved(f"NCF flow to alignment: {flow.stop.value}")
    end = flow.log_norm[-1]
    with np.errstate(over="ignore"):  # infinitely ill-conditioned, then
        condition = flow.time[-1] * order * abs(flow.value[-1]) * np.exp((order - 2) * end)
    return Window(limit, flow, epsilon, float(condition), _log_forcing(problem, flow))


def conditioned_window(instance: Instance) -> Window:
    """The window of the least ε, from the drawn share up, well-conditioned at fixed time.

    Raises ValueError for a share that is not between 0 and 1.
    """
    limit, drawn = aligning(instance), instance.fraction
    for share in (drawn, *(each for each in SHARES if each > drawn)):
        found = window(instance, limit, share)
        if found.condition <= CONDITION and found.radius < math.inf:
            return found
    if found.radius == math.inf:
        raise Unresolved("R_ε is beyond floating-point numbers")
    raise Unresolved(
        f"ill-conditioned at fixed time: d log r/d log t = {found.condition:.0e} at T_ε"
    )


def log_forcing(instance: Instance, flow: Trajectory, steps: int | None = None) -> float:
    """Largest log r^D ‖Jᵀ(ℓ''(0)·H)‖/‖Jᵀȳ‖ on a flow, or its first steps: times δ^D, the gradient's
    relative change.

    Where ℓ''(0)·H vanishes all along, H stands for it: ℓ may bend just beyond.
    """
    return _log_forcing(instance.problem, flow, steps)


@lru_cache(maxsize=FLOWS)
def _log_forcing(problem: Problem, flow: Trajectory, steps: int | None = None) -> float:
    """`log_forcing`: what tracks a flow asks for it again and again."""
    directions = np.array(flow.directions[:steps], order="C")
    changes = second_orders(problem)(directions)
    if not changes.any():
        ones = np.ones(problem.y.shape)
        changes = problem.ncf.on_data.second_orders(directions, ones)
    sizes = map(norm, map(problem.ncf.gradient, directions))
    ratios = [norm(change) / size for change, size in zip(changes, sizes)]
    logs = np.log(np.maximum(ratios, 1e-300))
    return float((problem.network.order * flow.log_norm[:steps] + logs).max())


def is_forced(instance: Instance, flow: Trajectory) -> bool:
    """Whether the loss's second order changes the gradient anywhere on a flow."""
    of = second_orders(instance.problem)
    return any(of(np.array(v[None])).any() for v in flow.directions)


def second_orders(problem: Problem) -> Callable[[np.ndarray], np.ndarray]:
    """J(X; u)ᵀ(ℓ''(0)·H(X; u)) at every row u of points (m, P), as a function of them for many
    calls: −∇𝓛(δu) = δ^{D−1}(∇N(u) − δ^D of this + O(δ^{2D})).
    """
    curvature = problem.loss.curvature_at_zero(problem.y)
    return partial(problem.ncf.on_data.second_orders, curvature=curvature)


def ladder(
    instance: Instance, log_forcing: float, radius: float = 1.0, condition: float = 1.0
) -> Iterator[float]:
    """δ_0, δ_0/2, … with δ_0·radius ≤ 0.3 and condition · forcing · δ_0^D ≤ PERTURBATION.

    It ends where that product is SUNK, after three rungs at least.
    """
    order, strength = instance.network.order, log_forcing + math.log(max(condition, 1.0))
    log_delta = min(math.log(SMALL / radius), (math.log(PERTURBATION) - strength) / order)
    fewest = log_delta - 3 * math.log(2)
    while log_delta > fewest or order * log_delta + strength > math.log(SUNK):
        yield math.exp(log_delta)
        log_delta -= math.log(2)


def follow(instance: Instance, delta: float, until: Event, loosened: float = 1.0) -> Trajectory:
    """Loss flow from δ·v_0 to the event, at a tolerance `loosened` times the instance's.

    Raises Unresolved if it does not end there.
    """
    numerics = replace(instance.numerics, tolerance=loosened * instance.numerics.tolerance)
    flow = trained_flow(instance, delta, until, numerics)
    if not flow.stop.is_event:
        raise Unresolved(f"loss flow {flow.stop.value}")
    return flow


def looser(instance: Instance) -> Instance:
    """The instance at a tolerance LOOSER times its own."""
    numerics = instance.numerics
    return replace(instance, numerics=replace(numerics, tolerance=LOOSER * numerics.tolerance))


def follow_ahead(instance: Instance, asked: Iterable[tuple[float, float]], until: Event) -> None:
    """What `follow` will be asked for, by (δ, loosened), where that is faster together."""
    numerics = instance.numerics
    pairs = [(d, replace(numerics, tolerance=c * numerics.tolerance)) for d, c in asked]
    loss_flows_ahead(instance.problem, instance.start, pairs, until)


def trained_flow(instance: Instance, delta: float, until: Event, numerics: Numerics) -> Trajectory:
    """Loss flow from δ·v_0 to a norm or time."""
    return loss_flow_kept(instance.problem, instance.start, delta, numerics, until)
