"""What the tools of the house say: style, types and documents, each with a planted mistake."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        **options,
    )


@pytest.fixture(scope="session")
def by_name(tmp_path_factory):
    """A folder with the package under its import name, for tools that look for it in folders."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "ncfcheck").symlink_to(ROOT / "checker")
    return folder


def test_the_style_is_kept(tmp_path):
    folders = [ROOT / name for name in ("checker", "properties", "tests", "benchmarks", "docs")]
    for check in (("format", "--check"), ("check",)):
        found = run("ruff", *check, "--no-cache", *folders)
        assert found.returncode == 0, found.stdout
    (tmp_path / "dense.py").write_text("x = [1,2]; y = x\n")
    config = ("--config", ROOT / "pyproject.toml")
    assert run("ruff", "format", "--check", *config, tmp_path).returncode == 1
    assert run("ruff", "check", *config, tmp_path).returncode == 1


def test_the_public_api_and_the_core_are_typed(tmp_path, by_name):
    options = ("--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path / "cache")
    environment = os.environ | {"MYPYPATH": str(by_name)}
    found = run("mypy", *options, env=environment)
    assert found.returncode == 0, found.stdout
    (tmp_path / "user.py").write_text(
        "from ncfcheck import Margin, ncf_flow\n\nMargin('large', 0.0)\nncf_flow(1)\n"
    )
    wrong = run("mypy", *options, tmp_path / "user.py", env=environment)
    assert "user.py:3" in wrong.stdout and "user.py:4" in wrong.stdout, wrong.stdout


def test_the_documents_make_a_site_without_warnings(tmp_path, by_name):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    config = (ROOT / "mkdocs.yml").read_text().replace("build/types", str(by_name))
    (tmp_path / "mkdocs.yml").write_text(config)
    options = ("build", "--config-file", tmp_path / "mkdocs.yml", "--site-dir", tmp_path / "site")
    found = run("mkdocs", *options)
    assert found.returncode == 0, found.stderr
    reference = (tmp_path / "site" / "api" / "index.html").read_text()
    assert "Signed, scale-free distance from violation" in reference
    page = tmp_path / "docs" / "index.md"
    page.write_text(page.read_text() + "\n[nowhere](nowhere.md)\n")
    assert run("mkdocs", *options).returncode != 0
