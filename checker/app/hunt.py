"""`ncfcheck hunt`: the command, and what it tells when it cannot go on."""

from __future__ import annotations

import contextlib
import re

import click

from ncfcheck.app.boundary import UNEXPECTED
from ncfcheck.app.console import (
    SCHEDULER,
    SEED,
    STRICT,
    TIMEOUT,
    WORKERS,
    console,
    models,
    own_claims,
    own_model,
    selected,
    silent,
    sources,
    stopped,
    suited,
    unjudged,
)
from ncfcheck.core.errors import CannotRun

BUDGET = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([smh]?)")
UNITS = {"s": 1, "m": 60, "h": 3600}


class Budget(click.ParamType):
    """N instances, or a time such as 60s, 10m, 8h: (instances, seconds), one of them None."""

    name = "budget"

    def convert(self, value, param, ctx):
        found = isinstance(value, str) and BUDGET.fullmatch(value)
        if not found or not float(found[1]) or (not found[2] and "." in found[1]):
            wanted = "a number of instances nor a time such as 60s, 10m or 8h"
            self.fail(f"{value!r} is neither {wanted}", param, ctx)
        return (None, float(found[1]) * UNITS[found[2]]) if found[2] else (int(found[1]), None)


@click.command()
@click.argument("claim")
@click.option(
    "--budget",
    type=Budget(),
    default="60s",
    show_default=True,
    metavar="60s|N",
    help="Time, or instances in all.",
)
@click.option("--workers", **WORKERS)
@click.option("--scheduler", **SCHEDULER)
@click.option("--instance-timeout", **TIMEOUT)
@click.option(
    "--resume", is_flag=True, help="Continue where the last hunt of this claim and seed stopped."
)
@click.option(
    "--keep-going", is_flag=True, help="Use the whole budget even after a counterexample."
)
@click.option("--seed", **SEED, help="Everything tested depends on it alone.")
@click.option("--strict", **STRICT)
@click.option("--quiet", is_flag=True, help="Print the verdict only.")
@own_claims
@own_model
def hunt(
    claim, budget, workers, scheduler, instance_timeout, resume, keep_going, seed, strict, quiet
):
    """Hunt for a counterexample to CLAIM: structured families, mutations and optimisation of the
    worst margins.

    Every instance goes to reports/ledger.sqlite, a counterexample to reports/counterexamples/.
    Exit code 0: the verdict is as expected. 1: it is not. 2: the hunt could not be done.
    """
    from ncfcheck.run.hunting.hunt import HuntPlan
    from ncfcheck.run.workers import available

    found = selected([claim])
    if len(found) > 1:
        raise CannotRun(f"{claim!r} matches {len(found)} claims; a hunt is for one")
    suited(found)
    instances, seconds = budget
    options = {"resume": resume, "keep_going": keep_going, "sources": sources()}
    options["models"] = models()
    options["instance_timeout"] = instance_timeout
    workers = workers or available()
    plan = HuntPlan(found[0].id, seed, instances, seconds, workers, scheduler, **options)
    finished = _played(plan, strict, quiet)
    if finished.stopped:
        return stopped(finished.stopped)
    if finished.result.evidence.is_unjudged:
        return unjudged(finished.result)
    return 0 if finished.result.as_expected(strict) else UNEXPECTED


def _played(plan, strict, quiet):
    """Every event of the hunt through the writers; the last event."""
    from ncfcheck.report.hunt import HuntProgressWriter, HuntTerminal
    from ncfcheck.run.hunting import hunt

    progress = HuntProgressWriter(console(stderr=True, quiet=quiet))
    terminal = HuntTerminal(console(), strict=strict, quiet=quiet)
    try:
        with contextlib.closing(progress):
            tell = silent(progress)
            for event in hunt.hunt(plan):
                tell(event)
                terminal(event)
    except hunt.Lost as error:
        # The file system takes nothing any more: what was found goes where it may still be seen.
        print(error.content.decode())
        raise CannotRun(f"{error}; the counterexample found is on standard output") from error
    return event
