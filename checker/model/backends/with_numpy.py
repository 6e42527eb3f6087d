"""Functions in numpy, whose pull-back the user writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ncfcheck.model.arrays import read_only
from ncfcheck.model.backends.backend import Array, Backend, Shapes, Signature, in_rows


class NumpyBackend(Backend):
    """`outputs(X, w)` returns (n, m), and `pull_back(X, w, r)` the gradient of Σ r ∘ H by name.

    They get arrays that cannot be written to.
    """

    library = "numpy"

    def __init__(
        self,
        outputs: Callable[[Array, dict[str, Array]], Any],
        pull_back: Callable[[Array, dict[str, Array], Array], Mapping[str, Any]],
        shapes: Shapes,
    ):
        self.function, self.own_pull_back, self.shapes = outputs, pull_back, shapes

    def samples(self, X: Array) -> Array:
        """X, read-only."""
        return read_only(X)

    def signature(self, X: Array, w: Array) -> Signature:
        """Shape and dtype of the outputs."""
        found = np.asarray(self.function(read_only(X), self.by_name(read_only(w))))
        return Signature(found.shape, str(found.dtype))

    def outputs(self, samples: Array, w: Array) -> Array:
        """H(X; w), (n, m)."""
        found = self.function(samples, self.by_name(read_only(w)))
        return in_rows(np.array(found, dtype=float))

    def pull_back(self, samples: Array, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient (P,)."""
        value = float(np.vdot(r, self.outputs(samples, w)))
        found = self.own_pull_back(samples, self.by_name(read_only(w)), read_only(r))
        return value, self.flat(found)

    def flat(self, gradient: Mapping[str, Any]) -> Array:
        """A gradient by name as one vector (P,). Raises ValueError saying what does not fit."""
        if not isinstance(gradient, Mapping):
            kind = type(gradient).__name__
            raise TypeError(f"pull_back returns a dict of gradients by name, not a {kind}")
        if gradient.keys() != self.shapes.keys():
            raise ValueError(f"pull_back returns {[*gradient]}: {[*self.shapes]} are right")
        found = np.empty(self.parts[-1][1].stop)
        for name, part, shape in self.parts:
            if np.shape(gradient[name]) != shape:
                told = np.shape(gradient[name])
                raise ValueError(f"pull_back returns {name!r} of shape {told}: {shape} is right")
            found[part] = np.ravel(gradient[name])
        return found
