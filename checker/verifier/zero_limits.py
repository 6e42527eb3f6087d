"""Flows that tend to zero KKT points; standard library only.

Along both flows ‖w_j‖² − p v_j² is constant for every neuron of the last hidden layer. Where it is
negative, v_j keeps its sign, and v_j² stays above a positive number. If besides Σ (−ℓ')H ≤ 0 all
along, the norm never grows: N* > 0 would let it grow without bound, N* < 0 would make it vanish, so
that the limit of the NCF flow, which exists (theory §3), is a zero KKT point.
"""

from .identities import RESOLVED, need_heard
from .numbers import ball, dot, need
from .registry import proof


def neurons(case):
    """(row of W_{L−1}, output weight) of neurons at `start`; last two layers dense, one output."""
    need(
        case.lipschitz and not case.net.bias and all(case.net.plain[-2:]),
        "∇H is not Lipschitz, or a last layer not dense",
    )
    need(case.net.widths[-1] == 1 and case.net.order > 2, "several outputs, or D = 2")
    *_, rows, (last,) = case.net.matrices(case.theta)
    return list(zip(rows, last))


def output_heavy(case):
    """The neurons, each with ‖w_j‖² < p v_j² by what floats resolve, and ∇N(v_0) ≠ 0."""
    own, least = neurons(case), dot(case.theta, case.theta) * ball(RESOLVED)
    need(
        all(v * v * case.powers[-1] - dot(w, w) > least for w, v in own),
        "‖w_j‖² < p v_j² is not proved",
    )
    need_heard(case.net, case.theta, case.X, case.Y)
    return own


@proof
def fading(case):
    """Labels of one sign, σ ≥ 0, all v_j of the other sign: the NCF flow has a zero limit, and no
    loss flow grows, whatever its δ.
    """
    heavy = output_heavy(case)
    need(case.powers[-1] % 2 == 0 or case.slopes[-1] <= 0, "activations of both signs")
    opposed = [
        all(y * sign >= 0 for row in case.labels for y in row)
        and all(v * -sign > 0 for _, v in heavy)
        for sign in (1, -1)
    ]
    need(any(opposed), "labels, or output weights, of both signs")
