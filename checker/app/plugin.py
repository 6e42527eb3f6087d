"""Claims under pytest: one test item per claim of the modules that pytest collects (`test_*.py`),
of those in a folder `properties`, packages in it included, and of files named explicitly.

It is loaded in every run of pytest where the package is installed, so the engine is imported only
when a claim is met.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from pathlib import Path

import pytest

from ncfcheck.core.time_limit import SECONDS

PACKAGE, FOLDER = "ncfcheck", "properties"
MARK = "@claim("


def pytest_addoption(parser):
    group = parser.getgroup("ncfcheck", "claims about homogeneous networks")
    group.addoption(
        "--ncf-profile",
        choices=("quick", "ci", "deep"),
        default="quick",
        help="how many instances per claim",
    )
    group.addoption(
        "--ncf-seed", type=int, default=0, help="everything drawn depends on it alone (default: 0)"
    )
    group.addoption(
        "--ncf-examples", type=int, help="applicable instances per claim, instead of the profile's"
    )
    group.addoption(
        "--ncf-instance-timeout",
        type=float,
        default=SECONDS,
        metavar="SECONDS",
        help="what no answer comes to in time is unresolved (default: %(default)g)",
    )


def pytest_configure(config):
    """Refuse options that the command line refuses, too."""
    for option, least in (("--ncf-examples", 1), ("--ncf-seed", 0)):
        value = config.getoption(option)
        if value is not None and value < least:
            raise pytest.UsageError(f"{option} {value}: it is at least {least}")
    seconds = config.getoption("--ncf-instance-timeout")
    if not seconds > 0:
        raise pytest.UsageError(f"--ncf-instance-timeout {seconds:g}: it is above 0")


def pytest_collect_file(file_path, parent):
    """Collect a Python file with claims in a folder `properties`, unless pytest collects it of its
    own accord.
    """
    if file_path.suffix != ".py" or not _import_name(file_path):
        return None
    patterns = parent.config.getini("python_files")
    if parent.session.isinitpath(file_path) or any(
        file_path.match(pattern) for pattern in patterns
    ):
        return None
    return pytest_pycollect_makemodule(file_path, parent)


def pytest_pycollect_makemodule(module_path, parent):
    """The collector of a module with claims, in place of pytest's own."""
    if MARK not in module_path.read_text(encoding="utf-8", errors="replace"):
        return None
    return ClaimModule.from_parent(parent, path=module_path)


class ClaimModule(pytest.Module):
    """A module whose claims are tests, besides its test functions."""

    def _getobj(self):
        # The registry takes a claim once, so the module must be the one that others import.
        name = _import_name(self.path)
        for each in (f"{PACKAGE}.{name}", name):
            if _is_at(each, self.path):
                return importlib.import_module(each)
        return super()._getobj()

    def collect(self):
        from ncfcheck.core.claims import registered

        name = self.obj.__name__  # imports the module, which registers its claims
        for claim in registered().values():
            if claim.function.__module__ == name:
                yield ClaimItem.from_parent(self, name=claim.id, claim=claim)
        yield from super().collect()


class ClaimItem(pytest.Item):
    """Checks one claim; fails when the verdict is not the one called for or the claim is at fault,
    and skips when it is unresolved.
    """

    def __init__(self, *, claim, **kwargs):
        super().__init__(**kwargs)
        self.claim = claim

    def runtest(self):
        from ncfcheck.core.claims import Verdict
        from ncfcheck.report import words
        from ncfcheck.run.check import PROFILES, check_claim

        option = self.config.option
        result = check_claim(
            self.claim,
            option.ncf_examples or PROFILES[option.ncf_profile],
            option.ncf_seed,
            timeout=option.ncf_instance_timeout,
        )
        self.user_properties += words.facts(result).items()
        if not result.as_expected():
            raise UnexpectedVerdict("\n".join(words.unexpected(result)))
        if result.verdict is Verdict.UNRESOLVED:
            pytest.skip("; ".join([words.sentence(result), *words.reasons(result)]))

    def repr_failure(self, excinfo, style=None):
        """The verdict in words for an unexpected one; a traceback for anything else."""
        if isinstance(excinfo.value, UnexpectedVerdict):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        """Where the claim is stated."""
        return self.path, inspect.getsourcelines(self.claim.function)[1] - 1, self.claim.id


class UnexpectedVerdict(Exception):
    """A theorem was refuted, or a control was not."""


def _import_name(path: Path) -> str:
    """The name by which a module in a folder `properties`, or in a package in it, is imported;
    empty for any other.
    """
    names = [path.stem]
    for folder in path.parents:
        names.insert(0, folder.name)
        if folder.name == FOLDER:
            return ".".join(names)
        if not (folder / "__init__.py").exists():
            return ""
    return ""


def _is_at(name: str, path: Path) -> bool:
    """Whether importing `name` would import the file at `path`."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return (
        found is not None
        and found.origin is not None
        and Path(found.origin).resolve() == path.resolve()
    )
