"""What is special about local maxima of N among its KKT points (theory §5)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, claim
from ncfcheck.model.networks import Network
from ncfcheck.properties.hypotheses import CURVED_LAST, LOCAL_MAXIMUM, UNSHARED
from ncfcheck.strategies.instances import instances, powers_where
from ncfcheck.theory.kkt.points import Inertia, positive_limit

# A second neuron at most this share of the first counts as none; polished points are known far
# better.
NONE, POLISH = 1e-3, 1e-6


@claim(
    "kkt.one_last_neuron",
    kind=THEOREM,
    reference="§5",
    given=instances(shared=False, powers=powers_where(lambda powers: powers[-1] >= 2), narrowest=2),
    hypotheses=(LOCAL_MAXIMUM, CURVED_LAST, UNSHARED),
)
def one_last_neuron(instance) -> Margin:
    """A local maximum with N > 0 has one active neuron in the last hidden layer if p_{L−1} ≥ 2, for
    any number of outputs.

    In the shares m_j of the norm that the last hidden neurons have, N = Σ n_j m_j^{(p+1)/2} with
    n_j > 0: strictly convex, so that no point with two of them is a maximum.
    """
    point = positive_limit(instance.ncf, instance.start, instance.numerics).point
    if point.inertia is not Inertia.MAXIMUM:
        raise Inapplicable(f"no strict local maximum but {point.inertia}")
    return one_active(instance.network, point.u)


def one_active(network: Network, u: np.ndarray) -> Margin:
    """One neuron of the last hidden layer is active: the second largest incoming row is NONE times
    the largest, or less.
    """
    rows = np.sort(np.linalg.norm(network.matrices(u)[-2], axis=1))
    return Margin(float(1 - rows[-2] / rows[-1] / NONE), POLISH / NONE)
