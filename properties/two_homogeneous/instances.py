"""Special instances: flows of one neuron that branch, and the starts on both sides (theory §11)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, unit
from ncfcheck.model.networks import Network, dense
from ncfcheck.strategies.choices import composite
from ncfcheck.strategies.datasets import SEEDS
from ncfcheck.strategies.given import given
from ncfcheck.strategies.promises import require
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, continuations, ncf_flow

# How far from the kink starts on its sides are: far beyond rounding, far below what they part by.
ASIDE = 1e-6
EARLY = 1e-6  # share of 1 − ⟨v_0, u*⟩ that ε is: both ways go on to there for a while
PARTED = 0.05  # distance of the directions that both ways on end in, at least


@composite
def _branching(draw, data) -> Instance:
    """One neuron on samples e and f − ce, of an orthonormal frame (e, f, …), ȳ = −1, α < c < 1: it
    slides along the kink of e until v changes its sign.
    """
    d, tenths, share, seed = draw.integer(2, 4), draw.integer(0, 2), draw.integer(5, 8), draw(SEEDS)
    rng = np.random.default_rng(seed)
    e, f = np.linalg.qr(rng.standard_normal((d, d)))[0][:2]
    problem = Problem(
        dense((d, 1, 1), (1,), (tenths / 10,)),
        np.stack([e, f - share / 10 * e]),
        np.array([[-1.0], [-1.0]]),
    )
    w = rng.uniform(-0.03, 0.03) * e + rng.uniform(0.9, 1.1) * f
    start = unit(np.append(w, rng.uniform(0.7, 0.8)))
    return Instance(problem, start, EARLY, {"data": "two samples", "start": "sliding"}, (seed,))


def ways(instance: Instance) -> tuple[Trajectory, list[Trajectory]]:
    """The NCF flow of a two-layer network that branches, and both ways on, that with the lower N
    first. Raises Inapplicable where it does not branch, or both end alike.
    """
    network = instance.network
    if not isinstance(network, Network) or network.powers != (1,):
        raise Inapplicable("two layers, p = 1")
    flow = ncf_flow(instance.ncf, instance.start, instance.numerics)
    found = continuations(flow, instance.ncf, instance.numerics)
    if len(found) != 2 or any(each.stop is not Stop.CONVERGED for each in found):
        raise Inapplicable("the NCF flow does not branch into two that converge")
    if np.linalg.norm(found[0].direction - found[1].direction) < PARTED:
        raise Inapplicable("both ways on end alike")
    return flow, sorted(found, key=lambda each: each.value[-1])


def _branches(instance: Instance) -> None:
    require(instance.start.any() and bool(instance.problem.X.any(axis=1).all()), "live samples")
    ways(instance)


branching = given(_branching, _branches)


def both_sides(instance: Instance) -> tuple[Instance, Instance]:
    """The instance from either side of the kink at which its flow branches, by ASIDE; that whose
    way ends at the lower N first.
    """
    flow, (slow, _) = ways(instance)
    turn, size = flow.turns.events[-1], instance.network.widths[0]
    row = slice(turn.neuron * size, (turn.neuron + 1) * size)
    across, found = unit(instance.problem.X[turn.sample]), []
    for side in (-1.0, 1.0):
        start = flow.direction.copy()
        start[row] += side * ASIDE * across
        found.append(replace(instance, start=unit(start)))
    ends = [ncf_flow(each.ncf, each.start, each.numerics).direction for each in found]
    off = [float(np.linalg.norm(end - slow.direction)) for end in ends]
    return (found[0], found[1]) if off[0] < off[1] else (found[1], found[0])
