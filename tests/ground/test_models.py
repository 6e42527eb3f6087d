"""A user's own models: claims on them in check, hunt, replay and from Python, and what is told."""

import json
import sys
from pathlib import Path

import pytest

import ncfcheck
from ncfcheck.app import session
from ncfcheck.core import claim_files, claims, loading
from ncfcheck.model import sources
from tests.support import ROOT
from tests.support.commands import IMPORTS
from tests.support.toy_models import GATED, SENSING

GATES = f"""\
import sys
sys.path.append({str(ROOT)!r})
from ncfcheck import OwnModel, own_model
from tests.support.toy_models import GATED, SENSING


def of(toy, inputs, **sizes):
    shapes = {{name: shape for name, shape, _ in toy.shapes(inputs, 1, sizes)}}
    pull_back = lambda X, w, r: toy.pull_back(X, w, r)[1]
    return OwnModel.numpy(toy.outputs, pull_back, shapes, inputs=inputs)


@own_model(gates=(1, 4))
def gates(gates):
    return of(GATED, 3, gates=gates)
"""
MATRICES = """

@own_model(rows=(1, 3), columns=(1, 3), rank=(1, 3))
def matrices(rows, columns, rank):
    return of(SENSING, rows * columns, rows=rows, columns=columns, rank=rank)
"""
MODELS = GATES + MATRICES
CLAIMS = (
    IMPORTS
    + '''
STARTS = ("gaussian", "sparse", "unbalanced")


@claim("mine.euler", kind=THEOREM, reference="", given=instances(starts=STARTS))
def euler(instance):
    """⟨u, ∇N(u)⟩ = D·N(u)."""
    value, gradient = instance.ncf.value_and_gradient(instance.start)
    off = abs(gradient @ instance.start - instance.network.order * value)
    return Margin(1e-6 * (1 + abs(value)) - off, 1e-12)


@claim("mine.small", kind=CONJECTURE, reference="", given=instances(starts=STARTS))
def small(instance):
    """Every model has at most five weights."""
    return Margin(5.5 - instance.network.size, 0.0)


@claim("mine.layers", kind=CONJECTURE, reference="", given=instances(powers=(2,)))
def layers(instance):
    """About layers."""
    return Margin(1.0, 0.0)
'''
)
NAMES = {"gates", "matrices"}
WITNESS = "reports/counterexamples/mine.small.json"


@pytest.fixture
def files(own_command, monkeypatch):
    """A file of claims and one of models, and the command line."""
    monkeypatch.setattr(sources, "_own", [])
    Path("mine.py").write_text(CLAIMS)
    Path("toys.py").write_text(MODELS)

    def run(*arguments, model="toys.py"):
        own = ("--claims", "mine.py", *(("--model", model) if model else ()))
        return own_command(*arguments, *own)

    yield run
    for name in [name for name in sys.modules if name.startswith("claims_")]:
        del sys.modules[name]


def as_anew(monkeypatch):
    """Forget the models, as a new process would have none."""
    monkeypatch.setattr(sources, "_own", [])
    for name in [
        name for name in sys.modules if name.startswith(("claims_toys_", "claims_other_"))
    ]:
        claim_files.unload(sys.modules[name])


def test_claims_that_are_not_about_the_model(files):
    """check --model with claims about layers → named once, not among the results, exit code 0"""
    code, out, _ = files("check", "--examples", "12", "--json", "r.json")
    assert code == 0 and out.count("mine.layers") == 1
    assert out.startswith("not about this model:  mine.layers\n")
    report = json.loads(Path("r.json").read_text())
    assert report["unsuited"] == ["mine.layers"]
    rows = {row["id"]: row for row in report["claims"]}
    assert rows.keys() == {"mine.euler", "mine.small"}
    assert rows["mine.euler"]["verdict"] == "not refuted"
    assert rows["mine.euler"]["coverage"]["model"].keys() == NAMES
    assert any(each.startswith("--model=") for each in report["options"])


