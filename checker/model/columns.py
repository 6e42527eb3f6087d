"""Evaluations by compiled kernels, which take samples as columns."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ncfcheck.model.models import Evaluation

Array = np.ndarray


class ColumnEvaluation(Evaluation):
    """A model on samples X (n, d) whose kernels take columns, in arrays that can be written to: for
    others they would be compiled once more.
    """

    def __init__(self, model, X: Array):
        self.model, self.X = model, X
        self._weights: tuple[Array | None, Array] = None, X

    @cached_property
    def columns(self) -> Array:
        """Samples as columns (d, n)."""
        return np.array(self.X.T, order="C")

    def rows_to_columns(self, r: Array) -> Array:
        """Output weights r (n, m) as columns (m, n); the last that nobody can write to are kept."""
        if self._weights[0] is r:
            return self._weights[1]
        columns = np.array(r.T, order="C")
        if not r.flags.writeable:
            self._weights = r, columns
        return columns
