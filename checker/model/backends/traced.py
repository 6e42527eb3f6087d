"""What a function of the user's does, read as a program for the compiled kernels.

A library traces one call of the function on one sample. What stood for numbers then stands for
numbers of units or weights: what moves entries of arrays moves those, by the library itself, and
only what computes is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ncfcheck.model.programs import Builder, Program, Weights

Array = np.ndarray
CONSTANTS = 1000  # different numbers that a function may hold


class NotRead(Exception):
    """The function does something that programs have no instruction for."""


class Kind(Enum):
    """What the numbers of an array are."""

    UNITS = "units"
    WEIGHTS = "weights"
    CONSTANTS = "constants"


@dataclass(frozen=True, eq=False)
class Value:
    """An array of the traced call: numbers of units, of weights, or constants. Where it is units
    that were only bent at 0, it is slopes[0] times its `source` where that is positive, slopes[1]
    times it where not.
    """

    kind: Kind
    numbers: Array
    source: Array | None = None
    slopes: tuple[float, float] = (1.0, 1.0)

    @property
    def is_constant(self) -> bool:
        """Whether it depends on neither samples nor weights."""
        return self.kind is Kind.CONSTANTS


@dataclass(frozen=True, eq=False)
class Side:
    """Where entries of an array of units are at least 0; at ties, either side is right."""

    units: Array
    is_positive: bool


def program(
    inputs: int,
    width: int,
    shapes: Mapping[str, tuple[int, ...]],
    read: Callable[[Reader, Array, Array], Array],
) -> Program | None:
    """The program of `read`(reader, units of one sample (1, d), numbers of the weights (P,)), which
    returns units of all outputs; None where that does what programs cannot.
    """
    try:
        net = Builder(inputs, width)
        for name, shape in shapes.items():
            net.weights(name, *shape)
        return net.finish(read(Reader(net), net.x[None], np.arange(net.size)))
    except Exception:  # whatever a library may pass on, and what is in a form not thought of
        return None


def constants(numbers) -> Value:
    """An array of numbers."""
    return Value(Kind.CONSTANTS, np.asarray(numbers, dtype=float))


class Reader:
    """Writes with a `Builder` what is done to values; raises NotRead for what it cannot."""

    def __init__(self, net: Builder):
        self.net = net
        self._ones: Array | None = None
        self._constants: dict[float, int] = {}

    def units(self, value: Value) -> Array:
        """The value as units, of its shape."""
        if value.kind is Kind.UNITS:
            return value.numbers
        flat = value.numbers.ravel()
        if value.kind is Kind.WEIGHTS:
            found = self.net.apply("wi,i->w", Weights(flat[:, None]), self.one)
        else:
            found = np.array([self._constant(float(each)) for each in flat], dtype=np.int64)
        return found.reshape(value.numbers.shape)

    @property
    def one(self) -> Array:
        """A unit that is 1, (1,)."""
        if self._ones is None:
            self._ones = self.net.ones(1)
        return self._ones

    def _constant(self, number: float) -> int:
        if not np.isfinite(number) or len(self._constants) >= CONSTANTS:
            raise NotRead("too many constants, or such that are not finite")
        if number not in self._constants:
            unit = self.one if number == 1 else self.net.sum(self.one[:, None], scale=number)
            self._constants[number] = int(unit[0])
        return self._constants[number]

    def moved(self, move: Callable[..., Any], *values: Value) -> Any:
        """What `move` makes of the arrays, one or a list, when it only moves, repeats or drops
        entries.
        """
        kinds = {each.kind for each in values}
        if len(kinds) == 1:
            kind, arrays = kinds.pop(), [each.numbers for each in values]
        else:
            kind, arrays = Kind.UNITS, [self.units(each) for each in values]
        found = move(*arrays)
        if isinstance(found, list):
            return [Value(kind, np.asarray(each)) for each in found]
        (first, *others) = values
        source = None if others or first.source is None else np.asarray(move(first.source))
        return Value(kind, np.asarray(found), source, first.slopes)

    def contracted(self, subscripts: str, first: Value, second: Value) -> Value:
        """What numpy's einsum makes of the two."""
        factors, out = subscripts.split("->")
        (left, a), (right, b) = zip(factors.split(","), (first, second))
        if a.is_constant and b.is_constant:
            return constants(np.einsum(subscripts, a.numbers, b.numbers))
        if b.kind is Kind.WEIGHTS and a.kind is not Kind.WEIGHTS:
            left, a, right, b = right, b, left, a
        if a.kind is not Kind.WEIGHTS:
            found = self.net.multiply(f"{left},{right}->{out}", self.units(a), self.units(b))
            return Value(Kind.UNITS, found)
        axes = _as_stored(a.numbers, left, right)
        letters, numbers = "".join(left[i] for i in axes), a.numbers.transpose(axes)
        subscripts = f"{letters},{right}->{out}"
        return Value(Kind.UNITS, self.net.apply(subscripts, Weights(numbers), self.units(b)))

    def times(self, first: Value, second: Value) -> Value:
        """The product of two arrays that numpy makes of one shape."""
        for one, other in ((first, second), (second, first)):
            if one.is_constant and not other.is_constant and one.numbers.size == 1:
                shape = np.broadcast_shapes(one.numbers.shape, other.numbers.shape)
                return self.scaled(_reshaped(other, shape), float(one.numbers.ravel()[0]))
        shape = np.broadcast_shapes(first.numbers.shape, second.numbers.shape)
        letters = ascii_letters[: len(shape)]
        a, b = (Value(each.kind, np.broadcast_to(each.numbers, shape)) for each in (first, second))
        return self.contracted(f"{letters},{letters}->{letters}", a, b)

    def quotient(self, first: Value, second: Value) -> Value:
        """The first over the second, a constant."""
        if not second.is_constant:
            raise NotRead("a quotient")
        return self.times(first, constants(1 / second.numbers))

    def scaled(self, value: Value, factor: float) -> Value:
        """`factor` times the value."""
        if value.is_constant:
            return constants(factor * value.numbers)
        if factor == 1:
            return value
        source, slopes = self._bent(value)
        found = self.net.sum(self.units(value)[..., None], scale=factor)
        return Value(Kind.UNITS, found, source, (factor * slopes[0], factor * slopes[1]))

    def _bent(self, value: Value) -> tuple[Array, tuple[float, float]]:
        """What a value is multiples of, on either side of 0."""
        return (self.units(value) if value.source is None else value.source), value.slopes

    def added(self, first: Value, second: Value, factor: float = 1.0) -> Value:
        """The first and `factor` times the second."""
        second = self.scaled(second, factor)
        if first.is_constant and second.is_constant:
            return constants(first.numbers + second.numbers)
        for one, other in ((first, second), (second, first)):
            if one.is_constant and not one.numbers.any():
                shape = np.broadcast_shapes(one.numbers.shape, other.numbers.shape)
                return _reshaped(other, shape)
        return Value(Kind.UNITS, self.net.add(self.units(first), self.units(second)))

    def total(self, value: Value, axes: Sequence[int] | None, scale: float = 1.0) -> Value:
        """`scale` times sums along axes, all for None."""
        if value.is_constant:
            return constants(scale * value.numbers.sum(None if axes is None else tuple(axes)))
        return Value(Kind.UNITS, self.net.sum(_last(self.units(value), axes), scale=scale))

    def largest(self, value: Value, axes: Sequence[int] | None) -> Value:
        """The largest along axes."""
        if value.is_constant:
            return constants(value.numbers.max(None if axes is None else tuple(axes)))
        return Value(Kind.UNITS, self.net.maximum(_last(self.units(value), axes)))

    def maximum(self, first: Value, second: Value) -> Value:
        """The larger of two arrays, entry by entry: of one and 0, its positive part."""
        for one, other in ((first, second), (second, first)):
            if one.is_constant and not one.numbers.any() and not other.is_constant:
                return self.power(other, 1, 0.0)
        arrays = np.broadcast_arrays(self.units(first), self.units(second))
        return Value(Kind.UNITS, self.net.maximum(np.stack(arrays, -1)))

    def minimum(self, first: Value, second: Value) -> Value:
        """The smaller of two arrays, entry by entry."""
        mirrored = self.scaled(first, -1.0), self.scaled(second, -1.0)
        return self.scaled(self.maximum(*mirrored), -1.0)

    def product(self, value: Value, axes: Sequence[int] | None) -> Value:
        """Products along axes."""
        if value.is_constant:
            return constants(value.numbers.prod(None if axes is None else tuple(axes)))
        factors = np.moveaxis(_last(self.units(value), axes), -1, 0)
        return reduce(self.times, (Value(Kind.UNITS, each) for each in factors))

    def power(self, value: Value, p: float, slope: float = 1.0) -> Value:
        """max(z, slope·z)^p, p = 1, 2, …"""
        if p != int(p) or p < 1 or value.is_constant:
            raise NotRead(f"a power of {p}, or of a constant")
        source, slopes = self._bent(value)
        # Values on the positive side of the source have the sign of its slope, others not.
        ahead, behind = slopes[0], -slopes[1]
        ahead, behind = (each if each >= 0 else slope * each for each in (ahead, behind))
        return self._raised(source, ahead, -behind, int(p))

    def _raised(self, units: Array, ahead: float, behind: float, p: int) -> Value:
        """(ahead·z)^p where z ≥ 0, (behind·z)^p where not."""
        if abs(behind) > abs(ahead):
            mirrored = self.net.sum(units[..., None], scale=-1.0)
            return _plain(self._raised(mirrored, -behind, -ahead, p))
        if ahead == behind and p == 1:
            return self.scaled(Value(Kind.UNITS, units), ahead)
        found = Value(Kind.UNITS, self.net.power(units, p, behind / ahead if ahead else 1.0))
        found = self.scaled(found, ahead**p)
        if p > 1:
            return _plain(found)
        return Value(Kind.UNITS, found.numbers, units, (ahead, behind))

    def selected(self, side: Side, there: Value, elsewhere: Value) -> Value:
        """`there` where a unit is on that side, `elsewhere` where not: multiples of that unit."""
        ahead, behind = (there, elsewhere) if side.is_positive else (elsewhere, there)
        slopes = self._slopes(ahead, side.units)[0], self._slopes(behind, side.units)[1]
        return self._raised(side.units, *slopes, 1)

    def convolved(
        self,
        value: Value,
        kernel: Value,
        strides: Sequence[int],
        padding: Sequence[tuple[int, int]],
        dilations: Sequence[int],
        groups: int = 1,
    ) -> Value:
        """Correlation of one sample (1, channels, positions of each axis), with zeros around it,
        with a kernel (filters, channels/groups, entries of each axis): (1, filters, places).
        """
        sample, filters = self.units(value)[0], np.split(kernel.numbers, groups)
        padded = np.pad(sample, [(0, 0), *padding], constant_values=-1)
        found = [
            self._convolved(each, Value(kernel.kind, some), strides, dilations)
            for each, some in zip(np.split(padded, groups), filters)
        ]
        return Value(Kind.UNITS, np.concatenate(found)[None])

    def _convolved(self, padded: Array, kernel: Value, strides, dilations) -> Array:
        axes = padded.ndim - 1
        numbers = windows(padded, kernel.numbers.shape[2:], strides, dilations)
        places, entries = ascii_letters[2 : 2 + axes], ascii_letters[2 + axes : 2 + 2 * axes]
        left, right, out = f"ab{entries}", f"b{places}{entries}", f"a{places}"
        if (numbers < 0).any() and kernel.kind is Kind.WEIGHTS:  # zeros meet no weight
            ones = (1,) * axes
            spread = kernel.numbers.reshape(
                *kernel.numbers.shape[:2], *ones, *kernel.numbers.shape[2:]
            )
            kernel = Value(Kind.WEIGHTS, np.where(numbers < 0, -1, spread))
            left, numbers = f"ab{places}{entries}", np.maximum(numbers, 0)
        elif (numbers < 0).any():
            numbers = np.where(numbers < 0, self._constant(0.0), numbers)
        units = Value(Kind.UNITS, numbers)
        return self.contracted(f"{left},{right}->{out}", kernel, units).numbers

    def _slopes(self, value: Value, units: Array) -> tuple[float, float]:
        """How many times these units a value is, on either side of 0."""
        if value.is_constant and not value.numbers.any():
            return 0.0, 0.0
        source, slopes = self._bent(value)
        if not np.array_equal(source, units):
            raise NotRead("a choice between others than multiples of what it goes by")
        return slopes


