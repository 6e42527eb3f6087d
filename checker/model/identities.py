"""Margins of identities: a = b to a named resolution, against the rounding error of both sides."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import Inapplicable, Margin
from ncfcheck.core.tolerances import EPS, RESOLUTION
from ncfcheck.model.ncf import Correlation, norm


def value_at(ncf: Correlation, u: np.ndarray) -> Bounded:
    """N(u), with what rounding may have left of it."""
    return Bounded(ncf.value(u), ncf.rounding(u)[0])


def size_at(ncf: Correlation, u: np.ndarray) -> Bounded:
    """‖∇N(u)‖, with what rounding may have left of it."""
    return length(ncf.gradient(u), ncf.rounding(u)[1])


def length(vector: np.ndarray, error: float) -> Bounded:
    """‖vector‖ of one known to within `error` in norm: summing its squares rounds, too."""
    size = norm(vector)
    return Bounded(size, error + EPS * (1 + vector.size / 2) * size)


def equal(
    a: float,
    b: float,
    error: float,
    scale: float | Bounded,
    resolution: float = RESOLUTION,
) -> Margin:
    """Margin of a = b: 1 − |a − b|/(scale·resolution); `error` bounds the rounding of a − b, and
    `scale` is a number or one with its own bound.

    An identity that cannot be told from its violation at this resolution (error too large) is
    unresolved. Raises Inapplicable where scale is within the rounding error: 0 = 0 says nothing.
    """
    scale = scale if isinstance(scale, Bounded) else Bounded(scale)
    if scale.value <= error:
        raise Inapplicable("both sides vanish to rounding")
    # In units of the scale: differences of tiny numbers may have no room left below them.
    gap = abs(Bounded(float(a) - float(b), error)) / scale / resolution
    return Margin(1 - gap.value, gap.error + EPS)


def equal_vectors(a: np.ndarray, b: np.ndarray, error, resolution: float = RESOLUTION) -> Margin:
    """Margin of a = b for vectors, by ‖a − b‖/‖b‖; `error` bounds a − b and b (entries or norm)."""
    lost = norm(np.asarray(error))
    gap = length(a - b, lost)
    return equal(gap.value, 0.0, gap.error, length(b, lost), resolution)
