"""Functions in JAX: one compiled program for outputs and gradient, another for second derivatives.

Double precision holds for our own calls only (`jax.enable_x64` as a context, in this thread); the
user's setting of it stays what it is. A program is compiled once for each shape of samples: their
number is rounded up, the last sample repeated with a weight of 0, so that shapes are few. It takes
several weights at a time: calling it takes far longer than a small network's gradient.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ncfcheck.model.backends import traced
from ncfcheck.model.backends.backend import (
    LANES,
    Array,
    Backend,
    Shapes,
    Signature,
    in_lanes,
    in_rows,
    missing,
    repeated,
)
from ncfcheck.model.programs import Program

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    raise missing("jax", error) from error

SMALL = 1 << 16  # P·n up to which compiling takes longer than a slower program
QUICKLY, FASTER = ({"xla_backend_optimization_level": level} for level in (0, 1))

# Read when JAX first computes: handing a small program to another thread takes as long as it does.
with contextlib.suppress(AttributeError):
    jax.config.update("jax_cpu_enable_async_dispatch", False)


class Samples:
    """X on JAX's device, its last row repeated, and how many of them count."""

    def __init__(self, X: Array):
        self.count, X = len(X), repeated(X)
        self.rows, self.X = len(X), jax.device_put(X)

    def weights(self, rs: Array) -> Array:
        """rs (k, n, m) with zeros for samples that do not count, (k, rows·m)."""
        found = np.zeros((len(rs), self.rows, rs.shape[2]))
        found[:, : self.count] = rs
        return found.reshape(len(rs), -1)


class JaxBackend(Backend):
    """`outputs(X, w)` returns (n, m), traced by JAX."""

    library = "jax"
    has_products = are_fast_together = True

    def __init__(self, outputs: Callable[[Any, dict[str, Any]], Any], shapes: Shapes):
        self.function, self.shapes = outputs, shapes
        self._programs: dict[bool, tuple[Callable, Callable]] = {}
        self._width = 0  # m, once it is known

    @property
    def size(self) -> int:
        """P."""
        return self.parts[-1][1].stop

    def program(self, inputs: int, width: int) -> Program | None:
        """What tracing says that the function does to one sample."""

        def read(reader: traced.Reader, X: Array, w: Array) -> Array:
            from ncfcheck.model.backends.jax_operations import read

            with jax.enable_x64(True):
                function = jax.make_jaxpr(lambda X, w: self.function(X, self.by_name(w)))
                return read(function(np.ones(X.shape), np.ones(w.size)), reader, X, w)

        return traced.program(inputs, width, self.shapes, read)

    def _outputs(self, X, w):
        return in_rows(self.function(X, self.by_name(w)))

    def _value(self, X, w, r):
        found = self._outputs(X, w)
        return (found * r.reshape(found.shape)).sum()

    def _everything(self, X, given):
        """N, ∇N and H, one after the other, from w and r in one array: calls are dear, and so is
        every array that they convert.
        """
        w, r = given[: self.size], given[self.size :]
        found, back = jax.vjp(lambda w: self._outputs(X, w), w)
        r = r.reshape(found.shape)
        return jnp.concatenate([(found * r).sum()[None], back(r)[0], found.ravel()])

    def _product(self, X, w, r, direction):
        return jax.jvp(jax.grad(lambda w: self._value(X, w, r)), (w,), (direction,))[1]

    def _compiled(self, samples: Samples) -> tuple[Callable, Callable, int]:
        """The programs for the number of samples, and how many rows they take."""
        is_small = samples.rows * self.size <= SMALL
        if is_small not in self._programs:
            often, seldom = (FASTER, QUICKLY) if is_small else (None, None)
            self._programs[is_small] = (
                jax.jit(jax.vmap(self._everything, (None, 0)), compiler_options=often),
                jax.jit(jax.vmap(self._product, (None, None, None, 0)), compiler_options=seldom),
            )
        return *self._programs[is_small], LANES if is_small else 1

    def _found(self, samples: Samples, ws: Array, rs: Array | None = None) -> Array:
        """N, ∇N and H of every row of ws and rs, r = 0 without these, (k, 1 + P + rows·m)."""
        if rs is None:
            weights = np.zeros((len(ws), samples.rows * self._outputs_of_one(samples)))
        else:
            weights = samples.weights(rs)
        program, _, lanes = self._compiled(samples)
        with jax.enable_x64(True):
            given = np.concatenate([ws, weights], axis=1)
            return in_lanes(lambda some: program(samples.X, some), lanes, given)

    def samples(self, X: Array) -> Samples:
        """X, its last row repeated."""
        with jax.enable_x64(True):
            return Samples(X)

    def signature(self, X: Array, w: Array) -> Signature:
        """What tracing says, without compiling."""
        with jax.enable_x64(True):
            found = jax.eval_shape(lambda X, w: self.function(X, self.by_name(w)), X, w)
        if not hasattr(found, "shape"):
            raise TypeError(f"outputs(X, w) returns a {type(found).__name__}, not an array")
        return Signature(found.shape, str(found.dtype))

    def _outputs_of_one(self, samples: Samples) -> int:
        """m."""
        if not self._width:
            with jax.enable_x64(True):
                found = jax.eval_shape(self._outputs, samples.X, np.zeros(self.size))
            self._width = found.shape[1]
        return self._width

    def outputs(self, samples: Samples, w: Array) -> Array:
        """H(X; w), (n, m)."""
        return self.outputs_at(samples, w[None])[0]

    def outputs_at(self, samples: Samples, ws: Array) -> Array:
        """H(X; w) for every row w of ws (k, P), (k, n, m)."""
        found = self._found(samples, ws)[:, 1 + self.size :]
        return found.reshape(len(ws), samples.rows, -1)[:, : samples.count].copy()

    def pull_back(self, samples: Samples, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient (P,)."""
        values, gradients = self.pull_backs(samples, w[None], r[None])
        return float(values[0]), gradients[0]

    def pull_backs(self, samples: Samples, ws: Array, rs: Array) -> tuple[Array, Array]:
        """`pull_back` at every row of ws (k, P), rs (k, n, m): values (k,), gradients (k, P)."""
        found = self._found(samples, ws, rs)
        return found[:, 0].copy(), found[:, 1 : 1 + self.size].copy()

    def products(self, samples: Samples, w: Array, r: Array, directions: Array) -> Array:
        """∇²(Σ r ∘ H) times every row of directions (k, P), by forward over reverse mode."""
        _, program, lanes = self._compiled(samples)
        r = samples.weights(r[None])[0]
        with jax.enable_x64(True):
            found = in_lanes(lambda some: program(samples.X, w, r, some), lanes, directions)
        return found.copy()
