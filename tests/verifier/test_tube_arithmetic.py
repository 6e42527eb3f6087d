"""The verifier's flows in tubes hold the engine's fields and what an integrator finds; mistakes
planted in them are caught by that.
"""

from __future__ import annotations

import copy
import functools
import json
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ncfcheck.certify.boxes import found_near
from ncfcheck.certify.fields import Field as FloatField
from ncfcheck.certify.flows import enclose
from ncfcheck.core.loading import load_claims
from ncfcheck.model.encoding import encode
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.starts import unit
from ncfcheck.verifier.boxes import slopes
from ncfcheck.verifier.networks import Case
from ncfcheck.verifier.networks import unit as exact_unit
from ncfcheck.verifier.numbers import Ball, Rejected, ball, limits, power
from ncfcheck.verifier.polynomials import Poly, poly
from ncfcheck.verifier.tubes import Field, Tube
from ncfcheck.verifier.windows import Point, Window
from tests.support.certified import is_caught, is_rejected, witness
from tests.support.exact_networks import right_hand_side, smooth
from tests.support.planting import in_verifier

load_claims()
TIME = 0.4


@pytest.fixture(autouse=True)
def _bits(monkeypatch):
    monkeypatch.setattr(limits, "bits", 192)


def case_of(instance) -> Case:
    return Case(json.loads(json.dumps(encode(instance))))


def holds(x: Ball, value: float, slack: float = 1e-5, width: float = 1e-2) -> bool:
    """Whether an interval that is not wide holds a number, to within slack."""
    wide = x + -x > width
    return not (wide or x > float(value) + slack or x < float(value) - slack)


def fields_are_those_of_the_engine() -> bool:
    """f, and Df beside differences of the engine's f, for both flows and both losses."""
    for seed in range(6):
        instance, _ = smooth(seed)
        case, u = case_of(instance), instance.start
        for strength in (0.0, 1.1):
            field, rate = Field(case, case.Y, strength), right_hand_side(instance, strength)
            J = [(rate(0, u + 1e-6 * e) - rate(0, u - 1e-6 * e)) / 2e-6 for e in np.eye(u.size)]
            found = slopes(field, case.theta)
            if not all(map(holds, field(case.theta), rate(0, u))):
                return False
            if not all(all(map(holds, a, b)) for a, b in zip(found, np.transpose(J))):
                return False
    return True


def curve(c) -> Poly:
    return Poly([poly(a).c[0] for a in (*c, *[0] * 12)])


def polynomials_hold_what_they_stand_for() -> bool:
    """Products cut short, parts, ranges and bounds; σ and σ' across a kink: at points of [0, 1]."""
    c, d = (-0.1, 0.3, 0.05), (0.5, -1.0, 0.25)
    z, w = curve(c), Poly(curve(d).c[:3])
    cut = Poly(z.c[:3]) * w  # what is beyond three coefficients is an error
    for tau in map(Fraction, np.linspace(0, 1, 21)):
        x, y = (sum(Fraction(a) * tau**k for k, a in enumerate(each)) for each in (c, d))
        at = ball(tau)
        held = [(cut.at(at), x * y), (z.range, x), (w.bound, abs(y))]
        held += [(z.part(Fraction(1, 4), Fraction(3, 4)).at(at * 2 - ball(1) / 2), x)] * (
            Fraction(1, 4) <= tau <= Fraction(3, 4)
        )
        for q in (2, 3):
            alpha = Fraction(-1, 2)
            scale = 1 if x > 0 else alpha**q
            bent = z.bend(q, Ball(1), power(ball(alpha), q))
            exact = scale * x**q, q * scale * x ** (q - 1)
            held += [(f.at(at), e) for f, e in zip(bent, exact)]
        for k, (found, value) in enumerate(held):
            if k == 2 and found < value:
                return False
            if k != 2 and (found > value or found < value):
                return False
    return True


