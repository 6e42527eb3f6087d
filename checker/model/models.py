"""The model protocol: all that the theory of early training asks of a network (theory §10).

A model H(x; w) has an order of homogeneity D, outputs and a pull-back; groups of its weights have
names and orders of their own. More is optional: second derivatives and bounds on rounding have
stand-ins (`ncfcheck.model.estimates`); layers and neurons only layered networks have.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.linalg.blas import dsyr2

from ncfcheck.core.needs import Need
from ncfcheck.model.loss_functions import applied

Array = np.ndarray


@dataclass(frozen=True)
class Group:
    """Weights that belong together: their name, where they stand in the flat vector w, the shape
    that they have there, and P_g, the order of H in them alone; None where H has none.
    """

    name: str
    part: slice
    shape: tuple[int, ...]
    order: float | None


class Model(ABC):
    """A homogeneous model on `inputs` numbers a sample (d), with `width` outputs (m).

    Values, equal where they are the same model. A flat vector w (size,) holds the weights.
    """

    @property
    @abstractmethod
    def inputs(self) -> int:
        """d, the numbers of one sample."""

    @property
    @abstractmethod
    def width(self) -> int:
        """m, the number of outputs."""

    @property
    @abstractmethod
    def size(self) -> int:
        """P, the length of the flat vector w."""

    @property
    @abstractmethod
    def order(self) -> float:
        """D, the order of homogeneity in all weights: an int where it is whole."""

    @property
    @abstractmethod
    def groups(self) -> tuple[Group, ...]:
        """The groups of weights, in the order in which they stand in w."""

    @property
    @abstractmethod
    def has_lipschitz_gradient(self) -> bool:
        """Whether the gradient in w is locally Lipschitz."""

    @property
    def is_homogeneous(self) -> bool:
        """Whether H(x; cw) = c^D H(x; w) for c > 0; controls have models that only look like it."""
        return True

    @property
    def is_smooth(self) -> bool:
        """Whether ∇²N is smooth, so that where it is estimated differences take longer steps."""
        return False

    @property
    def family(self) -> Any:
        """The `Family` that it is one of; None for layered networks, drawn by themselves."""
        return None

    @property
    def sizes(self) -> Mapping[str, int]:
        """Its sizes, by the names of its family."""
        return {}

    @property
    def meets(self) -> frozenset[Need]:
        """What of all that claims may need of a model it has."""
        ordered = [each for each in self.groups if each.order]
        has = {
            Need.HOMOGENEOUS: self.is_homogeneous,
            Need.INHOMOGENEOUS: not self.is_homogeneous,
            Need.LIPSCHITZ: self.has_lipschitz_gradient,
            Need.KINKS: not self.has_lipschitz_gradient,
            Need.SUPERQUADRATIC: self.order > 2,
            Need.QUADRATIC: self.order == 2,
            Need.GROUP: bool(ordered),
            Need.GROUPS: len(ordered) > 1,
            Need.LINEAR_GROUP: any(each.order == 1 for each in ordered),
        }
        return frozenset(need for need, is_met in has.items() if is_met)

    @abstractmethod
    def on(self, X: Array) -> Evaluation:
        """The model on samples X (n, d), ready to be evaluated at many weights."""

    @property
    @abstractmethod
    def strata(self) -> tuple[tuple[str, str], ...]:
        """What reports count instances by: pairs of a key and this model's value."""

    @abstractmethod
    def describe(self) -> str:
        """The specification in one line."""

    def parts(self, w: Array) -> dict[str, Array]:
        """The weights w (P,) by the names of their groups, each in its shape."""
        return {each.name: w[each.part].reshape(each.shape) for each in self.groups}


class SecondDerivatives(Protocol):
    """∇²(Σ r ∘ H) at one w, ready for many products, with J(X; w), the derivatives of outputs."""

    outputs: Array  # (m, n)

    def matrix(self) -> Array:
        """The matrix of second derivatives, (P, P), symmetric."""

    def product(self, direction: Array) -> Array:
        """The matrix times one direction (P,), (P,)."""

    def products(self, directions: Array) -> Array:
        """The matrix times every row of directions (k, P), (k, P)."""

    def output_jacobian(self) -> Array:
        """Derivatives of the outputs by w, in the order of `outputs`, (m·n, P)."""


