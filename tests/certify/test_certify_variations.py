"""The variational equation along a tube: what is proved of it holds what the engine finds, and
nothing else is proved.
"""

from __future__ import annotations

import copy
import functools
import json
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ncfcheck.certify import Certificate, NotProved, document, prove
from ncfcheck.certify.fields import ORDER
from ncfcheck.certify.series import variation
from ncfcheck.certify.variations import plain, varied
from ncfcheck.core.claims import registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.properties.early.tubes import doubling
from ncfcheck.theory.early.training import second_orders
from ncfcheck.theory.starts import unit
from ncfcheck.verifier import PROOFS, verify
from ncfcheck.verifier.networks import Case, number
from ncfcheck.verifier.networks import unit as exact_unit
from ncfcheck.verifier.numbers import Ball, ball
from ncfcheck.verifier.polynomials import Poly, poly
from ncfcheck.verifier.tubes import Field, Tube
from ncfcheck.verifier.variations import Moved, Variation
from tests.support import certified
from tests.support.certified import statement
from tests.support.planting import Mutant, in_verifier, planted

load_claims()
CLAIM = "early.tracking_constant"
is_rejected = functools.partial(certified.is_rejected, claims=PROOFS)
# (p, α, loss, seed): smooth; one neuron changes sides on the way, at p = 2 where ∇²N jumps; p = 3.
SMOOTH, KINKED = (2, 1.0, Loss.SQUARE, 3), (2, 0.5, Loss.SQUARE, 1)
CASES = (SMOOTH, KINKED, (2, 0.0, Loss.LOGISTIC, 1), (3, 0.5, Loss.SQUARE, 3))


def instance(power, alpha, loss, seed) -> Instance:
    """A network of six weights on four samples, with N(v_0) > 0."""
    rng, network = np.random.default_rng(seed), dense((2, 2, 1), (power,), (alpha,))
    y, X, start = (
        rng.standard_normal((4, 1)),
        rng.standard_normal((4, 2)),
        unit(rng.standard_normal(network.size)),
    )
    problem = Problem(network, X, np.sign(y) if loss is Loss.LOGISTIC else y, loss)
    start[network.slices[-1]] *= np.sign(problem.ncf.value(start))
    return Instance(problem, start)


@functools.cache
def _proof(*case) -> str:
    each = instance(*case)
    found = prove(registered()[CLAIM], each, seconds=60)
    assert isinstance(found, Certificate), found
    return json.dumps(document(registered()[CLAIM], each, found))


def variation_of(found: dict) -> Variation:
    """What the verifier makes of the variation in a certificate."""
    case, data = Case(found["instance"]), found["certificate"]["data"]
    tube = Tube(Field(case, case.Y), exact_unit(case.theta), data["ncf"])
    return Variation(case, tube, [number(each["growth"]) for each in data["ncf"]], data["moved"])


def integrated(each: Instance, time: float) -> np.ndarray:
    """e at a time by another integrator, with the engine's second derivatives."""
    ncf, size = each.ncf, each.start.size

    def rate(t, state):
        u, e = state[:size], state[size:]
        return np.concatenate(
            [
                ncf.gradient(u),
                ncf.curvature_product(u, e) - second_orders(each.problem)(u.copy()[None])[0],
            ]
        )

    state = np.concatenate([each.start, np.zeros(size)])
    return solve_ivp(rate, (0, time), state, "DOP853", rtol=1e-10, atol=1e-12).y[size:, -1]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_enclosed_is_what_the_engine_integrates(case):
    found = json.loads(_proof(*case))
    variation, crossing = (
        variation_of(found),
        [float.fromhex(each) for each in found["certificate"]["data"]["crossing"]],
    )
    for time in (0.3 * crossing[0], crossing[0], crossing[1]):
        box, e = variation.hull(Fraction(time), Fraction(time)), integrated(instance(*case), time)
        middle, radius = np.array(
            [[float(each), float((each - float(each)).hull(Ball(0)))] for each in box]
        ).T
        assert np.abs(radius).max() < 1e-4 * np.abs(e).max()
        np.testing.assert_allclose(middle, e, atol=1e-5 * np.abs(e).max())


def test_the_variation_ends_with_a_step_that_holds_the_time():
    each = instance(*SMOOTH)
    tube = doubling(each)
    step = tube.steps[3]
    assert len(varied(each.problem, tube, step.time + 0.5 * step.duration)) == 4
    with pytest.raises(NotProved, match="ends before"):
        varied(each.problem, tube, 2 * tube.time)


@pytest.mark.parametrize("q, alpha", [(1, 1.0), (2, 0.5), (2, -1.0), (3, -0.5), (4, 0.0)])
@pytest.mark.parametrize("c", [(0.2, 0.3, 0.1), (-0.9, 0.3, 0.2), (-0.1, 0.3, 0.05)])
def test_how_an_activation_moves_is_its_derivative(q, alpha, c):
    """On one side of 0, on the other, and across."""
    z, t = curve(c), curve((0.7, -0.2, 0.4))
    bent = Moved(z, t).bend(q, Ball(1), ball(alpha**q))
    for tau in np.linspace(0, 1, 21):
        value, moved = (
            np.polynomial.polynomial.polyval(tau, c),
            np.polynomial.polynomial.polyval(tau, (0.7, -0.2, 0.4)),
        )
        scale = 1.0 if value > 0 else alpha**q
        exact = (
            scale * q * value ** (q - 1) * moved,
            scale * q * (q - 1) * value ** max(q - 2, 0) * moved,
        )
        for each, expected in zip(bent, exact):
            found = poly(each.t).at(ball(float(tau)))
            assert holds(found, expected, 1e-12)
            assert c[0] * sum(c) < 0 or (abs(found - float(found)) < 1e-12)


