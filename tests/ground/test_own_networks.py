"""Networks of users' own: their files, mistakes in them, and what is said."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ncfcheck import CannotRun
from ncfcheck.model.own import families

IMPORTS = """\
import numpy as np
from ncfcheck import OwnModel, own_model

"""
RIGHT = """
def outputs(X, w):
    return X @ w["U"].T @ w["V"].T

def pull_back(X, w, r):
    return {"U": (r @ w["V"]).T @ X, "V": r.T @ (X @ w["U"].T)}

@own_model(width=(1, 3))
def mine(width):
    return OwnModel.numpy(outputs, pull_back, {"U": (width, 2), "V": (1, width)}, inputs=2)
"""


def wrote(body: str = RIGHT, name: str = "mine.py") -> str:
    Path(name).write_text(IMPORTS + body, encoding="utf-8")
    return name


@dataclass(frozen=True)
class Mistake:
    """A mistake, what is changed of the file mine.py to make it, and the message."""

    name: str
    was: str
    becomes: str
    told: str


MISTAKES = [
    Mistake(
        "a range upside down",
        "width=(1, 3)",
        "width=(3, 1)",
        "mine.py:11: ValueError: size width is given as (least, most), whole numbers from 1 up: 3 "
        "is above 1",
    ),
    Mistake(
        "no range",
        "width=(1, 3)",
        "width='3'",
        "mine.py:11: TypeError: size width is given as (least, most), whole numbers from 1 up, not "
        "'3'",
    ),
    Mistake(
        "a size of another name",
        "width=(1, 3)",
        "widht=(1, 3)",
        "mine.py:11: TypeError: @own_model(widht) decorates mine(width): missing a required "
        "argument: 'width'",
    ),
    Mistake(
        "no model returned",
        "return OwnModel.numpy",
        "OwnModel.numpy",
        "mine.py:11: mine returns a NoneType: OwnModel.jax(…), OwnModel.torch(…) or "
        "OwnModel.numpy(…) is right",
    ),
    Mistake(
        "shapes that are none",
        '{"U": (width, 2), "V": (1, width)}',
        '["U", "V"]',
        'mine.py:13: TypeError: shapes are a dict of names and shapes such as {"W": (3, 2)}, not '
        "['U', 'V']",
    ),
    Mistake(
        "no pull-back",
        "outputs, pull_back, {",
        "outputs, None, {",
        "mine.py:13: TypeError: pull_back is a function (X, w, r) that returns the gradient of Σ r "
        "∘ H by name, not None: OwnModel.jax and OwnModel.torch need none",
    ),
    Mistake(
        "an error in the outputs",
        'return X @ w["U"].T @ w["V"].T',
        'return X @ w["W"]',
        "mine.py:6: KeyError: 'W' (mine(width=1))",
    ),
    Mistake(
        "an error in the pull-back",
        'r.T @ (X @ w["U"].T)',
        'r @ (X @ w["U"].T)',
        "mine.py:9: ValueError: matmul: ",
    ),
    Mistake(
        "outputs on their side",
        'X @ w["U"].T @ w["V"].T',
        '(X @ w["U"].T @ w["V"].T).T',
        "mine.py:11: mine(width=1): outputs of 3 samples have shape (1, 3): (3, 2) is right, a row",
    ),
    Mistake(
        "outputs that are not finite",
        'X @ w["U"].T @ w["V"].T',
        'X @ w["U"].T @ w["V"].T / 0.0',
        "mine.py:11: mine(width=1): outputs at random weights are ",
    ),
    Mistake(
        "a wrong pull-back",
        '"V": r.T @ (X @ w["U"].T)',
        '"V": 2 * r.T @ (X @ w["U"].T)',
        "mine.py:11: mine(width=1): pull_back is not that of the outputs: 1 of 1 entries of 'V' "
        "are wrong, such as (0, 0), ",
    ),
    Mistake(
        "a bias",
        'X @ w["U"].T @ w["V"].T',
        'X @ w["U"].T @ w["V"].T + w["V"].sum()',
        "mine.py:11: mine(width=1): it is not homogeneous: all weights times ",
    ),
    Mistake(
        "a square root of the samples' number",
        'X @ w["U"].T @ w["V"].T',
        'X @ w["U"].T @ w["V"].T / len(X)',
        "mine.py:11: mine(width=1): outputs of a sample depend on the other samples, ",
    ),
    Mistake(
        "another number of inputs",
        "inputs=2",
        "inputs=3",
        "mine.py:6: ValueError: matmul",
    ),
    Mistake(
        "all sizes refused",
        "return OwnModel",
        "raise ValueError('heads do not divide it')\n    return OwnModel",
        "mine.py:13: ValueError: heads do not divide it (mine(width=1), as at all sizes tried)",
    ),
    Mistake(
        "an error in the function of sizes",
        "return OwnModel",
        "1 / 0\n    return OwnModel",
        "mine.py:13: ZeroDivisionError: division by zero",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_in_a_network(own_command, mistake):
    """a network with a mistake → one line: file, line, network, what is wrong; exit code 2"""
    assert RIGHT.count(mistake.was) >= 1
    wrote(RIGHT.replace(mistake.was, mistake.becomes, 1))
    code, out, err = own_command("model", "mine.py")
    assert (code, out) == (2, "") and err.startswith(f"ncfcheck: {mistake.told}"), err
    assert err.count("\n") == 1 and len(err) < 500


def test_a_mistake_that_a_check_meets_first(own_command):
    """a check asks how many outputs a mistaken network has → the same line as of `model`"""
    wrote(RIGHT.replace("inputs=2", "inputs=3", 1))
    code, _, told = own_command("model", "mine.py")
    (family,) = families.load("mine.py")
    with pytest.raises(CannotRun) as error:
        family.width_of({"width": 1})
    assert code == 2 and told == f"ncfcheck: {error.value}\n"


def test_two_files_for_one_option(own_command):
    """--model twice → one line that says so, exit code 2"""
    wrote(RIGHT)
    code, out, err = own_command("check", "--model", "mine.py", "--model", "mine.py")
    assert (code, out) == (2, "") and err.startswith("ncfcheck: --model is given twice")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (".", "cannot read .: it is a folder: name a file of models in it"),
        ("models.txt", "cannot read models.txt: a file of models ends in .py"),
        ("none.py", "cannot read none.py: there is no such file"),
        (
            "empty.py",
            "empty.py states no model: decorate a function of sizes with @own_model of ncfcheck",
        ),
        ("broken.py", "broken.py:4: SyntaxError: '(' was never closed"),
    ],
)
def test_what_is_no_file_of_networks(own_command, source, told):
    """a file that states no network → one line that says why, exit code 2"""
    wrote(name="models.txt")
    wrote("", "empty.py")
    wrote("x = (", "broken.py")
    assert own_command("model", source) == (2, "", f"ncfcheck: {told}\n")


def test_a_file_that_was_mended(own_command):
    """a file without a network, then with one → it is read again, in the same process"""
    wrote("")
    assert own_command("model", "mine.py")[0] == 2
    wrote()
    assert own_command("model", "mine.py")[0] == 0


def test_two_files_with_networks_of_one_name(own_command):
    """two files with networks of one name → both places, exit code 2"""
    wrote()
    wrote(name="other.py")
    assert own_command("model", "mine.py")[0] == 0
    told = "model mine is registered twice, at mine.py:11 and other.py:11: give one of them another"
    code, _, err = own_command("model", "other.py")
    assert (code, err) == (2, f"ncfcheck: other.py:11: ValueError: {told} name\n")


def test_modules_beside_a_network_and_what_it_prints(own_command):
    """a network that imports a module beside it, and prints → found; prints go to standard error"""
    Path("layers_of_mine.py").write_text("ONE = 1\n")
    wrote("from layers_of_mine import ONE\nprint('loading')\n" + RIGHT)
    code, out, err = own_command("model", "mine.py")
    assert (code, err) == (0, "loading\n") and out.startswith("mine: 2 inputs")


def test_claims_and_a_network_in_one_file(own_command):
    """a file with a claim and a network → each command takes its own, and it is loaded once"""
    claim = (
        "\nfrom ncfcheck import CONJECTURE, Margin, claim, instances\n\n"
        "@claim('mine.x', kind=CONJECTURE, reference='-', given=instances(only_dense=True))\n"
        "def holds(instance):\n    'It holds.'\n    return Margin(1.0, 0.0)\n"
    )
    wrote("print('loading')\n" + RIGHT + claim)
    assert own_command("list", "--claims", "mine.py")[::2] == (0, "loading\n")
    code, out, err = own_command("model", "mine.py")
    assert (code, err) == (0, "") and "mine: 2 inputs" in out


def test_sizes_that_do_not_go_together(own_command):
    """a function of sizes that raises ValueError for some → those are told, the others looked at"""
    wrote(
        RIGHT.replace(
            "    return Own", "    if width == 2:\n        raise ValueError('odd')\n    return Own"
        )
    )
    code, out, _ = own_command("model", "mine.py")
    assert code == 0 and "\n  refused   width=2: mine.py:14: ValueError: odd\n" in out


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_a_library_that_is_not_installed(own_command, monkeypatch, library):
    """a network in a library that is not installed → how to install it, in one line"""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"ncfcheck.model.backends.with_{library}", raising=False)
    wrote(RIGHT.replace("numpy(outputs, pull_back, ", f"{library}(outputs, "))
    code, out, err = own_command("model", "mine.py")
    told = f"{library} is not installed: pip install 'ncfcheck[{library}]'"
    assert (code, out, err) == (2, "", f"ncfcheck: {told}\n")


def test_a_network_that_does_not_come_back(own_command, monkeypatch):
    """outputs in an endless loop → ended after the time that an instance may take, and said so"""
    monkeypatch.setattr("ncfcheck.core.time_limit.SECONDS", 0.5)
    wrote(RIGHT.replace("    return X @", "    while True:\n        pass\n    return X @"))
    code, out, err = own_command("model", "mine.py")
    assert (code, out, err) == (2, "", "ncfcheck: mine.py:13: mine: no answer within 0.5 s\n")


def test_an_error_in_jax_code_is_told_by_the_users_line(own_command):
    """a mistake in code for JAX, whose messages are pages → the user's line, and one line"""
    pytest.importorskip("jax", reason="pip install 'ncfcheck[jax]'")
    body = RIGHT.replace("numpy(outputs, pull_back, ", "jax(outputs, ")
    wrote(body.replace("return X @", "return np.asarray(X) @"))
    code, out, err = own_command("model", "mine.py")
    told = "ncfcheck: mine.py:6: TracerArrayConversionError: "
    assert (code, out) == (2, "") and err.startswith(told) and err.count("\n") == 1
