"""Kinks of p = 1: no direction separates the gradients from w where slopes in [α,
1] balance them.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from ncfcheck.certify import Certificate, NotProved, certify, document
from ncfcheck.certify.certificate import hexadecimal
from ncfcheck.certify.kinks import kinked
from ncfcheck.core.claims import Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.properties.rank_one.exact import slope_outside
from ncfcheck.strategies.draw import draw
from ncfcheck.theory.rank_one.reduced_points import on_kink
from ncfcheck.verifier import Rejected, verify
from tests.support.certified import is_caught
from tests.support.planting import Mutant

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


def exactly(instance):
    samples = np.flatnonzero(on_kink(instance.ncf.X, instance.u))
    return kinked(
        instance.network,
        instance.ncf.X,
        instance.ncf.ybar,
        instance.u,
        instance.signs,
        list(map(int, samples)),
    )


def is_accepted(instance, point, normal) -> bool:
    data = {"kinks": point.samples, "basis": point.basis, "normal": hexadecimal(normal)}
    try:
        return bool(verify(document(OUTSIDE, instance, Certificate("structured", "forged", data))))
    except Rejected:
        return False


def test_a_point_with_slopes_outside_is_certified():
    assert len(beyond()) > 6
    assert all(isinstance(certify(OUTSIDE, each), Certificate) for each in beyond())


def test_nothing_is_proved_of_a_clarke_kkt_point():
    for instance in inside():
        with pytest.raises(NotProved):
            slope_outside(instance)


def test_the_verifier_rejects_every_normal_at_a_clarke_kkt_point():
    rng = np.random.default_rng(0)
    for instance in inside():
        point = exactly(instance)
        for normal in (point.normal(), *rng.standard_normal((6, len(point.basis)))):
            assert not is_accepted(instance, point, list(normal))


def test_the_exact_direction_is_the_one_of_the_instance():
    for instance in beyond():
        u = np.array([int(each.p) / int(each.q) for each in exactly(instance).u])
        assert np.allclose(u / np.linalg.norm(u), instance.u, atol=1e-9)


MISTAKES = [
    (
        "Kinked.exceeds",
        "min(share, share * self.lowest)",
        "max(share, share * self.lowest)",
        "the largest for the least",
    ),
    ("Kinked.exceeds", "min(share, share * self.lowest)", "share", "slope 1 only"),
    ("Kinked.exceeds", "least > 0 and", "", "no test of the sign"),
    ("kinked", "(1 if side * before > 0 else lowest)", "1", "no slope off the kinks"),
    ("_projected", "solve(", "solve(2 * ", "twice the projection"),
]
MUTANTS = [
    Mutant(f"ncfcheck.certify.kinks:{of}", a, b, mistake, ()) for of, a, b, mistake in MISTAKES
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mistake_about_kinks_is_caught(mutant, monkeypatch):
    checks = [
        test_a_point_with_slopes_outside_is_certified,
        test_nothing_is_proved_of_a_clarke_kkt_point,
    ]
    assert is_caught(mutant, checks, monkeypatch)
