"""The independent verifier accepts certificates and nothing else, in bounded time and memory."""

from __future__ import annotations

import ast
import copy
import functools
import io
import json
import os
import random
import re
import resource
import subprocess
import sys
import tokenize
from pathlib import Path

import numpy as np
import pytest

from ncfcheck.app.cli import main as command_line
from ncfcheck.certify import Certificate, certify, document
from ncfcheck.core.claims import registered
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.starts import unit
from ncfcheck.verifier import REFUTATIONS, Rejected, verify
from ncfcheck.verifier.__main__ import main
from ncfcheck.verifier.numbers import Ball, _root, ball, dot
from ncfcheck.verifier.witnesses import DATA
from tests.support import ROOT
from tests.support.certified import is_rejected, resealed, statement, witness
from tests.support.exact_networks import first_violation

BOXED = (
    "control.nonuniform",
    "control.negative_value",
    "control.saddles",
    "control.positive_unstable",
    "control.shared_neurons",
)
OTHERS = (
    "control.biases",
    "control.any_point",
    "control.zero_points",
    "control.wrong_labels",
    "control.equal_entries",
)
OTHERS += ("control.slope_outside",)
NUMBERLESS = ("control.biases", "control.zero_points", "control.wrong_labels")  # no data needed
# The first seed whose KKT point depends on all of the data: on no sample near zero, on all inputs.
SEEDS = {"control.positive_unstable": 8}
FULL = bool(os.environ.get("NCFCHECK_FULL"))
CORE = ("files.py", "witnesses.py", "registry.py", "numbers.py", "reading.py", "networks.py")
VERIFIER = ROOT / "checker" / "verifier" / "__main__.py"


@functools.cache
def _sealed(id: str) -> str:
    claim = registered()[id]
    for seed in range(SEEDS.get(id, 0), 20):
        instance = first_violation(claim, seed)
        found = certify(claim, instance)
        if isinstance(found, Certificate) and instance.network.size < 25:
            return json.dumps(document(claim, instance, found))
    raise AssertionError(f"no small certificate of {id}")


def sealed(id: str) -> dict:
    """A witness with a certificate of the claim."""
    return json.loads(_sealed(id))


@pytest.mark.parametrize("id", BOXED + OTHERS)
def test_a_certificate_is_accepted(id):
    assert verify(sealed(id))


@pytest.mark.parametrize("id", BOXED + OTHERS)
def test_one_character_changed_anywhere_is_rejected(id):
    text, rng, rejected = _sealed(id), random.Random(1), 0
    for _ in range(200):
        place = rng.randrange(len(text))
        changed = text[:place] + rng.choice('0123456789abcdef-.x"{}[],:') + text[place + 1 :]
        if changed == text:
            changed = text[:place]
        try:
            found = json.loads(changed)
        except ValueError:
            rejected += 1
            continue
        if found == json.loads(text):
            continue
        assert is_rejected(found, seal=False), (place, text[max(0, place - 30) : place + 30])
        rejected += 1
    assert rejected > 150


def centre(found: dict) -> list[str]:
    return found["certificate"]["data"]["box"]["centre"]


def radius(found: dict) -> float:
    return float.fromhex(found["certificate"]["data"]["box"]["radius"])


@pytest.mark.parametrize("id", BOXED)
def test_a_box_shifted_by_a_few_radii_is_rejected(id):
    found = sealed(id)
    for place in range(len(centre(found))):
        for shift in (-1e6, -30.0, 30.0, 1e3) if FULL else (30.0, -1e6):
            moved = copy.deepcopy(found)
            centre(moved)[place] = (
                float.fromhex(centre(moved)[place]) + shift * radius(moved)
            ).hex()
            if centre(moved) != centre(found):
                assert is_rejected(moved), (place, shift)


@pytest.mark.parametrize("id", BOXED)
def test_a_box_with_a_sign_flipped_or_entries_missing_is_rejected(id):
    found = sealed(id)
    for place in range(len(centre(found))):
        for change in ("flip", "drop", "nan"):
            moved = copy.deepcopy(found)
            value = float.fromhex(centre(moved)[place])
            if change == "drop":
                del centre(moved)[place]
            else:
                centre(moved)[place] = "nan" if change == "nan" else (-value).hex()
            if change != "flip" or abs(value) > 1e3 * radius(found):
                assert is_rejected(moved), (place, change)


@pytest.mark.parametrize("id", BOXED)
@pytest.mark.parametrize(
    "value",
    (
        "0x0.0p+0",
        "-0x1.0000000000000p-40",
        "0x1.0000000000000p-200",
        "0x1.0000000000000p+3",
        "inf",
        "nan",
    ),
)
def test_a_box_of_another_radius_is_rejected(id, value):
    found = sealed(id)
    found["certificate"]["data"]["box"]["radius"] = value
    assert is_rejected(found)


