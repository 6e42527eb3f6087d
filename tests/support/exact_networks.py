"""Instances that certificates are tried on, and the engine's numbers for them."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import Claim, Outcome
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.instance import Instance
from ncfcheck.model.kernels import gradients
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Ncf, Problem
from ncfcheck.model.networks import Network, convolution, dense
from ncfcheck.strategies.draw import draw
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import unit
from tests.support.layered import layered


def first_violation(claim: Claim, seed: int = 0):
    """The first instance drawn that violates the claim."""
    return next(
        each
        for each in draw(layered(claim).strategy(), 30, seed, simplest=False)
        if claim.judge(each)[0] is Outcome.VIOLATES
    )


def drawn(seed: int) -> Instance:
    """A random net of two to four layers and any kinks; every third has a convolution for its first
    layer.
    """
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(2, 5))
    widths = (*(int(k) for k in rng.integers(1, 4, depth)), int(rng.integers(1, 3)))
    powers = tuple(int(p) for p in rng.integers(1, 4, depth - 1))
    network = dense(widths, powers, tuple(rng.choice([0.0, 1.0, 0.5, -1.0, 0.1, -0.3], depth - 1)))
    if seed % 3 == 0:
        network = Network(
            widths,
            powers,
            network.slopes,
            (convolution(widths[1], widths[0], widths[0]), *network.patterns[1:]),
        )
    problem = Problem(
        network, rng.standard_normal((4, widths[0])), rng.standard_normal((4, widths[-1]))
    )
    return Instance(problem, unit(rng.standard_normal(network.size)), seeds=(seed,))


def limit(depth: int, seed: int):
    """A network with p = 2, its NCF, and the limit of the NCF flow from a random start."""
    rng = np.random.default_rng(seed)
    network = dense((3, *(3,) * (depth - 1), 1), (2,) * (depth - 1), (0.3,) * (depth - 1))
    ncf = Ncf(network, rng.standard_normal((8, 3)), rng.standard_normal((8, 1)))
    return (
        network,
        ncf,
        positive_limit(ncf, unit(rng.standard_normal(network.size)), Numerics()).point.u,
    )


def continuum():
    """The same of a linear network of three layers, where KKT points are no isolated ones."""
    rng = np.random.default_rng(1)
    network = dense((3, 2, 2, 1), (1, 1), (1.0, 1.0))
    ncf = Ncf(network, rng.standard_normal((6, 3)), rng.standard_normal((6, 1)))
    start = unit(rng.standard_normal(network.size))
    return network, ncf, positive_limit(ncf, start, Numerics()).point.u


def smooth(seed: int) -> tuple[Instance, float]:
    """A small random net with Lipschitz ∇H, and a δ; every third of logistic loss."""
    rng, logistic = np.random.default_rng(seed), seed % 3 == 2
    widths = [(1, 1, 1), (2, 2, 1), (1, 2, 1, 1), (2, 1, 2)][seed % 4]
    powers = tuple(int(p) for p in rng.integers(1, 4, len(widths) - 2))
    network = dense(widths, powers, [1.0 if p == 1 else float(rng.uniform(-1, 1)) for p in powers])
    y = rng.standard_normal((3, widths[-1]))
    loss = Loss.LOGISTIC if logistic else Loss.SQUARE
    problem = Problem(
        network, rng.standard_normal((3, widths[0])), np.sign(y) if logistic else y, loss
    )
    return Instance(problem, unit(rng.standard_normal(network.size))), 0.01 if logistic else float(
        rng.choice([0.1, 1.0])
    )


def right_hand_side(instance: Instance, delta: float):
    """ṡ of the rescaled loss flow, or of the NCF flow where δ = 0, as a function of (t, s), by the
    engine.
    """
    problem, network = instance.problem, instance.network

    def rate(_, s):
        x = delta**network.order * problem.outputs(s)
        descent = (
            problem.y - x
            if problem.loss is Loss.SQUARE
            else problem.y / (1 + np.exp(problem.y * x))
        )
        turned = np.ascontiguousarray(descent.T)
        return gradients.correlation(
            network.layout, np.ascontiguousarray(s), problem.ncf.on_data.columns, turned
        )[1]

    return rate
