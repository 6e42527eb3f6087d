"""Networks with biases, not homogeneous: weights of a constant unit in every layer (theory §1).

A biased network is a homogeneous one of width k_l + 1 with some weights frozen: the unit added to a
layer passes on the constant 1 that is appended to every sample, and nothing else. What is left free
are the weights and one bias a neuron.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ncfcheck.model import rounding
from ncfcheck.model.arrays import Value, vector
from ncfcheck.model.kernels import gradients
from ncfcheck.model.loss_functions import LossFunction
from ncfcheck.model.losses import NCF_CODE, Loss
from ncfcheck.model.models import Group
from ncfcheck.model.ncf import Correlation, Problem, unit
from ncfcheck.model.networks import DENSE, Network, masked

Array = np.ndarray


@dataclass(frozen=True)
class BiasedNetwork:
    """The network `plain`, dense, with biases: what is said of its order is said of `plain`.

    A flat vector (size,) holds the free weights only, layer by layer.
    """

    plain: Network

    @property
    def powers(self) -> tuple[int, ...]:
        """(p_1, …, p_{L−1})."""
        return self.plain.powers

    @property
    def slopes(self) -> tuple[float, ...]:
        """(α_1, …, α_{L−1})."""
        return self.plain.slopes

    @property
    def orders(self) -> tuple[int, ...]:
        """(P_1, …, P_L) of the network without biases."""
        return self.plain.orders

    @property
    def order(self) -> int:
        """D of the network without biases."""
        return self.plain.order

    @cached_property
    def extended(self) -> Network:
        """The homogeneous network with the constant units: frozen weights and zeros included."""
        widths = (*(width + 1 for width in self.plain.widths[:-1]), self.plain.widths[-1])
        patterns = (*map(_pattern, widths[:-2], widths[1:-1]), DENSE)
        return Network(widths, self.plain.powers, self.plain.slopes, patterns)

    @cached_property
    def frozen(self) -> Array:
        """Which are not free, (extended.size,): the 1 that feeds each constant unit, its last."""
        frozen = np.zeros(self.extended.size, dtype=bool)
        frozen[[part.stop - 1 for part in self.extended.slices[:-1]]] = True
        return frozen

    @cached_property
    def size(self) -> int:
        """Number of free weights."""
        return int((~self.frozen).sum())

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each layer's weights and biases stand."""
        free = [np.count_nonzero(~self.frozen[part]) for part in self.extended.slices]
        ends = np.cumsum([0, *free])
        return tuple(slice(int(start), int(stop)) for start, stop in zip(ends[:-1], ends[1:]))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Those, with the orders of the network without biases."""
        parts = enumerate(zip(self.slices, self.orders))
        return tuple(
            Group(f"W_{l + 1}", part, (part.stop - part.start,), order)
            for l, (part, order) in parts
        )

    def expand(self, free: Array) -> Array:
        """Weights of `extended` for the free ones (size,)."""
        theta = np.ones(self.extended.size)
        theta[~self.frozen] = vector(free, self.size, "the free weights")
        return theta

    def unbiased(self, theta: Array) -> Array:
        """Free weights, (size,), of the plain network's weights theta and zero biases."""
        matrices = [np.pad(W, ((0, 1), (0, 1))) for W in self.plain.matrices(theta)]
        return self.extended.flatten([*matrices[:-1], matrices[-1][:-1]])[~self.frozen]

    def matrices(self, free: Array) -> list[Array]:
        """Weight matrices of `extended`."""
        return self.extended.matrices(self.expand(free))

    def collect(self, matrices) -> Array:
        """Derivatives in the free weights, (size,), from those in the entries of the matrices."""
        return self.extended.collect(matrices)[~self.frozen]


def _pattern(columns: int, rows: int):
    """A dense layer whose last row, the constant unit, only hears the constant before it."""
    mask = np.ones((rows, columns), dtype=bool)
    mask[-1, :-1] = False
    return masked(mask)