@pytest.mark.parametrize("id", BOXED)
def test_a_box_around_the_kkt_point_of_other_data_or_labels_is_rejected(id):
    found = sealed(id)
    for field in ("X", "y"):
        rows = found["instance"]["problem"][field]["array"]
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if float.fromhex(value) and len(rows) > 1:
                    changed = copy.deepcopy(found)
                    changed["instance"]["problem"][field]["array"][i][j] = (
                        1.5 * float.fromhex(value)
                    ).hex()
                    before, after = (
                        np.array(rows),
                        np.array(changed["instance"]["problem"][field]["array"]),
                    )
                    assert (before != after).any()
                    if is_rejected(changed):
                        continue
                    # A sample that the point does not see, on the flat side of every neuron, may
                    # change at will.
                    assert 0.0 in [
                        float.fromhex(a["float"])
                        for a in found["instance"]["problem"]["network"]["slopes"]["tuple"]
                    ]


def with_generators(*turns) -> dict:
    """A box of a linear network with a circular first layer, its generators in place of those that
    fix its symmetries.
    """
    found = json.loads(_circular())
    box = found["certificate"]["data"]["box"]
    box["generators"] = [list(turn) for turn in turns]
    return resealed(found)


@functools.cache
def _circular() -> str:
    rng = np.random.default_rng(4)
    network = dense((3, 3, 1), (1,), (1.0,))
    problem = Problem(network, rng.standard_normal((5, 3)), rng.standard_normal((5, 1)))
    instance = Instance(problem, unit(rng.standard_normal(network.size)), seeds=(4,))
    claim = registered()["control.shared_balance"]
    return json.dumps(document(claim, instance, claim.refute(instance)))


def test_a_shift_of_a_circular_layer_is_fixed_and_no_other_turn_is():
    assert verify(with_generators([1]))
    for turns in (
        [],
        [[2]],
        [[0]],
        [[3]],
        [[-1]],
        [[1.0]],
        [[1], [1]],
        [[0, 0, 1]],
        [[0, 1]],
        [[1, 0, 1]],
    ):
        accepted = not is_rejected(with_generators(*turns))
        assert not accepted or turns == [[2]], (
            turns
        )  # the shift by −1, or 2, is the one by 1 the other way round


def edited(id: str, edit) -> dict:
    found = sealed(id)
    edit(found["instance"], found["certificate"]["data"])
    return resealed(found)


def array(values) -> dict:
    return {"array": [float(v).hex() for v in values], "shape": [len(values)]}


def _numbers(found) -> list[float]:
    return [float.fromhex(v) for v in found["array"]]


def _uniform(instance, data):
    instance["profiles"]["tuple"] = [
        array([1.0 / len(p["array"]) ** 0.5] * len(p["array"]))
        for p in instance["profiles"]["tuple"]
    ]


def _negated(instance, data):
    first = instance["profiles"]["tuple"][0]
    first["array"][0] = (-1.0).hex()


def _other_start(instance, data):
    instance["start"] = array(_numbers(instance["start"])[::-1])


def _nowhere(instance, data):
    instance["start"] = array([0.0] * len(instance["start"]["array"]))


def _other_powers(instance, data):
    powers = instance["problem"]["network"]["powers"]["tuple"]
    powers[0] += 1


def _equal_labels(instance, data):
    instance["problem"]["y"]["array"] = [
        [(1.0).hex()] * len(row) for row in instance["problem"]["y"]["array"]
    ]


def _slope_one(instance, data):
    network = instance["problem"]["network"]
    network["slopes"]["tuple"] = [{"float": (1.0).hex()}] * len(network["slopes"]["tuple"])


def _no_neuron(instance, data):
    data["active"][0] = []


def _one_neuron(instance, data):
    data["active"][-1] = data["active"][-1][:1]


def _twice(instance, data):
    data["active"][0] = [data["active"][0][0]] * 2


def _no_kinks(instance, data):
    data["kinks"] = []


def _other_kinks(instance, data):
    data["kinks"] = list(range(len(instance["problem"]["y"]["array"])))


def _dependent(instance, data):
    data["basis"] *= 2
    data["normal"] *= 2


def _no_normal(instance, data):
    data["normal"] = [(0.0).hex()] * len(data["normal"])


