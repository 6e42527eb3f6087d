"""`ncfcheck verify`: the independent verifier, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click

from ncfcheck.app.boundary import UNEXPECTED
from ncfcheck.app.console import PATH, loaded
from ncfcheck.app.streams import warn
from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.errors import CannotRun

# For all that is computed again, compiling included; what takes longer is ended.
SECONDS = 30.0


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
    sys.stdout.flush()
    if done.returncode == 0:
        proof = done.stdout.decode(errors="replace").partition(" is refuted: ")[2].strip()
        for line in _told_wrongly(witness, claims, proof):
            warn(f"{witness}: {line}")
    return done.returncode


def _drawn(path: Path, claims: Path) -> str:
    """What is to be said of whether the claim's strategy may draw the instance of a witness. Raises
    Inapplicable where it could not.
    """
    from ncfcheck.core.describing import one_line
    from ncfcheck.core.loading import load_claims
    from ncfcheck.verdicts import witness
    from ncfcheck.verifier import REFUTATIONS

    load_claims((str(claims),))
    try:
        found = witness.read(path)
        if found.claim in REFUTATIONS:
            return ""
        claim = witness.claim_of(found)
        at = found.certificate["data"]["criterion"]["at"]
        if claim.violated is None or claim.at != at:
            raise Inapplicable(f"as the program loads {claims.name}, it has no criterion at {at}")
        if getattr(claim.given, "promise", None) is None:
            return ""
        claim.given.admit(witness.instance_of(found))
    except witness.BadWitness as reason:
        return f"not checked whether its `given` may draw this: {one_line(str(reason))}\n"
    return "checked in floats: its `given` may draw this\n"


def _told_wrongly(path: Path, claims: Path | None, proof: str) -> list[str]:
    """What the file of an accepted certificate tells besides that is not so, computed in a process
    that is ended when it takes too long.
    """
    given = [str(path), proof, *([] if claims is None else [str(claims)])]
    program = "from ncfcheck.app.verify import tell; tell()"
    line = [sys.executable, "-P", "-X", "utf8", "-c", program, *given]
    try:
        done = subprocess.run(line, capture_output=True, timeout=SECONDS)
        why = f"it ended with {done.returncode}" if done.returncode else ""
        said = done.stdout
    except subprocess.TimeoutExpired as late:
        why, said = f"it takes longer than {SECONDS:g} s", late.stdout or b""
    told = [json.loads(each) for each in said.splitlines() if each.endswith(b'"')]
    return told + [f"what it tells besides is not compared to the end: {why}"] * bool(why)


def tell() -> None:
    """In the process of `_told_wrongly`: print each difference as JSON once it is found."""
    from ncfcheck.core.loading import load_claims
    from ncfcheck.verdicts import unproved, witness

    path, proof, *claims = sys.argv[1:]
    loaded()
    load_claims(tuple(claims))
    try:
        for line in unproved.differences(witness.read(path), Path(path), proof):
            print(json.dumps(line), flush=True)
    except witness.BadWitness as reason:
        print(json.dumps(f"what it tells besides is not compared: {reason}"))
