"""Tables of contenders, each one function from a case to a function without arguments, so that
preparing is not timed.

Adding one takes one function with a decorator. It raises ImportError where what it needs is not
installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ENGINE = "engine"
BATCH = 32  # instances of one shape that are followed at once
COLD = "a shape not seen before"
GRADIENTS: dict[str, Callable] = {}
FLOWS: dict[str, Callable] = {}
COLD_FLOWS: dict[str, Callable] = {}
BATCHES: dict[str, Callable] = {}
POLISHED: dict[str, Callable] = {}
DESCENTS: dict[str, Callable] = {}
LOOPS: dict[str, Callable] = {}


@dataclass(frozen=True, eq=False)
class End:
    """Where a flow arrived, and how: `path` holds σ, and `states` (v, log r), at the steps; `calls`
    gradients were taken.
    """

    calls: int
    path: np.ndarray
    states: np.ndarray

    @property
    def direction(self) -> np.ndarray:
        """The last direction as a unit vector, (P,)."""
        v = self.states[-1, :-1]
        return v / np.linalg.norm(v)


def layers_of(network) -> tuple[list, list]:
    """Where each dense layer stands in θ, its rows and columns; and (p_l, α_l^{p_l}) of each hidden
    one.
    """
    shapes = list(zip(network.slices, network.widths[1:], network.widths[:-1]))
    return shapes, [(power, slope**power) for power, slope in zip(network.powers, network.slopes)]


def ncf_with(network, where):
    """N as a function of (θ, X, ȳ), for dense layers and arrays of the library that
    `where` is of.
    """
    shapes, activations = layers_of(network)

    def value(theta, X, ybar):
        out = X
        for layer, (part, rows, columns) in enumerate(shapes):
            out = out @ theta[part].reshape(rows, columns).T
            if layer < len(activations):
                power, negative = activations[layer]
                out = where(out >= 0, out**power, negative * out**power)
        return (out * ybar).sum()

    return value


def _registrar(table: dict[str, Callable]):
    return lambda name: lambda function: table.setdefault(name, function)


# @gradient: (case) → ∇N at the start. @flow and @cold_flow: (case, tolerance) → an End.
# @batched_flow: → (BATCH, P), the last
# directions. @polished: → a unit vector, the KKT point the flow tends to. @descent: (case) → w/δ at
# a time, (P,). @loop: (case,
# repeats) → ∇N, so many times over.
gradient, flow, cold_flow, batched_flow, polished, descent, loop = map(
    _registrar, (GRADIENTS, FLOWS, COLD_FLOWS, BATCHES, POLISHED, DESCENTS, LOOPS)
)
