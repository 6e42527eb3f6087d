"""The noise of batches: its covariance by enumeration, and what it adds up to by many runs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ncfcheck.core.claims import Unresolved
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.descent import spread as spreading
from ncfcheck.theory.descent.ladders import Descents
from ncfcheck.theory.descent.rules import stochastic
from ncfcheck.theory.descent.spread import noise_covariance, spread
from ncfcheck.theory.early.tracking import difference
from ncfcheck.theory.starts import unit
from tests.support.planting import Mutant, planted

RUNS, STEPS = 1500, 1500
COVARIANCE, SPREAD = (f"ncfcheck.theory.descent.spread:{n}" for n in ("noise_covariance", "spread"))
LYAPUNOV = "ncfcheck.theory.descent.spread:_lyapunov"
MISTAKES = [
    (COVARIANCE, "len(found) * ", "", "n dropped"),
    (COVARIANCE, "- np.outer", "+ np.outer", "sign of ∇N∇Nᵀ"),
    (COVARIANCE, ") / batch", ")", "b dropped"),
    (LYAPUNOV, "moved + moved.T + noise", "moved + noise", "no PAᵀ"),
    (LYAPUNOV, "+ moved.T + noise", "+ moved.T + 2 * noise", "2Σ"),
    (SPREAD, "np.eye(u.size) - np", "np.eye(u.size) + np", "sign of u̇τ"),
    (SPREAD, "/ reference.norm", "", "no ρ"),
    (SPREAD, "* reference.time[-1]", "", "no T"),
]


def instance() -> Instance:
    rng = np.random.default_rng(3)
    network = dense((2, 2, 1), (2,), (0.5,))
    X, y = rng.standard_normal((3, 2)), np.abs(rng.standard_normal((3, 1)))
    return Instance(Problem(network, X, y), unit(np.abs(rng.standard_normal(network.size))))


@pytest.fixture(scope="module")
def runs():
    """Mean squares, about their means, of directions and of times, per h; and the flow."""
    each, found = instance(), []
    descents = Descents(each)
    step = descents.time / STEPS
    for seed in range(RUNS):
        rule = stochastic(each.network.size, step, 2, seed)
        flow = descents.along(rule, descents.delta, descents.until, STEPS)
        turned, late = difference(flow, descents.reference)
        found.append([*turned, late])
    squares = np.var(found, axis=0) / step
    return squares[:-1].sum(), squares[-1], descents.reference


def is_met(runs) -> bool:
    told = spread(instance(), runs[2], 2)
    ratios = np.array([runs[0] / told.turned.sum(), runs[1] / told.late])
    return bool((np.abs(ratios - 1) < 0.15).all())


def test_the_covariance_is_that_of_all_batches():
    each = instance()
    u, ncf, n = each.start, each.ncf, 3
    rows = [np.where(np.arange(n)[:, None] == i, ncf.ybar, 0.0) for i in range(n)]
    sample = [ncf.on_data.pull_back(u, row)[1] for row in rows]
    steps = np.array([n / 2 * (sample[i] + sample[j]) for i, j in product(range(n), repeat=2)])
    np.testing.assert_allclose(steps.mean(axis=0), ncf.gradient(u))
    exact = np.cov(steps.T, bias=True)
    np.testing.assert_allclose(noise_covariance(each, u, 2), exact, atol=1e-12)


def test_runs_are_spread_as_the_lyapunov_equation_says(runs):
    assert is_met(runs)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[-1])
def test_a_mistake_in_the_equation_is_seen_in_the_runs(runs, mistake, monkeypatch):
    with planted(Mutant(*mistake, ()), monkeypatch):
        assert not is_met(runs)


def test_an_equation_that_takes_too_long_is_unresolved(monkeypatch):
    each = instance()
    monkeypatch.setattr(spreading, "EVALUATIONS", 10)
    with pytest.raises(Unresolved, match="stiff"):
        spread(each, Descents(each).reference, 1)
