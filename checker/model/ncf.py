"""The neural correlation function N(u) = Σ ȳ ∘ H(X; u), gradient, residual, balance (theory §2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg.blas import dnrm2, dsyr2

from ncfcheck.model.curvature import Curvature
from ncfcheck.model.kernels import gradients, tangents
from ncfcheck.model.kernels.newton import head_start, projected_hessian
from ncfcheck.model.losses import Loss
from ncfcheck.model.networks import Network
from ncfcheck.model.rounding import gradient_bound, output_bound

FEW = 40  # parameters up to which the compiled matrix of second derivatives is faster than numpy's


def norm(vector: np.ndarray) -> float:
    """‖vector‖₂ without under- or overflow: N is 4e-37 at L = 4, p = 3; data have any scale."""
    flat = vector if vector.ndim == 1 else vector.ravel()
    return dnrm2(flat) if flat.size else 0.0


def unit(theta: np.ndarray) -> np.ndarray:
    """theta/‖theta‖; raises ValueError for zero."""
    size = np.linalg.norm(theta)
    if size == 0:
        raise ValueError("the zero vector has no direction")
    return theta / size


def sine(gradient: np.ndarray, u: np.ndarray) -> float:
    """sin∠ = ‖∇N − ⟨∇N,u⟩u‖/‖∇N‖ of a gradient (P,) and a unit vector u (P,); NaN where ∇N = 0."""
    size = norm(gradient)
    return norm(gradient - (gradient @ u) / (u @ u) * u) / size if size > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class Ncf:
    """N for one network and data set: X (n, d), pseudo-labels ȳ (n, k_L)."""

    network: Network
    X: np.ndarray
    ybar: np.ndarray

    @cached_property
    def columns(self) -> np.ndarray:
        """Samples as columns (d, n), as the kernels take them."""
        return np.ascontiguousarray(self.X.T)

    @cached_property
    def ybar_columns(self) -> np.ndarray:
        """Pseudo-labels as columns (k_L, n)."""
        return np.ascontiguousarray(self.ybar.T)

    def value_and_gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """N(u) and ∇N(u), (P,)."""
        value, gradient = gradients.correlation(
            self.network.layout, np.ascontiguousarray(u), self.columns, self.ybar_columns
        )
        return float(value), gradient

    def value(self, u: np.ndarray) -> float:
        """N(u)."""
        return self.value_and_gradient(u)[0]

    def gradient(self, u: np.ndarray) -> np.ndarray:
        """∇N(u), (P,)."""
        return self.value_and_gradient(u)[1]

    def residual(self, u: np.ndarray) -> float:
        """sin∠ = ‖∇N − ⟨∇N,u⟩u‖/‖∇N‖ at a unit vector u: 0 just at KKT points; NaN where ∇N = 0."""
        return sine(self.gradient(u), u)

    def hessian(self, u: np.ndarray) -> np.ndarray:
        """∇²N(u), (P, P); at a kink of p = 2 the one of the side that counts z = 0 as positive."""
        if u.size > FEW:
            return self.curvature(u).matrix()
        return tangents.curvature_matrix(
            self.network.layout, np.ascontiguousarray(u), self.columns, self.ybar_columns
        )

    def projected_hessian(self, u: np.ndarray, multiplier: float) -> np.ndarray:
        """Π(∇²N − λI)Π − |λ|uuᵀ at a unit vector u, Π across u: its lower triangle (P, P), in
        Fortran's order.
        """
        if u.size <= FEW:
            u = np.ascontiguousarray(u)
            return projected_hessian(
                self.network.layout, u, self.columns, self.ybar_columns, float(multiplier)
            ).T
        matrix = self.hessian(u)
        curved = matrix @ u
        normal = curved - 0.5 * (curved @ u + multiplier - abs(multiplier)) * u
        # In Fortran's order a symmetric matrix is its transpose.
        matrix = dsyr2(-1.0, u, normal, a=matrix.T, lower=1, overwrite_a=1)
        matrix.flat[:: u.size + 1] -= multiplier
        return matrix

    def newton(self, u: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, float]:
        """A unit vector (P,) nearer to the KKT point that the unit vector u is near; N, ∇N and sin∠
        there: for few parameters.
        """
        return head_start(
            self.network.layout, np.ascontiguousarray(u), self.columns, self.ybar_columns
        )

    def curvature(self, u: np.ndarray) -> Curvature:
        """∇²N at u (P,), ready for products with many directions."""
        return Curvature(self.network.layout, u, self.columns, self.ybar_columns)

    def curvature_product(self, u: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """∇²N(u)·direction, (P,): for one product at a point, where preparing takes longest."""
        point, direction = map(np.ascontiguousarray, (u, direction))
        return tangents.curvature_product(
            self.network.layout, point, direction, self.columns, self.ybar_columns
        )

    def rounding(self, u: np.ndarray) -> tuple[float, float]:
        """Bounds on the rounding errors of the computed N(u) and, in norm, ∇N(u)."""
        value, gradient = self.gradient_bound(u)
        return value, norm(gradient)

    def gradient_bound(self, u: np.ndarray, settled: bool = False) -> tuple[float, np.ndarray]:
        """The same for N(u) and ∇N(u), (P,); `settled`: kinks are on the side computed for them."""
        return gradient_bound(self.network, u, self.X, self.ybar, settled)


@dataclass(frozen=True, eq=False)
class Problem:
    """Data and loss a network is trained on: X (n, d), labels y (n, k_L).

    Raises ValueError for shapes that do not fit the network, and for entries that are not finite.
    """

    network: Network
    X: np.ndarray
    y: np.ndarray
    loss: Loss = Loss.SQUARE

    def __post_init__(self):
        expected = (len(self.X), self.network.widths[0]), (len(self.X), self.network.widths[-1])
        if (np.shape(self.X), np.shape(self.y)) != expected or len(self.X) == 0:
            raise ValueError(
                f"X {np.shape(self.X)} and y {np.shape(self.y)} do not fit: expected {expected[0]} "
                f"and {expected[1]}"
            )
        if not (np.isfinite(self.X).all() and np.isfinite(self.y).all()):
            raise ValueError("X and y must be finite")

    @cached_property
    def ncf(self) -> Ncf:
        """The NCF of the data and the loss's pseudo-labels."""
        return Ncf(self.network, self.X, self.loss.pseudo_labels(self.y))

    def outputs(self, w: np.ndarray) -> np.ndarray:
        """H(X; w), (n, k_L)."""
        return gradients.output(self.network.layout, np.ascontiguousarray(w), self.ncf.columns).T

    def output_bound(self, w: np.ndarray) -> np.ndarray:
        """Bound on the rounding error of every computed output H(x_i; w), (n, k_L)."""
        return output_bound(self.network, w, self.X)

    def training_loss(self, w: np.ndarray) -> float:
        """𝓛(w) = Σ ℓ(H(x_i; w), y_i)."""
        return self.loss.total(self.outputs(w), self.y)

    def training_gradient(self, w: np.ndarray) -> np.ndarray:
        """∇𝓛(w), (P,), of the loss 𝓛(w) = Σ ℓ(H(x_i; w), y_i)."""
        descent = np.ascontiguousarray(self.loss.descent(self.outputs(w), self.y).T)
        w = np.ascontiguousarray(w)
        return -gradients.correlation(self.network.layout, w, self.ncf.columns, descent)[1]


def neuron_balance(network: Network, theta: np.ndarray) -> list[np.ndarray]:
    """`balances` for every hidden layer between two unshared layers."""
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
    """The weights with W_L negated, (P,): N → −N."""
    flipped = theta.copy()
    flipped[network.slices[-1]] *= -1
    return flipped


def layer_norms(network: Network, theta: np.ndarray) -> np.ndarray:
    """‖θ_l‖² of every layer's own parameters, (L,)."""
    return np.array([theta[part] @ theta[part] for part in network.slices])
