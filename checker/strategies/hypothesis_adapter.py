"""The one place that knows Hypothesis, and only what it documents.

Our strategies become its own; and its own are drawn from, for a claim that someone states on one.
Those read their choices from bytes (`fuzz_one_input`) that are a seed's, recorded and changed: what
is drawn hangs neither on the modules imported nor on a user's profile. What it drew, Hypothesis
makes smaller, too.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

import hypothesis
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.describing import one_line
from ncfcheck.strategies.tape import Tape, Taped

QUIET = {
    "database": None,
    "deadline": None,
    "derandomize": False,
    "print_blob": False,
    "report_multiple_bugs": False,
    "suppress_health_check": list(hypothesis.HealthCheck),
    "verbosity": hypothesis.Verbosity.quiet,
}
LENGTHS = (1024, 8192)  # of the bytes that one instance may read, at first and where it reads more


class _Draw:
    """What a strategy of ours takes for its source: each choice is one of Hypothesis's."""

    def __init__(self, draw: Callable):
        self._draw = draw

    def __call__(self, strategy):
        is_ours = hasattr(type(strategy), "drawn_by")
        return strategy.drawn_by(self) if is_ours else self._draw(strategy)

    def integer(self, least: int, most: int) -> int:
        return self._draw(_integers(least, most))

    def choice(self, values):
        return values[self.integer(0, len(values) - 1)]


_integers = lru_cache(maxsize=1024)(st.integers)


def strategy_of(strategy) -> st.SearchStrategy:
    """The strategy of Hypothesis that makes the choices of ours, a `choices.Strategy`."""

    @st.composite
    def same(draw):
        try:
            return strategy.drawn_by(_Draw(draw))
        except Inapplicable:
            hypothesis.reject()

    return same()


def draw_by(
    strategy, seed: int | None, prefix: str = "", refused: Counter[str] | None = None
) -> Taped | None:
    """The instance of first bytes, then the seed's or the simplest; None if refused or too long,
    which `refused` counts: Hypothesis gives no reason.
    """
    found = _drawn_by(strategy, seed, prefix)
    if found is None and refused is not None:
        refused[one_line(f"{strategy!r} turned it down")] += 1
    return found


def _drawn_by(strategy, seed: int | None, prefix: str) -> Taped | None:
    if seed is None:
        return _simplest(strategy)
    known, (read, seen) = bytes.fromhex(prefix or ""), _reader(_checked(strategy))
    for length in LENGTHS:
        tape = Tape(seed, known, length)
        seen.clear()
        content = read(tape)
        if content is not None:
            return Taped(seen[0], content.hex(), tuple(tape.fields))
    return None


def instance_of(strategy, seed: int):
    """The instance of a seed. Raises Inapplicable where the strategy turns it down."""
    found = draw_by(strategy, seed)
    if found is None:
        raise Inapplicable(f"{strategy!r} turned down what was drawn")
    return found.instance


@lru_cache(maxsize=64)
def _reader(strategy) -> tuple[Callable[[bytes], bytes | None], list]:
    """A function that draws by bytes and returns those it read, and where it puts the instance."""
    seen: list = []

    @hypothesis.settings(**QUIET)
    @hypothesis.given(strategy)
    def keep(instance):
        seen.append(instance)

    return keep.hypothesis.fuzz_one_input, seen


def _simplest(strategy) -> Taped | None:
    with contextlib.suppress(hypothesis.errors.NoSuchExample, hypothesis.errors.Unsatisfiable):
        settings = hypothesis.settings(**QUIET, max_examples=1, phases=[hypothesis.Phase.generate])
        instance = hypothesis.find(
            _checked(strategy), lambda each: True, settings=settings, random=random.Random(0)
        )
        return Taped(instance, "", ())
    return None


def _checked(strategy) -> st.SearchStrategy:
    if not isinstance(strategy, st.SearchStrategy):
        raise hypothesis.errors.InvalidArgument(
            f"{strategy!r} is no strategy: a claim's `given` is one, or makes one"
        )
    return strategy


def smaller(strategy, choices: str, violates: Callable[[object], bool], most: int) -> None:
    """Have Hypothesis shrink what it drew by these bytes; `violates` is asked at most so often."""

    class Violated(Exception):
        pass

    @hypothesis.settings(
        **{**QUIET, "database": InMemoryExampleDatabase()},
        max_examples=most,
        phases=[hypothesis.Phase.reuse, hypothesis.Phase.shrink],
    )
    @hypothesis.given(strategy)
    def holds(instance):
        if violates(instance):
            raise Violated

    with contextlib.suppress(Violated):
        holds.hypothesis.fuzz_one_input(bytes.fromhex(choices))
    # The first call has stored what it found, and this one begins with it. It raises in the end:
    # what it found, or that this is not found again, which is so where there is no time left.
    with contextlib.suppress(Exception):
        holds()
