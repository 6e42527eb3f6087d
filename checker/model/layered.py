"""Layered networks on given samples: everything by the compiled kernels."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.columns import ColumnEvaluation
from ncfcheck.model.curvature import Curvature
from ncfcheck.model.kernels import gradients, tangents
from ncfcheck.model.kernels.newton import head_start, projected_hessian
from ncfcheck.model.rounding import gradient_bound, output_bound

Array = np.ndarray
FEW = 40  # parameters up to which the compiled matrix of second derivatives is faster than numpy's


class LayeredEvaluation(ColumnEvaluation):
    """A `Network` on samples X (n, d)."""

    def __init__(self, network, X: Array):
        super().__init__(network, X)
        self.layout = network.layout

    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, k_L)."""
        return gradients.output(self.layout, w, self.columns).T

    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient, (P,)."""
        kept, columns = self._weights
        if kept is not r:  # a call less, beside which a tiny network's gradient is not long
            columns = self.rows_to_columns(r)
        return gradients.correlation(self.layout, w, self.columns, columns)

    def curvature(self, w: Array, r: Array) -> Curvature:
        """Second derivatives of Σ r ∘ H(X; w)."""
        return Curvature(*self._at(w, r))

    def output_bound(self, w: Array) -> Array:
        """Bound on the rounding error of every computed output, (n, k_L)."""
        return output_bound(self.layout, w, self.columns)

    def bounds(self, w: Array, r: Array, settled: bool = False) -> tuple[float, Array]:
        """Bounds on the rounding errors of `pull_back`."""
        return gradient_bound(*self._at(w, r), settled)

    def hessian(self, w: Array, r: Array) -> Array:
        """The matrix of second derivatives; at a kink of p = 2 of the side that counts z = 0 as
        positive.
        """
        if w.size > FEW:
            return self.curvature(w, r).matrix()
        return tangents.curvature_matrix(*self._at(w, r))

    def curvature_product(self, w: Array, r: Array, direction: Array) -> Array:
        """Those times one direction (P,)."""
        return tangents.curvature_product(
            self.layout, w, direction, self.columns, self.rows_to_columns(r)
        )

    def projected_hessian(self, u: Array, r: Array, multiplier: float) -> Array:
        """Π(∇²N − λI)Π − |λ|uuᵀ: its lower triangle (P, P)."""
        if u.size > FEW:
            return super().projected_hessian(u, r, multiplier)
        return projected_hessian(*self._at(u, r), float(multiplier)).T

    def head_start(self, u: Array, r: Array) -> tuple[Array, float, Array, float] | None:
        """A few compiled steps of Newton's method: for few parameters."""
        return head_start(*self._at(u, r)) if u.size <= FEW else None

    def second_orders(self, ws: Array, curvature: Array) -> Array:
        """J(X; w)ᵀ(curvature·H(X; w)) for every row w of ws: fast where no outputs are coupled."""
        if curvature.ndim > 2:
            return super().second_orders(ws, curvature)
        curvature = self.rows_to_columns(curvature)
        return gradients.second_orders(self.layout, ws, self.columns, curvature)

    def _at(self, w: Array, r: Array):
        """What kernels take: layout, w, samples and output weights as columns."""
        return self.layout, w, self.columns, self.rows_to_columns(r)
