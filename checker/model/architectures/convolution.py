"""Convolutions of pictures, circular, and what pools them."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.architectures.built_in import family
from ncfcheck.model.architectures.layers import TENTHS, activate, activation, layer

Array = np.ndarray


def _inputs(sizes) -> int:
    return sizes["height"] * sizes["width"]


def windows(units: Array, size: int, stride: int = 1) -> Array:
    """Square windows that start at every `stride`th row and column of units (channels, height,
    width) and go round at the ends: (channels, size, size, rows, columns).
    """
    _, height, width = units.shape
    down, right = (
        (np.arange(size)[:, None] + np.arange(0, length, stride)) % length
        for length in (height, width)
    )
    return units[:, down[:, None, :, None], right[None, :, None, :]]


def convolve(net, name: str, filters: int, size: int, units: Array) -> Array:
    """A convolution by filters (channels, size, size), of units (channels, height, width)."""
    kernel = net.weights(name, filters, len(units), size, size)
    return net.apply("fcij,cijxy->fxy", kernel, windows(units, size))


def pooled(pool, units: Array, size: int) -> Array:
    """`pool` along the last axis of windows that do not overlap, but at the ends."""
    found = windows(units, size, size)
    return pool(np.moveaxis(found, (1, 2), (-2, -1)).reshape(*found[:, 0, 0].shape, -1))


SIZES = {"height": (1, 3), "width": (1, 3), "kernel": (1, 2), "filters": (1, 2), "pool": (1, 3)}


def _convolution(net, height, width, kernel, filters, pool, power, slope, layers, average):
    units, told = net.x.reshape(1, height, width), "x"
    for l in range(1, layers + 1):
        units = activate(net, convolve(net, f"K_{l}", filters, kernel, units), power, slope)
        told = f"σ(K_{l} ∗ {told})"
    scale, name = (1 / pool**2, "average") if average else (1.0, "sum")
    units = pooled(lambda each: net.sum(each, scale=scale), units, pool)
    net.formula = f"H(x) = W {name}({told}), {activation(power, slope)}, of {pool} × {pool} windows"
    return layer(net, "W", net.width, units.ravel())


@family(d=_inputs, **SIZES, layers=(1, 2), power=(1, 2), slope=TENTHS)
def convolution(net, **sizes):
    """Layers of 2-d convolution, then sums over windows."""
    return _convolution(net, **sizes, average=False)


@family(d=_inputs, **SIZES, layers=(1, 2), power=(1, 2), slope=TENTHS)
def average_pooling(net, **sizes):
    """Layers of 2-d convolution, then averages over windows."""
    return _convolution(net, **sizes, average=True)


@family(d=_inputs, **SIZES, power=(1, 2), slope=TENTHS)
def max_pooling(net, height, width, kernel, filters, pool, power, slope):
    """A 2-d convolution, then the largest of every window: kinked."""
    units = convolve(net, "K", filters, kernel, net.x.reshape(1, height, width))
    units = pooled(net.maximum, activate(net, units, power, slope), pool)
    told = activation(power, slope)
    net.formula = f"H(x) = W max(σ(K ∗ x)), {told}, of {pool} × {pool} windows"
    return layer(net, "W", net.width, units.ravel())
