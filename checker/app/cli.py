"""The command line. Imports wait until a command needs them, so that it answers at once."""

from __future__ import annotations

import contextlib
import sys
import textwrap

import click

from ncfcheck.app.boundary import OPTION, guarded
from ncfcheck.app.console import (
    PATH,
    SCHEDULER,
    SEED,
    TIMEOUT,
    WORKERS,
    console,
    exit_code,
    forgiving,
    models,
    own_claims,
    own_files,
    own_model,
    play,
    selected,
    silent,
    sources,
    suited,
    told,
)
from ncfcheck.app.hunt import hunt
from ncfcheck.app.models import model
from ncfcheck.app.reports import Part, merge, outputs, part_of, plot, prepared, report, writers
from ncfcheck.app.streams import warn
from ncfcheck.app.verify import verify
from ncfcheck.app.witness import replay
from ncfcheck.core.errors import CannotRun

PROFILES = ("quick", "ci", "deep")
# What the results of a check hang on besides claims, seed and examples.
AGAIN = ("data", "target", "delimiter", "decimal", "standardise", "certify", "instance_timeout")
AGAIN += ("model",)


def main(arguments=None) -> int:
    """Run the command line; its exit code: 0 as expected, 1 unexpected verdicts, 2 not done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return guarded(lambda: _command(arguments), arguments)


def _command(arguments) -> int:
    # Not by its `main`, which makes exit code 1 of a reader that went away.
    try:
        with cli.make_context("ncfcheck", list(arguments)) as context:
            return cli.invoke(context) or 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        raise CannotRun(error.format_message()) from error


TRACEBACK = click.Option(
    [OPTION], is_flag=True, expose_value=False, help="Show where in the program an error arose."
)


class Commands(click.Group):
    """Commands, each of which takes the options of all."""

    def add_command(self, command, name=None):
        command.params.append(TRACEBACK)
        super().add_command(command, name)


@click.group(
    cls=Commands,
    params=[TRACEBACK],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="ncfcheck", message="%(prog)s %(version)s")
@click.pass_context
def cli(context):
    """Property-based tests and a conjecture checker for the early training of deep homogeneous
    networks.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (merge, report, plot, hunt, replay, verify, model):
    cli.add_command(command)


@cli.command("list")
@click.argument("patterns", nargs=-1, metavar="[CLAIM]...")
@click.option(
    "--map", "as_map", is_flag=True, help="Which control shows that a theorem needs a hypothesis."
)
@own_claims
def list_claims(patterns, as_map):
    """List the claims: id, kind, reference and statement in short."""
    from ncfcheck.core.claims import EXPECTED

    claims = selected(patterns)
    if as_map:
        return _print_map({claim.id for claim in claims})
    wide = max(len(claim.id) for claim in claims)
    source = max(len(claim.reference) for claim in claims)
    for claim in claims:
        special = claim.expect is not EXPECTED.get(claim.kind)
        expected = f"  (expected: {claim.expect})" if special else ""
        about = f"{claim.kind:10}  {claim.reference:{source}}  {claim.summary}{expected}"
        print(f"{claim.id:{wide}}  {about}")


def _print_map(ids):
    """The map's rows about the claims asked for, theorems or controls."""
    from ncfcheck.core.claims import registered
    from ncfcheck.core.necessity import needs
    from ncfcheck.report.necessity import lines
    from ncfcheck.verdicts.report import LATEST

    rows = [need for need in needs(registered()) if need.theorem in ids or need.control in ids]
    try:
        verdicts = {id: row.verdict for id, row in _latest().items()}
    except (OSError, ValueError):
        warn(f"{LATEST} cannot be read: nothing counts as run")
        verdicts = {}
    for line in lines(rows, verdicts):
        print(line)


@cli.command()
@click.argument("claim")
@own_claims
def show(claim):
    """Show a claim: statement, hypotheses, what controls drop of it, reference, kind and last
    verdict.
    """
    from ncfcheck.core.claims import registered
    from ncfcheck.report import words
    from ncfcheck.report.necessity import suppositions

    for each in selected([claim]):
        print(f"{each.id}\n\n{textwrap.indent(each.statement, '    ')}\n")
        for line in suppositions(each, registered()):
            print(line)
        print(f"instances     {each.given!r}")
        print(f"reference     {each.reference}")
        print(f"kind          {words.kind(each.kind, each.expect)}")
        print(f"last verdict  {_last_verdict(each.id)}")


