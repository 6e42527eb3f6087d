"""Mistakes planted in how flows are certified: each is caught by the engine's numbers, by sampled
curves, or by the verifier.
"""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, arb_poly

from ncfcheck.certify import NotProved
from ncfcheck.certify.flows import RingField
from ncfcheck.certify.polynomials import Polynomials, bounded, extremes
from ncfcheck.certify.rings import Balls, precision
from ncfcheck.certify.windows import attractor
from ncfcheck.core.loading import load_claims
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.starts import unit
from tests.support.certified import certifies, is_caught, small
from tests.support.exact_networks import right_hand_side, smooth
from tests.support.planting import Mutant

load_claims()


def fields_are_those_of_the_engine() -> bool:
    """f, and Df beside differences of the engine's f, for both flows and both losses."""
    for seed in range(3):
        instance, delta = smooth(seed)
        for strength in (0.0, max(delta, 0.9)):
            u, field, rate = (
                instance.start,
                RingField(instance.problem, strength),
                right_hand_side(instance, strength),
            )
            balls = [arb(float(each)) for each in u]
            found = [float(each.mid()) for each in field.at(Balls, balls).gradient]
            J = [[float(each.mid()) for each in row] for row in field.jacobian(balls)]
            slopes = [
                (rate(0, u + 1e-6 * e) - rate(0, u - 1e-6 * e)) / 2e-6 for e in np.eye(u.size)
            ]
            if not (
                np.allclose(found, rate(0, u), atol=1e-5) and np.allclose(J, slopes, atol=1e-5)
            ):
                return False
    return True


def polynomials_contain_what_they_stand_for() -> bool:
    """σ and σ' across a kink, ranges and bounds, at points of [0, 1]."""
    c, alpha = [-0.1, 0.3, 0.05], -0.5
    z = arb_poly(c)
    low, high = extremes(z)
    for power in (2, 3):
        bent = Polynomials.bend(z, power, arb_poly([arb(alpha)]), None)
        for tau in np.linspace(0, 1, 21):
            value = np.polynomial.polynomial.polyval(tau, c)
            scale = 1.0 if value > 0 else alpha**power
            exact = scale * value**power, power * scale * value ** (power - 1)
            if not all(
                f(arb(float(tau))).overlaps(arb(float(e), 1e-12)) for f, e in zip(bent, exact)
            ):
                return False
            if not (low - 1e-12 < value < high + 1e-12 and abs(value) < bounded(-z) + 1e-12):
                return False
    return True


def only_maxima_attract() -> bool:
    """A saddle attracts nothing, a maximum does."""
    problem = Problem(dense((1, 2, 1), (2,), (0.5,)), np.array([[1.0]]), np.array([[1.0]]))
    maximum, saddle = np.sqrt([2 / 3, 0, 1 / 3, 0]), np.sqrt([1 / 3, 1 / 3, 1 / 6, 1 / 6])
    instance = Instance(problem, unit(np.ones(4)))
    with precision(128):
        if not attractor(instance, maximum).reach > 0.01:
            return False
        try:
            attractor(instance, saddle)
        except NotProved:
            return True
    return False


def certificates_are_accepted() -> bool:
    """Stored witnesses are certified, by certificates that the verifier accepts."""
    return all(map(certifies, ("control.large_init", "control.order")))


CHECKS = (
    fields_are_those_of_the_engine,
    polynomials_contain_what_they_stand_for,
    only_maxima_attract,
    certificates_are_accepted,
)
FLOWS, POLYNOMIALS, SERIES, WINDOWS = (
    f"ncfcheck.certify.{each}" for each in ("flows", "polynomials", "series", "windows")
)
MISTAKES = [
    (f"{FLOWS}:RingField._descent", "return ybar - x\n", "return ybar + x\n", "sign of ŷ in −ℓ'"),
    (f"{FLOWS}:RingField._descent", "arb(0.25)", "arb(0.5)", "ℓ''(0) of the logistic loss"),
    (
        f"{FLOWS}:RingField._curvature",
        "return (arb(1)",
        "return 2 * (arb(1)",
        "twice ℓ'' of the logistic loss",
    ),
    (f"{FLOWS}:RingField._curvature", "return arb(1)", "return arb(2)", "ℓ'' of the square loss"),
    (f"{FLOWS}:RingField.strength", "network.order)", "network.order - 1)", "δ^(D−1) for δ^D"),
    (f"{FLOWS}:RingField.jacobian", "-= curvature", "+= curvature", "sign of JᵀJ in Df"),
    (
        f"{FLOWS}:_growth",
        "top + 2 * spread",
        "top - 2 * spread",
        "a growth below the largest eigenvalue",
    ),
    (
        f"{FLOWS}:_validated",
        "radius = SLACK *",
        "radius = 1e-3 *",
        "a tube narrower than its error",
    ),
    (
        f"{FLOWS}:_validated",
        "series * duration **",
        "series * (1.001 * duration) **",
        "a curve of another time",
    ),
    (f"{POLYNOMIALS}:_branch", "arb((-low).upper())", "arb(0)", "nothing beyond the kink"),
    (f"{POLYNOMIALS}:Polynomials.bend", "factor * power * powers", "factor * powers", "no p in σ'"),
    (f"{POLYNOMIALS}:extremes", "comb(j, k) * each", "each", "no binomials in Bernstein's basis"),
    (f"{POLYNOMIALS}:bounded", "abs(each)", "each", "a sum for a bound"),
    (f"{SERIES}:taylor", "/ (k + 1)", "", "derivatives for coefficients"),
    (
        f"{SERIES}:SeriesField._bent",
        "power * scale * powers",
        "scale * powers",
        "no p in σ' of series",
    ),
    (
        f"{SERIES}:SeriesField._descent",
        "return first - x[k]",
        "return first + x[k]",
        "sign of ŷ in series",
    ),
    (f"{WINDOWS}:filled", "kept[1:], kept)", "kept[1:], kept[1:])", "neurons at the wrong place"),
    (
        "ncfcheck.certify.krawczyk:is_below",
        "bound * (i == j) - (H",
        "bound * (i == j) + (H",
        "sign of the Hessian",
    ),
    (
        f"{WINDOWS}:bracketed",
        "for side in (-1, 1)",
        "for side in (1, 2)",
        "a bracket that T_ε is not in",
    ),
    (
        f"{WINDOWS}:first_time",
        "if happens(tube.at(middle)) else",
        "if not happens(tube.at(middle)) else",
        "bisection the wrong way",
    ),
]
MUTANTS = [
    Mutant(of, fragment, replacement, mistake, ())
    for of, fragment, replacement, mistake in MISTAKES
]


def test_everything_agrees_without_a_mistake():
    assert [check.__name__ for check in CHECKS if not check()] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mistake_in_certifying_flows_is_caught(mutant, monkeypatch):
    for id in ("control.large_init", "control.order"):
        small(id)
    assert is_caught(mutant, CHECKS, monkeypatch)
