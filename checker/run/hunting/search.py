"""Where a hunt looks next: the worst instances so far, by stratum, and shards of work from them.

Generations are planned one after another. What a generation consists of depends on the seed, its
number and the results of the generations at least LAG before it, in the order of their shards:
never on how many workers there are or how fast.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from msgspec.structs import replace

from ncfcheck.core.seeds import derive
from ncfcheck.run.hunting.shards import (
    DRAWN,
    MUTATED,
    OPTIMISED,
    STRUCTURED,
    Point,
    Shard,
    ShardReport,
)

VERSION = 1  # of what a seed means; a hunt of another version is not continued
LAG = 2  # generations: while the results of one come in, the next is at work
SHARDS = 8  # of a generation
FIRST = (STRUCTURED,) * 4 + (DRAWN,) * 4  # tactics of the first generations
LATER = (STRUCTURED, DRAWN, MUTATED, MUTATED, MUTATED, OPTIMISED, OPTIMISED, OPTIMISED)
SMALL, LARGE = 4, 32  # instances per shard, doubled with every generation
BOARD = 200  # strata whose worst instance is kept
PARENTS = 4  # of a shard of mutations
PATIENCE = 64  # values without improvement after which an optimisation is given up
GREED = 0.75  # of optimisations, in the choice of what they start from
FLAT = 12  # equal values that show that nothing depends on what is moved
LONGEST = 600  # values of one optimisation


@dataclass
class Board:
    """The worst instance of each stratum, as far as there is room, and visits to each stratum."""

    best: dict[str, Point] = field(default_factory=dict)
    visits: Counter[str] = field(default_factory=Counter)

    def add(self, point: Point) -> None:
        """Keep the instance if it is the worst of its stratum; the mildest of all makes room."""
        old = self.best.get(point.stratum)
        if old is None or point.margin < old.margin:
            self.best[point.stratum] = point
        if len(self.best) > BOARD:
            del self.best[max(self.best, key=lambda stratum: self.best[stratum].margin)]

    def chosen(self, rng, greed: float = 0.25) -> Point:
        """A parent: worst of a few, the share `greed` of all, or of a stratum seldom visited."""
        strata = list(self.best)
        if rng.random() < 0.25:
            few = [strata[i] for i in rng.integers(len(strata), size=3)]
            return self.best[min(few, key=lambda stratum: self.visits[stratum])]
        few = [strata[i] for i in rng.integers(len(strata), size=max(3, int(greed * len(strata))))]
        return self.best[min(few, key=lambda stratum: self.best[stratum].margin)]


@dataclass(frozen=True)
class Climb:
    """An optimisation under way: where it started, its seed and all values so far."""

    parent: Point
    seed: int
    told: tuple[float, ...] = ()

    @property
    def is_stuck(self) -> bool:
        """Whether the latest values are no better than earlier ones, all the same, or enough."""
        told = self.told
        if len(told) >= FLAT and min(told) == max(told):
            return True
        if len(told) > PATIENCE and min(told[-PATIENCE:]) >= min(told[:-PATIENCE]):
            return True
        return len(told) >= LONGEST


class Search:
    """Plans the generations of a hunt, and learns from their reports."""

    def __init__(self, claim: str, seed: int):
        self.claim, self.seed = claim, seed
        self.board = Board()
        self.climbs: dict[int, Climb] = {}  # by the shard that they are carried on in

    def plan(self, generation: int) -> list[Shard]:
        """The shards of a generation; all up to LAG generations before must have been learnt."""
        tactics = LATER if generation >= LAG and self.board.best else FIRST
        count = min(LARGE, SMALL * 2**generation)
        return [
            self._shard(generation, index, tactic, count) for index, tactic in enumerate(tactics)
        ]

    def learn(self, shards: list[Shard], reports: list[ShardReport]) -> None:
        """Take in the reports of a whole generation."""
        for shard, report in zip(shards, reports):
            self.board.visits.update(report.strata)
            for point in report.elites:
                self.board.add(point)
            if shard.tactic == OPTIMISED:
                self._carry_on(shard, report)

    def _shard(self, generation: int, index: int, tactic: str, count: int) -> Shard:
        seed = derive(self.seed, self.claim, "hunt", generation, index)
        shard = Shard(self.claim, generation, index, tactic, seed, count)
        rng = np.random.default_rng(seed)
        if tactic == MUTATED:
            return replace(shard, parents=tuple(self.board.chosen(rng) for _ in range(PARENTS)))
        if tactic == OPTIMISED:
            climb = self.climbs.pop(self._lane(shard), None)
            climb = climb or Climb(self.board.chosen(rng, GREED), seed)
            return replace(shard, seed=climb.seed, parents=(climb.parent,), told=climb.told)
        return shard

    def _carry_on(self, shard: Shard, report: ShardReport) -> None:
        """Go on with an optimisation, unless it is stuck or came to nothing."""
        climb = Climb(shard.parents[0], shard.seed, (*shard.told, *report.values))
        if report.values and not climb.is_stuck:
            self.climbs[self._lane(shard)] = climb

    def _lane(self, shard: Shard) -> int:
        """Optimisations alternate between the generations in flight: shards of each one's own."""
        return shard.generation % LAG * SHARDS + shard.index
