"""Instances drawn from strategies, ours or Hypothesis's: each of the strategy and a seed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from ncfcheck.core.time_limit import PATIENCE, OutOfTime, limited
from ncfcheck.strategies import choices
from ncfcheck.strategies.choices import Drawn, Strategy, words

ATTEMPTS = 5  # of drawing one instance, where the strategy turns down what it drew


class Unsatisfiable(Exception):
    """A strategy turned down all that was drawn from it."""


def draw(strategy, count: int, seed: int, *, simplest: bool) -> Iterator[object]:
    """The instances of `drawn`."""
    return (each.instance for each in drawn(strategy, count, seed, simplest=simplest))


def drawn(
    strategy, count: int, seed: int, *, simplest: bool, refused: Counter[str] | None = None
) -> Iterator[Drawn | OutOfTime]:
    """`count` instances of `strategy`, independent of each other: a function of `seed`.

    With `simplest` the first is the simplest instance there is, so that runs which are added up
    visit it once. Those that the strategy turns down are left out, and counted in `refused` by
    reason; in place of one that it gives
    no answer for in time there is an OutOfTime, and after PATIENCE of these in turn no more is
    drawn. What the strategy raises is raised; Unsatisfiable where there was no instance.
    """
    found, late_in_turn = 0, 0
    refused = Counter() if refused is None else refused
    for number, word in enumerate(islice(words(seed), count)):
        first = simplest and number == 0
        try:
            each = (
                simplest_of(strategy, refused)
                if first
                else draw_one(strategy, word << 32 | number, refused=refused)
            )
        except OutOfTime as late:
            each = late
        late_in_turn = late_in_turn + 1 if isinstance(each, OutOfTime) else 0
        if each is not None:
            found += 1
            yield each
        if late_in_turn >= PATIENCE:
            break
    if count and not found:
        why = "".join(f", mostly as {reason}" for reason, _ in refused.most_common(1))
        raise Unsatisfiable(f"the strategy turned down everything that was drawn from it{why}")


def draw_one(strategy, seed: int, prefix=(), refused: Counter[str] | None = None) -> Drawn | None:
    """The instance of first choices that fit, then the seed's; None where it is turned down, for
    reasons that `refused` counts.

    Raises OutOfTime.
    """
    return _in_time(_first, strategy, seed, prefix, refused)


def _first(strategy, seed: int, prefix, refused) -> Drawn | None:
    draw_by = _draw_by(strategy)
    for attempt in range(ATTEMPTS):
        found = draw_by(strategy, seed + (attempt << 64), prefix, refused)
        if found is not None:
            return found
    return None


def simplest_of(strategy, refused: Counter[str] | None = None) -> Drawn | None:
    """The simplest instance; None where the strategy turns it down. Raises OutOfTime."""
    return _in_time(_draw_by(strategy), strategy, None, (), refused)


def _in_time(draw_by: Callable, strategy, seed: int | None, prefix, refused) -> Drawn | None:
    try:
        return limited(draw_by, strategy, seed, prefix, refused)
    except OutOfTime as late:
        which = "the simplest instance" if seed is None else f"the instance of seed {seed}"
        raise OutOfTime(f"{late} while {which} was drawn") from None


def _draw_by(strategy) -> Callable:
    """How the strategy is drawn from; Hypothesis is loaded for its own strategies only."""
    if isinstance(strategy, Strategy):
        return choices.draw_by
    from ncfcheck.strategies import hypothesis_adapter

    return hypothesis_adapter.draw_by