DROPPED = [
    ("control.nonuniform", _uniform),
    ("control.nonuniform", _negated),
    ("control.nonuniform", _other_start),
    ("control.nonuniform", _other_powers),
    ("control.negative_value", _negated),
    ("control.equal_entries", _slope_one),
    ("control.equal_entries", _uniform),
    ("control.any_point", _nowhere),
    ("control.wrong_labels", _equal_labels),
    ("control.saddles", _one_neuron),
    ("control.saddles", _no_neuron),
    ("control.saddles", _twice),
    ("control.positive_unstable", _no_neuron),
    ("control.shared_neurons", _one_neuron),
    ("control.slope_outside", _no_kinks),
    ("control.slope_outside", _other_kinks),
    ("control.slope_outside", _dependent),
    ("control.slope_outside", _no_normal),
    ("control.slope_outside", _slope_one),
]


@pytest.mark.parametrize("id, edit", DROPPED, ids=lambda value: getattr(value, "__name__", value))
def test_a_hypothesis_dropped_or_a_conclusion_met_is_rejected(id, edit):
    assert is_rejected(edited(id, edit))


@pytest.mark.parametrize("id", BOXED + OTHERS)
def test_the_certificate_of_another_claim_is_rejected(id):
    others = [
        other
        for other in BOXED + OTHERS
        if other != id and other.split(".")[1] not in ("any_point", "positive_unstable")
    ]
    compatible = {"control.nonuniform": {"control.negative_value"}}
    for other in others:
        found = sealed(id)
        found["claim"] = other
        if other not in compatible.get(id, set()) and not is_rejected(found):
            # Only where the instance does refute the other claim, or the same numbers do.
            same = ("positive_unstable", "shared_neurons", "saddles", "biases", "any_point")
            assert other in NUMBERLESS or id.split(".")[1] in same


def lines_of_code(path: Path) -> int:
    """Lines with anything but comments and docstrings on them."""
    source, quoted = path.read_text(encoding="utf-8"), set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            quoted.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    empty = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    told = {
        line
        for each in tokens
        if each.type not in empty
        for line in range(each.start[0], each.end[0] + 1)
    }
    return len(told - quoted)


def test_what_every_certificate_rests_on_is_short_and_as_long_as_the_page_says():
    root = ROOT
    count = sum(lines_of_code(root / "checker" / "verifier" / each) for each in CORE)
    page = (root / "docs" / "certificates.md").read_text(encoding="utf-8")
    assert count <= 550 and f"{count} lines of code" in page, count


def test_comments_docstrings_and_blank_lines_are_no_code(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        '"""Of\n\na module."""\n\n# Why.\nx = """a\nb"""  # two\n\ndef f():\n    """Of f."""\n    '
        "return (\n        x\n    )\n"
    )
    assert lines_of_code(path) == 6


def hostile() -> dict[str, bytes]:
    """Files that would cost a careless reader its time or memory."""
    found = sealed("control.nonuniform")

    def changed(edit) -> bytes:
        other = copy.deepcopy(found)
        edit(other)
        return json.dumps(resealed(other)).encode()

    network = ("instance", "problem", "network")

    def put(path, value):
        def edit(other):
            for key in path[:-1]:
                other = other[key]
            other[path[-1]] = value

        return edit

    wide = {"tuple": [10**9, 10**9, 1]}
    return {
        "empty": b"",
        "truncated": _sealed("control.nonuniform").encode()[:-40],
        "deep": b'{"instance": ' + b"[" * 10**6 + b"]" * 10**6 + b"}",
        "deep objects": b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
        "huge integer": b'{"format": ' + b"9" * 10**6 + b"}",
        "not an object": b"[1, 2, 3]",
        "binary": bytes(range(256)) * 100,
        "huge exponent": changed(put(("certificate", "data", "box", "radius"), "0x1p+99999999999")),
        "long number": changed(put(("certificate", "data", "box", "radius"), "0x1." + "0" * 10**6)),
        "huge scale": changed(put(("certificate", "data", "box", "scale"), 10**12)),
        "many centres": changed(
            put(("certificate", "data", "box", "centre"), ["0x1.0000000000000p+0"] * 10**5)
        ),
        "many generators": changed(
            put(("certificate", "data", "box", "generators"), [[0, 0, 1]] * 10**5)
        ),
        "wide": changed(put((*network, "widths"), wide)),
        "high powers": changed(put((*network, "powers"), {"tuple": [10**9] * 3})),
        "wrong shape": changed(
            put(
                ("instance", "problem", "X"),
                {"array": [["0x1.0000000000000p+0"]], "shape": [10**9, 10**9]},
            )
        ),
        "no slopes": changed(put((*network, "slopes"), {"tuple": []})),
        "null everywhere": changed(put(("instance",), None)),
        "text for numbers": changed(put(("instance", "start"), "start")),
        "booleans for integers": changed(put((*network, "widths"), {"tuple": [True, True, True]})),
        "other format": changed(put(("format",), "ncfcheck-witness/2")),
    }


