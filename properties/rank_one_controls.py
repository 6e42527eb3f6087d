"""Claims about rank-one points that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

import numpy as np

from checker.claims import CONTROL, Inapplicable, Margin, Unresolved, claim
from checker.ncf import norm
from checker.rank_one_generators import CURVED, rank_one_points, two_direction_points


@claim(
    "control.nonuniform",
    kind=CONTROL,
    reference="§7",
    given=rank_one_points(uniform=False, powers=CURVED, narrowest=2, lipschitz=False),
    hypotheses=("some e_l with p_l ≥ 2 not uniform on its support",),
)
def nonuniform(instance) -> Margin:
    """A structured point with a non-uniform e_l, p_l ≥ 2, is a KKT point: sin∠ ≤ 0.01."""
    if instance.u is None:
        raise Inapplicable("the reduced problem has no positive KKT point in sight")
    return _is_kkt(instance)


def _is_kkt(instance) -> Margin:
    """1 − sin∠/0.01."""
    error = instance.ncf.rounding(instance.start)[1] / norm(instance.ncf.gradient(instance.start))
    return Margin(1 - instance.ncf.residual(instance.start) / 0.01, error / 0.01)


@claim("control.every_kkt_rank_one", kind=CONTROL, reference="§7", given=two_direction_points(), hypotheses=("L = 2, p ≥ 2",))
def every_kkt_rank_one(instance) -> Margin:
    """Every KKT point has a hidden layer of rank one: its second singular value is at most a thousandth of the first."""
    if instance.u is None:
        raise Inapplicable("only one KKT direction of G in sight")
    if instance.ncf.residual(instance.start) > 1e-9:
        raise Unresolved("the two-neuron point is not a KKT point to working accuracy")
    singular = np.linalg.svd(instance.network.matrices(instance.start)[0], compute_uv=False)
    second = float(singular[1] / singular[0]) if singular.size > 1 else 0.0
    return Margin(1 - second / 1e-3, 1e-9 / 1e-3)
