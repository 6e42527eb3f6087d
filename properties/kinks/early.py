"""Early training through kinks, on flows that do not branch (theory §11)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, claim
from ncfcheck.core.needs import Need
from ncfcheck.model.ncf import Ncf
from ncfcheck.properties.early import theorems as smooth
from ncfcheck.properties.early.tracking import tracking_at_least
from ncfcheck.properties.hypotheses import NO_BRANCH, POSITIVE_LIMIT, SMALL_START, TRANSVERSAL
from ncfcheck.properties.kinks.instances import CURVED, kinked
from ncfcheck.theory.flow.ahead import ncf_flow_kept
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, norm_reaches
from ncfcheck.theory.flow.trajectory import Happened

KINKED = Need.LAYERED, Need.KINKS, Need.SUPERQUADRATIC
# Least rate at which a unit goes through z = 0, or distance that it keeps from it: of z in units of
# what it could be, ‖row of W_l‖·‖activations below‖, per σ.
TRANSVERSE = 1e-2
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
    sizes, pre = zip(*(_pre_activations(ncf, v) for v in flow.directions))
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


def _pre_activations(ncf: Ncf, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What z of every hidden unit could be and is, (H,) each: neuron by neuron, layer by layer."""
    network, below, sizes, pre = ncf.network, ncf.X.T, [], []
    for W, power, alpha in zip(network.matrices(v), network.powers, network.slopes):
        z = W @ below
        sizes.append(np.outer(np.linalg.norm(W, axis=1), np.linalg.norm(below, axis=0)).ravel())
        pre.append(z.ravel())
        below = np.maximum(z, alpha * z) ** power
    return np.concatenate(sizes), np.concatenate(pre)