class Evaluation(ABC):
    """A model on given samples. Weights w (P,) are finite floats, contiguous and not checked here;
    r (n, m) weighs outputs: with r = ȳ, Σ r ∘ H is the NCF.
    """

    model: Model
    # Whether bounds on rounding are estimates: what rests on them is no proof of anything.
    is_estimated: bool = False
    # What share of themselves second derivatives may be off by, besides rounding.
    curvature_error: float = 0.0

    @abstractmethod
    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, m)."""

    @abstractmethod
    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient J(X; w)ᵀr, (P,)."""

    def pull_back_weighed(self, w: Array, weigh: Callable[[Array], Array]) -> tuple[float, Array]:
        """`pull_back` for r = weigh(H(X; w)): for models that need not compute H twice."""
        return self.pull_back(w, weigh(self.outputs(w)))

    # Whether `pull_backs` take less time than as many `pull_back` one after the other.
    are_fast_together: bool = False

    def outputs_at(self, ws: Array) -> Array:
        """H(X; w) for every row w of ws (k, P), (k, n, m)."""
        return np.array([self.outputs(w) for w in ws])

    def pull_backs(self, ws: Array, rs: Array) -> tuple[Array, Array]:
        """`pull_back` at every row of ws (k, P), rs (k, n, m): values (k,), gradients (k, P)."""
        found = [self.pull_back(w, r) for w, r in zip(ws, rs)]
        return np.array([value for value, _ in found]), np.array([each for _, each in found])

    @abstractmethod
    def curvature(self, w: Array, r: Array) -> SecondDerivatives:
        """Second derivatives of Σ r ∘ H(X; w)."""

    @abstractmethod
    def output_bound(self, w: Array) -> Array:
        """Bound on the rounding error of every computed output, (n, m)."""

    @abstractmethod
    def bounds(self, w: Array, r: Array, settled: bool = False) -> tuple[float, Array]:
        """Bounds on the rounding errors of `pull_back`, of its value and of every entry of the
        gradient (P,); `settled`: kinks are on the side computed for them.
        """

    def hessian(self, w: Array, r: Array) -> Array:
        """The matrix of second derivatives of Σ r ∘ H(X; w), (P, P)."""
        return self.curvature(w, r).matrix()

    def curvature_product(self, w: Array, r: Array, direction: Array) -> Array:
        """Those times one direction (P,): for one product at a point, where preparing takes
        longest.
        """
        return self.curvature(w, r).product(direction)

    def projected_hessian(self, u: Array, r: Array, multiplier: float) -> Array:
        """Π(∇²N − λI)Π − |λ|uuᵀ at a unit vector u: its lower triangle (P, P), Fortran's order."""
        return projected(self.hessian(u, r), u, multiplier)

    def second_orders(self, ws: Array, curvature: Array) -> Array:
        """J(X; w)ᵀ(curvature·H(X; w)), (k, P), for every row w of ws (k, P); curvature (n, m) of
        every output, or matrices (n, m, m) that couple those of a sample.
        """
        bent = np.array([applied(curvature, each) for each in self.outputs_at(ws)])
        return self.pull_backs(ws, bent)[1]

    def head_start(self, u: Array, r: Array) -> tuple[Array, float, Array, float] | None:
        """A unit vector (P,) nearer to the KKT point that the unit vector u is near; N, ∇N and sin∠
        there. None where Newton's method may as well start from u.
        """
        return None


def projected(hessian: Array, u: Array, multiplier: float) -> Array:
    """Π(∇²N − λI)Π − |λ|uuᵀ for ∇²N (P, P), which is overwritten: its lower triangle."""
    curved = hessian @ u
    normal = curved - 0.5 * (curved @ u + multiplier - abs(multiplier)) * u
    # In Fortran's order a symmetric matrix is its transpose.
    found = dsyr2(-1.0, u, normal, a=hessian.T, lower=1, overwrite_a=1)
    found.flat[:: u.size + 1] -= multiplier
    return found
