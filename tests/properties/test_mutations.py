"""Mistakes planted one at a time in every formula of losses, ncf, kkt and rank_one: each is caught
by a claim at profile `ci`.

The table of which claim caught which mistake, and how, follows the test results.
"""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest
from threadpoolctl import threadpool_limits

from ncfcheck.core.claims import Kind, registered
from ncfcheck.core.loading import load_claims
from tests.support.mutants import EXEMPT, MUTANTS, TABLES
from tests.support.planting import first_violation, objection, planted

load_claims()
_sound: dict[
    str, int
] = {}  # how many of the first instances of a claim are known to raise no objection


@pytest.fixture(autouse=True)
def one_thread():
    """Claims are checked with one thread per process."""
    with threadpool_limits(limits=1):
        yield


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_planted_mistake_is_caught(mutant, monkeypatch, record_property):
    """By one of the claims the table names, which does not object to the same instances without the
    mistake.
    """
    silent = []
    for claim in (registered()[id] for id in mutant.claims):
        with planted(mutant, monkeypatch):
            found = first_violation(claim)
        how = objection(claim, found)
        if how:
            record_property(
                "caught", [mutant.of.removeprefix("ncfcheck."), mutant.mistake, claim.id, how]
            )
            assert not _objection_without_mistake(claim, max(found.drawn, 1)), (
                f"{claim.id} objects without the mistake too"
            )
            return
        silent.append(f"{claim.id}: {found.verdict} on {found.applicable} instances")
    pytest.fail(
        f"not caught: {mutant.fragment!r} → {mutant.replacement!r} in {mutant.of}; "
        + "; ".join(silent)
    )


def _objection_without_mistake(claim, drawn: int) -> str:
    """The claim's objection to the first instances it draws, of the code as it is; a control gets
    as many as it needs.
    """
    if drawn <= _sound.get(claim.id, 0):
        return ""
    how = objection(
        claim, first_violation(claim, drawn=None if claim.kind is Kind.CONTROL else drawn)
    )
    if not how:
        _sound[claim.id] = drawn
    return how


@pytest.mark.parametrize("module", TABLES)
def test_every_formula_has_planted_mistakes(module):
    """All functions of the module but those that are exempt, with a reason; two mistakes each."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    exempt = {name.partition(":")[2] for name in EXEMPT if name.startswith(f"{module}:")}
    assert exempt <= set(_functions(tree)), "exempt, but not there"
    assert {name for name, mistakes in TABLES[module].items() if len(mistakes) >= 2} == set(
        _functions(tree)
    ) - exempt


def _functions(tree, prefix: str = ""):
    """Qualified names of the functions and methods, those inside functions belonging to these."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            yield prefix + node.name


def test_mistakes_are_told_apart_and_name_claims_there_are():
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.fragment != mutant.replacement for mutant in MUTANTS)
    assert {id for mutant in MUTANTS for id in mutant.claims} <= set(registered())
