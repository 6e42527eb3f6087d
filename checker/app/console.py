"""What commands have in common: options, the claims meant, events through writers, exit codes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.core import ParameterSource

from ncfcheck.app.boundary import FAILED, UNEXPECTED
from ncfcheck.app.streams import say, warn
from ncfcheck.core import interruptions
from ncfcheck.core.errors import CannotRun
from ncfcheck.core.time_limit import SECONDS

OWN, MODEL = "ncfcheck.claims", "ncfcheck.model"
PATH = click.Path(path_type=Path)
SEED = {"type": click.IntRange(min=0), "default": 0, "show_default": True}
WORKERS = {"type": click.IntRange(min=1), "help": "Processes, by default one per processor."}


def _above_zero(_, __, value: float) -> float:
    if not value > 0:  # NaN is not, either
        raise click.BadParameter(f"{value:g} is not above 0")
    return value


TIMEOUT = {
    "type": float,
    "callback": _above_zero,
    "default": SECONDS,
    "show_default": True,
    "metavar": "SECONDS",
    "help": "An instance without an answer by then is unresolved.",
}
SCHEDULER = {"metavar": "ADDRESS", "help": "Use the Dask cluster of this scheduler."}
STRICT = {"is_flag": True, "help": "An unresolved verdict is never as expected."}


def own_claims(command):
    """Give a command the option --claims; `sources` tells what was given."""

    def keep(context, _, files):
        context.meta[OWN] = tuple(str(Path(file).absolute()) for file in files)

    text = "Claims of your own; where CLAIM may be left out, all of them are meant."
    options = {"multiple": True, "expose_value": False, "callback": keep, "help": text}
    return click.option("--claims", type=PATH, metavar="FILE.py", **options)(command)


def own_model(command):
    """Give a command the option --model; `models` tells what was given."""

    def keep(context, _, files):
        if len(files) > 1:
            raise click.UsageError("--model is given twice: one file may state several models")
        context.meta[MODEL] = str(Path(files[0]).absolute()) if files else None

    text = "A file of models of your own, in place of those that the claims draw."
    options = {"multiple": True, "expose_value": False, "callback": keep, "help": text}
    return click.option("--model", type=PATH, metavar="FILE.py", **options)(command)


def models() -> str | None:
    """The file of the option --model."""
    context = click.get_current_context(silent=True)
    return context.meta.get(MODEL) if context else None


def own_files() -> tuple[str, ...]:
    """The files of the option --claims."""
    context = click.get_current_context(silent=True)
    return context.meta.get(OWN, ()) if context else ()


def sources() -> tuple[str, ...]:
    """Where claims come from: the program's own packages, and the user's files."""
    from ncfcheck.core import loading

    return (*loading.SOURCES, *own_files())


def told(*names: str) -> tuple[str, ...]:
    """The options of these names that the user told this command, as they would be told again."""
    context, found = click.get_current_context(), []
    for option in context.command.params:
        by_user = context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        if option.name in names and by_user:
            value = models() if option.name == "model" else context.params[option.name]
            if isinstance(value, bool):
                found.append((option.opts if value else option.secondary_opts)[0])
            else:
                value = value.absolute() if isinstance(value, Path) else value
                found.append(f"{option.opts[0]}={value}")
    return tuple(found)


def loaded() -> None:
    """Have every claim registered, and the models of the option --model known. Raises BrokenClaims
    for a module that cannot be imported.
    """
    from ncfcheck.core import loading

    loading.load_claims(sources())
    if models() is not None:
        from ncfcheck.model.sources import load

        load(models())
    interruptions.heed()


def selected(patterns):
    """The claims of the patterns, once loaded; without patterns the user's files', or else all.

    Raises CannotRun where there is none, BrokenClaims.
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


def suited(claims, table=None):
    """Those of the claims that are about the models of the option --model, and the ids of the
    others. Raises CannotRun where all are others, with the reason of one, or no model fits the
    table; BrokenClaims.
    """
    from ncfcheck.model.sources import load
    from ncfcheck.strategies.about import unsuited

    if models() is None:
        return claims, ()
    others = unsuited(claims, load(models()))
    if table is not None:
        _refuse(table)
    if len(others) == len(claims):
        first, reason = next(iter(others.items()))
        more = f"; nor are {len(others) - 1} others" if len(others) > 1 else ""
        raise CannotRun(f"not about this model: {first}: {reason}{more}")
    return [each for each in claims if each.id not in others], tuple(others)


def _refuse(table) -> None:
    from ncfcheck.model.sources import load
    from ncfcheck.strategies.models import refuse_table

    try:
        refuse_table(load(models()), table)
    except ValueError as error:
        raise CannotRun(str(error)) from error


def console(**options):
    """A rich console that honours NO_COLOR however it is set, and lets a reader go away."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self):
            raise BrokenPipeError

    return Plain(color_system=None if os.environ.get("NO_COLOR") else "auto", **options)


def import_matplotlib() -> None:
    """Have matplotlib imported as it is where nobody has settings: it looks in this folder first,
    and fails for what it cannot read. What it raises otherwise, who draws is told by the next
    import.
    """
    with contextlib.suppress(Exception), contextlib.chdir(Path(__file__).parent):
        import matplotlib  # noqa: F401


def forgiving(writer: Callable) -> Callable:
    """The writer, whose failure to write is only worth a warning: nobody asked for its file."""
    from ncfcheck.core.files import Unwritable

    def write(event):
        try:
            writer(event)
        except (OSError, Unwritable) as error:
            warn(f"the results are not kept for `ncfcheck show`: {error}")

    return write


def silent(writer: Callable) -> Callable:
    """The writer of progress, for which a stream that takes nothing is no reason to end a run."""

    def write(event):
        with contextlib.suppress(OSError):
            writer(event)

    return write


def play(events: Iterable, writers: list, comparison=None):
    """Every event through all writers, the last compared with a baseline, if given; the last event.

    Raises Unwritable and NoCluster.
    """
    from ncfcheck.verdicts.report import Report

    for event in events:
        if isinstance(event, Report):
            event = comparison.of(event) if comparison else event
            _finish(event, writers)
            continue
        for writer in writers:
            writer(event)
    for line in comparison.keep(event) if comparison else ():
        say(line)
    return event


def _finish(report, writers: list) -> None:
    """The finished run through every writer; what the first to fail raised is raised at the end."""
    errors = []
    for writer in writers:
        try:
            writer(report)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


def exit_code(report, strict: bool) -> int:
    """0 where every verdict is as expected and nothing got worse, 1 where not, 2 where a claim
    could not be judged for errors; why, and why a run was stopped, goes to standard error.
    """
    if report.stopped:
        return stopped(report.stopped)
    for result in report.claims:
        if result.evidence.is_unjudged:
            return unjudged(result)
    expected = all(result.as_expected(strict) for result in report.claims)
    return 0 if expected and not report.regressions else UNEXPECTED


def unjudged(result) -> int:
    """The exit code where errors kept a claim from being judged; one goes to standard error."""
    from ncfcheck.report import words

    say(words.unjudged(result.id, result.why_errors))
    return FAILED


def stopped(why: str) -> int:
    """The exit code of a run that was stopped; why goes to standard error."""
    say(why)
    return interruptions.exit_code(why) or FAILED
