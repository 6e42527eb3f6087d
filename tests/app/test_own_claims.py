"""The user's own claims: the examples of the documentation, every way to load them, and mistakes
told by file and line.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from ncfcheck.app import cli
from ncfcheck.core import claim_files, claims
from ncfcheck.verdicts import witness
from ncfcheck.verifier import digest
from tests.support import ROOT

EXAMPLES = dict(
    re.findall(
        r"^```python (\w+\.py)\n(.*?)^```",
        (ROOT / "docs" / "writing-a-claim.md").read_text(),
        re.M | re.S,
    )
)


@pytest.fixture
def command(own_command):
    return own_command


def write(name: str, content: str) -> str:
    Path(name).write_text(content)
    return name


def refused(found, message: str) -> None:
    assert found == (2, "", f"ncfcheck: {message}\n")


HEAD = (
    "from hypothesis import strategies as st\nfrom ncfcheck.core.claims import CONJECTURE, "
    "THEOREM, "
    "Margin, claim\n\n\n"
)


def stated(
    body: str, given: str = "st.integers(0, 100)", kind: str = "CONJECTURE", id: str = "mine.claim"
) -> str:
    return (
        HEAD
        + f'@claim("{id}", kind={kind}, reference="me", given={given})\ndef mine(x):\n    """It '
        f'holds."""\n    {body}\n'
    )


def test_the_documentation_has_examples_of_about_ten_lines():
    assert set(EXAMPLES) == {"balanced.py", "larger.py", "hypotheses.py", "twins.py", "gap.py"}
    for text in EXAMPLES.values():
        assert len(text[text.index("@claim") :].splitlines()) <= 12


def test_the_true_example_is_not_refuted(command):
    code, out, err = command(
        "check",
        "--claims",
        write("balanced.py", EXAMPLES["balanced.py"]),
        "--examples",
        100,
        "--workers",
        1,
    )
    assert (code, err) == (0, "")
    assert re.search(r"mine\.rescaled +conjecture +100 .* not refuted$", out, re.M)


def test_the_example_with_hypotheses_of_its_own_is_not_refuted(command):
    file = write("hypotheses.py", EXAMPLES["hypotheses.py"])
    code, out, _ = command("hunt", "mine.bounded", "--claims", file, "--budget", 60)
    assert code == 0 and "mine.bounded: not refuted" in out


def test_the_example_with_a_strategy_of_its_own_is_refuted_within_its_promise(command):
    file = write("twins.py", EXAMPLES["twins.py"])
    code, out, err = command("hunt", "mine.twins", "--claims", file, "--budget", 60)
    assert code == 0 and "counterexample" in err and "potential" in out
    found = witness.instance_of(witness.read("reports/counterexamples/mine.twins.json"))
    assert found.problem.y.ravel().tolist() == [1.0, -1.0] and max(found.network.widths) <= 3


def test_the_false_example_is_refuted_shrunk_stored_and_replayed(command):
    file = write("larger.py", EXAMPLES["larger.py"])
    code, out, err = command("check", "--claims", file, "--examples", 100)
    assert (code, err) == (0, "") and "  potential" in out
    stored = "reports/counterexamples/mine.long_steps.json"
    assert (
        f"smallest counterexample: ncfcheck replay {stored} --claims {Path(file).absolute()}" in out
    )
    code, out, err = command("replay", stored, "--claims", file)
    assert (code, err) == (1, "")
    assert "H(x) = W₂ σ₁(W₁ x), 1-1-1 dense" in out and out.splitlines()[-1].startswith(
        f"{stored}: still violates mine.long_steps"
    )


