"""Claims about early training of order 2 that are false: one hypothesis less (theory §11)."""

from __future__ import annotations

from functools import partial

import numpy as np

from ncfcheck.core.claims import CONTROL, Margin, claim, mildest, worst
from ncfcheck.core.needs import Need
from ncfcheck.model.architectures.biases import biased_instance
from ncfcheck.model.losses import Loss
from ncfcheck.properties.early import controls, label_controls
from ncfcheck.properties.early.margins import SHALLOW, SLACK, aligned, judged, smallest
from ncfcheck.properties.early.model_controls import stays_or_aligns
from ncfcheck.properties.hypotheses import (
    FLOW_LIMIT,
    HOMOGENEOUS,
    NO_BRANCH,
    POSITIVE_LIMIT,
    SMALL_START,
    TRUE_LABELS,
    TWO_HOMOGENEOUS,
)
from ncfcheck.properties.two_homogeneous.controls import BIASED
from ncfcheck.properties.two_homogeneous.instances import both_sides, branching
from ncfcheck.properties.two_homogeneous.margins import unbranched
from ncfcheck.properties.two_homogeneous.theorems import LAYERS
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.training import Window, conditioned_window
from ncfcheck.theory.flow.trajectories import Trajectory, norm_reaches, time_reaches

SMALL, ALIGNS, ESCAPES = (
    f"two_homogeneous.{name}"
    for name in ("norm_stays_small", "direction_aligns", "alignment_before_escape")
)


@claim(
    "control.unscaled_time",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(powers=SHALLOW),
    drops=TWO_HOMOGENEOUS,
    of=(ALIGNS,),
)
def unscaled_time(instance) -> Margin:
    """For D > 2 too w aligns by a time that does not depend on δ: ⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε at
    T_ε, not T_ε/δ^{D−2}.
    """
    found = conditioned_window(instance)
    delta = smallest(instance, found)
    until = time_reaches(found.time * delta ** (instance.network.order - 2))
    return judged(instance, delta, until, partial(aligned, found=found))


@claim(
    "control.quadratic_large_init",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    given=instances(**LAYERS),
    drops=SMALL_START,
    of=(ALIGNS,),
)
def quadratic_large_init(instance) -> Margin:
    """Of order 2, ⟨w, u*⟩/‖w‖ ≥ 1 − 1.01 ε at t = T_ε for a large δ, δR_ε ≥ 3."""
    unbranched(instance)
    return controls.large_init(instance)


@claim(
    "control.quadratic_large_escape",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    given=instances(**LAYERS),
    drops=SMALL_START,
    of=(ESCAPES,),
)
def quadratic_large_escape(instance) -> Margin:
    """Of order 2, where ‖w‖ first reaches R_ε δ the direction is within 1.01 ε of u*, for a large
    δ.
    """
    unbranched(instance)
    return controls.large_init_escape(instance)


@claim(
    "control.quadratic_wrong_target",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    drops=TRUE_LABELS,
    of=(ALIGNS, ESCAPES),
)
def quadratic_wrong_target(instance) -> Margin:
    """Of order 2, trained on shuffled labels w aligns with u* of the labels as they were, by T_ε or
    where ‖w‖ reaches R_ε δ.
    """
    unbranched(instance)
    return label_controls.wrong_target(instance)


@claim(
    "control.quadratic_wrong_norm",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(losses=(Loss.SQUARE,), **LAYERS),
    drops=TRUE_LABELS,
    of=(SMALL,),
)
def quadratic_wrong_norm(instance) -> Margin:
    """Of order 2, trained on labels ten times as large, ‖w(t)‖ ≤ 1.01 R_ε δ for t ≤ T_ε with R_ε,
    T_ε of the labels as they were.
    """
    unbranched(instance)
    return label_controls.wrong_norm(instance)


@claim(
    "control.quadratic_global",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    drops=FLOW_LIMIT,
    of=(ALIGNS, ESCAPES),
)
def quadratic_global(instance) -> Margin:
    """Of order 2, w aligns with the global maximiser of N: N(v) ≥ 0.99 max N, which flows from
    other starts bound from below.
    """
    unbranched(instance)
    return controls.global_maximiser(instance)


@claim(
    "control.quadratic_no_escape",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(starts=("closing",), labels=("one-signed",), **LAYERS),
    drops=POSITIVE_LIMIT,
    of=(ESCAPES,),
)
def quadratic_no_escape(instance) -> Margin:
    """Of order 2, ‖w‖ reaches 2δ also where the NCF flow tends to a zero KKT point."""
    unbranched(instance)
    return controls.no_escape(instance)


@claim(
    "control.quadratic_biases_early",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    given=instances(**BIASED),
    drops=HOMOGENEOUS,
    of=(SMALL, ALIGNS, ESCAPES),
)
def quadratic_biases_early(instance) -> Margin:
    """With biases, for D = 2, the loss flow from δ = 0.01 stays small, or aligns with u*.

    One of these holds: ‖w‖ ≤ 1.01 R_ε δ until T_ε; alignment with u* at that time; alignment where
    ‖w‖ first reaches R_ε δ. u* is the direction in which the flow u̇ = ∇N(u) goes to infinity, ε
    half of 1 − ⟨v_0, u*⟩.
    """
    return stays_or_aligns(biased_instance(instance))


@claim(
    "control.branching",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=branching(),
    drops=NO_BRANCH,
    of=(SMALL, ALIGNS, ESCAPES),
)
def branches(instance) -> Margin:
    """Where the NCF flow branches too, w stays small, or aligns with u*, whichever solutions are
    compared.

    Two solutions go on from there, off either side of the kink. One of these holds: ‖w‖ ≤
    1.01 R_ε δ until T_ε; alignment with u* at that time; alignment where ‖w‖ first reaches R_ε δ.
    """
    one, other = both_sides(instance)
    return worst([_compared(one, other), _compared(other, one)])


def _compared(instance, trained) -> Margin:
    """The mildest of all three of one solution, with the window of the other."""
    found = conditioned_window(instance)
    delta = smallest(instance, found)
    parts = (
        (time_reaches(found.time), _contained),
        (time_reaches(found.time), aligned),
        (norm_reaches(found.radius), aligned),
    )
    return mildest(
        judged(trained, delta, until, partial(judge, found=found)) for until, judge in parts
    )


def _contained(flow: Trajectory, found: Window) -> Margin:
    """1.01 − max ‖s‖/R_ε of a flow to T_ε."""
    largest = float(np.exp(flow.log_norm.max()))
    return Margin(1.01 - largest / found.radius, SLACK)
