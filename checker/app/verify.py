"""`ncfcheck verify`: the independent verifier, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ncfcheck.app.boundary import UNEXPECTED
from ncfcheck.app.console import PATH, loaded
from ncfcheck.app.streams import warn
from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.errors import CannotRun

# For all that is computed again, compiling included; what takes longer, or more, is ended.
SECONDS, MEMORY = 30.0, 8 << 30
REJECTED, UNKNOWN = "rejected", "not checked whether its `given` may draw this"


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
        verdict, besides = _drawn(witness, claims)
        if verdict == REJECTED:
            print(f"rejected: the instance is none of the claim's: {besides}")
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


def _drawn(path: Path, claims: Path) -> tuple[str, str]:
    """Whether the claim's strategy may draw the instance of a witness: REJECTED and why not, or
    what is to be said of it.
    """
    told, why = _told("draw", path, claims)
    return told[0] if told else (UNKNOWN, f"{UNKNOWN}: {why}\n")


def _told_wrongly(path: Path, claims: Path | None, proof: str) -> list[str]:
    """What the file of an accepted certificate tells besides that is not so."""
    told, why = _told("tell", path, proof, *([] if claims is None else [claims]))
    return told + [f"what it tells besides is not compared to the end: {why}"] * bool(why)


def _told(function: str, *given) -> tuple[list, str]:
    """What a function of this module says in a process of its own, which runs what users wrote and
    is ended when that takes too long; and why that is not all, if it is not.
    """
    program = f"from ncfcheck.app.verify import _telling, {function}; {function}(_telling())"
    line = [sys.executable, "-P", "-X", "utf8", "-c", program, *map(str, given)]
    with tempfile.TemporaryFile() as heard:  # no pipe: what a child of it holds is not waited for
        try:
            done = subprocess.run(line, stdout=heard, stderr=subprocess.DEVNULL, timeout=SECONDS)
            why = f"it ended with {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            why = f"it takes longer than {SECONDS:g} s"
        heard.seek(0)
        return [json.loads(each) for each in heard if each.endswith(b"\n")], why


def _telling() -> Callable[[Any], None]:
    """In a process of `_told`: what tells it something. What users print goes elsewhere, and they
    get no more than MEMORY.
    """
    heard = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return lambda told: print(json.dumps(told), file=heard, flush=True)


def draw(told: Callable) -> None:
    """In the process of `_drawn`: the answer."""
    from ncfcheck.core.describing import one_line
    from ncfcheck.core.errors import CannotRun
    from ncfcheck.core.loading import load_claims
    from ncfcheck.verdicts import witness

    path, claims = map(Path, sys.argv[1:])
    try:
        load_claims((str(claims),))
        told(("", _admitted(witness.read(path), claims.name)))
    except Inapplicable as reason:
        told((REJECTED, one_line(str(reason))))
    except Exception as error:
        known = isinstance(error, CannotRun | witness.BadWitness)
        why = str(error) if known else f"{type(error).__name__}: {error}"
        told((UNKNOWN, f"{UNKNOWN}: {one_line(why)}\n"))


def _admitted(found, file: str) -> str:
    """What is to be said of an instance that the claim's strategy may draw. Raises Inapplicable for
    others, BadWitness.
    """
    from ncfcheck.verdicts import witness
    from ncfcheck.verifier import REFUTATIONS

    if found.claim in REFUTATIONS:
        return ""
    claim = witness.claim_of(found)
    at = found.certificate["data"]["criterion"]["at"]
    if claim.violated is None or claim.at != at:
        raise Inapplicable(f"as the program loads {file}, it has no criterion at {at}")
    if getattr(claim.given, "promise", None) is None:
        return ""
    claim.given.admit(witness.instance_of(found))
    return "checked in floats: its `given` may draw this\n"


def tell(told: Callable) -> None:
    """In the process of `_told_wrongly`: each difference once it is found."""
    from ncfcheck.core.loading import load_claims
    from ncfcheck.verdicts import unproved, witness

    path, proof, *claims = sys.argv[1:]
    loaded()
    load_claims(tuple(claims))
    try:
        for line in unproved.differences(witness.read(path), Path(path), proof):
            told(line)
    except witness.BadWitness as reason:
        told(f"what it tells besides is not compared: {reason}")
