"""Fixtures shared by the tests."""

import importlib
import sys

import pytest

from checker import check, claims

pytest_plugins = ["pytester"]


@pytest.fixture
def toys(monkeypatch):
    """The toy claims, alone in the registry and the only ones that commands load."""
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.setattr(check, "SOURCES", ("toy_claims",))
    monkeypatch.delitem(sys.modules, "toy_claims", raising=False)
    importlib.import_module("toy_claims")
    yield claims.registered()
    sys.modules.pop("toy_claims", None)
