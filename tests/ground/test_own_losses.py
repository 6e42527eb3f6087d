"""Losses of the user's own: used as the built-in ones are, checked before, stored or refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ncfcheck import Inapplicable, Instance, Loss, LossFunction, Problem, dense, unit
from ncfcheck.core.claims import Outcome, registered
from ncfcheck.model.encoding import NotStorable, decode, encode
from ncfcheck.model.labels import CLASSES
from ncfcheck.model.losses import Huber
from ncfcheck.properties.homogeneity import theorems  # noqa: F401  registers the claims
from ncfcheck.strategies import moves
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.training import second_orders

NETWORK = dense((3, 4, 2), (2,), (0.5,))


@dataclass(frozen=True)
class LogCosh(LossFunction):
    width: float = 1.0

    def of(self, outputs, y):
        off = (outputs - y) / self.width
        return self.width**2 * (np.logaddexp(off, -off) - np.log(2))

    def descent(self, outputs, y):
        return self.width * np.tanh((y - outputs) / self.width)

    def curvature(self, outputs, y):
        return 1 - np.tanh((outputs - y) / self.width) ** 2


class Own(LossFunction):
    """Softmax again: it couples outputs, tells values of samples, and is no dataclass."""

    labels = CLASSES
    of = staticmethod(Loss.SOFTMAX.formulas.of)
    descent = staticmethod(Loss.SOFTMAX.formulas.descent)
    curvature = staticmethod(Loss.SOFTMAX.formulas.curvature)


def instance(loss) -> Instance:
    rng = np.random.default_rng(0)
    y = loss.labels.fit(rng.standard_normal((5, 2)))
    start = unit(rng.standard_normal(NETWORK.size))
    return Instance(Problem(NETWORK, rng.standard_normal((5, 3)), y, loss), start)


@pytest.mark.parametrize("loss", [LogCosh(0.5), Own(), Huber(0.5)], ids=str)
def test_an_own_loss_is_drawn_and_judged_as_the_built_in_ones_are(loss):
    """a loss of the user's in `instances(losses=…)` → drawn, and the expansion of 𝓛 holds"""
    claim = registered()["homogeneity.loss_expansion"]
    found = [claim.judge(each)[0] for each in draw(instances(losses=loss), 20, 0, simplest=False)]
    assert Outcome.HOLDS in found and set(found) <= {Outcome.HOLDS, Outcome.INAPPLICABLE}


def test_what_couples_outputs_has_its_second_order():
    """softmax, written by a user → the second order of the built-in one"""
    own, built_in = (
        second_orders(instance(each).problem)(instance(each).start.copy()[None])[0]
        for each in (Own(), Loss.SOFTMAX)
    )
    np.testing.assert_allclose(own, built_in, rtol=1e-12)


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.5])
@pytest.mark.parametrize("method", ["descent", "curvature"])
def test_a_derivative_that_is_none_is_refused_before_use(method, factor, monkeypatch):
    """`descent` or `curvature` off by a factor → refused, with where and what it should be"""
    right = getattr(LogCosh, method)
    monkeypatch.setattr(LogCosh, method, lambda self, x, y: factor * right(self, x, y))
    told = rf"LogCosh\.{method} is not .*: at ŷ = .*, y = .* it is .*, by differences"
    with pytest.raises(ValueError, match=told):
        instance(LogCosh())


def test_a_method_that_is_missing_or_returns_another_shape_is_named(monkeypatch):
    """no `curvature`; a `descent` of one number a sample → refused by name"""
    with monkeypatch.context() as patch:
        patch.delattr(LogCosh, "curvature")
        with pytest.raises(TypeError, match=r"LogCosh\.curvature\(self, outputs, y\) is missing"):
            instance(LogCosh())
    monkeypatch.setattr(LogCosh, "descent", lambda self, x, y: (y - x).sum(axis=1))
    with pytest.raises(ValueError, match=r"LogCosh\.descent returns \(3,\) for y \(3, 2\)"):
        instance(LogCosh())


@pytest.mark.parametrize(
    "bad, told", [(LogCosh, r"LogCosh\(\) is one"), ("log cosh", "is no loss")]
)
def test_what_is_no_loss_is_refused(bad, told):
    """the class for the loss; a name that is none → refused, with what is right"""
    for use in (
        lambda: replace(instance(Loss.SQUARE).problem, loss=bad),
        lambda: instances(losses=bad),
    ):
        with pytest.raises((TypeError, ValueError), match=told):
            use()


def test_labels_that_a_loss_does_not_have_are_refused_with_those_that_it_has():
    """±κ for Huber, numbers for softmax → refused, and the labels are named"""
    y = np.ones((5, 2))
    for loss, told in (
        (Huber(1.0), "any numbers but ±1"),
        (Loss.SOFTMAX, "rows of 0 and a single 1"),
    ):
        with pytest.raises(ValueError, match=re.escape(told)):
            replace(instance(Loss.SQUARE).problem, y=y, loss=loss)


def test_a_dataclass_of_the_claims_module_is_stored_and_comes_back():
    """a loss that is a dataclass beside the claim → written and read without loss"""
    stored = instance(LogCosh(0.5))
    assert decode(encode(stored, __name__), __name__).problem.loss == LogCosh(0.5)
    assert decode(encode(instance(Huber(0.5)))).problem.loss == Huber(0.5)


def test_of_another_loss_it_is_said_why_it_is_not_stored():
    """no dataclass, or of another module → not stored, with the reason"""
    with pytest.raises(NotStorable, match="Own has no encoding: use dataclasses"):
        encode(instance(Own()), __name__)
    with pytest.raises(NotStorable, match="only classes of the claim's own module"):
        encode(instance(LogCosh()), "other")


def test_simpler_losses_take_the_place_of_an_own_one():
    """shrinking an instance with a loss of the user's → the square loss with the same ȳ"""
    own = instance(LogCosh())
    moved = moves.with_loss(own, Loss.SQUARE)
    np.testing.assert_allclose(moved.ncf.ybar, own.ncf.ybar)
    with pytest.raises(Inapplicable):
        moves.with_loss(moved, Loss.SOFTMAX)
