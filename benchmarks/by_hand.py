"""A claim checked end to end, beside the Hypothesis test one would write by hand: `python -m
benchmarks.by_hand [N]`.

Both draw two-layer networks by sizes and a seed, follow the flow of the NCF to a KKT point, polish
it and ask whether the flow tends to it (`flow.direction_converges`). The test by hand takes scipy's
DOP853 and Levenberg–Marquardt on numpy gradients.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import hypothesis
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from benchmarks.cases import Case, case
from benchmarks.pairing import Pairs, paired
from benchmarks.peers import scipy_polished
from ncfcheck.core.claims import CONJECTURE, Verdict, claim, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.run.check import check_claim
from ncfcheck.strategies.choices import composite

CLAIM = "flow.direction_converges"
ROUNDS = 3


RANGES = (1, 4), (1, 10), (1, 5), (0, 2**32 - 1)  # of d, n, the width and the seed


def rising(d: int, samples: int, width: int, seed: int) -> Case:
    """A network with p = 2, α = 1/2 on data and labels such that N(v_0) > 0."""
    sizes = d, samples, width
    found = case("drawn", sizes, seed, residual=1e-6, tolerances=(), reference=0.0, rounds=0)
    return (
        found
        if found.ncf.value(found.start) > 0
        else replace(found, ncf=replace(found.ncf, ybar=-found.ncf.ybar))
    )


def test_by_hand(examples: int):
    """The test, as a function without arguments that raises where the claim fails."""

    @hypothesis.seed(0)
    @settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @hypothesis.given(st.builds(rising, *(st.integers(*each) for each in RANGES)))
    def direction_converges(drawn):
        u = scipy_polished(drawn, 1e-9)()
        assert drawn.ncf.residual(u) <= 1e-9

    return direction_converges


@composite
def instances(draw) -> Instance:
    """The cases as ncfcheck's claims take them."""
    drawn = rising(*(draw.integer(*each) for each in RANGES))
    return Instance(Problem(drawn.ncf.network, drawn.ncf.X, drawn.ncf.ybar), drawn.start)


def direction_converges(drawn):
    """`flow.direction_converges` on the networks of the test by hand."""
    return registered()[CLAIM].function(drawn)


def checked(examples: int):
    """ncfcheck's claim about the same strategy, in this process, with all that a check does."""

    def run():
        result = check_claim(registered()["by_hand.direction_converges"], examples, 0)
        assert result.verdict is Verdict.NOT_REFUTED
        return result

    return run


def measured(examples: int) -> Pairs:
    """Processor seconds an instance, paired; both judge the same number of instances and find no
    violation.

    The claim is registered here, not on import, so that it is nobody else's.
    """
    claim("by_hand.direction_converges", kind=CONJECTURE, reference="§3", given=instances())(
        direction_converges
    )
    with threadpool_limits(limits=1):
        pairs = paired(checked(examples), test_by_hand(examples), ROUNDS)
    return Pairs(*(tuple(each / examples for each in side) for side in (pairs.ours, pairs.theirs)))


if __name__ == "__main__":
    load_claims()
    pairs = measured(int((*sys.argv[1:], 50)[0]))
    rates = [1 / np.median(side) for side in (pairs.ours, pairs.theirs)]
    ratio = pairs.ratio
    print(
        f"{CLAIM}: ncfcheck {rates[0]:.0f} instances/s, by hand {rates[1]:.1f}; not refuted by "
        "either"
    )
    print(f"ratio {ratio.median:.1f} ({ratio.min:.1f}…{ratio.max:.1f}), paired, processor time")
