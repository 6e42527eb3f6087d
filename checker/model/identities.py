"""Margins of identities: a = b to a named resolution, against the rounding error of both sides."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import Inapplicable, Margin
from ncfcheck.core.tolerances import RESOLUTION
from ncfcheck.model.ncf import Correlation, norm


def value_at(ncf: Correlation, u: np.ndarray) -> Bounded:
    """N(u), with what rounding may have left of it."""
    return Bounded(ncf.value(u), ncf.rounding(u)[0])


def size_at(ncf: Correlation, u: np.ndarray) -> Bounded:
    """‖∇N(u)‖, with what rounding may have left of it."""
    return Bounded(norm(ncf.gradient(u)), ncf.rounding(u)[1])


def equal(a: float, b: float, error: float, scale: float, resolution: float = RESOLUTION) -> Margin:
    """Margin of a = b: 1 − |a − b|/(scale·resolution); `error` bounds the rounding of a − b.

    An identity that cannot be told from its violation at this resolution (error too large) is
    unresolved. Raises Inapplicable where scale is within the rounding error: 0 = 0 says nothing.
    """
    if scale <= error:
        raise Inapplicable("both sides vanish to rounding")
    return Margin(1 - abs(float(a) - float(b)) / (scale * resolution), error / (scale * resolution))


def equal_vectors(a: np.ndarray, b: np.ndarray, error, resolution: float = RESOLUTION) -> Margin:
    """Margin of a = b for vectors, by ‖a − b‖/‖b‖; `error` bounds a − b (entries or norm)."""
    return equal(norm(a - b), 0.0, norm(np.asarray(error)), norm(b), resolution)
