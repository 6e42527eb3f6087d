"""Witness files: nothing is lost in them, and a file that is not one is refused in one line."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from enum import Enum

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncfcheck.core.claims import CONTROL, Claim, Margin, Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.encoding import BadWitness, NotStorable, decode, encode
from ncfcheck.strategies.draw import draw
from ncfcheck.verdicts import witness
from ncfcheck.verifier import files
from tests.support import ROOT

load_claims()
HERE = __name__


class Colour(Enum):
    RED = "red"
    BLUE = 2


@dataclass(frozen=True)
class Shape:
    sides: int
    label: str = ""
    length: float | None = None
    parts: tuple[Shape, ...] = ()
    colour: Colour = Colour.RED
    sizes: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Odd:
    type: str


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.fractions()
    | st.sampled_from(Colour)
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=8,
)


def through(value, home=HERE):
    return decode(msgspec.json.decode(msgspec.json.encode(encode(value, home))), home)


def alike(a, b) -> bool:
    """Equal in type, bits and sign of zero."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or a.hex() == b.hex()
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return alike(list(a.items()), list(b.items()))
    return a == b


@given(VALUES)
def test_plain_values_come_back_as_they_were(value):
    assert alike(value, through(value))


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, -0.0], [np.inf, np.nan]]),
        np.zeros((0, 3)),
        np.zeros((2, 0)),
        np.array(0.1),
        np.arange(6).reshape(1, 2, 3),
        np.array([True, False]),
        np.array([1.1], dtype=np.float32),
        np.array([5e-324, 1.7e308]),
    ],
    ids=str,
)
def test_arrays_come_back_bit_for_bit(array):
    found = through(array)
    assert (found.dtype, found.shape, found.tobytes()) == (
        array.dtype,
        array.shape,
        array.tobytes(),
    )


def test_dataclasses_of_the_claims_own_module_come_back():
    shape = Shape(4, "square", 0.1, (Shape(3),), Colour.BLUE, {"side": 1.0})
    assert through(shape) == shape


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, Odd("round"), lambda: 0, np.array(["a"]), complex(1)],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_encoding_is_refused(value):
    with pytest.raises(NotStorable):
        encode(value, HERE)


def test_a_class_of_another_module_is_neither_stored_nor_built():
    with pytest.raises(NotStorable, match="own module"):
        encode(Shape(4), "ncfcheck")
    with pytest.raises(BadWitness, match="no such type: 'Shape'"):
        decode(encode(Shape(4), HERE), "ncfcheck")


@pytest.mark.parametrize("id", sorted(registered()))
def test_an_instance_of_every_claim_is_judged_the_same_after_a_round_trip(id):
    claim = registered()[id]
    for instance in draw(claim.strategy(), 2, 1, simplest=False):
        again = through(instance, claim.function.__module__)
        assert again.describe() == instance.describe()
        assert repr(claim.judge(again)) == repr(claim.judge(instance))


def test_names_of_types_are_unique_in_the_program():
    import inspect
    import sys

    names = [
        kind.__qualname__
        for module in list(sys.modules)
        if module.split(".")[0] == "ncfcheck"
        for kind in vars(sys.modules[module]).values()
        if inspect.isclass(kind)
        and kind.__module__ == module
        and hasattr(kind, "__dataclass_fields__")
    ]
    stored = {
        "Instance",
        "RankOneInstance",
        "FoundInstance",
        "Problem",
        "Network",
        "Pattern",
        "Numerics",
        "KktPoint",
    }
    assert all(names.count(name) == 1 for name in stored)


def signless():
    """A claim, an instance that violates it, and its margin."""
    claim = registered()["control.signless"]
    instance = next(
        each
        for each in draw(claim.strategy(), 9, 1, simplest=False)
        if claim.judge(each)[0] is Outcome.VIOLATES
    )
    return claim, instance, claim.judge(instance)[1]


