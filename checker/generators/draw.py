"""Instances drawn from Hypothesis's strategies, each a function of the strategy and a seed alone.

The choices are Hypothesis's own. What its engine does around them, for its own mutating and shrinking, would take longer than a
small instance takes to be tested.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property

import hypothesis
from hypothesis import strategies as st
from hypothesis.control import BuildContext, current_build_context
from hypothesis.errors import Unsatisfiable, UnsatisfiedAssumption
from hypothesis.internal.conjecture.choice import ChoiceNode, ChoiceTemplate
from hypothesis.internal.conjecture.data import MAX_DEPTH, ConjectureData, StopTest
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.entropy import deterministic_PRNG
from hypothesis.strategies._internal.lazy import unwrap_strategies
from hypothesis.strategies._internal.strategies import check_strategy

ATTEMPTS = 5  # of drawing one instance, where the strategy turns down what it drew
SIMPLEST = (ChoiceTemplate("simplest", count=None),)
Choices = tuple[int | float | bool | str | bytes, ...]


class _Provider(HypothesisProvider):
    """Hypothesis's own choices, without the constants it mines from whatever modules happen to be imported.

    With these the same seed would give other instances in another process.
    """

    def _maybe_draw_constant(self, *args, **kwargs):
        return None


class _Data(ConjectureData):
    """Choices one after another, without a record of which strategies they belong to: only Hypothesis's engine asks for it."""

    def draw(self, strategy, label=None, observe_as=None):
        strategy.validate()
        if strategy.is_empty or self.depth >= MAX_DEPTH:
            self.mark_invalid()
        self.start_span(0)
        try:
            return unwrap_strategies(strategy).do_draw(self)
        finally:
            self.stop_span()

    def start_span(self, label):
        self.depth += 1

    def stop_span(self, *, discard=False):
        self.depth -= 1


@dataclass(frozen=True, eq=False)
class Drawn:
    """An instance with the choices it was drawn by: their values and what each of them was free to be."""

    instance: object
    nodes: tuple[ChoiceNode, ...]

    @cached_property
    def choices(self) -> Choices:
        """The values."""
        return tuple(node.value for node in self.nodes)

    @property
    def free(self) -> list[int]:
        """Indices of the choices that were free."""
        return [i for i, node in enumerate(self.nodes) if not node.was_forced]


def sampled(values) -> st.SearchStrategy:
    """`st.sampled_from(values)`, one strategy for equal values: to make and validate one takes longer than to draw from it."""
    return _sampled(tuple(values), tuple(map(type, values)))


@cache
def _sampled(values: tuple, types: tuple) -> st.SearchStrategy:
    """What is equal but of other types, as 1 and 1.0, stays apart."""
    return st.sampled_from(values)


def choices() -> Choices | None:
    """Hypothesis's choices for the instance that `visit` was called on, from within it; None where it was not drawn."""
    return tuple(current_build_context().data.choices) if hypothesis.currently_in_test_context() else None


def draw_one(strategy, seed: int, prefix=()) -> Drawn | None:
    """The instance of these first choices, as far as they fit, and of the seed; None where the strategy turns it down."""
    with _drawing(strategy, seed, prefix) as found:
        return found


def draw(strategy, count: int, seed: int, visit: Callable[[object], None], *, simplest: bool) -> None:
    """Call `visit` on `count` instances of `strategy`, independent of each other: a function of `seed`.

    With `simplest` the first is the simplest instance there is, so that runs which are added up visit it once. Those that the
    strategy turns down are left out. What `visit` or the strategy raises ends the run and is raised; Unsatisfiable where there
    was no instance.
    """
    check_strategy(strategy)
    seeds, found = random.Random(seed), 0
    with deterministic_PRNG():
        for number in range(count):
            with _drawing(strategy, seeds.getrandbits(64), SIMPLEST if simplest and number == 0 else ()) as each:
                if each is not None:
                    found += 1
                    visit(each.instance)
    if count and not found:
        raise Unsatisfiable("the strategy turned down everything that was drawn from it")


@contextmanager
def _drawing(strategy, seed: int, prefix) -> Iterator[Drawn | None]:
    """What `draw_one` finds, within Hypothesis's context of it."""
    for attempt in range(ATTEMPTS):
        data = _Data(random=random.Random(seed + attempt), prefix=prefix, provider=_Provider)
        with BuildContext(data, is_final=False, wrapped_test=draw):
            try:
                instance = data.draw(strategy)
            except (StopTest, UnsatisfiedAssumption):
                continue
            yield Drawn(instance, data.nodes)
            return
    yield None
