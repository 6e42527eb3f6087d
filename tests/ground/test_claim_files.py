"""Files of claims as they are given: paths, encodings, names, several of them."""

import shlex
import shutil
from pathlib import Path

import pytest

import ncfcheck
from ncfcheck.core import claims
from tests.ground.test_mistakes import stated
from tests.support.commands import IMPORTS
from tests.support.commands import ncfcheck as command

GOOD = IMPORTS + stated()


def wrote(name: str, content: str | bytes = GOOD) -> str:
    path = Path(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (".", "cannot read .: it is a folder: name a file of claims in it"),
        ("claims.txt", "cannot read claims.txt: a file of claims ends in .py"),
        ("folder.py", "cannot read folder.py: it is a folder: name a file of claims in it"),
        ("none.py", "cannot read none.py: there is no such file"),
        ("empty.py", "empty.py states no claim: decorate a function with @claim of ncfcheck"),
    ],
)
def test_what_is_no_file_of_claims(own_command, source, told):
    """--claims names what is no file of claims → one line that says why, exit code 2"""
    wrote("claims.txt")
    wrote("empty.py", "")
    Path("folder.py").mkdir()
    for line in (["list"], ["check"], ["hunt", "mine.x"], ["show", "mine.x"]):
        assert own_command(*line, "--claims", source) == (2, "", f"ncfcheck: {told}\n")


def test_a_file_in_another_encoding(own_command):
    """a file in Latin-1 → read where it declares that, else told which byte is no UTF-8"""
    text = stated(doc='"""Für alle."""')
    wrote("mine.py", (IMPORTS + text).encode("latin-1"))
    code, out, err = own_command("list", "--claims", "mine.py")
    assert (code, out) == (2, "") and err.startswith("ncfcheck: mine.py:")
    assert "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xfc" in err
    wrote("declared.py", b"# -*- coding: latin-1 -*-\n" + (IMPORTS + text).encode("latin-1"))
    assert "Für alle." in own_command("list", "--claims", "declared.py")[1]


def test_a_file_that_is_no_text(own_command):
    """a file with null bytes → one line that names it and says so"""
    wrote("mine.py", b"\0" + GOOD.encode())
    code, out, err = own_command("list", "--claims", "mine.py")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("ncfcheck: mine.py: ") and "null bytes" in err


def test_a_file_that_prints(own_command):
    """a file that prints when it is loaded → that goes to standard error, results alone to
    standard output
    """
    wrote("mine.py", "print('loading')\n" + GOOD)
    code, out, err = own_command("list", "--claims", "mine.py")
    assert (code, err) == (0, "loading\n") and out.startswith("mine.x ")


