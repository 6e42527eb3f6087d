"""What every command has in common: exit codes, and one line on standard error for failures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import click

UNEXPECTED, FAILED = 1, 2
OWN = "ncfcheck.claims"
PATH = click.Path(path_type=Path)
SEED = {"type": click.IntRange(min=0), "default": 0, "show_default": True}
WORKERS = {"type": click.IntRange(min=1), "help": "Processes, by default one per processor."}
TIMEOUT = {
    "type": click.FloatRange(min=0, min_open=True),
    "default": 60.0,
    "show_default": True,
    "metavar": "SECONDS",
    "help": "An instance without an answer by then is unresolved.",
}
SCHEDULER = {"metavar": "ADDRESS", "help": "Use the Dask cluster of this scheduler."}
STRICT = {"is_flag": True, "help": "An unresolved theorem is not as expected."}


class CannotRun(click.ClickException):
    """The run could not be done; the message says why in one line."""

    exit_code = FAILED


def say(message) -> None:
    """One line on standard error."""
    from ncfcheck.core.describing import one_line

    click.echo(f"ncfcheck: {one_line(message)}", err=True)


def warn(message) -> None:
    """One line on standard error about something that does not stop the command."""
    say(f"warning: {message}")


def own_claims(command):
    """Give a command the option --claims; `sources` tells what was given."""

    def keep(context, _, files):
        context.meta[OWN] = tuple(str(Path(file).absolute()) for file in files)

    text = "Claims of your own; no CLAIM then means all of them."
    options = {"multiple": True, "expose_value": False, "callback": keep, "help": text}
    return click.option("--claims", type=PATH, metavar="FILE.py", **options)(command)


def own_files() -> tuple[str, ...]:
    """The files of the option --claims."""
    context = click.get_current_context(silent=True)
    return context.meta.get(OWN, ()) if context else ()


def sources() -> tuple[str, ...]:
    """Where claims come from: the program's own packages, and the user's files."""
    from ncfcheck.core import loading

    return (*loading.SOURCES, *own_files())


def loaded() -> None:
    """Have every claim registered. Raises CannotRun for a module that cannot be imported."""
    from ncfcheck.core import loading

    try:
        loading.load_claims(sources())
    except loading.BrokenClaims as error:
        raise CannotRun(str(error)) from error


def selected(patterns):
    """The claims of the patterns, once loaded; without patterns the user's files', or else all.

    Raises CannotRun where there is none.
    """
    from ncfcheck.core import loading

    loaded()
    try:
        found = loading.chosen(patterns, own_files())
    except LookupError as error:
        raise CannotRun(str(error.args[0])) from error
    if not found:
        raise CannotRun("there are no claims to check")
    return found


def console(**options):
    """A rich console that honours NO_COLOR however it is set."""
    from rich.console import Console

    return Console(color_system=None if os.environ.get("NO_COLOR") else "auto", **options)


def forgiving(writer: Callable) -> Callable:
    """The writer, whose failure to write is only worth a warning: nobody asked for its file."""
    from ncfcheck.core.files import Unwritable

    def write(event):
        try:
            writer(event)
        except (OSError, Unwritable) as error:
            warn(f"the results are not kept for `ncfcheck show`: {error}")

    return write


def play(events: Iterable, writers: list, comparison=None):
    """Every event through all writers, the last compared with a baseline, if given; the last event.

    Raises CannotRun for a file that cannot be written and a cluster that cannot be used.
    """
    from ncfcheck.core.files import Unwritable
    from ncfcheck.core.loading import BrokenClaims
    from ncfcheck.run.crews import NoCluster
    from ncfcheck.verdicts.report import Report

    try:
        for event in events:
            if comparison and isinstance(event, Report):
                event = comparison.of(event)
            for writer in writers:
                writer(event)
        for line in comparison.keep(event) if comparison else ():
            say(line)
    except (Unwritable, NoCluster, BrokenClaims) as error:
        raise CannotRun(str(error)) from error
    return event


def exit_code(report, strict: bool) -> int:
    """0 where every verdict is as expected and nothing got worse, 1 where not; why a run was
    stopped goes to standard error.
    """
    if report.stopped:
        return stopped(report.stopped)
    expected = all(result.as_expected(strict) for result in report.claims)
    return 0 if expected and not report.regressions else UNEXPECTED


def stopped(why: str) -> int:
    """The exit code of a run that was stopped; why goes to standard error."""
    say(why)
    from ncfcheck.run.interruptions import exit_code

    return exit_code(why) or FAILED
