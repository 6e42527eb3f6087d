"""Every tolerance of the project, named and derived; and the numerics to judge an instance with."""

from __future__ import annotations

from dataclasses import dataclass, replace

EPS = 2.0**-52

# Relative change that sums may have when they are added in another order, as libraries do.
REORDERED = 64 * EPS
# A defect of an identity below this is zero: above rounding (1e-16 × condition), below mistakes.
RESOLUTION = 1e-7
# sin∠ at which polishing takes over: well in Newton's basin, above the chatter of explicit steps.
HANDOVER = 1e-6
# A polished point is a KKT point at this sin∠; or at its own rounding bound where that is larger.
POLISHED = 1e-13
# Relative eigenvalues of the projected Hessian below this are zero: finite differences give 1e-9.
DEGENERATE = 1e-6
# Parameters up to which the Hessian is formed and diagonalised; beyond, products and Lanczos.
DENSE_HESSIAN = 400


@dataclass(frozen=True)
class Numerics:
    """How flows are integrated: local error tolerance, integrator and a limit on gradient calls of
    one flow.
    """

    tolerance: float = 1e-9
    integrator: str = "compiled"  # or "scipy", the independent second one
    calls: int = 60_000

    def tightened(self, factor: float = 1e-2) -> Numerics:
        """The same at a tolerance smaller by `factor`, not below what float64 supports."""
        return replace(self, tolerance=max(self.tolerance * factor, 1e-13), calls=2 * self.calls)
