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
    check,
    claim,
    composite,
    families,
    hunt,
    instances,
    rank_one_points,
)
from ncfcheck.core.claims import Outcome, forget, registered
from ncfcheck.core.hypotheses import placed
from ncfcheck.core.tables import Table
from ncfcheck.report.hunt import details
from ncfcheck.report.words import reasons
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

    line = growing.__code__.co_firstlineno
    told = rf"mostly as the hypothesis growing \(\S+test_hypotheses.py:{line}\) changes again what"
    with pytest.raises(Unsatisfiable, match=told):
        list(draw(instances().assuming(growing).strategy(), 5, 0, simplest=True))


NEVER = """
def never(instance):
    return False


def growing(instance):
    problem = instance.problem
    return replace(instance, problem=replace(problem, X=2 * problem.X))


def told(instance):
    raise Inapplicable("it is Sunday")


@claim("mine.x", kind=CONJECTURE, reference="", given=instances().assuming({name}))
def x(instance):
    '''It is so.'''
    return Margin(1.0, 0.0)
"""
WHY = {
    "never": "the hypothesis never (mine.py:4) is not fulfilled",
    "growing": "the hypothesis growing (mine.py:8) changes again what it has made itself",
    "told": "the hypothesis told (mine.py:13): it is Sunday",
}


@pytest.mark.parametrize("name", WHY)
def test_a_hypothesis_that_nothing_fulfils_is_named(name, tmp_path, monkeypatch, capsys):
    """a hypothesis that is never true, checked and hunted → which, where, how often it said no"""
    monkeypatch.chdir(tmp_path)
    head = "from dataclasses import replace\nfrom ncfcheck import *\n"
    (tmp_path / "mine.py").write_text(head + NEVER.replace("{name}", name))
    try:
        (result,) = check("mine.x", files="mine.py", examples=4).claims
        (why,) = result.why_errors
        assert f"drawn from it, mostly as {WHY[name]}" in why
        assert f"256 draws turned down: {WHY[name]}" in reasons(result)
        found = hunt("mine.x", files="mine.py", instances=4)
        assert list(found.why_refused) == [WHY[name]]
        (lines,) = [line for line in details(found) if line.startswith("turned down: ")]
        assert lines == f"turned down: {found.why_refused[WHY[name]]} × {WHY[name]}"
    finally:
        forget(registered()["mine.x"].function.__module__)


def test_a_hypothesis_that_hardly_anything_fulfils_is_named():
    """a hypothesis true of one draw in a thousand → too few instances, and why"""

    def rare(instance):
        return instance.seeds[-1] % 1000 == 7

    @claim("mine.rare", kind=CONJECTURE, reference="", given=instances().assuming(rare))
    def rarely(instance):
        """It is so."""
        return Margin(1.0, 0.0)

    try:
        (result,) = check(rarely, examples=25).claims
    finally:
        forget(__name__)
    assert result.evidence.too_few
    count = result.why_refused[WHY["never"].replace("never (mine.py:4)", placed(rare))]
    assert f"{count} draws turned down: the hypothesis {placed(rare)}" in "; ".join(reasons(result))
