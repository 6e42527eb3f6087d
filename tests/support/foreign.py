"""Models of other kinds than layered networks, in plain numpy: for tests of what runs on any model.

`Wrapped` is a layered network that shows its outputs and its pull-back only: whatever is said of it
must be what is said of the network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ncfcheck.model.estimates import Estimated
from ncfcheck.model.instance import Instance
from ncfcheck.model.models import Group, Model
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import Network
from ncfcheck.theory.starts import live_start

Array = np.ndarray


class Plain(Model):
    """What the models here have in common."""

    width = 1
    has_lipschitz_gradient = True
    is_smooth = True
    strata = ()

    @property
    def order(self) -> int:
        """D: every weight belongs to a group."""
        return sum(group.order for group in self.groups)

    @property
    def size(self) -> int:
        """P."""
        return self.groups[-1].part.stop

    def describe(self) -> str:
        """The specification in one line."""
        return str(self)


def groups(**parts: tuple[tuple[int, ...], int]) -> tuple[Group, ...]:
    """Groups of weights, one after the other: name = (shape, order)."""
    found, start = [], 0
    for name, (shape, order) in parts.items():
        stop = start + int(np.prod(shape))
        found.append(Group(name, slice(start, stop), shape, order))
        start = stop
    return tuple(found)


@dataclass(frozen=True)
class Wrapped(Plain):
    """A layered network without its layers."""

    network: Network

    @property
    def inputs(self) -> int:
        """d."""
        return self.network.inputs

    @property
    def width(self) -> int:
        """m."""
        return self.network.width

    @property
    def groups(self) -> tuple[Group, ...]:
        """The layers' own weights."""
        return self.network.groups

    @property
    def has_lipschitz_gradient(self) -> bool:
        """That of the network."""
        return self.network.has_lipschitz_gradient

    @property
    def is_smooth(self) -> bool:
        """Whether no power has a kink below its fourth derivative."""
        network = self.network
        return all(a**p == 1 or p > 3 for p, a in zip(network.powers, network.slopes))

    def on(self, X: Array) -> WrappedEvaluation:
        """On samples X (n, d)."""
        return WrappedEvaluation(self, X)


class WrappedEvaluation(Estimated):
    """Outputs and pull-back of the network, and nothing else."""

    def __init__(self, model: Wrapped, X: Array):
        super().__init__(model, X)
        self._inner = model.network.on(X)

    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, m)."""
        return self._inner.outputs(w)

    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient, (P,)."""
        return self._inner.pull_back(w, r)


def wrapped(instance):
    """A layered network's instance on the network without its layers."""
    problem = replace(instance.problem, network=Wrapped(instance.network))
    return replace(instance, problem=problem)


@dataclass(frozen=True)
class MatrixSensing(Plain):
    """⟨A_i, W_2 W_1⟩, samples A_i (k, k) flat: of order 2, or with a third factor of order 3."""

    k: int
    factors: int = 3

    @property
    def inputs(self) -> int:
        """d = k²."""
        return self.k**2

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The factors, each of order 1."""
        names = (f"W_{l + 1}" for l in range(self.factors))
        return groups(**{name: ((self.k, self.k), 1) for name in names})

    def on(self, X: Array) -> SensingEvaluation:
        """On samples X (n, k²)."""
        return SensingEvaluation(self, X)


class SensingEvaluation(Estimated):
    """⟨A_i, W_L … W_1⟩ in numpy."""

    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, 1)."""
        return (self.X @ self._product(self._factors(w)).ravel())[:, None]

    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient, (P,)."""
        factors, A = self._factors(w), (r[:, 0] @ self.X).reshape(self.model.k, -1)
        parts = []
        for l in range(len(factors)):
            above, below = self._product(factors[l + 1 :]), self._product(factors[:l])
            parts.append((above.T @ A @ below.T).ravel())
        return float(np.sum(A * self._product(factors))), np.concatenate(parts)

    def _factors(self, w: Array) -> Array:
        return w.reshape(-1, self.model.k, self.model.k)

    def _product(self, factors: Array) -> Array:
        """W_L … W_1."""
        found = np.eye(self.model.k)
        for each in factors:
            found = each @ found
        return found


@dataclass(frozen=True)
class Gated(Plain):
    """Σ_j v_j (a_jᵀx)(b_jᵀx)²: order 1 in v and a, 2 in b; a group is told to have no order where
    `hidden`.
    """

    d: int
    k: int
    hidden: bool = False

    @property
    def inputs(self) -> int:
        """d."""
        return self.d

    @property
    def order(self) -> int:
        """D."""
        return 4

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Gates, values and outputs."""
        found = groups(b=((self.k, self.d), 2), a=((self.k, self.d), 1), v=((self.k,), 1))
        return (replace(found[0], order=None), *found[1:]) if self.hidden else found

    def on(self, X: Array) -> GatedEvaluation:
        """On samples X (n, d)."""
        return GatedEvaluation(self, X)


class GatedEvaluation(Estimated):
    """The same in numpy."""

    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, 1)."""
        b, a, v = self.model.parts(w).values()
        return ((self.X @ b.T) ** 2 * (self.X @ a.T)) @ v[:, None]

    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient, (P,)."""
        b, a, v = self.model.parts(w).values()
        gate, value = self.X @ b.T, self.X @ a.T  # (n, k)
        each = r * v * gate
        parts = (2 * each * value).T @ self.X, (each * gate).T @ self.X, r[:, 0] @ (gate**2 * value)
        return float(parts[2] @ v), np.concatenate([part.ravel() for part in parts])


def instance_on(model: Model, seed: int, start: str = "gaussian", samples: int = 5, **parts):
    """An instance of Gaussian data and labels, signs for the logistic loss, on the model."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((samples, model.inputs)), rng.standard_normal((samples, model.width))
    y = np.sign(y) if parts.get("loss") == "logistic" else y
    problem = Problem(model, X, y, **parts)
    families = {"data": "gaussian", "labels": "gaussian", "start": start}
    return Instance(
        problem, live_start(start, seed, problem.ncf), families=families, seeds=(seed,) * 3
    )
