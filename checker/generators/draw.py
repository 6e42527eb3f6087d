"""Instances drawn by Hypothesis, as a function of the strategy and the seed alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.control import current_build_context
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider


class SeededProvider(HypothesisProvider):
    """Hypothesis's own choices, without the constants it mines from whatever modules happen to be imported.

    With these the same seed would give other instances in another process. As a backend of its own it also draws
    instances independently, without mutating earlier ones, which is what a bound on the violation rate presumes.
    """

    def _maybe_draw_constant(self, *args, **kwargs):
        return None


AVAILABLE_PROVIDERS["ncfcheck"] = SeededProvider


def sampled(values) -> st.SearchStrategy:
    """`st.sampled_from(values)`, one strategy for equal values: to make and validate one takes longer than to draw from it."""
    return _sampled(tuple(values), tuple(map(type, values)))


@cache
def _sampled(values: tuple, types: tuple) -> st.SearchStrategy:
    """What is equal but of other types, as 1 and 1.0, stays apart."""
    return st.sampled_from(values)


def choices() -> tuple | None:
    """Hypothesis's choices for the instance that `visit` was called on, from within it; None where it was not drawn."""
    return tuple(current_build_context().data.choices) if hypothesis.currently_in_test_context() else None


def draw(strategy, count: int, seed: int, visit: Callable[[object], None], *, simplest: bool) -> None:
    """Call `visit` on up to `count` instances of `strategy`, a function of `seed`.

    Hypothesis starts every run with the simplest instance; `simplest` says whether to visit it, so that runs which are
    added up visit it once. What `visit` or the strategy raises ends the run and is raised.
    """
    skip = not simplest

    @hypothesis.seed(seed)
    @settings(
        max_examples=count + skip,
        backend="ncfcheck",
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @hypothesis.given(strategy)
    def run(instance):
        nonlocal skip
        if skip:
            skip = False
        else:
            visit(instance)

    run()
