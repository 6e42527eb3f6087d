"""Choosing a shard's instances: structured families, fresh draws, mutations, optimisation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ncfcheck.core.claim_files import told_of
from ncfcheck.core.claims import Claim, Inapplicable
from ncfcheck.core.deadlines import ended
from ncfcheck.core.seeds import derive
from ncfcheck.core.time_limit import BudgetSpent, OutOfTime
from ncfcheck.model.encoding import BadWitness, decode
from ncfcheck.model.instance import Instance
from ncfcheck.run.hunting.changes import movable, mutated, rebuilt, snapped, within
from ncfcheck.run.hunting.optimisers import METHODS
from ncfcheck.run.hunting.shards import (
    DRAWN,
    MUTATED,
    OPTIMISED,
    STRUCTURED,
    Point,
    Shard,
    ShardReport,
)
from ncfcheck.run.hunting.tester import NOTHING, Tester
from ncfcheck.run.workers import one_thread
from ncfcheck.strategies import moves
from ncfcheck.strategies.choices import Drawn
from ncfcheck.strategies.datasets import families
from ncfcheck.strategies.draw import draw_one
from ncfcheck.strategies.instances import Given

FAMILIES = ("lattice", "antipodal", "d=1", "orthogonal", "duplicated", "collinear", "n=1", "sphere")
LAST = 1.0  # seconds beyond its own that a shard has for an instance begun
DIMENSIONS = (4, 12, 30)  # that are optimised at a time: few are soon exhausted, many reach further


def carried_out(claim: Claim, shard: Shard) -> ShardReport:
    """The report of a shard of a hunt for a counterexample to the claim."""
    tester = Tester(claim, shard)
    with one_thread():
        try:
            tactic, left = TACTICS[shard.tactic], shard.seconds + LAST
            ended(BudgetSpent(), left, tactic, claim, shard, tester)
        except BudgetSpent:
            pass  # it was at an instance that the budget does not reach to
        except OutOfTime as late:
            tester.without(str(late))
        except Exception as error:
            tester.fail(f"while drawing: {told_of(error, claim)}")
    return tester.finished()


def drawn(claim: Claim, shard: Shard, tester: Tester) -> None:
    """Fresh draws of the claim's own strategy."""
    for seed in _seeds(shard, tester):
        _draw(claim.strategy(), seed, tester)


def structured(claim: Claim, shard: Shard, tester: Tester) -> None:
    """Draws on structured data, where it takes any; choices or arrays snapped to special values."""
    for number, seed in enumerate(_seeds(shard, tester)):
        rng = np.random.default_rng(seed)
        found = draw_one(_on_structured(claim, shard.index + number), seed, refused=tester.refused)
        if found is None:
            continue
        try:
            instance = snapped(claim, found.instance, rng) if number % 3 else found.instance
            tester.test(instance, found.choices if instance is found.instance else None)
        except Inapplicable:
            _draw(claim.strategy(), seed, tester, found.simplified(random.Random(seed)))


def evolved(claim: Claim, shard: Shard, tester: Tester) -> None:
    """Mutations of the parents, and of what is worse than they were."""
    pool = [_parent(claim, point) for point in shard.parents]
    for seed in _seeds(shard, tester):
        rng = np.random.default_rng(seed)
        parent = pool[rng.integers(len(pool))] if pool else None
        child = parent.child(rng) if parent else None
        if child is None:
            _draw(claim.strategy(), seed, tester)
            continue
        value = tester.test(child.instance, child.choices)
        if value < parent.margin:
            child.margin = value
            pool[pool.index(parent)] = child


@dataclass(eq=False)
class _Parent:
    """An instance to mutate, by its choices or by its parts."""

    claim: Claim
    instance: object
    drawn_by: Drawn | None = None
    margin: float = NOTHING

    @property
    def choices(self):
        return self.drawn_by.choices if self.drawn_by else None

    def child(self, rng) -> _Parent | None:
        """A mutation; None where none was possible."""
        if self.instance is not None and (self.drawn_by is None or rng.random() < 0.7):
            try:
                return _Parent(self.claim, mutated(self.claim, self.instance, rng))
            except Inapplicable:
                pass
        if self.drawn_by is None:
            return None
        seed = int(rng.integers(2**63))
        found = draw_one(self.claim.strategy(), seed, self.drawn_by.mutated(random.Random(seed)))
        return None if found is None else _Parent(self.claim, found.instance, found)