@cli.command()
@click.argument("patterns", nargs=-1, metavar="[CLAIM]...")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="quick",
    show_default=True,
    help="How many instances.",
)
@click.option(
    "--examples",
    type=click.IntRange(min=1, max=10_000_000),
    help="Instances per claim, half for a control, instead of the profile's.",
)
@click.option("--seed", **SEED, help="Everything drawn depends on it alone.")
@click.option(
    "--data", type=PATH, metavar="FILE.csv", help="Take data sets from this table: CSV or Parquet."
)
@click.option(
    "--target",
    metavar="COLUMN",
    help="Column of the table that holds the labels; COLUMN=VALUE is that value against others.",
)
@click.option(
    "--delimiter", metavar="CHARACTER", help="What separates the table's cells, if not as found."
)
@click.option("--decimal", type=click.Choice([".", ","]), help="Its decimal mark, if not as found.")
@click.option(
    "--standardise/--no-standardise",
    default=True,
    show_default=True,
    help="Scale the table's columns.",
)
@click.option("--workers", **WORKERS)
@click.option("--scheduler", **SCHEDULER)
@click.option("--instance-timeout", **TIMEOUT)
@click.option("-v", "--verbose", is_flag=True, help="Print every instance.")
@click.option(
    "--certify",
    is_flag=True,
    help="Try to prove that conclusions about flows hold, on small instances.",
)
@click.option(
    "--shard",
    "part",
    type=Part(),
    default="",
    metavar="i/k",
    help="Only the i-th of k parts of the claims, for `ncfcheck merge`.",
)
@outputs
@own_claims
@own_model
def check(
    patterns,
    profile,
    examples,
    seed,
    data,
    target,
    delimiter,
    decimal,
    standardise,
    workers,
    scheduler,
    instance_timeout,
    part,
    certify,
    verbose,
    **options,
):
    """Check claims on random instances; CLAIM is an id or a pattern such as 'flow.*', default all.

    Exit code 0: every verdict as expected. 1: one is not. 2: the run could not be done.
    """
    from ncfcheck.run.check import PROFILES, CheckPlan
    from ncfcheck.run.workers import available
    from ncfcheck.verdicts.witness import FOLDER

    table = _table(data, target, standardise, delimiter, decimal)
    wanted, others = suited(selected(patterns), table)
    claims = tuple(claim.id for claim in wanted)
    comparison = prepared(options, patterns, claims, part, (data, models(), *own_files()))
    count, workers = examples or PROFILES[profile], workers or available()
    how = {"verbose": verbose, "folder": FOLDER, "certify": certify, "scheduler": scheduler}
    how |= {"instance_timeout": instance_timeout, "options": told(*AGAIN)}
    how |= {"models": models(), "unsuited": others}
    plan = CheckPlan(part_of(claims, part), count, seed, workers, table, sources(), part, **how)
    found = _run(plan, comparison, options)
    return exit_code(found, options["strict"])


def _run(plan, comparison, options):
    """Run the plan through all writers; its report."""
    from ncfcheck.report.json_file import Latest
    from ncfcheck.report.progress import ProgressWriter
    from ncfcheck.run import check
    from ncfcheck.verdicts.report import LATEST

    progress = ProgressWriter(console(stderr=True, quiet=options["quiet"] or plan.verbose))
    with contextlib.closing(progress):
        found = [silent(progress), *writers(verbose=plan.verbose, **options)]
        found.append(forgiving(Latest(LATEST, warn)))
        return play(check.run(plan), found, comparison)


def _table(path, target, *how):
    """The table asked for, if any; notes on what was left out go to standard error."""
    if path is None and target is None:
        return None
    if path is None or target is None:
        raise CannotRun("--data FILE.csv and --target COLUMN go together")
    from ncfcheck.core.tables import read_table

    table = read_table(path, target, *how)
    for note in table.notes:
        warn(f"{path}: {note}")
    return table


def _last_verdict(id):
    from ncfcheck.verdicts.report import LATEST

    try:
        row = _latest().get(id)
    except (OSError, ValueError):
        return f"unknown: {LATEST} cannot be read"
    if row is None:
        return "none: not checked yet from this folder"
    return f"{row.verdict}, {row.instances} instances, {row.unresolved} unresolved, seed {row.seed}"


def _latest():
    """The last result of every claim, by id. Raises OSError, ValueError for an unreadable file."""
    from ncfcheck.verdicts.report import LATEST, read

    report = read(LATEST)
    return {row.id: row for row in report.claims} if report else {}


if __name__ == "__main__":
    sys.exit(main())
