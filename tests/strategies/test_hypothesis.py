"""Hypothesis and us: its tests draw from our strategies, and claims are drawn from its own."""

import ast
import math
import random
import subprocess
import sys

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from ncfcheck.core.claims import Inapplicable
from ncfcheck.model.losses import Loss
from ncfcheck.strategies.choices import composite, integers, one_of, sampled_from
from ncfcheck.strategies.datasets import families
from ncfcheck.strategies.draw import Unsatisfiable, draw, draw_one, drawn
from ncfcheck.strategies.instances import given, instances
from ncfcheck.strategies.tape import FLOAT, float_bytes, float_of
from tests.support import ROOT

QUICK = hypothesis.settings(database=None, max_examples=60, deadline=None)


def failing(strategy, condition, settings=QUICK):
    """What a test of Hypothesis ends with, whose assertion is that the condition never holds."""
    seen = []

    @settings
    @hypothesis.given(strategy)
    def never(value):
        seen.append(value)
        assert not condition(value)

    with pytest.raises(AssertionError):
        never()
    return seen[-1], seen


@QUICK
@hypothesis.given(instances(outputs=(1,), losses=(Loss.SQUARE,)))
def test_a_strategy_with_its_options_is_one_of_hypothesis(instance):
    assert instance.problem.loss is Loss.SQUARE and instance.network.widths[-1] == 1


@QUICK
@hypothesis.given(st.lists(families(only=("fan",)), min_size=1), st.none() | instances())
def test_it_is_in_those_that_are_made_of_others(samples, instance):
    assert {each.family for each in samples} == {"fan"}
    assert instance is None or instance.network.order >= 3


@QUICK
@hypothesis.given(st.data(), instances().filter(lambda each: each.network.depth == 2))
def test_it_can_what_those_of_hypothesis_can(data, instance):
    assert instance.network.depth == 2
    assert data.draw(integers(3, 4) | sampled_from("ab")) in (3, 4, "a", "b")
    assert data.draw(integers(3, 4) | st.none()) in (3, 4, None)


def test_hypothesis_makes_it_as_small_as_its_own():
    assert failing(integers(-9, 10**6), lambda n: n > 1000)[0] == 1001
    found, _ = failing(instances(), lambda each: len(each.problem.X) >= 3)
    # The first family has pairs, of as many samples as are drawn or one more.
    assert len(found.problem.X) == 4 and found.network.order == 3
    assert set(found.network.widths) == {1}
    assert found.seeds == (0, 0, 0) and found.problem.loss is Loss.SQUARE


def test_hypothesis_finds_and_begins_again_with_what_failed_before():
    assert hypothesis.find(integers(0, 99), lambda n: n > 41) == 42
    stored = hypothesis.settings(QUICK, database=InMemoryExampleDatabase())
    failing(integers(0, 10**6), lambda n: n > 1000, stored)
    reuse = hypothesis.settings(stored, phases=[hypothesis.Phase.reuse])
    assert failing(integers(0, 10**6), lambda n: n > 1000, reuse)[1][0] == 1001


def test_what_our_strategies_turn_down_hypothesis_leaves_out():
    @composite
    def even(draw):
        found = draw.integer(0, 1000)
        if found % 2:
            raise Inapplicable("odd")
        return found

    @QUICK
    @hypothesis.given(even())
    def test(number):
        assert number % 2 == 0

    test()


def test_a_strategy_of_the_users_own_with_promises_works_in_both():
    @composite
    def wide(draw, data, least):
        return draw(data), draw.integer(least, 99), draw(st.booleans())

    @QUICK
    @hypothesis.given(given(wide)(least=5))
    def test(drawn):
        assert 5 <= drawn[1] <= 99 and isinstance(drawn[2], bool)

    test()
    seen = list(draw(given(wide)(least=5).strategy(), 30, 1, simplest=True))
    assert {number for _, number, _ in seen} >= {5} and {flag for *_, flag in seen} == {True, False}
    again = draw(given(wide)(least=5).strategy(), 30, 1, simplest=True)
    assert [each[1:] for each in again] == [each[1:] for each in seen]


SPOTS = st.tuples(
    st.integers(0, 10**6), st.floats(-100, 100), st.lists(st.integers()), st.text(max_size=3)
)
NEVER = st.integers().filter(lambda number: False)


