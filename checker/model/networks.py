"""Specifications of homogeneous feed-forward networks; weights are a flat vector θ (theory §1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import mul

import numpy as np

from ncfcheck.core.needs import Need
from ncfcheck.model import arrays
from ncfcheck.model.layered import LayeredEvaluation
from ncfcheck.model.layouts import Layout
from ncfcheck.model.models import Group, Model

COUNTS = ("widths", "powers")
DENSE_KIND = "dense"
LARGEST = 2**31  # entries of all matrices together, and D


@dataclass(frozen=True)
class Pattern:
    """How the entries of one weight matrix depend, linearly, on the layer's own parameters.

    `index[i][j]` is the number of the parameter that stands at (i, j), or -1 for a structural zero;
    None means dense: every entry is its own parameter, in row-major order. Parameters are numbered
    from 0 in the order in which they first stand, row by row, so that equal layers have equal
    patterns. Raises ValueError for other numbers, for rows of no matrix, and for a `kind` "dense"
    with an index.
    """

    kind: str
    index: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self):
        if self.index is not None:
            rows = tuple(arrays.integers(row, "numbers of parameters", -1) for row in self.index)
            if len(set(map(len, rows))) != 1 or not rows[0]:
                raise ValueError(f"rows of {list(map(len, rows))} entries are no matrix's")
            if self.kind == DENSE_KIND:
                raise ValueError(
                    f"a pattern with an index is not {DENSE_KIND!r}: name it otherwise"
                )
            _require_in_order([number for row in rows for number in row if number >= 0])
            object.__setattr__(self, "index", rows)

    @property
    def is_dense(self) -> bool:
        """Whether every entry of the matrix is its own parameter."""
        return self.index is None

    @property
    def is_shared(self) -> bool:
        """Whether some parameter stands at more than one entry."""
        if self.index is None:
            return False
        used = [number for row in self.index for number in row if number >= 0]
        return len(used) > len(set(used))

    def expand(self, rows: int, columns: int) -> np.ndarray:
        """Parameter numbers as an int64 array (rows, columns), -1 at structural zeros."""
        if self.index is None:
            return np.arange(rows * columns).reshape(rows, columns)
        return np.array(self.index, dtype=np.int64)


def _require_in_order(numbers: Sequence[int]) -> None:
    """That parameters are numbered in the order in which they first stand, none left out."""
    for right, found in enumerate(dict.fromkeys(numbers)):
        if found != right:
            raise ValueError(
                f"parameters are numbered from 0 in the order in which they first stand, row by "
                f"row: {right} is the next, not {found}"
            )


DENSE = Pattern(DENSE_KIND)


def masked(mask) -> Pattern:
    """Dense layer with entries struck out; mask (rows, columns) of booleans."""
    mask = np.asarray(mask, dtype=bool)
    if mask.ndim != 2:
        raise ValueError(f"mask has shape {mask.shape}: shape (rows, columns) is right")
    numbers = np.where(mask, np.cumsum(mask).reshape(mask.shape) - 1, -1)
    return Pattern("masked", _rows(numbers))


def blocks(rows: int, columns: int, count: int) -> Pattern:
    """Block-diagonal mask of `count` blocks: separable subnetworks when every layer has it."""
    row_block = np.arange(rows) * count // rows
    column_block = np.arange(columns) * count // columns
    return Pattern("blocks", masked(row_block[:, None] == column_block[None, :]).index)


def diagonal(rows: int, columns: int) -> Pattern:
    """One parameter an output, on the diagonal (wrapping round when the layer is not square)."""
    return Pattern(
        "diagonal",
        masked(np.arange(columns)[None, :] == (np.arange(rows) % columns)[:, None]).index,
    )


def convolution(rows: int, columns: int, width: int) -> Pattern:
    """1-d convolution, circular, with one kernel of `width` shared weights."""
    shift = (np.arange(columns)[None, :] - np.arange(rows)[:, None]) % columns
    return Pattern("convolution", _rows(np.where(shift < width, shift, -1)))


def _rows(numbers: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(number) for number in row) for row in numbers)


@dataclass(frozen=True)
class Network(Model):
    """H(x; θ) = W_L σ_{L-1}(W_{L-1} … σ_1(W_1 x)), σ_l(z) = max(z, α_l z)^{p_l} (theory §1).

    widths (k_0 = d, k_1, …, k_L), powers (p_1, …, p_{L-1}), slopes (α_1, …, α_{L-1}) and one
    pattern a layer. Raises ValueError for a specification that is not a network of the theory.
    """

    widths: tuple[int, ...]
    powers: tuple[int, ...]
    slopes: tuple[float, ...]
    patterns: tuple[Pattern, ...]

    def __post_init__(self):
        for name, values in self._converted().items():
            object.__setattr__(self, name, values)
        depth = len(self.widths) - 1
        given = tuple(map(len, (self.powers, self.slopes, self.patterns)))
        if depth < 2 or given != (depth - 1, depth - 1, depth):
            raise ValueError(
                f"{len(self.widths)} widths, {given[0]} powers, {given[1]} slopes and {given[2]} "
                "patterns do not fit: L + 1, L - 1, L - 1 and L are right, L ≥ 2"
            )
        if not all(-1 <= slope <= 1 for slope in self.slopes):
            raise ValueError(f"slopes lie in [-1, 1], not {self.slopes}")
        if max(sum(map(mul, self.widths[:-1], self.widths[1:])), self.order) >= LARGEST:
            raise ValueError(f"widths {self.widths}, powers {self.powers}: too large a network")
        for pattern, (columns, rows) in zip(self.patterns, self._shapes()):
            if pattern.index is not None and np.shape(pattern.index) != (rows, columns):
                raise ValueError(
                    f"a {pattern.kind} pattern of shape {np.shape(pattern.index)} in a "
                    f"{rows}×{columns} layer"
                )

    def _converted(self) -> dict[str, tuple]:
        """The fields, as tuples of ints and floats. Raises ValueError for anything else."""
        try:
            slopes, patterns = tuple(map(float, self.slopes)), tuple(self.patterns)
        except TypeError as error:
            raise ValueError(f"slopes and patterns are sequences: {error}") from error
        if not all(isinstance(pattern, Pattern) for pattern in patterns):
            raise ValueError("patterns are `Pattern`s: dense, masked, blocks, convolution …")
        counts = {name: arrays.integers(getattr(self, name), name, 1) for name in COUNTS}
        return {**counts, "slopes": slopes, "patterns": patterns}

    def __init_subclass__(cls):
        raise arrays.not_subclassed(cls, "build one of other patterns instead")

    def _shapes(self) -> list[tuple[int, int]]:
        return list(zip(self.widths[:-1], self.widths[1:]))

    @property
    def inputs(self) -> int:
        """d."""
        return self.widths[0]

    @property
    def width(self) -> int:
        """k_L, the number of outputs."""
        return self.widths[-1]

    @property
    def depth(self) -> int:
        """L, the number of weight layers."""
        return len(self.widths) - 1

    @cached_property
    def orders(self) -> tuple[int, ...]:
        """(P_1, …, P_L): order of homogeneity of H in each layer alone, P_l = Π_{j=l}^{L-1} p_j."""
        orders = [1]
        for power in reversed(self.powers):
            orders.insert(0, orders[0] * power)
        return tuple(orders)

    @cached_property
    def order(self) -> int:
        """D = Σ_l P_l: order of homogeneity of H in all weights."""
        return sum(self.orders)

    @property
    def has_lipschitz_gradient(self) -> bool:
        """Whether σ_l' is locally Lipschitz for every l: p_l ≥ 2 or α_l = 1."""
        return all(power >= 2 or slope == 1 for power, slope in zip(self.powers, self.slopes))

    @cached_property
    def parameter_counts(self) -> tuple[int, ...]:
        """Number of parameters of each layer."""
        return tuple(
            rows * columns
            if pattern.is_dense
            else int(pattern.expand(rows, columns).max(initial=-1)) + 1
            for pattern, (columns, rows) in zip(self.patterns, self._shapes())
        )

    @cached_property
    def size(self) -> int:
        """Length of the flat weight vector θ."""
        return sum(self.parameter_counts)

    @cached_property
    def between_unshared(self) -> tuple[int, ...]:
        """The hidden layers, counted from 0, between two layers that share no weights."""
        shared = [pattern.is_shared for pattern in self.patterns]
        return tuple(l for l in range(self.depth - 1) if not (shared[l] or shared[l + 1]))

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each layer's parameters stand in θ."""
        ends = np.cumsum((0, *self.parameter_counts))
        return tuple(slice(int(start), int(stop)) for start, stop in zip(ends[:-1], ends[1:]))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The layers: their own parameters, of orders P_1, …, P_L."""
        shapes, dense = self._shapes(), [pattern.is_dense for pattern in self.patterns]
        return tuple(
            Group(f"W_{l + 1}", part, shapes[l][::-1] if dense[l] else (part.stop - part.start,), P)
            for l, (part, P) in enumerate(zip(self.slices, self.orders))
        )

    @cached_property
    def meets(self) -> frozenset[Need]:
        """What of all that claims may need of a model it has: layers, besides."""
        return super().meets | {Need.LAYERED}

    def on(self, X: np.ndarray) -> LayeredEvaluation:
        """The network on samples X (n, d)."""
        return LayeredEvaluation(self, X)

    @cached_property
    def layout(self) -> Layout:
        """The network as the compiled kernels take it."""
        entries = [rows * columns for columns, rows in self._shapes()]
        if all(pattern.is_dense for pattern in self.patterns):
            index = np.zeros(0, dtype=np.int64)
        else:
            numbers = [
                pattern.expand(rows, columns).ravel()
                for pattern, (columns, rows) in zip(self.patterns, self._shapes())
            ]
            index = np.concatenate(
                [
                    np.where(each >= 0, each + part.start, -1)
                    for each, part in zip(numbers, self.slices)
                ]
            )
        return Layout(
            widths=np.array(self.widths, dtype=np.int64),
            offsets=np.cumsum((0, *entries)).astype(np.int64),
            powers=np.array(self.powers, dtype=np.int64),
            slopes=np.array(self.slopes, dtype=np.float64),
            index=index,
            units=sum(self.widths[1:]),
            widest=max(self.widths),
        )

    def matrices(self, theta: np.ndarray) -> list[np.ndarray]:
        """Weight matrices W_1 (k_1, d), …, W_L (k_L, k_{L-1}) of the flat vector theta (size,), of
        numbers of any ring. Raises ValueError for another shape, and for what are no numbers.
        """
        theta, out = arrays.numbers(theta, (self.size,), "theta"), []
        for pattern, part, (columns, rows) in zip(self.patterns, self.slices, self._shapes()):
            numbers = pattern.expand(rows, columns)
            out.append(np.where(numbers >= 0, theta[part][numbers], 0.0))
        return out

    def flatten(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Flat vector (size,) of matrices; inverse of `matrices` (shared entries must agree).

        Raises ValueError for other shapes than theirs.
        """
        theta, shapes = np.zeros(self.size), [(rows, columns) for columns, rows in self._shapes()]
        if len(matrices) != self.depth:
            raise ValueError(f"{len(matrices)} matrices of a network of {self.depth} layers")
        for layer, (values, shape) in enumerate(zip(matrices, shapes)):
            numbers = self.patterns[layer].expand(*shape)
            found = arrays.matrix(values, shape, f"W_{layer + 1}")
            theta[self.slices[layer]][numbers[numbers >= 0]] = found[numbers >= 0]
        return theta

    def collect(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Sums of entries per parameter, (size,): adjoint of `matrices`, from ∂/∂W_l to ∂/∂θ."""
        out = np.zeros(self.size, np.result_type(*matrices))
        for matrix, pattern, part in zip(matrices, self.patterns, self.slices):
            numbers = pattern.expand(*matrix.shape)
            np.add.at(out[part], numbers[numbers >= 0], matrix[numbers >= 0])
        return out

    @cached_property
    def strata(self) -> tuple[tuple[str, str], ...]:
        """What reports count instances by: pairs of a key and this network's value."""
        return (
            ("D", str(self.order)),
            ("L", str(self.depth)),
            ("p", ",".join(map(str, self.powers))),
            ("α", ",".join(f"{slope:g}" for slope in self.slopes)),
            ("layers", "/".join(sorted({pattern.kind for pattern in self.patterns}))),
            ("outputs", str(self.widths[-1])),
        )

    def describe(self) -> str:
        """The specification in one line."""
        return self._described

    @cached_property
    def _described(self) -> str:
        kinds = [pattern.kind for pattern in self.patterns]
        layers = kinds[0] if len(set(kinds)) == 1 else "/".join(kinds)
        slopes = ",".join(f"{slope:g}" for slope in self.slopes)
        return (
            f"{'-'.join(map(str, self.widths))} {layers} p={','.join(map(str, self.powers))} "
            f"α={slopes} D={self.order}"
        )


def dense(widths: Sequence[int], powers: Sequence[int], slopes: Sequence[float]) -> Network:
    """Fully connected network: one object for equal arguments, so that its layout is made once.

    Raises ValueError as `Network` does.
    """
    try:
        return _dense(tuple(widths), tuple(powers), tuple(slopes))
    except TypeError as error:
        raise ValueError(f"widths, powers and slopes are sequences of numbers: {error}") from error


@lru_cache(maxsize=1024)
def _dense(widths: tuple[int, ...], powers: tuple[int, ...], slopes: tuple[float, ...]) -> Network:
    return Network(widths, powers, slopes, (DENSE,) * (len(widths) - 1))
