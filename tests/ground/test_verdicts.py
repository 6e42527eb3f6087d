"""What comes of a user's claim: verdicts, exit codes, and what confirms a violation."""

import json
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ncfcheck.core import claims
from tests.ground.test_mistakes import stated
from tests.support.commands import IMPORTS

ON_HALF = stated("return Margin(1 / (len(instance.problem.X) % 2), 0.0)")
EVERYWHERE = stated("return Margin(1 / 0, 0.0)")
SHORT = stated(
    "return Margin(float(np.linalg.norm(instance.problem.X, axis=1).min()) - 1.5, 1e-9)",
    given='instances(data=families(only=("sphere",)))',
)


def checked(own_command, body: str, *options, imports: str = ""):
    """(exit code, stdout, the claim's result in the JSON file, stderr) of a check of a file, whose
    earlier contents are forgotten.
    """
    for name in [name for name in sys.modules if name.startswith("claims_")]:
        del sys.modules[name]
        claims.forget(name)
    Path("mine.py").write_text(IMPORTS + imports + body, encoding="utf-8")
    options = ["--json", "a.json", *options]
    code, out, err = own_command("check", "--claims", "mine.py", *options)
    return code, out, json.loads(Path("a.json").read_text())["claims"][0], err


FAMILIES = "from ncfcheck import families\n"


def test_a_false_claim_about_lengths(own_command):
    """a false claim about the lengths of samples → found violated: the data are not rescaled"""
    code, _, result, _ = checked(own_command, SHORT, imports=FAMILIES)
    assert (code, result["verdict"], result["unresolved"]) == (0, "potential", 0)


def test_a_claim_that_says_wrongly_that_it_is_free_of_scale(own_command):
    """the same, stated as scale_free → its violations are not confirmed by the rescaled data"""
    body = SHORT.replace("given=", "scale_free=True, given=")
    _, _, result, _ = checked(own_command, body, imports=FAMILIES)
    assert result["why_unresolved"] == {"not confirmed by the rescaled data": 25}


def test_errors_on_some_instances(own_command):
    """errors on some instances → unresolved, exit code 1, and every report says so"""
    files = ["--junit", "a.xml", "--markdown", "a.md", "--html", "a.html"]
    code, out, result, err = checked(own_command, ON_HALF, *files)
    assert (code, err, result["verdict"]) == (1, "", "unresolved")
    assert 0 < result["errors"] < 25 and result["unresolved"] == 0
    assert "1 of 1 not as expected" in out
    [error] = ET.parse("a.xml").iter("error")
    assert "ZeroDivisionError" in error.text
    assert "not as expected" in Path("a.md").read_text()
    assert "mine.py:8: ZeroDivisionError" in Path("a.html").read_text()


def test_errors_on_all_instances(own_command):
    """errors on every instance → the run could not be done: one line, exit code 2, checked or
    hunted
    """
    code, out, result, err = checked(own_command, EVERYWHERE)
    assert (code, result["errors"], result["unresolved"]) == (2, 25, 0)
    assert "every verdict as expected" not in out and err.count("\n") == 1
    given = ["--claims", "mine.py"]
    code, out, err = own_command("hunt", "mine.x", *given, "--budget", 8)
    assert (code, err) == (2, "ncfcheck: mine.x: error: mine.py:8: ZeroDivisionError: "
    "division by zero\n")  # fmt: skip


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return Margin(np.nan, 0.0)", "25 × margin is not a number"),
        ("return Margin(1.0, np.inf)", "25 × margin within its error"),
        ("raise Unresolved('too hard')", "25 × too hard"),
        ("raise Inapplicable('never')", "only 0 of 25 instances met the hypotheses"),
    ],
    ids=["not a number", "no bound", "undecided", "inapplicable"],
)
@pytest.mark.parametrize("kind", ["CONJECTURE", "THEOREM"])
def test_nothing_decided(own_command, body, told, kind):
    """no instance is decided → unresolved, not as expected, exit code 1, whatever the kind"""
    imports = "from ncfcheck import Inapplicable, Unresolved\n"
    code, out, result, _ = checked(own_command, stated(body, kind=kind), imports=imports)
    assert (code, result["verdict"]) == (1, "unresolved")
    assert told in out and "1 of 1 not as expected" in out


