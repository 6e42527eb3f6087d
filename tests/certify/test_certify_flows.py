"""Flows in tubes: they hold what other integrators find, and the verifier accepts them and nothing
else.
"""

from __future__ import annotations

import copy
import json
import os
import random
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ncfcheck.certify import NotProved, windows
from ncfcheck.certify.boxes import found_near
from ncfcheck.certify.fields import Field
from ncfcheck.certify.flows import enclose
from ncfcheck.model.encoding import encode
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, norm
from ncfcheck.model.networks import dense
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import unit
from ncfcheck.verifier import tubes as verifier
from ncfcheck.verifier import verify
from ncfcheck.verifier.networks import Case
from ncfcheck.verifier.networks import unit as exact_unit
from ncfcheck.verifier.numbers import Ball, Rejected, ball, limits
from ncfcheck.verifier.polynomials import Poly
from ncfcheck.verifier.windows import Point
from tests.support.certified import CHANGES, ENCLOSED, dropped, flows_of, is_rejected, swapped
from tests.support.certified import witness as stored
from tests.support.exact_networks import right_hand_side, smooth

COUNT = 60 if os.environ.get("NCFCHECK_FULL") else 6
IDS = sorted(each.removeprefix("control.") for each in ENCLOSED)


def witness(id: str) -> dict:
    return stored(f"control.{id}")


def tube(instance: Instance, delta: float, time: float = 0.4):
    field = Field(instance.problem, delta)
    return enclose(field, instance.start, 1e-15, lambda step: False, time)


def retold(instance: Instance, delta: float, steps: list):
    """The verifier's tube of the steps."""
    case = Case(json.loads(json.dumps(encode(instance))))
    return verifier.Tube(verifier.Field(case, case.Y, delta), exact_unit(case.theta), steps)


@pytest.mark.parametrize("seed", range(COUNT))
def test_tubes_of_both_flows_hold_what_dop853_finds_at_1e_13(seed):
    instance, delta = smooth(seed)
    for strength in (0.0, delta):
        found = tube(instance, strength)
        again = retold(instance, strength, found.plain())
        solution = solve_ivp(
            right_hand_side(instance, strength),
            (0, found.time),
            instance.start,
            "DOP853",
            rtol=1e-13,
            atol=1e-15,
            dense_output=True,
        )
        for step in found.steps:
            for share in (0.3, 1.0):
                t = step.time + share * step.duration
                near = solution.sol(t)
                assert norm(found.at(t) - near) < step.radius + 1e-11
                assert all(
                    abs(float(box) - value) < 1e-9
                    for box, value in zip(again.at(Fraction(t)), near)
                )
        assert found.steps[-1].error < 1e-9


def test_a_tube_too_small_or_around_another_curve_is_rejected():
    instance, delta = smooth(1)
    steps = tube(instance, delta).plain()
    assert retold(instance, delta, steps)
    for name, value in (
        ("radius", "0x1.0000000000000p-70"),
        ("growth", "-0x1.0000000000000p+6"),
        ("duration", "0x1.0000000000000p-3"),
        ("radius", "0x1.0000000000000p+4"),
    ):
        changed = copy.deepcopy(steps)
        changed[0][name] = value
        with pytest.raises(Rejected):
            retold(instance, delta, changed)
    with pytest.raises(Rejected):
        retold(instance, 2 * delta, steps)


def test_a_kink_on_the_way_is_passed_in_short_steps():
    problem = Problem(
        dense((2, 1, 1), (2,), (0.5,)), np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.5], [1.0]])
    )
    instance = Instance(problem, unit(np.array([-0.1, 1.0, 1.0])))
    found = tube(instance, 0.0, 0.2)
    assert found.at(0.0)[0] < 0 < found.at(0.2)[0] and found.steps[-1].error < 1e-9
    assert retold(instance, 0.0, found.plain()).end == Fraction(0.2)


