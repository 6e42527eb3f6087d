"""What the distribution installs: the packages of both folders under one name, and nothing else."""

import os
import subprocess
import sys
import tomllib

from tests.support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def packages(name: str, folder: str) -> set[str]:
    """Import names of all packages in a folder."""
    return {
        ".".join((name, *path.parent.relative_to(ROOT / folder).parts))
        for path in (ROOT / folder).rglob("__init__.py")
    }


def test_every_package_is_installed():
    found = packages("ncfcheck", "checker") | packages("ncfcheck.properties", "properties")
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_files_that_are_no_modules_are_installed_too():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    kept = {"py.typed", "__init__.pyi"} | {
        f"report/templates/{path.name}" for path in (ROOT / "checker/report/templates").iterdir()
    }
    others = {
        str(path.relative_to(ROOT / "checker"))
        for path in (ROOT / "checker").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".nbi", ".nbc")
    }
    assert others == kept
    assert data == {"ncfcheck": ["py.typed", "*.pyi"], "ncfcheck.report": ["templates/*"]}


def test_a_project_with_modules_of_our_folders_names_runs_its_own(tmp_path):
    (tmp_path / "checker.py").write_text("ANSWER = 42\n")
    (tmp_path / "properties").mkdir()
    (tmp_path / "properties" / "__init__.py").write_text("ANSWER = 43\n")
    (tmp_path / "test_own.py").write_text(
        "import checker, properties\n\n"
        "def test_own():\n    assert (checker.ANSWER, properties.ANSWER) == (42, 43)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in (["pytest", "-q", "-p", "no:cacheprovider"], ["ncfcheck", "list", "kkt.*"]):
        found = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment, capture_output=True
        )
        assert found.returncode == 0, found.stdout.decode() + found.stderr.decode()