def test_files_beside_it_with_names_of_ours(tmp_path):
    """ncfcheck.py, checker.py, numpy.py, random.py beside a file of claims → theirs are not taken
    for ours
    """
    for name in ("ncfcheck", "checker", "properties", "numpy", "random"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not the one meant')\n")
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    (tmp_path / "work").mkdir()
    options = ["--examples", 60, "--workers", 2]
    found = command("check", "--claims", path, *options, folder=tmp_path / "work")
    assert found.returncode == 0, found.stderr


def test_one_file_twice(own_command):
    """one file given twice, spelt differently → its claims once"""
    wrote("mine.py")
    files = ["--claims", "mine.py", "--claims", "../" + Path.cwd().name + "/mine.py"]
    assert len(own_command("list", *files)[1].splitlines()) == 1


def test_two_files_with_one_id(own_command):
    """two files that state a claim of one id → both places, exit code 2"""
    wrote("one.py")
    wrote("two.py")
    code, _, err = own_command("list", "--claims", "one.py", "--claims", "two.py")
    told = "two.py:5: ValueError: claim mine.x is registered twice, by holds at one.py:5 and holds "
    assert (code, err) == (2, f"ncfcheck: {told}at two.py:5: give one of them another id\n")


def test_a_file_imported_by_another(own_command):
    """a file of claims that another one imports, both given → it is said that it is loaded twice"""
    wrote("first_of_two.py")
    wrote("two.py", GOOD.replace("mine.x", "mine.y") + "\nimport first_of_two\n")
    code, _, err = own_command("list", "--claims", "two.py", "--claims", "first_of_two.py")
    told = "claim mine.x is registered twice: its file is imported by another one, too"
    assert (code, err) == (2, f"ncfcheck: first_of_two.py:5: ValueError: {told}\n")


def test_what_is_plainly_meant_is_taken(own_command):
    """kind="theorem", one hypothesis as a text, one pair of covers → taken for what they mean"""
    options = {"hypotheses": '"D > 2"', "covers": '("loss", "square")'}
    wrote("mine.py", IMPORTS + stated(kind='"theorem"', **options))
    assert own_command("check", "--claims", "mine.py")[0] == 0
    found = claims.registered()["mine.x"]
    assert (found.kind, found.hypotheses) == (claims.THEOREM, ("D > 2",))
    assert found.covers == (("loss", "square"),)


def test_what_is_expected_is_shown(own_command):
    """a conjecture with expect="not refuted" → list, show and reports tell so"""
    wrote("mine.py", IMPORTS + stated(expect='"not refuted"'))
    given = ["--claims", "mine.py"]
    assert own_command("list", *given)[1].endswith("It holds.  (expected: not refuted)\n")
    shown = own_command("show", "mine.x", *given)[1]
    assert "kind          conjecture (expected: not refuted)\n" in shown
    files = ["--markdown", "a.md", "--html", "a.html", "--junit", "a.xml", "--json", "a.json"]
    assert own_command("check", *given, *files)[0] == 0
    assert "| conjecture, expected not refuted |" in Path("a.md").read_text()
    assert "expected: not refuted" in Path("a.xml").read_text()
    assert ">conjecture, expected not refuted<" in Path("a.html").read_text()
    assert ncfcheck.results("a.json").expect["mine.x"] == "not refuted"


def test_a_claim_renamed_in_a_notebook(own_command):
    """a function of a notebook renamed under the same id → both places; run again: stated anew"""

    def run(number, text):
        exec(compile(text, f"<cell {number}>", "exec"), {"__name__": "__main__"})

    run(1, GOOD)
    run(2, GOOD)
    told = "claim mine.x is registered twice, by holds at <cell 2>:5 and other at <cell 3>:5"
    with pytest.raises(ValueError, match=told):
        run(3, GOOD.replace("def holds", "def other"))


def test_commands_that_are_shown_name_the_file(own_command):
    """an unexpected verdict on a claim of a file → the commands shown name the file, and work"""
    wrote("mine.py", IMPORTS + stated("return Margin(-1.0, 0.0)", kind="THEOREM"))
    out = own_command("check", "--claims", "mine.py", "--quiet")[1]
    [again] = [line for line in out.splitlines() if "again: " in line]
    code, same, _ = own_command(*again.split("ncfcheck ")[1].split(), "--quiet")
    assert code == 1 and again in same


def test_commands_that_are_shown_give_the_same_again(own_command):
    """a check of a table with many options → the command shown has them all, for any shell"""
    wrote("mine's.py", IMPORTS + stated("return Margin(-1.0, 0.0)", kind="THEOREM"))
    rows = "\n".join(f"{x},5;{x * x % 7};{x % 3},25" for x in range(20))
    Path("a table.csv").write_text(f"a;b;my label\n{rows}\n")
    table = ("--data", "a table.csv", "--target", "my label", "--delimiter", ";", "--decimal", ",")
    how = ("--no-standardise", "--certify", "--instance-timeout", "5", "--examples", "3")
    out = own_command("check", "--claims", "mine's.py", *table, *how, "--quiet")[1]
    [again] = [line for line in out.splitlines() if "again: " in line]
    words = shlex.split(again.split("ncfcheck ")[1])
    place = Path("a table.csv").absolute()
    assert words[-7:] == [
        *(f"--data={place}", "--target=my label", "--delimiter=;", "--decimal=,"),
        *("--no-standardise", "--instance-timeout=5.0", "--certify"),
    ]
    shutil.rmtree("reports")  # what it found, which is replayed
    code, same, _ = own_command(*words, "--quiet")
    assert code == 1 and same.splitlines()[:-1] == out.splitlines()[:-1]
