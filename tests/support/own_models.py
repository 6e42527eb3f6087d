"""Networks in numpy as users bring them, with a pull-back in which mistakes can be planted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ncfcheck import OwnModel

Array = np.ndarray


def powers(z: Array, slope: float, power: int) -> tuple[Array, Array]:
    """max(z, slope·z)^power, and its derivative."""
    side = np.where(z >= 0, 1.0, slope)
    return (side * z) ** power, power * side * (side * z) ** (power - 1)


def chain(
    widths: tuple[int, ...],
    power: int = 2,
    slope: float = 0.0,
    spoil: Callable[[str, Array], Array] = lambda place, array: array,
    gated: bool = False,
) -> OwnModel:
    """W_L σ(… σ(W_1 x)), gated: layers before the last are (W x)∘(G x). `spoil` may change what the
    pull-back computes: `place` is the name of the gradient, or "delta", "slope", "value".
    """
    depth = len(widths) - 1
    shapes = {f"W{l}": (widths[l + 1], widths[l]) for l in range(depth)}
    if gated:
        shapes |= {f"G{l}": shapes[f"W{l}"] for l in range(depth - 1)}

    def forward(X, w):
        values, slopes = [X], []
        for l in range(depth):
            z = values[-1] @ w[f"W{l}"].T
            if l == depth - 1:
                values.append(z)
            elif gated:
                gate = values[-1] @ w[f"G{l}"].T
                values.append(z * gate)
                slopes.append((gate, z))
            else:
                value, derivative = powers(z, slope, power)
                values.append(value)
                slopes.append((derivative, None))
        return values, slopes

    def pull_back(X, w, r):
        values, slopes = forward(X, w)
        gradient, delta = {}, spoil("last delta", r)
        for l in range(depth - 1, -1, -1):
            if l < depth - 1:
                delta, gate = spoil("slope", slopes[l][0]) * delta, slopes[l][1]
                if gated:
                    other = gate * (delta / slopes[l][0])
                    gradient[f"G{l}"] = spoil(f"G{l}", other.T @ values[l])
            gradient[f"W{l}"] = spoil(f"W{l}", delta.T @ values[l])
            below = delta @ w[f"W{l}"]
            if gated and l < depth - 1:
                below = below + other @ w[f"G{l}"]
            delta = spoil("delta", below)
        return {name: gradient[name] for name in shapes}

    def outputs(X, w):
        return forward(X, w)[0][-1]

    return OwnModel.numpy(outputs, pull_back, shapes, inputs=widths[0])
