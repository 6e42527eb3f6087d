"""Mistakes planted in formulas: the source of one function, changed in one place, takes its place
while a claim is checked.
"""

from __future__ import annotations

import importlib
import inspect
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher

from ncfcheck.core.claims import Claim, Kind, Verdict
from ncfcheck.core.seeds import derive
from ncfcheck.model import losses
from ncfcheck.model.kernels import gradients
from ncfcheck.run.batches import cut
from ncfcheck.run.check import PROFILES
from ncfcheck.strategies.draw import draw
from ncfcheck.verdicts.judging import examine
from ncfcheck.verdicts.results import conclude
from ncfcheck.verdicts.tallies import Case, Tally
from tests.support.layered import layered

# What kernels have compiled in of losses.
COMPILED = (
    *("descent", "_softmax", "clipped"),
    *("Square.descent", "Logistic.descent", "Exponential.descent"),
)
ENOUGH = 50  # instances, of which so few are decided that it is an objection


@dataclass(frozen=True)
class Mutant:
    """The function `of`, module:qualified name, with one fragment of its source replaced; `claims`
    ought to catch it, any one.
    """

    of: str
    fragment: str
    replacement: str
    mistake: str
    claims: tuple[str, ...]

    @property
    def id(self) -> str:
        """The function and the mistake."""
        return f"{self.of.removeprefix('ncfcheck.')}: {self.mistake}"


def in_verifier(of: str, fragment: str, replacement: str, mistake: str) -> Mutant:
    """A mistake in a function of the verifier's, module:qualified name within it."""
    return Mutant(f"ncfcheck.verifier.{of}", fragment, replacement, mistake, ())


def attribute(of: str):
    """What module:qualified name stands for, as it stands in its class."""
    module, _, path = of.partition(":")
    found = importlib.import_module(module)
    for name in path.split("."):
        found = vars(found)[name]
    return found


def plain(found) -> types.FunctionType:
    """The Python function in a property, a cached one, or a cached or compiled function."""
    if isinstance(found, property):
        return found.fget
    if isinstance(found, cached_property):
        return found.func
    return found.py_func if isinstance(found, Dispatcher) else inspect.unwrap(found)


def mutated_code(mutant: Mutant) -> types.CodeType:
    """The function's code compiled from its module's source with the fragment, which must occur in
    it just once, replaced.
    """
    function = plain(attribute(mutant.of))
    lines, start = inspect.getsourcelines(function)
    source, path = "".join(lines), inspect.getsourcefile(function)
    if source.count(mutant.fragment) != 1:
        raise AssertionError(
            f"{mutant.of}: {mutant.fragment!r} occurs {source.count(mutant.fragment)} times in it, "
            "not once"
        )
    whole = inspect.getsource(inspect.getmodule(function)).splitlines(keepends=True)
    whole[start - 1 : start - 1 + len(lines)] = [
        source.replace(mutant.fragment, mutant.replacement)
    ]
    return next(_named(compile("".join(whole), path, "exec"), function.__qualname__))


def _named(code: types.CodeType, name: str) -> Iterator[types.CodeType]:
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            if each.co_qualname == name:
                yield each
            yield from _named(each, name)


@contextmanager
def planted(mutant: Mutant, patch):
    """Run with the mistake: the code is exchanged in the function itself, so that it is met under
    whatever name it has.
    """
    found, code = attribute(mutant.of), mutated_code(mutant)
    with warnings.catch_warnings(), np.errstate(all="ignore"), patch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setattr(plain(found), "__code__", code)
        if mutant.of.removeprefix("ncfcheck.model.losses:") in COMPILED:
            recompile(patch)
        yield


def recompile(patch) -> None:
    """`kernels.pull_back` with `losses.descent` and the formulas in it compiled anew as they stand
    now; nothing goes to the cache on disk.

    The rest of it is as it was, called from Python: to compile that with them takes two seconds.
    What has it compiled in, the stepper, keeps the right one: compiling that takes ten.
    """

    def anew(right: Dispatcher, others: dict) -> Dispatcher:
        return _COMPILED(_with_names(right.py_func, others))

    formulas = {
        name: anew(each, {}) for name, each in vars(losses).items() if isinstance(each, Dispatcher)
    }
    others = {
        "descent": anew(losses.descent, formulas),
        "_backward": _backward(),
        "matrix_view": _matrix_view,
    }
    patch.setattr(gradients, "pull_back", _with_names(gradients.pull_back.py_func, others))


_COMPILED = njit(error_model="numpy")


def _with_names(function: types.FunctionType, others: dict) -> types.FunctionType:
    """The function where some names stand for something else."""
    return types.FunctionType(
        function.__code__, {**function.__globals__, **others}, function.__name__
    )


@cache
def _backward() -> Dispatcher:
    """`gradients._backward` on its own, which is always inlined."""
    return _COMPILED(vars(gradients)["_backward"].py_func)


def _matrix_view(flat, start, rows, columns):
    """`compiling.matrix_view`, which there is in compiled code only."""
    return flat[start : start + rows * columns].reshape(rows, columns)


@dataclass(frozen=True)
class Found:
    """What a claim said up to the first confirmed violation: the verdict, that violation, how many
    instances were drawn, and an error if there was one.
    """

    verdict: Verdict
    worst: Case | None
    applicable: int
    drawn: int
    error: str = ""


def first_violation(
    claim: Claim, examples: int = PROFILES["ci"], drawn: int | None = None, seed: int = 0
) -> Found:
    """The claim on the instances that a run of the profile draws first, `drawn` at most, up to the
    first confirmed violation.

    Exceptions, of the strategy too, are errors of the claim, as they are in a run. On layered
    networks: errors are planted in what is theirs.
    """
    claim, tally, count = layered(claim), Tally(), 0
    for shard in cut([claim], examples):
        derived = derive(seed, claim.stream, shard.index, 0)
        try:
            for instance in draw(
                claim.strategy(), shard.examples, derived, simplest=shard.index == 0
            ):
                count += 1
                examine(claim, instance, tally)
                if tally.confirmed or count == drawn:
                    return Found(
                        conclude(claim, tally).verdict, tally.worst, tally.applicable, count
                    )
        except Exception as error:
            tally.errors[f"while drawing: {error}"] += 1
    error = next(iter(tally.errors), "")
    return Found(conclude(claim, tally).verdict, tally.worst, tally.applicable, count, error)


def objection(claim: Claim, found: Found) -> str:
    """How a claim shows that something is wrong: by a violation, or, a control, by the lack of one,
    by too many instances that it cannot decide, or by an error, such as of a start that is no unit
    vector; empty if it does not.
    """
    if found.error:
        return f"error: {found.error}"
    violated = found.verdict in (Verdict.POTENTIAL, Verdict.REFUTED)
    if claim.kind is Kind.CONTROL:
        return (
            ""
            if violated
            else f"not violated any more: {found.verdict} on {found.applicable} instances"
        )
    if found.verdict is Verdict.UNRESOLVED and found.drawn >= ENOUGH:
        return f"undecided: {found.verdict} on {found.applicable} instances"
    return f"margin {found.worst.value:.2g} on instance {found.drawn}" if violated else ""
