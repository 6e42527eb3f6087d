"""Instances of one shard judged in turn: what a hunt learns from each, and the report on all."""

from __future__ import annotations

import math
import time
from collections import Counter

from msgspec.structs import replace

from ncfcheck.core.claims import Claim, Margin, Outcome
from ncfcheck.core.describing import describe, one_line
from ncfcheck.model.encoding import NotStorable, encode
from ncfcheck.run.hunting.shards import Point, Row, Shard, ShardReport, stratum
from ncfcheck.verdicts.judging import examine
from ncfcheck.verdicts.tallies import Tally

NOTHING = 1e30  # what an optimiser is told of an instance without a margin
ELITES = 4  # strata per shard whose worst instance is reported
FOUND = 3  # violations per shard that are reported


class Tester:
    """Judges instances of a claim, up to the shard's count and its time."""

    def __init__(self, claim: Claim, shard: Shard):
        self.claim, self.shard, self.report = claim, shard, ShardReport()
        self.tally, self.start = Tally(), time.perf_counter()
        self.skipped, self.refused = 0, Counter[str]()  # reasons of the strategy's
        self.best: dict[str, tuple[Point, object]] = {}

    @property
    def over(self) -> bool:
        """Whether it has tested, or failed to build, or worked for, as much as the shard should."""
        return (
            min(self.left, self.shard.count - self.skipped) <= 0
            or time.perf_counter() - self.start >= self.shard.seconds
        )

    @property
    def left(self) -> int:
        """Instances still to test."""
        return self.shard.count - len(self.report.rows)

    def skip(self) -> float:
        """The value of an instance that could not be built."""
        self.skipped += 1
        return NOTHING

    def test(self, instance, choices=None) -> float:
        """Judge and record an instance; its margin, NOTHING where it has none or is unconfirmed."""
        start, confirmed = time.perf_counter(), self.tally.confirmed
        outcome, margin = examine(self.claim, instance, self.tally)
        seconds = time.perf_counter() - start
        value = self._value(outcome, margin)
        place, error = self._stratum(instance, outcome), _finite(margin.error, 0.0)
        point = Point(place, value, error, describe(instance))
        is_found = self.tally.confirmed > confirmed
        self._record(point, outcome, margin, seconds, self.encode(instance) if is_found else None)
        if value < NOTHING:
            self._keep(point, instance, choices)
        if is_found:
            self._found(point, instance, choices)
        if outcome in (Outcome.HOLDS, Outcome.VIOLATES) and (
            not self.report.worst or value < self.report.worst.margin
        ):
            self.report.worst, self._worst = point, (instance, choices)
        return value

    def fail(self, reason: str) -> None:
        """Record that no more instances could be drawn, which is an error of the claim's."""
        self.tally.errors[one_line(reason)] += 1
        nothing = Point("", math.nan, math.nan, f"shard of seed {self.shard.seed}")
        self._record(nothing, Outcome.ERROR, Margin(math.nan, math.inf, reason), 0.0, None)

    def without(self, reason: str) -> None:
        """Record an instance that there is none of."""
        outcome = str(Outcome.UNRESOLVED)
        self.tally.unresolved[one_line(reason)] += 1
        self.report.rows.append(Row("", "", None, None, outcome, one_line(reason), 0.0))
        self.report.outcomes[outcome] = self.report.outcomes.get(outcome, 0) + 1

    def finished(self) -> ShardReport:
        """The report, with the instances worth keeping encoded."""
        report, order = self.report, sorted(self.best.values(), key=lambda kept: kept[0].margin)
        report.elites = [self._encoded(*kept) for kept in order[:ELITES]]
        report.worst = report.worst and self._encoded(report.worst, self._worst)
        report.found.sort(key=lambda point: point.margin)
        report.coverage = {key: dict(counts) for key, counts in self.tally.coverage.items()}
        report.reasons = dict(self.tally.unresolved.most_common(10))
        report.errors = dict(self.tally.errors.most_common(10))
        report.inapplicable = dict(self.tally.inapplicable.most_common(10))
        report.refused = dict(self.refused.most_common(10))
        report.seconds = time.perf_counter() - self.start
        report.cut = self.shard.cut or report.seconds >= self.shard.seconds
        return report

    def _value(self, outcome: Outcome, margin: Margin) -> float:
        """What the search goes by; a violation that other numerics deny is no lead."""
        denied = outcome is Outcome.UNRESOLVED and margin.outcome is Outcome.VIOLATES
        if outcome in (Outcome.INAPPLICABLE, Outcome.ERROR) or denied:
            return NOTHING
        return _finite(margin.value, NOTHING)

    def _stratum(self, instance, outcome: Outcome) -> str:
        """The instance's stratum, counted unless it is inapplicable."""
        if outcome is Outcome.INAPPLICABLE or not hasattr(instance, "coverage"):
            return ""
        found = stratum(instance.coverage())
        self.report.strata[found] = self.report.strata.get(found, 0) + 1
        return found

    def _record(
        self, point: Point, outcome: Outcome, margin: Margin, seconds: float, encoded
    ) -> None:
        numbers = _finite(margin.value, None), _finite(margin.error, None)
        about = str(outcome), one_line(margin.note), seconds, encoded
        self.report.rows.append(Row(point.stratum, point.spec, *numbers, *about))
        self.report.outcomes[str(outcome)] = self.report.outcomes.get(str(outcome), 0) + 1

    def _keep(self, point: Point, instance, choices) -> None:
        old = self.best.get(point.stratum)
        if old is None or point.margin < old[0].margin:
            self.best[point.stratum] = point, (instance, choices)

    def _found(self, point: Point, instance, choices) -> None:
        found = self.report.found
        if len(found) < FOUND or point.margin < min(each.margin for each in found):
            found.append(self._encoded(point, (instance, choices)))

    def _encoded(self, point: Point, content: tuple) -> Point:
        instance, choices = map(self.encode, content)
        return replace(point, instance=instance, choices=choices)

    def encode(self, value):
        """The plain value of an instance or of choices; None for what has none."""
        try:
            return None if value is None else encode(value, self.claim.function.__module__)
        except NotStorable:
            return None


def _finite(value: float, otherwise):
    return float(value) if math.isfinite(value) else otherwise