def stored(tmp_path):
    claim, instance, margin = signless()
    return witness.store(
        witness.witness_of(claim, instance, margin, seed=3, worst=(instance, margin)), tmp_path
    )


def test_a_witness_tells_all_there_is_to_know(tmp_path):
    claim, instance, margin = signless()
    found = witness.read(stored(tmp_path))
    assert (found.claim, found.kind, found.statement) == (claim.id, CONTROL, claim.statement)
    assert found.judged == margin
    assert (found.seed, found.claims, found.certificate) == (3, None, None)
    assert {"ncfcheck", "numpy", "python"} <= set(found.versions)
    assert found.replay == f"ncfcheck replay {tmp_path / 'control.signless.json'}"
    assert witness.replay(found).still_violates
    first = decode(found.worst.instance, claim.function.__module__)
    assert first.describe() == instance.describe()
    assert any(line.startswith("H(x) = W") for line in found.rendering)
    assert "the claim fails" in found.rendering[-1]


def test_a_certified_witness_shows_what_is_proved():
    found = witness.read(ROOT / "reports" / "counterexamples" / "control.nonuniform.json")
    assert found.rendering[-1] == f"proved: {found.certificate['proves']}"


def test_another_instance_of_the_claim_gets_a_name_of_its_own(tmp_path):
    claim, instance, margin = signless()
    first = stored(tmp_path)
    assert stored(tmp_path) == first
    second = witness.store(
        witness.witness_of(claim, instance.__class__(instance.problem, instance.start), margin),
        tmp_path,
    )
    assert second != first and witness.stored(claim.id, tmp_path) == sorted([first, second])
    assert witness.stored("control.sign", tmp_path) == []


def test_the_same_witness_is_the_same_file(tmp_path):
    first = stored(tmp_path / "a").read_bytes()
    second = stored(tmp_path / "b").read_bytes()
    assert first.replace(b"/a/", b"/b/") == second


def changed(path, change):
    """The file after `change` of its JSON object."""
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))
    return path


def problem(found):
    return found["instance"]["problem"]


def set_(where, key, value):
    where[key] = value


CORRUPTIONS = {
    "the format is another": lambda w: set_(w, "format", "other/1"),
    "no claim": lambda w: w.pop("claim"),
    "a claim that is a number": lambda w: set_(w, "claim", 5),
    "a kind that does not exist": lambda w: set_(w, "kind", "lemma"),
    "a margin that is no number": lambda w: set_(w, "margin", "zero"),
    "a margin that is NaN": lambda w: set_(w, "margin", "nan"),
    "an unknown claim": lambda w: set_(w, "claim", "control.unheard"),
    "a type that is no dataclass": lambda w: set_(w["instance"], "type", "Popen"),
    "a type of the wrong kind": lambda w: set_(w, "instance", {"type": "Loss"}),
    "an unknown field": lambda w: set_(w["instance"], "colour", "red"),
    "a missing field": lambda w: w["instance"].pop("start"),
    "a field of the wrong type": lambda w: set_(w["instance"], "problem", 5),
    "a bare float": lambda w: set_(w["instance"], "fraction", 0.5),
    "NaN in the data": lambda w: problem(w)["X"]["array"][0].__setitem__(0, "nan"),
    "text in the data": lambda w: problem(w)["X"]["array"][0].__setitem__(0, "one"),
    "an array that is not full": lambda w: problem(w)["X"]["array"].pop(),
    "an array of objects": lambda w: set_(problem(w)["X"], "dtype", "object"),
    "integers for data": lambda w: set_(
        problem(w), "X", {"array": [[1]], "shape": [1, 1], "dtype": "int64"}
    ),
    "a negative shape": lambda w: set_(problem(w)["X"], "shape", [-1, 2]),
    "a start of another network": lambda w: set_(
        w["instance"], "start", {"array": ["0x1.0000000000000p+0"], "shape": [1]}
    ),
    "a start that is no unit vector": lambda w: w["instance"]["start"]["array"].__setitem__(
        0, "0x1.0000000000000p+4"
    ),
    "a huge network": lambda w: problem(w)["network"]["widths"]["tuple"].__setitem__(1, 10**12),
    "a huge order": lambda w: problem(w)["network"]["powers"]["tuple"].__setitem__(0, 10**12),
    "a slope out of range": lambda w: problem(w)["network"]["slopes"]["tuple"].__setitem__(
        0, {"float": "0x1.0000000000000p+3"}
    ),
    "an endless run": lambda w: set_(w["instance"]["numerics"], "calls", 10**15),
    "a fraction that explodes": lambda w: set_(
        w["instance"], "fraction", {"fraction": "1e999999999/1"}
    ),
    "a division by zero": lambda w: set_(w["instance"], "fraction", {"fraction": "1/0"}),
    "two tags": lambda w: set_(
        w["instance"], "fraction", {"float": "0x1.0000000000000p+0", "int": "1"}
    ),
    "a list where a value belongs": lambda w: set_(w["instance"], "fraction", [1]),
}


