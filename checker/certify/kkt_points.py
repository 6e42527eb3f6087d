"""Boxed KKT points: what holds of the only one near where a flow tends to (theory §5, §9)."""

from __future__ import annotations

import numpy as np

from ncfcheck.certify.boxes import Found, active_rows, found_near
from ncfcheck.certify.certificate import Certificate, NotProved, known, need
from ncfcheck.certify.structured import at_rising_precision
from ncfcheck.theory.kkt.points import flow_limit

NONE = 1e-3  # a second neuron, or singular value, of at most this share of the first counts as none


def nonzero_limit(instance) -> np.ndarray:
    """The KKT point with λ ≠ 0 that the flow tends to."""
    point = known(flow_limit, instance.ncf, instance.start, instance.numerics).point
    if not point.multiplier:
        raise NotProved("the flow tends to a zero KKT point, which is not isolated")
    return point.u


def boxed(instance, u, condition, proves: str) -> Certificate:
    """The certificate that condition(found) raises no NotProved at the exact KKT point near u."""

    def prove():
        found = found_near(instance.network, instance.ncf, u)
        condition(found)
        return Certificate("box", proves, found.plain())

    return at_rising_precision(prove)


def maximum(found: Found) -> None:
    need(found.is_maximum(), "the point is not proved to be a strict local maximum")


def positive(found: Found) -> None:
    need(found.value > 0, "N > 0 is not proved")


def negative(found: Found) -> None:
    need(found.value < 0, "N < 0 is not proved")


def several_last(found: Found) -> None:
    positive(found)
    need(active_rows(found.matrices[-2], NONE) > 1, "two active neurons are not proved")
