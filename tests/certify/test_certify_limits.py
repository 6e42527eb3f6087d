"""Limits of flows: the verifier accepts their certificates, and none of an instance where a
hypothesis fails.
"""

from __future__ import annotations

import copy

import pytest

from ncfcheck.verifier import verify
from tests.support.certified import FADING, LIMITS, is_rejected, started, witness


@pytest.mark.parametrize("id", LIMITS)
def test_a_certificate_of_a_limit_is_accepted(id):
    assert verify(witness(id))


@pytest.mark.parametrize("id", FADING)
@pytest.mark.parametrize(
    "weights", [(1.0, 0.5), (1.0, -0.5), (0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (2.0, -1.0)]
)
def test_a_neuron_whose_sign_may_change_or_that_does_not_move_is_rejected(id, weights):
    assert is_rejected(started(witness(id), *weights))


def test_a_neuron_that_agrees_with_the_labels_grows():
    assert is_rejected(started(witness("control.no_escape"), 0.7, 0.7))
    assert is_rejected(started(witness("conjecture.mixed_labels_grow"), 0.7, -0.7))
    assert is_rejected(started(witness("conjecture.mixed_labels_grow"), -0.7, 0.7))


def test_labels_and_activations_of_both_signs_may_let_the_norm_grow():
    found = witness("control.no_escape")
    found["instance"]["problem"]["network"]["powers"]["tuple"] = [3]
    found["instance"]["problem"]["network"]["slopes"]["tuple"] = [{"float": (0.5).hex()}]
    assert is_rejected(found)
    problem = (found := witness("control.no_escape"))["instance"]["problem"]
    for name, value in (("X", -1.0), ("y", -1.0)):
        problem[name]["array"].append([value.hex()])
        problem[name]["shape"] = [2, 1]
    assert is_rejected(found)


def test_labels_of_one_sign_say_nothing_about_mixed_ones():
    found = witness("conjecture.mixed_labels_grow")
    found["instance"]["problem"]["y"]["array"][1] = [(-1.0).hex()]
    assert is_rejected(found)


def test_one_maximum_twice_is_one_limit():
    found = witness("conjecture.one_limit")
    data = found["certificate"]["data"]
    for name, other in (("first", "second"), ("second", "first")):
        changed = copy.deepcopy(found)
        changed["certificate"]["data"][name] = data[other]
        assert is_rejected(changed)


def test_the_neuron_that_wins_has_to_be_another_than_the_strongest():
    found = witness("conjecture.strongest_neuron")
    winner = found["certificate"]["data"]["limit"]["active"][0]
    found["certificate"]["data"]["limit"]["active"][0] = [1 - winner[0]]
    assert is_rejected(found)
    assert is_rejected(started(witness("conjecture.strongest_neuron"), 0.9, 0.3, -0.2, -0.01))


def test_a_flow_left_before_it_settles_may_still_reach_a_norm():
    found = witness("control.large_init_tracking")
    loss = found["certificate"]["data"]["loss"]
    for kept in (1, len(loss) // 4):
        changed = copy.deepcopy(found)
        changed["certificate"]["data"]["loss"] = loss[:kept]
        assert is_rejected(changed)


@pytest.mark.parametrize("delta", [2.9, 0.1, -3.0])
@pytest.mark.parametrize("id", ("control.large_init_tracking", "control.large_init_collapse"))
def test_another_initialization_than_that_of_the_tube_is_rejected(id, delta):
    found = witness(id)
    found["certificate"]["data"]["delta"] = delta.hex()
    assert is_rejected(found)


@pytest.mark.parametrize("shares", [(0.5, 0.9), (1.0, 0.5), (1.01, 1.0), (1.0, 1.1)])
def test_a_time_at_which_the_ncf_flow_has_not_shrunk_to_epsilon_is_rejected(shares):
    found = witness("control.large_init_collapse")
    data = found["certificate"]["data"]
    low, high = (float.fromhex(each) * share for each, share in zip(data["times"], shares))
    data["times"] = [low.hex(), high.hex()]
    assert is_rejected(found)


def test_a_start_on_another_ray_or_a_positive_one_does_not_shrink():
    found = witness("control.large_init_collapse")
    weights = [float.fromhex(each) for each in found["instance"]["start"]["array"]]
    assert is_rejected(started(copy.deepcopy(found), *weights[:-1], -weights[-1]))
    assert is_rejected(started(copy.deepcopy(found), weights[0] + 1e-3, *weights[1:]))
