"""Fixtures shared by the tests, and the table of planted mistakes in their output."""

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


def pytest_terminal_summary(terminalreporter):
    """Which claim caught which planted mistake, and how, as tests recorded it, also those run by other processes."""
    reports = [each for group in terminalreporter.stats.values() for each in group if hasattr(each, "user_properties")]
    rows = sorted(value for each in reports for name, value in each.user_properties if name == "caught" and each.when == "call")
    if rows:
        terminalreporter.section("planted mistakes: formula, mistake, claim that caught it, how")
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            terminalreporter.write_line("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]))
