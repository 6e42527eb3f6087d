"""The neural correlation function N(u) = Σ ȳ ∘ H(X; u), gradient, residual, balance (theory §2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Any

import numpy as np
from scipy.linalg.blas import dnrm2, dsyr2

from ncfcheck.core.stated import must_be, shown
from ncfcheck.model.arrays import (
    Value,
    finite,
    finite_vector,
    matrix,
    not_subclassed,
    read_only,
    vector,
)
from ncfcheck.model.curvature import Curvature
from ncfcheck.model.kernels import gradients, tangents
from ncfcheck.model.kernels.newton import head_start, projected_hessian
from ncfcheck.model.losses import Loss
from ncfcheck.model.networks import Layout, Network
from ncfcheck.model.rounding import gradient_bound, output_bound

NCF_HINT = "that of a problem is problem.ncf"
ROOM = 1e-140, 1e140  # squares of numbers of a size between these do not under- or overflow
FEW = 40  # parameters up to which the compiled matrix of second derivatives is faster than numpy's


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


def projected(hessian: np.ndarray, u: np.ndarray, multiplier: float) -> np.ndarray:
    """`Ncf.projected_hessian` of ∇²N (P, P), which is overwritten."""
    curved = hessian @ u
    normal = curved - 0.5 * (curved @ u + multiplier - abs(multiplier)) * u
    # In Fortran's order a symmetric matrix is its transpose.
    matrix = dsyr2(-1.0, u, normal, a=hessian.T, lower=1, overwrite_a=1)
    matrix.flat[:: u.size + 1] -= multiplier
    return matrix


@dataclass(frozen=True, eq=False)
class Ncf(Value, Correlation):
    """N for one network and data set: X (n, d), pseudo-labels ȳ (n, k_L), converted to float64.

    Weights u (P,) may be anything that converts to a vector of floats. Raises ValueError for data
    that do not fit the network or are not finite, and so do methods for weights; where those are
    finite but N is not, it has overflowed.
    """

    network: Network
    X: np.ndarray
    ybar: np.ndarray

    def __post_init__(self):
        for name, array in fitting(self.network, X=self.X, ybar=self.ybar).items():
            object.__setattr__(self, name, array)
        super().__post_init__()

    def __init_subclass__(cls):
        raise not_subclassed(cls, "compute what a claim needs by functions of its instance")

    @cached_property
    def columns(self) -> np.ndarray:
        """Samples as columns (d, n), as the kernels take them."""
        return read_only(self._columns)

    @cached_property
    def ybar_columns(self) -> np.ndarray:
        """Pseudo-labels as columns (k_L, n)."""
        return read_only(self._ybar_columns)

    # Kernels are compiled for arrays that can be written to: of others, once more.
    @cached_property
    def _columns(self) -> np.ndarray:
        return np.array(self.X.T, order="C")

    @cached_property
    def _ybar_columns(self) -> np.ndarray:
        return np.array(self.ybar.T, order="C")

    def value_and_gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """N(u) and ∇N(u), (P,)."""
        network = self.network
        u = vector(u, network.size, "u")
        value, gradient = gradients.correlation(
            network.layout, u, self._columns, self._ybar_columns
        )
        if not isfinite(value):  # whatever weight is not finite, N is not either
            finite(u, "u")
        return value, gradient

    def hessian(self, u: np.ndarray) -> np.ndarray:
        """∇²N(u), (P, P); at a kink of p = 2 the one of the side that counts z = 0 as positive."""
        if self.network.size > FEW:
            return self.curvature(u).matrix()
        return tangents.curvature_matrix(*self._at(u))

    def projected_hessian(self, u: np.ndarray, multiplier: float) -> np.ndarray:
        """Π(∇²N − λI)Π − |λ|uuᵀ at a unit vector u, Π across u: its lower triangle (P, P), in
        Fortran's order.
        """
        layout, u, X, ybar = self._at(u)
        if u.size <= FEW:
            return projected_hessian(layout, u, X, ybar, float(multiplier)).T
        return projected(self.hessian(u), u, multiplier)

    def newton(self, u: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, float]:
        """A unit vector (P,) nearer to the KKT point that the unit vector u is near; N, ∇N and sin∠
        there: for few parameters.
        """
        return head_start(*self._at(u))

    def curvature(self, u: np.ndarray) -> Curvature:
        """∇²N at u (P,), ready for products with many directions."""
        return Curvature(*self._at(u))

    def curvature_product(self, u: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """∇²N(u)·direction, (P,): for one product at a point, where preparing takes longest."""
        layout, u, X, ybar = self._at(u)
        direction = finite_vector(direction, u.size, "direction")
        return tangents.curvature_product(layout, u, direction, X, ybar)

    def gradient_bound(self, u: np.ndarray, settled: bool = False) -> tuple[float, np.ndarray]:
        """The same as `rounding` for N(u) and every entry of ∇N(u), (P,); `settled`: kinks are on
        the side computed for them. Raises TypeError for a `settled` that is not True or False.
        """
        must_be(bool, "settled", settled)
        return gradient_bound(*self._at(u), settled)

    def _at(self, u: np.ndarray) -> tuple[Layout, np.ndarray, np.ndarray, np.ndarray]:
        """What kernels take: layout, u, samples and pseudo-labels as columns."""
        u = finite_vector(u, self.network.size, "u")
        return self.network.layout, u, self._columns, self._ybar_columns


@dataclass(frozen=True, eq=False)
class Problem(Value):
    """Data and loss a network is trained on: X (n, d), labels y (n, k_L), converted to float64; the
    loss or its name.

    Weights w (P,) may be anything that converts to a vector of floats. Raises ValueError for shapes
    that do not fit the network, entries that are not finite, no loss, and labels that the loss does
    not have: those of the logistic loss are ±1.
    """

    network: Network
    X: np.ndarray
    y: np.ndarray
    loss: Loss = Loss.SQUARE

    def __post_init__(self):
        for name, array in fitting(self.network, X=self.X, y=self.y).items():
            object.__setattr__(self, name, array)
        object.__setattr__(self, "loss", Loss(self.loss))  # type: ignore[call-arg]
        self.loss.labels.refuse_others(self.y, str(self.loss))
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
        return gradients.output(self.network.layout, w, self.ncf._columns).T

    def output_bound(self, w: np.ndarray) -> np.ndarray:
        """Bound on the rounding error of every computed output H(x_i; w), (n, k_L)."""
        w = finite_vector(w, self.network.size, "w")
        return output_bound(self.network.layout, w, self.ncf._columns)

    def training_loss(self, w: np.ndarray) -> float:
        """𝓛(w) = Σ ℓ(H(x_i; w), y_i)."""
        return self.loss.total(self.outputs(w), self.y)

    def training_gradient(self, w: np.ndarray) -> np.ndarray:
        """∇𝓛(w), (P,), of the loss 𝓛(w) = Σ ℓ(H(x_i; w), y_i)."""
        w = finite_vector(w, self.network.size, "w")
        descent = np.array(self.loss.descent(self.outputs(w), self.y).T, order="C")
        return -gradients.correlation(self.network.layout, w, self.ncf._columns, descent)[1]


def fitting(network: Network, X, **labels) -> dict[str, np.ndarray]:
    """X (n, d) and labels (n, k_L) as finite floats, by name. Raises ValueError unless they fit."""
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, not a {type(network).__name__}")
    ((name, y),) = labels.items()
    sizes = np.shape(X), np.shape(y)
    samples = sizes[0][0] if sizes[0] else 0
    expected = (samples, network.widths[0]), (samples, network.widths[-1])
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


def layer_euler_sides(network: Network, theta, gradient, value) -> list[tuple]:
    """⟨θ_l, ∂N/∂θ_l⟩ and P_l·N, which are equal, for every layer."""
    parts = zip(network.slices, network.orders)
    return [(gradient[part] @ theta[part], order * value) for part, order in parts]


def sign_flipped(network: Network, theta: np.ndarray) -> np.ndarray:
    """The weights (P,) with W_L negated, (P,): N → −N."""
    flipped = finite_vector(theta, network.size, "theta").copy()
    flipped[network.slices[-1]] *= -1
    return flipped


def layer_norms(network: Network, theta: np.ndarray) -> np.ndarray:
    """‖θ_l‖² of every layer's own parameters, (L,); θ (P,)."""
    return np.array(layer_squares(network, finite_vector(theta, network.size, "theta")))


def layer_squares(network: Network, theta) -> list:
    """The same of θ (P,) of numbers of any ring."""
    return [theta[part] @ theta[part] for part in network.slices]
