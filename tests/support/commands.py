"""Commands as a user gives them: a fresh process in a folder of the user's."""

import os
import subprocess
import sys
from pathlib import Path


def ncfcheck(
    *arguments, folder: Path, timeout: float = 300, text: bool = True, **environment
) -> subprocess.CompletedProcess:
    """Run `ncfcheck` with these arguments in a folder; what ended, with its output.

    Settings of the environment are added to this process's; None takes one away.
    """
    settings = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-m", "ncfcheck", *map(str, arguments)],
        cwd=folder,
        env={name: value for name, value in settings.items() if value is not None},
        capture_output=True,
        text=text,
        timeout=timeout,
    )


def claim_file(folder: Path, body: str, name: str = "mine.py") -> Path:
    """A file of claims in a folder: usual imports, then the body."""
    path = folder / name
    path.write_text(IMPORTS + body, encoding="utf-8")
    return path


IMPORTS = """\
import numpy as np
from ncfcheck import CONJECTURE, THEOREM, Margin, claim, instances

"""
