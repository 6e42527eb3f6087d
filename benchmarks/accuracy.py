"""How far a timed flow strays from a much more precise one."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case
from benchmarks.contenders import End
from benchmarks.peers import scipy_flow


class Reference:
    """The flow of a case by the peer at tolerance `case.reference`, as a function of σ."""

    def __init__(self, case: Case):
        end, self.at = scipy_flow(case, case.reference, dense=True)()
        self.last = end.path[-1]

    def deviation(self, end: End) -> float:
        """Largest ‖(v, log r) − reference‖ at the steps of a flow, up to where
        the reference ends.
        """
        rows = end.path <= self.last
        return float(
            np.linalg.norm(end.states[rows] - self.at(end.path[rows])[:-1].T, axis=1).max()
        )
