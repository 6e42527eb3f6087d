"""Whatever goes wrong ends with exit code 2 and one line; 1 is a verdict and nothing else."""

import json
import re
from itertools import combinations
from pathlib import Path

import click
import pytest

from ncfcheck.app import cli
from ncfcheck.run import check
from tests.support.commands import claim_file, ncfcheck
from tests.support.machines import broken_package, shell, told_once

PLANTED = (
    ZeroDivisionError("a planted fault"),
    KeyError("a planted\nfault"),
    OSError(5, "a planted fault"),
    MemoryError(),
    ImportError("a planted fault"),
    RecursionError("a planted fault"),
    SystemExit(0),
    AssertionError(),
)


def needed(command: click.Command) -> list[str]:
    """The least that the command accepts."""
    found = []
    for each in command.params:
        if each.required:
            name = [] if isinstance(each, click.Argument) else [each.opts[-1]]
            found += [*name, "given.svg"]
    return found


def fail(error: BaseException):
    """What raises the error when a command is carried out."""

    def callback(**_):
        raise error

    return callback


@pytest.mark.parametrize("name", sorted(cli.cli.commands))
def test_a_fault_in_any_command(name, monkeypatch, capsys):
    """an exception of ours in a command → exit code 2 and one line: what, where, what to do"""
    command = cli.cli.commands[name]
    monkeypatch.setattr(command, "callback", fail(PLANTED[0]))
    assert cli.main([name, *needed(command)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and told_once(err, "ZeroDivisionError: a planted fault (")
    assert re.search(r"\.py:\d+\): a fault of ncfcheck, please report it; --traceback", err)


@pytest.mark.parametrize("error", PLANTED, ids=lambda error: type(error).__name__)
def test_a_fault_of_any_kind(error, monkeypatch, capsys):
    """an exception of whatever kind, SystemExit(0) too → exit code 2 and one line that names it"""
    monkeypatch.setattr(cli.cli.commands["list"], "callback", fail(error))
    assert cli.main(["list"]) == 2
    assert told_once(capsys.readouterr().err, type(error).__name__)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", sorted(cli.cli.commands))
def test_the_traceback_where_it_is_asked_for(name, before, monkeypatch, capsys):
    """--traceback before or after the command → the traceback, and the same one line after it"""
    command = cli.cli.commands[name]
    monkeypatch.setattr(command, "callback", fail(PLANTED[0]))
    place = 0 if before else 1
    arguments = [name, *needed(command)]
    assert cli.main([*arguments[:place], "--traceback", *arguments[place:]]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):")
    assert err.splitlines()[-1].startswith("ncfcheck: ZeroDivisionError: a planted fault (")


def test_the_traceback_by_the_environment(monkeypatch, capsys):
    """NCFCHECK_TRACEBACK=1 in the environment of a job → the traceback before the line"""
    monkeypatch.setenv("NCFCHECK_TRACEBACK", "1")
    assert cli.main(["show", "no.such_claim"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback") and "no claim matches 'no.such_claim'" in err


def test_results_so_far_where_the_program_fails(command, monkeypatch):
    """an exception of ours in the second claim of a check → files with the first, exit code 2"""
    whole = check.check_batch

    def failing(batch, *plan, **options):
        if batch.claims == ("toy.open",):
            raise ZeroDivisionError("planted")
        return whole(batch, *plan, **options)

    monkeypatch.setattr(check, "check_batch", failing)
    files = ("--json", "a.json", "--junit", "b.xml", "--html", "c.html", "--markdown", "d.md")
    claims = ("toy.true", "toy.open")
    code, out, err = command("check", *claims, "--examples", 20, *files)
    assert code == 2 and told_once(err, "ZeroDivisionError: planted (")
    report = json.loads(Path("a.json").read_text())
    assert [row["id"] for row in report["claims"]] == ["toy.true"]
    assert report["stopped"] == "ZeroDivisionError: planted" and "toy.true" in out
    assert all(Path(name).stat().st_size for name in files[1::2])


def test_a_file_that_fails_costs_no_other(command, monkeypatch):
    """one of the files of results cannot be written after all → the others are, exit code 2"""
    from ncfcheck.report import junit

    monkeypatch.setattr(junit.JUnitFile, "__call__", fail_on_report)
    options = ("--json", "a.json", "--junit", "b.xml", "--markdown", "d.md")
    code, _, err = command("check", "toy.true", *options)
    assert code == 2 and told_once(err, "OSError: [Errno 28] No space left on device (")
    assert Path("a.json").is_file() and Path("d.md").is_file()


def fail_on_report(_, event):
    if hasattr(event, "claims") and hasattr(event, "stopped"):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("click", ["list"]),
        ("numpy", ["list"]),
        ("numba", ["show", "flow.monotone"]),
        ("rich", ["check", "homogeneity.euler"]),
        ("matplotlib", ["plot", "flow.monotone", "-o", "a.svg"]),
    ],
)
def test_a_broken_package(package, arguments, tmp_path):
    """a package that ncfcheck needs cannot be imported → exit code 2 and one line that names it"""
    path = broken_package(tmp_path / "broken", package, f"ImportError('no {package} here')")
    found = ncfcheck(*arguments, folder=tmp_path, PYTHONPATH=path)
    assert found.returncode == 2 and f"ImportError: no {package} here" in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_results_over_results(command):
    """--json a --html a, two results for one file → exit code 2 and one line, nothing is written"""
    options = ("--json", "--junit", "--html", "--markdown")
    for first, second in combinations(options, 2):
        code, out, err = command("check", "toy.true", first, "a", second, "b/../a")
        assert (code, out) == (2, "") and told_once(err, "b/../a cannot take two results:")
    baseline = ("--update-baseline", "--baseline", "a", "--json", "a")
    assert command("check", "toy.true", *baseline)[0] == 2
    assert not list(Path().iterdir())
    assert command("check", "toy.true", "--json", "/dev/null", "--html", "/dev/null")[0] == 0


def test_results_over_what_is_read(command, tmp_path):
    """--json over the table, the claims, the baseline or what is kept → exit code 2, one line"""
    Path("t.csv").write_text("a,y\n5,2\n2,3\n3,1\n")
    Path("b.json").write_text("{}")
    claim_file(tmp_path, TRUE)
    for name, *options in (
        ("t.csv", "--data", "t.csv", "--target", "y"),
        ("mine.py", "--claims", "mine.py"),
        ("b.json", "--baseline", "b.json"),
        ("reports/latest.json",),
    ):
        code, out, err = command("check", "toy.true", *options, "--json", name)
        assert (code, out) == (2, "") and told_once(err, f"{name} is a file of the run's own")


def test_a_part_as_the_baseline(command):
    """--shard 1/2 --update-baseline → exit code 2, a line that names merge, nothing written"""
    code, out, err = command("check", "--shard", "1/2", "--update-baseline")
    assert (code, out) == (2, "") and told_once(err, "--update-baseline does not go with --shard")
    assert "ncfcheck merge" in err and not Path("reports").exists()


def test_a_claim_file_that_exits(tmp_path, capsys):
    """a claim file that calls sys.exit(0) → exit code 2, not 0"""
    path = claim_file(tmp_path, "import sys\nsys.exit(0)\n")
    assert cli.main(["check", "--claims", str(path)]) == 2
    assert "SystemExit" in capsys.readouterr().err


def test_usage_errors(capsys):
    """an option, a command or a value that there is not → exit code 2 and one line"""
    for arguments in (["check", "--nope"], ["nope"], ["check", "--seed", "x"], ["merge"]):
        assert cli.main(arguments) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_compilation_switched_off(tmp_path):
    """NUMBA_DISABLE_JIT=1 in the environment → exit code 2 and a line that says to unset it"""
    found = ncfcheck("list", folder=tmp_path, NUMBA_DISABLE_JIT="1")
    assert found.returncode == 2 and told_once(found.stderr, "NUMBA_DISABLE_JIT is set")


def test_a_setting_that_a_package_does_not_take(tmp_path):
    """NUMBA_NUM_THREADS=0 in the environment → exit code 2 and a line that says to unset it"""
    found = ncfcheck("list", folder=tmp_path, NUMBA_NUM_THREADS="0")
    assert found.returncode == 2 and len(found.stderr.splitlines()) == 1
    advice = "numba cannot be imported with NUMBA_NUM_THREADS=0 in the environment: unset it"
    assert advice in found.stderr and "a fault of ncfcheck" not in found.stderr


@pytest.mark.parametrize(
    ("module", "content"),
    [
        ("random", "raise ValueError('mine')"),
        ("string", "raise ValueError('mine')"),
        ("inspect", "x = ("),
        ("secrets", ""),
    ],
)
def test_a_file_in_the_way_of_a_module(module, content, tmp_path):
    """random.py and its like on PYTHONPATH → exit code 2 and a line that names the file"""
    path = tmp_path / "mine" / f"{module}.py"
    path.parent.mkdir()
    path.write_text(content)
    found = ncfcheck("list", folder=tmp_path, PYTHONPATH=str(path.parent))
    assert found.returncode == 2 and len(found.stderr.splitlines()) == 1
    assert f"{path} is imported for the module {module}: rename it" in found.stderr


def test_warnings_that_are_to_be_errors(tmp_path):
    """PYTHONWARNINGS=error, a claim that warns, a table of huge values → as without"""
    path = claim_file(tmp_path, WARNING)
    (tmp_path / "huge.csv").write_text("a,b,y\n1,2,3\n1e308,-1e308,1e308\n-1e308,3,-1e308\n")
    options = ("--claims", path, "--data", "huge.csv", "--target", "y", "--workers", 1)
    found = ncfcheck("check", *options, folder=tmp_path, PYTHONWARNINGS="error")
    assert found.returncode == 0, found.stderr


WARNING = '''
import warnings

warnings.warn("told when it is loaded")

@claim("mine.warns", kind=CONJECTURE, reference="-", given=instances())
def warns(instance):
    """Warns."""
    warnings.warn("told when it is asked", DeprecationWarning)
    return Margin(float(np.exp(np.float64(1e9)) > 0), 0.0)
'''


def test_a_reader_that_went_away(tmp_path):
    """ncfcheck list | head -1 → nothing on standard error, the exit code of a broken pipe"""
    for arguments in ("list", "--help"):
        found = shell(f"$NCF {arguments} | true", tmp_path)
        assert (found.returncode, found.stderr) == (141, "")


def test_a_full_disk_behind_standard_output(tmp_path):
    """ncfcheck list > /dev/full → exit code 2 and one line"""
    for settings in ({}, {"PYTHONUNBUFFERED": "1"}):
        found = shell("$NCF list homogeneity.* > /dev/full", tmp_path, **settings)
        assert found.returncode == 2 and len(found.stderr.splitlines()) == 1
        assert "No space left on device" in found.stderr


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams(closed, tmp_path):
    """standard input, output or error closed or full → exit codes are those of the verdicts"""
    claim_file(tmp_path, TRUE)
    run = f"$NCF check --claims mine.py --workers 1 --json a.json {closed}"
    assert shell(run, tmp_path).returncode == 0
    assert json.loads((tmp_path / "a.json").read_text())["claims"][0]["id"] == "mine.true"


TRUE = '''
from hypothesis import strategies as st

@claim("mine.true", kind=CONJECTURE, reference="-", given=st.integers(0, 9))
def true(instance):
    """α ≤ β: a number is at least zero."""
    return Margin(1.0 + instance, 0.5)
'''
