"""Toy families of models in plain numpy, polynomials in their weights: gated products of any number
of inputs, with a group of weights in three dimensions, and matrix sensing, whose sizes fix d.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ncfcheck.core.tolerances import EPS
from ncfcheck.model.families import Family
from ncfcheck.model.models import Evaluation, Group, Model

Array = np.ndarray


@dataclass(frozen=True)
class Toy(Model):
    """A model of a family, of these sizes."""

    of: Family
    d: int
    m: int
    each: tuple[tuple[str, int], ...]

    inputs = property(lambda self: self.d)
    width = property(lambda self: self.m)
    size = property(lambda self: self.groups[-1].part.stop)
    order = property(lambda self: sum(group.order for group in self.groups))
    family = property(lambda self: self.of)
    sizes = property(lambda self: dict(self.each))
    has_lipschitz_gradient = True

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """One after another, as the family tells their names, shapes and orders."""
        found, start = [], 0
        for name, shape, order in self.of.shapes(self.d, self.m, self.sizes):
            stop = start + int(np.prod(shape))
            found.append(Group(name, slice(start, stop), shape, order))
            start = stop
        return tuple(found)

    @property
    def strata(self) -> tuple[tuple[str, str], ...]:
        """D."""
        return (("D", str(self.order)),)

    def describe(self) -> str:
        """The family with its sizes."""
        told = " ".join(f"{name}={value}" for name, value in self.each)
        return f"{self.of.name} {told} d={self.d} m={self.m}"

    def on(self, X: Array) -> Evaluation:
        """By the family's formulas."""
        return ToyEvaluation(self, X)


class ToyEvaluation(Evaluation):
    """A toy on samples: a bound on rounding is the same sum of sizes, times EPS and a number of
    operations.
    """

    def __init__(self, model: Toy, X: Array):
        self.model, self.X = model, X
        self.count = 4 * (model.size + X.size)

    def outputs(self, w: Array) -> Array:
        return self.model.of.outputs(self.X, self.model.parts(w))

    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        return self._pulled(self.X, w, r)

    def _pulled(self, X: Array, w: Array, r: Array) -> tuple[float, Array]:
        value, gradient = self.model.of.pull_back(X, self.model.parts(w), r)
        flat = [gradient[group.name].ravel() for group in self.model.groups]
        return float(value), np.concatenate(flat)

    def output_bound(self, w: Array) -> Array:
        sizes = self.model.of.outputs(abs(self.X), self.model.parts(abs(w)))
        return self.count * EPS * sizes

    def bounds(self, w: Array, r: Array, settled: bool = False) -> tuple[float, Array]:
        value, gradient = self._pulled(abs(self.X), abs(w), abs(r))
        return self.count * EPS * value, self.count * EPS * gradient

    def curvature(self, w: Array, r: Array):
        raise NotImplementedError("toys have no second derivatives")


class _ToyFamily(Family):
    def build(self, inputs: int, width: int, sizes) -> Toy:
        for name, (least, _) in self.ranges.items():
            if sizes[name] < least:
                raise ValueError(f"{name}={sizes[name]}: {least} is the least")
        return Toy(self, inputs, width, tuple(sizes.items()))


class Gated(_ToyFamily):
    """H(x) = V ((G_1 x) ∘ (G_2 x)), V of order 1 and G (2, gates, d) of order 2."""

    name = "toy_gates"
    ranges: ClassVar = {"gates": (1, 4)}

    def shapes(self, d, m, sizes):
        return (("G", (2, sizes["gates"], d), 2), ("V", (m, sizes["gates"]), 1))

    def outputs(self, X, w):
        one, two = X @ w["G"][0].T, X @ w["G"][1].T
        return (one * two) @ w["V"].T

    def pull_back(self, X, w, r):
        one, two = X @ w["G"][0].T, X @ w["G"][1].T
        back = r @ w["V"]
        G = np.stack([(back * two).T @ X, (back * one).T @ X])
        return (r * ((one * two) @ w["V"].T)).sum(), {"G": G, "V": r.T @ (one * two)}


class Sensing(_ToyFamily):
    """H(A) = ⟨A, W_2 W_1⟩ for A (rows, columns): one output, D = 2, d = rows · columns."""

    name = "toy_sensing"
    ranges: ClassVar = {"rows": (1, 3), "columns": (1, 3), "rank": (1, 3)}

    def inputs_of(self, sizes):
        return sizes["rows"] * sizes["columns"]

    def width_of(self, sizes):
        return 1

    def shapes(self, d, m, sizes):
        rows, columns, rank = (sizes[name] for name in self.ranges)
        return (("W_1", (rank, columns), 1), ("W_2", (rows, rank), 1))

    def _shaped(self, X, w):
        return X.reshape(len(X), len(w["W_2"]), w["W_1"].shape[1])

    def outputs(self, X, w):
        product = w["W_2"] @ w["W_1"]
        return (self._shaped(X, w) * product).sum(axis=(1, 2))[:, None]

    def pull_back(self, X, w, r):
        total = np.tensordot(r[:, 0], self._shaped(X, w), 1)
        value = (total * (w["W_2"] @ w["W_1"])).sum()
        return value, {"W_1": w["W_2"].T @ total, "W_2": total @ w["W_1"].T}


GATED, SENSING = Gated(), Sensing()