def test_the_example_with_a_criterion_is_refuted_by_a_proof_that_verify_accepts(command):
    file = write("gap.py", EXAMPLES["gap.py"])
    code, out, _ = command("check", "--claims", file, "--examples", 10, "--workers", 1)
    assert code == 0 and re.search(r"mine\.gap .* refuted$", out, re.M)
    stored = "reports/counterexamples/mine.gap.json"
    program = [sys.executable, "-m", "ncfcheck"]
    for given, code, told in (
        (["--claims", file], 0, "accepted: mine.gap is refuted: By a criterion of gap.py. At a"),
        ([], 1, "rejected: mine.gap is stated in a file gap.py: name it, by --claims gap.py"),
        (["--claims", "none.py"], 2, "cannot read none.py: No such file"),
    ):
        found = subprocess.run(
            [*program, "verify", stored, *given], capture_output=True, text=True, check=False
        )
        assert found.returncode == code and told in found.stdout + found.stderr
    assert "checked in floats" not in found.stdout
    other = EXAMPLES["gap.py"].replace('starts="gaussian", ', 'starts="balanced", ')
    altered = Path(write("altered.py", other))
    document = witness.read(stored)
    document.certificate["data"]["criterion"]["sha256"] = sha256(altered.read_bytes()).hexdigest()
    plain = msgspec.to_builtins(document)
    document.certificate["sha256"] = digest(plain)
    witness.save(Path("forged.json"), document)
    found = subprocess.run(
        [*program, "verify", "forged.json", "--claims", altered], capture_output=True, text=True
    )
    assert found.returncode == 1 and "the instance is none of the claim's" in found.stdout


def test_a_stored_counterexample_is_replayed_by_every_later_check(command):
    file = write("mine.py", stated("return Margin(50.5 - x, 0.1)"))
    check = "check", "--claims", file, "--examples"
    assert "mine.claim                     conjecture    40 " in command(*check, 40)[1]
    out = command(*check, 1)[1]
    assert re.search(r"mine\.claim +conjecture +1 +0 .* potential$", out, re.M)
    # Fixed, the claim is another one.
    write("mine.py", stated("return Margin(1.0, 0.1)"))
    for name in [name for name in sys.modules if name.startswith("claims_")]:
        del sys.modules[name]
    claims._registry.clear()
    out = command(*check, 40)[1]
    assert re.search(r"mine\.claim +conjecture +40 .* not refuted$", out, re.M)
    assert "not replayed: reports/counterexamples/mine.claim.json: the claim has changed" in out
    code, out, _ = command(
        "replay", "reports/counterexamples/mine.claim.json", "--claims", file, "--quiet"
    )
    assert code == 0
    assert (
        out == "reports/counterexamples/mine.claim.json: no longer violates mine.claim: it holds "
        "(margin +1 ± 0.1); the claim has changed since it was stored\n"
    )


def test_a_counterexample_of_hypothesis_is_shrunk(command):
    command(
        "check",
        "--claims",
        write("mine.py", stated("return Margin(50.5 - x, 0.1)")),
        "--examples",
        40,
        "--workers",
        1,
    )
    assert '"instance": 51,' in Path("reports/counterexamples/mine.claim.json").read_text()


def test_list_and_show_know_claims_of_the_file(command):
    file = write("mine.py", stated("return Margin(1.0, 0.1)"))
    assert command("list", "--claims", file) == (0, "mine.claim  conjecture  me  It holds.\n", "")
    code, out, err = command("show", "mine.claim", "--claims", file)
    assert (code, err) == (0, "") and "It holds." in out


def test_several_files_and_modules_beside_them(command):
    write("helper.py", "VALUE = 2.0\n")
    one = write(
        "one.py", "from helper import VALUE\n" + stated("return Margin(VALUE, 0.1)", id="mine.one")
    )
    two = write("two.py", stated("return Margin(1.0, 0.1)", id="mine.two"))
    assert [
        line.split()[0]
        for line in command("list", "--claims", one, "--claims", two)[1].splitlines()
    ] == [
        "mine.one",
        "mine.two",
    ]


