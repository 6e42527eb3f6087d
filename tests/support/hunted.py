"""The claims of hunt_claims alone in the registry, and hunts of them in a folder of their own."""

import importlib
import sys

from ncfcheck.core import claims
from ncfcheck.run.hunting.hunt import HuntPlan, hunt

SOURCES = ("tests.support.hunt_claims",)


def only(monkeypatch):
    """Register the claims of hunt_claims and no others; they by id."""
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.delitem(sys.modules, "tests.support.hunt_claims", raising=False)
    importlib.import_module("tests.support.hunt_claims")
    return claims.registered()


def plan(claim, folder, **options):
    """A hunt whose ledger and witnesses are in a folder."""
    options = {"instances": 300, "workers": 0, "sources": SOURCES, **options}
    return HuntPlan(
        claim, ledger=folder / "ledger.sqlite", folder=folder / "counterexamples", **options
    )


def hunted(claim, folder, **options):
    """All events of such a hunt."""
    return list(hunt(plan(claim, folder, **options)))
