"""Counterexamples made smaller by the choices that draw them: fewer, each nearer its simplest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from ncfcheck.strategies.choices import Drawn, Strategy, draw_by, simplest

BLOCKS = (8, 4, 2, 1)  # choices left out at a time


def simpler_choices(
    strategy: Strategy, choices: Sequence[int], violates: Callable[[object], bool]
) -> None:
    """Draw by ever simpler choices of what `violates` is true of, until nothing is left to try."""
    found = draw_by(strategy, None, choices)
    search = None if found is None else _Search(strategy, found, violates)
    while search and search.improves():
        pass


class _Search:
    """The simplest choices so far, of which `violates` is true, and those that were tried."""

    def __init__(self, strategy: Strategy, best: Drawn, violates: Callable[[object], bool]):
        self.strategy, self.best, self.violates = strategy, best, violates
        self.seen = {best.choices}

    def improves(self) -> bool:
        """Whether some of the choices can be left out, or made simpler one by one."""
        before = self.best
        for size in BLOCKS:
            for i in reversed(range(len(self.best.choices) - size + 1)):
                choices = self.best.choices
                self._take(choices[:i] + choices[i + size :])
        i = 0
        while i < len(self.best.choices):
            self._lower(i)
            self._one_less(i)
            i += 1
        return self.best is not before

    def _one_less(self, i: int) -> None:
        """Choice i taken for a number of things that follow: one less, and a later one left out."""
        for j in reversed(range(i + 1, len(self.best.choices))):
            choices = self.best.choices
            self._take((*choices[:i], choices[i] - 1, *choices[i + 1 : j], *choices[j + 1 :]))

    def _lower(self, i: int) -> None:
        """Choice i moved towards its simplest by bisection."""
        beyond = simplest(*self.best.ranges[i])
        if self._takes(i, beyond):
            return
        while i < len(self.best.choices) and abs(self.best.choices[i] - beyond) > 1:
            middle = beyond + (self.best.choices[i] - beyond) // 2
            if not self._takes(i, middle):
                beyond = middle

    def _takes(self, i: int, value: int) -> bool:
        return self._take((*self.best.choices[:i], value, *self.best.choices[i + 1 :]))

    def _take(self, choices: tuple[int, ...]) -> bool:
        """Draw by the choices, and take what is simpler and violates."""
        # A strategy may fail on what it did not draw before.
        with contextlib.suppress(Exception):
            found = draw_by(self.strategy, None, choices)
            if found is None or found.choices in self.seen or _key(found) >= _key(self.best):
                return False
            self.seen.add(found.choices)
            if self.violates(found.instance):
                self.best = found
                return True
        return False


def _key(drawn: Drawn) -> tuple:
    """How simple: fewer choices, then each nearer to its simplest."""
    steps = [
        (abs(value - simplest(*bounds)), value < 0)
        for value, bounds in zip(drawn.choices, drawn.ranges)
    ]
    return len(steps), steps
