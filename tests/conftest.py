"""Fixtures shared by the tests, and the table of planted mistakes in their output."""

import compileall
import importlib
import signal
import sys

import pytest
import scipy.linalg  # noqa: F401  # with its threads, which are limited with those of numpy
from threadpoolctl import threadpool_limits

from ncfcheck.app import cli
from ncfcheck.core import claim_files, claims, loading
from ncfcheck.verifier import witnesses
from tests.support import ROOT
from tests.support.output import without_progress

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Commands given no number of workers do their work in this process, which has what a test put
    there, and needs no start.
    """
    monkeypatch.setattr("ncfcheck.run.workers.available", lambda: 0)


@pytest.fixture
def ctrl_c():
    """Ctrl-C is heeded, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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


@pytest.fixture
def own_command(monkeypatch, tmp_path, capsys):
    """Run the command line in an empty folder, with no claims but the user's: (exit code, stdout,
    stderr).
    """
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.setattr(loading, "SOURCES", ())
    monkeypatch.setattr(claim_files.BESIDE, "folders", [])
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, without_progress(err)

    yield run
    for name in set(sys.modules) - before:
        if name.startswith("claims_"):
            del sys.modules[name]


def pytest_addoption(parser):
    parser.addoption("--ground", action="store_true", help="Run what is long, and print the table.")


def pytest_configure(config):
    if sys.dont_write_bytecode and not hasattr(config, "workerinput"):
        # Or hundreds of processes that tests start would each compile the program.
        for folder in ("checker", "properties"):
            compileall.compile_dir(ROOT / folder, quiet=1)
    # As in workers: several tests are under way at once, and threads that wait take their time.
    threadpool_limits(limits=1)
    config.addinivalue_line(
        "markers", "long: run with --ground only, by `make ground` or `make long`"
    )


CONTROLS = "tests/properties/test_controls.py::test_every_control_is_violated_in_a_small_draw"


def pytest_collection_modifyitems(config, items):
    """What is long, hunts of a minute each and the like, waits for --ground.

    Where test_controls checks a control, it is not checked again on the same instances as an item
    of the plugin's: that asserts less.
    """
    checked = {item.nodeid for item in items}
    again = [item for item in items if f"{CONTROLS}[{item.name}-0]" in checked]
    if again:
        items[:] = [item for item in items if item not in again]
        config.hook.pytest_deselected(items=again)
    for item in items:
        if item.get_closest_marker("long") and not config.getoption("--ground"):
            item.add_marker(pytest.mark.skip(reason="long: `make ground` or `make long` runs it"))


def pytest_terminal_summary(terminalreporter, config):
    """The tables that tests recorded, also those run by other processes."""
    reports = [
        each
        for group in terminalreporter.stats.values()
        for each in group
        if getattr(each, "when", "collect") != "collect"  # nor what was deselected
    ]
    title = "planted mistakes: formula, mistake, claim that caught it, how"
    _table(terminalreporter, title, _recorded(reports, "caught"))
    if config.getoption("--ground"):
        _table(terminalreporter, "situation, what is right, what is", _situations(reports))


def _recorded(reports, name: str) -> list[tuple]:
    return sorted(
        value
        for each in reports
        for key, value in each.user_properties
        if key == name and each.when == "call"
    )


def _situations(reports) -> list[tuple]:
    """A row a test of tests/ground: failed in any phase, or as it was called."""
    rows: dict[str, tuple] = {}
    for each in reports:
        said = dict(each.user_properties).get("situation")
        if said and (each.nodeid not in rows or each.outcome == "failed"):
            result = {"passed": "so it is", "failed": "FAULT", "skipped": "not tried here"}
            rows[each.nodeid] = (*said.split(" → "), result[each.outcome])
    return sorted(rows.values())


def _table(terminalreporter, title: str, rows: list[tuple]) -> None:
    if not rows:
        return
    terminalreporter.section(title)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for *cells, last in rows:
        line = [*(cell.ljust(width) for cell, width in zip(cells, widths)), last]
        terminalreporter.write_line("  ".join(line))
