"""The command line. Imports wait until a command needs them, so that it answers at once."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from pathlib import Path

import click

UNEXPECTED, FAILED, INTERRUPTED = 1, 2, 130
PROFILES = ("quick", "ci", "deep")


class CannotRun(click.ClickException):
    """The run could not be done; the message says why in one line."""

    exit_code = FAILED


def main(arguments=None) -> int:
    """Run the command line and return its exit code: 0 as expected, 1 unexpected verdicts, 2 it could not be done."""
    try:
        return cli.main(arguments, prog_name="ncfcheck", standalone_mode=False) or 0
    except click.ClickException as error:
        _say(error.format_message())
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ncfcheck", message="%(prog)s %(version)s")
@click.pass_context
def cli(context):
    """Property-based tests and a conjecture checker for the early training of deep homogeneous networks."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command("list")
@click.argument("patterns", nargs=-1, metavar="[CLAIM]...")
@click.option("--map", "as_map", is_flag=True, help="Which control shows that a theorem needs a hypothesis.")
def list_claims(patterns, as_map):
    """List the claims: id, kind, reference and statement in short."""
    claims = _selected(patterns)
    if as_map:
        return _print_map({claim.id for claim in claims})
    wide = max(len(claim.id) for claim in claims)
    source = max(len(claim.reference) for claim in claims)
    for claim in claims:
        click.echo(f"{claim.id:{wide}}  {claim.kind:10}  {claim.reference:{source}}  {claim.summary}")


def _print_map(ids):
    """The map's rows about the claims asked for, theorems or controls."""
    from checker.claims import registered
    from checker.necessity import needs
    from checker.writers.json_file import LATEST
    from checker.writers.necessity import lines

    rows = [need for need in needs(registered()) if need.theorem in ids or need.control in ids]
    try:
        verdicts = {id: row.verdict for id, row in _latest().items()}
    except (OSError, ValueError):
        _warn(f"{LATEST} cannot be read: nothing counts as run")
        verdicts = {}
    for line in lines(rows, verdicts):
        click.echo(line)


@cli.command()
@click.argument("claim")
def show(claim):
    """Show a claim: statement, hypotheses, what controls drop of it, reference, kind and last verdict."""
    from checker.claims import registered
    from checker.writers.necessity import suppositions
    from checker.writers.words import EXPECTED

    for each in _selected([claim]):
        click.echo(f"{each.id}\n\n{textwrap.indent(each.statement, '    ')}\n")
        for line in suppositions(each, registered()):
            click.echo(line)
        click.echo(f"reference     {each.reference}")
        click.echo(f"kind          {each.kind}: {EXPECTED[each.kind]}")
        click.echo(f"last verdict  {_last_verdict(each.id)}")


@cli.command()
@click.argument("patterns", nargs=-1, metavar="[CLAIM]...")
@click.option("--profile", type=click.Choice(PROFILES), default="quick", show_default=True, help="How many instances.")
@click.option("--examples", type=click.IntRange(min=1), help="Applicable instances per claim, half as many for a control, instead of the profile's.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Everything drawn depends on it alone.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE.csv", help="Take data sets from this table.")
@click.option("--target", metavar="COLUMN", help="Column of the table that holds the labels.")
@click.option("--standardise/--no-standardise", default=True, show_default=True, help="Scale the table's columns.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), metavar="FILE", help="Write the results as JSON.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), metavar="FILE", help="Write the results as JUnit XML.")
@click.option("--strict", is_flag=True, help="An unresolved theorem is not as expected.")
@click.option("--quiet", is_flag=True, help="Print only what is not as expected, and one line.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes, by default one per processor.")
def check(patterns, profile, examples, seed, data, target, standardise, json_path, junit_path, strict, quiet, workers):
    """Check claims on random instances; CLAIM is an id or a pattern such as 'flow.*', default all.

    Exit code 0: every verdict as expected. 1: one is not. 2: the run could not be done.
    """
    from checker.check import PROFILES, SOURCES, Plan
    from checker.workers import available

    for path in filter(None, (json_path, junit_path)):
        _check_writable(path)
    table = _table(data, target, standardise)
    claims = tuple(claim.id for claim in _selected(patterns))
    plan = Plan(claims, examples or PROFILES[profile], seed, workers or available(), table, SOURCES)
    finished = _run(plan, json_path, junit_path, strict, quiet)
    if finished.stopped:
        _say(finished.stopped)
        return INTERRUPTED if finished.stopped == "interrupted" else FAILED
    return 0 if all(result.as_expected(strict) for result in finished.results) else UNEXPECTED


