"""`ncfcheck verify`: the independent verifier, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from ncfcheck.app.console import PATH
from ncfcheck.core.errors import CannotRun


@click.command()
@click.argument("witness", type=PATH, metavar="WITNESS")
def verify(witness):
    """Check the certificate of a WITNESS file in exact arithmetic, in its own process and with the
    standard library only.

    Exit code 0: accepted. 1: rejected, with the reason. 2: the file cannot be read.
    """
    from ncfcheck import verifier

    program = Path(verifier.__file__).with_name("__main__.py")
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", program, witness], capture_output=True
    )
    print(done.stdout.decode(errors="replace"), end="")
    print(done.stderr.decode(errors="replace"), end="", file=sys.stderr)
    if done.returncode < 0:
        raise CannotRun(f"the verifier was ended by signal {-done.returncode}")
    return done.returncode
