"""Fixtures shared by the tests, and the table of planted mistakes in their output."""

import importlib
import sys

import pytest

from ncfcheck.app import cli
from ncfcheck.core import claims, loading
from ncfcheck.verifier import witnesses
from tests.support.output import without_progress

pytest_plugins = ["pytester"]


@pytest.fixture
def toys(monkeypatch):
    """The toy claims, alone in the registry and the only ones that commands load."""
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.setattr(loading, "SOURCES", ("tests.support.toy_claims",))
    monkeypatch.delitem(sys.modules, "tests.support.toy_claims", raising=False)
    importlib.import_module("tests.support.toy_claims")
    yield claims.registered()
    sys.modules.pop("tests.support.toy_claims", None)


@pytest.fixture
def at_one_precision(monkeypatch):
    """The verifier tries no more bits than at first: where nothing hangs on them, they take as long
    again to reject.
    """
    monkeypatch.setattr(witnesses, "PRECISIONS", witnesses.PRECISIONS[:1])


@pytest.fixture
def command(toys, tmp_path, monkeypatch, capsys):
    """Run the command line on the toy claims in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, without_progress(err)

    return run


def pytest_terminal_summary(terminalreporter):
    """Which claim caught which planted mistake, and how, as tests recorded it, also those run by
    other processes.
    """
    reports = [
        each
        for group in terminalreporter.stats.values()
        for each in group
        if hasattr(each, "user_properties")
    ]
    rows = sorted(
        value
        for each in reports
        for name, value in each.user_properties
        if name == "caught" and each.when == "call"
    )
    if rows:
        terminalreporter.section("planted mistakes: formula, mistake, claim that caught it, how")
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            terminalreporter.write_line(
                "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]])
            )
