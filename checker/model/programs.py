"""Programs: models that are a straight line of a few operations on units (theory §10).

A unit is one number a sample. A `Builder` hands out the numbers of units in arrays of any shape, so
that gathering, transposing and reshaping is indexing of those, and costs nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ncfcheck.model.instructions import (
    DENSE,
    EXPONENTIAL,
    INVERSE_ROOT,
    MAXIMUM,
    ONES,
    OP,
    POWER,
    PRODUCT,
    RECIPROCAL,
    SUM,
    WEIGHTED,
    Code,
)
from ncfcheck.model.lowering import lowered, needed
from ncfcheck.model.models import Group
from ncfcheck.model.orders import orders

Array = np.ndarray
LARGEST = 10**6  # units, and entries of all instructions
HIGHEST = 10**4  # D
ORDERS = 10  # so many orders of a unit in a group count as one of those numbers


def _none() -> Array:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Instruction:
    """One operation: its units start to stop, and per term a target among them, a source and, if
    products, the other factor: a unit or a parameter. If dense, `others` holds the matrix of
    parameters, stored by rows or by columns, and sources are contiguous; if elementwise, they are.
    """

    op: int
    start: int
    stop: int
    sources: Array = field(default_factory=_none)
    others: Array = field(default_factory=_none)
    targets: Array = field(default_factory=_none)
    power: int = 0
    scalar: float = 1.0


@dataclass(frozen=True, eq=False)
class Weights:
    """Parameters of one group: their numbers in w, in any shape."""

    numbers: Array

    def __getitem__(self, key) -> Weights:
        return Weights(self.numbers[key])


@dataclass(frozen=True, eq=False)
class Program:
    """A straight line of instructions from d inputs to m outputs, with all that follows from it."""

    inputs: int
    width: int
    size: int
    formula: str
    code: Code
    groups: tuple[Group, ...]
    order: int  # D, or what it looks like
    is_homogeneous: bool
    has_lipschitz_gradient: bool
    multiplications: int  # a sample and evaluation


class Builder:
    """What families write their programs with: `x` (d,) and all that methods return are arrays of
    the numbers of units. Raises ValueError where a program would be too large.
    """

    def __init__(self, inputs: int, width: int):
        self.width, self.units, self.entries, self.size = width, inputs, 0, 0
        self.x = np.arange(inputs)
        self.formula = "H(x)"
        self._named: list[tuple[str, tuple[int, ...]]] = []
        self._instructions: list[Instruction] = []
        self._ends = [inputs]

    def weights(self, name: str, *shape: int) -> Weights:
        """A group of weights of its own."""
        start = self.size
        self.size += prod(shape)
        self._named.append((name, shape))
        self._limit(self.size)
        return Weights(np.arange(start, self.size).reshape(shape))

    def apply(self, subscripts: str, weights: Weights, units: Array) -> Array:
        """What numpy's einsum makes of the two; weights numbered −1 are structural zeros."""
        dense = self._dense(subscripts, weights.numbers, units)
        return (
            self._joined(WEIGHTED, subscripts, units, weights.numbers) if dense is None else dense
        )

    def multiply(self, subscripts: str, first: Array, second: Array) -> Array:
        """What numpy's einsum makes of units and units."""
        left, right, out = _split(subscripts)
        return self._joined(PRODUCT, f"{right},{left}->{out}", first, second)

    def sum(self, units: Array, axis: int = -1, scale: float = 1.0) -> Array:
        """`scale` times sums along an axis."""
        return self._along(SUM, units, axis, scale)

    def add(self, *units: Array) -> Array:
        """Sums of arrays of one shape, or of shapes that numpy makes one."""
        return self.sum(np.stack(np.broadcast_arrays(*units)), 0)

    def maximum(self, units: Array, axis: int = -1) -> Array:
        """The largest along an axis. A unit that stands there twice counts once: no tie."""
        return self._along(MAXIMUM, units, axis)

    def power(self, units: Array, p: int, slope: float) -> Array:
        """max(z, αz)^p."""
        return self._elementwise(POWER, units, p, slope)

    def exponential(self, units: Array) -> Array:
        """exp z, not homogeneous."""
        return self._elementwise(EXPONENTIAL, units)

    def reciprocal(self, units: Array) -> Array:
        """1/z, taken for the scale of a normalisation."""
        return self._elementwise(RECIPROCAL, units)

    def inverse_root(self, units: Array) -> Array:
        """1/√z, taken for the scale of a normalisation."""
        return self._elementwise(INVERSE_ROOT, units)

    def ones(self, *shape: int) -> Array:
        """Units that are 1 whatever the sample: not homogeneous where weights make others."""
        return self._new(ONES, shape)

    def finish(self, outputs: Array) -> Program:
        """The program with these outputs (m,)."""
        outputs = self._contiguous(outputs.ravel())
        self._instructions = needed(self._instructions, outputs, self.units)
        self._limit(self.units * len(self._named) // ORDERS)
        ends = np.cumsum([prod(shape) for _, shape in self._named])
        found = orders(self.x.size, self._instructions, ends)[outputs]
        each = np.where((found == found[:1]).all(axis=0), found[0], np.nan)
        order = int(found[:, -1].max())
        if order > HIGHEST:
            raise ValueError(f"too high an order: D ≤ {HIGHEST}, not {order}")
        if outputs.size != self.width:
            raise ValueError(f"{outputs.size} outputs where {self.width} are wanted")
        code, counted = lowered(self.x.size, self._instructions, int(outputs[0]))
        return Program(
            inputs=self.x.size,
            width=self.width,
            size=self.size,
            formula=self.formula,
            code=code,
            groups=tuple(self._groups(each, ends)),
            order=order,
            is_homogeneous=not np.isnan(each[-2]),
            multiplications=counted,
            has_lipschitz_gradient=self._is_lipschitz(code),
        )

    def _groups(self, found: Array, ends: Array):
        for (name, shape), stop, order in zip(self._named, ends.tolist(), found.tolist()):
            known = None if np.isnan(order) else int(order)
            yield Group(name, slice(stop - prod(shape), stop), shape, known)

    def _is_lipschitz(self, code: Code) -> bool:
        """Whether the gradient is Lipschitz in w."""
        bent = (each for each in self._instructions if each.op == POWER)
        return MAXIMUM not in code.table[code.leading :, OP] and all(
            each.power >= 2 or each.scalar == 1 for each in bent
        )

    def _dense(self, subscripts: str, numbers: Array, units: Array) -> Array | None:
        """The product of a matrix whose entries stand one after another, if that is what it is."""
        left, right, out = _split(subscripts)
        rows = "".join(each for each in left if each not in right)
        is_transposed = not left.startswith(rows)
        inner = left[: -len(rows)] if is_transposed else left[len(rows) :]
        across = [each for each in right if each not in left]
        is_matrix = left in (rows + inner, inner + rows) and set(out) == {*rows, *across}
        if not (is_matrix and inner) or (np.diff(numbers.ravel()) != 1).any():
            return None
        sizes = dict(zip(left, numbers.shape))
        below = units.transpose([right.index(each) for each in (*inner, *across)])
        columns = prod(below.shape[: len(inner)])
        shape = (*(sizes[each] for each in rows), *below.shape[len(inner) :])
        source = self._contiguous(below.ravel())
        matrix = numbers.reshape(columns, -1).T if is_transposed else numbers.reshape(-1, columns)
        found = self._new(DENSE, shape, sources=source, others=matrix)
        return found.transpose([(*rows, *across).index(each) for each in out])

    def _joined(self, op: int, subscripts: str, units: Array, others: Array) -> Array:
        """The entries of an einsum of `others` and `units`."""
        left, right, out = _split(subscripts)
        sizes = {**dict(zip(left, others.shape)), **dict(zip(right, units.shape))}
        letters = out + "".join(sorted(set(left + right) - set(out)))
        shape = [sizes[each] for each in letters]
        self._limit(prod(shape))
        axes = dict(zip(letters, np.indices(shape, sparse=True)))
        produced = tuple(sizes[each] for each in out)
        targets = np.arange(prod(produced)).reshape(produced + (1,) * (len(shape) - len(out)))
        given = (
            targets,
            units[tuple(axes[each] for each in right)],
            others[tuple(axes[each] for each in left)],
        )
        targets, sources, factors = (np.broadcast_to(each, shape).ravel() for each in given)
        kept = factors >= 0
        return self._new(
            op, produced, sources=sources[kept], others=factors[kept], targets=targets[kept]
        )

    def _along(self, op: int, units: Array, axis: int, scale: float = 1.0) -> Array:
        moved = np.moveaxis(units, axis, -1)
        shape = moved.shape[:-1]
        targets, sources = np.repeat(np.arange(prod(shape)), moved.shape[-1]), moved.ravel()
        if op == MAXIMUM:
            targets, sources = np.unique([targets, sources], axis=1)
        return self._new(op, shape, sources=sources, targets=targets, scalar=scale)

    def _elementwise(self, op: int, units: Array, p: int = 0, slope: float = 1.0) -> Array:
        source = self._contiguous(units.ravel())
        return self._new(op, units.shape, sources=source, power=p, scalar=slope)

    def _contiguous(self, units: Array) -> Array:
        """Copies of units that do not stand one after another as those of one instruction."""
        first, last = (bisect_right(self._ends, each) for each in units[[0, -1]].tolist())
        if (np.diff(units) == 1).all() and first == last:
            return units
        return self.sum(units[:, None])

    def _new(self, op: int, shape: Sequence[int], **parts) -> Array:
        """The units of a new instruction."""
        start, stop = self.units, self.units + prod(shape)
        self._limit(stop)
        if "targets" in parts:
            parts["targets"] = parts["targets"] + start
            self.entries += parts["targets"].size
            self._limit(self.entries)
        self._instructions.append(Instruction(op, start, stop, **parts))
        self._ends.append(stop)
        self.units = stop
        return np.arange(start, stop).reshape(tuple(shape))

    def _limit(self, count: int) -> None:
        if count > LARGEST:
            raise ValueError(f"too large a program: at most {LARGEST} units, weights and terms")


def _split(subscripts: str) -> tuple[str, str, str]:
    factors, out = subscripts.split("->")
    left, right = factors.split(",")
    return left, right, out
