"""The contenders of the benchmarks compute the same, and pairs of times are added up right; nothing
here is timed.
"""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import (
    contenders,
    descent_peers,
    families,
    jax_families,
    measure,
    peers,
    report,
)
from benchmarks.accuracy import Reference
from benchmarks.bars import LEAST, bars
from benchmarks.cases import all_cases, batch, case
from benchmarks.pairing import SHORTEST_READING, Pairs, Spread, paired
from benchmarks.startup import Startup
from ncfcheck.model.networks import dense
from ncfcheck.strategies.models import ANY, LAYERED, kinds

TOLERANCE = 1e-8


@pytest.fixture(autouse=True)
def settings_of_jax():
    """What peers set for the whole process is set back: other tests are about what users set."""
    yield
    if jax := sys.modules.get("jax"):
        jax.config.update("jax_enable_x64", False)


@pytest.fixture(scope="module")
def small():
    return case(
        "tiny", (2, 6, 3), seed=1, residual=1e-6, tolerances=(TOLERANCE,), reference=1e-12, rounds=2
    )


def installed(table, *arguments):
    """What the contenders prepare, the engine first, without those whose packages are not there."""
    for prepare in table.values():
        try:
            yield prepare(*arguments)
        except ImportError:
            pass


@pytest.mark.parametrize(
    "widths, powers, slopes",
    [((2, 3, 1), (1,), (1.0,)), ((2, 3, 1), (3,), (-0.3,)), ((2, 4, 3, 1), (2, 2), (0.5, 0.0))],
)
def test_gradients_agree(widths, powers, slopes, small):
    network = dense(widths, powers, slopes)
    start = np.random.default_rng(2).standard_normal(network.size)
    changed = replace(small, ncf=replace(small.ncf, network=network), start=start)
    ours, *others = (run() for run in installed(contenders.GRADIENTS, changed))
    assert others
    for each in others:
        assert np.linalg.norm(each - ours) <= 1e-14 * np.linalg.norm(ours) * start.size


def test_the_formula_of_jax_and_torch_is_the_ncf(small):
    ncf, start = small.ncf, small.start
    assert contenders.ncf_with(ncf.network, np.where)(start, ncf.X, ncf.ybar) == pytest.approx(
        ncf.value(start), rel=1e-13
    )


def test_flows_end_at_the_residual_and_stay_near_the_reference(small):
    reference = Reference(small)
    for run in installed({**contenders.FLOWS, **contenders.COLD_FLOWS}, small, TOLERANCE):
        end = run()
        assert small.ncf.residual(end.direction) <= 2 * small.residual
        assert 0 < reference.deviation(end) <= 1e3 * TOLERANCE
        assert len(end.path) <= end.calls


def test_the_reference_sees_a_flow_that_strays(small):
    end = contenders.FLOWS[contenders.ENGINE](small, TOLERANCE)()
    strayed = contenders.End(end.calls, end.path, end.states + 1e-3)
    assert Reference(small).deviation(strayed) >= 1e-3


def test_polished_points_are_one_kkt_point(small):
    points = [run() for run in installed(contenders.POLISHED, small, TOLERANCE)]
    assert len(points) >= 2
    for point in points:
        assert small.ncf.residual(point) <= 1e-12
        assert np.linalg.norm(point - points[0]) <= 1e-6


def test_ratios_are_formed_within_rounds():
    pairs = Pairs(ours=(1.0, 2.0, 4.0), theirs=(3.0, 10.0, 8.0))
    assert pairs.ratio == Spread(min=2.0, median=3.0, max=5.0)


class Clock:
    """A clock that contenders turn on by what they claim to take."""

    def __init__(self):
        self.now, self.order = 0.0, ""

    def __call__(self) -> float:
        return self.now

    def contender(self, name: str, seconds: float):
        def call():
            self.now += seconds
            self.order += name

        return call


def test_contenders_take_turns_and_times_are_per_call():
    clock = Clock()
    pairs = paired(
        clock.contender("a", SHORTEST_READING), clock.contender("b", 3 * SHORTEST_READING), 3, clock
    )
    assert clock.order == "aabb" + "ab" * 3
    assert pairs.ours == pytest.approx([SHORTEST_READING] * 3)
    assert pairs.ratio.median == pytest.approx(3.0)


