"""Mistakes in files of claims: each is told by file and line, with what was wrong and is right."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commands import IMPORTS


def stated(
    body: str = "return Margin(1.0, 0.0)",
    *,
    id: str = '"mine.x"',
    kind: str = "CONJECTURE",
    reference: str = '"-"',
    given: str = "instances(only_dense=True)",
    signature: str = "(instance)",
    doc: str = '"""It holds."""',
    **others: str,
) -> str:
    """A claim in six lines: the decorator in the second, the body in the last."""
    options = "".join(f", {name}={value}" for name, value in others.items())
    return (
        f"\n@claim({id}, kind={kind}, reference={reference}, given={given}{options})\n"
        f"def holds{signature}:\n    {doc}\n    {body}\n"
    )


@dataclass(frozen=True)
class Mistake:
    """A mistake, the body of the file mine.py with it, and the golden message of the command.

    With exit code 2 the message is all that is printed; else it ends a line of what is printed.
    """

    name: str
    body: str
    message: str
    code: int = 2
    command: str = "check"


MISTAKES = [
    Mistake("syntax", "\nx = (\n", "mine.py:5: SyntaxError: '(' was never closed"),
    Mistake(
        "a name that there is not",
        "\nx = undefined_name\n",
        "mine.py:5: NameError: name 'undefined_name' is not defined",
    ),
    Mistake(
        "a module that is missing",
        "\nimport no_such_module\n",
        "mine.py:5: ModuleNotFoundError: No module named 'no_such_module'",
    ),
    Mistake(
        "it exits",
        "\nimport sys\n\nsys.exit(3)\n",
        "mine.py:7: it exits when it is loaded: put that under if __name__ == "
        '"__main__" (SystemExit: 3)',
    ),
    Mistake(
        "it raises what Ctrl-C does when it is loaded",
        "\nraise KeyboardInterrupt\n",
        "mine.py:5: KeyboardInterrupt",
    ),
    Mistake(
        "it states no claim",
        "\nx = 1\n",
        "mine.py states no claim: decorate a function with @claim of ncfcheck",
    ),
    Mistake(
        "id without an area",
        stated(id='"mine"'),
        "mine.py:5: ValueError: claim id 'mine' is not of the form area.name: a to z, digits, _ "
        "and - with one dot between, at most 100",
    ),
    Mistake(
        "id with a path",
        stated(id='"../up.x"'),
        "mine.py:5: ValueError: claim id '../up.x' is not of the form area.name: a to z, digits, "
        "_ and - with one dot between, at most 100",
    ),
    Mistake(
        "id with a star",
        stated(id='"mine.*"'),
        "mine.py:5: ValueError: claim id 'mine.*' is not of the form area.name: a to z, digits, "
        "_ and - with one dot between, at most 100",
    ),
    Mistake(
        "id with a space",
        stated(id='"mine.my claim"'),
        "mine.py:5: ValueError: claim id 'mine.my claim' is not of the form area.name: a to z, "
        "digits, _ and - with one dot between, at most 100",
    ),
    Mistake(
        "id of two dots",
        stated(id='"mine.my.claim"'),
        "mine.py:5: ValueError: claim id 'mine.my.claim' is not of the form area.name: a to z, "
        "digits, _ and - with one dot between, at most 100",
    ),
    Mistake(
        "id that is no text",
        stated(id="17"),
        "mine.py:5: TypeError: a claim's id is text of the form area.name, not 17",
    ),
    Mistake(
        "id too long",
        stated(id='"mine." + "x" * 200'),
        "mine.py:5: ValueError: claim id "
        "'mine.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… is not of the form "
        "area.name: a to z, digits, _ and - with one dot between, at most 100",
    ),
    Mistake(
        "id twice",
        stated() + stated(),
        "mine.py:10: ValueError: claim mine.x is registered twice, by holds at mine.py:5 and "
        "holds at mine.py:10: give one of them another id",
    ),
    Mistake(
        "no options",
        '\n@claim("mine.x")\ndef f(instance):\n    pass\n',
        "mine.py:5: TypeError: claim() missing 3 required keyword-only arguments: 'kind', "
        "'reference', and 'given'",
    ),
    Mistake(
        "unknown kind",
        stated(kind='"lemma"'),
        "mine.py:5: ValueError: kind is one of 'theorem', 'conjecture', 'control', not 'lemma'",
    ),
    Mistake(
        "reference that is no text",
        stated(reference="3.1"),
        "mine.py:5: TypeError: reference is text, not 3.1",
    ),
    Mistake(
        "strategy not called",
        stated(given="instances"),
        "mine.py:5: TypeError: given is a strategy such as instances() or one of Hypothesis's, "
        "not a function or class that makes one: call it",
    ),
    Mistake(
        "strategy of Hypothesis not called",
        "\nfrom hypothesis import strategies as st\n" + stated(given="st.integers"),
        "mine.py:7: TypeError: given is a strategy such as instances() or one of Hypothesis's, "
        "not a function or class that makes one: call it",
    ),
    Mistake(
        "list for a strategy",
        stated(given="[1, 2, 3]"),
        "mine.py:5: TypeError: given is a strategy such as instances() or one of Hypothesis's, "
        "not [1, 2, 3]",
    ),
    Mistake(
        "hypotheses that are no text",
        stated(hypotheses="(1, 2)"),
        "mine.py:5: TypeError: each of the hypotheses is text, not 1",
    ),
    Mistake(
        "covers that are no pairs",
        stated(covers='["loss"]'),
        "mine.py:5: TypeError: covers are pairs (key, value) such as (('loss', 'logistic'),), not "
        "('loss',)",
    ),
    Mistake(
        "covers of what there is not",
        stated(covers='(("lss", "square"),)'),
        "error: mine.py:5: covers asks for 'lss', but instances have: D, L, p, α, layers, "
        "outputs, loss, N(v_0), data, labels, start",
        code=1,
    ),
    Mistake(
        "expects what is no verdict",
        stated(expect='"proved"'),
        "mine.py:5: ValueError: expect is one of 'not refuted', 'refuted', not 'proved'",
    ),
    Mistake(
        "theorem expected to be refuted",
        stated(kind="THEOREM", expect='"refuted"'),
        "mine.py:5: ValueError: expect='refuted': a theorem is expected to be not refuted",
    ),
    Mistake(
        "conjecture that drops a hypothesis",
        stated(drops='"D > 2"'),
        "mine.py:5: ValueError: claim mine.x drops a hypothesis, but only controls do: "
        "kind=CONTROL",
    ),
    Mistake(
        "control of no claim",
        stated(kind='"control"', of='("mine.y",)'),
        "mine.py:5: mine.x is a control of 'mine.y', which no claim has as its id; did you mean "
        "'mine.x'?",
    ),
    Mistake(
        "refute that is no function",
        stated(refute='"yes"'),
        "mine.py:5: TypeError: refute is a function of an instance, not 'yes'",
    ),
    Mistake(
        "criterion of no place",
        stated(violated="abs"),
        "mine.py:5: ValueError: claim mine.x: violated= goes with at=, and without refute=",
    ),
    Mistake(
        "criterion of a place that there is not",
        stated(violated="abs", at='"limit"'),
        "mine.py:5: ValueError: at is one of 'start', 'kkt point', 'maximum', 'two maxima', not "
        "'limit'",
    ),
    Mistake(
        "criterion of one maximum of two",
        stated(violated="lambda maximum: maximum.N", at='"two maxima"'),
        "mine.py:5: TypeError: violated is a function of two points, not <lambda>(maximum)",
    ),
    Mistake(
        "criterion that is no function",
        stated(violated="0.9", at='"start"'),
        "mine.py:5: TypeError: violated is a function of one point, not 0.9",
    ),
    Mistake(
        "no docstring",
        stated(doc="pass"),
        "mine.py:5: ValueError: claim mine.x has no docstring: it states the claim, below the def",
    ),
    Mistake(
        "function of two arguments",
        stated(signature="(network, data)"),
        "mine.py:5: TypeError: @claim decorates a function of one instance that returns a Margin "
        "(mine.x), not holds(network, data)",
    ),
    Mistake(
        "method",
        "\n\nclass Mine:\n"
        + "\n".join("    " + l for l in stated(signature="(self, instance)").strip().split("\n"))
        + "\n",
        "mine.py:7: TypeError: @claim decorates a function of one instance that returns a Margin "
        "(mine.x), not holds(self, instance)",
    ),
    Mistake(
        "class",
        stated("pass").replace("def holds(instance)", "class Mine"),
        "mine.py:5: TypeError: @claim decorates a function of one instance that returns a Margin "
        "(mine.x), not the class Mine",
    ),
    Mistake(
        "generator",
        stated("yield Margin(1.0, 0.0)"),
        "mine.py:5: TypeError: @claim decorates a function of one instance that returns a Margin "
        "(mine.x): holds is a generator",
    ),
    Mistake(
        "nothing returned",
        stated("Margin(1.0, 0.0)"),
        "mine.x: error: mine.py:5: TypeError: mine.x returns None, not a Margin(value, error)",
    ),
    Mistake(
        "number returned",
        stated("return 0.5"),
        "mine.x: error: mine.py:5: TypeError: mine.x returns 0.5, not a Margin(value, error)",
    ),
    Mistake(
        "pair returned",
        stated("return 0.5, 0.1"),
        "mine.x: error: mine.py:5: TypeError: mine.x returns (0.5, 0.1), not a Margin(value, "
        "error)",
    ),
    Mistake(
        "negative error",
        stated("return Margin(1.0, -5)"),
        "mine.x: error: mine.py:8: ValueError: a margin's error is a bound on |computed − exact|, "
        "at least 0, not -5",
    ),
    Mistake(
        "margin of nothing",
        stated("return Margin(None, 0.0)"),
        "mine.x: error: mine.py:8: TypeError: a margin's value is one real number, not None",
    ),
    Mistake(
        "margin of an array",
        stated("return Margin(np.ones(3), 0.0)"),
        "mine.x: error: mine.py:8: TypeError: a margin's value is one real number, not an array "
        "of shape (3,)",
    ),
    Mistake(
        "complex margin",
        stated("return Margin(1j, 0.0)"),
        "mine.x: error: mine.py:8: TypeError: a margin's value is one real number, not 1j",
    ),
    Mistake(
        "margin of a text",
        stated('return Margin("0.5", 0.0)'),
        "mine.x: error: mine.py:8: TypeError: a margin's value is one real number, not '0.5'",
    ),
    Mistake(
        "margin of a truth",
        stated("return Margin(instance.fraction > 0, 0.0)"),
        "mine.x: error: mine.py:8: TypeError: a margin's value is one real number, not True: "
        "Margin(1.0 if it holds else -1.0, 0.0)",
    ),
    Mistake(
        "margin of a truth of numpy",
        stated("return Margin(np.all(instance.start < 9), 0.0)"),
        "mine.x: error: mine.py:8: TypeError: a margin's value is one real number, not np.True_: "
        "Margin(1.0 if it holds else -1.0, 0.0)",
    ),
    Mistake(
        "margin without error",
        stated("return Margin(1.0)"),
        "mine.x: error: mine.py:8: TypeError: Margin.__init__() missing 1 required positional "
        "argument: 'error'",
    ),
    Mistake(
        "division by zero everywhere",
        stated("return Margin(1 / 0, 0.0)"),
        "mine.x: error: mine.py:8: ZeroDivisionError: division by zero",
    ),
    Mistake(
        "it exits when asked",
        stated("raise SystemExit(0)"),
        "mine.x: error: mine.py:8: SystemExit: 0",
    ),
    Mistake(
        "it raises what Ctrl-C does",
        stated("raise KeyboardInterrupt('by mistake')"),
        "mine.x: error: mine.py:8: KeyboardInterrupt: by mistake",
    ),
    Mistake(
        "attribute that there is not",
        stated("return Margin(instance.weights[0], 0.0)"),
        "mine.x: error: mine.py:8: AttributeError: 'Instance' object has no attribute 'weights'",
    ),
    Mistake(
        "hunted division by zero",
        stated("return Margin(1 / 0, 0.0)"),
        "mine.x: error: mine.py:8: ZeroDivisionError: division by zero",
        command="hunt mine.x --budget 8",
    ),
    Mistake(
        "error on some instances",
        stated("return Margin(1 / (len(instance.problem.X) != 1), 0.0)"),
        "error: mine.py:8: ZeroDivisionError: division by zero",
        code=1,
    ),
    Mistake(
        "hunted error on some instances",
        stated("return Margin(1 / (len(instance.problem.X) != 1), 0.0)"),
        " × mine.py:8: ZeroDivisionError: division by zero",
        code=1,
        command="hunt mine.x --budget 40",
    ),
    Mistake(
        "not a number everywhere",
        stated("return Margin(np.nan, 0.0)"),
        "margin is not a number",
        code=1,
    ),
    Mistake(
        "applies to nothing",
        stated('raise Inapplicable("never")').replace(
            "\n@claim", "\nfrom ncfcheck import Inapplicable\n\n@claim"
        ),
        "unresolved: only 0 of 25 instances met the hypotheses",
        code=1,
    ),
    Mistake(
        "applies to hardly anything",
        "\nfrom hypothesis import strategies as st\nfrom ncfcheck import Inapplicable\n"
        + stated(
            "if x % 997 != 123: raise Inapplicable('not 123 modulo 997')\n    return Margin(1.0, "
            "0.0)",
            signature="(x)",
            given="st.integers(0, 10**9)",
        ),
        "unresolved: only 1 of 25 instances met the hypotheses",
        code=1,
    ),
    Mistake(
        "strategy that turns down everything",
        "\nfrom hypothesis import strategies as st\n"
        + stated(given="st.integers().filter(lambda x: x != x)"),
        "mine.x: error: while drawing: mine.py:7: Unsatisfiable: the strategy turned down "
        "everything that was drawn from it, mostly as integers().filter(lambda x: x != x) turned "
        "it down",
        command="check --examples 2",
    ),
    Mistake(
        "strategy that fails",
        "\nfrom hypothesis import strategies as st\n"
        + stated(given="st.integers().map(lambda x: x.nothing)"),
        "mine.x: error: while drawing: mine.py:7: AttributeError: 'int' object has no attribute "
        "'nothing'",
    ),
    Mistake(
        "drawn anew",
        "\nrng = np.random.default_rng(0)\n" + stated("return Margin(2 + rng.random(), 0.0)"),
        "error: mine.py:7: not deterministic: margin 2.63696, then 2.26979",
        code=1,
    ),
    Mistake(
        "drawn anew and violated",
        "\nrng = np.random.default_rng(0)\n" + stated("return Margin(-2 - rng.random(), 0.0)"),
        "mine.x: error: mine.py:7: not deterministic: margin -2.63696, then -2.26979",
    ),
    Mistake(
        "undecided, then not",
        "\ncalls = []\n"
        + stated("calls.append(1)\n    return Margin(1.0 if len(calls) > 1 else np.nan, 0.0)"),
        "error: mine.py:7: not deterministic: margin nan, then 1",
        code=1,
    ),
    Mistake(
        "description that fails",
        "\nfrom hypothesis import strategies as st\n\nclass Spot(int):\n    def describe(self):\n "
        "       return self.nothing\n" + stated(given="st.builds(Spot, st.integers(0, 9))"),
        "mine.x: error: mine.py:9: AttributeError: 'Spot' object has no attribute 'nothing'",
    ),
    Mistake(
        "coverage that fails",
        "\nfrom hypothesis import strategies as st\n\nclass Spot(int):\n    def coverage(self):\n "
        "       return self.nothing\n" + stated(given="st.builds(Spot, st.integers(0, 9))"),
        "mine.x: error: mine.py:9: AttributeError: 'Spot' object has no attribute 'nothing'",
    ),
    Mistake(
        "conjecture expected to hold, and does not",
        stated("return Margin(-1.0, 0.0)", expect='"not refuted"'),
        "UNEXPECTED  mine.x is a conjecture (expected: not refuted), but is potential (25 of 25 "
        "instances violate it; violation rate at most 100 % with 95 % confidence)",
        code=1,
    ),
    Mistake(
        "conjecture expected to fail, and does not",
        stated(expect='"refuted"'),
        "UNEXPECTED  mine.x is a conjecture (expected: refuted), but is not refuted (on 25 "
        "instances; violation rate at most 11 % with 95 % confidence)",
        code=1,
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[each.name for each in MISTAKES])
def test_a_mistake_is_told_where_it_is(own_command, mistake):
    """a mistake in a file of claims → the golden message with file, line and what is right"""
    Path("mine.py").write_text(IMPORTS + mistake.body, encoding="utf-8")
    code, out, err = own_command(*mistake.command.split(), "--claims", "mine.py")
    lines = (out + err).splitlines()
    assert code == mistake.code, lines
    assert "Traceback" not in out + err and "every verdict as expected" not in out
    if mistake.code == 2:
        assert err == f"ncfcheck: {mistake.message}\n"
    else:
        assert [line for line in lines if line.endswith(mistake.message)], lines
