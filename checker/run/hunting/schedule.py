"""The shards of a hunt in order, a generation as soon as the results it depends on are in."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

import msgspec

from ncfcheck.run.hunting.search import LAG, Search
from ncfcheck.run.hunting.shards import Shard, ShardReport

Known = Callable[[Shard], ShardReport | None]  # the report of a shard that was done before


class Schedule:
    """Names the next shard to work on and takes in what became of it.

    It ends after `instances`, at the moment `until`, and, with `first` only, once there is a
    counterexample. `done(shard)` is the report of a shard that was done before, which is not handed
    out again, or None.
    """

    def __init__(self, search: Search, instances: float, until: float, first: bool, done: Known):
        self.search, self.done = search, done
        self.instances, self.until, self.first = instances, until, first
        self.generations: dict[int, list[Shard]] = {}
        self.reports: dict[int, dict[int, ShardReport]] = {}
        self.waiting: deque[Shard] = deque()
        self.next, self.planned, self.found, self.found_learnt = 0, 0, False, False

    def take(self) -> Shard | None:
        """The next shard; None while none can be named, or at the end."""
        left = self.until - time.monotonic()
        if left <= 0 or (self.until < math.inf and self.first and self.found):
            return None
        while not self.waiting:
            if not self._plan():
                return None
        shard = self.waiting.popleft()
        return shard if math.isinf(left) else msgspec.structs.replace(shard, seconds=left)

    def finish(self, shard: Shard, report: ShardReport) -> None:
        """Take in the report of a shard, without its rows, which may be many."""
        self.reports[shard.generation][shard.index] = msgspec.structs.replace(report, rows=[])
        self.found = self.found or bool(report.found)

    def _plan(self) -> bool:
        """Plan the next generation, if what it depends on is in and anything is left to do."""
        generation, needed = self.next, self.next - LAG
        if needed >= 0:
            shards = self.generations.get(needed, [])
            if len(self.reports.get(needed, {})) < len(shards):
                return False
            self._learn(needed)
        if self.planned >= self.instances or (self.first and self.found_learnt):
            return False
        shards = self._trimmed(self.search.plan(generation))
        self.generations[generation], self.reports[generation] = shards, {}
        for shard in shards:
            report = self.done(shard)
            if report is None:
                self.waiting.append(shard)
            else:
                self.finish(shard, report)
        self.next += 1
        return True

    def _learn(self, generation: int) -> None:
        """Take a generation's reports into the search, once, and forget them: memory stays flat."""
        shards, reports = self.generations.pop(generation, None), self.reports.pop(generation, None)
        if shards:
            ordered = [reports[shard.index] for shard in shards]
            self.found_learnt = self.found_learnt or any(report.found for report in ordered)
            self.search.learn(shards, ordered)

    def _trimmed(self, shards: list[Shard]) -> list[Shard]:
        """The first shards, the last of them shortened: no more instances planned than wanted."""
        kept = []
        for shard in shards:
            count = int(min(shard.count, self.instances - self.planned))
            if count > 0:
                kept.append(msgspec.structs.replace(shard, count=count, cut=count < shard.count))
                self.planned += count
        return kept