def test_short_calls_are_repeated_until_a_reading_is_long_enough():
    clock = Clock()
    pairs = paired(
        clock.contender("a", SHORTEST_READING / 10),
        clock.contender("b", SHORTEST_READING),
        2,
        clock,
    )
    assert clock.order == "aabb" + ("a" * 10 + "b") * 2
    assert pairs.ours == pytest.approx([SHORTEST_READING / 10] * 2)


def test_batches_are_other_instances_of_the_same_shape(small):
    instances = batch(small, 3)
    assert instances[0] is small
    assert len({each.start.size for each in instances}) == 1
    assert len({float(each.start[0]) for each in instances}) == 3
    for run in installed(contenders.BATCHES, small, TOLERANCE):
        assert measure._residual(small, run()) <= 2 * small.residual


def test_early_training_ends_at_one_point(small):
    exact = descent_peers.precise(small)
    for run in installed(contenders.DESCENTS, small):
        assert np.linalg.norm(run() - exact) <= 1e-3 * np.linalg.norm(exact)


def test_compiled_loops_leave_the_gradient(small):
    kernels = {name: each for name, each in contenders.LOOPS.items() if "alone" not in name}
    assert len(kernels) == 2
    for run in installed(kernels, small, 2):
        assert np.allclose(run(), small.ncf.gradient(small.start), rtol=1e-12)


def test_what_is_not_installed_has_a_row_that_says_so(small):
    def missing(case):
        raise ImportError("no such package", name="nowhere")

    table = {contenders.ENGINE: contenders.GRADIENTS[contenders.ENGINE], "other": missing}
    (row,) = measure._rows(small, "what", table)
    assert row.note == "not installed: nowhere" and row.ratio is None
    assert "| not installed: nowhere |" in report.markdown({}, [row], bars([row]), [])


def test_every_bar_names_a_contender():
    tables = (contenders.FLOWS, contenders.POLISHED, contenders.LOOPS)
    for case_name, _, peer in LEAST:
        assert case_name in {each.name for each in all_cases()}
        assert any(peer in table for table in tables)


def row_of(peer: str, ours: float, theirs: float, **more) -> measure.Row:
    ours, theirs, ratio = (Spread(each, each, each) for each in (ours, theirs, theirs / ours))
    return measure.Row("tiny", "flow and polish", peer, ours, theirs, ratio, **more)


def test_reports_tell_every_figure(tmp_path):
    rows = [
        row_of(peers.NUMPY, 1e-6, 5e-5),
        row_of(peers.SCIPY_ROOT, 2e-3, 0.1, our_calls=1000, our_error=1e-7),
    ]
    told = {"cores": 2}, rows, bars(rows), [Startup("cold", Spread(5, 6, 7), Spread(4, 4, 4))]
    text = report.markdown(*told)
    for figure in (
        "50 µs",
        "2 ms",
        "**50.0** (50.0…50.0)",
        "1.0e-07",
        "1000",
        "≥ 60 ×",
        "**missed**",
        "6 s (5 s…7 s)",
    ):
        assert figure in text
    report.write_json(tmp_path / "r.json", *told)
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    read = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert read["rows"][1]["ratio"]["median"] == pytest.approx(50)
    assert not read["bars"][0]["is_met"]


def test_cases_are_of_the_sizes_of_theory():
    assert [(c.name, c.start.size) for c in all_cases()] == [
        ("tiny", 20),
        ("medium", 220),
        ("large", 10_200),
    ]


@pytest.mark.parametrize("name", families.LARGE)
def test_the_formulas_of_families_in_jax_are_the_families(name):
    pytest.importorskip("jax", reason="jax is not installed")
    _, model = next(families.models(name))
    X, w, r = families.drawn(model, 3)
    found, expected = jax_families.gradient(model, X, w, r)(), model.on(X).pull_back(w, r)[1]
    assert np.linalg.norm(found - expected) <= 1e-12 * np.linalg.norm(expected)


def test_every_family_that_claims_draw_is_timed():
    drawn = [each for each in kinds((ANY,)) if each != LAYERED]
    assert set(families.LARGE) == {getattr(each, "name", each) for each in drawn}