def test_at_a_kink_of_p_1_no_tube_is_found():
    network = dense((1, 1, 1), (1,), (0.5,))
    instance = Instance(
        Problem(network, np.array([[1.0]]), np.array([[1.0]])), unit(np.array([1.0, 1.0]))
    )
    with pytest.raises(NotProved):
        tube(instance, 0.0)
    smooth = replace(instance.problem, network=dense((1, 1, 1), (1,), (1.0,)))
    steps = tube(replace(instance, problem=smooth), 0.0).plain()
    with pytest.raises(Rejected, match="jumps at a kink"):
        retold(instance, 0.0, steps)


def test_a_saddle_attracts_nothing_for_certain():
    network = dense((1, 2, 1), (2,), (0.5,))
    instance = Instance(
        Problem(network, np.array([[1.0]]), np.array([[1.0]])), unit(np.array([1.0, 0.2, 0.9, 0.1]))
    )
    limit = positive_limit(instance.ncf, instance.start, instance.numerics).point.u
    network, ncf, case = (
        instance.network,
        instance.ncf,
        Case(json.loads(json.dumps(encode(instance)))),
    )
    best, reach = found_near(network, ncf, limit), 0.01
    saddle = found_near(network, ncf, unit(np.sqrt([1 / 3, 1 / 3, 1 / 6, 1 / 6])))
    assert windows.attractor(instance, best).reach >= reach
    Point(case, best.plain()).attracts(case, Fraction(reach))
    with pytest.raises(NotProved, match="attract"):
        windows.attractor(instance, saddle)
    with pytest.raises(Rejected, match="attract"):
        Point(case, saddle.plain()).attracts(case, Fraction(reach))


@pytest.mark.parametrize("seed", range(5))
def test_polynomials_of_both_sides_contain_the_functions_they_stand_for(seed):
    rng = np.random.default_rng(seed)
    c = rng.standard_normal(6) * 0.5 ** np.arange(6)
    c[0] *= 0.2
    power, alpha = int(rng.integers(2, 5)), float(rng.uniform(-1, 1))
    limits.bits = 192
    law = power, Ball(1), ball(Fraction(alpha) ** power)
    mine = Poly([int(Fraction(each) * 2**192) for each in c])
    both, values = mine.bend(*law), mine.range
    for tau in map(Fraction, np.linspace(0, 1, 41)):
        z = sum(Fraction(each) * tau**k for k, each in enumerate(c))
        scale = 1 if z >= 0 else Fraction(alpha) ** power
        exact = scale * z**power, power * scale * z ** (power - 1)
        assert not (ball(z) < Ball(values.lo, values.lo, values.e)) and not (
            ball(z) > Ball(values.hi, values.hi, values.e)
        )
        for ours, wanted in zip(both, exact):
            assert not (ours.at(ball(tau)) - ball(wanted)).nonzero


def test_what_the_logistic_loss_leaves_out_is_bounded():
    instance, _ = smooth(2)
    case = Case(json.loads(json.dumps(encode(instance))))
    field = verifier.Field(case, case.Y, 0.5)
    for x in np.linspace(-1, 1, 21):
        for y in (0.5, -0.5):
            exact = Fraction(float(2 * y / (1 + np.exp(2 * y * x))))
            gap = field.descent(ball(y), ball(float(x))) - ball(exact)
            assert gap < Fraction(1, 10**15) + Fraction(abs(x)) ** 5 / 240 and not (
                abs(gap) > Fraction(abs(x)) ** 5 / 240 + Fraction(1, 10**15)
            )


@pytest.mark.parametrize("id", IDS)
def test_a_certificate_of_a_flow_is_accepted(id):
    assert verify(witness(id))


