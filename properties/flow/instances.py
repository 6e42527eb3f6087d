"""Special instances: flows about a sample's kink, layers that share their weights (theory §7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, balances, group_norms, norm
from ncfcheck.model.networks import convolution, dense
from ncfcheck.strategies.choices import composite
from ncfcheck.strategies.datasets import SEEDS
from ncfcheck.strategies.instances import given
from ncfcheck.strategies.promises import require
from ncfcheck.theory.starts import unit


@composite
def _kinked(draw, data, attracting: bool) -> Instance:
    """Networks with p = 1 and one neuron a layer, whose balanced flow moves a single direction q,
    about the kink of a sample.

    In an orthonormal frame (e, f, …) the samples are e with ȳ = −c and ae + bf with ȳ = 1. From q_e
    < 0 to q_e > 0 the gradient in q turns from (a − αc, b) to (a − c, b): towards the kink on both
    sides if α < a/c < 1, away from it if a = 0, α < 0, c < 0.
    """
    depth, d, seed = draw.integer(2 + (not attracting), 5), draw.integer(2, 5), draw(SEEDS)
    slope = draw.integer(-10, 5 if attracting else -2) / 10
    rng = np.random.default_rng(seed)
    frame = np.linalg.qr(rng.standard_normal((d, d)))[0]
    a, b = rng.uniform(0.5, 1.0), rng.uniform(0.5, 1.0)
    if attracting:
        c, q = a / max((1 + slope) / 2, 0.25), unit(frame[1] + rng.uniform(-0.3, 0.3) * frame[0])
    else:
        a, c, q = 0.0, -3 * b, frame[1]
    problem = Problem(
        dense((d, *[1] * depth), (1,) * (depth - 1), (slope, *[1.0] * (depth - 2))),
        np.stack([frame[0], a * frame[0] + b * frame[1]]),
        np.array([[-c], [1.0]]),
    )
    start = unit(np.concatenate([q, np.ones(depth - 1)]))
    return Instance(
        problem, start, families={"data": "two samples", "start": "balanced"}, seeds=(seed,)
    )


def _kink(instance: Instance, attracting: bool) -> None:
    """One neuron a layer, p_l = 1, α_1 < 1 alone, ∇N to, or from, both sides of sample 0's kink."""
    network, kink = instance.network, instance.problem.X[0]
    require(
        set(network.powers) == {1}
        and set(network.widths[1:]) == {1}
        and len(instance.problem.X) > 1,
        "one neuron a layer",
    )
    require(
        network.slopes[0] < 1 and all(slope == 1 for slope in network.slopes[1:]), "α_1 < 1 alone"
    )
    require(
        abs(norm(kink) - 1) < 1e-12 and np.linalg.matrix_rank(instance.problem.X) > 1,
        "samples in two directions",
    )
    require(attracting or instance.network.depth > 2, "three layers where the kink repels")
    norms = group_norms(network, instance.start) * network.depth
    require(bool(np.abs(norms - 1).max() < 1e-9), "a balanced start")
    first = network.slices[0]
    on_kink = instance.start[first] - (instance.start[first] @ kink) * kink
    sides = []
    for side in (-1e-9, 1e-9):
        v = instance.start.copy()
        v[first] = on_kink + side * kink
        sides.append(float(instance.ncf.gradient(v)[first] @ kink))
    below, above = sides
    if attracting:
        require(below > 1e-3 and above < -1e-3, "∇N points to the kink from both sides")
    else:
        require(below < -1e-3 and above > 1e-3, "∇N points away from the kink on both sides")
    require(attracting or abs(instance.start[first] @ kink) < 1e-12, "a start on the kink")


def _balanced(instance: Instance) -> Instance:
    """All layers of the start as large as each other."""
    first, *rest = instance.network.matrices(instance.start)
    if set(instance.network.widths[1:]) != {1} or not first.any():
        raise Inapplicable("one neuron a layer, and weights on the data")
    start = np.concatenate([unit(first[0]), *(np.sign(W[0]) for W in rest)])
    return replace(instance, start=unit(start))


kinked = given(_kinked, _kink, _balanced)


def stationary(instance) -> np.ndarray:
    """The balanced v_0 (P,) on sample 0's kink, along what is left of sample 1, N(v_0) < 0."""
    kink, other, depth = unit(instance.problem.X[0]), instance.problem.X[1], instance.network.depth
    along = unit(other - (other @ kink) * kink)
    return np.concatenate([along, np.ones(depth - 2), [-1.0]]) / np.sqrt(depth)


def convolved(instance: Instance) -> Instance:
    """The instance with a first layer whose neurons share the weights that its first one had.
    Inapplicable where these and all other layers are 0.
    """
    network = instance.network
    columns, rows = network.widths[:2]
    patterns = (convolution(rows, columns, columns), *network.patterns[1:])
    problem = replace(instance.problem, network=replace(network, patterns=patterns))
    start = np.concatenate([instance.start[:columns], instance.start[network.slices[0].stop :]])
    if not start.any():
        raise Inapplicable("no weights are left where the first layer shares those of one neuron")
    return replace(instance, problem=problem, start=unit(start))


def every_balance(network, theta: np.ndarray) -> list[np.ndarray]:
    """`balances` of the matrices as they stand, shared weights counted where they stand."""
    return balances(network, network.matrices(theta), range(network.depth - 1))
