"""Claims about flows through kinks: what they draw, branches, and what counts as transversal."""

import numpy as np
import pytest

from ncfcheck.core.claims import Inapplicable, Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, balances
from ncfcheck.model.networks import dense
from ncfcheck.properties.early.tracking import tracking_at_least
from ncfcheck.properties.kinks.early import TRANSVERSE, transversality
from ncfcheck.properties.kinks.early_controls import grazing
from ncfcheck.properties.kinks.instances import beyond_branches, kinked, slopes_kept, ways
from ncfcheck.properties.kinks.neurons import attractor, is_separable, neurons, separable
from ncfcheck.strategies.draw import draw
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import flow_limit
from ncfcheck.theory.starts import unit

load_claims()
KINKS = [id for id in registered() if id.startswith("kinks.")]


def drawn(given, count=20, seed=3):
    return list(draw(given.strategy(), count, seed, simplest=False))


def branching(first=0.02, out=0.7) -> Instance:
    """The example of theory §11: one neuron that slides along a kink until that repels."""
    problem = Problem(
        dense((2, 1, 1), (1,), (0.0,)),
        np.array([[1.0, 0.0], [-0.5, 1.0]]),
        np.array([[-1.0], [-1.0]]),
    )
    return Instance(problem, unit(np.array([first, 1.0, out])), seeds=(0,))


@pytest.mark.parametrize("id", KINKS)
def test_few_drawn_instances_are_left_undecided_and_none_violates(id):
    outcomes = [registered()[id].judge(each)[0] for each in drawn(registered()[id].given, 12)]
    assert Outcome.VIOLATES not in outcomes
    assert outcomes.count(Outcome.HOLDS) >= 6


def test_all_ways_on_of_a_flow_that_branches_are_followed():
    instance = branching()
    flows = list(ways(instance.ncf, instance.start, instance.numerics))
    assert [flow.stop is Stop.BRANCHED for flow in flows].count(True) == 1 and len(flows) == 3
    ends = [flow_limit(each.ncf, each.start, each.numerics) for each in beyond_branches(instance)]
    assert len(ends) == 2 and np.abs(ends[0].point.u - ends[1].point.u).max() > 0.1


@pytest.mark.parametrize("id", ["kinks.monotone", "kinks.direction_converges", "kinks.multiplier"])
def test_claims_about_every_solution_hold_beyond_a_branch(id):
    assert registered()[id].judge(branching())[0] is Outcome.HOLDS


@pytest.mark.parametrize(
    "id", ["kinks.norm_stays_small", "kinks.early_aligns", "kinks.tracking_order"]
)
def test_claims_about_the_limit_are_not_made_of_a_flow_that_branches(id):
    with pytest.raises(Inapplicable, match="the NCF flow branches"):
        registered()[id].function(branching())


def test_separable_data_are_so_whatever_is_drawn_and_starts_balanced():
    for instance in drawn(separable(slopes=("zero", "positive", "negative"))):
        X, sign = instance.problem.X, np.sign(instance.ncf.ybar[:, 0])
        assert is_separable(instance.problem)
        assert (X @ X.T * np.outer(sign, sign) >= -1e-12).all()
        matrices = instance.network.matrices(instance.start)
        assert np.abs(np.concatenate(balances(instance.network, matrices, [0]))).max() < 1e-12


def test_data_that_are_not_separable_are_told():
    X, y = np.array([[1.0, 0.0], [-0.1, 1.0]]), np.array([[1.0], [1.0]])
    network = dense((2, 1, 1), (1,), (0.0,))
    assert not is_separable(Problem(network, X, y))
    assert is_separable(Problem(network, X, np.array([[1.0], [-1.0]])))


def test_neurons_alone_add_up_to_the_network_and_align_with_their_attractor():
    for instance in drawn(separable(), 6):
        network, start = instance.network, instance.start
        sizes = [norm**2 for norm in np.hypot(*_sizes(network, start)) if norm]
        values = [each.ncf.value(each.start) for _, each in neurons(instance)]
        assert np.dot(sizes, values) == pytest.approx(instance.ncf.value(start))
    instance = drawn(separable(), 6)[-1]
    for sign in (-1.0, 1.0):
        target, ybar = attractor(instance, sign), instance.ncf.ybar[:, 0]
        if target is not None:
            assert (instance.problem.X @ target)[sign * ybar > 0].min() > 0


def _sizes(network, start):
    first, last = network.matrices(start)
    return np.linalg.norm(first, axis=1), np.linalg.norm(last, axis=0)


def test_slopes_that_are_kept_make_the_network_linear_and_agree_with_it_at_the_start():
    for instance in drawn(kinked(((1,),), outputs=(1,), only_dense=True), 30):
        if instance.network.widths[1] == 1:
            linear = slopes_kept(instance)
            assert linear.ncf.value(instance.start) == pytest.approx(
                instance.ncf.value(instance.start)
            )


def test_a_path_that_touches_a_kink_is_not_transversal_and_a_generic_one_is():
    touching = drawn(grazing(), 4)
    for instance in touching:
        flow = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
        assert transversality(instance.ncf, flow) < TRANSVERSE
    found = []
    for instance in drawn(registered()["kinks.tracking_order"].given):
        flow = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
        found.append(transversality(instance.ncf, flow) >= TRANSVERSE)
    assert np.mean(found) > 0.5


def test_an_order_above_the_true_one_is_refused():
    instance = next(
        each
        for each in drawn(registered()["kinks.tracking_order"].given)
        if registered()["kinks.tracking_order"].judge(each)[0] is Outcome.HOLDS
    )
    assert tracking_at_least(instance, instance.network.order + 1).value < 0
