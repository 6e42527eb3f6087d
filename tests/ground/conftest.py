"""The table of `make ground`: docstrings of tests, "situation → outcome", and whether it is so."""

import pytest

ARROW = " → "


def pytest_collection_modifyitems(config, items):
    """Every test here states its situation."""
    for item in items:
        if not item.nodeid.startswith("tests/ground/"):
            continue
        said = " ".join((item.function.__doc__ or "").split())
        if said.count(ARROW) != 1:
            raise pytest.UsageError(f'{item.nodeid}: its docstring is not "situation → outcome"')
        if hasattr(item, "callspec"):
            said = said.replace(ARROW, f" [{item.callspec.id}]{ARROW}")
        item.user_properties.append(("situation", said))
