"""Making a counterexample small enough to read: simpler candidates, each judged again, none taken
that is not confirmed.

The result violates the same claim, is what the claim's strategy promises, and is never less simple
than the instance given. What nobody knows the parts of is drawn again by simpler choices.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from numpy.linalg import LinAlgError

from ncfcheck.core.claims import Claim, Inapplicable, Margin, Outcome, Unresolved
from ncfcheck.core.deadlines import ended
from ncfcheck.core.time_limit import BudgetSpent, each_step
from ncfcheck.model.encoding import NotStorable, encode
from ncfcheck.model.instance import Instance
from ncfcheck.run.shrinking.choices import simpler_choices
from ncfcheck.run.shrinking.complexity import key, size
from ncfcheck.run.shrinking.passes import Candidate, passes
from ncfcheck.run.shrinking.smallest import smallest
from ncfcheck.strategies.choices import Strategy
from ncfcheck.strategies.moves import rebuilt
from ncfcheck.verdicts.judging import denied, judge

SECONDS, EVALUATIONS = 20.0, 5000  # what shrinking one instance may take
OF_ONE = 0.25  # share of that which one evaluation may take
BUILDING = 0.3  # share of the time left that goes to the smallest instances
FAILURES = (Inapplicable, Unresolved, ValueError, ArithmeticError, LookupError, LinAlgError)


@dataclass(frozen=True, eq=False)
class Shrunk:
    """The simplest counterexample found; `complete` unless the budget ended the search."""

    instance: object
    margin: Margin
    evaluations: int
    complete: bool


def shrink(claim: Claim, instance, **options):
    """The simplest instance found that violates as `instance` does; options as for `shrunk`."""
    return shrunk(claim, instance, **options).instance


def shrunk(
    claim: Claim,
    instance,
    *,
    choices=None,
    seconds: float = SECONDS,
    evaluations: int = EVALUATIONS,
    data=None,
) -> Shrunk:
    """Shrink an instance that violates the claim, for so long and by so many evaluations at most.

    `choices` are those that the instance was drawn by, where they are known; `data` the strategy of
    data sets.
    """
    margin = judge(claim, instance)[1]
    search = Search(claim, instance, margin, time.monotonic() + seconds, evaluations)
    # A candidate that gives no answer in a part of the time is turned down, and others are tried.
    with contextlib.suppress(BudgetSpent), each_step(seconds * OF_ONE):
        ended(BudgetSpent(), seconds, _searched, search, data, choices)
    return Shrunk(search.best, search.margin, search.spent, not search.is_over())


def _searched(search: Search, data, choices) -> None:
    """Search by the parts of the instance where they are known, or else by its choices."""
    claim = search.claim
    if isinstance(search.best, Instance) and getattr(claim.given, "promise", None) is not None:
        search.run()
    elif choices is not None:
        _drawn_again(search, claim.strategy(data), choices)


@dataclass
class Search:
    """The best instance so far, and what was tried."""

    claim: Claim
    best: object
    margin: Margin
    deadline: float
    budget: int
    spent: int = 0
    seen: set[bytes] = field(default_factory=set)

    def run(self) -> None:
        """All passes, again and again until none finds anything."""
        improved = True
        while improved and not self.is_over():
            improved = False
            for each in passes(self.best):
                until = self.deadline
                # What is built anew is dear for some claims: most time is the instance's at hand.
                if each is smallest:
                    until -= (1 - BUILDING) * (self.deadline - time.monotonic())
                while self._improve(each(self.best), until):
                    improved = True

    def is_over(self) -> bool:
        """Whether the budget is used up."""
        return self.spent >= self.budget or time.monotonic() >= self.deadline

    def _improve(self, candidates: Iterator[Candidate], until: float) -> bool:
        """Take the first candidate, if any by the time given, that is simpler and violates."""
        for candidate in candidates:
            if self.is_over() or time.monotonic() >= until:
                return False
            if self.consider(candidate):
                return True
        return False

    def consider(self, candidate: Candidate) -> bool:
        """Take the candidate if it is simpler, keeps promises and violates the claim, confirmed."""
        with contextlib.suppress(*FAILURES):
            found = candidate()
            if size(found) > size(self.best) or self._was_seen(found):
                return False
            found = rebuilt(self.claim, found)
            return key(found) < key(self.best) and self.violates(found)
        return False

    def violates(self, found) -> bool:
        """Judge a candidate, and take it if it violates the claim."""
        self.spent += 1
        outcome, margin = judge(self.claim, found)
        if outcome is not Outcome.VIOLATES or denied(self.claim, found, margin):
            return False
        self.best, self.margin = found, margin
        return True

    def _was_seen(self, found) -> bool:
        with contextlib.suppress(NotStorable):
            content = msgspec.json.encode(encode(found, self.claim.function.__module__))
            if content in self.seen:
                return True
            self.seen.add(content)
        return False


def _drawn_again(search: Search, strategy, choices) -> None:
    """What the strategy draws by simpler choices, which for its own Hypothesis makes."""

    def violates(found) -> bool:
        return not search.is_over() and search.violates(found)

    if isinstance(strategy, Strategy):
        simpler_choices(strategy, choices, violates)
    else:
        from ncfcheck.strategies.hypothesis_adapter import smaller

        smaller(strategy, choices, violates, search.budget)
