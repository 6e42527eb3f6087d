"""Claims about early training with kinks, or without homogeneity, which are false (theory §7)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, Unresolved, claim, mildest
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import LOOSER
from ncfcheck.model.architectures.biases import biased_instance
from ncfcheck.properties.early import exact_models
from ncfcheck.properties.early.margins import (
    SHALLOW,
    SLACK,
    aligned,
    collapsed,
    contained,
    follows,
    judged,
    negative_limit,
    smallest,
    time_to_shrink,
)
from ncfcheck.properties.flow.instances import kinked, stationary
from ncfcheck.properties.flow.margins import agreed
from ncfcheck.properties.hypotheses import HOMOGENEOUS, LIPSCHITZ
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.training import conditioned_window
from ncfcheck.theory.flow import plain
from ncfcheck.theory.flow.trajectories import Stop, norm_reaches, time_reaches
from ncfcheck.theory.starts import unit

# How far to either side of the kink the two solutions start: rounding decides between them.
NUDGE = 1e-12
# Of flows in w: past a saddle two runs may be off alike by chance, three hardly.
PRECISIONS = plain.PRECISION / LOOSER, plain.PRECISION, LOOSER * plain.PRECISION


def nudged(instance, side: float):
    """The first layer moved off the first sample's kink, to the side on which σ' is 1 or α."""
    start = instance.start.copy()
    start[instance.network.slices[0]] += side * NUDGE * instance.problem.X[0]
    return replace(instance, start=unit(start))


@claim(
    "control.kink_start",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    given=kinked(attracting=False),
    refute=exact_models.kink_start,
    drops=LIPSCHITZ,
    of=("early.norm_stays_small", "early.direction_aligns", "early.alignment_before_escape"),
)
def kink_start(instance) -> Margin:
    """With p = 1, α ≠ 1 too, from a v_0 on a kink, w stays small, or aligns with u*, whichever
    solutions are compared.

    Two solutions leave such a v_0, to either side. One of these holds: ‖w‖ ≤ 1.01 R_ε δ until
    T_ε/δ^{D−2}; alignment with u* at that time; alignment where ‖w‖ first reaches R_ε δ.
    """
    slow, fast = nudged(instance, -1.0), nudged(instance, 1.0)
    found = conditioned_window(slow)
    delta = smallest(slow, found)
    parts = (
        (norm_reaches(2 * found.radius), contained),
        (time_reaches(found.time), aligned),
        (norm_reaches(found.radius), aligned),
    )
    return mildest(
        judged(fast, delta, until, partial(judge, found=found)) for until, judge in parts
    )


@claim(
    "control.kink_start_tracking",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    given=kinked(attracting=False),
    refute=exact_models.kink_start_tracking,
    drops=LIPSCHITZ,
    of=("early.tracking_order", "early.tracking_constant"),
)
def kink_start_tracking(instance) -> Margin:
    """With p = 1, α ≠ 1 too, from a v_0 on a kink, flows depart to order δ^D, or by a multiple of
    it, whichever are compared.
    """
    return follows(nudged(instance, -1.0), nudged(instance, 1.0))


@claim(
    "control.biases_early",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    given=instances(only_dense=True, starts=("gaussian",), labels=("one-signed",), powers=SHALLOW),
    refute=exact_models.biases_early,
    drops=HOMOGENEOUS,
    of=("early.norm_stays_small", "early.direction_aligns", "early.alignment_before_escape"),
)
def biases_early(instance) -> Margin:
    """With biases, for D = Σ_l P_l, the loss flow from δ = 0.01 stays small, or aligns with u*.

    One of these holds: ‖w‖ ≤ 1.01 R_ε δ until T_ε/δ^{D−2}; alignment with u* at that time;
    alignment where ‖w‖ first reaches R_ε δ. u* is the direction in which the flow u̇ = ∇N(u) goes
    to infinity, ε half of 1 − ⟨v_0, u*⟩.
    """
    return stays_or_aligns(biased_instance(instance))


@claim(
    "control.unequal_branches_early",
    kind=CONTROL,
    needs=Need.INHOMOGENEOUS,
    reference="§7",
    given=instances(models=("unequal_branches",), starts=("gaussian",), labels=("one-signed",)),
    drops=HOMOGENEOUS,
    of=("early.norm_stays_small", "early.direction_aligns", "early.alignment_before_escape"),
)
def unequal_branches_early(instance) -> Margin:
    """With branches of unequal order, D the higher, the loss flow from δ = 0.01 stays small, or
    aligns with u*.

    One of these holds: ‖w‖ ≤ 1.01 R_ε δ until T_ε/δ^{D−2}; alignment with u* at that time;
    alignment where ‖w‖ first reaches R_ε δ. u* is the direction in which the flow u̇ = ∇N(u) goes
    to infinity, ε half of 1 − ⟨v_0, u*⟩.
    """
    return stays_or_aligns(instance)


def stays_or_aligns(instance, delta: float = 0.01) -> Margin:
    """The mildest of containment until T_ε/δ^{D−2}, and of alignment then and at R_ε δ."""
    return agreed(*(_early_to(instance, delta, precision) for precision in PRECISIONS))


def _early_to(instance, delta: float, precision: float) -> Margin:
    target, epsilon, time, radius = plain.window(instance, 100.0, 0.5, precision)
    time /= delta ** (instance.network.order - 2)
    norms, directions = plain.loss_flow(instance, delta, time, radius * delta, precision)
    reached = norms >= radius * delta * (1 - precision)
    if not reached.any():
        raise Unresolved("the loss flow does not reach R_ε δ")
    ends = directions[[int(np.argmax(reached)), -1]]
    alignments = 1.01 - 0.5 * np.sum((ends - target) ** 2, axis=1) / epsilon
    smallness = 1.01 - norms.max() / (radius * delta)
    return mildest(Margin(float(value), SLACK) for value in (smallness, *alignments))


@claim(
    "control.kink_collapse",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    given=kinked(attracting=True),
    refute=exact_models.kink_collapse,
    drops=LIPSCHITZ,
    of=("early.collapse",),
)
def kink_collapse(instance) -> Margin:
    """With p = 1, α ≠ 1 too ‖w(T/δ^{D−2})‖ ≤ 2δε, ε what one solution of the NCF flow from a kink
    has shrunk to at T.

    It stays at a v_0 where ∇N(v_0), between the slopes of both sides, is λv_0 with λ < 0, and
    others leave it; T is when the loss flow's norm is 2δ.
    """
    order = instance.network.order
    if order == 2:
        raise Inapplicable("D = 2")
    v = stationary(instance)

    def judge(flow) -> Margin:
        if flow.stop is not Stop.ESCAPED:
            raise Unresolved("the loss flow does not reach 2δ")
        shrunk = 1 - order * (order - 2) * instance.ncf.value(v) * flow.time[-1]
        return collapsed(flow, shrunk ** (-1 / (order - 2)))

    return judged(nudged(replace(instance, start=v), 1.0), 1e-3, norm_reaches(2.0), judge)


@claim(
    "control.biases_collapse",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    given=instances(
        only_dense=True, starts=("negative-kkt",), labels=("one-signed",), powers=SHALLOW
    ),
    refute=exact_models.biases_collapse,
    drops=HOMOGENEOUS,
    of=("early.collapse",),
)
def biases_collapse(instance) -> Margin:
    """Trained with biases, zero at first, ‖w(T/δ^{D−2})‖ ≤ 2δε, δ = 0.01, T the time at which the
    NCF flow has shrunk to ε = 0.1.

    The NCF flow is that of the network without biases, from a negative KKT point.
    """
    delta, epsilon, order = 0.01, 0.1, instance.network.order
    time = time_to_shrink(instance, negative_limit(instance).point, epsilon)
    trained = biased_instance(instance, share=0.0)
    time /= delta ** (order - 2)

    def judge(precision: float) -> Margin:
        norms, _ = plain.loss_flow(trained, delta, time, precision=precision)
        ratio = float(norms[-1] / (delta * epsilon))
        return Margin(2 - ratio, SLACK * ratio)

    return agreed(*map(judge, PRECISIONS))