def shortened(steps, rng):
    """Only the first half of the steps."""
    del steps[len(steps) // 2 :]


@pytest.mark.parametrize("change", (*CHANGES, shortened))
@pytest.mark.parametrize("id", ("large_init", "order", "wrong_norm", "wrong_labels_collapse"))
def test_a_changed_tube_is_rejected(id, change):
    found, rng = witness(id), random.Random(id + change.__name__)
    for place in range(len(flows_of(found))):
        other = copy.deepcopy(found)
        steps = flows_of(other)[place]
        if len(steps) > 1 or change not in (swapped, dropped, shortened):
            change(steps, rng)
            assert is_rejected(other), place


def hexadecimal(value: float) -> str:
    return float(value).hex()


@pytest.mark.parametrize(
    "id, name, value",
    [
        ("large_init", "delta", hexadecimal(1.0)),
        ("large_init", "epsilon", hexadecimal(0.9)),
        ("large_init", "epsilon", hexadecimal(1e-3)),
        ("large_init", "times", [hexadecimal(0.0), hexadecimal(0.1)]),
        ("large_init", "norms", [hexadecimal(3.0), hexadecimal(4.0)]),
        ("large_init", "reach", hexadecimal(0.9)),
        ("large_init", "reach", hexadecimal(1e-9)),
        ("large_init", "ncf", []),
        ("large_init", "loss", [{}]),
        ("wrong_norm", "norms", [hexadecimal(1.0), hexadecimal(1.0)]),
        ("positive_collapse", "delta", hexadecimal(0.5)),
        ("positive_collapse", "delta", hexadecimal(-0.1)),
        ("global", "better", [hexadecimal(-1.0), hexadecimal(1.0)]),
        ("initial_direction", "reach", hexadecimal(0.9)),
        ("wrong_target", "vanishing", {"delta": hexadecimal(0.0), "loss": []}),
        ("degree_two", "times", [hexadecimal(0.0), hexadecimal(99.0)]),
        ("order", "crossing", [hexadecimal(0.0), hexadecimal(1e-3)]),
        ("order", "flows", []),
    ],
)
def test_another_number_in_a_certificate_of_a_flow_is_rejected(id, name, value):
    found = witness(id)
    assert name in found["certificate"]["data"]
    found["certificate"]["data"][name] = value
    assert is_rejected(found)


def test_a_flow_of_other_labels_or_another_loss_is_rejected():
    for id in ("large_init", "order", "wrong_norm"):
        found = witness(id)
        found["instance"]["problem"]["y"]["array"][0][0] = hexadecimal(1.1)
        assert is_rejected(found)
        found = witness(id)
        found["instance"]["problem"]["loss"]["name"] = "LOGISTIC"
        assert is_rejected(found)


def test_a_certificate_of_one_control_proves_no_other():
    for id in IDS:
        for other in IDS:
            found = witness(id)
            found["claim"] = f"control.{other}"
            # T_ε and δ alone decide what is proved of N* > 0 and of a flow not yet aligned.
            same = {
                "large_init",
                "positive_collapse",
                "global",
                "wrong_target",
                "large_init_escape",
            }
            # The flow of one sample from δ ≥ 3 that is not aligned at T_ε has settled by then, so
            # that it never doubles.
            settled = (id, other) == ("large_init", "large_init_tracking")
            # Two flows that leave one start refute both: they differ in hypotheses only.
            apart = {id, other} in (
                {"kink_start", "branching_start"},
                {"kink_start_tracking", "branching_start_tracking"},
            )
            accepted = other == id or {id, other} <= same or settled or apart
            assert accepted or is_rejected(found), (id, other)


def test_a_tube_that_would_cost_much_is_turned_down_at_once():
    step = witness("large_init")["certificate"]["data"]["loss"][0]
    hostile = [
        [step] * 10**5,
        [step | {"curve": step["curve"] * 10**4}],
        [step | {"curve": [row * 10**4 for row in step["curve"]]}],
    ]
    hostile += [
        [step | {"duration": value}]
        for value in (
            "0x1.0000000000000p+1000",
            "0x0.0000000000001p-1022",
            "inf",
            "nan",
            "-0x1.0000000000000p-3",
        )
    ]
    hostile += [
        [step | {"growth": "-0x1.0000000000000p+1000"}],
        [step | {"radius": "0x1.0000000000000p+1000"}],
    ]
    for steps in hostile:
        found = witness("large_init")
        found["certificate"]["data"]["loss"] = steps
        start = time.process_time()
        assert is_rejected(found) and time.process_time() - start < 20
    found = witness("large_init")
    found["certificate"]["data"]["delta"] = "0x1.0000000000000p+1000"
    assert is_rejected(found)
