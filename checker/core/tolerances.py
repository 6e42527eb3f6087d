"""Every tolerance of the project, named and derived; and the numerics to judge an instance with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Integral, Real

from ncfcheck.core.stated import shown

EPS = 2.0**-52

# Relative change that sums may have when they are added in another order, as libraries do.
REORDERED = 64 * EPS
# A defect of an identity below this is zero: above rounding (1e-16 × condition), below mistakes.
RESOLUTION = 1e-7
# sin∠ at which polishing takes over: well in Newton's basin, above the chatter of explicit steps.
HANDOVER = 1e-6
# A polished point is a KKT point at this sin∠; or at its own rounding bound where that is larger,
# HANDOVER at most.
POLISHED = 1e-13
# Share of 𝓛(0) at which a loss whose gradient has vanished, to 1e-8 of its first value, has fitted
# its data: the square loss falls with the gradient's square, the logistic with the gradient.
FITTED = 1e-10
# What the norm of a unit vector may be off by: float32 and decimals of a file are, by less.
OFF_THE_SPHERE = 1e-6
# Relative eigenvalues of the projected Hessian below this are zero: finite differences give 1e-9.
DEGENERATE = 1e-6
# Parameters up to which the Hessian is formed and diagonalised; beyond, products and Lanczos.
DENSE_HESSIAN = 400

# What a flow is compared with to tell its errors: a run this much looser, and one as much again,
# whose difference counts by this share. Across kinks of ∇²N errors do not go by the tolerance:
# those of two runs may be alike.
LOOSER = 30.0

FINEST = 1e-13  # local error that flows in float64 can still be held to

INTEGRATORS = ("compiled", "scipy")  # the project's own; the independent second one


@dataclass(frozen=True)
class Numerics:
    """How flows are integrated: local error tolerance, integrator and a limit on gradient calls of
    one flow.

    Raises ValueError for a tolerance that is not above 0, another integrator, less than one call.
    """

    tolerance: float = 1e-9
    integrator: str = "compiled"
    calls: int = 60_000

    def __post_init__(self):
        tolerance, calls = self.tolerance, self.calls
        if not (isinstance(tolerance, Real) and 0 < tolerance < math.inf):
            raise ValueError(f"tolerance must be a number above 0, not {shown(tolerance)}")
        if self.integrator not in INTEGRATORS:
            raise ValueError(
                f"integrator {shown(self.integrator)} is none of {', '.join(INTEGRATORS)}"
            )
        if not (isinstance(calls, Integral) and calls >= 1):
            raise ValueError(f"calls must be a whole number from 1 up, not {shown(calls)}")
        object.__setattr__(self, "tolerance", float(tolerance))
        object.__setattr__(self, "calls", int(calls))

    def runs(self) -> list[Numerics]:
        """Three, LOOSER apart, the tightest first: two runs may be off the same way by chance,
        three hardly.
        """
        tight = max(self.tolerance / LOOSER, FINEST)
        return [replace(self, tolerance=LOOSER**k * tight) for k in range(3)]

    def tightened(self, factor: float = 1e-2) -> Numerics:
        """The same at a tolerance smaller by `factor`, not below what float64 supports."""
        tolerance = max(self.tolerance * factor, FINEST)
        return replace(self, tolerance=tolerance, calls=2 * self.calls)
