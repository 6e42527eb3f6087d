"""Faults planted in a copy of the package: `check --baseline` names each one, as a user's CI would
see it.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT

ARGUMENTS = (
    "check",
    "homogeneity.[egl]*",
    "control.negative_*",
    "--examples",
    "150",
    "--workers",
    "1",
    "--quiet",
)

# File, what is replaced in it (a pattern), by what, and the beginning of a line that must be told.
FAULTS = {
    "wrong sign in ȳ": (
        "ncfcheck/model/loss_functions.py",
        r"return self\.descent\(np\.zeros\(np\.shape\(y\)\), y\)",
        "return -self.descent(np.zeros(np.shape(y)), y)",
        "homogeneity.loss_expansion: new refutation: not refuted → potential",
    ),
    "wrong P_l": (
        "ncfcheck/model/networks.py",
        r"orders\[0\] \* power\)",
        "orders[0] + power)",
        "homogeneity.layer_euler: new refutation: not refuted → potential",
    ),
    "loosened tolerance": (
        "ncfcheck/core/tolerances.py",
        r"RESOLUTION = 1e-7",
        "RESOLUTION = 1e-2",
        "homogeneity.euler: error bounds fell",
    ),
    "a family lost": (
        "ncfcheck/strategies/label_families.py",
        r'    "heavy-tailed": Family\(.*\n',
        "",
        "run: coverage lost, labels heavy-tailed: ",
    ),
    "a claim deleted": (
        "ncfcheck/properties/homogeneity/controls.py",
        r'@claim\(\s*"control.negative_factor",[^@]*?\)\n(?=def)',
        "",
        "control.negative_factor: claim missing, its entry is stale: control → no such claim",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package with all claims, compiled code included, and a baseline of
    it.
    """
    home = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "checker", home / "ncfcheck")
    shutil.copytree(ROOT / "properties", home / "ncfcheck" / "properties")
    found = ncfcheck(home, "--update-baseline")
    assert found.returncode == 0, found.stderr
    return home


def ncfcheck(home, *arguments):
    """The command line of the copy."""
    environment = os.environ | {"PYTHONPATH": str(home)}
    command = [sys.executable, "-m", "ncfcheck.app.cli", *ARGUMENTS, *arguments]
    return subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, timeout=300
    )


def regressions(found):
    assert "Traceback" not in found.stderr, found.stderr
    return re.findall(r"REGRESSION  (.*)", found.stdout)


def test_without_a_fault_there_is_no_regression_at_another_seed_either(copy):
    found = ncfcheck(copy, "--baseline", "reports/baseline.json", "--seed", "5")
    assert (found.returncode, regressions(found)) == (0, [])
    assert found.stdout.rstrip().endswith("no regression against reports/baseline.json")


@contextlib.contextmanager
def planted(home, fault):
    """The copy with a fault; its compiled code stays valid."""
    file, pattern, replacement, _ = FAULTS[fault]
    path = home / file
    right, times = path.read_text(), (path.stat().st_atime, path.stat().st_mtime)
    wrong, count = re.subn(pattern, replacement, right)
    assert count == 1
    path.write_text(wrong)
    try:
        yield
    finally:
        path.write_text(right)
        os.utime(path, times)


# No fault of a group can bring about the line of another one of it.
@pytest.mark.parametrize(
    "faults",
    [("wrong sign in ȳ", "a family lost", "a claim deleted"), ("wrong P_l", "loosened tolerance")],
)
def test_every_planted_fault_is_named(copy, faults):
    with contextlib.ExitStack() as stack:
        for fault in faults:
            stack.enter_context(planted(copy, fault))
        found = ncfcheck(copy, "--baseline", "reports/baseline.json")
    assert found.returncode == 1
    for fault in faults:
        assert any(each.startswith(FAULTS[fault][3]) for each in regressions(found)), (
            fault,
            found.stdout,
        )
