"""A claim is a strategy of instances plus a function from an instance to a margin."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from ncfcheck.core import stated
from ncfcheck.core.docstrings import docstring
from ncfcheck.core.margins import Margin as Margin
from ncfcheck.core.margins import Outcome as Outcome
from ncfcheck.core.margins import mildest as mildest
from ncfcheck.core.margins import worst as worst
from ncfcheck.core.needs import Need, in_words


class Kind(StrEnum):
    """What a claim's refutation would mean."""

    THEOREM = "theorem"  # must never be refuted
    CONJECTURE = "conjecture"  # open: its verdict is news
    CONTROL = "control"  # false: must be refuted


THEOREM = Kind.THEOREM
"""The kind of what is proved: it must never be refuted."""
CONJECTURE = Kind.CONJECTURE
"""The kind of what is open: its verdict is news."""
CONTROL = Kind.CONTROL
"""The kind of what is false: it must be refuted."""


class Verdict(StrEnum):
    """What a run says about a claim; never stronger than its evidence."""

    REFUTED = "refuted"  # a violation with a certificate
    POTENTIAL = "potential"  # a violation that survives confirmation, no certificate
    NOT_REFUTED = "not refuted"  # none found, on N instances
    UNRESOLVED = "unresolved"  # too little was decided to say even that


class Place(StrEnum):
    """Where the exact counterpart of a claim of the user's is asked whether that is violated."""

    START = "start"  # the weights that the instance starts from
    KKT_POINT = "kkt point"  # next to the start
    MAXIMUM = "maximum"  # a strict one, of positive value, that the flow tends to
    TWO_MAXIMA = "two maxima"  # this one and another


EXPECTED = {Kind.THEOREM: Verdict.NOT_REFUTED, Kind.CONTROL: Verdict.REFUTED}
"""The verdict that a kind calls for; a conjecture calls for none."""


ASSUMPTION = "UnsatisfiedAssumption"  # what Hypothesis's `assume` raises


class Inapplicable(Exception):
    """The instance does not meet the claim's hypotheses; the message says which."""


class Unresolved(Exception):
    """The instance could not be decided (budget, kink, solver failure); the message says why."""


@dataclass(frozen=True)
class Claim:
    """A statement about instances: `given` draws them, `function` returns the margin of one.

    `given` is a Hypothesis strategy, or an object whose `strategy(data)` returns one for a given
    strategy of data sets (see `ncfcheck.strategies.instances`), so that the same claim runs on a
    user's table. A control `drops` one hypothesis of the theorems `of`: its statement is theirs
    without it. `covers` lists pairs (key, value) of coverage without which a run says nothing about
    the claim. `scale_free` says that its margin is the same for the data c·X, c > 0: then a
    violation is confirmed on rescaled data, too. `expect` is the verdict without which a run is
    not as expected, None for any. `refute`, its exact counterpart, returns the
    `ncfcheck.certify.Certificate` by which the verifier may prove that an instance refutes it, or
    raises `ncfcheck.certify.NotProved`; `prove` does the same of an instance on which its
    conclusion holds. `violated` states the violation over exact numbers, `at` a place. `needs` is
    what a model must have for it to be about that: without any, it runs on every model.
    """

    id: str
    kind: Kind
    statement: str
    reference: str
    hypotheses: tuple[str, ...]
    given: Any
    function: Callable[[Any], Margin]
    drops: str = ""
    of: tuple[str, ...] = ()
    covers: tuple[tuple[str, str], ...] = ()
    scale_free: bool = False
    expect: Verdict | None = None
    refute: Callable[[Any], Any] | None = None
    prove: Callable[[Any], Any] | None = None
    violated: Callable[..., Any] | None = None
    at: Place | None = None
    needs: frozenset[Need] = frozenset()

    @property
    def is_refutable(self) -> bool:
        """Whether it has an exact counterpart, the program's or its author's."""
        return self.refute is not None or self.violated is not None

    @property
    def is_own(self) -> bool:
        """Whether it is the user's own, and does not come with the program."""
        return self.function.__module__.split(".")[0] != "ncfcheck"

    @property
    def summary(self) -> str:
        """First paragraph of the statement."""
        return self.statement.split("\n\n")[0]

    def strategy(self, data=None):
        """Hypothesis strategy of instances, on data sets of the strategy `data` where given."""
        return self.given.strategy(data) if hasattr(self.given, "strategy") else self.given

    @property
    def stream(self) -> str:
        """What instances depend on besides the seed: claims on equal strategies share theirs."""
        return getattr(self.given, "stream", "") or self.id

    def suits(self, model) -> bool:
        """Whether the claim is about this model: it has what that `needs`."""
        return not self.lacks(model)

    def lacks(self, model) -> frozenset[Need]:
        """What the claim needs and the model has not."""
        return self.needs - model.meets if self.needs else self.needs

    def judge(self, instance) -> tuple[Outcome, Margin]:
        """Outcome and margin of an instance; unmet hypotheses and failures become outcomes."""
        nothing = (float("nan"), float("inf"))
        try:
            self._require(instance)
            margin = self.function(instance)
        except Inapplicable as reason:
            return Outcome.INAPPLICABLE, Margin(*nothing, str(reason))
        except Unresolved as reason:
            return Outcome.UNRESOLVED, Margin(*nothing, str(reason))
        except Exception as reason:
            if type(reason).__qualname__ != ASSUMPTION:
                raise
            return Outcome.INAPPLICABLE, Margin(*nothing, "what it assumes is not met")
        if not isinstance(margin, Margin):
            found = stated.shown(margin)
            raise TypeError(f"{self.id} returns {found}, not a Margin(value, error)")
        return margin.outcome, margin

    def _require(self, instance) -> None:
        """Raise Inapplicable where the claim is not about the instance's model."""
        model = getattr(instance, "network", None) if self.needs else None
        if model is not None and (lacks := self.lacks(model)):
            raise Inapplicable(f"the model lacks {in_words(lacks)}")


