"""Two contenders timed in turn, A B A B …, so that whatever slows the machine down slows both.

The clock counts this process's processor time: with BLAS on one thread that is what a call takes on
an idle machine, and it leaves out the turns that other processes have.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

# A reading is repeated until it takes this long, seconds: far above the clock's resolution and a
# call's overhead.
SHORTEST_READING = 0.02


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of some numbers."""

    min: float
    median: float
    max: float


def spread(numbers) -> Spread:
    """Spread of a nonempty sequence."""
    return Spread(min(numbers), median(numbers), max(numbers))


@dataclass(frozen=True)
class Pairs:
    """Processor seconds a call took, round by round, for both contenders."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> Spread:
        """Their time over ours, within each round: above 1 where ours is faster."""
        return spread([b / a for a, b in zip(self.ours, self.theirs)])


def paired(
    ours: Callable,
    theirs: Callable,
    rounds: int,
    clock: Callable[[], float] = time.process_time,
    long: float = float("inf"),
    few: int = 1,
) -> Pairs:
    """Time both in `rounds` rounds, or in `few` where a call takes longer than `long`; the first
    call is not counted.
    """
    counts, lengths = zip(*(_count(each, clock) for each in (ours, theirs)))
    turns = range(rounds if max(lengths) <= long else min(few, rounds))
    readings = [
        [_reading(each, count, clock) for each, count in zip((ours, theirs), counts)] for _ in turns
    ]
    a, b = zip(*readings)
    return Pairs(a, b)


def _count(call: Callable, clock) -> tuple[int, float]:
    """How many calls make a reading, and what one takes; the first call of all, which may compile
    or import, is left out.
    """
    call()
    length = _reading(call, 1, clock)
    return max(1, round(SHORTEST_READING / max(length, 1e-7))), length


def _reading(call: Callable, count: int, clock) -> float:
    start = clock()
    for _ in range(count):
        call()
    return (clock() - start) / count
