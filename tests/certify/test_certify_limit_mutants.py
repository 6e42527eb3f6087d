"""Mistakes planted in what the verifier asks of limits of flows, and witnesses of them changed."""

from __future__ import annotations

import copy
import functools
import math
from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.certify import document
from ncfcheck.core.loading import load_claims
from ncfcheck.properties.conjectures.exact import one_limit, strongest_neuron
from ncfcheck.theory.starts import unit
from tests.support.certified import (
    CHANGES,
    FADING,
    LIMITS,
    boxes_of,
    changed,
    edited,
    flows_of,
    is_rejected,
    moved_boxes,
    moved_data,
    small,
    started,
    witness,
)
from tests.support.planting import in_verifier, planted

load_claims()
ANGLES = [(k + 0.5) * math.pi / 16 for k in range(32)]  # of (w, v), whatever is between the axes


def shrinks(id: str, w: float, v: float) -> bool:
    """Whether the zero limit of the stored 1-1-1 network, p = 2, α = 0, is proved from (w, v)."""
    opposed = w > 0 > v if id == "control.no_escape" else w * v > 0
    return opposed and w * w < 2 * v * v


@pytest.mark.parametrize("id", FADING)
def test_zero_limits_are_accepted_where_output_weights_are_opposed_and_heavy_and_nowhere_else(id):
    starts = [(math.cos(angle), math.sin(angle)) for angle in ANGLES]
    assert sum(not shrinks(id, *each) for each in starts) > 20
    for each in starts:
        assert is_rejected(started(witness(id), *each)) != shrinks(id, *each), each


@pytest.mark.parametrize("id", [id for id in LIMITS[2:] if boxes_of(witness(id))])
def test_a_limit_in_a_box_that_was_moved_or_of_other_data_is_rejected(id):
    others = list(moved_boxes(witness(id)))
    others += moved_data(witness(id)) if id != "conjecture.one_limit" else ()
    assert len(others) >= 10
    assert all(map(is_rejected, others))


@pytest.mark.parametrize("id", LIMITS[3:])
@pytest.mark.parametrize("change", CHANGES)
def test_a_tube_to_a_limit_that_was_changed_is_rejected(id, change):
    for place in range(len(flows_of(witness(id)))):
        assert is_rejected(changed(id, place, change)), place


def odd() -> dict:
    """An activation of both signs."""
    found = witness("control.no_escape")
    network = found["instance"]["problem"]["network"]
    network["powers"]["tuple"], network["slopes"]["tuple"] = [3], [{"float": (0.5).hex()}]
    return found


def weakest_loses() -> dict:
    """The NCF flow to a maximum whose active neuron is the strongest at v_0."""
    claim, instance = small("conjecture.strongest_neuron")
    other = replace(instance, start=unit(np.array([0.9, 0.1, -0.4, -0.05])))
    return document(claim, other, strongest_neuron(other))


def left_early(id: str, count: int, **data) -> dict:
    """The loss flow followed for some steps only."""
    found = witness(id)
    found["certificate"]["data"].update(data, loss=found["certificate"]["data"]["loss"][:count])
    return found


def from_all_sides(id: str) -> list[dict]:
    starts = [(math.cos(angle), math.sin(angle)) for angle in ANGLES]
    return [started(witness(id), *each) for each in starts if not shrinks(id, *each)]


@functools.cache
def forgeries() -> dict[str, list[dict]]:
    """Witnesses that meet all but one of what the verifier asks for."""
    return {
        "no_escape": [
            *from_all_sides(FADING[0]),
            odd(),
            edited(witness(FADING[0]), X=[[1.0], [1.0]], y=[[1.0], [-0.5]]),
        ],
        "mixed_labels_grow": [
            *from_all_sides(FADING[1]),
            edited(witness(FADING[1]), y=[[-1.0], [-1.0]]),
        ],
        "one_limit": [twice()],
        "strongest_neuron": [weakest_loses()],
        "large_init_tracking": [left_early("control.large_init_tracking", 5)],
        "large_init_collapse": [
            left_early("control.large_init_collapse", 3, times=[(0.0).hex(), (1e-3).hex()])
        ],
    }


def twice() -> dict:
    """One maximum twice, from a start that is the same in reverse."""
    claim, instance = small("conjecture.one_limit")
    other = replace(instance, start=unit(np.array([0.7, 0.2, 0.2, 0.7])))
    return document(claim, other, one_limit(other))


def accepted(of: str) -> int:
    """How many forgeries the verifier accepts."""
    return sum(not is_rejected(copy.deepcopy(each)) for each in forgeries()[of])


VERIFIER = [
    (
        "zero_limits:output_heavy",
        "- dot(w, w) > least",
        "- dot(w, w) > -1",
        "neurons of any balance",
        "no_escape",
    ),
    (
        "zero_limits:output_heavy",
        "- dot(w, w) > least",
        "- dot(w, w) > -1",
        "neurons of any balance",
        "mixed_labels_grow",
    ),
    (
        "zero_limits:output_heavy",
        "need_heard(case.net, case.theta, case.X, case.Y)",
        "None",
        "flows that do not move",
        "no_escape",
    ),
    (
        "zero_limits:fading",
        "v * -sign > 0",
        "(v * sign).nonzero",
        "output weights of any sign",
        "no_escape",
    ),
    (
        "zero_limits:fading",
        "case.powers[-1] % 2 == 0",
        "case.powers[-1] > 0",
        "activations of both signs",
        "no_escape",
    ),
    (
        "zero_limits:fading",
        "y * sign >= 0",
        "y * sign >= -1",
        "labels of both signs",
        "no_escape",
    ),
    (
        "conjectures:fading",
        "each < -least for",
        "each.nonzero for",
        "neurons that may grow",
        "mixed_labels_grow",
    ),
    (
        "hypotheses:both_signs",
        "len(signs(case)) == 2",
        "len(signs(case)) > 0",
        "labels of one sign",
        "mixed_labels_grow",
    ),
    (
        "conjectures:one_limit",
        "gap > first * ball(APART) and gap",
        "first",
        "equal values",
        "one_limit",
    ),
    (
        "conjectures:strongest_neuron",
        "each - own[active[0]] > least",
        "each.nonzero",
        "the strongest neuron",
        "strongest_neuron",
    ),
    (
        "early_controls:large_init_tracking",
        "rest * rest < radius",
        "rest * 0 < radius",
        "a way left of any length",
        "large_init_tracking",
    ),
    (
        "early_controls:large_init_collapse",
        "and shrinking(high) > wanted",
        "",
        "a time before T",
        "large_init_collapse",
    ),
]
LENIENT = [(of, in_verifier(name, *rest)) for name, *rest, of in VERIFIER]


def test_every_forgery_is_rejected():
    assert [of for of in forgeries() if accepted(of)] == []


@pytest.mark.parametrize("of, mutant", LENIENT, ids=lambda each: getattr(each, "id", each))
def test_a_condition_on_limits_that_is_left_out_lets_a_forgery_pass(of, mutant, monkeypatch):
    forgeries()
    with planted(mutant, monkeypatch):
        assert accepted(of)