def _parent(claim: Claim, point: Point) -> _Parent:
    """The instance of a point, to mutate."""
    instance, prefix = _decoded(claim, point)
    drawn_by = draw_one(claim.strategy(), 0, prefix) if prefix else None
    if instance is None and drawn_by:
        instance = drawn_by.instance
    return _Parent(claim, instance, drawn_by, point.margin)


def optimised(claim: Claim, shard: Shard, tester: Tester) -> None:
    """One parent's margin made smaller, from where `told` ends: by its arrays or its numbers."""
    path = _path(claim, _parent(claim, shard.parents[0]), shard.seed)
    if path is None:
        return
    told, asked = iter(shard.told), METHODS[shard.seed % len(METHODS)](shard.seed, path.start)
    point = next(asked, None)
    while point is not None:
        value = next(told, None)
        if value is None:
            if tester.over:
                return
            value = path.test(point, tester)
            tester.report.values.append(value)
        try:
            point = asked.send(value)
        except StopIteration:
            return


class _Arrays:
    """Some of the numbers in an instance's arrays, in units of their size."""

    def __init__(self, claim: Claim, instance, seed: int):
        self.claim, self.instance = claim, instance
        rng = np.random.default_rng(seed)
        arrays = movable(instance, claim.given.fixed)
        names = sorted(arrays)
        kept = [name for name in names if rng.random() < 0.7] or names
        share = -(-rng.choice(DIMENSIONS) // len(kept))
        chosen = {name: np.sort(rng.permutation(arrays[name].size)[:share]) for name in kept}
        self.places = [(name, int(i)) for name in kept for i in chosen[name]]
        self.arrays = {name: arrays[name] for name in kept}
        self.units = {name: np.sqrt(np.mean(arrays[name] ** 2)) or 1.0 for name in kept}
        self.start = np.zeros(len(self.places))

    def test(self, point: np.ndarray, tester: Tester) -> float:
        """The value of the instance with its numbers moved by `point`; NOTHING if it cannot be."""
        moved = {name: values.astype(float).copy() for name, values in self.arrays.items()}
        for (name, i), step in zip(self.places, point):
            moved[name].flat[i] += step * self.units[name]
        instance = self.instance
        try:
            for name, values in moved.items():
                instance = moves.with_array(instance, name, within(name, values))
            instance = rebuilt(self.claim, instance)
        except Inapplicable:
            return tester.skip()
        return tester.test(instance)


class _Numbers:
    """The numbers that an instance was drawn by."""

    def __init__(self, claim: Claim, parent: _Parent):
        self.claim, self.drawn = claim, parent.drawn_by
        self.numbers = self.drawn.numbers[: DIMENSIONS[-1]] if self.drawn else []
        self.start = np.zeros(len(self.numbers))

    def test(self, point: np.ndarray, tester: Tester) -> float:
        """The value of the instance drawn by the numbers moved by `point`."""
        found = draw_one(self.claim.strategy(), 0, self.drawn.moved(self.numbers, point))
        return tester.skip() if found is None else tester.test(found.instance, found.choices)


def _path(claim: Claim, parent: _Parent, seed: int) -> _Arrays | _Numbers | None:
    """What can be moved continuously, if anything."""
    try:
        if not isinstance(parent.instance, Instance):
            raise Inapplicable("not an instance whose arrays are known")
        rebuilt(claim, parent.instance)
        return _Arrays(claim, parent.instance, seed)
    except Inapplicable:
        numbers = _Numbers(claim, parent)
        return numbers if numbers.numbers else None


TACTICS = {STRUCTURED: structured, DRAWN: drawn, MUTATED: evolved, OPTIMISED: optimised}


def _seeds(shard: Shard, tester: Tester) -> Iterator[int]:
    """A seed per instance until the tester is over, and a few more for those that are not drawn."""
    for number in range(2 * shard.count):
        if tester.over:
            return
        yield derive(shard.seed, number)


def _draw(strategy, seed: int, tester: Tester, prefix=()) -> None:
    found = draw_one(strategy, seed, prefix, tester.refused)
    if found is not None:
        tester.test(found.instance, found.choices)


def _on_structured(claim: Claim, turn: int):
    """The claim's strategy on the next family of structured data; its own where it takes none."""
    if isinstance(claim.given, Given) and claim.given.data is None:
        return claim.strategy(families(only=(FAMILIES[turn % len(FAMILIES)],)))
    return claim.strategy()


def _decoded(claim: Claim, point: Point) -> tuple:
    """The instance and the choices of a point, None for what it lacks."""
    home, parts = claim.function.__module__, []
    for encoded in (point.instance, point.choices):
        try:
            parts.append(None if encoded is None else decode(encoded, home))
        except BadWitness:
            parts.append(None)
    return tuple(parts)