def test_none_of_the_claims_is_about_the_model(files):
    """check or hunt --model of claims about layers only → one line, the reason, exit 2"""
    told = "not about this model: mine.layers: it is about layers: powers=((2,),)"
    for command in ("check", "hunt"):
        assert files(command, "mine.layers") == (2, "", f"ncfcheck: {told}\n")


def test_a_counterexample_on_a_model(files):
    """a false claim hunted on a model → the smallest sizes, a witness that replays with it"""
    Path("toys.py").write_text(GATES)
    code, out, _ = files("hunt", "mine.small", "--budget", "60")
    assert code == 0 and "gates(gates=1)" in out and "  G[1] = [ 0  0  0 ]\n" in out
    content = json.loads(Path(WITNESS).read_text())
    network = content["instance"]["problem"]["network"]
    sizes = {"inputs": 3, "width": 1, "sizes": {"gates": 1}}
    assert network == {"model": "gates", "file": "toys.py", **sizes}
    assert content["model"] == str(Path("toys.py").resolve())
    assert content["replay"].endswith(f" --model {content['model']}")
    code, out, err = files("replay", WITNESS, "--quiet")
    assert (code, err) == (1, "")
    assert out == f"{WITNESS}: still violates mine.small: margin -1.5 ± 0\n"


def test_a_witness_without_its_model(files, monkeypatch):
    """replay of a witness on a model, its file not given → which file to add, exit 2"""
    files("hunt", "mine.small", "--budget", "60")
    as_anew(monkeypatch)
    code, out, err = files("replay", WITNESS, model=None)
    assert (code, out) == (2, "")
    assert err.startswith(f"ncfcheck: {WITNESS}: cannot run: in its instance: problem: network: ")
    assert err.endswith(" is of toys.py: add --model toys.py\n")
    Path("other.py").write_text(MODELS)
    assert files("replay", WITNESS, model="other.py")[2] == err


def test_a_model_that_was_changed(files, monkeypatch):
    """replay with a model file that says something else by now → that it has changed is told"""
    files("hunt", "mine.small", "--budget", "60")
    as_anew(monkeypatch)
    Path("toys.py").write_text(MODELS + "# more\n")
    code, out, _ = files("replay", WITNESS, "--quiet")
    assert code == 1 and out.endswith("; toys.py has changed since it was stored\n")
    code, out, _ = files("check", "mine.small", "--examples", "2")
    assert "not replayed: " in out and "toys.py has changed since it was stored" in out


def test_a_file_that_states_no_model(files):
    """--model names what is no file of models → one line that says why, exit 2"""
    Path("empty.py").write_text("")
    Path("broken.py").write_text("1 / 0\n")
    cases = {
        "none.py": "cannot read none.py: there is no such file",
        "empty.py": "empty.py states no model",
        "broken.py": "broken.py:1: ZeroDivisionError: division by zero",
    }
    for name, told in cases.items():
        for line in (["check"], ["hunt", "mine.small"], ["replay", "w.json"]):
            code, out, err = files(*line, model=name)
            assert (code, out) == (2, "") and told in err and err.count("\n") == 1


def test_a_model_with_the_name_of_one_built_in(files):
    """a model of one's own named like a family built in → its line, what to do, exit 2"""
    Path("toys.py").write_text(GATES.replace("def gates(", "def gated("))
    told = "gated is a family built in: give yours another name"
    for line in (["check"], ["hunt", "mine.small"], ["replay", "w.json"]):
        code, out, err = files(*line)
        assert (code, out, err) == (2, "", f"ncfcheck: toys.py:13: ValueError: {told}\n")


def table(columns: int) -> str:
    rows = [[str((7 * i + 3 * j) % 11 - 5.5) for j in range(columns + 1)] for i in range(12)]
    names = [f"x{j}" for j in range(columns)] + ["y"]
    Path("t.csv").write_text("\n".join(",".join(row) for row in (names, *rows)) + "\n")
    return "t.csv"


