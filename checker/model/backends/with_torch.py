"""Modules and functions in PyTorch, in double precision, differentiated by its autograd."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ncfcheck.model.backends.backend import Array, Backend, Shapes, Signature, in_rows, missing

try:
    import torch
except ImportError as error:
    raise missing("torch", error) from error


@contextmanager
def _in_double() -> Iterator[None]:
    """A context in which tensors that the user makes are in double precision, gradients on, and
    PyTorch works on one thread: several wait for each other, where other processes work, too.
    """
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)


class TorchBackend(Backend):
    """`outputs(X, w)` returns a tensor (n, m)."""

    library = "torch"
    has_products = True

    def __init__(self, outputs: Callable[[Any, dict[str, Any]], Any], shapes: Shapes):
        self.function, self.shapes = outputs, shapes

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

    def samples(self, X: Array) -> torch.Tensor:
        """X as a tensor."""
        return torch.from_numpy(np.array(X))

    def _outputs(self, X: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return in_rows(self.function(X, self.by_name(w)))

    def signature(self, X: Array, w: Array) -> Signature:
        """Shape and dtype of the outputs."""
        with _in_double():
            found = self.function(self.samples(X), self.by_name(torch.from_numpy(np.array(w))))
        if not isinstance(found, torch.Tensor):
            raise TypeError(f"outputs(X, w) returns a {type(found).__name__}, not a tensor")
        return Signature(tuple(found.shape), str(found.dtype).removeprefix("torch."))

    def outputs(self, samples: torch.Tensor, w: Array) -> Array:
        """H(X; w), (n, m)."""
        with _in_double(), torch.no_grad():
            return self._outputs(samples, torch.from_numpy(np.array(w))).numpy()

    def _value(self, samples, w: Array, r: Array) -> tuple[torch.Tensor, torch.Tensor]:
        """Σ r ∘ H and the weights that it is of. Raises ValueError where it does not say how."""
        weights = torch.from_numpy(np.array(w)).requires_grad_()
        found = self._outputs(samples, weights)
        if not found.requires_grad:
            raise ValueError("outputs carry no gradient: is there a detach(), item() or numpy()?")
        return (found * torch.from_numpy(np.array(r))).sum(), weights

    def pull_back(self, samples: torch.Tensor, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient (P,)."""
        with _in_double():
            value, weights = self._value(samples, w, r)
            (gradient,) = torch.autograd.grad(value, weights)
            return value.item(), gradient.numpy()

    def products(self, samples: torch.Tensor, w: Array, r: Array, directions: Array) -> Array:
        """∇²(Σ r ∘ H) times every row of directions (k, P), by reverse over reverse mode."""
        found = np.zeros_like(directions)
        with _in_double():
            value, weights = self._value(samples, w, r)
            (gradient,) = torch.autograd.grad(value, weights, create_graph=True)
            if not gradient.requires_grad:  # linear in w
                return found
            for row, direction in zip(found, torch.from_numpy(np.array(directions))):
                (product,) = torch.autograd.grad(
                    gradient @ direction, weights, retain_graph=True, materialize_grads=True
                )
                row[:] = product.numpy()
        return found


def is_module(value: Any) -> bool:
    """Whether it is a module rather than a function."""
    return isinstance(value, torch.nn.Module)
