"""Claims that never come back, workers that die, and runs that are asked to end."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import ncfcheck
from ncfcheck.core import deadlines
from ncfcheck.core.claims import registered
from ncfcheck.run.shrinking.shrink import shrunk
from tests.support import ROOT
from tests.support.commands import claim_file
from tests.support.commands import ncfcheck as command


def stated(id: str, what: str, body: str = "pass") -> str:
    """The statement of a claim about numbers that holds once its body has ended."""
    return f'''
@claim("{id}", kind=CONJECTURE, reference="-", given=NUMBERS)
def {id.replace(".", "_")}(number):
    """{what}"""
    {body}
    return Margin(1.0, 0.0)
'''


LOOP = """while number == 0:
        try:
            number = 0
        except Exception:
            pass"""
BUSY = """if number == 0:
        Path("busy").touch()
        re.match(r"(a|a)*b", 200 * "a")"""
CLAIMS = '''
import os, re, time
from pathlib import Path
from ncfcheck.strategies.choices import integers

NUMBERS = integers(0, 255)  # the simplest, 0, comes first

@claim("mine.false", kind=CONJECTURE, reference="-", given=NUMBERS)
def false(number):
    """Less than 128."""
    Path("false").touch()
    return Margin(127.5 - number, 0.0)

def endless(number):
    while number % 20 == 7:
        pass
    return number

@claim("mine.draws", kind=CONJECTURE, reference="-", given=NUMBERS.map(endless))
def draws(number):
    """Drawn without end, for one in 20."""
    return Margin(1.0, 0.0)
''' + "".join(
    (
        stated("mine.loops", "A loop in Python without end, for 0.", LOOP),
        stated("mine.sleeps", "Waits without end, for 0.", "time.sleep(1e6 * (number == 0))"),
        stated("mine.busy", "C that keeps the interpreter to itself without end, for 0.", BUSY),
        stated("mine.true", "A number."),
        stated("deadly.one", "Ends its process, for 0.", "number or os._exit(9)"),
        stated("deadly.all", "Ends its process.", "os._exit(9)"),
    )
)
NUMBER = "no answer within 1 s on 0"
EXAMPLES = 40


def checked(folder, *options):
    """What `check` with a limit of a second writes, by claim."""
    path = claim_file(folder, CLAIMS)
    found = command(
        *("check", "--claims", path, "--examples", EXAMPLES, "--instance-timeout", 1),
        *("--quiet", "--json", "run.json", *options),
        folder=folder,
    )
    report = json.loads((folder / "run.json").read_bytes())
    return found, {each["id"]: each for each in report["claims"]}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A check of all claims that never come back, and of one that does, by two workers."""
    return checked(tmp_path_factory.mktemp("time"), "mine.*", "--workers", 2)


def unresolved(result) -> str:
    [(reason, count)] = result["why_unresolved"].items()
    assert 1 <= count <= 2 and result["holds"] == EXAMPLES - count
    return reason


@pytest.mark.parametrize("name", ["loops", "sleeps", "busy"])
def test_a_claim_that_never_comes_back(run, name):
    """a claim never comes back on one instance → that is unresolved by name, others are judged"""
    found, results = run
    assert unresolved(results[f"mine.{name}"]) == NUMBER
    assert f"ncfcheck: warning: mine.{name}: {NUMBER}" in found.stderr


def test_a_strategy_that_never_comes_back(run):
    """a strategy never comes back from a draw → that is unresolved by its seed, others are drawn"""
    _, results = run
    result = results["mine.draws"]
    assert 0 < result["unresolved"] < 10
    assert result["holds"] == EXAMPLES - result["unresolved"]
    seed = r"no answer within 1 s while the instance of seed \d+ was drawn"
    assert all(re.fullmatch(seed, reason) for reason in result["why_unresolved"])


def test_claims_beside_one_that_never_comes_back(run):
    """other claims of such a run → as without it, exit code 0"""
    found, results = run
    assert found.returncode == 0
    assert (
        results["mine.true"]["holds"] == EXAMPLES
        and results["mine.false"]["verdict"] == "potential"
    )