@dataclass(frozen=True, eq=False)
class BiasedNcf(Value, Correlation):
    """N and its gradient in the free weights; X with the constant appended."""

    network: BiasedNetwork
    X: Array
    ybar: Array

    @cached_property
    def columns(self) -> Array:
        """Samples as columns, as the kernels take them."""
        return np.array(self.X.T, order="C")

    def value_and_gradient(self, u: Array) -> tuple[float, Array]:
        """N(u) and ∇N(u), (size,)."""
        return self.pull_back(u, self.ybar)

    def field(self) -> Callable[[Array], Array]:
        """∇N as a function of the free weights, for many calls."""
        return _field(self, self.ybar, NCF_CODE)

    def pull_back(self, u: Array, weights: Array) -> tuple[float, Array]:
        """Σ weights ∘ H(X; u), weights (n, k_L), and its gradient in the free weights."""
        network, weights = self.network, np.array(weights.T, order="C")
        value, gradient = gradients.correlation(
            network.extended.layout, network.expand(u), self.columns, weights
        )
        return float(value), gradient[~network.frozen]

    def gradient_bound(self, u: Array, settled: bool = False) -> tuple[float, Array]:
        """Bounds on the rounding of N(u) and of every entry of its gradient in the free weights."""
        network = self.network
        weights = np.array(self.ybar.T, order="C")
        value, gradient = rounding.gradient_bound(
            network.extended.layout, network.expand(u), self.columns, weights, settled
        )
        return value, gradient[~network.frozen]


def _field(ncf: BiasedNcf, labels: Array, code: int) -> Callable[[Array], Array]:
    """Jᵀ(−ℓ') in the free weights, of a loss and labels (n, k_L)."""
    network, y = ncf.network.extended, np.array(labels.T, order="C")
    free, theta = np.flatnonzero(~ncf.network.frozen), np.ones(network.size)
    weights, gradient = np.empty(y.shape), np.empty(network.size)
    work = gradients.workspace(network.layout, y.shape[1])

    def field(w: Array) -> Array:
        theta[free] = w
        data = network.layout, theta, ncf.columns, y, code, 1.0, 1.0
        gradients.pull_back(*data, weights, work, gradient)
        return gradient[free]

    return field


@dataclass(frozen=True, eq=False)
class BiasedProblem(Value):
    """Data and loss of a biased network: what claims about single points ask of a `Problem`."""

    network: BiasedNetwork
    X: Array
    y: Array
    loss: Loss | LossFunction

    def __post_init__(self):
        Problem(self.network.extended, self.X, self.y, self.loss)
        super().__post_init__()

    @cached_property
    def ncf(self) -> BiasedNcf:
        """The NCF in the free weights."""
        return BiasedNcf(self.network, self.X, self.loss.pseudo_labels(self.y))

    def field(self) -> Callable[[Array], Array]:
        """−∇𝓛 as a function of the free weights, for many calls."""
        return _field(self.ncf, self.y, self.loss.code)

    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, k_L)."""
        layout, theta = self.network.extended.layout, self.network.expand(w)
        return gradients.output(layout, theta, self.ncf.columns).T

    def output_bound(self, w: Array) -> Array:
        """Bound on the rounding error of every computed output, (n, k_L)."""
        layout, theta = self.network.extended.layout, self.network.expand(w)
        return rounding.output_bound(layout, theta, self.ncf.columns)

    def training_loss(self, w: Array) -> float:
        """𝓛(w) = Σ ℓ(H(x_i; w), y_i)."""
        return self.loss.total(self.outputs(w), self.y)


@dataclass(frozen=True, eq=False)
class BiasedInstance(Value):
    """What claims about single points ask of an instance, for a network with biases."""

    problem: BiasedProblem
    start: Array

    @property
    def ncf(self) -> BiasedNcf:
        """The problem's NCF."""
        return self.problem.ncf

    @property
    def network(self) -> BiasedNetwork:
        """The problem's network."""
        return self.problem.network


def biased(instance) -> BiasedInstance:
    """A dense network's instance with biases: in its direction they all equal the mean size of
    the weights of `start`.
    """
    problem, network = instance.problem, BiasedNetwork(instance.network)
    X = np.hstack([problem.X, np.ones((len(problem.X), 1))])
    rows = (row for W in instance.network.matrices(instance.start) for row in W)
    bias = float(np.abs(instance.start).mean())
    start = unit(np.concatenate([[*row, bias] for row in rows]))
    return BiasedInstance(BiasedProblem(network, X, problem.y, problem.loss), start)
