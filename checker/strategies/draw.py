"""Instances drawn from Hypothesis's strategies, each a function of the strategy and a seed alone.

The choices are Hypothesis's own. What its engine does around them, for its own mutating and
shrinking, would take longer than a small instance takes to be tested.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from hypothesis import strategies as st
from hypothesis.control import BuildContext
from hypothesis.errors import Unsatisfiable, UnsatisfiedAssumption
from hypothesis.internal.conjecture.choice import ChoiceNode, ChoiceTemplate, choice_size
from hypothesis.internal.conjecture.data import MAX_DEPTH, ConjectureData, StopTest
from hypothesis.internal.conjecture.providers import INTEGERS_DISTRIBUTION, HypothesisProvider
from hypothesis.internal.entropy import deterministic_PRNG
from hypothesis.strategies._internal.lazy import unwrap_strategies
from hypothesis.strategies._internal.strategies import check_strategy

FAR, NARROW = (
    2**53,
    1e-13,
)  # integers beyond which, or shares below which, Hypothesis may draw integers uniformly
ATTEMPTS = 5  # of drawing one instance, where the strategy turns down what it drew
SIMPLEST = (ChoiceTemplate("simplest", count=None),)
Choices = tuple[int | float | bool | str | bytes, ...]


class _Provider(HypothesisProvider):
    """Hypothesis's own choices, without the constants it mines from whatever modules happen to be
    imported.

    With these the same seed would give other instances in another process.
    """

    def _maybe_draw_constant(self, *args, **kwargs):
        return None

    def _draw_integer_from_distribution(self, min_value, max_value):
        """As Hypothesis's own, with the ends of the distribution computed once."""
        ends = None if min_value is None or max_value is None else _ends(min_value, max_value)
        if ends is None:
            return super()._draw_integer_from_distribution(min_value, max_value)
        low, high = ends
        found = round(INTEGERS_DISTRIBUTION.inverse_cdf(low + self._random.random() * (high - low)))
        return min(max(found, min_value), max_value)


@lru_cache
def _ends(least: int, most: int) -> tuple[float, float] | None:
    """What Hypothesis's distribution of integers has below and up to the range; None where it draws
    by another.
    """
    if max(abs(least), abs(most)) > FAR:
        return None
    low, high = INTEGERS_DISTRIBUTION.cdf(least - 0.5), INTEGERS_DISTRIBUTION.cdf(most + 0.5)
    return (low, high) if high - low >= NARROW else None


class _Data(ConjectureData):
    """Choices one after another, without a record of which strategies they belong to: only
    Hypothesis's engine asks for it.

    Nor are there observers of them, or one object for equal constraints.
    """

    def draw(self, strategy, label=None, observe_as=None):
        strategy.validate()
        if strategy.is_empty or self.depth >= MAX_DEPTH:
            self.mark_invalid()
        self.start_span(0)
        try:
            return unwrap_strategies(strategy).do_draw(self)
        finally:
            self.stop_span()

    def _draw(self, choice_type, constraints, *, observe, forced):
        if observe and self.index < len(self.prefix):
            return super()._draw(choice_type, constraints, observe=observe, forced=forced)
        value = (
            getattr(self.provider, f"draw_{choice_type}")(**constraints)
            if forced is None
            else forced
        )
        if not observe:
            return value
        self.length += choice_size(value)
        if self.length > self.max_length:
            self.mark_overrun()
        was_forced, index = forced is not None, len(self._nodes)
        self._nodes.append(
            ChoiceNode(
                type=choice_type,
                value=value,
                constraints=constraints,
                was_forced=was_forced,
                index=index,
            )
        )
        return value

    def _pooled_constraints(self, choice_type, constraints):
        return constraints

    def start_span(self, label):
        self.depth += 1

    def stop_span(self, *, discard=False):
        self.depth -= 1


@dataclass(frozen=True, eq=False)
class Drawn:
    """An instance with the choices it was drawn by: their values and what each of them was free to
    be.
    """

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
    """`st.sampled_from(values)`, one strategy for equal values: to make and validate one takes
    longer than to draw from it.
    """
    return _sampled(tuple(values), tuple(map(type, values)))


@cache
def _sampled(values: tuple, types: tuple) -> st.SearchStrategy:
    """What is equal but of other types, as 1 and 1.0, stays apart."""
    return st.sampled_from(values)


@cache
def between(least: int, most: int) -> st.SearchStrategy:
    """`st.integers(least, most)`, one strategy for equal bounds."""
    return st.integers(least, most)


def draw(strategy, count: int, seed: int, *, simplest: bool) -> Iterator[object]:
    """The instances of `drawn`."""
    return (each.instance for each in drawn(strategy, count, seed, simplest=simplest))


def drawn(strategy, count: int, seed: int, *, simplest: bool) -> Iterator[Drawn]:
    """`count` instances of `strategy`, independent of each other: a function of `seed`.

    With `simplest` the first is the simplest instance there is, so that runs which are added up
    visit it once. Those that the strategy turns down are left out. What the strategy raises is
    raised; Unsatisfiable where there was no instance.
    """
    check_strategy(strategy)
    seeds, found = random.Random(seed), 0
    with deterministic_PRNG():
        for number in range(count):
            each = draw_one(
                strategy, seeds.getrandbits(64), SIMPLEST if simplest and number == 0 else ()
            )
            if each is not None:
                found += 1
                yield each
    if count and not found:
        raise Unsatisfiable("the strategy turned down everything that was drawn from it")


def draw_one(strategy, seed: int, prefix=()) -> Drawn | None:
    """The instance of these first choices, as far as they fit, and of the seed; None where the
    strategy turns it down.
    """
    for attempt in range(ATTEMPTS):
        data = _Data(random=random.Random(seed + attempt), prefix=prefix, provider=_Provider)
        with BuildContext(data, is_final=False, wrapped_test=draw_one):
            try:
                return Drawn(data.draw(strategy), data.nodes)
            except (StopTest, UnsatisfiedAssumption):
                continue
    return None