def windows(
    numbers: Array, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Array:
    """Windows along the last axes (…, positions): (…, places of each axis, entries of each)."""
    axes = tuple(range(-len(sizes), 0))
    reaches = [dilation * (size - 1) + 1 for size, dilation in zip(sizes, dilations)]
    found = sliding_window_view(numbers, reaches, axes)
    steps = [slice(None, None, step) for step in (*strides, *dilations)]
    return found[(..., *steps)]


def _plain(value: Value) -> Value:
    """The value, whatever it was made of."""
    return Value(value.kind, value.numbers)


def _as_stored(numbers: Array, letters: str, others: str) -> list[int]:
    """Axes of an array of weights in the order in which they are stored; of those with one entry
    the ones that no other array has first.
    """

    def step(axis: int) -> float:
        if numbers.shape[axis] == 1:
            return np.inf if letters[axis] not in others else 0.0
        first = numbers[(0,) * numbers.ndim]
        second = numbers[tuple(int(i == axis) for i in range(numbers.ndim))]
        return float(second - first)

    return sorted(range(numbers.ndim), key=step, reverse=True)


def _last(units: Array, axes: Sequence[int] | None) -> Array:
    """These axes as one, the last."""
    chosen = range(units.ndim) if axes is None else [axis % units.ndim for axis in axes]
    kept = [axis for axis in range(units.ndim) if axis not in chosen]
    moved = units.transpose([*kept, *chosen])
    return moved.reshape(*(units.shape[axis] for axis in kept), -1)


def _reshaped(value: Value, shape: tuple[int, ...]) -> Value:
    """The value broadcast to a shape."""
    source = None if value.source is None else np.broadcast_to(value.source, shape)
    return Value(value.kind, np.broadcast_to(value.numbers, shape), source, value.slopes)
