"""The command line: output, exit codes, and one line on standard error for everything that cannot
be done.
"""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ncfcheck.app import cli
from ncfcheck.core import claims, loading
from ncfcheck.run import check
from tests.support import ROOT
from tests.support.output import without_progress

# Ctrl-C is heeded, also where the tests were started in the background, which ignores it.
TOYS = (
    "import ncfcheck.core.loading as c, signal, sys; signal.signal(signal.SIGINT, "
    "signal.default_int_handler); "
    "c.SOURCES = ('tests.support.toy_claims',); from ncfcheck.app.cli import main; sys.exit(main())"
)


def process(*arguments, cwd):
    """The same in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "-c", TOYS, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found.stderr = without_progress(found.stderr)
    return found


def refused(found, message):
    """Exit code 2 and exactly this one line."""
    assert found == (2, "", f"ncfcheck: {message}\n")


def test_claims_as_expected_give_exit_code_0(command):
    code, out, err = command("check", "toy.true", "toy.false", "toy.open", "--profile", "ci")
    assert (code, err) == (0, "")
    assert "toy.true                       theorem      200" in out
    assert "toy.false                      control      100     0     0" in out
    assert out.splitlines()[-1].startswith("3 claims, 500 instances, seed 0, ")
    assert out.splitlines()[-1].endswith(": every verdict as expected")


@pytest.mark.parametrize("claim", ["toy.refutable", "toy.weak_control"])
def test_an_unexpected_verdict_gives_exit_code_1(command, claim):
    code, out, err = command("check", "toy.true", claim, "--examples", 100)
    assert (code, err) == (1, "")
    assert f"UNEXPECTED  {claim} is a " in out
    assert out.rstrip().endswith("1 of 2 not as expected")


def test_a_mostly_unresolved_conjecture_is_as_expected_unless_strict(command):
    assert command("check", "toy.hard")[0] == 0
    assert command("check", "toy.hard", "--strict")[0] == 1


def test_a_claim_that_applies_to_nothing_is_never_as_expected(command):
    code, out, _ = command("check", "toy.never")
    assert code == 1 and "only 0 of 25 instances met the hypotheses" in out


def test_examples_take_precedence_over_the_profile(command):
    assert (
        "1 claim, 7 instances"
        in command("check", "toy.true", "--profile", "ci", "--examples", 7)[1]
    )
    assert f"1 claim, {check.PROFILES['quick']} instances" in command("check", "toy.true")[1]


def test_profiles_are_those_of_the_check_loop():
    assert cli.PROFILES == tuple(check.PROFILES)


def test_quiet_prints_one_line_when_all_is_as_expected(command):
    code, out, err = command("check", "toy.true", "--quiet")
    assert (code, len(out.splitlines()), err) == (0, 1, "")


def test_what_the_user_wrote_is_not_taken_for_markup(command, monkeypatch):
    monkeypatch.setattr(claims, "_registry", claims._registry)
    from hypothesis import strategies as st

    def statement(instance):
        """A statement about [bold]text[/bold]."""
        return claims.Margin(1.0, 0.5)

    claims.claim("odd.red", kind=claims.THEOREM, reference="[§0]", given=st.just("[blink]"))(
        statement
    )
    out = command("check", "odd.*")[1]
    assert "odd.red " in out and "'[blink]'" in out
    out = command("list", "odd.*")[1]
    assert out == "odd.red  theorem     [§0]  A statement about [bold]text[/bold].\n"


def test_the_json_and_junit_files_are_written(command):
    assert (
        command(
            "check",
            "toy.true",
            "toy.refutable",
            "--examples",
            100,
            "--seed",
            5,
            "--json",
            "a.json",
            "--junit",
            "b.xml",
        )[0]
        == 1
    )
    report = json.loads(Path("a.json").read_text())
    assert (report["schema"], report["seed"]) == (1, 5)
    assert [(row["id"], row["verdict"]) for row in report["claims"]] == [
        ("toy.true", "not refuted"),
        ("toy.refutable", "potential"),
    ]
    assert ET.parse("b.xml").getroot().get("failures") == "1"
    assert sorted(path.name for path in Path().iterdir()) == ["a.json", "b.xml", "reports"]


def test_the_same_seed_gives_the_same_output_whatever_the_workers(command):
    def rows(workers):
        assert (
            command(
                "check",
                "toy.picky",
                "toy.false",
                "--examples",
                120,
                "--workers",
                workers,
                "--json",
                "a.json",
            )[0]
            == 0
        )
        return [{**row, "seconds": 0} for row in json.loads(Path("a.json").read_text())["claims"]]

    assert rows(1) == rows(2)


def test_list_gives_id_kind_reference_and_statement(command, toys):
    code, out, err = command("list")
    assert (code, err) == (0, "")
    wide = max(map(len, toys))
    assert f"{'toy.true':{wide}}  theorem     §0  A number is at least zero.\n" in out
    some = command("list", "toy.op*", "toy.fa*")[1].splitlines()
    assert [line.split()[0] for line in some] == ["toy.false", "toy.open"]


def test_show_gives_the_statement_and_the_last_verdict(command):
    before = command("show", "toy.true")[1]
    assert before == (
        "toy.true\n\n    A number is at least zero.\n\n    With a second line.\n\n"
        "hypotheses    the number is an integer\n"
        "controls      toy.false: without the number is an integer\n"
        "instances     builds(Toy, integers(min_value=0, max_value=1000000))\n"
        "reference     §0\n"
        "kind          theorem (must never be refuted)\n"
        "last verdict  none: not checked yet from this folder\n"
    )
    command("check", "toy.true", "--seed", 4)
    command("check", "toy.false")
    assert (
        "last verdict  not refuted, 25 instances, 0 unresolved, seed 4\n"
        in command("show", "toy.true")[1]
    )


def test_show_tells_what_a_control_drops_of_which_theorem(command):
    assert (
        "\ndrops         the number is an integer\nof            toy.true\ninstances "
        in command("show", "toy.false")[1]
    )
    assert "controls" not in command("show", "toy.false")[1]


def test_the_map_tells_for_every_hypothesis_of_a_theorem_whether_a_control_found_it_needed(
    command, tmp_path
):
    def row():
        code, out, err = command("list", "--map", "toy.tr*")
        assert (code, err) == (0, "")
        theorem, hypothesis, blank, pairs, _ = out.splitlines()
        assert (theorem, blank, pairs) == ("toy.true", "", "1 pairs of a theorem and a hypothesis")
        return " ".join(hypothesis.split())

    assert row() == "the number is an integer toy.false not run"
    command("check", "toy.false", "--profile", "ci")
    assert row() == "the number is an integer toy.false found"
    command("check", "toy.false", "--examples", 1)
    assert row() == "the number is an integer toy.false not found"
    assert (
        command("list", "--map", "toy.open")[1]
        == "\n0 pairs of a theorem and a hypothesis\n0 found, 0 not found, 0 not run, 0 without a "
        "control\n"
    )
    (tmp_path / "reports" / "latest.json").write_text("{")
    code, _, err = command("list", "--map")
    assert (code, err) == (
        0,
        "ncfcheck: warning: reports/latest.json cannot be read: nothing counts as run\n",
    )


def test_a_corrupt_or_unwritable_record_of_results_is_only_a_warning(command, tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "latest.json").write_text("{")
    assert "last verdict  unknown" in command("show", "toy.true")[1]
    code, _, err = command("check", "toy.true")
    assert (code, err) == (
        0,
        "ncfcheck: warning: reports/latest.json is not a report and is replaced\n",
    )
    assert command("check", "toy.true")[2] == ""
    (tmp_path / "reports" / "latest.json").unlink()
    (tmp_path / "reports").rmdir()
    (tmp_path / "reports").write_text("a file, not a folder")
    code, _, err = command("check", "toy.true")
    assert code == 0
    assert (
        err.startswith("ncfcheck: warning: the results are not kept for `ncfcheck show`: ")
        and err.count("\n") == 1
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["check", "toy.none"],
            "no claim matches 'toy.none'; did you mean toy.open? `ncfcheck list` shows them all",
        ),
        (["show", "nothing"], "no claim matches 'nothing'; `ncfcheck list` shows them all"),
        (["list", "x*"], "no claim matches 'x*'; `ncfcheck list` shows them all"),
        (
            ["check", "--profile", "slow"],
            "Invalid value for '--profile': 'slow' is not one of 'quick', 'ci', 'deep'.",
        ),
        (["check", "--seed", "x"], "Invalid value for '--seed': 'x' is not a valid integer range."),
        (
            ["check", "--examples", "0"],
            "Invalid value for '--examples': 0 is not in the range 1<=x<=10000000.",
        ),
        (["check", "--workers", "0"], "Invalid value for '--workers': 0 is not in the range x>=1."),
        (["check", "--frob"], "No such option '--frob'."),
        (["frob"], "No such command 'frob'."),
        (["check", "--data", "a.csv"], "--data FILE.csv and --target COLUMN go together"),
        (["check", "--target", "y"], "--data FILE.csv and --target COLUMN go together"),
        (["check", "--data", "a.csv", "--target", "y"], "a.csv: no such file"),
        (["check", "--json", "none/a.json"], "cannot write none/a.json: No such file or directory"),
        (["check", "--junit", "."], "cannot write .: is a directory"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(command, arguments, message):
    refused(command(*arguments), message)


def test_a_bad_table_is_told_in_one_line_before_anything_is_run(command, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b,y\n1,2,3\n1,NaN,4\n")
    refused(
        command("check", "--data", "bad.csv", "--target", "y"),
        "bad.csv: has 1 row without a missing cell (missing: 'b' in 1); at least two are needed",
    )
    refused(
        command("check", "--data", "bad.csv", "--target", "z\x1b[1m"),
        "bad.csv: has no column 'z\\x1b[1m'; it has 'a', 'b', 'y'",
    )


def test_columns_left_out_are_told_and_the_table_reaches_the_claims(command, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("ncfcheck.run.check.from_table", lambda table: seen.append(table.columns))
    (tmp_path / "good.csv").write_text("name,a,one,y\nu,1,1,3\nv,2,1,4\n")
    code, _, err = command("check", "toy.true", "--data", "good.csv", "--target", "y")
    assert code == 0
    assert err == (
        "ncfcheck: warning: good.csv: left out, no numbers in it: 'name'\n"
        "ncfcheck: warning: good.csv: left out, constant: 'one'\n"
    )
    assert (
        command("check", "toy.true", "--data", "good.csv", "--target", "y", "--no-standardise")[0]
        == 0
    )
    assert seen == [("a",), ("a", "one")]


def test_a_module_of_claims_that_cannot_be_imported_is_told_in_one_line(
    command, tmp_path, monkeypatch
):
    (tmp_path / "broken_toys.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(loading, "SOURCES", ("broken_toys",))
    refused(
        command("check"),
        "cannot load the claims of broken_toys: ZeroDivisionError: division by zero: "
        f"{tmp_path / 'broken_toys.py'} is imported for the module broken_toys: rename it, or "
        "keep it off PYTHONPATH",
    )


def test_a_file_that_became_unwritable_during_the_run_is_told_in_one_line(command, monkeypatch):
    monkeypatch.setattr("ncfcheck.core.files.check_writable", lambda path: None)
    code, _, err = command("check", "toy.true", "--json", "none/a.json")
    assert (code, err) == (2, "ncfcheck: cannot write none/a.json: No such file or directory\n")


def test_a_dead_worker_leaves_what_was_found_one_line_and_exit_code_2(tmp_path):
    found = process("check", "toy.true", "lethal.killer", "--workers", "2", cwd=tmp_path)
    assert found.returncode == 2
    *warnings, last = found.stderr.splitlines()
    assert last.startswith("ncfcheck: a worker process died") and last.endswith("lethal.killer")
    assert all(each.startswith("ncfcheck: warning: lethal.killer: ") for each in warnings)
    assert "toy.true                       theorem       25     0" in found.stdout
    assert found.stdout.rstrip().endswith("the run is incomplete")


def test_ctrl_c_ends_the_run_and_its_workers_at_once(tmp_path):
    found = process("check", "lethal.interrupter", "toy.true", "--workers", "2", cwd=tmp_path)
    assert (found.returncode, found.stderr) == (130, "ncfcheck: interrupted\n")
    assert not (tmp_path / "reports").exists()


def test_what_a_run_needs_to_conclude_is_loaded_before_it_starts(tmp_path):
    """An import cut short by Ctrl-C cannot be repeated in the same process."""
    script = "import sys, ncfcheck.run.check; print('scipy.special' in sys.modules)"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    }
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "True\n"


def test_progress_is_told_on_standard_error_only(tmp_path):
    found = process("check", "toy.true", cwd=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert "\x1b" not in found.stdout


def test_the_version_is_told_at_once_without_loading_the_engine():
    loaded = "[m for m in ('numpy', 'rich', 'hypothesis') if m in sys.modules]"
    script = f"import sys; from ncfcheck.app.cli import main; main(['--version']); print({loaded})"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    version, loaded = found.stdout.splitlines()
    assert version.startswith("ncfcheck ") and loaded == "[]"


def test_without_arguments_the_help_is_shown(command):
    code, out, err = command()
    assert (code, err) == (0, "")
    assert all(name in out for name in ("list", "show", "check"))


def test_every_instance_is_told_where_asked_for(command):
    code, out, _ = command(
        "check", "toy.picky", "toy.false", "-v", "--examples", 120, "--workers", 2
    )
    lines = out.split("claim  ")[0].splitlines()
    assert code == 0 and sum(line.startswith("toy.false  ") for line in lines) == 60
    assert any(
        line.startswith("toy.false  violates      -") and "toy number" in line for line in lines
    )
    assert any(line.startswith("toy.picky  unresolved    (a multiple of 32)  ") for line in lines)
    assert any(
        line.startswith("toy.picky  inapplicable  (not a multiple of 4)  ") for line in lines
    )


def test_a_scheduler_that_is_not_there_is_told_in_one_line(command, monkeypatch):
    pytest.importorskip("distributed")
    for wait in ("ANSWER", "PATIENCE"):
        monkeypatch.setattr(f"ncfcheck.run.cluster.{wait}", 0.5)
    code, out, err = command("check", "toy.true", "--scheduler", "tcp://127.0.0.1:9")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("ncfcheck: no Dask scheduler answers at tcp://127.0.0.1:9")
