"""What is asked of a library that the user's own network is written in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ncfcheck.core.errors import CannotRun
from ncfcheck.model.programs import Program

Array = np.ndarray
LEAST = 8  # samples that programs are compiled for: then the next power of two
LANES = 8  # weights that compiled programs take at a time: as long as one, for small networks
Shapes = Mapping[str, tuple[int, ...]]


class BrokenModel(CannotRun):
    """A model of the user's is not what the theory is about; the message says how, where, and the
    likely cause.
    """


@dataclass(frozen=True)
class Signature:
    """What the user's function returns: shape and kind of numbers, as their library names it."""

    shape: tuple[int, ...]
    dtype: str


class Backend(ABC):
    """The user's function of samples X (n, d) and weights by name, on flat vectors w (P,): names
    stand in w in the order of `shapes`. All numbers are float64.
    """

    library: ClassVar[str]
    shapes: Shapes

    @abstractmethod
    def samples(self, X: Array) -> Any:
        """Samples X (n, d) as the other methods take them, converted once."""

    @abstractmethod
    def signature(self, X: Array, w: Array) -> Signature:
        """What the function returns."""

    @abstractmethod
    def outputs(self, samples: Any, w: Array) -> Array:
        """H(X; w), (n, m)."""

    @abstractmethod
    def pull_back(self, samples: Any, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient (P,); r (n, m)."""

    # Whether `pull_backs` take less time than as many `pull_back`.
    are_fast_together: ClassVar[bool] = False

    def outputs_at(self, samples: Any, ws: Array) -> Array:
        """H(X; w) for every row w of ws (k, P), (k, n, m)."""
        return np.array([self.outputs(samples, w) for w in ws])

    def pull_backs(self, samples: Any, ws: Array, rs: Array) -> tuple[Array, Array]:
        """`pull_back` at every row of ws (k, P), rs (k, n, m): values (k,), gradients (k, P)."""
        found = [self.pull_back(samples, w, r) for w, r in zip(ws, rs)]
        return np.array([value for value, _ in found]), np.array([each for _, each in found])

    # Whether `products` are there: second derivatives as the library has them.
    has_products: ClassVar[bool] = False

    def products(self, samples: Any, w: Array, r: Array, directions: Array) -> Array:
        """∇²(Σ r ∘ H) times every row of directions (k, P), (k, P)."""
        raise NotImplementedError(f"{self.library} has no second derivatives here")

    def program(self, inputs: int, width: int) -> Program | None:
        """What the function does to `inputs` numbers of a sample, as a program for the compiled
        kernels; None where that is not known, or cannot be said.
        """
        return None

    @cached_property
    def parts(self) -> tuple[tuple[str, slice, tuple[int, ...]], ...]:
        """Name, place in w, and shape of every array of weights."""
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes.values())])
        return tuple(
            (name, slice(int(start), int(stop)), shape)
            for (name, shape), start, stop in zip(self.shapes.items(), ends[:-1], ends[1:])
        )

    def by_name(self, w: Any) -> dict[str, Any]:
        """Weights w (P,), an array of any library, by name, each in its shape."""
        return {name: w[part].reshape(shape) for name, part, shape in self.parts}


def in_lanes(program: Callable[..., Any], lanes: int, rows: Array) -> Array:
    """program(rows), which takes and returns `lanes` rows at a time, for any number of rows."""
    found = []
    for start in range(0, len(rows), lanes):
        some = rows[start : start + lanes]
        filled = some
        if len(some) < lanes:
            filled = np.empty((lanes, *rows.shape[1:]))
            filled[: len(some)], filled[len(some) :] = some, some[0]
        found.append(np.asarray(program(filled))[: len(some)])
    return found[0] if len(found) == 1 else np.concatenate(found)


def rows_for(count: int) -> int:
    """How many samples programs are compiled for that `count` are given to: shapes are few."""
    return max(LEAST, 1 << (count - 1).bit_length())


def repeated(X: Array) -> Array:
    """X (n, d), its last row repeated up to `rows_for` of them."""
    return np.concatenate([X, np.repeat(X[-1:], rows_for(len(X)) - len(X), axis=0)])


def in_rows(outputs: Any) -> Any:
    """Outputs (n, m) of any library, where those of one output may be (n,)."""
    return outputs[:, None] if outputs.ndim == 1 else outputs


def missing(library: str, error: ImportError) -> BrokenModel:
    """What is said where a library is not installed, or cannot be imported."""
    if isinstance(error, ModuleNotFoundError) and error.name == library:
        return BrokenModel(f"{library} is not installed: pip install 'ncfcheck[{library}]'")
    return BrokenModel(f"{library} cannot be imported: {error}")
