"""Instances drawn from strategies, ours or Hypothesis's: each of the strategy and a seed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from ncfcheck.strategies import choices
from ncfcheck.strategies.choices import Drawn, Strategy, words

ATTEMPTS = 5  # of drawing one instance, where the strategy turns down what it drew


class Unsatisfiable(Exception):
    """A strategy turned down all that was drawn from it."""


def draw(strategy, count: int, seed: int, *, simplest: bool) -> Iterator[object]:
    """The instances of `drawn`."""
    return (each.instance for each in drawn(strategy, count, seed, simplest=simplest))


def drawn(strategy, count: int, seed: int, *, simplest: bool) -> Iterator[Drawn]:
    """`count` instances of `strategy`, independent of each other: a function of `seed`.

    With `simplest` the first is the simplest instance there is, so that runs which are added up
    visit it once. Those that the strategy turns down are left out. What the strategy raises is
    raised; Unsatisfiable where there was no instance.
    """
    found = 0
    for number, word in enumerate(islice(words(seed), count)):
        first = simplest and number == 0
        each = simplest_of(strategy) if first else draw_one(strategy, word << 32 | number)
        if each is not None:
            found += 1
            yield each
    if count and not found:
        raise Unsatisfiable("the strategy turned down everything that was drawn from it")


def draw_one(strategy, seed: int, prefix=()) -> Drawn | None:
    """The instance of first choices that fit, then the seed's; None where it is turned down."""
    draw_by = _draw_by(strategy)
    for attempt in range(ATTEMPTS):
        found = draw_by(strategy, seed + (attempt << 64), prefix)
        if found is not None:
            return found
    return None


def simplest_of(strategy) -> Drawn | None:
    """The simplest instance; None where the strategy turns it down."""
    return _draw_by(strategy)(strategy, None)


def _draw_by(strategy) -> Callable:
    """How the strategy is drawn from; Hypothesis is loaded for its own strategies only."""
    if isinstance(strategy, Strategy):
        return choices.draw_by
    from ncfcheck.strategies import hypothesis_adapter

    return hypothesis_adapter.draw_by
