"""Early training through kinks, on flows that do not branch (theory §11)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, Unresolved, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.model.ncf import Ncf, norm
from ncfcheck.properties.early import theorems as smooth
from ncfcheck.properties.early.tracking import tracking_at_least
from ncfcheck.properties.hypotheses import NO_BRANCH, POSITIVE_LIMIT, SMALL_START, TRANSVERSAL
from ncfcheck.properties.kinks.instances import CURVED, kinked
from ncfcheck.theory.flow.ahead import ncf_flow_kept
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, ncf_flow, norm_reaches
from ncfcheck.theory.flow.trajectory import Happened
from ncfcheck.theory.starts import unit

KINKED = Need.LAYERED, Need.KINKS, Need.SUPERQUADRATIC
# Least rate at which a unit goes through z = 0, or distance that it keeps from it: of z in units of
# what it could be, ‖row of W_l‖·‖activations below‖, per σ.
TRANSVERSE = 1e-2
SHRUNK = 0.1  # a norm on the way, of which kicks are too large a share
RESTING = 1e-9  # z, of inputs of norm 1, that is as good as 0
KICKS = 1e-8, 1e-6
APART = 0.01  # distance of directions that are not the same
SHORT = 1e-6  # steps in σ that tell no rate


@claim(
    "kinks.norm_stays_small",
    kind=THEOREM,
    needs=KINKED,
    reference="§11",
    scale_free=True,
    given=kinked(CURVED),
    hypotheses=(NO_BRANCH, SMALL_START),
)
def norm_stays_small(instance) -> Margin:
    """‖w(t)‖ ≤ (1 + o(1)) R_ε δ for all t ≤ T_ε/δ^{D−2}, through kinks, down a ladder of δ."""
    refuse_branches(instance)
    return smooth.norm_stays_small(instance)


@claim(
    "kinks.early_aligns",
    kind=THEOREM,
    needs=KINKED,
    reference="§11",
    scale_free=True,
    given=kinked(CURVED),
    hypotheses=(NO_BRANCH, SMALL_START, POSITIVE_LIMIT),
)
def early_aligns(instance) -> Margin:
    """When ‖w‖ first reaches R_ε δ, the direction is within ε + o(1) of u*, through kinks, down a
    ladder of δ.
    """
    refuse_branches(instance)
    return smooth.alignment_before_escape(instance)


@claim(
    "kinks.tracking_order",
    kind=THEOREM,
    needs=KINKED,
    reference="§11",
    scale_free=True,
    given=kinked(CURVED),
    hypotheses=(NO_BRANCH, TRANSVERSAL, SMALL_START, POSITIVE_LIMIT),
)
def tracking_order(instance) -> Margin:
    """Loss flow and NCF flow differ by O(δ^D) where each norm first reaches 2, through kinks: log
    error over log δ has slope D at least.
    """
    refuse_branches(instance)
    flow = ncf_flow_kept(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    if transversality(instance.ncf, flow) < TRANSVERSE:
        raise Inapplicable("a kink is not met transversally")
    return tracking_at_least(instance, instance.network.order)


@claim(
    "kinks.continuous",
    kind=THEOREM,
    needs=(Need.LAYERED, Need.KINKS),
    reference="§11",
    scale_free=True,
    given=kinked(starts=("gaussian", "unbalanced")),
    hypotheses=(NO_BRANCH,),
)
def continuous(instance) -> Margin:
    """An NCF flow that does not branch ends in the same direction, where its norm first reaches 2,
    up to o(1), whenever it is moved a little on its way.
    """
    refuse_branches(instance)
    flow = ncf_flow_kept(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    if flow.stop is not Stop.ESCAPED:
        raise Inapplicable("the norm does not reach 2")
    if flow.log_norm.min() < np.log(SHRUNK):
        raise Unresolved("the norm falls so far that a kick decides where the flow escapes")
    rows = sorted({0, len(flow.sigma) // 3, 2 * len(flow.sigma) // 3})
    return worst(_goes_on(instance, flow, row) for row in rows)


def _goes_on(instance, flow: Trajectory, row: int) -> Margin:
    """1 − difference of directions/APART after the smaller of two kicks, known as far as those."""
    rests = np.abs(flow.turns.mode_at(row)) == 1
    for v in flow.directions[row : row + 2]:  # at one row alone it may just cross
        _, z, inputs = _pre_activations(instance.ncf, v)
        rests &= (inputs > 0) & (np.abs(z) <= RESTING * inputs)
    if rests.any():
        raise Unresolved("a unit rests at its kink, on the flat side")
    rng = np.random.default_rng((*instance.seeds, 0)[-1])
    aside, left = unit(rng.standard_normal(flow.direction.size)), 2 / np.exp(flow.log_norm[row])
    apart = []
    for kick in KICKS:
        start = unit(flow.directions[row] + kick * aside)
        moved = ncf_flow(instance.ncf, start, instance.numerics, norm_reaches(left))
        if moved.stop is not Stop.ESCAPED:
            raise Unresolved(f"NCF flow from beside its way: {moved.stop.value}")
        apart.append(norm(moved.direction - flow.direction))
    small, large = apart
    return Margin(1 - small / APART, (abs(small - large) + 1e-6) / APART)


def refuse_branches(instance) -> None:
    """Raise Inapplicable for an NCF flow that branches."""
    flow = ncf_flow_kept(instance.ncf, instance.start, instance.numerics)
    if flow.stop is Stop.BRANCHED:
        raise Inapplicable("the NCF flow branches")


def transversality(ncf: Ncf, flow: Trajectory) -> float:
    """The least of |z| + |dz/dσ| over a flow's steps and units that do not slide, in units of what
    z could be; a unit that has left its kink counts once it is off it.
    """
    if len(flow.sigma) < 2:
        return 0.0
    sizes, pre, _ = zip(*(_pre_activations(ncf, v) for v in flow.directions))
    z = np.array(pre) / np.maximum(np.array(sizes), 1e-300)
    steps = np.diff(flow.sigma)
    rates = np.abs(np.diff(z, axis=0)) / np.maximum(steps, SHORT)[:, None]
    aside = np.minimum(np.abs(z[1:]), np.abs(z[:-1])) * (z[1:] * z[:-1] > 0)
    modes = np.array([flow.turns.mode_at(row) for row in range(len(steps))])
    counted = (modes != 0) & (modes != 2) & (np.array(sizes)[1:] > 0) & (steps > SHORT)[:, None]
    found, width = aside + rates, len(ncf.X)
    starts = np.cumsum((0, *ncf.network.widths[1:-2])) * width
    for event in flow.turns.events:
        if event.happened is Happened.LEFT:
            unit = starts[event.layer - 1] + event.neuron * width + event.sample
            off = np.flatnonzero(found[event.row :, unit] >= TRANSVERSE)
            counted[event.row : event.row + (off[0] if off.size else len(found)), unit] = False
    return float(np.min(found, where=counted, initial=np.inf))


def _pre_activations(ncf: Ncf, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What z of every hidden unit could be and is, and the norm of what reaches it, (H,) each:
    neuron by neuron, layer by layer.
    """
    network, below, sizes, pre, inputs = ncf.network, ncf.X.T, [], [], []
    for W, power, alpha in zip(network.matrices(v), network.powers, network.slopes):
        z, reaching = W @ below, np.linalg.norm(below, axis=0)
        sizes.append(np.outer(np.linalg.norm(W, axis=1), reaching).ravel())
        pre.append(z.ravel())
        inputs.append(np.tile(reaching, len(W)))
        below = np.maximum(z, alpha * z) ** power
    return np.concatenate(sizes), np.concatenate(pre), np.concatenate(inputs)
