"""Flows of networks with biases: homogeneous ones with constant units and some weights frozen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

import numpy as np
from flint import arb

from ncfcheck.certify.flows import ORDER, RingField
from ncfcheck.certify.series import taylor
from ncfcheck.model.ncf import Problem
from ncfcheck.theory.biases.networks import BiasedProblem


@dataclass(frozen=True)
class BiasedField:
    """J(X; u)ᵀ(−ℓ'(H, y)) in a biased problem's free weights; ∇N(u) if not `trained`."""

    problem: BiasedProblem
    trained: bool

    @cached_property
    def whole(self) -> RingField:
        """The same of the network with its constant units, none of its weights frozen."""
        problem = self.problem
        return RingField(
            Problem(problem.network.extended, problem.X, problem.y, problem.loss),
            float(self.trained),
        )

    @cached_property
    def free(self) -> np.ndarray:
        """Numbers of the free weights among all."""
        return np.flatnonzero(~self.problem.network.frozen)

    def _expanded(self, u) -> list:
        out = [1.0] * self.problem.network.extended.size
        for k, each in zip(self.free, u):
            out[k] = each
        return out

    def at(self, ring, u) -> SimpleNamespace:
        """The field over a ring, as `gradient`."""
        found = self.whole.at(ring, self._expanded(u)).gradient
        return SimpleNamespace(gradient=[found[k] for k in self.free])

    def jacobian(self, u) -> list[list]:
        """Df over a box of weights."""
        rows = self.whole.jacobian([arb(each) for each in self._expanded(u)])
        return [[rows[i][j] for j in self.free] for i in self.free]

    def series(self, at: np.ndarray) -> np.ndarray:
        """Taylor coefficients of the flow from a point, in floats, (ORDER + 1, P)."""
        network, whole = self.problem.network, self.whole
        return taylor(
            whole.problem, float(whole.strength.mid()), network.expand(at), ORDER, ~network.frozen
        )[:, self.free]
