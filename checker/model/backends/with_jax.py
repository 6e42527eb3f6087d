"""Functions in JAX: one compiled program for outputs and gradient, another for second derivatives.

Double precision holds for our own calls only (`jax.enable_x64` as a context, in this thread); the
user's setting of it stays what it is. A program is compiled once for each shape of samples: their
number is rounded up, the last sample repeated with a weight of 0, so that shapes are few.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ncfcheck.model.backends.backend import Array, Backend, Shapes, Signature, in_rows, missing

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    raise missing("jax", error) from error

LEAST = 8  # samples that programs are compiled for: then the next power of two
TOGETHER = 8  # directions at a time
SMALL = 1 << 16  # P·n up to which compiling takes longer than a slower program
QUICKLY = {"xla_backend_optimization_level": 0}


class Samples:
    """X on JAX's device, its rows repeated, and how many of them count."""

    def __init__(self, X: Any, count: int):
        self.X, self.count = X, count
        self._kept: tuple[Array, Any] | None = None

    def weights(self, r: Array) -> Any:
        """r (n, m) with zeros for rows that do not count; the last that nobody can write to stay on
        the device.
        """
        if self._kept and self._kept[0] is r:
            return self._kept[1]
        found = np.zeros((self.X.shape[0], r.shape[1]))
        found[: self.count] = r
        if not r.flags.writeable:
            self._kept = r, jax.device_put(found)
            return self._kept[1]
        return found


class JaxBackend(Backend):
    """`outputs(X, w)` returns (n, m), traced by JAX."""

    library = "jax"
    has_products = True

    def __init__(self, outputs: Callable[[Any, dict[str, Any]], Any], shapes: Shapes):
        self.function, self.shapes = outputs, shapes
        self._programs: dict[bool, tuple[Callable, Callable]] = {}
        self._zeros: dict[int, Array] = {}

    def _outputs(self, X, w):
        return in_rows(self.function(X, self.by_name(w)))

    def _gradient(self, X, w, r):
        return jax.grad(lambda w: (self._outputs(X, w) * r).sum())(w)

    def _everything(self, X, w, r):
        """N, ∇N in one array (1 + P,), and H (n, m)."""
        found, back = jax.vjp(lambda w: self._outputs(X, w), w)
        return jnp.concatenate([(found * r).sum()[None], back(r)[0]]), found

    def _products(self, X, w, r, directions):
        def product(v):
            return jax.jvp(lambda w: self._gradient(X, w, r), (w,), (v,))[1]

        return jax.vmap(product)(directions)

    def _compiled(self, samples: Samples, w: Array) -> tuple[Callable, Callable]:
        is_small = samples.X.shape[0] * w.size <= SMALL
        if is_small not in self._programs:
            how = {"compiler_options": QUICKLY if is_small else None}
            self._programs[is_small] = (
                jax.jit(self._everything, **how),
                jax.jit(self._products, **how),
            )
        return self._programs[is_small]

    def samples(self, X: Array) -> Samples:
        """X, its last row repeated."""
        rows = max(LEAST, 1 << (len(X) - 1).bit_length())
        repeated = np.concatenate([X, np.repeat(X[-1:], rows - len(X), axis=0)])
        with jax.enable_x64(True):
            return Samples(jax.device_put(repeated), len(X))

    def signature(self, X: Array, w: Array) -> Signature:
        """What tracing says, without compiling."""
        with jax.enable_x64(True):
            found = jax.eval_shape(lambda X, w: self.function(X, self.by_name(w)), X, w)
        if not hasattr(found, "shape"):
            raise TypeError(f"outputs(X, w) returns a {type(found).__name__}, not an array")
        return Signature(found.shape, str(found.dtype))

    def outputs(self, samples: Samples, w: Array) -> Array:
        """H(X; w), (n, m)."""
        with jax.enable_x64(True):
            found = self._compiled(samples, w)[0](samples.X, w, self._no_weights(samples, w))[1]
            return np.array(found)[: samples.count]

    def _no_weights(self, samples: Samples, w: Array) -> Array:
        """r = 0 for all outputs."""
        rows = samples.X.shape[0]
        if rows not in self._zeros:
            self._zeros[rows] = np.zeros(jax.eval_shape(self._outputs, samples.X, w).shape)
        return self._zeros[rows]

    def pull_back(self, samples: Samples, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient (P,)."""
        with jax.enable_x64(True):
            found = self._compiled(samples, w)[0](samples.X, w, samples.weights(r))[0]
            found = np.array(found)
            return float(found[0]), found[1:]

    def products(self, samples: Samples, w: Array, r: Array, directions: Array) -> Array:
        """∇²(Σ r ∘ H) times every row of directions (k, P), by forward over reverse mode."""
        program, found = self._compiled(samples, w)[1], np.empty_like(directions)
        with jax.enable_x64(True):
            r = samples.weights(r)
            for start in range(0, len(directions), TOGETHER):
                some = directions[start : start + TOGETHER]
                filled = np.zeros((TOGETHER, w.size))
                filled[: len(some)] = some
                result = program(samples.X, w, r, filled)
                found[start : start + TOGETHER] = np.asarray(result)[: len(some)]
        return found
