"""Flows from and to kinks of p = 1: what the verifier asks for, and forgeries that lack one
thing.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.certify import document
from ncfcheck.model.encoding import encode
from ncfcheck.properties.early import exact_models
from ncfcheck.theory.flow.trajectories import ncf_flow
from ncfcheck.verifier import kinked_flows, verify
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
from tests.support.exact_networks import first_violation
from tests.support.planting import in_verifier, planted

pytestmark = pytest.mark.usefixtures("at_one_precision")
KINKS, COLLAPSE, START, TRACKING = (
    f"control.{each}" for each in ("kinks", "kink_collapse", "kink_start", "kink_start_tracking")
)
FLOWS = (COLLAPSE, START, TRACKING)
SQUARE = [[1.0, 0.0], [1.0, 1.0]]  # samples, the first with the kink


def sloped(found: dict, alpha: float) -> dict:
    """The witness with another slope of the first layer."""
    found["instance"]["problem"]["network"]["slopes"]["tuple"][0] = {"float": float(alpha).hex()}
    return found


def toward(label: float, alpha: float, *q: float) -> dict:
    """The witness of control.kinks with another label of the first sample, slope, and first row."""
    return sloped(started(edited(witness(KINKS), y=[[label], [1.0]]), *q, 1.0), alpha)


@pytest.mark.parametrize("id", (KINKS, *FLOWS))
def test_a_certificate_about_a_kink_is_accepted(id):
    assert verify(witness(id))


@pytest.mark.parametrize("q", [(0.0, 1.0), (0.1, 1.0), (-0.3, 1.0), (0.0, 0.8)])
@pytest.mark.parametrize("label, alpha", [(-2.0, 0.0), (-3.0, 0.2), (-1.5, -0.9)])
def test_flows_from_either_side_come_to_a_kink_to_which_both_sides_point(label, alpha, q):
    assert not is_rejected(toward(label, alpha, *q))


def test_the_point_on_the_kink_is_where_the_engine_s_flow_comes_to():
    claim, _ = small(KINKS)
    for seed in range(3):
        instance = first_violation(claim, seed)
        line = kinked_flows.Line(Case(json.loads(json.dumps(encode(instance)))))
        exact = np.array(
            [
                float(each)
                for each in kinked_flows.balanced(line.across(line.pull(line.q)), line.signs)
            ]
        )
        flow = ncf_flow(instance.ncf, instance.start, replace(instance.numerics, calls=3000))
        assert np.linalg.norm(flow.direction - exact) < 1e-3


# Label of the first sample, α, and a first row with which one thing is missing each: see LENIENT.
OUTSIDE, PULLS, SMOOTH = (-0.5, 0.0, 0, 1), (2.0, -1.0, 0, 1), (-1.0, 0.0, 0, 1)
FAR, FALLING = (-2.0, 0.0, -0.69, 0.7), (-4.0, 0.0, 0.35, 0.9)
MORE = [
    (1.0, 0.0, 0, 1),
    (-0.99, 0.5, 0, 1),
    (-2.0, 0.6, 0, 1),
    (-2.0, 1.0, 0, 1),
    (-2.0, 0.0, 0, -1),
    (-2.0, 0.0, -1, 0),
]
MORE += [
    (-2.0, 0.0, 1, 0),
    (0.0, 0.0, 0, 1),
    (-2.0, 0.0, 0, 0.1),
    (-2.0, 0.0, 0, 9),
    (-1.01, 0.99, 0, 1),
    (2.0, 0.0, 0, 1),
]


@pytest.mark.parametrize("edit", [OUTSIDE, PULLS, SMOOTH, FAR, FALLING, *MORE])
def test_a_kink_that_flows_cross_or_leave_or_are_far_from_is_rejected(edit):
    assert is_rejected(toward(*edit))


def test_other_networks_and_weights_of_other_signs_come_to_no_kink():
    assert is_rejected(started(witness(KINKS), 0.0, 1.0, -1.0))
    for name, value in (("widths", [2, 2, 1]), ("powers", [2]), ("slopes", [])):
        found = witness(KINKS)
        found["instance"]["problem"]["network"][name]["tuple"] = value
        assert is_rejected(found)


@pytest.mark.parametrize("id", (COLLAPSE, START))
@pytest.mark.parametrize("change", CHANGES)
def test_a_tube_from_a_kink_that_was_changed_is_rejected(id, change):
    assert is_rejected(changed(id, 0, change))


def test_another_limit_or_other_data_of_a_flow_from_a_kink_are_rejected():
    others = [*moved_boxes(witness(START)), *moved_data(witness(START))]
    others += moved_data(witness(COLLAPSE))
    assert len(others) > 15 and all(map(is_rejected, others))


def forged(id: str, X=SQUARE, y=((-2.0,), (1.0,)), alpha: float = 0.0, start=None) -> dict:
    """What the finder makes of the instance of a stored witness with other data, slope and
    start.
    """
    claim, instance = small(id)
    widths = (len(X[0]), *instance.network.widths[1:])
    network = replace(instance.network, widths=widths, slopes=(alpha, *instance.network.slopes[1:]))
    start = np.array(start or [0.0, 1.0, *[0.0] * (len(X[0]) - 2), *np.sign(instance.start[2:])])
    problem = replace(instance.problem, network=network, X=np.array(X), y=np.array(y, dtype=float))
    other = replace(instance, problem=problem, start=start / np.linalg.norm(start))
    return document(claim, other, claim.refute(other))


def shortened() -> dict:
    """The flow left before its norm is 2."""
    found = witness(COLLAPSE)
    found["certificate"]["data"]["loss"] = found["certificate"]["data"]["loss"][:-1]
    return found


def large(patch) -> dict:
    """A flow of a δ that is not small."""
    with patch.context() as patch:
        patch.setattr(exact_models, "COLLAPSED", 0.25)
        return forged(COLLAPSE)


CUBE = [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
FORGERIES = {
    "outside": lambda patch: toward(*OUTSIDE),
    "pulls": lambda patch: toward(*PULLS),
    "smooth": lambda patch: toward(*SMOOTH),
    "far": lambda patch: toward(*FAR),
    "falling": lambda patch: toward(*FALLING),
    "crossing": lambda patch: forged(COLLAPSE, [[1.0, 0.0], [2 / 3, 1.0]], [[-1.0], [1.0]], 0.5),
    "returning": lambda patch: forged(COLLAPSE, [[1.0, 0.0], [-1.0, 1.0]], [[2.0], [1.0]], -1.0),
    "crossed": lambda patch: forged(COLLAPSE, alpha=0.8),
    "positive": lambda patch: forged(COLLAPSE, y=[[-2.0], [-1.0]], alpha=-1.0),
    "aslant": lambda patch: forged(COLLAPSE, CUBE, [[-2.0], [1.0], [-0.1]]),
    "shortened": lambda patch: shortened(),
    "large": large,
    "beside": lambda patch: forged(
        START, [[1.0, 0.0], [0.0, 1.0]], [[1.0], [0.0]], -0.5, [0.1, 1.0, 1.0, 1.0]
    ),
    "as fast": lambda patch: forged(START, [[1.0, 0.0], [0.0, 1.0]], [[1.0], [0.0]], -1.0),
}
LENIENT = [
    ("outside", "flow:kinks", " and line.balances(pull)", "", "slopes outside"),
    ("pulls", "flow:kinks", "shares[0] < 0 and ", "", "a kink that pulls up"),
    ("smooth", "flow:kinks", "ball(1 - ASLANT)", "ball(2)", "any angle"),
    ("far", "flow:kinks", "clear and ", "", "samples that may change sides"),
    (
        "falling",
        "flow:kinks",
        "case.net.run(case.theta, case.X, case.Y)[1] > 0",
        "True",
        "N of any sign",
    ),
    (
        "crossing",
        "kinked_flows:need_sides",
        "all(z > 0 for z in others) and ",
        "",
        "other samples on any side",
    ),
    (
        "returning",
        "kinked_flows:need_sides",
        "first > 0 or on_sides(case, samples[:1], field(x))[0] > 0",
        "True",
        "a kink not left",
    ),
    (
        "crossed",
        "kinked_flows:staying",
        " and line.balances(pull)",
        "",
        "a ray that is left by all",
    ),
    (
        "positive",
        "kinked_flows:staying",
        " and inner(pull, q) > 0",
        "",
        "N of any sign on the ray",
    ),
    (
        "aslant",
        "kinked_flows:staying",
        "inner(rest, q) ** 2 == inner(rest, rest) * inner(q, q)",
        "True",
        "∇N not along the ray",
    ),
    (
        "shortened",
        "early_models:kink_collapse",
        "dot(end, end) > 4",
        "dot(end, end) > 1",
        "a norm not reached",
    ),
    ("large", "loss_flows:small", "need_little(case, delta, tube, Y)", "pass", "any δ"),
    ("beside", "kinked_flows:leaving", "NEAR)", "Fraction(1))", "a start beside the kink"),
    (
        "as fast",
        "loss_flows:is_larger",
        "dot(x, x) > ball(",
        "dot(x, x) > 0 * ball(",
        "any norm",
    ),
]


@pytest.mark.parametrize(
    "name, of, fragment, replacement, mistake", LENIENT, ids=[each[-1] for each in LENIENT]
)
def test_a_condition_about_kinks_that_is_left_out_lets_a_forgery_pass(
    name, of, fragment, replacement, mistake, monkeypatch
):
    found = FORGERIES[name](monkeypatch)
    assert is_rejected(copy.deepcopy(found))
    with planted(in_verifier(of, fragment, replacement, mistake), monkeypatch):
        assert not is_rejected(found)
