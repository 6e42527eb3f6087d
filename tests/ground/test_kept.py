"""What an option promises holds for whatever hunts and shrinks make of an instance."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from ncfcheck import strategies
from ncfcheck.core.claims import Inapplicable, Outcome, Unresolved, forget, registered
from ncfcheck.core.families import anything
from ncfcheck.run.hunting import changes
from ncfcheck.run.shrinking.passes import passes
from ncfcheck.strategies import moves
from ncfcheck.strategies.choices import Composite
from ncfcheck.strategies.data_families import FAMILIES
from ncfcheck.strategies.datasets import OPTIONS
from ncfcheck.strategies.draw import drawn
from ncfcheck.strategies.label_families import LABELS
from ncfcheck.theory.starts import EVERY
from tests.ground import kept
from tests.support import ROOT
from tests.support.commands import ncfcheck

IDS = [id for ids in kept.CLAIMS.values() for id in ids]
CLAIMS = {id: registered()[id] for id in IDS}
forget(kept.__name__)  # other tests are about all claims that are registered
# One for each way to keep a promise.
HUNTED = [
    *(id for id in IDS if id.startswith(("kept.instances", "kept.families"))),
    "kept.rank_one_points_fewest",
    "kept.perturbed_points_kinds",
    "kept.perturbed_points_sizes",
    "kept.found_points_methods",
    "kept.mixed_points_one_sided",
    "kept.clarke_points_inside",
]
FAILURES = (Inapplicable, Unresolved, ValueError, IndexError, np.linalg.LinAlgError)


def made_of(claim, instance, rng):
    """What mutations, snaps, steps of an optimiser and shrinks make of an instance."""
    found = instance
    for number in range(8):
        with contextlib.suppress(*FAILURES):
            found = (changes.mutated, changes.snapped)[number % 4 == 3](claim, found, rng)
            yield found
    for name, values in changes.movable(instance, claim.given.fixed).items():
        with contextlib.suppress(*FAILURES):
            for far in (values + 0.3 * rng.standard_normal(values.shape), 1e5 * values):
                moved = moves.with_array(instance, name, changes.within(name, far))
                yield changes.rebuilt(claim, moved)
    if instance.network.family is None:
        widths, n = instance.network.widths, len(instance.problem.X)
        for larger in ({"samples": n + 5}, {"widths": (widths[0] + 5, *widths[1:])}):
            with contextlib.suppress(*FAILURES):
                yield changes.rebuilt(claim, moves.reshaped(instance, **larger))
    for each in passes(instance):
        for candidate in islice(each(instance), 0, 60, 7):
            with contextlib.suppress(*FAILURES):
                yield changes.rebuilt(claim, candidate())


def outcomes(claim, count):
    """Outcomes of the claim on instances as drawn, and on what is made of each."""
    for number, each in enumerate(drawn(claim.strategy(), count, 1, simplest=False)):
        yield claim.judge(each.instance)[0]
        rng = np.random.default_rng(number)
        for other in made_of(claim, each.instance, rng):
            yield claim.judge(other)[0]


def declaring():
    """Options by strategy: of every function of the package's that declares some."""
    for each in pkgutil.iter_modules(strategies.__path__, "ncfcheck.strategies."):
        for name, value in vars(importlib.import_module(each.name)).items():
            if getattr(value, "options", None) and isinstance(value.options, dict):
                yield name, value.options


def test_every_option_has_a_claim_here():
    """an option or a family is added to a strategy → a claim must say what it promises"""
    wanted = {(strategy, option) for strategy, options in declaring() for option in options}
    wanted |= {("families", option) for option in OPTIONS}
    assert len(wanted) > 30 and wanted <= set(kept.CLAIMS)
    promising = {
        name
        for table in (FAMILIES, LABELS, EVERY)
        for name, family in table.items()
        if family.holds is not anything and not family.generic
    }
    assert promising == {*kept.DATA, *kept.LABELS, "inner", *kept.STARTS}


@pytest.mark.parametrize("id", IDS)
def test_whatever_is_made_of_an_instance_is_what_its_options_promise(id):
    """an option, and moves, optimiser steps and shrinks of what it draws → the promise holds"""
    claim = CLAIMS[id]
    seen = list(outcomes(claim, 4 if "points" in id else 8))
    assert Outcome.VIOLATES not in seen
    assert seen.count(Outcome.HOLDS) >= (4 if "points" in id else 200)


def unkept(given):
    """The same strategy, which promises nothing."""
    data = given.data and Composite(lambda draw: draw(given.data), project=lambda sample: sample)
    # No change adds weights that are shared or lacking, another history, or makes a model one of
    # another family: these are drawn then.
    never = ("shared", "only_dense", "methods", "kinds", "models", "needs")
    told = {name: value for name, value in given.options.items() if name not in never}
    return given.with_parts(
        declared={}, data=data, options=told, promise=lambda instance, **options: None
    )


@pytest.mark.parametrize("id", IDS)
def test_without_the_promise_the_same_claim_is_violated(id):
    """the same, with the promise switched off → a violation is met"""
    claim = replace(CLAIMS[id], given=unkept(CLAIMS[id].given))
    with np.errstate(all="ignore"):
        assert Outcome.VIOLATES in outcomes(claim, 200)


@pytest.mark.long
@pytest.mark.parametrize("id", HUNTED)
def test_a_hunt_refutes_no_promise(id, tmp_path):
    """a claim that an option keeps its promise, hunted for a minute → never violated"""
    found = ncfcheck(
        *("hunt", id, "--claims", ROOT / "tests" / "ground" / "kept.py"),
        *("--budget", "60s", "--workers", 1),
        folder=tmp_path,
    )
    assert found.returncode == 0, found.stderr
    # A conjecture that is refuted is news, and no failure of the run.
    assert f"{id}: not refuted" in found.stdout, found.stdout
