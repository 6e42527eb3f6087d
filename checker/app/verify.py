"""`ncfcheck verify`: the independent verifier, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from ncfcheck.app.boundary import UNEXPECTED
from ncfcheck.app.console import PATH, loaded
from ncfcheck.app.streams import warn
from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.errors import CannotRun


@click.command()
@click.argument("witness", type=PATH, metavar="WITNESS")
@click.option(
    "--claims",
    type=PATH,
    metavar="FILE.py",
    help="The file that states the claim, if it is of your own. It is run: read it first.",
)
def verify(witness, claims):
    """Check the certificate of a WITNESS file in exact arithmetic, in its own process and with the
    standard library only, but for what a FILE.py of claims needs.

    What the file tells besides, which no proof covers, is computed again; where that differs, there
    is a warning.

    Exit code 0: accepted. 1: rejected, with the reason. 2: a file cannot be read.
    """
    from ncfcheck import verifier

    program = Path(verifier.__file__).with_name("__main__.py")
    own = [] if claims is None else ["--claims", claims]
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", program, witness.absolute(), *own],
        capture_output=True,
    )
    besides = ""
    if done.returncode == 0 and claims is not None:
        try:
            besides = _drawn(witness, claims)
        except Inapplicable as reason:
            print(f"rejected: the instance is none of the claim's: {reason}")
            return UNEXPECTED
    print(done.stdout.decode(errors="replace") + besides, end="")
    print(done.stderr.decode(errors="replace"), end="", file=sys.stderr)
    if done.returncode < 0:
        raise CannotRun(f"the verifier was ended by signal {-done.returncode}")
    if done.returncode == 0:
        for line in _told_wrongly(witness):
            warn(f"{witness}: {line}")
    return done.returncode


def _drawn(path: Path, claims: Path) -> str:
    """What is to be said of whether the claim's strategy may draw the instance of a witness. Raises
    Inapplicable where it could not.
    """
    from ncfcheck.core.claims import registered
    from ncfcheck.core.loading import load_claims
    from ncfcheck.verdicts import witness

    load_claims((str(claims),))
    claim = registered().get((found := witness.read(path)).claim)
    if claim is None or getattr(claim.given, "promise", None) is None:
        return ""
    claim.given.admit(witness.instance_of(found))
    return "checked in floats: its `given` may draw this\n"


def _told_wrongly(path: Path) -> list[str]:
    """What the file of an accepted certificate tells besides that is not so."""
    from ncfcheck.verdicts import unproved, witness

    loaded()
    try:
        return unproved.differences(witness.read(path), path)
    except witness.BadWitness as reason:
        return [f"what it tells besides is not compared: {reason}"]
