"""Witnesses of conclusions that are true, or too near the truth for floats, and yet met every check
but one.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from ncfcheck.certify import Certificate, document
from ncfcheck.core.claims import Outcome, registered
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, unit
from ncfcheck.model.networks import dense
from ncfcheck.theory.early.training import conditioned_window
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.rank_one.points import RankOneInstance, balanced_norms
from ncfcheck.verdicts.judging import judge
from ncfcheck.verifier import PROOFS, REFUTATIONS, Rejected, verify
from ncfcheck.verifier.conjectures import strongest_neuron
from ncfcheck.verifier.loss_flows import Doubling
from ncfcheck.verifier.networks import Case
from tests.support.certified import resealed, small, witness
from tests.support.planting import in_verifier, planted

MIXED, TWO_SIDED = "rank_one.mixed_sign_even_p", "control.two_sided"
HALF = np.array([1.0, -1.0]) / np.sqrt(2)
ABOVE, BELOW = 1, -1


def reason(found: dict, known=REFUTATIONS) -> str:
    """Why a witness is rejected; empty if it is not."""
    try:
        verify(resealed(found), known)
    except Rejected as why:
        return str(why)
    return ""


def stated(id: str, instance, data=None) -> dict:
    """A witness that says of an instance what a claim's refutations say."""
    found = document(registered()[id], instance, Certificate("structured", data or {}))
    return json.loads(json.dumps(found))


def mixing(id, powers, profiles, layer, side, samples=((1.0,),), u=1.0, slope=0.5):
    """A structured point of d = 1, signs s_l = 1, α = ½, y = 1, of entries P and −Q in one e_l as
    they are to be for inputs of a side; the instance, and a witness.
    """
    widths = (1, *map(len, profiles), 1)
    network = dense(widths, powers, (slope,) * len(powers))
    p, signs = powers[layer], (1.0,) * (network.depth - 1)
    ratio = slope ** (-p * side / (p - 1))
    sign = 1 if p % 2 == 0 else -1  # of (−α)^p
    rows, columns = ([np.array(each) for each in profiles] for _ in range(2))
    negative = profiles[layer] < 0
    rows[layer][negative] *= ratio
    columns[layer][negative] *= -ratio * sign
    ends = [[*map(unit, rows), np.ones(1)], [np.array([u]), *map(unit, columns)]]
    matrices = [c * np.outer(a, b) for c, a, b in zip(balanced_norms(network), *ends)]
    X = np.array(samples)
    instance = RankOneInstance(
        Problem(network, X, np.ones((len(X), 1))),
        network.flatten(matrices),
        seeds=(0,),
        u=np.array([u]),
        signs=signs,
        profiles=tuple(profiles),
    )
    z = X[:, 0] * u
    for power in powers:
        z = np.where(z >= 0, z, slope * z) ** power
    multiplier = float(np.prod(powers) * z.sum())
    centre = [float(each).hex() for each in (u, multiplier)]
    box = {"centre": centre, "radius": (1e-13).hex(), "scale": 0, "generators": []}
    return instance, stated(id, instance, {"box": box})


DEEP = {"powers": (1, 2), "profiles": (np.ones(1), HALF), "layer": 1, "u": -1.0}
ZERO_FIRST = {"powers": (2,), "profiles": (HALF,), "layer": 0, "samples": ((0.0,), (1.0,))}


@pytest.mark.parametrize(
    "point, right", [(DEEP, BELOW), (ZERO_FIRST, ABOVE)], ids=["negative below", "x_0 = 0"]
)
def test_the_side_of_a_layer_that_mixes_signs_is_that_of_its_inputs(point, right):
    instance, found = mixing(MIXED, side=right, **point)
    assert judge(registered()[MIXED], instance)[0] is Outcome.HOLDS
    assert reason(found) == "the point may be KKT"
    assert "`start` is another point" in reason(mixing(MIXED, side=-right, **point)[1])
    instance, found = mixing(TWO_SIDED, side=-right, **point)
    assert reason(found) == "inputs of both signs are not proved"
    assert judge(registered()[TWO_SIDED], instance)[0] is Outcome.INAPPLICABLE


@pytest.mark.parametrize(
    "profiles, why",
    [
        ((unit(np.array([2.0, 1.0, -1.0])),), "not uniform"),
        ((-np.ones(2) / np.sqrt(2),), "not one layer with p ≥ 2 mixes signs"),
        ((HALF, unit(np.array([2.0, 1.0]))), "not uniform"),
    ],
    ids=["three sizes", "all negative", "another layer"],
)
@pytest.mark.parametrize("id", [MIXED, TWO_SIDED])
def test_entries_p_and_minus_q_are_two_sizes_one_of_each_sign(id, profiles, why):
    samples = ((1.0,),) if id == MIXED else ((1.0,), (-1.0,))
    instance, found = mixing(id, (2,) * len(profiles), profiles, 0, ABOVE, samples)
    assert why in reason(found)
    assert judge(registered()[id], instance)[0] is Outcome.INAPPLICABLE


