"""Claims about departures of order 2 that are false: one hypothesis less, or more (theory §11)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import CONTROL, Margin, claim
from ncfcheck.core.needs import Need
from ncfcheck.model.architectures.biases import biased_instance
from ncfcheck.model.ncf import norm
from ncfcheck.properties.early.model_controls import PRECISIONS
from ncfcheck.properties.flow.margins import agreed
from ncfcheck.properties.homogeneity.labels import mislabelled
from ncfcheck.properties.hypotheses import HOMOGENEOUS, NO_BRANCH, SMALL_START, TRUE_LABELS
from ncfcheck.properties.two_homogeneous import exact
from ncfcheck.properties.two_homogeneous.controls import BIASED
from ncfcheck.properties.two_homogeneous.departure import departs, short_of_two, slope_between
from ncfcheck.properties.two_homogeneous.instances import both_sides, branching
from ncfcheck.properties.two_homogeneous.margins import unbranched
from ncfcheck.properties.two_homogeneous.theorems import LAYERS
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.flow import plain

DEPARTURE = ("two_homogeneous.departure",)
TINY, LARGE = (1e-6, 1e-9), (1e4, 1e2)  # δ², in units of what changes the gradient by its size


@claim(
    "control.quadratic_order",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    of=DEPARTURE,
)
def quadratic_order(instance) -> Margin:
    """Of order 2, at a fixed time loss flow and NCF flow differ by O(δ³)."""
    unbranched(instance)
    return departs(instance, instance, 3.0)


@claim(
    "control.quadratic_wrong_departure",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=instances(**LAYERS),
    drops=TRUE_LABELS,
    of=DEPARTURE,
)
def quadratic_wrong_departure(instance) -> Margin:
    """Of order 2, trained on shuffled labels w departs from the NCF flow of the labels as they were
    by O(δ²).
    """
    unbranched(instance)
    return slope_between(instance, mislabelled(instance), TINY)


@claim(
    "control.quadratic_large_departure",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    given=instances(**LAYERS),
    drops=SMALL_START,
    of=DEPARTURE,
)
def quadratic_large_departure(instance) -> Margin:
    """Of order 2, departures grow like δ² or faster between large δ, too."""
    unbranched(instance)
    return slope_between(instance, instance, LARGE)


@claim(
    "control.branching_departure",
    kind=CONTROL,
    refute=exact.branching_departure,
    needs=Need.LAYERED,
    reference="§11",
    scale_free=True,
    given=branching(),
    drops=NO_BRANCH,
    of=DEPARTURE,
)
def branching_departure(instance) -> Margin:
    """Where the NCF flow branches too, departures are O(δ²), whichever solutions are compared."""
    return slope_between(*both_sides(instance), TINY)


@claim(
    "control.quadratic_biases_departure",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§11",
    given=instances(**BIASED),
    drops=HOMOGENEOUS,
    of=DEPARTURE,
)
def quadratic_biases_departure(instance) -> Margin:
    """With biases too w/δ departs from the flow of N by O(δ²), at time 1/‖∇N(v_0)‖."""
    biased, deltas = biased_instance(instance), np.array([1e-2, 1e-3])
    time = 1 / norm(biased.ncf.gradient(biased.start))

    def judge(precision: float) -> Margin:
        u = plain.ncf_flow_to(biased, time, precision)
        sizes = []
        for delta in deltas:
            norms, directions = plain.loss_flow(biased, float(delta), time, precision=precision)
            sizes.append(norm(norms[-1] / delta * directions[-1] - u) / norm(u))
        return short_of_two(deltas**2, np.array(sizes))

    return agreed(*map(judge, PRECISIONS))
