"""Libraries of users' networks are imported when one is made in them."""

import subprocess
import sys

SCRIPT = """
import sys, ncfcheck
ncfcheck.OwnModel, ncfcheck.own_model, ncfcheck.Ncf
print([name for name in ("jax", "torch") if name in sys.modules])
"""


def test_names_of_the_api_import_neither_jax_nor_pytorch():
    found = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr
