"""Batches of instances: what a check is cut into, and what came of each.

The seed of a batch depends on nothing but the run's seed, the claims' strategy and the batch's
index, so that a run gives the same results whatever the number of workers. Claims about equal
strategies share a batch: each instance is drawn once, and the flow that all of them look at is
followed once. What one claim finds does not depend on which others are there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from ncfcheck.core.claim_files import told_of
from ncfcheck.core.claims import Claim, Kind, Margin, Outcome
from ncfcheck.core.describing import describe, one_line
from ncfcheck.core.seeds import derive
from ncfcheck.core.time_limit import OutOfTime
from ncfcheck.model.families import Family
from ncfcheck.run.counterexamples import Stored, has_certificate, replay_stored, stored
from ncfcheck.run.workers import one_thread
from ncfcheck.strategies.about import claims_about
from ncfcheck.strategies.draw import drawn
from ncfcheck.verdicts.events import Examined
from ncfcheck.verdicts.judging import examine, prove_conclusion
from ncfcheck.verdicts.tallies import Tally

CONTROL_SHARE = 2  # a control gets one instance for so many of a theorem: one violation is enough
SIZE = 50  # instances of each claim in a batch
ROUNDS = 5  # of drawing, for a batch whose instances turn out inapplicable
AT_ONCE = 25  # instances drawn at most before they are judged
OVERDRAW = 4  # instances drawn per one wanted, after the first round


@dataclass(frozen=True)
class Batch:
    """A unit of work: `examples` applicable instances of each of some claims about one strategy.

    `stored` are witnesses by claim that are replayed first; for claims in `proved` no certificate
    is looked for.
    """

    claims: tuple[str, ...]
    index: int
    examples: int
    stored: dict[str, tuple[Stored, ...]] = field(default_factory=dict)
    proved: frozenset[str] = frozenset()

    @property
    def claim(self) -> str:
        """The claims in one string."""
        return ", ".join(self.claims)


@dataclass(frozen=True)
class BatchReport:
    """A tally a claim, how long the batch took, and every instance where that was asked for."""

    tallies: dict[str, Tally]
    seconds: float
    examined: tuple[Examined, ...] = ()


def cut(claims: Iterable[Claim], examples: int) -> list[Batch]:
    """Batches of nearly equal size, at most SIZE, that make up `examples` instances of each claim,
    or a control's share of them.

    First batches come first.
    """
    together: dict[tuple[str, int], list[str]] = {}
    for claim in claims:
        wanted = -(-examples // CONTROL_SHARE) if claim.kind is Kind.CONTROL else examples
        together.setdefault((claim.stream, wanted), []).append(claim.id)
    batches = []
    for (_, wanted), ids in together.items():
        count = -(-wanted // SIZE)
        batches += [
            Batch(tuple(ids), i, wanted * (i + 1) // count - wanted * i // count)
            for i in range(count)
        ]
    return sorted(batches, key=lambda batch: batch.index)


def with_witnesses(batches: list[Batch], folder: Path) -> list[Batch]:
    """The batches, the first of each claim with its witnesses in a folder.

    What is replayed there proves the claim false: others need not look for a proof.
    """
    found = {id: stored(id, folder) for batch in batches for id in batch.claims}
    proved = frozenset(id for id, witnesses in found.items() if has_certificate(witnesses))
    return [
        replace(batch, proved=proved.intersection(batch.claims))
        if batch.index
        else replace(batch, stored={id: found[id] for id in batch.claims})
        for batch in batches
    ]


def check_batch(
    batch: Batch,
    seed: int,
    data=None,
    *,
    models: tuple[Family, ...] | None = None,
    verbose: bool = False,
    certify: bool = False,
) -> BatchReport:
    """What came of a batch, on data sets of the strategy `data` and on `models` where given: it
    draws until every claim has its number of applicable instances, for at most ROUNDS rounds.
    """
    claims = claims_about(batch.claims, models)
    start, under_way = time.perf_counter(), _Checking(batch, [*claims.values()], verbose, certify)
    under_way.replay()
    with one_thread():
        for turn in range(ROUNDS):
            if under_way.wanting:
                under_way.draw(seed, data, turn)
    return under_way.report(time.perf_counter() - start)


class _Checking:
    """A batch under way."""

    def __init__(self, batch: Batch, claims: list[Claim], verbose: bool, certify: bool):
        self.batch, self.claims = batch, claims
        self.verbose, self.certify = verbose, certify
        self.tallies = {id: Tally(asked=batch.examples) for id in batch.claims}
        self.examined: list[Examined] = []

    @property
    def wanting(self) -> list[Claim]:
        """Claims that have not got their number of instances yet."""
        return [claim for claim in self.claims if self._missing(claim) > 0]

    def _missing(self, claim: Claim) -> int:
        return self.batch.examples - self.tallies[claim.id].applicable

    def replay(self) -> None:
        """Examine the stored witnesses."""
        for claim in self.claims:
            replay_stored(claim, self.tallies[claim.id], self.batch.stored.get(claim.id, ()))

    def draw(self, seed: int, data, turn: int) -> None:
        """A round of drawing. What the strategy raises is an error of the claim's and ends it."""
        first, index, refused = self.claims[0], self.batch.index, Counter[str]()
        stream = drawn(
            first.strategy(data),
            self.batch.examples * (OVERDRAW if turn else 1),
            derive(seed, first.stream, index, turn),
            simplest=index + turn == 0,
            refused=refused,
        )
        self._judge(stream, refused)

    def _judge(self, stream: Iterator, refused: Counter[str]) -> None:
        """Judge what is drawn, until no claim wants more or there is none."""
        while self.wanting:
            # As many as are certainly needed at a time: what draws and what judges keep each other
            # out of the caches.
            count = min(AT_ONCE, max(map(self._missing, self.wanting)))
            instances, error = _next(stream, count)
            for each in instances:
                if isinstance(each, OutOfTime):
                    for claim in self.wanting:
                        self.tallies[claim.id].unresolved[one_line(each)] += 1
                else:
                    self._examine(each)
            if error or len(instances) < count:
                self._end(error, refused)
                return

    def _end(self, error: BaseException | None, refused: Counter[str]) -> None:
        """Tell claims that want more why there is none: for them all was drawn, whatever others
        wanted.
        """
        for claim in self.wanting:
            tally = self.tallies[claim.id]
            tally.refused += refused
            if error:
                tally.errors[f"while drawing: {told_of(error, claim)}"] += 1

    def _examine(self, each) -> None:
        """Have one instance examined by every claim that still wants some."""
        for claim in self.wanting:
            start, tally = time.perf_counter(), self.tallies[claim.id]
            is_unproved = claim.id not in self.batch.proved
            found = examine(claim, each.instance, tally, is_unproved, each)
            if self.certify and found[0] is Outcome.HOLDS:
                prove_conclusion(claim, each.instance, tally)
            if self.verbose:
                self.examined.append(_examined(claim, *found, each.instance))
            tally.seconds += time.perf_counter() - start

    def report(self, seconds: float) -> BatchReport:
        """What came of it; the claims share what drawing took."""
        drawing = seconds - sum(tally.seconds for tally in self.tallies.values())
        for tally in self.tallies.values():
            tally.seconds += drawing / len(self.claims)
        return BatchReport(self.tallies, seconds, tuple(self.examined))


def _next(stream: Iterator, count: int) -> tuple[list, Exception | None]:
    """The next of a stream, at most `count`, and what it raised after these."""
    found: list = []
    try:
        found.extend(islice(stream, count))
    except Exception as error:
        return found, error
    return found, None


def _examined(claim: Claim, outcome: Outcome, margin: Margin, instance) -> Examined:
    return Examined(
        claim.id,
        str(outcome),
        float(margin.value),
        float(margin.error),
        one_line(margin.note),
        describe(instance),
    )
