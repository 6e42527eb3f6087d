"""Reports on the command line: options of `check`, and commands on results already there."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ncfcheck.app.console import (
    PATH,
    STRICT,
    console,
    exit_code,
    forgiving,
    import_matplotlib,
    loaded,
    models,
    own_claims,
    own_model,
    play,
)
from ncfcheck.app.streams import warn
from ncfcheck.core.errors import CannotRun

FILE = {"type": PATH, "metavar": "FILE"}
RESULTS = {**FILE, "metavar": "FILE|-"}


def outputs(command):
    """Give a command the options that say where results go and what they are compared with."""
    for option in (
        click.option("--json", "json_path", **RESULTS, help="Write the results as JSON."),
        click.option("--junit", "junit_path", **RESULTS, help="Write the results as JUnit XML."),
        click.option(
            "--html", "html_path", **RESULTS, help="Write a report to look at, one HTML file."
        ),
        click.option(
            "--markdown", "markdown_path", **RESULTS, help="Write a summary for a pull request."
        ),
        click.option(
            "--baseline", **FILE, help="Compare with this run: what got worse is not as expected."
        ),
        click.option(
            "--update-baseline",
            is_flag=True,
            help="Write the baseline anew, by default reports/baseline.json.",
        ),
        click.option("--strict", **STRICT),
        click.option(
            "--quiet", is_flag=True, help="Print only what is not as expected, and one line."
        ),
    )[::-1]:
        command = option(command)
    return command


class Part(click.ParamType):
    """i/k: the i-th of k parts of nearly equal size; empty for all."""

    name = "i/k"

    def convert(self, value, param, ctx):
        if not value:
            return ""
        found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", value)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is not of the form i/k with 1 ≤ i ≤ k", param, ctx)
        return f"{int(found[1])}/{int(found[2])}"


def part_of(claims: tuple[str, ...], part: str) -> tuple[str, ...]:
    """The claims of a part: every k-th, so that areas that take long are shared out."""
    if not part:
        return claims
    i, k = map(int, part.split("/"))
    return claims[i - 1 :: k]


def writers(*, json_path, junit_path, html_path, markdown_path, strict, quiet, verbose=False, **_):
    """The writers that the options ask for, the terminal first: on standard error where a file
    goes to standard output.
    """
    from ncfcheck.core.files import STDOUT
    from ncfcheck.report.json_file import JsonFile
    from ncfcheck.report.junit import JUnitFile
    from ncfcheck.report.terminal import Terminal

    is_taken = STDOUT in (json_path, junit_path, html_path, markdown_path)
    found = [Terminal(console(stderr=is_taken), strict=strict, quiet=quiet, verbose=verbose)]
    found += [JsonFile(json_path)] if json_path else []
    found += [JUnitFile(junit_path, strict)] if junit_path else []
    found += [_html(html_path, strict)] if html_path else []
    found += [_markdown(markdown_path, strict)] if markdown_path else []
    return found


def _html(path, strict):
    from ncfcheck.report.html import HtmlFile

    def extras(results):
        import_matplotlib()
        from ncfcheck.report.extras import extras

        return extras(results, warn)

    return HtmlFile(path, extras, strict)


def _markdown(path, strict):
    from ncfcheck.report.markdown import MarkdownFile

    return MarkdownFile(path, strict)


def prepared(options, patterns=(), known=(), part="", inputs=()):
    """The comparison with a baseline that the options ask for, if any; files are looked at first,
    `inputs` being those that are read.

    Raises CannotRun for files that cannot go together, Unwritable for a file asked for that cannot
    be written, BadBaseline for a baseline that cannot be read.
    """
    from ncfcheck.core.files import STDOUT, check_writable, make_folder
    from ncfcheck.verdicts.baseline import BASELINE
    from ncfcheck.verdicts.comparison import comparison
    from ncfcheck.verdicts.report import LATEST

    path, update = options["baseline"], options["update_baseline"]
    files = [file for name, file in options.items() if name.endswith("_path") and file]
    if files.count(STDOUT) > 1:
        raise CannotRun("standard output, -, takes one file")
    if update and part:
        whole = "a baseline is of all parts: give --update-baseline to `ncfcheck merge`"
        raise CannotRun(f"--update-baseline does not go with --shard; {whole}")
    baseline = [path or BASELINE] if path or update else []
    written, read = (baseline, []) if update else ([], baseline)
    _refuse_taken([*files, *written], [*inputs, *read, LATEST])
    for file in files:
        check_writable(file)
    if not baseline:
        return None
    [path] = baseline
    found = comparison(path, update, patterns, known, part)
    if update:
        make_folder(path.parent)
        check_writable(path)
    return found


def _refuse_taken(results, others):
    """Raise CannotRun for a file of results that takes others, too, or is among the others that
    the run has. What is no file, such as /dev/null, takes all.
    """
    kept = {Path(each).resolve() for each in others if each}
    for number, file in enumerate(results):
        place = file.resolve()
        if place.exists() and not place.is_file():
            continue
        if place in [other.resolve() for other in results[:number]]:
            raise CannotRun(f"{file} cannot take two results: name a file for each")
        if place in kept:
            raise CannotRun(f"{file} is a file of the run's own: name another for the results")


@click.command()
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE.json...")
@outputs
def merge(files, **options):
    """Make one run of the JSON results of its shards, and print and write it as `check` would have.

    Exit code 0: every verdict as expected. 1: one is not. 2: the files cannot be read or are not of
    one run.
    """
    from ncfcheck.report.json_file import Latest
    from ncfcheck.verdicts.report import LATEST, NotMergeable, merged

    reports = [_report(path) for path in files]
    known = [row.id for report in reports for row in report.claims]
    comparison = prepared(options, known=known)
    try:
        whole = merged(reports)
    except NotMergeable as error:
        raise CannotRun(f"cannot merge these results: {error}") from error
    written = [*writers(**options), forgiving(Latest(LATEST, warn))]
    return exit_code(play([whole], written, comparison), options["strict"])


@click.command()
@click.option(
    "-o",
    "folder",
    type=PATH,
    default=Path("reports"),
    metavar="DIR",
    help="Where the files go, by default reports.",
)
@click.option(
    "--results",
    type=PATH,
    metavar="FILE.json",
    help="Results to report on, by default the latest of every claim.",
)
def report(folder, results):
    """Write report.html and report.md on the latest results, hunts and counterexamples in the
    folder reports/.
    """
    from ncfcheck.core.files import check_writable, make_folder
    from ncfcheck.verdicts.report import LATEST

    found = _report(results or LATEST)
    paths = folder / "report.html", folder / "report.md"
    make_folder(folder)
    for path in paths:
        check_writable(path)
    loaded()
    play([found], [_html(paths[0], False), _markdown(paths[1], False)])
    for path in paths:
        print(path)


@click.command()
@click.argument("what", metavar="CLAIM[@SEED/INDEX]|WITNESS")
@click.option("-o", "--output", **FILE, required=True, help="An .svg or a .png file.")
@own_claims
@own_model
def plot(what, output):
    """Plot the flows of one instance: norm, alignment, singular values, tracking error and weights.

    CLAIM alone means an instance that shows well what the claim is about, SEED/INDEX one of those
    drawn at a seed, and WITNESS the instance of a witness file.
    """
    from ncfcheck.core.files import check_writable, write

    if output.suffix.lower() not in (".svg", ".png"):
        raise CannotRun(f"{output}: a figure is an .svg or a .png file")
    check_writable(output)
    loaded()
    import_matplotlib()
    from ncfcheck.report import plots
    from ncfcheck.report.examples import portrait_of

    write(output, plots.save(plots.plot(portrait_of(what, models())), output))


def _report(path):
    """The report in a file. Raises CannotRun where there is none."""
    from ncfcheck.verdicts.report import read

    try:
        found = read(path)
    except OSError as error:
        raise CannotRun(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise CannotRun(str(error)) from error
    if found is None:
        raise CannotRun(f"{path} is not there")
    return found