def test_inputs_of_both_signs_are_those_of_the_control_alone():
    both = {"powers": (2,), "profiles": (HALF,), "layer": 0, "samples": ((1.0,), (-1.0,))}
    instance, found = mixing(TWO_SIDED, side=ABOVE, **both)
    assert judge(registered()[TWO_SIDED], instance)[0] is Outcome.VIOLATES and not reason(found)
    instance, found = mixing(MIXED, side=ABOVE, **both)
    assert judge(registered()[MIXED], instance)[0] is Outcome.INAPPLICABLE
    assert "inputs of both signs" in reason(found)


@pytest.mark.parametrize("id", ["control.wrong_target", "control.large_init_escape"])
@pytest.mark.parametrize("smallest", [-1e6, 0.0, 1e6])
def test_bounds_on_a_norm_are_positive_and_in_order(id, smallest):
    found = witness(id)
    found["certificate"]["data"]["norms"][0] = smallest.hex()
    assert "not two bounds on R_ε" in reason(found)


@pytest.mark.parametrize("factor", [-1.0, 0.0])
@pytest.mark.parametrize("id, sign", [("control.any_rank_one", -1), ("control.unbalanced", 1)])
def test_layer_norms_are_positive(id, sign, factor):
    """With a negative c_L and −s_L the point would be the same."""
    found = witness(id)
    norms, signs = (found["instance"][name] for name in ("norms", "signs"))
    norms["array"][-1] = (factor * float.fromhex(norms["array"][-1])).hex()
    signs["tuple"][-1]["float"] = (sign * float.fromhex(signs["tuple"][-1]["float"])).hex()
    assert "not layer norms" in reason(found)


def test_a_balance_is_proved_along_the_loss_flow_of_the_instance():
    claim = registered()["flow.balance"]
    X, y = np.array([[1.0, 0.0], [1.0, 1.0]]), np.ones((2, 1))
    start = unit(np.array([0.7, 0.2, 0.6]))
    instance = Instance(Problem(dense((2, 1, 1), (2,), (0.5,)), X, y), start, seeds=(0,))
    found = json.loads(json.dumps(document(claim, instance, claim.prove(instance))))
    assert not reason(found, PROOFS)
    data = found["certificate"]["data"]
    found["certificate"]["data"] = data | {"delta": (0.0).hex(), "loss": data["ncf"]}
    assert reason(found, PROOFS) == "δ is not the instance's"


def cancelled(scale: float) -> Instance:
    """A network whose two neurons cancel in H and N up to 10⁻¹⁵, but not in ∇N."""
    start = unit(np.array([2.0, 2.0, 1.0, scale - 1.0]))
    network = dense((1, 2, 1), (1,), (0.5,))
    return Instance(Problem(network, np.ones((1, 1)), np.ones((1, 1))), start, seeds=(0,))


@pytest.mark.parametrize("id", ["control.any_point", "control.negative_factor"])
def test_values_that_cancel_to_rounding_are_no_values(id):
    assert not reason(stated(id, cancelled(0.1)))
    assert "is 0, lost in rounding" in reason(stated(id, cancelled(1e-15)))


def test_shared_weights_are_those_of_a_network_with_outputs():
    """The two neurons share their weight, and cancel."""
    start = unit(np.array([0.5, 1.0, -1.0, 1.0]))
    problem = Problem(dense((1, 2, 1), (1,), (1.0,)), np.ones((1, 1)), np.ones((1, 1)))
    found = stated("control.shared_conserved", Instance(problem, start, seeds=(0,)))
    assert "H is 0, lost in rounding" in reason(found)


@pytest.mark.parametrize("gap", [1e-9, 1e-6])
def test_output_weights_are_the_heavier_by_what_floats_resolve(gap):
    """‖w‖² = (1 − gap) p v²."""
    found = copy.deepcopy(witness("conjecture.mixed_labels_grow"))
    size = np.array([float.fromhex(each) for each in found["instance"]["start"]["array"]])
    w, v = np.sign(size) * [np.sqrt(2 * (1 - gap)), 1.0] / np.sqrt(3 - 2 * gap)
    found["instance"]["start"]["array"] = [float(w).hex(), float(v).hex()]
    assert ("‖w_j‖² < p v_j²" in reason(found)) is (gap < 1e-7)


@pytest.mark.parametrize("gap", [1e-9, 1e-6])
def test_another_neuron_is_the_strongest_by_what_floats_resolve(gap, monkeypatch):
    """v_1 G(w_1) = (1 + gap) v_0 G(w_0), and the flow is said to leave neuron 0 alone."""
    monkeypatch.setattr("ncfcheck.verifier.conjectures.tends", lambda *given: None)
    problem = Problem(dense((1, 2, 1), (2,), (1.0,)), np.ones((1, 1)), np.ones((1, 1)))
    start = unit(np.array([1.0, 1.0, 1.0, 1.0 + gap]))
    found = stated("conjecture.strongest_neuron", Instance(problem, start, seeds=(0,)))
    case, data = Case(found["instance"]), {"limit": {"active": [[0]]}}
    if gap > 1e-7:
        strongest_neuron(case, data)
    else:
        with pytest.raises(Rejected, match="may be the strongest"):
            strongest_neuron(case, data)


