"""The flows of networks with biases: what the verifier asks for, and what it turns down."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from ncfcheck.certify import document
from ncfcheck.model.architectures.biases import biased_instance
from ncfcheck.model.encoding import encode
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.properties.early.exact_models import biases_early
from ncfcheck.theory.starts import unit
from ncfcheck.verifier import biases as bounds
from ncfcheck.verifier import verify
from ncfcheck.verifier.biases import biased_network
from ncfcheck.verifier.networks import Case
from tests.support.certified import (
    CHANGES,
    changed,
    edited,
    is_rejected,
    moved_boxes,
    moved_data,
    small,
    started,
    witness,
)
from tests.support.planting import Mutant, in_verifier, planted

pytestmark = pytest.mark.usefixtures("at_one_precision")
ID, EARLY = "control.biases_collapse", "control.biases_early"
# (x, y) of a second sample, which the only neuron, on the other side, does not see at the start.
HARMLESS = [(-1.0, 0.5), (-1.0, 2.0), (-1.0, -0.1), (-2.0, 1.0), (-1.0, -5.0)]
CANCELLED, NEARLY, SLOWER, STEEP = (-1.0, -1.0), (-1.0, -0.99), (-1.0, -1.5), (-1000.0, 1e-3)
HARMFUL = [CANCELLED, NEARLY, SLOWER, STEEP, (-3.0, -1.0), (-1.0, -0.9), (-1.0, -1.01)]
HARMFUL += [(-1.0, -1.1), (-1e6, 1.0)]


def with_sample(x: float, y: float) -> dict:
    """The stored witness, its network trained on a second sample too."""
    found = witness(ID)
    for name, value in (("X", x), ("y", y)):
        array = found["instance"]["problem"][name]
        array["array"].append([value.hex()])
        array["shape"] = [2, 1]
    return found


def test_a_network_with_biases_that_does_not_collapse_is_accepted():
    assert verify(witness(ID))


@pytest.mark.parametrize("sample", HARMLESS + HARMFUL)
def test_a_sample_is_harmless_unless_labels_cancel_or_outputs_may_be_large(sample):
    assert is_rejected(with_sample(*sample)) == (sample in HARMFUL)


def test_another_box_or_other_data_or_a_positive_point_is_rejected():
    others = [*moved_boxes(witness(ID)), *moved_data(witness(ID))]
    positive = witness(ID)
    positive["instance"]["problem"]["y"]["array"] = [[(-1.0).hex()]]
    assert len(others) >= 12
    assert all(map(is_rejected, [*others, positive]))


@pytest.mark.parametrize("loss", (Loss.SQUARE, Loss.LOGISTIC))
def test_bounds_over_a_ball_hold_at_points_of_it(loss):
    rng, network = np.random.default_rng(5), dense((2, 2, 2), (2,), (0.5,))
    y = (
        np.sign(rng.standard_normal((3, 2)))
        if loss is Loss.LOGISTIC
        else rng.standard_normal((3, 2))
    )
    instance = Instance(
        Problem(network, rng.standard_normal((3, 2)), y, loss),
        unit(rng.standard_normal(network.size)),
        seeds=(5,),
    )
    case, problem = (
        Case(json.loads(json.dumps(encode(instance)))),
        biased_instance(instance).problem,
    )
    net, radius = biased_network(case), Fraction(1, 10)
    least, low = (
        bounds.speed(case, net, radius),
        bounds.change(case, net, bounds.within(net, radius)),
    )
    assert least > 0
    for _ in range(50):
        w = float(radius) * rng.random() * unit(rng.standard_normal(net.size))
        outputs = problem.outputs(w)
        x = y * outputs
        rates = y - outputs if loss is Loss.SQUARE else y / (1 + np.exp(x))
        changed = (
            0.5 * outputs**2 - x if loss is Loss.SQUARE else np.log1p(np.exp(-x)) - np.log(2)
        ).sum()
        assert not least > Fraction(np.abs(rates.sum(axis=0)).max())
        assert not low > Fraction(changed) and not low < Fraction(changed)


@pytest.mark.parametrize(
    "of, fragment, replacement, sample",
    [
        ("biases:speed", "y - x * slope", "y", STEEP),
        ("biases:speed", "abs(sum(", "Ball(1) + abs(sum(", CANCELLED),
        ("early_models:biases_collapse", "first - fall", "first - 99 * fall", SLOWER),
        ("early_models:biases_collapse", "2 * DELTA / SHRUNK", "DELTA / 99", SLOWER),
        ("biases:change", "y * x for", "0 * x for", SLOWER),
    ],
)
def test_a_bound_that_is_too_good_lets_a_forgery_pass(
    of, fragment, replacement, sample, monkeypatch
):
    assert is_rejected(with_sample(*sample))
    with planted(
        in_verifier(of, fragment, replacement, "a bound too good"),
        monkeypatch,
    ):
        assert not is_rejected(with_sample(*sample))


def test_flows_with_biases_that_part_are_accepted():
    assert verify(witness(EARLY))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", (0, 1))
def test_a_tube_with_biases_that_was_changed_is_rejected(place, change):
    assert is_rejected(changed(EARLY, place, change))


def test_another_limit_other_data_or_another_start_with_biases_is_rejected():
    start = [float.fromhex(each) for each in witness(EARLY)["instance"]["start"]["array"]]
    others = [*moved_boxes(witness(EARLY)), *moved_data(witness(EARLY))]
    others += [
        edited(witness(EARLY), y=[[-1.0]]),
        started(witness(EARLY), *(-each for each in start)),
        started(witness(EARLY), *start[::-1]),
    ]
    logistic = witness(EARLY)
    logistic["instance"]["problem"]["loss"]["name"] = "LOGISTIC"
    assert len(others) > 14 and all(map(is_rejected, [*others, logistic]))


@functools.cache
def cancelled() -> dict:
    """What the finder makes of labels that cancel: biases of the outputs stay, and the loss flow
    follows the NCF flow.
    """
    claim, instance = small(EARLY)
    problem = replace(instance.problem, X=np.array([[1.0], [-1.0]]), y=np.array([[1.0], [-1.0]]))
    other = replace(instance, problem=problem)
    return document(claim, other, biases_early(other))


SMALL = "    slow(case, found.case.net, found.norms[1])\n"
LARGER = "    is_larger(found, tube)\n"
ASIDE = "    never_holds(found, tube, misaligned(found))\n"


@pytest.mark.parametrize(
    "left_out, passes", [(LARGER, False), (ASIDE, False), (SMALL + LARGER + ASIDE, True)]
)
def test_flows_with_biases_that_do_not_part_pass_only_where_nothing_is_asked_of_them(
    left_out, passes, monkeypatch
):
    mutant = Mutant(
        "ncfcheck.verifier.early_models:biases_early",
        left_out,
        "    case.proved.add(slow)\n" * passes,
        "nothing asked",
        (),
    )
    with planted(mutant, monkeypatch):
        assert is_rejected(cancelled()) != passes
