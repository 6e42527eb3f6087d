"""`ncfcheck replay`: judge the instances of witness files again."""

from __future__ import annotations

from pathlib import Path

import click

from ncfcheck.app.boundary import FAILED, UNEXPECTED
from ncfcheck.app.console import PATH, loaded, own_claims, own_model
from ncfcheck.app.streams import say


@click.command()
@click.argument("witnesses", nargs=-1, required=True, type=PATH, metavar="WITNESS...")
@click.option("--quiet", is_flag=True, help="Print one line per witness only.")
@own_claims
@own_model
def replay(witnesses, quiet):
    """Judge the instance of each WITNESS again: does it still violate its claim?

    Exit code 1: one still violates. 0: none does any longer. 2: one cannot be run.
    """
    loaded()
    return max(_replayed(path, quiet) for path in witnesses)


def _replayed(path: Path, quiet: bool) -> int:
    """Replay one witness and tell of it; the exit code it calls for."""
    from ncfcheck.core.claims import Outcome
    from ncfcheck.core.describing import one_line, printable
    from ncfcheck.model.rendering import render
    from ncfcheck.verdicts import witness

    try:
        found = witness.read(path)
        result = witness.replay(found)
    except witness.BadWitness as reason:
        say(f"{path}: cannot run: {reason}")
        return FAILED
    if result.outcome is Outcome.ERROR:
        say(f"{path}: cannot run: {result.margin.note}")
        return FAILED
    if not quiet:
        lines = render(result.claim, witness.instance_of(found), result.margin)
        print("\n".join(map(printable, lines)) + "\n")
    print(one_line(f"{path}: {result.words}"))
    return UNEXPECTED if result.still_violates else 0
