"""Certificates: controls have them, theorems never do, and what finds them proves nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import replace
from enum import StrEnum

import numpy as np
import pytest

from ncfcheck.certify import Certificate, NotProved, Undecided, certify, within
from ncfcheck.certify.boxes import Box, enclose, exactly, found_near, net_of
from ncfcheck.certify.certificate import asked
from ncfcheck.certify.fields import Field
from ncfcheck.certify.series import taylor
from ncfcheck.certify.spans import Span
from ncfcheck.certify.symmetries import generators
from ncfcheck.core.claims import CONTROL, Claim, Kind, Margin, Outcome, Verdict, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.encoding import encode
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Ncf, Problem
from ncfcheck.model.networks import DENSE, Network, dense, masked
from ncfcheck.run import counterexamples
from ncfcheck.run.check import check_claim
from ncfcheck.strategies.draw import draw
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.rank_one.points import (
    RankOneInstance,
    ReducedPoint,
    balanced_norms,
    mixed_point,
)
from ncfcheck.theory.starts import gaussian_start, unit
from ncfcheck.verifier import PROOFS, REFUTATIONS, Rejected
from ncfcheck.verifier.boxes import boxed
from ncfcheck.verifier.networks import Case
from ncfcheck.verifier.registry import proves, refutes
from ncfcheck.verifier.symmetries import symmetry
from tests.support.adversarial import KINDS, adversarial
from tests.support.certified import ENCLOSED, FOLDER, certifies, small
from tests.support.exact_networks import continuum, drawn, first_violation, limit
from tests.support.layered import layered

load_claims()
EXACT = [claim for claim in registered().values() if claim.refute is not None]
THEOREMS = [claim.id for claim in EXACT if claim.kind is Kind.THEOREM]
CONTROLS = [claim.id for claim in EXACT if claim.kind is CONTROL]
# Adversarial instances per theorem; NCFCHECK_FULL=1 runs more, and `python -m
# benchmarks.certificates theorems 100000` all.
HARD = 300 if os.environ.get("NCFCHECK_FULL") else 8


@pytest.mark.parametrize("id", sorted(set(CONTROLS) - ENCLOSED))
def test_a_violation_of_a_static_control_is_certified_and_verified(id):
    claim = registered()[id]
    attempts = [certify(claim, first_violation(claim, seed)) for seed in range(2)]
    assert any(isinstance(each, Certificate) for each in attempts), attempts


def unmatched(found) -> set[str]:
    """Claims with an exact counterpart that the verifier does not know, and the other way round."""
    refuted = {id for id, claim in found.items() if claim.refute is not None}
    proved = {id for id, claim in found.items() if claim.prove is not None}
    return (refuted ^ set(REFUTATIONS)) | (proved ^ set(PROOFS))


def test_the_registry_and_the_verifier_know_the_same_claims():
    assert unmatched(registered()) == set() and len(THEOREMS) >= 11
    assert len(CONTROLS) >= 37 and set(CONTROLS) >= ENCLOSED


@pytest.mark.parametrize("known", (REFUTATIONS, PROOFS))
@pytest.mark.parametrize("id", ("control.misspelt", "flow.monotone", "control.kinks"))
def test_a_claim_that_only_one_of_both_knows_is_noticed(id, known, monkeypatch):
    if id in known:
        monkeypatch.delitem(known, id)
    else:
        monkeypatch.setitem(known, id, None)
    assert unmatched(registered()) == {id}


@pytest.mark.parametrize("register", (refutes, proves))
def test_a_claim_is_registered_with_the_verifier_once(register):
    id = "control.kinks" if register is refutes else "flow.monotone"
    with pytest.raises(ValueError, match="registered twice"):
        register(id, keeps={})(lambda case, data: None)


def test_a_start_is_moved_to_the_point_that_is_proved_if_floats_see_no_other_there():
    claim = registered()["control.positive_unstable"]
    instance = first_violation(claim, 8)
    found = certify(claim, instance)
    assert np.abs(found.instance.start - instance.start).max() > 1e-3
    assert claim.judge(found.instance)[0] is Outcome.VIOLATES
    shown, margin, sealed = counterexamples._certified(claim, instance, Margin(-1.0, 0.0))
    assert (shown.start == found.instance.start).all() and margin.value < -1 and sealed
    holding = replace(claim, function=lambda instance: Margin(1.0, 0.0))
    assert certify(holding, instance).reason.startswith("floats see no violation")


@pytest.mark.parametrize("id", THEOREMS)
def test_no_theorem_is_ever_certified_to_fail_on_adversarial_floats(id):
    claim, rng = layered(registered()[id]), np.random.default_rng(7)
    tried = list(draw(claim.strategy(), HARD, 0, simplest=True))
    assert len(tried) == HARD
    for instance in tried:
        hard = adversarial(instance, rng, str(rng.choice(KINDS)))
        with np.errstate(all="ignore"):
            assert isinstance(certify(claim, hard, seconds=2), Undecided)


def example():
    """A random instance whose N is not small."""
    instances = (drawn(1 + 3 * seed) for seed in range(50))
    return next(each for each in instances if abs(each.ncf.value(each.start)) > 1e-3)


def test_a_claim_that_the_verifier_does_not_know_is_not_refuted():
    claim = Claim("mine.own", CONTROL, "mine", "", (), None, lambda _: Margin(-1, 0), refute=asked)
    assert certify(claim, example()) == Undecided("the verifier does not know this claim")


def test_an_error_in_a_certifier_is_a_reason_and_no_certificate():
    def broken(instance):
        raise KeyError("oops")

    claim = Claim("mine.own", CONTROL, "mine", "", (), None, lambda _: Margin(-1, 0), refute=broken)
    assert "KeyError" in certify(claim, example()).reason


def test_a_proof_ends_when_its_time_is_up():
    claim = registered()["control.shared_balance"]
    found = certify(claim, first_violation(claim), seconds=0.0)
    assert isinstance(found, Undecided) and "time is up" in found.reason
    within(float("inf"))


def mistaken(found: Certificate) -> Certificate:
    """The certificate with every radius, or reach, a thousand times as large."""
    text = json.dumps(found.data)
    for name in ("radius", "reach"):
        text = re.sub(
            rf'"{name}": "([^"]*)"',
            lambda each: f'"{each[0].split(chr(34))[1]}": "{(1e3 * float.fromhex(each[1])).hex()}"',
            text,
        )
    return replace(found, data=json.loads(text))


@pytest.mark.parametrize("id", ("control.order", "control.large_init"))
def test_a_finder_that_is_mistaken_loses_its_certificates_and_proves_nothing(id):
    claim, instance = small(id)
    assert isinstance(certify(claim, instance, seconds=60), Certificate)
    wrong = replace(claim, refute=lambda each: mistaken(claim.refute(each)))
    assert certify(wrong, instance, seconds=60).reason.startswith("the verifier rejects")


@pytest.mark.parametrize("id", sorted(path.stem for path in FOLDER.glob("*.json")))
@pytest.mark.long
def test_every_stored_witness_is_certified_again(id):
    assert certifies(id)


def test_certified_controls_read_refuted_and_those_that_the_verifier_does_not_know_potential(
    monkeypatch,
):
    assert check_claim(registered()["control.nonuniform"], 6, 0).verdict is Verdict.REFUTED
    monkeypatch.delitem(REFUTATIONS, "control.zero_points")
    result = check_claim(registered()["control.zero_points"], 6, 0)
    assert (result.verdict, result.certified) == (Verdict.POTENTIAL, 0)


@pytest.mark.parametrize("depth", (2, 3))
def test_limits_of_flows_are_boxed_to_many_digits(depth):
    network, ncf, u = limit(depth, 5)
    found = found_near(network, ncf, u)
    assert found.box.radius < 1e-13 and found.point.value > 0 and found.is_maximum


def accepts(network: Network, ncf: Ncf, box: Box) -> bool:
    """Whether the verifier finds a KKT point in a box."""
    try:
        return bool(boxed(box.plain(), net_of(network), exactly(ncf.X), exactly(ncf.ybar)))
    except Rejected:
        return False


@pytest.mark.parametrize("size", (0.05, 1e-2, 1e-4, 1e-6))
def test_a_point_that_is_only_near_a_kkt_point_is_not_boxed(size):
    network, ncf, u = limit(2, 5)
    far = unit(u + size * np.random.default_rng(0).standard_normal(u.size))
    assert accepts(network, ncf, enclose(ncf, u))
    box = enclose(ncf, u)
    moved = replace(box, centre=(*map(float, far), *box.centre[u.size :]))
    assert not accepts(network, ncf, moved)
    with contextlib.suppress(NotProved):
        found = enclose(ncf, far)  # of the point, to rounding, or of none
        near = abs(found.theta - u).max() <= found.radius + 1e-15
        assert near or not accepts(network, ncf, found)


def test_a_continuum_is_boxed_only_when_its_symmetries_are_fixed():
    network, ncf, u = continuum()
    found = found_near(network, ncf, u)
    with contextlib.suppress(NotProved):
        assert not accepts(network, ncf, enclose(ncf, u))
    assert found.box.radius < 1e-12 and accepts(network, ncf, found.box)


@pytest.mark.parametrize(
    "rows, alike",
    [
        ([[1, 0, 1], [1, 0, 1]], True),
        ([[1, 0, 1], [0, 1, 1]], False),
        ([[1, 1, 1], [1, 1, 0]], False),
    ],
)
def test_neurons_of_a_linear_layer_are_turned_into_each_other_only_where_they_are_connected_alike(
    rows, alike
):
    network, rng = Network((3, 2, 1), (1,), (1.0,), (masked(rows), DENSE)), np.random.default_rng(2)
    problem = Problem(network, rng.standard_normal((4, 3)), rng.standard_normal((4, 1)))
    instance = Instance(problem, unit(rng.standard_normal(network.size)))
    assert generators(network, instance.start) == (((0, 0, 1),) if alike else ())
    case = Case(json.loads(json.dumps(encode(instance))))
    with contextlib.nullcontext() if alike else pytest.raises(Rejected, match="alike"):
        symmetry(case.net, [0, 0, 1])
    if alike:
        limit = positive_limit(instance.ncf, instance.start, Numerics()).point.u
        found = found_near(network, instance.ncf, limit)
        assert found.box.radius < 1e-12 and boxed(found.plain()["box"], case.net, case.X, case.Y)


@pytest.mark.parametrize(
    "id, network, X, y, seed",
    [
        (
            "conjecture.rank_one_limits",
            dense((2, 2, 1, 1), (2, 2), (0.5, 0.5)),
            [[1, 0], [2, 1], [2, -1]],
            [1, -1, -1],
            16,
        ),
        (
            "conjecture.rank_one_maxima",
            dense((2, 2, 1, 1), (2, 2), (0.5, 0.5)),
            [[1, 0], [2, 1], [2, -1]],
            [1, -1, -1],
            16,
        ),
        (
            "conjecture.one_neuron_limits",
            dense((1, 2, 1, 1), (2, 2), (-0.5, -0.5)),
            [[1], [-1]],
            [1, -10],
            9,
        ),
    ],
)
def test_the_smallest_counterexamples_of_conjectures_are_proved(id, network, X, y, seed):
    problem = Problem(network, np.array(X, dtype=float), np.array(y, dtype=float)[:, None])
    instance = Instance(
        problem, gaussian_start(np.random.default_rng(seed), problem.ncf), seeds=(seed,)
    )
    found = certify(registered()[id], instance, seconds=60)
    assert isinstance(found, Certificate) and "strict local maximum" in found.proves


def within_rounding_of_a_kink() -> RankOneInstance:
    """Entries P and −Q of e_1 along a u that floats put on the other side of the first sample than
    exact numbers do.
    """
    network = dense((2, 2, 1, 1, 1, 1), (2, 1, 1, 1), (-0.3, 1.0, 1.0, -0.3))
    X = np.array(
        [
            [float.fromhex("-0x1.e72fac02aa9f3p-10"), float.fromhex("-0x1.df5d0c8ba5f25p-1")],
            [5e-324, 0.003345599279312],
        ]
    )
    problem = Problem(network, X, np.array([[1.0], [-1.0]]), Loss.LOGISTIC)
    u, signs = (
        np.array([float.fromhex("0x1.ffffbde4f1e3bp-1"), float.fromhex("-0x1.042d5a423c93bp-9")]),
        (1.0, -1.0, 1.0, -1.0),
    )
    profiles = (np.array([-1.0, 1.0]) / np.sqrt(2), np.ones(1), np.ones(1), np.ones(1))
    start = mixed_point(
        network,
        X,
        ReducedPoint(u, signs),
        [np.abs(each) for each in profiles],
        0,
        np.array([True, False]),
    )
    return RankOneInstance(
        problem,
        start,
        seeds=(0,),
        u=u,
        signs=signs,
        profiles=profiles,
        norms=balanced_norms(network),
    )


def test_inputs_within_rounding_of_both_signs_prove_nothing_of_mixed_signs():
    mixed = registered()["rank_one.mixed_sign_even_p"]
    assert "inputs of both signs" in certify(mixed, within_rounding_of_a_kink()).reason


class Other(StrEnum):
    """A loss that no certificate knows."""

    OTHER = "other"


def test_a_loss_that_certificates_do_not_know_is_named_and_none_is_tried():
    instance = drawn(1)
    problem = replace(instance.problem)
    assert problem.ncf is not None  # which asks the loss for pseudo-labels
    object.__setattr__(problem, "loss", Other.OTHER)
    for statement in (
        lambda: Field(problem, 0.1).box(Span(instance.start)),
        lambda: taylor(problem, 0.1, instance.start, 3),
    ):
        with pytest.raises(
            NotProved, match="about the square and logistic loss, not the other loss"
        ):
            statement()


def test_the_verifier_refuses_a_loss_that_it_does_not_know():
    plain = json.loads(json.dumps(encode(drawn(1))))
    plain["problem"]["loss"]["name"] = "OTHER"
    with pytest.raises(Rejected, match="certificates are about the square and logistic loss"):
        Case(plain)