@functools.cache
def flows() -> list:
    """Instances, δ, tubes of them, and the same found by DOP853, to the end of the tube."""
    found = []
    for seed in range(4):
        instance, delta = smooth(seed)
        for strength in (0.0, delta):
            field = FloatField(instance.problem, strength)
            tube = enclose(field, instance.start, 1e-15, lambda step: False, TIME)
            solved = solve_ivp(
                right_hand_side(instance, strength),
                (0, tube.time),
                instance.start,
                "DOP853",
                rtol=1e-13,
                atol=1e-15,
                dense_output=True,
            )
            found.append((instance, strength, tube.plain(), tube.time, solved.sol))
    return found


def tubes_hold_what_an_integrator_finds_or_are_rejected() -> bool:
    """Those that are found are accepted; of others, what is accepted holds the flow."""
    for instance, strength, steps, time, solution in flows():
        case = case_of(instance)
        for changed in (steps, *others(steps)):
            try:
                start = exact_unit(case.theta)
                tube = Tube(Field(case, case.Y, strength), start, changed)
            except Rejected:
                if changed is steps:
                    return False
                continue
            for t in (0.3 * float(tube.end), float(tube.end)):
                if t > time * (1 + 1e-12):
                    continue
                box = tube.at(Fraction(t))
                if any(
                    a > v + 1e-10 or a < v - 1e-10 for a, v in zip(box, map(float, solution(t)))
                ):
                    return False
    return True


def others(steps: list[dict]):
    """Steps changed: of another radius, growth, duration or curve; one left out."""
    for name, factor in (("radius", 1e-6), ("duration", 1.01), ("duration", 0.5)):
        changed = copy.deepcopy(steps)
        changed[0][name] = (factor * float.fromhex(changed[0][name])).hex()
        yield changed
    for row, step in ((0, 1e-3), (1, 1e-3), (2, 1e-3)):
        moved = copy.deepcopy(steps)
        moved[0]["curve"][row][0] = (float.fromhex(moved[0]["curve"][row][0]) + step).hex()
        yield moved
    jumping = copy.deepcopy(steps)
    for each in jumping[1:]:
        each["curve"][0][0] = (float.fromhex(each["curve"][0][0]) + 1e-3).hex()
    yield jumping
    yield steps[1:]  # the same flow, from where it is later


def growths_below_an_eigenvalue_are_rejected() -> bool:
    """Of the start of a step, or of its end."""
    for instance, strength, steps, *_ in flows():
        case = case_of(instance)
        field, start = Field(case, case.Y, strength), exact_unit(case.theta)
        curve = np.array([[float.fromhex(a) for a in row] for row in steps[0]["curve"]])
        first, last = (
            np.linalg.eigvalsh([[float(each) for each in row] for row in slopes(field, x)]).max()
            for x in (case.theta, list(map(ball, map(float, curve.sum(axis=0)))))
        )
        changed = copy.deepcopy(steps[:1])
        for growth in (first - 1e-3, max((first + last) / 2, last - 1e-2)):
            changed[0]["growth"] = float(growth).hex()
            if growth >= max(first, last) - 1e-6:
                continue
            try:
                Tube(field, start, changed)
            except Rejected:
                continue
            return False
    return True


def only_maxima_attract() -> bool:
    """A saddle attracts nothing, a maximum does, but not from everywhere."""
    problem = Problem(dense((1, 2, 1), (2,), (0.5,)), np.array([[1.0]]), np.array([[1.0]]))
    instance, found = Instance(problem, unit(np.ones(4))), []
    case = case_of(instance)
    maximum, saddle = np.sqrt([2 / 3, 0, 1 / 3, 0]), np.sqrt([1 / 3, 1 / 3, 1 / 6, 1 / 6])
    for u, reach in ((maximum, "1/100"), (saddle, "1/100"), (maximum, "9/10")):
        point = Point(case, found_near(problem.network, problem.ncf, u).plain())
        try:
            point.attracts(case, Fraction(reach))
            found.append(True)
        except Rejected:
            found.append(False)
    return found == [True, False, False]


