"""Two layers, neuron by neuron: flows of one each, orthogonally separable data (theory §11)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem, neuron_balance
from ncfcheck.model.networks import dense
from ncfcheck.strategies.choices import composite
from ncfcheck.strategies.datasets import SEEDS
from ncfcheck.strategies.instances import given
from ncfcheck.strategies.promises import require
from ncfcheck.theory.starts import balance, gaussian_start, unit

Array = np.ndarray
# Losses whose −ℓ' has the label's sign whatever the outputs are.
SIGNED = Loss.LOGISTIC, Loss.EXPONENTIAL
# Slopes drawn by what they are promised to be.
SLOPES = {"zero": (0.0,), "positive": (0.1, 0.5), "negative": (-0.3, -1.0)}
ROUNDING = 1e-12


@composite
def _separable(draw, data, balanced: bool = True, slopes: tuple = ("zero",)) -> Instance:
    """Two layers, p = 1, on samples ±b with b ≥ 0 in some frame, on the frame's vectors that their
    class has: of one class b·b' > 0, of both ≤ 0; and 0 where the classes share none.
    """
    n, d, width, seed = draw.integer(1, 8), draw.integer(1, 5), draw.integer(1, 5), draw(SEEDS)
    slope, loss = draw.choice(SLOPES[draw.choice(slopes)]), draw.choice(SIGNED)
    rng = np.random.default_rng(seed)
    frame, signs = np.linalg.qr(rng.standard_normal((d, d)))[0], rng.choice((-1.0, 1.0), n)
    shared = rng.random((2, d)) < 0.7
    shared[:, rng.integers(d)] = True
    if d > 1 and rng.random() < 0.3:
        shared[1] = ~shared[0] if not shared[0].all() else np.eye(d, dtype=bool)[0]
        shared[0] &= ~shared[1]
    b = (0.05 + np.abs(rng.standard_normal((n, d)))) * shared[(signs > 0).astype(int)]
    y = signs if loss is Loss.LOGISTIC else signs * rng.uniform(0.5, 2.0, n)
    network = dense((d, width, 1), (1,), (slope,))
    problem = Problem(network, signs[:, None] * b @ frame, y[:, None], loss)
    start = gaussian_start(rng, problem.ncf)
    start = unit(balance(network, start)) if balanced else start
    named = {"data": "separable", "start": "balanced" if balanced else "gaussian"}
    return Instance(problem, start, families=named, seeds=(seed,))


def _promised(instance: Instance, balanced: bool = True, slopes: tuple = ("zero",)) -> None:
    """Two layers of one output on orthogonally separable data, a start as it is told."""
    network, problem = instance.network, instance.problem
    require(network.depth == 2 and network.powers == (1,) and network.width == 1, "two layers")
    require(all(each.is_dense for each in network.patterns), "dense layers")
    allowed = [slope for name in slopes for slope in SLOPES[name]]
    require(network.slopes[0] in allowed, f"slopes {allowed}")
    require(problem.loss in SIGNED, "a loss whose −ℓ' has the label's sign")
    require(bool((instance.ncf.ybar != 0).all()), "labels that are not 0")
    require(is_separable(problem), "orthogonally separable data")
    off = np.abs(np.concatenate(neuron_balance(network, instance.start))).max()
    require(not balanced or bool(off < ROUNDING), "a balanced start")


def is_separable(problem: Problem) -> bool:
    """Whether samples of one label have products above 0, of both none above rounding."""
    size, sign = np.linalg.norm(problem.X, axis=1), np.sign(problem.ncf.ybar[:, 0])
    if not size.all():
        return False
    cosines = (problem.X @ problem.X.T) / np.outer(size, size)
    alike = np.outer(sign, sign) > 0
    return bool((cosines[alike] > 1e-9).all() and (cosines[~alike] <= ROUNDING).all())


def _again(instance: Instance) -> Instance:
    """Every neuron balanced."""
    if instance.families.get("start") != "balanced":
        return instance
    start = balance(instance.network, instance.start)
    if not start.any():
        raise Inapplicable("every neuron has an outgoing weight of 0")
    return replace(instance, start=unit(start))


separable = given(_separable, _promised, _again)


def neurons(instance: Instance) -> list[tuple[float, Instance]]:
    """Of two layers with one output every neuron alone, from its own weights at norm 1, with the
    sign of its outgoing one: N is the sum of theirs, so that the NCF flow moves each by itself.
    """
    network, problem = instance.network, instance.problem
    first, last = network.matrices(instance.start)
    alone = dense((network.inputs, 1, 1), network.powers, network.slopes)
    found = []
    for row, out in zip(first, last[0]):
        weights = np.append(row, out)
        if weights.any():
            part = replace(instance, problem=replace(problem, network=alone), start=unit(weights))
            found.append((float(np.sign(out)), part))
    return found


def attractor(instance: Instance, sign: float) -> Array | None:
    """x₊ or x₋, the unit vector along Σ ȳ_i x_i over samples of that sign times it, (d,); None
    without any.
    """
    ybar, X = instance.ncf.ybar[:, 0], instance.problem.X
    total = sign * (ybar * (sign * ybar > 0)) @ X
    return unit(total) if total.any() else None