def on_kink(off: float = 0.0) -> Instance:
    """Two neurons, p = 1, α = 0; the first lies on its kink, or off it."""
    problem = Problem(dense((2, 2, 1), (1,), (0.0,)), np.array([[1.0, -1.0]]), np.ones((1, 1)))
    return Instance(problem, unit(np.array([1.0 + off, 1.0, 2.0, 1.0, 1.0, 1.0])), seeds=(0,))


@pytest.mark.parametrize("off", [0.0, 3e-16, -3e-16])
@pytest.mark.parametrize("id", ["control.any_point", "control.negative_factor"])
def test_a_gradient_that_jumps_at_a_kink_is_none(id, off, monkeypatch):
    found = stated(id, on_kink(off))
    assert not reason(stated(id, on_kink(0.1)))
    assert judge(registered()[id], on_kink(off))[0] is Outcome.INAPPLICABLE
    assert "∇N is 0, lost in rounding, or jumps at a kink" in reason(found)
    left_out = in_verifier("identities:need_heard", "size > change * HEARD", "True", "left out")
    with planted(left_out, monkeypatch):
        assert not reason(found)


def cancelling(gap: int) -> dict:
    """A flow from twice the KKT point (√2, 1)/√3, labels 1 and 2^−gap − 1 of the same sample."""
    y = np.array([[1.0], [2.0**-gap - 1.0]])
    problem = Problem(dense((1, 1, 1), (2,), (0.5,)), np.ones((2, 1)), y)
    instance = Instance(problem, unit(np.array([2**0.5, 1.0])), seeds=(0,))
    with localcontext() as context:
        context.prec = 60
        exact = [(Decimal(k) / 3).sqrt() for k in (2, 1, 4)]
        centre = [float(each) for each in exact]
        fine = [float(each - Decimal(c)).hex() for each, c in zip(exact, centre)]
    box = {"centre": [each.hex() for each in centre], "fine": fine, "radius": (2.0**-90).hex()}
    data = {"active": [[0]], "box": box | {"scale": gap, "generators": []}}
    return stated("control.doubled_start", instance, data)


def test_a_gradient_that_is_lost_in_rounding_is_none_at_kkt_points(monkeypatch):
    assert not reason(cancelling(10))
    assert "∇N is 0, lost in rounding" in reason(cancelling(50))
    left_out = "need_heard(net, [*box[:free], *fixed], X, Y)"
    with planted(in_verifier("boxes:boxed", left_out, "pass", "left out"), monkeypatch):
        assert not reason(cancelling(50))


def test_a_flow_that_is_lost_in_rounding_is_none():
    with pytest.raises(Rejected, match="∇N is 0, lost in rounding"):
        Doubling(Case(cancelling(50)["instance"]), {})


def test_a_window_from_the_kkt_point_itself_is_none(monkeypatch):
    claim, instance = small("control.positive_collapse")
    u = positive_limit(instance.ncf, instance.start, instance.numerics).point.u
    aside = unit(instance.start - (instance.start @ u) * u)
    there = replace(instance, start=unit(u + 4e-5 * aside))
    assert judge(claim, there)[0] is Outcome.INAPPLICABLE

    def aligning(instance):
        return positive_limit(instance.ncf, instance.start, instance.numerics)

    monkeypatch.setattr("ncfcheck.theory.early.training.aligning", aligning)
    found = document(claim, there, claim.refute(there))
    assert reason(found) == "v_0 is the KKT point itself"
    assert not reason(document(claim, instance, claim.refute(instance)))


def test_a_window_whose_time_is_ill_conditioned_is_none(monkeypatch):
    claim, instance = small("control.positive_collapse")
    condition, found = conditioned_window(instance).condition, witness(claim.id)
    for factor, told in ((1.01, ""), (0.99, "T_ε is too near T*")):
        bound = Fraction(factor * condition)
        monkeypatch.setattr("ncfcheck.verifier.windows.CONDITION", bound)
        assert told in reason(found) and bool(told) is bool(reason(found))


def test_where_the_norm_has_not_grown_it_is_not_asked_what_is_at_that_norm(monkeypatch):
    claim, instance = small("control.wrong_target")
    instance = replace(instance, fraction=0.99)
    assert judge(claim, instance)[0] is Outcome.INAPPLICABLE
    monkeypatch.setattr("ncfcheck.properties.early.exact_controls.smallest", lambda *_: 1e-3)
    found = document(claim, instance, claim.refute(instance))
    assert reason(found) == "R_ε may be reached at the start"
    fragment = "first * ball(GROWN**2) < smallest"
    left_out = in_verifier("loss_flows:fails_at_norm", fragment, "True", "left out")
    with planted(left_out, monkeypatch):
        assert not reason(found)
