"""Built-in families: functions from sizes to programs, and the models that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from ncfcheck.core.options import among
from ncfcheck.model.arrays import integers
from ncfcheck.model.families import Family, Sizes
from ncfcheck.model.program_models import ProgramModel
from ncfcheck.model.programs import Builder, Program

# A function of a builder and of sizes by their names, which returns the numbers of the outputs.
Written = Callable[..., np.ndarray]
BUILT_IN: dict[str, BuiltIn] = {}
LARGEST = 10**4  # d and m are below
LARGEST_SIZE = 10**3


@dataclass(frozen=True, eq=False, repr=False)
class BuiltIn(Family):
    """A family of this package: what it writes, and d and m where its sizes tell them."""

    name: str
    ranges: Mapping[str, tuple[int, int]]
    written: Written
    d: Callable[[Sizes], int] | None
    m: Callable[[Sizes], int] | None

    def inputs_of(self, sizes: Sizes) -> int | None:
        """d for these sizes; None where any number will do."""
        return self.d and self.d(sizes)

    def width_of(self, sizes: Sizes) -> int | None:
        """m for these sizes; None where any number will do."""
        return self.m and self.m(sizes)

    def build(self, inputs: int, width: int, sizes: Sizes) -> Architecture:
        """The model of these sizes. Raises ValueError for others than those of the family, and for
        a d or m that they do not have.
        """
        return Architecture(self.name, inputs, width, tuple(sizes.items()))


@dataclass(frozen=True)
class Architecture(ProgramModel):
    """A model of a built-in family: its name, d, m and the sizes, pairs in the family's order."""

    name: str
    d: int
    m: int
    hyperparameters: tuple[tuple[str, int], ...]

    def __post_init__(self):
        if self.name not in BUILT_IN:
            raise ValueError(f"{self.name!r} is no family; {among(self.name, BUILT_IN)}")
        family, sizes = BUILT_IN[self.name], dict(self.hyperparameters)
        if sizes.keys() != family.ranges.keys() or len(sizes) < len(self.hyperparameters):
            raise ValueError(f"sizes of {self.name}: {', '.join(family.ranges)}, not {sizes}")
        for name, (least, most) in family.ranges.items():
            # A range from 0 is one of choices, which are no more than these; sizes may be larger.
            stop = LARGEST_SIZE if least else most + 1
            sizes[name] = integers([sizes[name]], f"{name} of {self.name}", least, stop)[0]
        for name, right in (("d", family.inputs_of(sizes)), ("m", family.width_of(sizes))):
            (given,) = integers([getattr(self, name)], name, 1, LARGEST)
            if right and right >= LARGEST:
                raise ValueError(f"{self.name}: {name} is too large, {LARGEST} or more")
            if right not in (None, given):
                raise ValueError(f"{name} = {given}, but {self.name} with {sizes} has {right}")
            object.__setattr__(self, name, given)
        ordered = tuple((name, sizes[name]) for name in family.ranges)
        object.__setattr__(self, "hyperparameters", ordered)
        _ = self.program  # refuses what is too large

    @property
    def family(self) -> BuiltIn:
        """The family that it is one of."""
        return BUILT_IN[self.name]

    @property
    def sizes(self) -> Mapping[str, int]:
        """Its sizes by name."""
        return MappingProxyType(dict(self.hyperparameters))

    @property
    def program(self) -> Program:
        """The program; one object for equal models."""
        return _program(self)

    @property
    def strata(self) -> tuple[tuple[str, str], ...]:
        """What reports count instances by."""
        return (("D", str(self.order)), ("family", self.name), ("outputs", str(self.m)))

    def describe(self) -> str:
        """The specification in one line."""
        sizes = " ".join(f"{name}={size}" for name, size in self.hyperparameters)
        return f"{self.name} d={self.d} m={self.m} {sizes} D={self.order}"


@lru_cache(maxsize=1024)
def _program(model: Architecture) -> Program:
    builder = Builder(model.d, model.m)
    return builder.finish(model.family.written(builder, **model.sizes))


def family(
    d: Callable[[Sizes], int] | None = None,
    m: Callable[[Sizes], int] | None = None,
    **ranges: tuple[int, int],
) -> Callable[[Written], Written]:
    """Make a function that writes programs a family of its name, whose sizes have these ranges;
    `d` and `m` tell those that sizes fix.
    """

    def made(written: Written) -> Written:
        name = written.__name__
        BUILT_IN[name] = BuiltIn(name, MappingProxyType(ranges), written, d, m)
        return written

    return made