def test_without_a_pattern_only_the_file_is_checked_and_with_one_everything_is_known(
    toys, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    file = write("mine.py", stated("return Margin(1.0, 0.1)"))
    assert cli.main(["list", "--claims", file]) == 0
    assert capsys.readouterr().out.splitlines() == ["mine.claim  conjecture  me  It holds."]
    assert cli.main(["list", "toy.t*", "mine.*", "--claims", file]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "toy.true",
        "mine.claim",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = (\n", "bad.py:1: SyntaxError: '(' was never closed"),
        (
            "import math\n\nx = math.squareroot(2)\n",
            "bad.py:3: AttributeError: module 'math' has no attribute 'squareroot'",
        ),
        (
            "import nothing_of_that_name\n",
            "bad.py:1: ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("def f():\n    return g()\n\n\nf()\n", "bad.py:2: NameError: name 'g' is not defined"),
        (
            "import sys\n\nsys.exit(3)\n",
            "bad.py:3: it exits when it is loaded: put that under "
            'if __name__ == "__main__" (SystemExit: 3)',
        ),
        (
            "x = 1\n",
            "bad.py states no claim: decorate a function with @claim of ncfcheck",
        ),
        (
            stated("pass", id="mine"),
            "bad.py:5: ValueError: claim id 'mine' is not of the form area.name: a to z, "
            "digits, _ and - with one dot between, at most 100",
        ),
        (
            stated("pass") + stated("pass")[len(HEAD) :],
            "bad.py:9: ValueError: claim mine.claim is registered twice, by mine at bad.py:5 and "
            "mine at bad.py:9: give one of them another id",
        ),
    ],
    ids=["syntax", "attribute", "import", "call", "exit", "no claim", "id", "twice"],
)
def test_a_mistake_in_the_file_is_told_in_one_line(command, content, message):
    file = write("bad.py", content)
    for arguments in (["list"], ["check"], ["show", "mine.claim"], ["hunt", "mine.claim"]):
        found = command(*arguments, "--claims", file)
        refused(found, message)


def test_a_file_that_is_not_there_is_told(command):
    refused(
        command("list", "--claims", "none.py"),
        "cannot read none.py: there is no such file",
    )
    Path("folder.py").mkdir()
    refused(
        command("list", "--claims", "folder.py"),
        "cannot read folder.py: it is a folder: name a file of claims in it",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            stated("return Margin(1 / 0, 0.1)"),
            "error: mine.py:8: ZeroDivisionError: division by zero",
        ),
        (
            stated("return 3"),
            "error: mine.py:5: TypeError: mine.claim returns 3, not a Margin(value, error)",
        ),
        (
            stated("return Margin(1, 1)", given="st.integers().map(lambda x: x.real_part)"),
            "error: while drawing: mine.py:5: AttributeError",
        ),
    ],
    ids=["function", "no margin", "strategy"],
)
def test_an_exception_on_every_instance_ends_with_exit_code_2_and_its_line(
    command, content, reason
):
    code, out, err = command("check", "--claims", write("mine.py", content))
    assert code == 2 and err.startswith(f"ncfcheck: mine.claim: {reason}")
    assert "Traceback" not in out + err and len(err.splitlines()) == 1


def test_an_exception_on_some_instances_is_told_in_the_results(command):
    file = write("mine.py", stated("return Margin(1.0 if x else 1 / x, 0.1)"))
    code, out, err = command("check", "--claims", file)
    assert (code, err) == (1, "") and re.search(
        r"\d × error: mine.py:8: ZeroDivisionError: division by zero", out
    )


def test_worker_processes_load_the_file_too(command, tmp_path):
    content = HEAD.replace(
        "\n\n\n",
        "\nfrom dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Spot:\n    x: "
        "int\n\n\n",
    )
    content += stated(
        "return Margin(50.5 - x.x, 0.1)", given="st.builds(Spot, st.integers(0, 100))"
    )[len(HEAD) :]
    file = write("mine.py", content)
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            "ncfcheck.app.cli",
            "check",
            "--claims",
            file,
            "--examples",
            "120",
            "--workers",
            "2",
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    assert (
        '"instance": {"type":"Spot","x":51}'
        in Path("reports/counterexamples/mine.claim.json").read_text()
    )


def test_pytest_runs_the_file(command, pytester):
    pytester.makepyfile(mine=EXAMPLES["balanced.py"])
    result = pytester.runpytest_subprocess(
        "mine.py", "--ncf-examples", "5", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=1)


def test_a_file_is_loaded_once(command):
    file = write("mine.py", stated("return Margin(1.0, 0.1)"))
    assert claim_files.load(file) is claim_files.load(str(Path(file).absolute()))
    assert claim_files.ids(file) == ["mine.claim"]
