"""The examples of how to add to the program: they apply, touch what the documents say, and work."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT

EXAMPLES = ROOT / "docs" / "examples"
UNCOMPILED = {"checker/verifier", "properties/homogeneity"}  # folders with no compiled code


def touched(name: str) -> list[str]:
    """The files that an example changes."""
    return re.findall(r"^\+\+\+ b/(\S+)$", (EXAMPLES / name).read_text(), re.MULTILINE)


def touched_folders(name: str) -> set[str]:
    """The folders that they are in."""
    return {path.rsplit("/", 1)[0] for path in touched(name)}


@pytest.fixture
def applied(tmp_path):
    """A function from the name of an example to a checkout with it, and the environment that
    imports the package from there.
    """

    def apply(name: str):
        ignore = _half_written if touched_folders(name) <= UNCOMPILED else _compiled
        for folder in ("checker", "properties", "tests"):
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        (tmp_path / "checker" / "properties").symlink_to(tmp_path / "properties")
        (tmp_path / "ncfcheck").symlink_to(tmp_path / "checker")
        subprocess.run(["git", "apply", "-C1", str(EXAMPLES / name)], cwd=tmp_path, check=True)
        return os.environ | {"PYTHONPATH": str(tmp_path)}

    return apply


def _compiled(folder, names):
    """Compiled code, which does not see a change in what it was inlined from."""
    return [name for name in names if ".nbi" in name or ".nbc" in name]


def _half_written(folder, names):
    """Compiled code that other tests are about to keep: it has another name until it is whole."""
    return [name for name in _compiled(folder, names) if not name.endswith((".nbi", ".nbc"))]


def run(*arguments, **options):
    found = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=600, **options
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_a_theorem_with_its_control_and_proofs_touches_a_chapter_and_a_verifier_file(
    applied, tmp_path
):
    name = "toy-theorem.patch"
    assert touched_folders(name) == {"checker/verifier", "properties/homogeneity"}
    assert sum(path.startswith("checker/verifier/") for path in touched(name)) == 1
    options = {"cwd": tmp_path, "env": applied(name)}
    claims = ("homogeneity.doubled", "control.doubled_biases")
    out = run("ncfcheck", "check", *claims, "--examples", "12", "--certify", **options)
    assert re.search(r"homogeneity\.doubled +theorem .* not refuted", out)
    assert re.search(r"control\.doubled_biases +control .* refuted", out)
    assert "certified on" in out


@pytest.mark.long
def test_a_loss_touches_three_files_and_is_drawn_by_claims(applied, tmp_path):
    name = "toy-loss.patch"
    assert len(touched(name)) <= 3
    options = {"cwd": tmp_path, "env": applied(name)}
    run("pytest", "-q", "-p", "no:cacheprovider", "tests/model/test_losses.py", **options)
    # On layered networks: without a cache, kernels of other models take long to compile.
    claims = ("control.wrong_labels", "control.negative_factor")
    file = tmp_path / "out.json"
    run("ncfcheck", "check", *claims, "--examples", "30", "--json", str(file), **options)
    assert "log cosh" in file.read_text() or "log-cosh" in file.read_text()