def windows_are_those_of_their_witness() -> bool:
    """A stored window is accepted, and with T_ε or R_ε elsewhere it is not."""
    if is_rejected(witness("control.large_init")) or is_rejected(witness("control.order")):
        return False
    # Times that are others between norms that leave room, and norms that are others.
    for times, norms in ((1.00001, (0.5, 2.0)), (0.9, (0.5, 2.0)), (1.0, (0.5, 0.9))):
        found = witness("control.large_init")
        data = found["certificate"]["data"]
        for name, factors in (("times", (times, times)), ("norms", norms)):
            data[name] = [(float.fromhex(v) * f).hex() for v, f in zip(data[name], factors)]
        try:
            Window(Case(found["instance"]), data)
        except Rejected:
            continue
        return False
    return True


CHECKS = (
    fields_are_those_of_the_engine,
    polynomials_hold_what_they_stand_for,
    only_maxima_attract,
    windows_are_those_of_their_witness,
    growths_below_an_eigenvalue_are_rejected,
    tubes_hold_what_an_integrator_finds_or_are_rejected,
)
MISTAKES = [
    ("tubes:Field.descent", "return y - x\n", "return y + x\n", "sign of ŷ in −ℓ'"),
    ("tubes:Field.descent", "y - x * Ball(1, None, -2)", "y - x * Ball(1, None, -1)", "2ℓ''(0)"),
    ("tubes:Field.descent", "curvature = Ball(1, None, -2)", "curvature = Ball(1)", "4ℓ''"),
    ("tubes:Field.descent", "-curvature * t", "curvature * t", "sign of ℓ''"),
    ("tubes:Field.__init__", "case.net.order)", "case.net.order - 1)", "δ^(D−1) for δ^D"),
    ("tubes:Tube._step", "need(farthest < radius", "need(True", "tubes narrower than their error"),
    (
        "tubes:Tube._step",
        "field.grows_at_most(growth, [each.range + around for each in q])",
        "True",
        "any growth",
    ),
    (
        "tubes:Tube._step",
        "[each.range + around for",
        "[each.at(Ball(0)) for",
        "growth at the start",
    ),
    ("tubes:Enclosure.follow", "abs(a - each.at(Ball(0)))", "Ball(0) * a", "a start elsewhere"),
    ("tubes:Enclosure.follow", "f * h).bound", "f * h).bound * 0", "no defect"),
    (
        "polynomials:Poly.__mul__",
        "left_out = cut + size",
        "left_out = size",
        "what is cut left out",
    ),
    ("polynomials:Poly.range", "comb(j, k) //", "1 //", "no binomials in Bernstein's basis"),
    ("polynomials:Poly.bound", "sum(map(abs, self.c))", "abs(sum(self.c))", "a sum for a bound"),
    ("polynomials:Poly.bend", "Ball(0, beyond, values.e)", "Ball(0)", "nothing beyond the kink"),
    ("polynomials:Poly.bend", "lower * q + wide[1]", "lower + wide[1]", "no p in σ'"),
    (
        "polynomials:Poly.part",
        "Poly([first.c[0], length.c[0]]",
        "Poly([first.c[0], first.c[0]]",
        "a",
    ),
    ("windows:Point.attracts", "dot(field(v), v), v", "dot(field(v), v) * 9, v", "nine times ∇N"),
    (
        "windows:Point.attracts",
        "v, field = [t + ball(reach)",
        "v, field = [t + 0",
        "the point alone",
    ),
    ("windows:Window.aligns", "need(aligned(", "need(True or aligned(", "any end of the bracket"),
    ("windows:Window.aligns", "apart(x, theta, cosine), ", "True, ", "any start of the bracket"),
]
MUTANTS = [in_verifier(*each) for each in MISTAKES]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_everything_agrees_without_a_mistake(check):
    assert check()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mistake_in_the_verifier_s_tubes_is_caught(mutant, monkeypatch):
    flows()
    assert is_caught(mutant, CHECKS, monkeypatch)
