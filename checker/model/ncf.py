"""The neural correlation function N(u) = Σ ȳ ∘ H(X; u), gradient, residual, balance (theory §2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Any

import numpy as np
from scipy.linalg.blas import dnrm2

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.stated import must_be, shown
from ncfcheck.model.arrays import (
    Value,
    finite,
    finite_vector,
    matrix,
    not_subclassed,
    vector,
)
from ncfcheck.model.loss_functions import LossFunction
from ncfcheck.model.losses import Loss, admitted, loss_of
from ncfcheck.model.models import Evaluation, Group, Model, SecondDerivatives
from ncfcheck.model.networks import Network

NCF_HINT = "that of a problem is problem.ncf"
ROOM = 1e-140, 1e140  # squares of numbers of a size between these do not under- or overflow


def norm(vector: np.ndarray) -> float:
    """‖vector‖₂ without under- or overflow: N is 4e-37 at L = 4, p = 3; data have any scale."""
    flat = vector if vector.ndim == 1 else vector.ravel()
    return dnrm2(flat) if flat.size else 0.0


def unit(theta: np.ndarray) -> np.ndarray:
    """theta/‖theta‖; raises ValueError where that norm is 0 or not finite, TypeError for what has
    none.
    """
    try:
        with np.errstate(over="ignore"):
            size = np.linalg.norm(theta)
    except (TypeError, ValueError) as error:
        raise TypeError(f"theta is a vector of real numbers, not {shown(theta)}") from error
    if not ROOM[0] < size < ROOM[1]:
        largest = np.abs(theta).max(initial=0.0)
        if not 0 < largest < inf:
            raise ValueError(f"a vector of norm {size:g} has no direction")
        theta = theta / largest
        size = np.linalg.norm(theta)
    return theta / size


def sine(gradient: np.ndarray, u: np.ndarray) -> float:
    """sin∠ = ‖∇N − ⟨∇N,u⟩u‖/‖∇N‖ of a gradient (P,) and a unit vector u (P,); NaN where ∇N = 0."""
    size = norm(gradient)
    return norm(gradient - (gradient @ u) / (u @ u) * u) / size if size > 0 else float("nan")


class Correlation(ABC):
    """What is told of an NCF at single points: of N, ∇N and the bounds of both."""

    network: Any

    @abstractmethod
    def value_and_gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """N(u) and ∇N(u), (P,)."""

    @abstractmethod
    def gradient_bound(self, u: np.ndarray, settled: bool = False) -> tuple[float, np.ndarray]:
        """Bounds on the rounding errors of the computed N(u) and of ∇N(u), (P,); `settled`: kinks
        are on the side computed for them.
        """

    def value(self, u: np.ndarray) -> float:
        """N(u)."""
        return self.value_and_gradient(u)[0]

    def gradient(self, u: np.ndarray) -> np.ndarray:
        """∇N(u), (P,)."""
        return self.value_and_gradient(u)[1]

    def residual(self, u: np.ndarray) -> float:
        """sin∠ = ‖∇N − ⟨∇N,u⟩u‖/‖∇N‖ at a unit vector u: 0 just at KKT points; NaN where ∇N = 0."""
        u = vector(u, self.network.size, "u")
        return sine(self.gradient(u), u)

    def rounding(self, u: np.ndarray) -> tuple[float, float]:
        """Bounds on the rounding errors of the computed N(u) and, in norm, ∇N(u)."""
        value, gradient = self.gradient_bound(u)
        return value, norm(gradient)


@dataclass(frozen=True, eq=False)
class Ncf(Value, Correlation):
    """N for one network and data set: X (n, d), pseudo-labels ȳ (n, k_L), converted to float64.

    Weights u (P,) may be anything that converts to a vector of floats. Raises ValueError for data
    that do not fit the network or are not finite, and so do methods for weights; where those are
    finite but N is not, it has overflowed.
    """

    network: Model
    X: np.ndarray
    ybar: np.ndarray

    def __post_init__(self):
        for name, array in fitting(self.network, X=self.X, ybar=self.ybar).items():
            object.__setattr__(self, name, array)
        super().__post_init__()

    def __init_subclass__(cls):
        raise not_subclassed(cls, "compute what a claim needs by functions of its instance")

    @cached_property
    def on_data(self) -> Evaluation:
        """The network on X."""
        return self.network.on(self.X)

    @cached_property
    def _pull_back(self):
        """Looked up once: a tiny network's takes no longer than a few look-ups."""
        return self.on_data.pull_back

    def value_and_gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """N(u) and ∇N(u), (P,)."""
        u = vector(u, self.network.size, "u")
        value, gradient = self._pull_back(u, self.ybar)
        if not isfinite(value):  # whatever weight is not finite, N is not either
            finite(u, "u")
        return value, gradient

    def hessian(self, u: np.ndarray) -> np.ndarray:
        """∇²N(u), (P, P); at a kink of p = 2 the one of the side that counts z = 0 as positive."""
        return self.on_data.hessian(self._finite(u), self.ybar)

    def projected_hessian(self, u: np.ndarray, multiplier: float) -> np.ndarray:
        """Π(∇²N − λI)Π − |λ|uuᵀ at a unit vector u, Π across u: its lower triangle (P, P), in
        Fortran's order.
        """
        return self.on_data.projected_hessian(self._finite(u), self.ybar, multiplier)

    def head_start(self, u: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, float] | None:
        """A unit vector (P,) nearer to the KKT point that the unit vector u is near; N, ∇N and sin∠
        there: for few parameters, None for many.
        """
        return self.on_data.head_start(self._finite(u), self.ybar)

    def curvature(self, u: np.ndarray) -> SecondDerivatives:
        """∇²N at u (P,), ready for products with many directions."""
        return self.on_data.curvature(self._finite(u), self.ybar)

    def curvature_product(self, u: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """∇²N(u)·direction, (P,): for one product at a point, where preparing takes longest."""
        direction = finite_vector(direction, self.network.size, "direction")
        return self.on_data.curvature_product(self._finite(u), self.ybar, direction)

    def gradient_bound(self, u: np.ndarray, settled: bool = False) -> tuple[float, np.ndarray]:
        """The same as `rounding` for N(u) and every entry of ∇N(u), (P,); `settled`: kinks are on
        the side computed for them. Raises TypeError for a `settled` that is not True or False.
        """
        must_be(bool, "settled", settled)
        return self.on_data.bounds(self._finite(u), self.ybar, settled)

    def _finite(self, u: np.ndarray) -> np.ndarray:
        return finite_vector(u, self.network.size, "u")


@dataclass(frozen=True, eq=False)
class Problem(Value):
    """Data and loss a network is trained on: X (n, d), labels y (n, k_L), converted to float64; the
    loss, a `LossFunction` of your own, or a name.

    Weights w (P,) may be anything that converts to a vector of floats. Raises ValueError for shapes
    that do not fit the network, entries that are not finite, no loss, and labels that the loss does
    not have: those of the logistic loss are ±1. What of a loss of your own is not what it should be
    is a ValueError or TypeError, too.
    """

    network: Model
    X: np.ndarray
    y: np.ndarray
    loss: Loss | LossFunction = Loss.SQUARE

    def __post_init__(self):
        for name, array in fitting(self.network, X=self.X, y=self.y).items():
            object.__setattr__(self, name, array)
        object.__setattr__(self, "loss", loss_of(self.loss))
        admitted(self.loss, self.y)
        super().__post_init__()

    def __init_subclass__(cls):
        raise not_subclassed(cls, "put more parts into a subclass of Instance")

    @cached_property
    def ncf(self) -> Ncf:
        """The NCF of the data and the loss's pseudo-labels."""
        return Ncf(self.network, self.X, self.loss.pseudo_labels(self.y))

    def outputs(self, w: np.ndarray) -> np.ndarray:
        """H(X; w), (n, k_L)."""
        w = finite_vector(w, self.network.size, "w")
        return self.ncf.on_data.outputs(w)

    def output_bound(self, w: np.ndarray) -> np.ndarray:
        """Bound on the rounding error of every computed output H(x_i; w), (n, k_L)."""
        w = finite_vector(w, self.network.size, "w")
        return self.ncf.on_data.output_bound(w)

    def training_loss(self, w: np.ndarray) -> float:
        """𝓛(w) = Σ ℓ(H(x_i; w), y_i)."""
        return self.loss.total(self.outputs(w), self.y)

    def training_gradient(self, w: np.ndarray) -> np.ndarray:
        """∇𝓛(w), (P,), of the loss 𝓛(w) = Σ ℓ(H(x_i; w), y_i)."""
        w = finite_vector(w, self.network.size, "w")
        return -self.ncf.on_data.pull_back(w, self.loss.descent(self.outputs(w), self.y))[1]


def fitting(network: Model, X, **labels) -> dict[str, np.ndarray]:
    """X (n, d) and labels (n, k_L) as finite floats, by name. Raises ValueError unless they fit."""
    if not isinstance(network, Model):
        raise TypeError(f"network must be a Network, not a {type(network).__name__}")
    ((name, y),) = labels.items()
    sizes = np.shape(X), np.shape(y)
    samples = sizes[0][0] if sizes[0] else 0
    expected = (samples, network.inputs), (samples, network.width)
    if sizes != expected or samples == 0:
        raise ValueError(
            f"X {sizes[0]} and {name} {sizes[1]} do not fit: expected {expected[0]} and "
            f"{expected[1]}, one sample at least"
        )
    shapes = zip(("X", name), (X, y), expected)
    return {each: finite(matrix(array, shape, each), each) for each, array, shape in shapes}


def neuron_balance(network: Network, theta: np.ndarray) -> list[np.ndarray]:
    """`balances` for every hidden layer between two unshared layers; theta (P,)."""
    return balances(network, network.matrices(theta), network.between_unshared)


def balances(network: Network, matrices, layers) -> list[np.ndarray]:
    """‖row_j(W_l)‖² − p_l ‖col_j(W_{l+1})‖² for every one of the hidden layers, counted from 0,
    each (k_l,); matrices of numbers of any ring (theory §3).
    """
    squares = [W * W for W in matrices]
    return [squares[l].sum(axis=1) - network.powers[l] * squares[l + 1].sum(axis=0) for l in layers]


def euler_sides(network: Network, theta, gradient, value) -> tuple:
    """⟨θ, ∇N⟩ and D·N, which are equal (theory §1); θ and ∇N (P,) of numbers of any ring."""
    return gradient @ theta, network.order * value


def ordered(network: Model) -> list[Group]:
    """The groups of weights in which H is homogeneous alone, of orders above 0: the layers of a
    layered network.
    """
    return [group for group in network.groups if group.order]


def group_euler_sides(network: Model, theta, gradient, value) -> list[tuple]:
    """⟨θ_g, ∂N/∂θ_g⟩ and P_g·N, which are equal, for every group with an order."""
    return [
        (gradient[group.part] @ theta[group.part], group.order * value)
        for group in ordered(network)
    ]


def sign_flipped(network: Model, theta: np.ndarray) -> np.ndarray:
    """The weights (P,) with W_L negated, (P,): N → −N; of other models than layered ones the last
    group of order 1. Raises Inapplicable where there is none.
    """
    flipped = finite_vector(theta, network.size, "theta").copy()
    linear = [group.part for group in ordered(network) if group.order == 1]
    if not linear:
        raise Inapplicable("no group of weights of order 1, whose sign may be that of H")
    flipped[linear[-1]] *= -1
    return flipped


def is_odd(ncf: Ncf, theta: np.ndarray) -> bool:
    """Whether `sign_flipped` flips the sign of H, as far as is seen at θ (P,) and at a point beside
    it: a group of order 1 may be |θ_g| as well. Layered networks are linear in W_L.
    """
    if isinstance(ncf.network, Network):
        return True
    if not any(group.order == 1 for group in ordered(ncf.network)):
        return False
    aside = norm(theta) * unit(np.random.default_rng(0).standard_normal(theta.size))
    for each in (theta, theta + aside):
        flipped, on_data = sign_flipped(ncf.network, each), ncf.on_data
        left = np.abs(on_data.outputs(flipped) + on_data.outputs(each))
        if (left > on_data.output_bound(flipped) + on_data.output_bound(each)).any():
            return False
    return True


def group_norms(network: Model, theta: np.ndarray) -> np.ndarray:
    """‖θ_g‖² of every group with an order, (groups,): of a layered network, every layer's own
    parameters, (L,); θ (P,).
    """
    return np.array(group_squares(network, finite_vector(theta, network.size, "theta")))


def group_squares(network: Model, theta) -> list:
    """The same of θ (P,) of numbers of any ring."""
    return [theta[group.part] @ theta[group.part] for group in ordered(network)]


def group_balance(network: Model, theta: np.ndarray) -> list[np.ndarray]:
    """‖θ_g‖²/P_g − ‖θ_h‖²/P_h of groups with an order, each less the one after it; θ (P,)."""
    orders = np.array([group.order for group in ordered(network)])
    return [-np.diff(group_norms(network, theta) / orders)]
