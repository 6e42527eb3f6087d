"""Kinks of p = 1: no direction separates the gradients from w where slopes in [α,
1] balance them.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from ncfcheck.certify import Certificate, certify, document
from ncfcheck.certify.certificate import hexadecimal
from ncfcheck.core.claims import Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.properties.rank_one.exact import slope_outside
from ncfcheck.strategies.draw import draw
from ncfcheck.verifier import Rejected, verify
from tests.support.planting import in_verifier, planted

load_claims()
OUTSIDE = registered()["control.slope_outside"]


@functools.cache
def on_kinks(id: str) -> list:
    """The first instances of a claim that lie on kinks."""
    found = list(draw(registered()[id].strategy(), 40, 0, simplest=False))
    return [each for each in found if each.u is not None][:12]


def inside() -> list:
    return on_kinks("rank_one.clarke")


def beyond() -> list:
    return [each for each in on_kinks(OUTSIDE.id) if OUTSIDE.judge(each)[0] is Outcome.VIOLATES]


def is_accepted(instance, data: dict) -> bool:
    try:
        return bool(verify(document(OUTSIDE, instance, Certificate("structured", data))))
    except Rejected:
        return False


def test_a_point_with_slopes_outside_is_certified():
    assert len(beyond()) > 6
    assert all(isinstance(certify(OUTSIDE, each), Certificate) for each in beyond())


def test_the_verifier_rejects_every_normal_at_a_clarke_kkt_point():
    rng = np.random.default_rng(0)
    for instance in inside():
        found = slope_outside(instance).data
        others = rng.standard_normal((6, len(found["basis"])))
        for normal in (found["normal"], *map(hexadecimal, others)):
            assert not is_accepted(instance, found | {"normal": normal})


def test_other_samples_another_basis_or_the_normal_reversed_are_rejected():
    for instance in beyond():
        found = slope_outside(instance).data
        assert is_accepted(instance, found)
        samples, basis, normal = found["kinks"], found["basis"], found["normal"]
        others = [i for i in range(len(instance.ncf.X)) if i not in samples]
        changes = [{"normal": hexadecimal(-float.fromhex(each) for each in normal)}]
        changes += [{"kinks": [*samples, i]} for i in others if instance.ncf.X[i].any()]
        changes += [{"basis": []}, {"kinks": [], "basis": []}, {"basis": basis * 2}]
        changes += [{"normal": hexadecimal([0.0] * len(normal))}]
        turned = [each for each in changes if is_accepted(instance, found | each)]
        assert all("normal" in each and any(map(float.fromhex, each["normal"])) for each in turned)


LENIENT = [
    ("rank_one:slope_outside", "> value * value * dot", "> 0 * value * dot", "any angle"),
    ("kinks:rate", "slope * each", "each", "slope 1 at kinks"),
    ("numbers:bend", "each[0] if len(each) == 1 else each[0].hull(each[1])", "each[0]", "one side"),
]


@pytest.mark.parametrize("of, fragment, replacement, mistake", LENIENT)
def test_a_bound_on_slopes_that_is_left_out_lets_a_clarke_kkt_point_pass(
    of, fragment, replacement, mistake, monkeypatch
):
    found = [(each, slope_outside(each).data) for each in inside()]
    mutant = in_verifier(of, fragment, replacement, mistake)
    with planted(mutant, monkeypatch):
        assert any(is_accepted(instance, data) for instance, data in found)