_registry: dict[str, Claim] = {}


def claim(
    id: str,
    *,
    kind: Kind | str,
    reference: str,
    given,
    hypotheses: Iterable[str] = (),
    drops: str = "",
    of: Iterable[str] = (),
    covers: Iterable[tuple[str, str]] = (),
    scale_free: bool = False,
    expect: Verdict | str | None = None,
    refute: Callable[[Any], Any] | None = None,
    prove: Callable[[Any], Any] | None = None,
    violated: Callable[..., Any] | None = None,
    at: Place | str | None = None,
    needs: Iterable[Need | str] = (),
):
    """Register the decorated function, instance → Margin, as a claim stated by its docstring.

    `expect` is "not refuted" or "refuted", which potential is enough for: by default what the kind
    calls for, and nothing of a conjecture. `scale_free=True` has violations confirmed on rescaled
    data, too, for a margin that is the same for the data c·X, c > 0.

    `needs` names what a model must have for the claim to make sense of it, one of `Need` or
    several, such as "layered" or ("lipschitz", "superquadratic"): it is not applicable to others.

    `violated` makes certificates possible: of the point `at` "start", a "kkt point" or a "maximum",
    or of "two maxima", it returns exact numbers that are all positive where the claim fails (see
    docs/writing-a-claim.md).

    Raises TypeError or ValueError for what is none of this, a second claim of the same id, an id
    that is not `area.name`, no docstring, and a claim other than a control that drops a hypothesis.
    """
    id, kind = stated.id_of(id), stated.member("kind", kind, Kind)
    values: dict[str, Any] = {
        "reference": stated.text("reference", reference),
        "hypotheses": stated.texts("hypotheses", hypotheses),
        "given": stated.strategy(given),
        "drops": stated.text("drops", drops),
        "of": stated.texts("ids in `of`", of),
        "covers": stated.pairs("covers", covers),
        "scale_free": bool(scale_free),
        "expect": _expectation(kind, expect),
        "refute": stated.optional("refute", refute),
        "prove": stated.optional("prove", prove),
        "violated": stated.criterion(violated, 2 if at == Place.TWO_MAXIMA else 1),
        "at": None if at is None else stated.member("at", at, Place),
        "needs": frozenset(
            stated.member("needs", each, Need) for each in stated.texts("needs", needs)
        ),
    }
    if (violated is None) != (at is None) or (violated and refute):
        raise ValueError(f"claim {id}: violated= goes with at=, and without refute=")
    if (drops or of) and kind is not Kind.CONTROL:
        raise ValueError(f"claim {id} drops a hypothesis, but only controls do: kind=CONTROL")

    def register(function):
        function = stated.function_of(function, id)
        statement = _paragraphs(docstring(function))
        if not statement:
            raise ValueError(f"claim {id} has no docstring: it states the claim, below the def")
        if id in _registry and not _is_restated(_registry[id].function, function):
            raise ValueError(_twice(id, _registry[id].function, function))
        _registry[id] = Claim(id, kind, statement, function=function, **values)
        return function

    return register


def _expectation(kind: Kind, wanted) -> Verdict | None:
    """The verdict expected of a claim. Raises ValueError where its kind calls for another."""
    if wanted is None:
        return EXPECTED.get(kind)
    found = stated.member("expect", wanted, (Verdict.NOT_REFUTED, Verdict.REFUTED))
    if found is not EXPECTED.get(kind, found):
        raise ValueError(f"expect={str(found)!r}: a {kind} is expected to be {EXPECTED[kind]}")
    return found


def _is_restated(old: Callable, new: Callable) -> bool:
    """Whether a cell of a notebook that states a claim is run again."""
    return old.__module__ == new.__module__ == "__main__" and old.__name__ == new.__name__


def _twice(id: str, old: Callable, new: Callable) -> str:
    """Why a claim cannot be registered: another has its id, or its file is imported twice."""
    before, now = stated.place(old), stated.place(new)
    if before == now and old.__module__ != new.__module__:
        return f"claim {id} is registered twice: its file is imported by another one, too"
    names = f"{old.__name__} at {before} and {new.__name__} at {now}"
    return f"claim {id} is registered twice, by {names}: give one of them another id"


def _paragraphs(text: str) -> str:
    """The text with each paragraph in one line: line breaks of a docstring say nothing."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def registered() -> dict[str, Claim]:
    """Every registered claim by id, in order of registration."""
    return dict(_registry)


def forget(module: str) -> None:
    """Take the claims of a module that could not be imported to its end out of the registry."""
    for id in [id for id, claim in _registry.items() if claim.function.__module__ == module]:
        del _registry[id]


def select(patterns: Iterable[str]) -> list[Claim]:
    """Claims whose id matches any glob pattern (all, for no pattern), in order of registration.

    Raises LookupError naming a pattern that matches nothing.
    """
    patterns = list(patterns)
    for pattern in patterns:
        if not fnmatch.filter(_registry, pattern):
            near = get_close_matches(pattern, _registry, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise LookupError(f"no claim matches {pattern!r}; {hint}`ncfcheck list` shows them all")
    return [
        each
        for each in _registry.values()
        if not patterns or any(fnmatch.fnmatch(each.id, p) for p in patterns)
    ]
