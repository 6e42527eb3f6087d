"""A layered network as the compiled kernels take it, and the one power that they all compute."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


def times_power(factor, z, exponent: int):
    """factor · z^exponent by multiplication: for floats, arrays and numbers of any ring, compiled
    or not; a ball to an integer power may be NaN around 0.
    """
    for _ in range(exponent):
        factor = factor * z
    return factor


class Layout(NamedTuple):
    """A network as the compiled kernels take it; all offsets count float64 entries."""

    widths: np.ndarray  # (L+1,) int64: k_0 … k_L
    offsets: np.ndarray  # (L+1,) int64: where W_l starts in the expanded weights
    powers: np.ndarray  # (L-1,) int64: p_1 … p_{L-1}
    slopes: np.ndarray  # (L-1,) float64: α_1 … α_{L-1}
    # (entries,) int64: parameter of each expanded entry, or -1; empty if all dense.
    index: np.ndarray  # type: ignore[assignment]
    units: int  # Σ_{l ≥ 1} k_l
    widest: int  # max_l k_l