def _limited():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def test_hostile_files_are_turned_down_in_bounded_time_and_memory(tmp_path):
    for name, content in hostile().items():
        path = tmp_path / "witness.json"
        path.write_bytes(content)
        command = [sys.executable, "-I", VERIFIER, str(path)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, preexec_fn=_limited
        )
        assert done.returncode in (1, 2), (name, done)
        assert (
            len((done.stdout + done.stderr).splitlines()) == 1 and "Traceback" not in done.stderr
        ), (name, done)


def test_a_file_of_100_megabytes_is_not_read(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    assert main(path) == 2


def test_the_exit_codes_tell_accepted_from_rejected_from_unreadable(tmp_path, capsys):
    path = tmp_path / "witness.json"
    path.write_text(_sealed("control.nonuniform"))
    assert command_line(["verify", str(path)]) == 0
    assert "accepted: control.nonuniform is refuted" in capsys.readouterr().out
    found = sealed("control.nonuniform")
    found["certificate"] = None
    path.write_text(json.dumps(found))
    assert command_line(["verify", str(path)]) == 1
    assert "rejected: the witness has no certificate" in capsys.readouterr().out
    assert command_line(["verify", str(tmp_path / "none.json")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_what_is_proved_is_said_of_every_claim_in_words_of_the_verifier_s_own(tmp_path, capsys):
    assert all(claim.__doc__ and statement(claim).endswith(".") for claim in REFUTATIONS.values())
    path, found = tmp_path / "witness.json", sealed("control.nonuniform")
    found["certificate"]["proves"] = "that every theorem is false"
    path.write_text(json.dumps(resealed(found)))
    assert main(path) == 0
    told = capsys.readouterr().out
    assert "theorem" not in told and "sin∠(∇N, w) > 0.01" in told


@pytest.mark.parametrize("where", (".", VERIFIER.parent, ROOT))
@pytest.mark.parametrize("options", ((), ("-I",), ("-I", "-S")))
def test_the_verifier_runs_as_a_file_with_nothing_installed(where, options):
    path = ROOT / "reports" / "counterexamples" / "control.zero_points.json"
    command = [sys.executable, *options, VERIFIER, path]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "accepted: control.zero_points is refuted: At `start` with W_1 = 0, "
    )


def test_the_verifier_uses_the_standard_library_and_nothing_else_of_the_program():
    for path in (ROOT / "checker" / "verifier").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names += [] if node.level == 1 else ["." * node.level + (node.module or "")]
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names, (path, name)


def test_intervals_contain_the_exact_results_of_random_operations():
    from fractions import Fraction

    rng = random.Random(0)

    def value(x: Ball, end: str) -> Fraction:
        return Fraction(getattr(x, end)) * Fraction(2) ** x.e

    for _ in range(20_000 if FULL else 3000):
        numbers = [
            rng.choice(
                (rng.gauss(0, 1), rng.gauss(0, 1) * 10.0 ** rng.randint(-150, 150), 5e-324, 0.0)
            )
            for _ in range(6)
        ]
        exact, balls = list(map(Fraction, numbers)), list(map(ball, numbers))
        cases = [(dot(balls[:3], balls[3:]), sum(a * b for a, b in zip(exact[:3], exact[3:])))]
        cases.append(
            (balls[0] * balls[1] - balls[2] + balls[3], exact[0] * exact[1] - exact[2] + exact[3])
        )
        if exact[4]:
            cases.append((balls[5] / balls[4], exact[5] / exact[4]))
        for found, wanted in cases:
            assert value(found, "lo") <= wanted <= value(found, "hi")
        root = abs(balls[0]).root(3)
        assert value(root, "lo") ** 3 <= abs(exact[0]) <= value(root, "hi") ** 3


def test_integer_roots_are_the_largest_that_fit():
    for k in (1, 2, 3, 5):
        for n in [*range(200), 10**40, 10**40 + 1, 2**333 - 1]:
            r = _root(n, k)
            assert r**k <= n < (r + 1) ** k


def test_data_that_no_certificate_has_is_rejected():
    for data in ({"point": ["0x1p0"]}, {"box": [{"lie": 1}]}, {"first": {"more": "all is false"}}):
        found = witness("control.zero_points")
        found["certificate"]["data"] |= data
        with pytest.raises(Rejected, match="data that no certificate has"):
            verify(resealed(found))


def test_the_data_of_certificates_are_those_of_the_documents():
    text = (ROOT / "docs" / "certificates.md").read_text(encoding="utf-8")
    quoted = " ".join(re.findall(r"`([^`]+)`", text.split("## The format")[1]))
    assert DATA - {"above", "along", "at", "file"} <= set(re.findall(r"\w+", quoted))
