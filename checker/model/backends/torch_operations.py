"""PyTorch's operations as those of programs: what a traced call of the user's function does."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.fx.node import map_aggregate, map_arg

from ncfcheck.model.backends.traced import Kind, NotRead, Reader, Side, Value, constants, windows

Array = np.ndarray
# What only moves, repeats or drops entries, or does nothing to them.
MOVING = frozenset(
    """_reshape_alias _to_copy _unsafe_view alias cat clone contiguous detach diagonal expand flip
    index index_select lift_fresh_copy narrow permute repeat roll select slice split
    split_with_sizes squeeze stack t transpose unbind unfold unsqueeze view""".split()
)

UNREAD = object()  # where the largest entries stand, which nothing may be made of


def read(traced: torch.fx.GraphModule, reader: Reader, X: Array, w: Array) -> Array:
    """Units of what a traced function of one sample's units X (1, d) and of weights' numbers w (P,)
    returns. Raises NotRead.
    """
    values: dict[Any, Any] = {}
    given = iter([Value(Kind.UNITS, X), Value(Kind.WEIGHTS, w)])
    for node in traced.graph.nodes:
        arguments, options = map_arg((node.args, node.kwargs), values.__getitem__)
        if node.op == "placeholder":
            values[node] = next(given)
        elif node.op == "get_attr":
            values[node] = getattr(traced, node.target)
        elif node.op == "output":
            return reader.units(_value(arguments[0]))
        elif node.target is operator.getitem:
            values[node] = arguments[0][arguments[1]]
        else:
            values[node] = _done(reader, node.target, arguments, options)
    raise NotRead("nothing is returned")


def _done(reader: Reader, target, arguments: tuple, options: dict):
    """What an operation makes of its arguments: of tensors alone, which are constants, a tensor."""
    held: list = []
    map_aggregate(arguments, held.append)
    if not any(isinstance(each, Value | Side) or each is UNREAD for each in held):
        return target(*arguments, **options)
    name = str(target).split(".")[1]
    if any(each is UNREAD for each in held):
        return UNREAD
    if name in MOVING:
        return _moved(reader, target, arguments, options)
    if name not in OPERATIONS:
        raise NotRead(str(target))
    return OPERATIONS[name](reader, *map(_value, arguments), **options)


def _value(argument):
    """Tensors as constants; anything else as it is."""
    return constants(argument.detach().numpy()) if _is_constant(argument) else argument


def _is_constant(argument) -> bool:
    return isinstance(argument, torch.Tensor) and argument.dtype.is_floating_point


def _moved(reader: Reader, target, arguments: tuple, options: dict):
    """What an operation that moves entries makes of the arrays among its arguments."""
    values: list[Value] = []

    def taken(argument):
        if isinstance(argument := _value(argument), Value):
            values.append(argument)
            return Value
        return argument

    shape = map_aggregate(arguments, taken)
    options = {key: each for key, each in options.items() if key != "dtype"}

    def move(*numbers: Array):
        tensors = (torch.from_numpy(np.array(each)) for each in numbers)
        given = map_aggregate(shape, lambda each: next(tensors) if each is Value else each)
        found = target(*given, **options)
        return found if isinstance(found, torch.Tensor) else [*found]

    return reader.moved(move, *values)


def _times(reader: Reader, first, second):
    return reader.times(_as_value(first), _as_value(second))


def _divided(reader: Reader, first, second):
    return reader.quotient(_as_value(first), _as_value(second))


def _sum(reader: Reader, first, second, alpha=1):
    return reader.added(_as_value(first), _as_value(second), alpha)


def _difference(reader: Reader, first, second, alpha=1):
    return reader.added(_as_value(first), _as_value(second), -alpha)


def _as_value(value) -> Value:
    return value if isinstance(value, Value) else constants(value)


def _clamped(reader: Reader, value: Value, least=None, most=None):
    if most is not None or least != 0:
        raise NotRead("a bounded activation")
    return reader.power(value, 1, 0.0)


def _along(reduced: Callable) -> Callable:
    """A reduction as PyTorch calls it."""

    def found(reader: Reader, value: Value, axes=None, keepdim=False, dtype=None):
        axes = [*range(value.numbers.ndim)] if axes is None or axes == [] else axes
        result = reduced(reader, value, axes)
        if not keepdim:
            return result
        where = tuple(sorted(axis % value.numbers.ndim for axis in axes))
        return reader.moved(lambda numbers: np.expand_dims(numbers, where), result)

    return found


def _mean(reader: Reader, value: Value, axes: Sequence[int]) -> Value:
    count = np.prod([value.numbers.shape[axis] for axis in axes])
    return reader.total(value, axes, 1 / float(count))


def _product(subscripts: str) -> Callable:
    def found(reader: Reader, first: Value, second: Value):
        return reader.contracted(subscripts, first, second)

    return found


def _convolution(
    reader: Reader, value, kernel, bias, strides, padding, dilations, transposed, _, groups
):
    if transposed or bias is not None or value.numbers.shape[0] != 1:
        raise NotRead("a convolution that is transposed, or has a bias")
    around = [(each, each) for each in padding]
    return reader.convolved(value, kernel, strides, around, dilations, groups)


def _pooled(
    reader: Reader, value: Value, sizes, strides=(), padding=0, dilations=(1, 1), ceil=False
):
    """Windows of the last two axes, their entries as the last axes."""
    if ceil or np.any(padding):
        raise NotRead("pooling with padding")
    dilations = [dilations] * 2 if isinstance(dilations, int) else dilations
    return reader.moved(lambda numbers: windows(numbers, sizes, strides or sizes, dilations), value)


def _max_pooled(reader: Reader, value: Value, *how):
    return reader.largest(_pooled(reader, value, *how), (-2, -1)), UNREAD


def _largest(reader: Reader, value: Value, axis: int, keepdim: bool = False):
    return _along(Reader.largest)(reader, value, [axis], keepdim), UNREAD


def _threshold(reader: Reader, value: Value, bound, otherwise):
    if bound != 0 or otherwise != 0:
        raise NotRead("a threshold that is not 0")
    return reader.power(value, 1, 0.0)


def _averaged(reader, value, sizes, strides=(), padding=0, ceil=False, _=True, divisor=None):
    found = _pooled(reader, value, sizes, strides, padding, (1, 1), ceil)
    return reader.total(found, (-2, -1), 1 / (divisor or sizes[0] * sizes[1]))


def _padded(reader: Reader, value: Value, widths, fill=0.0):
    pairs = [*zip(widths[::2], widths[1::2])][::-1]
    if min(widths) < 0:
        raise NotRead("negative padding")
    around = [(0, 0)] * (value.numbers.ndim - len(pairs)) + pairs
    outside = int(reader.units(constants([fill]))[0])
    return Value(Kind.UNITS, np.pad(reader.units(value), around, constant_values=outside))


def _side(is_positive: bool) -> Callable:
    def found(reader: Reader, value: Value, bound):
        if not isinstance(bound, int | float) or bound != 0:
            raise NotRead("a comparison with another number than 0")
        return Side(reader.units(value), is_positive)

    return found


def _selected(reader: Reader, side, there, elsewhere):
    there, elsewhere = _as_value(there), _as_value(elsewhere)
    if isinstance(side, Side):
        return reader.selected(side, there, elsewhere)
    if isinstance(side, Value):
        raise NotRead("a choice by other than a side of 0")
    return reader.moved(lambda *numbers: np.where(side.numpy(), *numbers), there, elsewhere)


def _triangle(cut: Callable) -> Callable:
    def found(reader: Reader, value: Value, diagonal=0):
        mask = cut(torch.ones(value.numbers.shape), diagonal)
        return reader.times(value, constants(mask.numpy()))

    return found


OPERATIONS: dict[str, Callable] = {
    "abs": lambda reader, value: reader.power(value, 1, -1.0),
    "add": _sum,
    "addmm": lambda reader, bias, a, b: _sum(reader, bias, reader.contracted("ij,jk->ik", a, b)),
    "amax": _along(Reader.largest),
    "avg_pool2d": _averaged,
    "bmm": _product("bij,bjk->bik"),
    "clamp": _clamped,
    "clamp_min": _clamped,
    "constant_pad_nd": _padded,
    "convolution": _convolution,
    "div": _divided,
    "dot": _product("i,i->"),
    "ge": _side(True),
    "gt": _side(True),
    "le": _side(False),
    "leaky_relu": lambda reader, value, slope=0.01: reader.power(value, 1, slope),
    "lt": _side(False),
    "max": _largest,
    "max_pool2d_with_indices": _max_pooled,
    "maximum": Reader.maximum,
    "mean": _along(_mean),
    "minimum": Reader.minimum,
    "mm": _product("ij,jk->ik"),
    "mul": _times,
    "mv": _product("ij,j->i"),
    "neg": lambda reader, value: reader.scaled(value, -1.0),
    "pow": lambda reader, value, p: reader.power(value, p),
    "prod": lambda reader, value, axis=None, keepdim=False: _along(Reader.product)(
        reader, value, None if axis is None else [axis], keepdim
    ),
    "relu": lambda reader, value: reader.power(value, 1, 0.0),
    "sub": _difference,
    "sum": _along(Reader.total),
    "threshold": _threshold,
    "tril": _triangle(torch.tril),
    "triu": _triangle(torch.triu),
    "where": _selected,
}
