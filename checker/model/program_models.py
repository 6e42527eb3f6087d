"""Models that are programs, on given samples: everything by the compiled interpreter."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np

from ncfcheck.model.arrays import finite_vector
from ncfcheck.model.columns import ColumnEvaluation
from ncfcheck.model.kernels.programs import forward, pull_back
from ncfcheck.model.models import Group, Model
from ncfcheck.model.program_rounding import gradient_bound, output_bound
from ncfcheck.model.programs import Program

Array = np.ndarray
STEP = 2.0**-200  # along the imaginary axis: its square is nothing beside 1


class ProgramModel(Model):
    """A model that a `Program` tells all of."""

    @property
    @abstractmethod
    def program(self) -> Program:
        """The program; equal models have equal ones."""

    @property
    def inputs(self) -> int:
        """d."""
        return self.program.inputs

    @property
    def width(self) -> int:
        """m, the number of outputs."""
        return self.program.width

    @property
    def size(self) -> int:
        """P, the length of the flat vector w."""
        return self.program.size

    @property
    def order(self) -> int:
        """D; the order that it looks like having if it is not homogeneous: the highest of terms."""
        return self.program.order

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of weights."""
        return self.program.groups

    @property
    def is_homogeneous(self) -> bool:
        """Whether H(x; cw) = c^D H(x; w) for c > 0."""
        return self.program.is_homogeneous

    @property
    def has_lipschitz_gradient(self) -> bool:
        """Whether the gradient in w is locally Lipschitz: no kinks."""
        return self.program.has_lipschitz_gradient

    @property
    def formula(self) -> str:
        """H, for people."""
        return self.program.formula

    def on(self, X: Array) -> ProgramEvaluation:
        """The model on samples X (n, d)."""
        return ProgramEvaluation(self, X, self.program)


class ProgramEvaluation(ColumnEvaluation):
    """A model on samples X (n, d) that a program computes: its own, if it is a `ProgramModel`."""

    def __init__(self, model: Model, X: Array, program: Program):
        super().__init__(model, X)
        self.code = program.code

    @cached_property
    def fixed(self) -> Array:
        """The units that depend on no weights, (units, n): the inputs and what is made of them."""
        return self._values(np.zeros(self.model.size), self.columns, 0, self.code.leading)[
            : self.code.fixed
        ]

    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, m)."""
        values = self._values(w, self.fixed, self.code.leading, len(self.code.table))
        return values[self.code.output :][: self.model.width].T

    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient, (P,)."""
        return pull_back(self.code, w, self.fixed, self.rows_to_columns(r))

    def curvature(self, w: Array, r: Array) -> ProgramCurvature:
        """Second derivatives of Σ r ∘ H(X; w)."""
        return ProgramCurvature(self, w, r)

    def output_bound(self, w: Array) -> Array:
        """Bound on the rounding error of every computed output, (n, m)."""
        return output_bound(self.code, w, self.columns, self.model.width)

    def bounds(self, w: Array, r: Array, settled: bool = False) -> tuple[float, Array]:
        """Bounds on the rounding errors of `pull_back`."""
        return gradient_bound(self.code, w, self.columns, self.rows_to_columns(r), settled)

    def _values(self, w: Array, known: Array, first: int, last: int) -> Array:
        """All units, (units, n), after instructions first to last, where the first are `known`."""
        values = np.empty((self.code.units, known.shape[1]))
        values[: len(known)] = known
        forward(self.code, w, known.shape[1], values.reshape(-1), first, last)
        return values


class ProgramCurvature:
    """∇²(Σ r ∘ H) at w (P,), for r (n, m): exact up to rounding wherever H is twice differentiable.

    The gradient on a step along the imaginary axis: H is analytic on either side of a kink.
    """

    def __init__(self, on_data: ProgramEvaluation, w: Array, r: Array):
        self.on_data, self.w, self.r = on_data, w, on_data.rows_to_columns(r)

    @cached_property
    def outputs(self) -> Array:
        """H(X; w), (m, n)."""
        return self.on_data.outputs(self.w).T

    def product(self, direction: Array) -> Array:
        """∇²N·direction, (P,)."""
        direction = finite_vector(direction, self.w.size, "direction")
        scale = np.abs(direction).max(initial=0.0)
        if not scale:
            return np.zeros(self.w.size)
        return self._slope(self.w + 1j * (STEP * (direction / scale))) * scale

    def products(self, directions: Array) -> Array:
        """∇²N times every row of directions (k, P), (k, P)."""
        return np.array([self.product(each) for each in directions]).reshape(-1, self.w.size)

    def matrix(self) -> Array:
        """∇²N, (P, P), symmetric to the last bit."""
        moved, found = self.w.astype(complex), np.empty((self.w.size, self.w.size))
        for k in range(self.w.size):
            moved[k] += 1j * STEP
            found[k] = self._slope(moved)
            moved[k] = self.w[k]
        return 0.5 * (found + found.T)

    def _slope(self, moved: Array) -> Array:
        """The derivative of ∇N along the step that weights are moved by, (P,)."""
        return pull_back(self.on_data.code, moved, self.on_data.fixed, self.r)[1].imag / STEP

    def output_jacobian(self) -> Array:
        """Derivatives of the outputs, in the order of `outputs`, by w, (m·n, P)."""
        fixed, outputs = self.on_data.fixed, np.eye(self.on_data.model.width)[:, :, None]
        rows = [
            pull_back(self.on_data.code, self.w, np.array(fixed[:, i : i + 1]), output.copy())[1]
            for output in outputs
            for i in range(fixed.shape[1])
        ]
        return np.array(rows)
