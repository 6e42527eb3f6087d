"""What the benchmarks reckon with: exponents, stopwatches, the test by hand; nothing
here is timed.
"""

import time

import numpy as np
import pytest

from benchmarks import by_hand, growth, polishing, shares


def test_an_exponent_is_the_slope_of_logarithms():
    sizes = np.array([1.0, 10.0, 100.0])
    assert growth.exponent(sizes, 3 * sizes**2) == pytest.approx(2)
    assert growth.exponent(sizes, [5.0, 5.0, 5.0]) == pytest.approx(0)


def test_a_part_within_another_counts_as_itself_only():
    watch = shares.Stopwatch("rest")

    def busy(seconds):
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass

    inner = watch.wrapped("inner", lambda: busy(0.06))
    watch.wrapped("outer", lambda: (busy(0.02), inner()))()
    assert 0.06 <= watch.spent["inner"] < 0.08 and 0.02 <= watch.spent["outer"] < 0.04


def test_every_part_that_is_timed_exists():
    with shares.watched("rest") as watch:
        pass
    assert set(watch.spent) == {"rest"}


def test_the_test_by_hand_judges_and_can_fail(monkeypatch):
    by_hand.test_by_hand(3)()
    monkeypatch.setattr(by_hand, "scipy_polished", lambda drawn, tolerance: lambda: drawn.start)
    with pytest.raises(AssertionError):
        by_hand.test_by_hand(3)()


def test_points_to_polish_are_near_kkt_points_of_networks_with_every_power_at_least_two():
    found = polishing.points(3)
    assert len(found) == 3
    for ncf, direction in found:
        assert min(ncf.network.powers) >= 2
        residual, seconds = polishing.polished(ncf, direction)
        assert residual <= 1e-13 and seconds > 0