@pytest.mark.long
def test_one_worker(tmp_path):
    """--workers 1, and C code without end → the command is not stuck: as with several"""
    _, results = checked(tmp_path, "mine.busy", "mine.true", "--workers", 1)
    assert unresolved(results["mine.busy"]) == NUMBER and results["mine.true"]["holds"] == EXAMPLES


ENDLESS = r'''
import re
from hypothesis import strategies as st

@claim("endless.loops", kind=CONJECTURE, reference="-", given=st.integers(0, 10**6))
def loops(number):
    """Without end, for one in five."""
    while number % 5 == 3:
        pass
    return Margin(1.0, 0.0)

@claim("endless.busy", kind=CONJECTURE, reference="-", given=st.integers(0, 10**6))
def busy(number):
    """Without end, for one in five, in C."""
    if number % 5 == 3:
        re.match(r"(a|a)*b", 200 * "a")
    return Margin(1.0, 0.0)
'''


@pytest.mark.parametrize("name", [pytest.param("loops", marks=pytest.mark.long), "busy"])
def test_a_budget(tmp_path, name):
    """a hunt of 4 s, the limit of an instance beyond it, and a claim without end → over by 9 s"""
    path = claim_file(tmp_path, ENDLESS)
    options = ("--claims", path, "--budget", "4s", "--workers", 2)
    found = command("hunt", f"endless.{name}", *options, folder=tmp_path)
    assert found.returncode in (0, 2), found.stderr
    [seconds] = re.findall(r"generations, ([0-9.]+) s", found.stdout)
    assert float(seconds) <= 9


UNDER_PYTEST = """
import time
from hypothesis import strategies as st
from ncfcheck import CONJECTURE, Margin, claim

@claim("mine.loops", kind=CONJECTURE, reference="-", given=st.integers(0, 3))
def loops(number):
    \"\"\"Endless.\"\"\"
    while True:
        pass

@claim("mine.sleeps", kind=CONJECTURE, reference="-", given=st.integers(0, 3))
def sleeps(number):
    \"\"\"Endless.\"\"\"
    time.sleep(1e6)
"""


def test_under_pytest(tmp_path):
    """such claims under pytest → failed as unresolved, with the reason"""
    (tmp_path / "test_mine.py").write_text(UNDER_PYTEST)
    options = (
        "--ncf-examples",
        "2",
        "--ncf-instance-timeout",
        "0.5",
        "-rs",
        "-p",
        "no:cacheprovider",
    )
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_mine.py", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert "2 failed" in found.stdout and "no answer within 0.5 s" in found.stdout, found.stdout


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The file of claims loaded in this process, and its folder the working one."""
    monkeypatch.chdir(tmp_path)
    path = str(claim_file(tmp_path, CLAIMS, f"mine_{tmp_path.name}.py"))
    yield path
    from ncfcheck.core import claims

    for id in [id for id in registered() if id.startswith(("mine.", "deadly.", "endless."))]:
        del claims._registry[id]


def test_check_from_python(mine):
    """from Python, in the same process → the same"""
    report = ncfcheck.check(
        "mine.loops", "mine.sleeps", files=(mine,), examples=20, instance_timeout=0.5
    )
    assert all(1 <= each.unresolved < 5 for each in report.claims)
    assert {reason for each in report.claims for reason in each.why_unresolved} == {
        "no answer within 0.5 s on 0"
    }


def test_a_watch_that_does_not_look_is_found_out(mine, monkeypatch):
    """(planted) nobody looks at the clock → the test above fails"""
    monkeypatch.setattr(deadlines, "_interrupt", lambda *_: None)
    [claim] = ncfcheck.claims("mine.sleeps", files=(mine,))
    monkeypatch.setattr(claim.function.__globals__["time"], "sleep", lambda _, s=time.sleep: s(1))
    [result] = ncfcheck.check("mine.sleeps", files=(mine,), examples=3, instance_timeout=0.5).claims
    assert result.unresolved == 0


def test_hunt_from_python(mine, tmp_path):
    """a hunt from Python, in the same process, over a claim without end → ends at its budget"""
    start = time.monotonic()
    path = str(claim_file(tmp_path, ENDLESS, "endless.py"))
    found = ncfcheck.hunt("endless.loops", files=(path,), seconds=2, folder=tmp_path)
    assert time.monotonic() - start < 7 and found.tested > 0


BELOW = '''
from ncfcheck.strategies.choices import integers

@claim("mine.below", kind=CONJECTURE, reference="-", given=integers(0, 1000))
def below(number):
    """At most 99; without end for what is nearly so."""
    while 90 < number < 110:
        pass
    return Margin(99.5 - number, 0.1)
'''


def test_a_counterexample_whose_smaller_ones_never_come_back(mine, tmp_path):
    """smaller ones of a counterexample are without end → they are turned down, it is kept"""
    path = str(claim_file(tmp_path, BELOW, "below.py"))
    [claim] = ncfcheck.claims("mine.below", files=(path,))
    start = time.monotonic()
    assert 110 <= shrunk(claim, 600, choices=(600,), seconds=2).instance < 150
    assert time.monotonic() - start < 5


def started(folder, *arguments):
    """The command in a group of processes of its own, once its claims are being judged."""
    process = subprocess.Popen(
        [sys.executable, "-c", HEEDING, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not ((folder / "busy").exists() and (folder / "false").exists()):
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(2)
    return process


# Ctrl-C is heeded, also where the tests were started in the background, which ignores it.
HEEDING = """
import signal, sys
for each in (signal.SIGINT, signal.SIGHUP):
    signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
