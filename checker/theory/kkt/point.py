"""What is known of a KKT point of the constrained NCF (theory §2, §8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from ncfcheck.core.tolerances import DEGENERATE, HANDOVER, POLISHED
from ncfcheck.model.arrays import NOT_STORED, Value

# By how much, in units of |λ|, an error of ∇N in those units may move curvatures.
CONDITION = 1e3


class Inertia(StrEnum):
    """Kind of a KKT point by signs of the projected Hessian's eigenvalues on the tangent space."""

    MAXIMUM = "maximum"
    SADDLE = "saddle"
    ZERO = "zero"  # ∇N(u) = 0: λ = 0, no tangent Hessian to speak of
    DEGENERATE = "degenerate"


@dataclass(frozen=True, eq=False)
class KktPoint(Value):
    """A point u (P,) of the unit sphere with ∇N(u) ≈ λu.

    `residual` is sin∠ and `residual_error` the rounding bound of it; `value` N(u), λ = D·N(u);
    `top_curvature` the largest eigenvalue of the projected Hessian in units of |λ|, `escape` unit
    eigenvectors (k, P) of its positive ones; `curvature_error` what estimated second derivatives
    may add to that, which is not stored: points of layered networks, which are, have none.
    """

    u: np.ndarray
    value: float
    multiplier: float
    residual: float
    residual_error: float
    top_curvature: float
    escape: np.ndarray
    curvature_error: float = field(default=0.0, metadata=NOT_STORED)

    @property
    def inertia(self) -> Inertia:
        """Maximum, saddle or degenerate; curvatures within DEGENERATE of zero count as zero, and
        within what rounding may make of them where data cancel, or differences do.
        """
        flat = max(DEGENERATE, CONDITION * self.residual_error, self.curvature_error)
        if self.multiplier == 0:
            return Inertia.ZERO
        if self.top_curvature > flat:
            return Inertia.SADDLE
        return Inertia.MAXIMUM if self.top_curvature < -flat else Inertia.DEGENERATE

    @property
    def off(self) -> float:
        """Bound on the distance of u from the KKT point, where that is a strict maximum."""
        return 2 * (self.residual + self.residual_error) / abs(self.top_curvature)

    @property
    def is_polished(self) -> bool:
        """Whether sin∠ reached POLISHED, or the gradient's rounding bound where that is larger, as
        where data cancel; not where it is the jump of ∇N at a kink.
        """
        return self.residual <= max(POLISHED, min(self.residual_error, HANDOVER))
