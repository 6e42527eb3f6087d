"""Versions of all that results depend on."""

from __future__ import annotations

import importlib.metadata
import platform

PACKAGES = ("ncfcheck", "hypothesis", "numba", "numpy", "scipy")


def versions() -> dict[str, str]:
    """Version by name, of Python and of the packages that decide what is computed."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version()} | packages
