"""The guard of the benchmarks flags what is slower by more than noise, and nothing else."""

import pytest

from benchmarks import report
from benchmarks.guard import lost
from benchmarks.measure import Row
from benchmarks.pairing import Spread, paired, spread


def row(least: float, median: float, most: float, **more) -> Row:
    times = Spread(1.0, 1.0, 1.0)
    return Row("tiny", "flow", "scipy", times, times, Spread(least, median, most), **more)


@pytest.fixture
def committed(tmp_path):
    def write(*rows):
        report.write_json(tmp_path / "results.json", {}, list(rows), [], [])
        return tmp_path / "results.json"

    return write


def test_a_ratio_that_lies_wholly_below_is_flagged(committed):
    (line,) = lost([row(10, 11, 12)], committed(row(20, 22, 24)))
    assert line == "tiny, flow, scipy: 11.00 × (10.00…12.00), was 22.00 × (20.00…24.00)"


@pytest.mark.parametrize("now", [(19, 21, 23), (10, 12, 20), (40, 41, 42)])
def test_noise_and_gains_are_not_flagged(committed, now):
    assert lost([row(*now)], committed(row(20, 22, 24))) == []


def test_a_contender_that_is_gone_is_flagged_and_one_never_measured_is_not(committed):
    gone = Row("tiny", "flow", "scipy", note="not installed: scipy")
    assert lost([gone], committed(row(20, 22, 24))) == [
        "tiny, flow, scipy: not installed: scipy, was 22.00 × (20.00…24.00)"
    ]
    assert lost([gone], committed(gone)) == []
    assert lost([], committed(row(20, 22, 24))) == []


def test_a_slowdown_planted_in_ours_is_seen_on_a_busy_machine(committed):
    def work(size):
        return lambda: sum(range(size))

    def measured(ours) -> Row:
        pairs = paired(ours, work(400_000), 5)
        return Row(
            "tiny", "sum", "twice as much", spread(pairs.ours), spread(pairs.theirs), pairs.ratio
        )

    before = committed(measured(work(200_000)))
    assert lost([measured(work(2_000_000))], before)


def test_a_file_of_something_else_is_an_error(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="no results"):
        lost([], tmp_path / "other.json")
