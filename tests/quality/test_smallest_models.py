"""Which minimum is found of false claims about models that are drawn by their sizes."""

from __future__ import annotations

import numpy as np
import pytest

from ncfcheck.core.claims import CONJECTURE, Claim, Margin, Outcome
from ncfcheck.run.shrinking.complexity import size
from ncfcheck.run.shrinking.shrink import shrink
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.verdicts.judging import judge
from tests.support.toy_models import GATED, SENSING

STARTS = ("gaussian", "sparse", "unbalanced")
# What is false, of which family, and the smallest instance: the sum of sizes, n, d, m, weights.
FALSE = {
    "every model": (GATED, lambda each: -1.0, (1, 1, 1, 1, 3)),
    "every sensing": (SENSING, lambda each: -1.0, (3, 1, 1, 1, 2)),
    "two gates": (GATED, lambda each: 1.5 - each.network.sizes["gates"], (2, 1, 1, 1, 6)),
    "two outputs": (GATED, lambda each: 1.5 - each.network.width, (1, 1, 1, 2, 4)),
    "three inputs": (GATED, lambda each: 2.5 - each.network.inputs, (1, 1, 3, 1, 7)),
    "samples": (GATED, lambda each: 1.5 - len(each.problem.X), (1, 2, 1, 1, 3)),
    "rank": (SENSING, lambda each: 1.5 - each.network.sizes["rank"], (4, 1, 1, 1, 4)),
    "four inputs": (SENSING, lambda each: 3.5 - each.network.inputs, (5, 1, 4, 1, 4)),
    # A product of two sizes, the smallest sum of which is no smaller in either than where it began.
    "weights": (SENSING, lambda each: 7.5 - each.network.size, (6, 1, 2, 1, 9)),
    "N is positive": (GATED, lambda each: each.ncf.value(each.start), (1, 1, 1, 1, 3)),
    "rank of the product": (SENSING, lambda each: 1.5 - _rank(each), (6, 1, 4, 1, 8)),
}


def _rank(instance) -> int:
    parts = instance.network.parts(instance.start)
    return np.linalg.matrix_rank(parts["W_2"] @ parts["W_1"])


@pytest.mark.parametrize("name", FALSE)
def test_the_smallest_sizes_are_found(name):
    family, value, smallest = FALSE[name]
    strategy = instances(models=family, starts=STARTS)
    claim = Claim("t.false", CONJECTURE, "", "", (), strategy, lambda it: Margin(value(it), 1e-9))
    found = (each for each in draw(strategy, 60, 1, simplest=False))
    violating = [each for each in found if judge(claim, each)[0] is Outcome.VIOLATES]
    start = max(violating, key=size)
    assert size(start) > smallest
    small = shrink(claim, start, seconds=60)
    assert size(small) == smallest and judge(claim, small)[0] is Outcome.VIOLATES