def test_a_table_fixes_the_sizes(files):
    """--model with --data → models of the table's dimension; none of it: one line, exit 2"""
    Path("toys.py").write_text(MODELS.replace("@own_model(gates=(1, 4))\n", ""))
    how = ("check", "mine.euler", "--examples", "6", "--target", "y")
    code, out, _ = files(*how, "--data", table(4))
    assert code == 0 and "matrices×6" in out and "rows      2×6" in out
    code, out, err = files(*how, "--data", table(5))
    told = "the table has 5 columns besides the labels, and no sizes of matrices have d = 5"
    assert (code, out, err) == (2, "", f"ncfcheck: {told} and one output\n")


def test_two_workers_find_what_one_finds(files):
    """check --model with two processes → they load the model, and the results are the same"""
    found = []
    for workers in ((), ("--workers", "2")):
        assert (
            files("check", "mine.euler", "--examples", "60", "--json", "r.json", *workers)[0] == 0
        )
        rows = json.loads(Path("r.json").read_text())["claims"]
        found.append([{**row, "seconds": 0} for row in rows])
    assert found[0] == found[1]


def test_a_hunt_is_not_continued_on_another_model(files, monkeypatch):
    """hunt --resume with another model than before → a hunt of its own, not the old one's sums"""
    files("hunt", "mine.euler", "--budget", "20")
    assert "on 30 instances" in files("hunt", "mine.euler", "--budget", "30", "--resume")[1]
    Path("other.py").write_text(MODELS.replace("@own_model(gates=(1, 4))\n", ""))
    as_anew(monkeypatch)
    _, out, _ = files("hunt", "mine.euler", "--budget", "10", "--resume", model="other.py")
    assert "on 10 instances" in out and "model: matrices\n" in out


@pytest.fixture
def from_python(tmp_path, monkeypatch):
    """The claims from Python, in a folder of their own."""
    monkeypatch.setattr(claims, "_registry", {})
    monkeypatch.setattr(loading, "SOURCES", ())
    monkeypatch.setattr(session, "SOURCES", ())
    monkeypatch.setattr(sources, "_own", [])
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(CLAIMS)
    Path("toys.py").write_text(MODELS)
    yield {"files": "mine.py"}
    for name in [name for name in sys.modules if name.startswith("claims_")]:
        del sys.modules[name]


def test_models_from_python(from_python):
    """check, hunt, replay and shrink with model= → the same runs, of a file or a family"""
    for model in ("toys.py", GATED, [GATED, SENSING]):
        report = ncfcheck.check(**from_python, model=model, examples=4)
        assert report.unsuited == ("mine.layers",) and len(report.claims) == 2
    found = ncfcheck.hunt("mine.small", **from_python, model=SENSING, instances=30, folder="out")
    again = ncfcheck.replay(found.path, **from_python, model=SENSING)
    assert again.still_violates and again.instance.network.family is SENSING
    small = ncfcheck.shrink("mine.small", again.instance, seconds=5)
    assert small.network.size == again.instance.network.size == 6


@pytest.mark.parametrize(
    ("how", "kind", "told"),
    [
        ({"model": 3}, TypeError, "`model` is a file of models or a family, not 3"),
        ({"model": []}, TypeError, "`model` is a file of models or a family, not []"),
        ({"model": GATED, "workers": 2}, ValueError, "expected models given themselves need work"),
        ({"model": "none.py"}, ncfcheck.CannotRun, "cannot read none.py: there is no such file"),
    ],
)
def test_what_is_no_model(from_python, how, kind, told):
    """check(model=…) of what is no model → what was given and what is right"""
    with pytest.raises(kind) as found:
        ncfcheck.check("mine.euler", **from_python, **how)
    assert told in str(found.value)