def curve(c) -> Poly:
    """A curve of these floats, with room for products."""
    return Poly([poly(a).c[0] for a in (*c, *[0] * 12)])


def holds(found: Ball, value: float, slack: float) -> bool:
    """Whether an interval holds a number that is known to within slack."""
    return not (found > value + slack or found < value - slack)


def changed(found: dict, change) -> dict:
    """The witness with every curve of its variation changed."""
    other = copy.deepcopy(found)
    for each in other["certificate"]["data"]["moved"]:
        change(each)
    return other


def times(factor: float, part=slice(None)):
    """Coefficients multiplied by a factor."""

    def change(each):
        each[part] = [
            [(factor * float.fromhex(value)).hex() for value in row] for row in each[part]
        ]

    return change


def test_curves_that_are_others_are_rejected():
    found = json.loads(_proof(*SMOOTH))
    for change in (
        times(1.2),
        times(-1),
        times(0),
        times(1.2, slice(1, 2)),
        list.clear,
        lambda each: each[0].pop(),
    ):
        assert is_rejected(changed(found, change))


def test_curves_that_leave_a_gap_are_rejected():
    found = json.loads(_proof(*SMOOTH))
    moved = found["certificate"]["data"]["moved"]
    for other in (
        moved[:-1],
        moved[1:],
        moved[::-1],
        moved[:3] + moved[4:],
        [],
        {},
        "moved",
        [[]],
        [moved[0], "x"],
    ):
        found["certificate"]["data"]["moved"] = other
        assert is_rejected(found)


def test_flows_of_two_deltas_in_turn_are_needed():
    found = json.loads(_proof(*SMOOTH))
    first, second = found["certificate"]["data"]["flows"]
    for flows in ([second, first], [first], [first, first], [first, second, second], []):
        found["certificate"]["data"]["flows"] = flows
        assert is_rejected(found)


@pytest.mark.usefixtures("at_one_precision")
@pytest.mark.parametrize(
    "of, fragment, replacement",
    [
        ("variations:Moved.__mul__", "self.t * v + t * self.v", "self.t * v"),
        ("variations:Moved.bend", "first * self.t)", "self.t)"),
        ("variations:second", "plus * q, minus * q", "plus, minus"),
        ("variations:second", "else minus) * 2", "else minus)"),
        ("variations:Variation._rate", "-parts(z)[0] * bend", "parts(z)[0] * bend"),
        ("variations:Variation._rate", "-parts(z)[0] * bend", "-parts(z)[0] * bend * 2"),
        (
            "variations:Variation._rate",
            "0 if self.case.square else -2",
            "-2 if self.case.square else 0",
        ),
        ("loss_flows:constants", "-dot(e, ncf.weights)", "dot(e, ncf.weights)"),
        ("loss_flows:constants", "a + shift * b", "a"),
        ("loss_flows:constants", "Ball(1, None, -1)", "Ball(1)"),
        ("early:tracking_constant", "case.net.order)", "case.net.order - 1)"),
        ("loss_flows:departure", "later / ncf.time - 1", "ncf.time / later - 1"),
    ],
)
def test_a_law_that_is_another_holds_along_no_flow(of, fragment, replacement, monkeypatch):
    """Of another law the same curves are no solution, or the departure is another: not at the bits
    at which they are one of the law.
    """
    proofs = [json.loads(_proof(*case)) for case in CASES]
    with planted(in_verifier(of, fragment, replacement, "another law"), monkeypatch):
        assert any(map(is_rejected, proofs))


@pytest.mark.parametrize(
    "fragment, replacement",
    [
        ("(error + defect) * larger", "Ball(0)"),
        ("error * factor + defect * larger", "Ball(0)"),
        ("each.derivative - ", "each.derivative * 0 - 0 * "),
        ("each.at(Ball(0)))", "a)"),
    ],
)
def test_a_bound_that_leaves_something_out_is_noticed(fragment, replacement, monkeypatch):
    """Of curves that are a little wrong, what is enclosed is not the variation any more."""
    found, each = json.loads(_proof(*SMOOTH)), instance(*SMOOTH)
    time = Fraction(float.fromhex(found["certificate"]["data"]["crossing"][0]))
    e = integrated(each, float(time))

    def encloses(wrong) -> bool:
        return all(
            holds(a, float(b), 1e-6) for a, b in zip(variation_of(wrong).hull(time, time), e)
        )

    wrongs = [
        changed(found, times(1.001)),
        changed(found, times(1.01, slice(0, 1))),
        jumping(found, each),
    ]
    assert all(map(encloses, wrongs))
    with planted(
        Mutant(
            "ncfcheck.verifier.tubes:Enclosure.follow",
            fragment,
            replacement,
            "a bound too small",
            (),
        ),
        monkeypatch,
    ):
        assert not all(map(encloses, wrongs))


def jumping(found: dict, each: Instance) -> dict:
    """The witness with curves that are solutions, but for a jump after the first step."""
    other, e = copy.deepcopy(found), np.zeros(each.start.size)
    curves = []
    for step in doubling(each).steps[: len(found["certificate"]["data"]["moved"])]:
        series = variation(each.problem, step.coefficients[0], e, ORDER)
        curves.append(series * step.duration ** np.arange(ORDER + 1)[:, None])
        e = curves[-1].sum(axis=0) + (0.01 if len(curves) == 1 else 0.0)
    other["certificate"]["data"]["moved"] = plain(curves)
    return other


@pytest.mark.usefixtures("at_one_precision")
def test_it_is_proved_without_a_mistake():
    assert all(
        verify(json.loads(_proof(*case)), PROOFS) == statement(PROOFS[CLAIM]) for case in CASES
    )
