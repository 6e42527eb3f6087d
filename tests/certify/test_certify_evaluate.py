"""Networks over exact rationals and balls: the same numbers as in floats, and balls that contain
the exact ones.
"""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq

from ncfcheck.certify.certificate import NotProved
from ncfcheck.certify.evaluate import bend
from ncfcheck.certify.rings import Balls, Rationals, precision
from tests.support.adversarial import KINDS, adversarial
from tests.support.exact_networks import as_float, drawn, numbers

# Random networks to evaluate; NCFCHECK_FULL=1 makes enough for 100,000 numbers.
COUNT = 3000 if os.environ.get("NCFCHECK_FULL") else 60


def dyadic(ball: arb) -> Fraction:
    mantissa, exponent = ball.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def holds(ball: arb, value: fmpq) -> bool:
    """Whether the ball contains the rational: in fractions, since `contains` rounds the rational
    first.
    """
    return abs(dyadic(ball.mid()) - Fraction(int(value.p), int(value.q))) <= dyadic(ball.rad())


@pytest.mark.parametrize("seed", range(8))
def test_exact_values_gradients_and_hessians_are_those_of_the_engine(seed):
    instance = drawn(seed)
    ncf, u = instance.ncf, instance.start
    expected = np.concatenate([[ncf.value(u)], ncf.gradient(u), ncf.hessian(u).ravel()])
    found = np.array([as_float(each) for each in numbers(Rationals, instance)])
    assert np.allclose(found, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("kind", KINDS)
def test_balls_contain_the_exact_rationals_at_every_precision(kind):
    evaluated = 0
    for seed in range(COUNT // 4):
        instance = adversarial(drawn(seed), np.random.default_rng(seed), kind)
        try:
            exact = numbers(Rationals, instance, hessian=False)
        except NotProved:  # exactly on a kink
            continue
        for bits in (64, 128, 256):
            with precision(bits):
                balls = numbers(Balls, instance, hessian=False)
                evaluated += len(balls)
                assert all(holds(ball, value) for ball, value in zip(balls, exact))
                assert all(
                    Balls.side(ball) in (None, Rationals.side(value))
                    for ball, value in zip(balls, exact)
                )
    assert evaluated > COUNT // 2


def test_a_sign_decided_at_low_precision_is_the_same_at_high_precision():
    for seed in range(COUNT):
        signs = []
        for bits in (24, 64, 256):
            with precision(bits):
                signs.append(
                    [Balls.side(each) for each in numbers(Balls, drawn(seed), hessian=False)]
                )
        for low, high in zip(signs, signs[1:]):
            assert all(a is None or a == b for a, b in zip(low, high))


@pytest.mark.parametrize("power", (1, 2, 3, 4))
@pytest.mark.parametrize("alpha", (0.0, 0.5, -1.0, -0.3, 1.0))
def test_over_a_ball_across_the_kink_every_derivative_in_it_is_contained(power, alpha):
    value, first, second = bend(Balls, arb(0.1, 0.3), power, arb(alpha))
    for z in np.linspace(-0.19, 0.39, 25):
        side = 1.0 if z >= 0 else alpha**power
        assert value.contains(arb(side * z**power))
        assert first.contains(arb(power * side * z ** (power - 1)))
        if power > 1:
            assert second.contains(arb(power * (power - 1) * side * z ** (power - 2)))
    assert (second is None) == (power == 1 and alpha != 1)


def test_the_precision_is_what_it_was_before_even_after_an_error():
    before = ctx.prec
    with pytest.raises(ZeroDivisionError), precision(200):
        raise ZeroDivisionError
    assert ctx.prec == before


def test_nothing_is_concluded_from_a_ball_that_is_not_a_number():
    assert Balls.side(arb("nan")) is None
