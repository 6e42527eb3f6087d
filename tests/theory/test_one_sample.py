"""Newton's method at structured points on one sample: of every size, and where the other side of a
kink outweighs the point's.
"""

import numpy as np

from ncfcheck.core.claims import Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.tolerances import DENSE_HESSIAN
from ncfcheck.model.layered import FEW
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.strategies.draw import draw
from ncfcheck.theory.rank_one.points import RankOneInstance

load_claims()
CLAIM = registered()["kkt.one_sample"]


def test_it_holds_for_compiled_for_dense_and_for_no_second_derivatives():
    found = [
        (each.start.size, CLAIM.judge(each)[0])
        for each in draw(CLAIM.strategy(), 40, 2, simplest=True)
    ]
    for low, high in ((0, FEW), (FEW, DENSE_HESSIAN), (DENSE_HESSIAN, np.inf)):
        assert {outcome for size, outcome in found if low < size <= high} == {Outcome.HOLDS}


def at_slope(alpha: float) -> RankOneInstance:
    """One active neuron on the side of α; the other rests on its kink, beyond which N rises with 1
    for α².
    """
    problem = Problem(dense((1, 2, 1), (2,), (alpha,)), np.ones((1, 1)), np.ones((1, 1)))
    start = np.array([-np.sqrt(2 / 3), 0, np.sqrt(1 / 3), 0])
    where = {"u": np.array([-1.0]), "signs": (1.0,), "profiles": (np.array([1.0, 0.0]),)}
    return RankOneInstance(problem, start, seeds=(1,), **where)


def test_newton_starts_where_the_other_side_of_a_kink_does_not_outweigh_the_point():
    """A hunt had found slopes of 1e-4, of which it was outweighed at the distance that all points
    were left by.
    """
    assert [CLAIM.judge(at_slope(alpha))[0] for alpha in (0.5, 0.1, 1e-2, 3e-3)] == [
        Outcome.HOLDS
    ] * 4
    outcome, margin = CLAIM.judge(at_slope(9.7e-5))
    assert outcome is Outcome.UNRESOLVED and "outweighs" in margin.note
