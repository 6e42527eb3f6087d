"""Chains with biases, not homogeneous: the weights of a constant beside each layer's inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ncfcheck.model.architectures.built_in import family
from ncfcheck.model.architectures.layers import TENTHS, activation, layer, sub
from ncfcheck.model.arrays import vector
from ncfcheck.model.instance import Instance
from ncfcheck.model.models import Group
from ncfcheck.model.ncf import unit
from ncfcheck.model.networks import Network
from ncfcheck.model.program_models import ProgramModel
from ncfcheck.model.programs import Builder, Program

Array = np.ndarray


def biased_chain(net: Builder, widths, powers, slopes) -> Array:
    """Layers of these widths whose neurons have weights [row, bias]."""
    units, told = net.x, "x"
    for l, rows in enumerate(widths, 1):
        units = layer(net, f"W_{l}", rows, np.append(units, net.ones(1)))
        told = f"W{sub(l)} {told} + b{sub(l)}"
        if l < len(widths):
            units = net.power(units, powers[l - 1], slopes[l - 1])
            told = f"σ({told})"
    net.formula = f"H(x) = {told}"
    return units


@family(hidden=(1, 3), layers=(2, 3), power=(2, 3), slope=TENTHS)
def biased(net, hidden, layers, power, slope):
    """A chain with biases: a control."""
    widths, inner = [hidden] * (layers - 1) + [net.width], layers - 1
    units = biased_chain(net, widths, [power] * inner, [slope / 10] * inner)
    net.formula += f", {activation(power, slope)}"
    return units


@dataclass(frozen=True)
class Biased(ProgramModel):
    """The dense network `plain` with biases, whose orders it looks like having.

    Raises ValueError for one that is not dense.
    """

    plain: Network

    def __post_init__(self):
        widths = self.plain.widths
        if self.plain.size < sum(a * b for a, b in zip(widths, widths[1:])):
            raise ValueError(f"biases are for dense networks, not {self.plain.describe()}")

    @property
    def program(self) -> Program:
        """The program; one object for equal models."""
        return _program(self.plain)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Layers of rows [row, bias], with the orders of the network without biases."""
        pairs = zip(self.program.groups, self.plain.orders)
        return tuple(replace(group, order=order) for group, order in pairs)

    @property
    def strata(self) -> tuple[tuple[str, str], ...]:
        """Those of the network without biases."""
        return (("family", "biased"), *self.plain.strata)

    def describe(self) -> str:
        """The specification in one line."""
        return f"{self.plain.describe()} with biases"

    def with_biases(self, theta: Array, bias: float = 0.0) -> Array:
        """Weights (P,) of the plain network's weights theta, with all biases equal."""
        theta = vector(theta, self.plain.size, "theta")
        padded = [
            np.pad(W, ((0, 0), (0, 1)), constant_values=bias) for W in self.plain.matrices(theta)
        ]
        return np.concatenate([W.ravel() for W in padded])


def biased_instance(instance: Instance, share: float = 1.0) -> Instance:
    """A dense network's instance with biases: in its direction all are the same share of the mean
    size of the weights of `start`.
    """
    network = Biased(instance.network)
    start = network.with_biases(instance.start, share * float(np.abs(instance.start).mean()))
    problem = replace(instance.problem, network=network)
    return replace(instance, problem=problem, start=unit(start))


def with_constant(X: Array) -> Array:
    """Samples (n, d) beside the constant that first biases are weights of, (n, d + 1)."""
    return np.hstack([X, np.ones((len(X), 1))])


@lru_cache(maxsize=256)
def _program(plain: Network) -> Program:
    net = Builder(plain.inputs, plain.width)
    return net.finish(biased_chain(net, plain.widths[1:], plain.powers, plain.slopes))