@pytest.mark.parametrize("change", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corrupt_witness_is_refused(tmp_path, change):
    path = changed(stored(tmp_path), change)
    with pytest.raises(BadWitness) as refusal:
        witness.replay(witness.read(path))
    assert str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 10**6, b'{"format": "ncfcheck-witness/1"}'],
    ids=lambda c: c[:9],
)
def test_a_file_that_is_no_witness_is_refused(tmp_path, content):
    (tmp_path / "w.json").write_bytes(content)
    with pytest.raises(BadWitness, match="is not a witness"):
        witness.read(tmp_path / "w.json")


def test_nested_values_too_large_files_and_folders_are_refused(tmp_path, monkeypatch):
    def nest(found):
        for _ in range(100):
            found["instance"]["fraction"] = {"tuple": [found["instance"]["fraction"]]}

    path = changed(stored(tmp_path), nest)
    with pytest.raises(BadWitness, match="nested too deep"):
        witness.instance_of(witness.read(path))
    monkeypatch.setattr(files, "LARGEST", 1000)
    with pytest.raises(BadWitness, match="larger than"):
        witness.read(path)
    for missing in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(BadWitness, match=f"cannot read {missing}"):
            witness.read(missing)


def test_a_stored_witness_is_whole_or_absent(tmp_path, monkeypatch):
    import os

    path = stored(tmp_path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(Exception, match="No space left"):
        stored(tmp_path)
    assert path.read_bytes() == before


def test_a_claim_of_the_users_own_is_named_but_never_run(tmp_path, monkeypatch):
    monkeypatch.setattr("ncfcheck.core.claims._registry", dict(registered()))
    claim = Claim(
        "mine.shapes", CONTROL, "No shape.", "", (), None, lambda shape: Margin(-1.0, 0.0)
    )
    found = witness.witness_of(claim, Shape(3), Margin(-1.0, 0.0), source=str(tmp_path / "mine.py"))
    assert found.replay.endswith(f"--claims {tmp_path / 'mine.py'}")
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(BadWitness, match=r"add --claims FILE\.py"):
        witness.replay(witness.read(witness.store(found, tmp_path)))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.0, "3"),
        (-0.5, "-1/2"),
        (1 / 3, "1/3"),
        (0.123456789, "0.123457"),
        (math.inf, "inf"),
        (-0.0, "0"),
    ],
)
def test_simple_numbers_are_rendered_as_such(value, shown):
    from ncfcheck.model.rendering import number

    assert number(value) == shown


def test_a_start_is_rendered_as_the_small_integers_it_is_a_multiple_of():
    from ncfcheck.model.rendering import common_scale

    vector = np.array([2.0, -1.0, 0.0, 3.0])
    scale = common_scale(vector / np.linalg.norm(vector))
    assert np.allclose(vector / np.linalg.norm(vector) * scale, vector)
    assert common_scale(np.array([1.0, np.pi])) == 1.0