def _run(plan, json_path, junit_path, strict, quiet):
    """Run the plan through all writers; the last event."""
    from rich.console import Console

    from checker import check
    from checker.writers.files import Unwritable
    from checker.writers.json_file import LATEST, JsonFile, Latest
    from checker.writers.junit import JUnitFile
    from checker.writers.progress import ProgressWriter
    from checker.writers.terminal import Terminal

    colours = None if os.environ.get("NO_COLOR") else "auto"
    progress = ProgressWriter(Console(stderr=True, quiet=quiet, color_system=colours))
    writers = [progress, Terminal(Console(color_system=colours), strict=strict, quiet=quiet)]
    writers += [JsonFile(json_path)] if json_path else []
    writers += [JUnitFile(junit_path, strict)] if junit_path else []
    writers += [_forgiving(Latest(LATEST, _warn))]
    try:
        with contextlib.closing(progress):
            for event in check.run(plan):
                for writer in writers:
                    writer(event)
    except Unwritable as error:
        raise CannotRun(str(error)) from error
    return event


def _forgiving(writer):
    """The writer, whose failure to write is only worth a warning: nobody asked for its file."""
    from checker.writers.files import Unwritable

    def write(event):
        try:
            writer(event)
        except (OSError, Unwritable) as error:
            _warn(f"the results are not kept for `ncfcheck show`: {error}")

    return write


def _selected(patterns):
    """The claims of the patterns, once all are loaded."""
    from checker import check, claims

    try:
        check.load_claims(check.SOURCES)
        found = claims.select(patterns)
    except (check.BrokenClaims, LookupError) as error:
        raise CannotRun(str(error.args[0])) from error
    if not found:
        raise CannotRun("there are no claims to check")
    return found


def _table(path, target, standardise):
    """The table asked for, if any; notes on what was left out go to standard error."""
    if path is None and target is None:
        return None
    if path is None or target is None:
        raise CannotRun("--data FILE.csv and --target COLUMN go together")
    from checker.table import TableError, read_table

    try:
        table = read_table(path, target, standardise)
    except TableError as error:
        raise CannotRun(str(error)) from error
    for note in table.notes:
        _warn(f"{path}: {note}")
    return table


def _check_writable(path):
    from checker.writers.files import Unwritable, check_writable

    try:
        check_writable(path)
    except Unwritable as error:
        raise CannotRun(str(error)) from error


def _last_verdict(id):
    from checker.writers.json_file import LATEST

    try:
        row = _latest().get(id)
    except (OSError, ValueError):
        return f"unknown: {LATEST} cannot be read"
    if row is None:
        return "none: not checked yet from this folder"
    return f"{row.verdict}, {row.instances} instances, {row.unresolved} unresolved, seed {row.seed}"


def _latest():
    """The last result of every claim checked from this folder, by id. Raises OSError or ValueError for an unreadable file."""
    from checker.writers.json_file import LATEST, read

    report = read(LATEST)
    return {row.id: row for row in report.claims} if report else {}


def _warn(message):
    _say(f"warning: {message}")


def _say(message):
    from checker.results import one_line

    click.echo(f"ncfcheck: {one_line(message)}", err=True)


if __name__ == "__main__":
    sys.exit(main())
