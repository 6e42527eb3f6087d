"""What families are made of: activations, chains of layers, formulas for people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ncfcheck.model.programs import Builder

Array = np.ndarray
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
TENTHS = (0, 10)  # the range of a slope α, in tenths


def sub(index: int) -> str:
    """An index below the line."""
    return str(index).translate(SUBSCRIPTS)


def raised(base: str, power: int) -> str:
    """A power for people."""
    return base if power == 1 else base + str(power).translate(SUPERSCRIPTS)


def activate(net: Builder, units: Array, power: int, slope: int) -> Array:
    """max(z, αz)^p with α in tenths; z at p = 1, so that there is no kink."""
    return units if power == 1 else net.power(units, power, slope / 10)


def activation(power: int, slope: int) -> str:
    """The same in words: what σ is."""
    if power == 1 or slope == 10:
        return f"σ(z) = {raised('z', power)}"
    inner = f"{slope / 10:g}z" if slope else "0"
    return f"σ(z) = {raised(f'max(z, {inner})', power)}"


def layer(net: Builder, name: str, rows: int, units: Array) -> Array:
    """W a for units a (columns, …), with weights of its own: (rows, …)."""
    return net.apply("ab,bc->ac", net.weights(name, rows, len(units)), _two(units)).reshape(
        rows, *units.shape[1:]
    )


def _two(units: Array) -> Array:
    return units.reshape(len(units), -1)


def chain(net: Builder, units: Array, widths: Sequence[int], name: str = "W") -> Array:
    """W_L … W_1 a of layers of these widths; weights are called by the name and their number."""
    for number, rows in enumerate(widths, 1):
        units = layer(net, f"{name}_{number}", rows, units)
    return units


def factors(count: int, name: str = "W") -> str:
    """W_L … W_1 for people."""
    return " ".join(f"{name}{sub(l)}" for l in range(count, 0, -1))
