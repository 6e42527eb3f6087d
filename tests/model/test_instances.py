"""Instances: description, strata and the variants violations are confirmed on."""

import numpy as np

from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances


def some(count=20, seed=2):
    seen = list(draw(instances().strategy(), count, seed, simplest=True))
    return seen


def test_an_instance_is_described_in_one_line_with_its_seeds():
    for each in some():
        line = each.describe()
        assert "\n" not in line
        assert all(str(seed) in line for seed in each.seeds)
        assert each.network.describe() in line


def test_the_strata_name_the_order_the_families_and_the_sign_of_n():
    for each in some():
        strata = each.coverage()
        assert strata["D"] == str(each.network.order)
        assert strata["data"] == each.families["data"]
        assert (
            strata["N(v_0)"] == {1: "+", -1: "-", 0: "0"}[int(np.sign(each.ncf.value(each.start)))]
        )


def test_confirmations_change_one_thing_each_and_leave_the_instance_alone():
    each = some(1)[0]
    tight, scipy = (variant for _, variant in each.confirmations())
    _, rescaled = each.rescaled()
    assert tight.numerics.tolerance < each.numerics.tolerance
    assert scipy.numerics.integrator == "scipy" and each.numerics.integrator == "compiled"
    np.testing.assert_array_equal(rescaled.problem.X, 2 * each.problem.X)
    # H is homogeneous of order P_1 in the data.
    assert rescaled.ncf.value(each.start) == 2.0 ** each.network.orders[0] * each.ncf.value(
        each.start
    )


def test_the_same_seed_draws_the_same_instances():
    assert [each.describe() for each in some(seed=5)] == [each.describe() for each in some(seed=5)]
    assert [each.describe() for each in some(seed=5)] != [each.describe() for each in some(seed=6)]