from ncfcheck.app.cli import main
sys.exit(main())
"""
ENDS = {
    "Ctrl-C": (signal.SIGINT, os.killpg, 130),
    "SIGINT to the command alone": (signal.SIGINT, os.kill, 130),
    "SIGTERM": (signal.SIGTERM, os.kill, 143),
    "SIGTERM to the whole group": (signal.SIGTERM, os.killpg, 143),
    "the terminal is closed": (signal.SIGHUP, os.killpg, 129),
}
SHORT = ("Ctrl-C", "SIGTERM")


@pytest.mark.parametrize(
    "how",
    [name if name in SHORT else pytest.param(name, marks=pytest.mark.long) for name in ENDS],
)
def test_asked_to_end(tmp_path, how):
    """a check whose worker is stuck in C is asked to end → at once, with what was found"""
    number, send, code = ENDS[how]
    path = claim_file(tmp_path, CLAIMS)
    options = ("--claims", path, "--examples", 40, "--workers", 2, "--json", "run.json")
    process = started(tmp_path, "check", "mine.false", "mine.busy", *options)
    start = time.monotonic()
    send(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - start < 4
    assert process.returncode == code, err
    assert "Traceback" not in err
    results = json.loads((tmp_path / "run.json").read_bytes())["claims"]
    assert [(each["id"], each["verdict"]) for each in results] == [("mine.false", "potential")]
    assert (tmp_path / "reports" / "counterexamples" / "mine.false.json").exists()


SCRIPT = """
from ncfcheck import check, hunt
print("once")
report = check("homogeneity.euler", examples=60, workers=2)
print(report.claims[0].verdict, report.stopped)
print(hunt("homogeneity.euler", instances=8, workers=1).tested)
"""


def test_a_script_without_a_guard(tmp_path):
    """a script asks for workers at its top level, no `if __name__ == "__main__"` → as with one"""
    (tmp_path / "script.py").write_text(SCRIPT)
    found = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines() == ["once", "not refuted None", "8"]


def test_an_instance_that_ends_its_process(tmp_path):
    """a claim ends its process on one instance → that is unresolved by name, the rest is judged"""
    found, results = checked(tmp_path, "deadly.one", "mine.true")
    assert found.returncode == 0, found.stderr
    died = "a worker process died (killed, or out of memory) on 0"
    assert unresolved(results["deadly.one"]) == died
    assert results["mine.true"]["holds"] == EXAMPLES


@pytest.mark.long
def test_a_claim_that_ends_every_process(tmp_path):
    """a claim ends its process on every instance → exit code 2, one line, other results stand"""
    found, results = checked(tmp_path, "deadly.all", "mine.true")
    assert found.returncode == 2
    assert found.stderr.splitlines()[-1] == (
        "ncfcheck: a worker process died (killed, or out of memory) while checking deadly.all"
    )
    assert results["mine.true"]["holds"] == EXAMPLES
    assert results["deadly.all"]["verdict"] == "unresolved"
