"""`ncfcheck verify`: the independent verifier, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click


@click.command()
@click.argument("witness", type=click.Path(path_type=Path), metavar="WITNESS")
def verify(witness):
    """Check the certificate of a WITNESS file in exact arithmetic, in its own process and with the
    standard library only.

    Exit code 0: accepted. 1: rejected, with the reason. 2: the file cannot be read.
    """
    command = [sys.executable, "-m", "ncfcheck.verifier.reading", str(witness.absolute())]
    verifier = subprocess.run(
        command, cwd=Path(__file__).parents[2], text=True, capture_output=True
    )
    click.echo(verifier.stdout, nl=False)
    click.echo(verifier.stderr, nl=False, err=True)
    return verifier.returncode
