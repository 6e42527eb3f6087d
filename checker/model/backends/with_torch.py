"""Modules and functions in PyTorch, in double precision, differentiated by its autograd."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
    import torch
except ImportError as error:
    raise missing("torch", error) from error

TRACED = 1e-9  # what a trace may be off by from the function, of its largest number


@contextmanager
def _in_double() -> Iterator[None]:
    """A context in which tensors that the user makes are in double precision, gradients on, and
    PyTorch works on one thread: several wait for each other, where other processes work, too.
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _one_thread(), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def tensor(array: Array) -> torch.Tensor:
    """An array of its own as a tensor."""
    return torch.from_numpy(np.array(array))


class Samples:
    """X (n, d) as a tensor, and with its last row repeated: programs are traced for few shapes."""

    def __init__(self, X: Array):
        self.X, self.repeated = tensor(X), tensor(repeated(X))
        self.rows = len(self.repeated)


class TorchBackend(Backend):
    """`outputs(X, w)` returns a tensor (n, m)."""

    library = "torch"
    has_products = are_fast_together = True

    def __init__(self, outputs: Callable[[Any, dict[str, Any]], Any], shapes: Shapes):
        self.function, self.shapes = outputs, shapes
        self._programs: dict[tuple, Callable | None] = {}

    @property
    def size(self) -> int:
        """P."""
        return self.parts[-1][1].stop

    @classmethod
    def of_module(cls, module: torch.nn.Module, inputs: int) -> TorchBackend:
        """The module, of which a copy in double precision is used; its parameters that require
        gradients are the weights, under their own names. Lazy ones are those of `inputs` numbers.
        """
        own = copy.deepcopy(module).double()
        if any(map(torch.nn.parameter.is_lazy, own.parameters())):
            with torch.no_grad():
                own(torch.zeros(2, inputs, dtype=torch.float64))
        weights = {
            name: tuple(each.shape) for name, each in own.named_parameters() if each.requires_grad
        }

        def outputs(X, w):
            return torch.func.functional_call(own, w, (X,))

        return cls(outputs, weights)

    def samples(self, X: Array) -> Samples:
        """X as a tensor, and with its last row repeated."""
        return Samples(X)

    def program(self, inputs: int, width: int) -> Program | None:
        """What a trace says that the function does to one sample."""

        def read(reader: traced.Reader, X: Array, w: Array) -> Array:
            from ncfcheck.model.backends.torch_operations import read

            given = tensor(np.ones(X.shape)), tensor(np.ones(w.size))
            found = _operations(lambda X, w: self.function(X, self.by_name(w)), *given)
            with _in_double():
                return read(found, reader, X, w)

        return traced.program(inputs, width, self.shapes, read)

    def _outputs(self, X: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return in_rows(self.function(X, self.by_name(w)))

    def _value(self, X, w, r):
        return (self._outputs(X, w) * r).sum()

    def _gradient(self, X, given, rows: int):
        """∇N and N, one after the other, from w and r in one tensor."""
        w, r = given[: self.size], given[self.size :].reshape(rows, -1)
        gradient, value = torch.func.grad_and_value(self._value, argnums=1)(X, w, r)
        return torch.cat([gradient, value[None]])

    def signature(self, X: Array, w: Array) -> Signature:
        """Shape and dtype of the outputs."""
        with _in_double():
            found = self.function(tensor(X), self.by_name(tensor(w)))
        if not isinstance(found, torch.Tensor):
            raise TypeError(f"outputs(X, w) returns a {type(found).__name__}, not a tensor")
        return Signature(tuple(found.shape), str(found.dtype).removeprefix("torch."))

    def outputs(self, samples: Samples, w: Array) -> Array:
        """H(X; w), (n, m)."""
        return self.outputs_at(samples, w[None])[0]

    def outputs_at(self, samples: Samples, ws: Array) -> Array:
        """H(X; w) for every row w of ws (k, P), (k, n, m)."""
        found = self._traced("outputs", self._outputs, self._plain_outputs, samples, ws)
        return found[:, : len(samples.X)]

    def _plain_outputs(self, samples: Samples, w: Array) -> Array:
        with _in_double(), torch.no_grad():
            found = self._outputs(samples.X, tensor(w))
            return torch.cat([found, found[-1:].expand(samples.rows - len(found), -1)]).numpy()

    def pull_back(self, samples: Samples, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient (P,)."""
        values, gradients = self.pull_backs(samples, w[None], r[None])
        return float(values[0]), gradients[0]

    def pull_backs(self, samples: Samples, ws: Array, rs: Array) -> tuple[Array, Array]:
        """`pull_back` at every row of ws (k, P), rs (k, n, m): values (k,), gradients (k, P)."""
        weights = np.zeros((len(rs), samples.rows, rs.shape[2]))
        weights[:, : rs.shape[1]] = rs
        given = np.concatenate([ws, weights.reshape(len(rs), -1)], axis=1)
        program = partial(self._gradient, rows=samples.rows)
        found = self._traced("gradient", program, self._plain_gradient, samples, given)
        return found[:, -1].copy(), found[:, :-1].copy()

    def _plain_gradient(self, samples: Samples, given: Array) -> Array:
        w, r = given[: self.size], given[self.size :].reshape(samples.rows, -1)
        with _in_double():
            value, weights = self._differentiable(samples, w, r[: len(samples.X)])
            (gradient,) = torch.autograd.grad(value, weights)
            return np.append(gradient.numpy(), value.item())

    def _differentiable(self, samples, w: Array, r: Array) -> tuple[torch.Tensor, torch.Tensor]:
        """Σ r ∘ H and the weights that it is of. Raises ValueError where it does not say how."""
        weights = tensor(w).requires_grad_()
        found = self._outputs(samples.X, weights)
        if not found.requires_grad:
            raise ValueError("outputs carry no gradient: is there a detach(), item() or numpy()?")
        return (found * tensor(r)).sum(), weights

    def _traced(self, name: str, function: Callable, plain: Callable, samples, given: Array):
        """function(X, row) for every row given (k, …): by its trace, of LANES rows at a time or of
        one, or by `plain`(samples, row) where that has none.
        """
        lanes = LANES if len(given) > 1 else 1
        key = name, lanes, samples.rows, given.shape[1]
        if key not in self._programs:
            expected = plain(samples, given[0])
            self._programs[key] = _trace(function, samples, given[0], lanes, expected)
        program = self._programs[key]
        if program is None:
            return np.array([plain(samples, row) for row in given])
        with _in_double(), torch.no_grad():
            return in_lanes(lambda some: program(samples.repeated, tensor(some)), lanes, given)

    def products(self, samples: Samples, w: Array, r: Array, directions: Array) -> Array:
        """∇²(Σ r ∘ H) times every row of directions (k, P), by reverse over reverse mode."""
        found = np.zeros_like(directions)
        with _in_double():
            value, weights = self._differentiable(samples, w, r)
            (gradient,) = torch.autograd.grad(value, weights, create_graph=True)
            if not gradient.requires_grad:  # linear in w
                return found
            for row, direction in zip(found, tensor(directions)):
                (product,) = torch.autograd.grad(
                    gradient @ direction, weights, retain_graph=True, materialize_grads=True
                )
                row[:] = product.numpy()
        return found


def _trace(function: Callable, samples: Samples, row: Array, lanes: int, expected: Array):
    """The operations of function(X, row) at `lanes` rows, without what Python and PyTorch add to
    each of them, which takes far longer in a small network; None where they cannot be told from one
    call, or are not what the function itself gives.
    """
    given = tensor(np.repeat(row[None], lanes, axis=0))

    def each(X, some):
        if lanes == 1:
            return function(X, some[0])[None]
        return torch.func.vmap(function, (None, 0))(X, some)

    try:
        program = _operations(each, samples.repeated.clone(), given)
        with _in_double(), torch.no_grad():
            found = program(samples.repeated.clone(), given).numpy()
    except Exception:  # whatever libraries of libraries have against it
        return None
    scale = np.abs(expected).max(initial=0.0)
    return program if np.allclose(found, expected, TRACED, TRACED * scale) else None


def _operations(function: Callable, *given: torch.Tensor) -> torch.fx.GraphModule:
    """The operations of function(*given)."""
    from torch.fx.experimental.proxy_tensor import make_fx

    with _in_double(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_fx(function)(*given)


def is_module(value: Any) -> bool:
    """Whether it is a module rather than a function."""
    return isinstance(value, torch.nn.Module)
