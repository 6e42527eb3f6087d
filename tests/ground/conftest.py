"""The table of `make ground`: each test's docstring, "situation → outcome", and whether it holds.

Tests marked `long` (hunts of a minute each) run just there: with `--ground`.
"""

import pytest

ARROW = " → "


def pytest_collection_modifyitems(config, items):
    """Every test here states its situation; the long ones wait for --ground."""
    for item in items:
        if not item.nodeid.startswith("tests/ground/"):
            continue
        said = " ".join((item.function.__doc__ or "").split())
        if said.count(ARROW) != 1:
            raise pytest.UsageError(f'{item.nodeid}: its docstring is not "situation → outcome"')
        if hasattr(item, "callspec"):
            said = said.replace(ARROW, f" [{item.callspec.id}]{ARROW}")
        item.user_properties.append(("situation", said))
        if item.get_closest_marker("long") and not config.getoption("--ground"):
            item.add_marker(pytest.mark.skip(reason="long: `make ground` runs it"))
