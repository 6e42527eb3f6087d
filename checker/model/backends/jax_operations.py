"""JAX's operations as those of programs: what a traced call of the user's function does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_letters
from typing import Any

import jax
import numpy as np

from ncfcheck.model.backends.traced import Kind, NotRead, Reader, Side, Value, constants, windows

Array = np.ndarray
# Operations that do others: the parameter that those stand in.
CALLS = {
    "checkpoint": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "remat": "jaxpr",
}
# What only moves, repeats or drops entries, by JAX itself.
MOVING = frozenset({"dynamic_slice", "gather", "pad", "split", "stack"})


def read(traced: Any, reader: Reader, X: Array, w: Array) -> Array:
    """Units of what a traced function (a closed jaxpr) of one sample's units X (1, d) and of
    weights' numbers w (P,) returns. Raises NotRead.
    """
    given = [Value(Kind.UNITS, X), Value(Kind.WEIGHTS, w)]
    (found,) = _run(traced.jaxpr, traced.consts, reader, given)
    return reader.units(_value(found))


def _run(jaxpr: Any, consts: Sequence, reader: Reader, given: Sequence) -> list:
    """What operations make of values: of arrays alone, which are constants, arrays."""
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *given), strict=True))

    def of(each):
        return each.val if hasattr(each, "val") else values[each]

    for equation in jaxpr.eqns:
        arguments = [of(each) for each in equation.invars]
        found = _done(reader, equation.primitive, arguments, equation.params)
        values.update(zip(equation.outvars, found, strict=True))
    return [of(each) for each in jaxpr.outvars]


def _done(reader: Reader, primitive: Any, arguments: list, options: dict) -> Sequence:
    name = primitive.name
    if name in CALLS:
        inner = options[CALLS[name]]
        closed = (inner.jaxpr, inner.consts) if hasattr(inner, "consts") else (inner, ())
        return _run(*closed, reader, arguments)
    if name == "scan":
        return _scanned(reader, arguments, **options)
    if not any(isinstance(each, Value | Side) for each in arguments):
        found = primitive.bind(*map(jax.numpy.asarray, arguments), **options)
        return found if primitive.multiple_results else [found]
    if name in MOVES:
        return [
            reader.moved(lambda *numbers: MOVES[name](*numbers, **options), *_values(arguments))
        ]
    if name in MOVING:
        return _moved(reader, primitive, arguments, options)
    if name not in OPERATIONS:
        raise NotRead(name)
    return [OPERATIONS[name](reader, *map(_value, arguments), **options)]


def _scanned(
    reader: Reader, arguments: list, *, jaxpr, length, reverse, num_consts, num_carry, **_
) -> list:
    """A loop of known length, step by step: what is carried, then what every step gives."""
    fixed, rest = arguments[:num_consts], arguments[num_consts:]
    carried, given = rest[:num_carry], rest[num_carry:]
    steps = range(length)[:: -1 if reverse else 1]
    rows: list = [None] * length
    for step in steps:
        each = [
            reader.moved(lambda numbers, step=step: numbers[step], _value(of))
            if isinstance(_value(of), Value)
            else of[step]
            for of in given
        ]
        found = _run(jaxpr.jaxpr, jaxpr.consts, reader, [*fixed, *carried, *each])
        carried, rows[step] = found[:num_carry], found[num_carry:]
    stacked = (_values(each) for each in zip(*rows))
    return [*carried, *(reader.moved(lambda *some: np.stack(some), *each) for each in stacked)]


def _values(arguments: Sequence) -> list[Value]:
    return [_value(each) for each in arguments]


def _value(argument):
    """Arrays of floats as constants; anything else as it is."""
    if isinstance(argument, Value | Side) or not _is_real(argument):
        return argument
    return constants(argument)


def _is_real(argument) -> bool:
    return np.issubdtype(np.asarray(argument).dtype, np.floating)


def _moved(reader: Reader, primitive, arguments: Sequence, options: dict) -> list[Value]:
    """What JAX makes of arrays by moving entries; indices among them stay what they are."""
    given = [_value(each) for each in arguments]

    def move(*numbers: Array):
        some = iter(numbers)
        arrays = [next(some) if isinstance(each, Value) else each for each in given]
        found = primitive.bind(*map(jax.numpy.asarray, arrays), **options)
        return [np.asarray(each) for each in found] if primitive.multiple_results else found

    found = reader.moved(move, *(each for each in given if isinstance(each, Value)))
    return found if isinstance(found, list) else [found]


def _broadcast(numbers: Array, *, shape, broadcast_dimensions, **_) -> Array:
    spread = np.ones(len(shape), dtype=int)
    spread[list(broadcast_dimensions)] = numbers.shape
    return np.broadcast_to(numbers.reshape(spread), shape)


def _slice(numbers: Array, *, start_indices, limit_indices, strides, **_) -> Array:
    steps = strides or [1] * numbers.ndim
    return numbers[tuple(map(slice, start_indices, limit_indices, steps))]


MOVES: dict[str, Callable[..., Array]] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda *numbers, dimension, **_: np.concatenate(numbers, dimension),
    "convert_element_type": lambda numbers, **_: numbers,
    "copy": lambda numbers, **_: numbers,
    "expand_dims": lambda numbers, *, dimensions, **_: np.expand_dims(numbers, dimensions),
    "reshape": lambda numbers, *, new_sizes, **_: numbers.reshape(new_sizes),
    "rev": lambda numbers, *, dimensions, **_: np.flip(numbers, dimensions),
    "slice": _slice,
    "squeeze": lambda numbers, *, dimensions, **_: numbers.squeeze(tuple(dimensions)),
    "transpose": lambda numbers, *, permutation, **_: numbers.transpose(permutation),
}


def _contracted(reader: Reader, first: Value, second: Value, *, dimension_numbers, **_) -> Value:
    (contracted, batch) = dimension_numbers
    letters = iter(ascii_letters)
    left, right = ([""] * each.numbers.ndim for each in (first, second))
    for pairs in (batch, contracted):
        for i, j in zip(*pairs):
            left[i] = right[j] = next(letters)
    for side in (left, right):
        side[:] = [each or next(letters) for each in side]
    shared = [left[i] for i in batch[0]]
    of_one = [each for each in left if each not in right] + [
        each for each in right if each not in left
    ]
    out = "".join(shared + of_one)
    return reader.contracted(f"{''.join(left)},{''.join(right)}->{out}", first, second)


def _convolved(
    reader: Reader,
    value: Value,
    kernel: Value,
    *,
    window_strides,
    padding,
    lhs_dilation,
    rhs_dilation,
    dimension_numbers,
    feature_group_count,
    batch_group_count,
    **_,
) -> Value:
    if max(lhs_dilation) > 1 or batch_group_count > 1 or np.min(padding) < 0:
        raise NotRead("a convolution that is transposed, or of batches in groups")
    of_samples, of_kernel, of_outputs = dimension_numbers
    value, kernel = (
        reader.moved(lambda numbers, axes=axes: numbers.transpose(axes), each)
        for each, axes in ((value, of_samples), (kernel, of_kernel))
    )
    if value.numbers.shape[0] != 1:
        raise NotRead("a convolution of several for each sample")
    found = reader.convolved(
        value, kernel, window_strides, padding, rhs_dilation, feature_group_count
    )
    return reader.moved(lambda numbers: numbers.transpose(np.argsort(of_outputs)), found)


def _windows(reduced: Callable) -> Callable:
    """A reduction over windows as JAX calls it."""

    def found(
        reader,
        value,
        *,
        window_dimensions,
        window_strides,
        padding,
        base_dilation,
        window_dilation,
        **_,
    ):
        if np.any(padding) or max(base_dilation) > 1:
            raise NotRead("windows with padding")
        how = window_dimensions, window_strides, window_dilation
        axes = range(-len(window_dimensions), 0)
        return reduced(reader, reader.moved(lambda each: windows(each, *how), value), axes)

    return found


def _raised(reader: Reader, value: Value, power: Value, **_) -> Value:
    if not power.is_constant or power.numbers.size != 1:
        raise NotRead("a power that is no constant")
    return reader.power(value, float(power.numbers.ravel()[0]))


def _side(is_positive: bool) -> Callable:
    def found(reader: Reader, value, bound, **_):
        if not isinstance(value, Value) or not isinstance(bound, Value) or not bound.is_constant:
            raise NotRead("a comparison of two that are no constants")
        if bound.numbers.any():
            raise NotRead("a comparison with another number than 0")
        return Side(reader.units(value), is_positive)

    return found


def _selected(reader: Reader, side, elsewhere: Value, there: Value, **_) -> Value:
    if isinstance(side, Side):
        return reader.selected(side, there, elsewhere)
    if isinstance(side, Value):
        raise NotRead("a choice by other than a side of 0")
    return reader.moved(lambda *numbers: np.where(side, *numbers), there, elsewhere)


OPERATIONS: dict[str, Callable] = {
    "abs": lambda reader, value, **_: reader.power(value, 1, -1.0),
    "add": lambda reader, first, second, **_: reader.added(first, second),
    "add_any": lambda reader, first, second, **_: reader.added(first, second),
    "conv_general_dilated": _convolved,
    "div": lambda reader, first, second, **_: reader.quotient(first, second),
    "dot_general": _contracted,
    "ge": _side(True),
    "gt": _side(True),
    "integer_pow": lambda reader, value, *, y, **_: reader.power(value, y),
    "le": _side(False),
    "lt": _side(False),
    "max": lambda reader, first, second, **_: reader.maximum(first, second),
    "min": lambda reader, first, second, **_: reader.minimum(first, second),
    "mul": lambda reader, first, second, **_: reader.times(first, second),
    "neg": lambda reader, value, **_: reader.scaled(value, -1.0),
    "pow": _raised,
    "reduce_max": lambda reader, value, *, axes, **_: reader.largest(value, axes),
    "reduce_prod": lambda reader, value, *, axes, **_: reader.product(value, axes),
    "reduce_sum": lambda reader, value, *, axes, **_: reader.total(value, axes),
    "reduce_window_max": _windows(Reader.largest),
    "reduce_window_sum": _windows(Reader.total),
    "select_n": _selected,
    "square": lambda reader, value, **_: reader.power(value, 2),
    "sub": lambda reader, first, second, **_: reader.added(first, second, -1.0),
}
