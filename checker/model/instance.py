"""Instances: frozen values with what one claim needs, and the variants that confirm a violation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from enum import Enum, auto
from numbers import Real

import numpy as np

from ncfcheck.core.stated import must_be, shown
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.arrays import Value, unit_vector
from ncfcheck.model.ncf import Ncf, Problem, unit

NUDGE = 1e-4  # of every weight: what is true of generic starts is true of those that far away


class Space(Enum):
    """Where a part besides problem and start lives, and so how it moves with the network."""

    INPUT = auto()  # a unit vector (d,)
    NEURONS = auto()  # a tuple of unit vectors (k_l,), one a hidden layer
    HIDDEN = auto()  # a tuple of numbers, one a hidden layer
    LAYERS = auto()  # a unit vector (L,), one entry a layer


def part(space: Space, default=None):
    """A field of an instance that lives in a space; None or empty where there is no such part."""
    return field(default=default, metadata={"space": space})


@dataclass(frozen=True, eq=False)
class Instance(Value):
    """A problem, a start direction and how to compute on it. Arrays, those of more parts that a
    subclass has too, are converted to read-only ones.

    `start` (P,) is a unit vector v_0; `fraction` in (0, 1) sets ε as a share of 1 − ⟨v_0, u*⟩;
    `families` names what was drawn (data, labels, start), `seeds` what it was drawn from, for the
    one-line description.

    Raises ValueError for a start that does not fit the network or is no unit vector, and for a
    fraction outside (0, 1); TypeError for no `Problem` or `Numerics`.
    """

    problem: Problem
    start: np.ndarray
    fraction: float = 0.1
    families: dict[str, str] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    numerics: Numerics = Numerics()

    def __post_init__(self):
        for name, kind in (("problem", Problem), ("numerics", Numerics)):
            must_be(kind, name, getattr(self, name))
        start = unit_vector(self.start, self.network.size, "start")
        object.__setattr__(self, "start", start)
        if not (isinstance(self.fraction, Real) and 0 < self.fraction < 1):
            raise ValueError(
                f"fraction must be a number between 0 and 1, not {shown(self.fraction)}"
            )
        super().__post_init__()

    @property
    def ncf(self) -> Ncf:
        """The problem's NCF."""
        return self.problem.ncf

    @property
    def network(self):
        """The problem's network."""
        return self.problem.network

    def parts(self, space: Space) -> dict[str, object]:
        """The parts that live in a space, by the name of their field, those that are there."""
        names = [each.name for each in fields(self) if each.metadata.get("space") is space]
        found = {name: getattr(self, name) for name in names}
        return {name: value for name, value in found.items() if value is not None and len(value)}

    def unit_vectors(self) -> dict[str, np.ndarray]:
        """Vectors (P,) that must have length 1, by name."""
        return {"start": self.start}

    def describe(self) -> str:
        """The instance in one line: everything that was drawn."""
        drawn = " ".join(f"{name}={value}" for name, value in self.families.items())
        seeds = "/".join(map(str, self.seeds))
        network, n, loss = self.network.describe(), len(self.problem.X), self.problem.loss
        return f"{network} n={n} {drawn} {loss} ε-share={self.fraction:g} seeds={seeds}"

    def coverage(self) -> dict[str, str]:
        """The strata this instance lies in."""
        value = self.ncf.value(self.start)
        family = self.network.family
        return {
            **({} if family is None else {"model": family.name}),
            **dict(self.network.strata),
            "loss": str(self.problem.loss),
            "N(v_0)": "+" if value > 0 else "-" if value < 0 else "0",
            **self.families,
        }

    def confirmations(self) -> Iterator[tuple[str, Instance]]:
        """The instance at a tighter tolerance and with scipy's integrator."""
        yield "a tighter tolerance", replace(self, numerics=self.numerics.tightened())
        by_scipy = replace(self.numerics, integrator="scipy")
        yield "scipy's integrator", replace(self, numerics=by_scipy)

    def nearby(self) -> Iterator[tuple[str, Instance]]:
        """The confirmations for starts of no special form: with starts NUDGE away."""
        rng = np.random.default_rng(0)
        for _ in range(2):
            moved = self.start + NUDGE * rng.standard_normal(self.start.size)
            yield "a start nearby", replace(self, start=unit(moved))

    def rescaled(self) -> tuple[str, Instance]:
        """The confirmation of claims whose margin is free of scale: with the data times 2."""
        problem = replace(self.problem, X=2 * self.problem.X)
        return "the rescaled data", replace(self, problem=problem)
