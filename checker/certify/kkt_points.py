"""Certificates about boxed KKT points: the only one near where a flow tends to (theory §5, §9)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.certify.boxes import Found, active_rows, filled, found_near
from ncfcheck.certify.certificate import Certificate, NotProved, known, need
from ncfcheck.certify.windows import MARGIN, attractor
from ncfcheck.model.ncf import unit
from ncfcheck.theory.kkt.points import flow_limit

NONE = 1e-3  # a second neuron, or singular value, of at most this share of the first counts as none


def nonzero_limit(instance) -> np.ndarray:
    """The KKT point with λ ≠ 0 that the flow tends to."""
    point = known(flow_limit, instance.ncf, instance.start, instance.numerics).point
    if not point.multiplier:
        raise NotProved("the flow tends to a zero KKT point, which is not isolated")
    return point.u


REACHES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # tried of maxima that starts are moved to
NEAR = 1e-13  # what is further from its KKT point is moved there
QUARTER = 0.25  # of the reach of a maximum: where starts that are further away are moved to


def boxed(instance, u, condition, moved=None) -> Certificate:
    """The certificate about the KKT point near u, if condition(found) raises no NotProved; `start`
    is moved to that, by moved(point) if it is another network's.
    """
    found = found_near(instance.network, instance.ncf, u)
    condition(found)
    theta = unit(filled(instance.network, found))
    shown = started(instance, theta) if moved is None else moved(theta)
    return Certificate("box", found.plain(), shown)


def started(instance, theta: np.ndarray):
    """The instance from the start theta (P,); None if that is its own."""
    is_there = np.linalg.norm(instance.start - theta) < NEAR
    return None if is_there else replace(instance, start=theta)


def attracting(instance, u, condition) -> Certificate:
    """The same of a strict local maximum that attracts `start`, which is moved to within a quarter
    of the reach if it is not within the reach.
    """
    found = found_near(instance.network, instance.ncf, u)
    positive(found)
    condition(found)
    maximum(found)
    goal = attractor(instance, found, REACHES)
    theta, aside = unit(goal.theta), instance.start - unit(goal.theta)
    away, shown = float(np.linalg.norm(aside)), None
    if away > MARGIN * goal.reach:
        shown = replace(instance, start=unit(theta + QUARTER * goal.reach / away * aside))
    return Certificate("box", found.plain() | {"reach": goal.reach.hex()}, shown)


def steepest(found: Found) -> tuple[float, np.ndarray]:
    """The largest curvature across a boxed point, in units of |λ|, and its direction."""
    theta, multiplier = found.box.theta, found.point.multiplier
    frame = np.linalg.svd(theta[None])[2][1:]
    values, vectors = np.linalg.eigh(frame @ found.ncf.hessian(theta) @ frame.T)
    return float((values[-1] - multiplier) / abs(multiplier)), frame.T @ vectors[:, -1]


def maximum(found: Found) -> None:
    need(found.is_maximum, "the point is no strict local maximum")


def positive(found: Found) -> None:
    need(found.point.value > 0, "N > 0 does not hold at the point")


def negative(found: Found) -> None:
    need(found.point.value < 0, "N < 0 does not hold at the point")


def several_last(found: Found) -> None:
    positive(found)
    need(active_rows(found.matrices[-2], NONE) > 1, "there are no two active neurons")