def test_half_decided(own_command):
    """most instances are undecided → unresolved: a conjecture may be, unless --strict; a theorem
    and what is expected not to be refuted may not
    """
    imports = "from ncfcheck import Unresolved\n"
    body = "if len(instance.problem.X) > 2: raise Unresolved('large')\n    return Margin(1.0, 0.0)"
    codes = [
        checked(own_command, stated(body), imports=imports)[0],
        checked(own_command, stated(body), "--strict", imports=imports)[0],
    ]
    for options in ({"kind": "THEOREM"}, {"expect": '"not refuted"'}):
        codes.append(checked(own_command, stated(body, **options), imports=imports)[0])
    assert codes == [0, 1, 1, 1]


def test_a_conjecture_that_one_wants_to_hold(own_command):
    """a conjecture stated with expect="not refuted" is violated → exit code 1; without: 0"""
    body = "return Margin(-1.0, 0.0)"
    assert checked(own_command, stated(body))[0] == 0
    assert checked(own_command, stated(body, expect='"not refuted"'))[0] == 1
    assert checked(own_command, stated(body, expect='"refuted"'))[0] == 0


def test_a_claim_that_is_drawn_anew_in_a_violation_only(own_command):
    """a violation that is another one when judged again → named, with both values"""
    body = (
        "\ncalls = []\n"
        + stated("calls.append(0)\n    return Margin(1.0 if len(calls) < 9 else -len(calls), 0.0)")
    )  # fmt: skip
    code, out, result, _ = checked(own_command, body)
    assert code == 1 and result["violates"] == 0
    assert "error: mine.py:7: not deterministic: margin -9, then -10" in out


def test_what_hypothesis_assumes(own_command):
    """a claim that uses Hypothesis's assume → instances that do not meet it are inapplicable"""
    body = "assume(len(instance.problem.X) > 1)\n    return Margin(1.0, 0.0)"
    code, _, result, _ = checked(
        own_command, stated(body), imports="from hypothesis import assume\n"
    )
    assert (code, result["errors"], result["instances"]) == (0, 0, 25)
    assert list(result["why_inapplicable"]) == ["what it assumes is not met"]


def test_a_hunt_of_a_claim_at_fault_ends(own_command):
    """a hunt of ten minutes on a claim that only raises errors → ends after some, exit code 2"""
    Path("mine.py").write_text(IMPORTS + EVERYWHERE, encoding="utf-8")
    start = time.monotonic()
    given = ["--claims", "mine.py", "--budget", "10m"]
    assert own_command("hunt", "mine.x", *given)[0] == 2
    assert time.monotonic() - start < 200


def test_rounding_is_no_other_margin(own_command):
    """a margin that differs by rounding, or within its error, when judged again → it is the same"""
    body = (
        "\ncalls = []\n"
        + stated("calls.append(0)\n    return Margin(1.0 + 1e-15 * len(calls), 0.0)")
        + stated(
            "calls.append(0)\n    return Margin(1.0 + 0.1 * (len(calls) % 2), 0.1)", id='"mine.y"'
        )
    )
    assert checked(own_command, body)[0] == 0


def test_pytest_fails_where_a_claim_is_at_fault(pytester):
    """claims with errors, on some or all instances, under pytest → failures, and no green skips"""
    pytester.makepyfile(mine=IMPORTS + ON_HALF + EVERYWHERE.replace("mine.x", "mine.y"))
    result = pytester.runpytest("mine.py", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*unresolved: * × error: *ZeroDivisionError: division by zero"])


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--ncf-examples=0", "--ncf-examples 0: it is at least 1"),
        ("--ncf-examples=-3", "--ncf-examples -3: it is at least 1"),
        ("--ncf-seed=-1", "--ncf-seed -1: it is at least 0"),
    ],
)
def test_options_of_pytest_out_of_range(pytester, option, told):
    """pytest --ncf-examples 0, --ncf-seed -1 → refused in one line, as on the command line"""
    result = pytester.runpytest(option, "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [f"ERROR: {told}"]
