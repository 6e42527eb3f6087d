"""`ncfcheck verify`: the independent verifier, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from ncfcheck.app.console import PATH, loaded
from ncfcheck.app.streams import warn
from ncfcheck.core.errors import CannotRun


@click.command()
@click.argument("witness", type=PATH, metavar="WITNESS")
def verify(witness):
    """Check the certificate of a WITNESS file in exact arithmetic, in its own process and with the
    standard library only.

    What the file tells besides, which no proof covers, is computed again; where that differs, there
    is a warning.

    Exit code 0: accepted. 1: rejected, with the reason. 2: the file cannot be read.
    """
    from ncfcheck import verifier

    program = Path(verifier.__file__).with_name("__main__.py")
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", program, witness.absolute()], capture_output=True
    )
    print(done.stdout.decode(errors="replace"), end="")
    print(done.stderr.decode(errors="replace"), end="", file=sys.stderr)
    if done.returncode < 0:
        raise CannotRun(f"the verifier was ended by signal {-done.returncode}")
    if done.returncode == 0:
        for line in _told_wrongly(witness):
            warn(f"{witness}: {line}")
    return done.returncode


def _told_wrongly(path: Path) -> list[str]:
    """What the file of an accepted certificate tells besides that is not so."""
    from ncfcheck.verdicts import unproved, witness

    loaded()
    try:
        return unproved.differences(witness.read(path), path)
    except witness.BadWitness as reason:
        return [f"what it tells besides is not compared: {reason}"]
