"""Hypotheses that a claim states are kept by whatever hunts and shrinks make of an instance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ncfcheck import (
    CONJECTURE,
    Claim,
    Inapplicable,
    Margin,
    Sample,
    composite,
    families,
    instances,
    rank_one_points,
)
from ncfcheck.core.claims import Outcome
from ncfcheck.core.tables import Table
from ncfcheck.strategies.datasets import from_table
from ncfcheck.strategies.draw import Unsatisfiable, draw
from tests.ground.test_kept import outcomes


def on_sphere(instance):
    """Samples of length 1, in place of those drawn."""
    problem = instance.problem
    X = problem.X / np.linalg.norm(problem.X, axis=1, keepdims=True)
    return replace(instance, problem=replace(problem, X=X))


def wide(instance):
    return instance.network.widths[1] >= 3


def narrow(instance):
    if instance.network.widths[1] >= 3:
        raise Inapplicable("three neurons")
    return True


def off_sphere(instance):
    return abs(np.linalg.norm(instance.problem.X, axis=1) - 1).max()


def off_kkt(instance):
    if instance.u is None:
        raise Inapplicable("no point")
    return max(off_sphere(instance), instance.ncf.residual(instance.start))


def stated(given, defect):
    """The claim that a defect is none."""

    def function(instance):
        return Margin(1e-6 - float(defect(instance)), 1e-9)

    return Claim("mine.claim", CONJECTURE, "It is none.", "-", (), given, function)


HYPOTHESES = {
    "one that returns an instance": (instances().assuming(on_sphere), off_sphere),
    "one that is true or false": (
        instances().assuming(wide),
        lambda instance: 3 - min(3, instance.network.widths[1]),
    ),
    "one that raises": (
        instances().assuming(narrow),
        lambda instance: max(0, instance.network.widths[1] - 2),
    ),
    "two of them": (
        instances(starts="balanced", only_dense=True).assuming(wide).assuming(on_sphere),
        lambda instance: off_sphere(instance) + 3 - min(3, instance.network.widths[1]),
    ),
    "one that a KKT point depends on": (rank_one_points().assuming(on_sphere), off_kkt),
}


@pytest.mark.parametrize("name", HYPOTHESES)
def test_a_hypothesis_of_a_claim_is_kept(name):
    """instances().assuming(…), and moves, optimiser steps and shrinks → the hypothesis holds"""
    given, defect = HYPOTHESES[name]
    seen = list(outcomes(stated(given, defect), 4))
    assert Outcome.VIOLATES not in seen and seen.count(Outcome.HOLDS) >= 30


@pytest.mark.parametrize("given", [instances(), rank_one_points()])
def test_without_the_hypothesis_it_is_not_kept(given):
    """the same claims without assuming(…) → violated"""
    defect = off_sphere if given.declared is instances.options else off_kkt
    assert Outcome.VIOLATES in outcomes(stated(given, defect), 4)


@composite
def simplices(draw, labelled=False):
    rng, n = np.random.default_rng(draw.integer(0, 2**32 - 1)), draw.integer(1, 5)
    y = rng.choice([-1.0, 1.0], n) if labelled else None
    return Sample(rng.dirichlet(np.ones(3), n), y=y)


def on_simplex(sample):
    X = np.abs(sample.X)
    y = None if sample.y is None else np.where(sample.y >= 0, 1.0, -1.0)
    return Sample(X / X.sum(axis=1, keepdims=True), y=y)


def off_simplex(instance):
    X = instance.problem.X
    return max(np.abs(X.sum(axis=1) - 1).max(), -X.min())


def moves_data(given):
    """Whether some of what is made of the instances has other data."""
    seen = []

    def defect(instance):
        seen.append(instance.families["data"])
        return 0.0

    list(outcomes(stated(given, defect), 3))
    return len(set(seen)) > 1


@pytest.mark.parametrize("labelled", [False, True])
def test_data_of_ones_own_that_promise_something(labelled):
    """a strategy of data of one's own with assuming(…) → data are moved, and keep the promise"""
    given = instances(data=simplices(labelled=labelled).assuming(on_simplex), losses="square")

    def defect(instance):
        off_labels = np.abs(np.abs(instance.problem.y) - 1).max() if labelled else 0.0
        return max(off_simplex(instance), off_labels)

    assert Outcome.VIOLATES not in outcomes(stated(given, defect), 4) and moves_data(given)


def test_data_of_ones_own_that_promise_nothing():
    """a strategy of data of one's own, nothing known of it → data are drawn, never moved"""
    given = instances(data=simplices())
    seen = list(outcomes(stated(given, off_simplex), 4))
    assert Outcome.VIOLATES not in seen and seen.count(Outcome.HOLDS) > 50
    assert not moves_data(given) and moves_data(instances())


def test_a_table_in_a_claim():
    """data=from_table(…) in a claim → all samples are rows of the table, with their labels"""
    rng = np.random.default_rng(0)
    table = Table("t.csv", ("a", "b"), rng.standard_normal((9, 2)), rng.standard_normal(9))

    def defect(instance):
        if len(instance.problem.X[0]) != 2:
            return 1.0
        rows = np.abs(instance.problem.X[:, None] - table.X).max(axis=2)
        return rows.min(axis=1).max()

    assert Outcome.VIOLATES not in outcomes(stated(instances(data=from_table(table)), defect), 4)


def test_a_table_that_is_not_what_a_claim_is_about():
    """a claim on orthogonal data, run on a table of others → turned down, not judged"""
    rng = np.random.default_rng(0)
    table = Table("t.csv", ("a", "b"), rng.standard_normal((9, 2)), rng.standard_normal(9))
    given = instances(data=families(only="orthogonal"))
    with pytest.raises(Unsatisfiable):
        list(draw(given.strategy(from_table(table)), 20, 0, simplest=True))


def test_a_hypothesis_that_returns_something_else():
    """a hypothesis that returns a number → an error that names it"""
    given = instances().assuming(lambda instance: 3)
    with pytest.raises(TypeError, match="the hypothesis <lambda> returned a int; it returns True"):
        list(draw(given.strategy(), 1, 0, simplest=True))


def test_a_hypothesis_that_never_settles():
    """a hypothesis that changes an instance again each time it is asked → turned down"""

    def growing(instance):
        problem = instance.problem
        return replace(instance, problem=replace(problem, X=2 * problem.X))

    with pytest.raises(Unsatisfiable):
        list(draw(instances().assuming(growing).strategy(), 5, 0, simplest=True))
