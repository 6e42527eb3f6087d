"""The contenders of the benchmarks compute the same, and pairs of times are added up right; nothing here is timed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import measure, peers, report
from benchmarks.accuracy import Reference
from benchmarks.cases import all_cases, case
from benchmarks.pairing import SHORTEST_READING, Pairs, Spread, paired
from benchmarks.startup import Startup
from checker.networks import dense

TOLERANCE = 1e-8


@pytest.fixture(scope="module")
def small():
    return case("tiny", (2, 6, 3), seed=1, residual=1e-6, tolerances=(TOLERANCE,), reference=1e-12, rounds=2)


@pytest.mark.parametrize(
    "widths, powers, slopes", [((2, 3, 1), (1,), (1.0,)), ((2, 3, 1), (3,), (-0.3,)), ((2, 4, 3, 1), (2, 2), (0.5, 0.0))]
)
def test_gradients_agree(widths, powers, slopes, small):
    network = dense(widths, powers, slopes)
    start = np.random.default_rng(2).standard_normal(network.size)
    changed = replace(small, ncf=replace(small.ncf, network=network), start=start)
    ours, *others = (prepare(changed)() for prepare in peers.GRADIENTS.values())
    assert others
    for each in others:
        assert np.linalg.norm(each - ours) <= 1e-14 * np.linalg.norm(ours) * start.size


def test_flows_end_at_the_residual_and_stay_near_the_reference(small):
    reference = Reference(small)
    for prepare in peers.FLOWS.values():
        end = prepare(small, TOLERANCE)()
        assert small.ncf.residual(end.direction) <= 1.01 * small.residual
        assert 0 < reference.deviation(end) <= 1e3 * TOLERANCE
        assert len(end.path) <= end.calls


def test_the_reference_sees_a_flow_that_strays(small):
    end = peers.FLOWS[peers.ENGINE](small, TOLERANCE)()
    strayed = peers.End(end.calls, end.path, end.states + 1e-3)
    assert Reference(small).deviation(strayed) >= 1e-3


def test_polished_points_are_one_kkt_point(small):
    points = [prepare(small, TOLERANCE)() for prepare in peers.POLISHED.values()]
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
    pairs = paired(clock.contender("a", SHORTEST_READING), clock.contender("b", 3 * SHORTEST_READING), 3, clock)
    assert clock.order == "aabb" + "ab" * 3
    assert pairs.ours == pytest.approx([SHORTEST_READING] * 3)
    assert pairs.ratio.median == pytest.approx(3.0)


def test_short_calls_are_repeated_until_a_reading_is_long_enough():
    clock = Clock()
    pairs = paired(clock.contender("a", SHORTEST_READING / 10), clock.contender("b", SHORTEST_READING), 2, clock)
    assert clock.order == "aabb" + ("a" * 10 + "b") * 2
    assert pairs.ours == pytest.approx([SHORTEST_READING / 10] * 2)


def test_bars_are_scaled_by_the_speed_of_numpy_here():
    """On a machine half as fast as the one of theory §8, ours may take twice as long."""
    rows = [row_of(peers.NUMPY, 1e-6, 2 * measure.NUMPY_BASE["tiny"]), row_of(peers.SCIPY, 2.7e-3, 0.1, our_calls=1000)]
    ratio, gradient, flow = measure.bars(rows)
    assert not ratio.is_met and ratio.figure == pytest.approx(0.1 / 2.7e-3)
    assert gradient.is_met and gradient.limit == pytest.approx(2 * 1.5 * 1.5e-6)
    assert not flow.is_met and flow.limit == pytest.approx(2 * 1.5 * 0.87e-3)


def row_of(peer: str, ours: float, theirs: float, **more) -> measure.Row:
    ours, theirs, ratio = (Spread(each, each, each) for each in (ours, theirs, theirs / ours))
    return measure.Row("tiny", "flow", peer, ours, theirs, ratio, **more)


def test_reports_tell_every_figure(tmp_path):
    rows = [row_of(peers.NUMPY, 1e-6, 5e-5), row_of(peers.SCIPY, 2e-3, 0.1, our_calls=1000, our_error=1e-7)]
    told = {"cores": 2}, rows, measure.bars(rows), [Startup("cold", Spread(5, 6, 7), Spread(4, 4, 4))]
    text = report.markdown(*told)
    for figure in ("50 µs", "2 ms", "**50.0** (50.0…50.0)", "1.0e-07", "1000", "≥ 40.0 ×", "met", "6 s (5 s…7 s)"):
        assert figure in text
    report.write_json(tmp_path / "r.json", *told)
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    read = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert read["rows"][1]["ratio"]["median"] == pytest.approx(50)
    assert read["bars"][0]["is_met"]


def test_cases_are_of_the_sizes_of_theory():
    assert [(c.name, c.start.size) for c in all_cases()] == [("tiny", 20), ("medium", 220), ("large", 10_200)]
