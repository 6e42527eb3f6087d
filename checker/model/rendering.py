"""Instances for people: the network's formula, its matrices, data and labels, and what fails."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from fractions import Fraction
from itertools import islice

import numpy as np

from ncfcheck.core.claims import Claim, Margin
from ncfcheck.core.describing import describe
from ncfcheck.model.instance import Instance
from ncfcheck.model.models import Model
from ncfcheck.model.networks import Network

CLOSE = 1e-12  # how near a simple number must be to be printed instead of a decimal
LARGEST_DENOMINATOR = 12
MOST = 12  # rows and columns shown of a matrix
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def render(claim: Claim, instance, margin: Margin) -> list[str]:
    """Lines that state the claim, the instance and by how much the claim fails on it."""
    lines = f"{claim.id} ({claim.kind}): {claim.statement}".splitlines()
    told = _instance(instance) if isinstance(instance, Instance) else _value("instance", instance)
    outcome = f"margin {margin.value:+.4g} ± {margin.error:.1g}: {_meaning(margin)}"
    return [*lines, "", *told, "", outcome]


def proved(certificate: dict) -> list[str]:
    """What a certificate of a witness file says that it proves, in lines."""
    return ["", f"proved: {certificate['proves']}"]


def _meaning(margin: Margin) -> str:
    words = {"violates": "the claim fails", "holds": "the claim holds", "unresolved": "not decided"}
    return words[margin.outcome] + (f" ({margin.note})" if margin.note else "")


def _instance(instance: Instance) -> list[str]:
    problem = instance.problem
    lines = [
        *_model(instance),
        f"loss {problem.loss}; ȳ = {problem.loss.pseudo_label}",
        *_matrix("X (samples as rows)", problem.X),
        *_matrix("y", problem.y),
        *_start(instance),
    ]
    for field in fields(instance):
        if field.name not in ("problem", "start", "families", "seeds", "numerics", "point"):
            lines += _value(field.name, getattr(instance, field.name))
    return lines


def _model(instance: Instance) -> list[str]:
    """The formula of the model, where it has one, with the instance in one line."""
    network = instance.network
    if isinstance(network, Network):
        layers = enumerate(zip(network.powers, network.slopes))
        activations = (f"σ{_sub(l + 1)}(z) = {activation(p, a)}" for l, (p, a) in layers)
        return [f"{formula(network.depth)}, {describe(instance)}", *activations]
    own = getattr(network, "formula", None)
    written = own if not own or own.startswith("H(") else f"H(x) = {own}"
    return [", ".join(filter(None, (written, describe(instance))))]


def formula(depth: int) -> str:
    """H(x) = W_L σ_{L−1}(… σ_1(W_1 x))."""
    inner = "W₁ x"
    for l in range(2, depth + 1):
        inner = f"W{_sub(l)} σ{_sub(l - 1)}({inner})"
    return f"H(x) = {inner}"


def activation(power: int, slope: float) -> str:
    """σ(z) = max(z, αz)^p in the simplest words."""
    exponent = f"^{power}" if power > 1 else ""
    if slope == 1:
        return f"z{exponent}"
    inner = "0" if slope == 0 else "|z|" if slope == -1 else f"{number(slope)}·z"
    return f"|z|{exponent}" if slope == -1 else f"max(z, {inner}){exponent}"


def _start(instance: Instance) -> list[str]:
    """Weights of the start direction, as a multiple of simple numbers where it is one."""
    scale = common_scale(instance.start)
    lines = ["start v₀ = w/‖w‖ with the weights w:" if scale != 1 else "start v₀ with the weights:"]
    for name, W in weights(instance.network, instance.start * scale).items():
        lines += _matrices(name, W)
    return lines


def weights(network: Model, w: np.ndarray) -> dict[str, np.ndarray]:
    """Matrices of the layers, or of models without layers weights by group, by name; w (P,)."""
    if isinstance(network, Network):
        return {f"W{_sub(l + 1)}": W for l, W in enumerate(network.matrices(w))}
    return network.parts(w)


def _matrices(name: str, array: np.ndarray) -> list[str]:
    """A matrix; of an array in more dimensions, the first of many of each."""
    if array.ndim <= 2:
        return _matrix(name, array)
    lines = []
    for place in islice(np.ndindex(array.shape[:-2]), MOST):
        lines += _matrix(f"{name}[{','.join(str(each + 1) for each in place)}]", array[place])
    count = math.prod(array.shape[:-2])
    return lines + [f"  {name}: … {count} matrices"] * (count > MOST)


def common_scale(vector: np.ndarray, largest: int = 60) -> float:
    """A factor that turns the vector into small integers; 1 where there is none."""
    smallest = np.abs(vector[np.abs(vector) > CLOSE]).min(initial=math.inf)
    for integer in range(1, 13) if math.isfinite(smallest) else ():
        scaled = vector * (integer / smallest)
        most, off = np.abs(scaled).max(), np.abs(scaled - np.rint(scaled)).max()
        if off <= CLOSE * max(1.0, most) and most <= largest:
            return integer / float(smallest)
    return 1.0


def number(value: float) -> str:
    """An integer, a simple fraction or the root of one as such, anything else to six digits."""
    if not math.isfinite(value):
        return str(value)
    simple = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
    if abs(float(simple) - value) <= CLOSE * max(1.0, abs(value)) and abs(value) < 1e6:
        return str(simple)
    square = Fraction(value * value).limit_denominator(30)
    is_near = abs(float(square) - value * value) <= CLOSE * value * value
    if square and is_near and square.numerator <= 30:
        root = f"√{square}" if square.denominator == 1 else f"√({square})"
        return "-" * (value < 0) + root
    return f"{value:.6g}"


def _matrix(name: str, matrix: np.ndarray) -> list[str]:
    """The matrix in brackets, columns aligned, with the first of many rows and columns."""
    rows = [
        [number(float(each)) for each in row[:MOST]] + ["…"] * (len(row) > MOST)
        for row in np.atleast_2d(matrix)[:MOST]
    ]
    if not rows or not rows[0]:
        return [f"  {name} = [] {np.shape(matrix)}"]
    widths = [max(map(len, column)) for column in zip(*rows)]
    head, lines = f"  {name} = ", []
    for i, row in enumerate(rows):
        entries = "  ".join(entry.rjust(width) for entry, width in zip(row, widths))
        lines.append((head if i == 0 else " " * len(head)) + f"[ {entries} ]")
    return lines + [" " * len(head) + f"… {len(matrix)} rows"] * (len(np.atleast_2d(matrix)) > MOST)


def _value(name: str, value) -> list[str]:
    """Lines for any value: arrays as matrices, dataclasses field by field."""
    if isinstance(value, np.ndarray):
        return _matrices(name, value)
    if isinstance(value, Instance):
        return [f"  {name}:", *_instance(value)]
    if is_dataclass(value):
        parts = _each((f"{name}.{f.name}", getattr(value, f.name)) for f in fields(value))
        return [f"  {name}: {type(value).__name__}", *parts]
    if isinstance(value, tuple | list) and any(map(_has_lines, value)):
        return _each((f"{name}[{i}]", each) for i, each in enumerate(value[:MOST]))
    return [f"  {name} = {_cut(_short(value))}"]


def _has_lines(value) -> bool:
    return isinstance(value, np.ndarray) or is_dataclass(value)


def _short(value) -> str:
    """A value without arrays in one line, numbers in their simplest form."""
    if isinstance(value, float):
        return number(value)
    return f"({', '.join(map(_short, value))})" if type(value) is tuple else repr(value)


def _each(named: Iterable[tuple[str, object]]) -> list[str]:
    return [line for name, value in named for line in _value(name, value)]


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


def _sub(index: int) -> str:
    return str(index).translate(SUBSCRIPTS)
