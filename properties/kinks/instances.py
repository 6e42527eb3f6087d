"""Small networks with kinks, and what their flows go on from where they branch (theory §11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Ncf
from ncfcheck.strategies.datasets import families
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.flow.ahead import ncf_flow_kept
from ncfcheck.theory.flow.trajectories import Stop, Trajectory, continuations

SMALL = dict(data=families(max_samples=10, max_dimension=5), kinked=True)
# Of order 2, 3, 4 and 5, all with kinks in a layer at least; and those of order above 2.
POWERS = (1,), (1, 1), (2, 1), (1, 2)
CURVED = POWERS[1:]
WAYS = 32  # of a flow that branches, at most
ASIDE = 1e-3  # σ beyond a branch from which on a flow is no longer at its kink


def kinked(powers=POWERS, **options):
    """Networks of two or three layers, α_l < 1 in every hidden one, p_l = 1 in one at least."""
    return instances(powers=powers, **SMALL, **options)


def ways(ncf: Ncf, start: np.ndarray, numerics: Numerics) -> Iterator[Trajectory]:
    """The NCF flow from a start (P,), and all that goes on from where it branches, one after the
    other. Raises Unresolved for more than WAYS.
    """
    ahead, count = [ncf_flow_kept(ncf, start, numerics)], 0
    while ahead:
        flow = ahead.pop()
        yield flow
        count += 1
        if count > WAYS:
            raise Unresolved(f"the flow branches more than {WAYS} times")
        ahead += continuations(flow, ncf, numerics)


def beyond_branches(instance: Instance) -> list[Instance]:
    """The instance from its start, or, where the flow branches, from beside all kinks at which it
    does so, on every way.
    """
    flows = ways(instance.ncf, instance.start, instance.numerics)
    first = next(flows)
    if first.stop is not Stop.BRANCHED:
        return [instance]
    found = []
    for flow in flows:
        if flow.stop is not Stop.BRANCHED:
            row = int(np.argmax(flow.sigma >= min(ASIDE, flow.sigma[-1])))
            found.append(replace(instance, start=flow.directions[row]))
    return found


def slopes_kept(instance: Instance) -> Instance:
    """The instance, one neuron a layer, with the slopes that its first layer has at the start for
    all weights: a linear network on samples of lengths multiplied by these.
    """
    network, problem = instance.network, instance.problem
    sides = problem.X @ network.matrices(instance.start)[0][0] > 0
    X = np.where(sides, 1.0, network.slopes[0])[:, None] * problem.X
    linear = replace(network, slopes=(1.0,) * len(network.slopes))
    return replace(instance, problem=replace(problem, network=linear, X=X))
