"""Instances: frozen values with whatever one claim needs, and the variants a violation is confirmed
on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import Ncf, Problem


@dataclass(frozen=True, eq=False)
class Instance:
    """A problem, a start direction and how to compute on it.

    `start` (P,) is a unit vector v_0; `fraction` in (0, 1) sets ε as a share of 1 − ⟨v_0, u*⟩;
    `families` names what was drawn (data, labels, start), `seeds` what it was drawn from, for the
    one-line description.
    """

    problem: Problem
    start: np.ndarray
    fraction: float = 0.1
    families: dict[str, str] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    numerics: Numerics = Numerics()

    @property
    def ncf(self) -> Ncf:
        """The problem's NCF."""
        return self.problem.ncf

    @property
    def network(self):
        """The problem's network."""
        return self.problem.network

    def describe(self) -> str:
        """The instance in one line: everything that was drawn."""
        drawn = " ".join(f"{name}={value}" for name, value in self.families.items())
        seeds = "/".join(map(str, self.seeds))
        network, n, loss = self.network.describe(), len(self.problem.X), self.problem.loss
        return f"{network} n={n} {drawn} {loss} ε-share={self.fraction:g} seeds={seeds}"

    def coverage(self) -> dict[str, str]:
        """The strata this instance lies in."""
        value = self.ncf.value(self.start)
        return {
            **dict(self.network.strata),
            "loss": str(self.problem.loss),
            "N(v_0)": "+" if value > 0 else "-" if value < 0 else "0",
            **self.families,
        }

    def confirmations(self) -> Iterator[tuple[str, Instance]]:
        """The instance again: at a tighter tolerance, with scipy as second integrator, with the
        data rescaled by 2.
        """
        yield "a tighter tolerance", replace(self, numerics=self.numerics.tightened())
        yield (
            "scipy's integrator",
            replace(self, numerics=replace(self.numerics, integrator="scipy")),
        )
        yield (
            "the rescaled data",
            replace(self, problem=replace(self.problem, X=2 * self.problem.X)),
        )