def seen_there(setting: str) -> str:
    """What another process draws, from a strategy of Hypothesis, when it does something before."""
    script = (
        f"{setting}; from tests.strategies.test_hypothesis import SPOTS, draw; "
        "print([*draw(SPOTS, 20, 4, simplest=True)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert found.stderr == ""
    return found.stdout


def test_what_a_claim_of_a_users_own_draws_hangs_on_the_seed_alone(tmp_path):
    (tmp_path / "constants.py").write_text("A, B, C = 'xyz', 123456, 17.25\n")
    here = f"{[*draw(SPOTS, 20, 4, simplest=True)]}\n"
    modules = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import constants"
    profile = (
        "import hypothesis; hypothesis.settings.register_profile('loud', max_examples=1, "
        "verbosity=hypothesis.Verbosity.debug, derandomize=True, phases=[]); "
        "hypothesis.settings.load_profile('loud')"
    )
    seeds = "import random; random.seed(3)"
    assert [seen_there(each) for each in (modules, profile, seeds)] == [here] * 3
    assert f"{[*draw(SPOTS, 20, 5, simplest=True)]}\n" != here


def test_it_is_drawn_again_and_changed_and_the_simplest_comes_first():
    first, *others = drawn(SPOTS, 40, 2, simplest=True)
    assert first.instance == (0, 0.0, [], "")
    rng, changed = random.Random(0), set()
    for each in others:
        assert repr(draw_one(SPOTS, 9, each.choices).instance) == repr(each.instance)
        for choices in (each.mutated(rng), each.simplified(rng)):
            child = draw_one(SPOTS, 9, choices)
            assert child is None or 0 <= child.instance[0] <= 10**6
            changed.add(repr(child and child.instance))
    assert len(changed) > 60


def test_ends_and_small_numbers_are_drawn_often_enough():
    seen = list(draw(st.integers(0, 2**20 - 1), 1000, 0, simplest=False))
    assert {0, 2**20 - 1} <= set(seen) and sum(each < 1000 for each in seen) > 10
    seen = list(draw(st.floats(-100, 100), 1000, 0, simplest=False))
    assert 0.0 in seen and sum(each < -50 for each in seen) > 100 < sum(each > 50 for each in seen)
    assert sum(1e-6 < abs(each) < 1 for each in seen) > 20
    seen = list(draw(st.floats(allow_nan=False, allow_infinity=False), 1000, 0, simplest=False))
    assert sum(each < 0 for each in seen) > 100 and sum(1e-3 < abs(x) < 1e3 for x in seen) > 50


def test_floats_are_read_as_this_version_of_hypothesis_writes_them():
    rng = random.Random(0)
    for value in [0.0, 0.5, -1.25, 17.3, 3.0, 2.0**53, -1e300, 1e-300] + [
        rng.gauss(0, 1) * 10 ** rng.uniform(-20, 20) for _ in range(200)
    ]:
        assert float_of(float_bytes(value)) == value
        assert draw_one(st.floats(), 0, float_bytes(value).hex()).instance == value
    for each in drawn(st.floats(), 300, 0, simplest=False):
        assert [size for _, size in each.fields] == [FLOAT]
        read = float_of(bytes.fromhex(each.choices))
        assert read == each.instance or not (math.isfinite(read) and math.isfinite(each.instance))
    start = next(drawn(st.floats(-100, 100), 1, 3, simplest=False))
    moved = draw_one(st.floats(-100, 100), 0, start.moved(start.numbers, [1e-9])).instance
    assert moved != start.instance and moved == pytest.approx(start.instance, rel=1e-3)


def test_what_turns_down_all_it_draws_gives_nothing():
    assert draw_one(NEVER, 0) is None
    with pytest.raises(Unsatisfiable):
        list(draw(NEVER, 3, 0, simplest=True))
    assert draw_one(one_of(NEVER), 0) is None


def test_what_is_no_strategy_is_refused():
    with pytest.raises(hypothesis.errors.InvalidArgument, match="no strategy"):
        draw_one([1, 2], 0)


def test_only_the_adapter_imports_hypothesis_and_only_what_is_public():
    importing = set()
    for path in [*(ROOT / "checker").rglob("*.py"), *(ROOT / "properties").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            names = [each.name for each in node.names] if is_import else []
            for name in [*names, getattr(node, "module", None) or ""]:
                if is_import and name.split(".")[0] == "hypothesis":
                    importing.add(path.name)
                    assert not {"internal", "_internal", "core", "control"} & set(name.split("."))
            if path.name == "hypothesis_adapter.py" and isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_") or node.attr == "_draw"
    assert importing == {"hypothesis_adapter.py"}
