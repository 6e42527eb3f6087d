"""Families of the user's own networks: `@own_model` on a function of sizes that returns one."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from ncfcheck.core import claim_files, stated
from ncfcheck.core.claim_files import told
from ncfcheck.core.errors import CannotRun
from ncfcheck.model.architectures import BUILT_IN
from ncfcheck.model.arrays import integers
from ncfcheck.model.backends.backend import BrokenModel
from ncfcheck.model.families import Family, Sizes
from ncfcheck.model.models import Model
from ncfcheck.model.own.models import OwnModel

KEPT = 256  # models of a family at a time, with what is compiled for them
TRIED = 5  # sizes that a family is checked at: all least, all most, and others between


class OwnFamily(Family):
    """The networks that a function of the user's makes of sizes; registered by its name."""

    def __init__(self, function: Callable[..., OwnModel], ranges: Mapping[str, tuple[int, int]]):
        self.function, self.name, self.ranges = function, function.__name__, ranges
        self._made = lru_cache(maxsize=KEPT)(self._make)

    def __reduce__(self):
        return named, (self.name,)

    @property
    def place(self) -> str:
        """Where it is written: file:line."""
        return stated.place(self.function)

    def inputs_of(self, sizes: Sizes) -> int:
        """d for these sizes."""
        return self.of_sizes(sizes).inputs

    def width_of(self, sizes: Sizes) -> int:
        """m for these sizes."""
        return self.of_sizes(sizes).width

    def build(self, inputs: int, width: int, sizes: Sizes) -> Model:
        """The network of these sizes, checked. Raises ValueError for sizes out of range, or that
        the function refuses by one; BrokenModel for what the theory is not about.
        """
        found = self.of_sizes(sizes)
        if (inputs, width) != (found.inputs, found.width):
            raise ValueError(
                f"{found.named} has {found.inputs} inputs and {found.width} outputs, "
                f"not {inputs} and {width}"
            )
        _ = found.measured
        return found

    def of_sizes(self, sizes: Sizes) -> OwnModel:
        """The network of these sizes, not checked yet: one object for equal sizes."""
        if sizes.keys() != self.ranges.keys():
            raise ValueError(f"the sizes of {self.name} are {[*self.ranges]}, not {[*sizes]}")
        for name, (least, most) in self.ranges.items():
            if not least <= sizes[name] <= most:
                raise ValueError(
                    f"size {name} of {self.name} is {least} to {most}, not {sizes[name]}"
                )
        return self._made(*(int(sizes[name]) for name in self.ranges))

    def _make(self, *values: int) -> OwnModel:
        sizes = dict(zip(self.ranges, values))
        try:
            found = self.function(**sizes)
        except (ValueError, CannotRun):
            raise
        except Exception as error:
            raise BrokenModel(told(error)) from error
        if not isinstance(found, OwnModel):
            kind = type(found).__name__
            raise BrokenModel(
                f"{self.place}: {self.name} returns a {kind}: OwnModel.jax(…), OwnModel.torch(…) "
                "or OwnModel.numpy(…) is right"
            )
        return found.of(self, sizes)

    def tried(self) -> list[dict[str, int]]:
        """Sizes to check it at: all the least, all the most, and others, the same every time."""
        corners = [dict(zip(self.ranges, each)) for each in zip(*self.ranges.values())] or [{}]
        rng = np.random.default_rng(0)
        count = int(np.prod([most - least + 1 for least, most in self.ranges.values()]))
        found = {tuple(each.values()): each for each in corners}
        while len(found) < min(TRIED, count):
            each = {
                name: int(rng.integers(least, most + 1))
                for name, (least, most) in self.ranges.items()
            }
            found.setdefault(tuple(each.values()), each)
        return list(found.values())


def own_model(function: Callable[..., OwnModel] | None = None, **ranges):
    """Register the decorated function of sizes, which returns an `OwnModel`, under its name.

    Every size is given as (least, most), whole numbers from 1 up, or as one number: instances draw
    them, hunts and shrinks change them. Raises TypeError or ValueError for anything else, and for a
    name that another function or a family built in has.
    """

    def register(function):
        _require_sizes(function, ranges)
        family = OwnFamily(function, {name: _range(name, each) for name, each in ranges.items()})
        require_free(family)
        before = _registry.get(family.name)
        if before and not _is_restated(before.function, function):
            raise ValueError(
                f"model {family.name} is registered twice, at {before.place} and {family.place}: "
                "give one of them another name"
            )
        _registry[family.name] = family
        return function

    return register if function is None else register(function)


def require_free(family: Family) -> None:
    """That no family built in has its name, by which it is stored. Raises ValueError."""
    if BUILT_IN.get(family.name, family) is not family:
        raise ValueError(f"{family.name} is a family built in: give yours another name")


_registry: dict[str, OwnFamily] = {}


def registered() -> dict[str, OwnFamily]:
    """Every family of the user's own by name, in order of registration."""
    return dict(_registry)


def named(name: str) -> OwnFamily:
    """The family of a name. Raises LookupError where no file that was loaded has it."""
    if name not in _registry:
        raise LookupError(f"there is no model {name}: name its file by --model FILE.py")
    return _registry[name]


def family_of(value):
    """The family that a decorated function states; anything else as it is."""
    found = _registry.get(getattr(value, "__name__", ""))
    return found if found is not None and found.function is value else value


def load(source: str) -> tuple[OwnFamily, ...]:
    """The families of a file of the user's, imported once. Raises BrokenModel."""
    module = claim_files.imported(source, "models", BrokenModel)
    name = claim_files.module_name(source)
    found = tuple(each for each in _registry.values() if each.function.__module__ == name)
    if not found:
        claim_files.unload(module)
        short = stated.short(str(Path(source)))
        raise BrokenModel(
            f"{short} states no model: decorate a function of sizes with @own_model of ncfcheck"
        )
    return found


def _forget(module: str) -> None:
    for name in [name for name, each in _registry.items() if each.function.__module__ == module]:
        del _registry[name]


claim_files.FORGETTING.append(_forget)


def _is_restated(old: Callable, new: Callable) -> bool:
    """Whether a cell of a notebook is run again, or a file that was loaded before is gone."""
    is_gone = old.__module__ not in sys.modules
    return is_gone or old.__module__ == new.__module__ == "__main__"


def _range(name: str, given) -> tuple[int, int]:
    """The least and the most of a size. Raises TypeError or ValueError."""
    ends = (given, given) if isinstance(given, int) else given
    right = f"size {name} is given as (least, most), whole numbers from 1 up"
    if isinstance(ends, str) or not hasattr(ends, "__len__") or len(ends) != 2:
        raise TypeError(f"{right}, not {stated.shown(given)}")
    least, most = integers(ends, f"the least and the most of size {name}", 1)
    if least > most:
        raise ValueError(f"{right}: {least} is above {most}")
    return least, most


def _require_sizes(function, ranges: Mapping) -> None:
    """That it is a function of these sizes. Raises TypeError."""
    if not inspect.isfunction(function) or not function.__name__.isidentifier():
        raise TypeError(
            f"@own_model decorates a function (def) of sizes, not {stated.shown(function)}: sizes "
            "are given by name, as in @own_model(width=(1, 4))"
        )
    try:
        inspect.signature(function).bind(**ranges)
    except TypeError as error:
        told = f"{function.__name__}{inspect.signature(function)}"
        raise TypeError(f"@own_model({', '.join(ranges)}) decorates {told}: {error}") from None
