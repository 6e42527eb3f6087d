"""The Clarke residual at kinks of layers with p = 1, α ≠ 1 (theory §6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.arrays import finite_vector
from ncfcheck.model.identities import value_at
from ncfcheck.model.ncf import Ncf, norm
from ncfcheck.model.networks import Network

Array = np.ndarray
# A pre-activation is zero when it is this small beside what it could be, ‖row of W_l‖ times a bound
# on ‖activations below‖.
ZERO = 1e-10
ROUNDS = 100  # of the bounded least-squares problem, for every slope


@dataclass(frozen=True, eq=False)
class Kinks:
    """Zero pre-activations that count: one layer (0-based), its (neuron, sample) pairs (m, 2)."""

    layer: int
    where: Array


def clarke_residual(ncf: Ncf, u: Array) -> float:
    """Least sin∠(g, u) of Clarke subgradients g at a unit vector u (P,): slopes in [α, 1] at zeros.

    ⟨g, u⟩ = D·N(u) whatever the slopes, so that the least ‖g − ⟨g,u⟩u‖, a bounded least-squares
    problem, is the least angle. Exact for one kinked layer; raises Unresolved for more, where
    slopes multiply.
    """
    return _least_angle(ncf, finite_vector(u, ncf.network.size, "u")).value


def _least_angle(ncf: Ncf, u: Array) -> Bounded:
    """The residual, with what the least squares may be short of the least by their duality gap."""
    network, found = ncf.network, kinks(ncf, u)
    if found is None:
        return Bounded(ncf.residual(u))
    slopes = _slopes(ncf, u)
    alpha = network.slopes[found.layer]
    base = _with(slopes, found, np.full(len(found.where), alpha))
    g = _gradient(ncf, u, base)
    columns = []
    for k in range(len(found.where)):
        unit = np.full(len(found.where), alpha)
        unit[k] += 1.0
        columns.append(_gradient(ncf, u, _with(slopes, found, unit)) - g)
    along = g @ u
    tangential = g - along * u
    A = np.array(columns).T
    A, scale, bounds = A - np.outer(u, u @ A), norm(g), (0.0, 1.0 - alpha)
    # Each round moves one slope to or from a bound; some come and go several times.
    most = ROUNDS * len(found.where)
    fitted = lsq_linear(
        A / scale, -tangential / scale, bounds, tol=1e-15, method="bvls", max_iter=most
    )
    if not fitted.success:
        raise Unresolved("the least-squares problem for the slopes at kinks was not solved")
    best = tangential + A @ fitted.x
    pull, size = A.T @ (best / scale) / scale, norm(best) / scale
    gap = float(np.maximum(pull * fitted.x, pull * (fitted.x - bounds[1])).sum())
    lost = size - np.sqrt(max(0.0, size**2 - 2 * gap))
    whole = np.hypot(size, along / scale)
    return Bounded(float(size / whole), float(lost / whole))


def clarke_error(ncf: Ncf, u: Array) -> float:
    """Bound on the rounding of `clarke_residual`, given that the pre-activations it takes for zero
    are zero.

    That of the gradient, once for the gradient and once for what each kink adds, beside ⟨g, u⟩ =
    D·N(u), the least that any subgradient may be: where gradients of many samples cancel it is far
    less than any one of them. Infinite for N(u) = 0.
    """
    found = kinks(ncf, u)
    terms = 2 if found is None else 2 + 2 * len(found.where)
    bound = norm(ncf.gradient_bound(u, settled=True)[1]) * terms
    along = ncf.network.order * value_at(ncf, u)
    return (Bounded(bound) / along).size + _least_angle(ncf, u).error + 16 * EPS


def kinks(ncf: Ncf, u: Array) -> Kinks | None:
    """Zero pre-activations of layers with p = 1, α ≠ 1 that a gradient flows back to, or None."""
    network, W = ncf.network, ncf.network.matrices(u)
    if not any(p == 1 and a != 1 for p, a in zip(network.powers, network.slopes)):
        return None
    pre = _forward(ncf, u)[1]
    back = _backward(network, W, _slopes(ncf, u), ncf.ybar.T)
    found, below = [], np.linalg.norm(ncf.X, axis=1)
    for layer, (power, alpha) in enumerate(zip(network.powers, network.slopes)):
        scale = np.outer(np.linalg.norm(W[layer], axis=1), below)
        below = np.linalg.norm(scale**power, axis=0)
        if power == 1 and alpha != 1:
            felt = (W[layer + 1].T @ back[layer + 1] != 0) & ncf.X.any(axis=1)
            where = np.argwhere((np.abs(pre[layer]) <= ZERO * scale) & felt)
            if len(where):
                found.append(Kinks(layer, where))
    if len(found) > 1:
        raise Unresolved("kinks in several layers: their slopes multiply")
    return found[0] if found else None


def _activation(z: Array, power: int, alpha: float) -> tuple[Array, Array]:
    side = np.where(z >= 0, 1.0, alpha**power)
    return side * z**power, side * power * z ** (power - 1)


def _forward(ncf: Ncf, u: Array) -> tuple[list[Array], list[Array]]:
    """Activations below every layer and pre-activations of the hidden ones, samples as columns."""
    activations, pre = [ncf.X.T], []
    for W, power, alpha in zip(ncf.network.matrices(u), ncf.network.powers, ncf.network.slopes):
        pre.append(W @ activations[-1])
        activations.append(_activation(pre[-1], power, alpha)[0])
    return activations, pre


def _slopes(ncf: Ncf, u: Array) -> list[Array]:
    network = ncf.network
    return [
        _activation(z, power, alpha)[1]
        for z, power, alpha in zip(_forward(ncf, u)[1], network.powers, network.slopes)
    ]


def _with(slopes: list[Array], found: Kinks, values: Array) -> list[Array]:
    """The slopes with those at the kinks replaced by values (m,)."""
    out = list(slopes)
    out[found.layer] = slopes[found.layer].copy()
    out[found.layer][found.where[:, 0], found.where[:, 1]] = values
    return out


def _backward(network: Network, W: list[Array], slopes: list[Array], ybar: Array) -> list[Array]:
    """∂N/∂z_l of every layer, samples as columns, for given slopes."""
    deltas = [ybar]
    for matrix, slope in zip(W[:0:-1], slopes[::-1]):
        deltas.insert(0, (matrix.T @ deltas[0]) * slope)
    return deltas


def _gradient(ncf: Ncf, u: Array, slopes: list[Array]) -> Array:
    """The Clarke subgradient of N at u (P,) that these slopes select."""
    network, W = ncf.network, ncf.network.matrices(u)
    deltas = _backward(network, W, slopes, ncf.ybar.T)
    activations = _forward(ncf, u)[0]
    return network.collect([delta @ below.T for delta, below in zip(deltas, activations)])
