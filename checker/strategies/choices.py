"""A source of choices, and strategies built on it: an instance is a function of integers chosen.

All that is ever chosen is an integer from a range; the simplest is the one nearest to zero. So a
draw is a tuple of integers, each with its range: recorded, replayed, changed and made simpler
without knowing what is drawn. The same strategies are Hypothesis's where that asks for one
(`ncfcheck.strategies.hypothesis_adapter`); it is not loaded before.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial, wraps
from hashlib import blake2b
from itertools import count
from struct import unpack
from types import MappingProxyType

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.describing import one_line
from ncfcheck.core.hypotheses import fulfilled, name_of
from ncfcheck.core.stated import shown

Range = tuple[int, int]
WORD = 32  # bits
MANY = 256  # integers beyond which a uniform draw would seldom meet an end of the range
SPECIAL = 2**WORD // 8  # of so many words one makes a draw from a wide range special


def simplest(least: int, most: int) -> int:
    """The integer of the range that is nearest to zero."""
    return min(max(0, least), most)


def words(seed: int) -> Iterator[int]:
    """Integers of 32 bits without end, a function of the seed alone."""
    for block in count():
        yield from unpack("<16I", blake2b(b"%d/%d" % (seed, block)).digest())


class Draw:
    """The choices of one instance: those of a prefix as far as they fit, then a seed's.

    With no seed, what the prefix does not say is as simple as can be.
    """

    __slots__ = ("_prefix", "_word", "ranges", "values")

    def __init__(self, seed: int | None, prefix: Sequence[int] = ()):
        self.values: list[int] = []
        self.ranges: list[Range] = []
        self._prefix = prefix
        self._word = None if seed is None else words(seed).__next__

    def __call__(self, strategy):
        """What a strategy draws; from one of Hypothesis's own by a seed."""
        if isinstance(strategy, Strategy):
            return strategy.drawn_by(self)
        from ncfcheck.strategies.hypothesis_adapter import instance_of

        return instance_of(strategy, self.integer(0, 2**64 - 1))

    def integer(self, least: int, most: int) -> int:
        """An integer of the range, both ends included."""
        place = len(self.values)
        value = self._prefix[place] if place < len(self._prefix) else None
        if value is None or not least <= value <= most:
            value = simplest(least, most) if self._word is None else self._fresh(least, most)
        self.values.append(value)
        self.ranges.append((least, most))
        return value

    def choice(self, values: Sequence):
        """One of the values; the first is the simplest."""
        return values[self.integer(0, len(values) - 1)]

    def _fresh(self, least: int, most: int) -> int:
        """Uniform, but from a wide range now and then an end, or a number of any size."""
        width = most - least + 1
        if width <= MANY:
            return least + (self._word() * width >> WORD)
        if self._word() < SPECIAL:
            return self._special(least, most)
        return least + self._below(width)

    def _special(self, least: int, most: int) -> int:
        kind = self._word() % 4
        if kind < 2:
            return (least, most)[kind]
        size = self._below(1 << self._word() % (most - least).bit_length())
        return min(max(simplest(least, most) + (size if kind == 2 else -size), least), most)

    def _below(self, bound: int) -> int:
        """Uniform from 0 to bound − 1."""
        digits = -(-bound.bit_length() // WORD)
        number = 0
        for _ in range(digits):
            number = number << WORD | self._word()
        return number * bound >> WORD * digits


@dataclass(frozen=True, eq=False)
class Drawn:
    """An instance with the choices it was drawn by and what each of them was free to be."""

    instance: object
    choices: tuple[int, ...]
    ranges: tuple[Range, ...]
    numbers = ()  # none is moved continuously

    def mutated(self, rng: random.Random) -> tuple[int, ...]:
        """The choices with one to three of them changed."""
        values = list(self.choices)
        for _ in range(rng.choice((1, 1, 2, 3)) if values else 0):
            i = rng.randrange(len(values))
            equal = rng.random() < 0.2
            value = rng.choice(values) if equal else moved(values[i], *self.ranges[i], rng)
            if self._fits(i, value):
                values[i] = value
        return tuple(values)

    def simplified(self, rng: random.Random) -> tuple[int, ...]:
        """The choices made special: small, equal to each other, or as they are."""
        values, alike = list(self.choices), rng.random() < 0.4
        common = rng.choice(values or [0])
        for i, (least, _) in enumerate(self.ranges):
            value = common if alike else rng.choice((0, 1, 2, 3, -1, -2, values[i], least))
            if rng.random() < 0.8 and self._fits(i, value):
                values[i] = value
        return tuple(values)

    def _fits(self, i: int, value: int) -> bool:
        least, most = self.ranges[i]
        return least <= value <= most


def moved(value: int, least: int, most: int, rng: random.Random) -> int:
    """Another integer: anywhere in the range, simple, or a step of any size away, maybe beyond."""
    how = rng.random()
    if how < 0.4:
        return rng.randint(least, most)
    if how < 0.5:
        return rng.choice((0, 1, -value, value // 2, 2 * value))
    step = max(1, round(2 ** rng.uniform(0, math.log2(max(2, most - least)))))
    return value + rng.choice((-step, step))


class Strategy:
    """What instances can be drawn of by choices: for claims, and for `hypothesis.given`.

    To Hypothesis it is the strategy of Hypothesis's own that makes the same choices, with all that
    those can do (`filter`, `example` …).
    """

    promise: Callable[..., None] | None = None
    options: Mapping = MappingProxyType({})
    # Of what could be drawn, value → itself; of others, one that could, or Inapplicable. None where
    # nobody knows what could be drawn.
    project: Callable | None = None
    # Of data sets, d → the strategy of those of so many numbers a sample, for None of any; None
    # where they cannot be had so.
    columns: Callable[[int | None], Strategy] | None = None

    @property
    def stream(self) -> str:
        """A name that equal strategies share; empty where there is none."""
        return ""

    @property
    def is_generic(self) -> bool:
        """Whether starts are promised to be of no special form."""
        return False

    def drawn_by(self, draw):
        """An instance made of what `draw` chooses."""
        raise NotImplementedError

    def strategy(self, data=None):
        """The strategy on data sets of the strategy `data`: itself where it takes none."""
        return self

    def map(self, change: Callable) -> Strategy:
        """The strategy of what `change` makes of an instance of this one."""
        return Composite(lambda draw: change(draw(self)), name=f"{self!r}.map({change!r})")

    def assuming(self, hypothesis: Callable) -> Strategy:
        """The strategy of what fulfils a hypothesis as well, which is kept whatever changes it.

        `hypothesis(value)` returns True or False, or a value that fulfils it near the one it is
        given, or raises Inapplicable.
        """
        refuse_no_function(hypothesis)
        return Composite(
            lambda draw: fulfilled(hypothesis, draw(self)),
            name=f"{self!r}.assuming({name_of(hypothesis)})",
            project=partial(_both, self.project, hypothesis),
            columns=self.columns and (lambda d: self.columns(d).assuming(hypothesis)),
        )

    @cached_property
    def hypothesis(self):
        """The strategy of Hypothesis that draws the same."""
        from ncfcheck.strategies.hypothesis_adapter import strategy_of

        return strategy_of(self)

    @property
    def __class__(self):
        """Where Hypothesis is loaded, a type that it takes for one of its strategies."""
        loaded = sys.modules.get("hypothesis.strategies")
        return type(self) if loaded is None else loaded.SearchStrategy

    def __getattr__(self, name: str):
        """What only a strategy of Hypothesis has."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        return getattr(self.hypothesis, name)

    def __or__(self, other):
        return one_of(self, other) if isinstance(other, Strategy) else self.hypothesis | other


@dataclass(frozen=True, eq=False, repr=False)
class Composite(Strategy):
    """What a function builds from what it draws."""

    build: Callable
    arguments: tuple = ()
    named: dict = field(default_factory=dict)
    name: str = ""
    project: Callable | None = None
    columns: Callable[[int | None], Strategy] | None = None

    def drawn_by(self, draw):
        return self.build(draw, *self.arguments, **self.named)

    def __repr__(self) -> str:
        return self.name or as_call(self.build, self.arguments, self.named)


def is_strategy(value) -> bool:
    """Whether one can draw from it: a strategy of ours or of Hypothesis's."""
    return isinstance(value, Strategy) or callable(getattr(value, "example", None))


def refuse_no_function(hypothesis) -> None:
    """Raise TypeError for what is no function of an instance."""
    if not callable(hypothesis):
        raise TypeError(
            f"assuming({shown(hypothesis)}): a hypothesis is a function of what is drawn"
        )


def _both(project: Callable | None, hypothesis: Callable, value):
    """The value as it is drawn, and as the hypothesis has it."""
    if project is None:
        return fulfilled(hypothesis, value)
    found = fulfilled(hypothesis, project(value))
    if project(found) is not found:
        raise Inapplicable(f"{name_of(hypothesis)} leads out of what the strategy draws")
    return found


def as_call(build: Callable, arguments: tuple, named: Mapping) -> str:
    """How the function would be called with these arguments, in words."""
    told = [*map(repr, arguments), *(f"{name}={value!r}" for name, value in named.items())]
    return f"{build.__name__.lstrip('_')}({', '.join(told)})"


def composite(build: Callable) -> Callable[..., Strategy]:
    """Turn a function `build(draw, …)` into one of its other arguments that returns a strategy.

    In it, `draw(strategy)` draws from another strategy, `draw.integer(least, most)` an integer and
    `draw.choice(values)` one of some values. It may raise Inapplicable to turn down what it drew.
    """

    if not callable(build):
        raise TypeError(f"composite takes a function of `draw`, not {shown(build)}")

    @wraps(build)
    def strategy(*arguments, **named) -> Strategy:
        return Composite(build, arguments, named)

    others = list(inspect.signature(build).parameters.values())[1:]
    strategy.__signature__ = inspect.Signature(others)
    return strategy


def integers(least: int, most: int) -> Strategy:
    """Integers from `least` to `most`; the one nearest to zero is the simplest."""
    return Composite(lambda draw: draw.integer(least, most), name=f"integers({least}, {most})")


def sampled_from(values: Sequence) -> Strategy:
    """One of the values; the first is the simplest."""
    values = tuple(values)
    return Composite(lambda draw: draw.choice(values), name=f"sampled_from({values!r})")


def just(value) -> Strategy:
    """The value."""
    return Composite(lambda draw: value, name=f"just({value!r})")


def one_of(*strategies) -> Strategy:
    """What one of the strategies draws, each equally likely; the first is the simplest."""
    projects, columns = (
        [getattr(each, name, None) for each in strategies] for name in ("project", "columns")
    )
    return Composite(
        lambda draw: draw(draw.choice(strategies)),
        name=f"one_of{strategies!r}",
        project=None if None in projects else partial(_any, projects),
        columns=None if None in columns else lambda d: one_of(*(each(d) for each in columns)),
    )


def _any(projects: Sequence[Callable], value):
    """The value where one of the strategies draws it, or else the first projection there is."""
    found = []
    for project in projects:
        with contextlib.suppress(Inapplicable):
            found.append(project(value))
    if not found:
        raise Inapplicable("none of the strategies draws such")
    return value if any(each is value for each in found) else found[0]


def draw_by(
    strategy: Strategy,
    seed: int | None,
    prefix: Sequence[int] = (),
    refused: Counter[str] | None = None,
) -> Drawn | None:
    """The instance of first choices that fit, then the seed's or the simplest; None if refused,
    for a reason that `refused` counts.
    """
    draw = Draw(seed, [each for each in prefix if type(each) is int])
    try:
        instance = strategy.drawn_by(draw)
    except Inapplicable as reason:
        if refused is not None:
            refused[one_line(reason)] += 1
        return None
    if instance is None or isinstance(instance, Strategy):
        what = "nothing" if instance is None else f"the strategy {instance!r}, not a draw of it"
        raise TypeError(f"{strategy!r} returned {what}; it must return an instance")
    return Drawn(instance, tuple(draw.values), tuple(draw.ranges))
