"""The check loop: draw instances, have them examined, add up, conclude.

Work is cut into shards whose seeds depend on nothing but the run's seed, the claims' strategy and
the shard's index, so that a run gives the same results whatever the number of workers. Claims about
equal strategies share a shard: each instance is drawn once, and the flow that all of them look at
is followed once. What one claim finds does not depend on which others are there.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import pkgutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

from ncfcheck.core import claim_files
from ncfcheck.core.claim_files import BrokenClaims, told, told_of
from ncfcheck.core.claims import Claim, Kind, Margin, Outcome, registered
from ncfcheck.core.files import Unwritable
from ncfcheck.core.tables import Table
from ncfcheck.core.versions import versions
from ncfcheck.run.stored import has_certificate, is_worth_keeping, keep, replay_stored
from ncfcheck.run.workers import WorkerLost, one_thread, spread
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.events import (
    ClaimFinished,
    Event,
    Examined,
    Progress,
    RunFinished,
    RunStarted,
)
from ncfcheck.verdicts.judging import examine, prove_conclusion
from ncfcheck.verdicts.results import ClaimResult, Tally, conclude, describe, one_line

PROFILES = {"quick": 25, "ci": 200, "deep": 2000}  # applicable instances per claim
CONTROL_SHARE = 2  # a control gets one instance for so many of a theorem: one violation is enough
SOURCES = ("ncfcheck.properties",)  # packages and modules whose import registers claims
SHARD = 50  # instances per unit of work
ROUNDS = 5  # of drawing, for a shard whose instances turn out inapplicable
BATCH = 25  # instances drawn at most before they are judged
OVERDRAW = 4  # instances drawn per one wanted, after the first round


@dataclass(frozen=True)
class Plan:
    """What to check: claim ids, applicable instances per claim (fewer for a control), the seed that
    everything drawn depends on.

    `shard` is i/k where the claims are those of one of k jobs; `verbose` asks for an event of every
    instance. Witnesses stored in `folder` are replayed, and new ones stored there; not where it is
    None. With `certify`, proofs are tried of the conclusions that hold.
    """

    claims: tuple[str, ...]
    examples: int
    seed: int = 0
    workers: int = 1
    table: Table | None = None
    sources: tuple[str, ...] = SOURCES
    shard: str = ""
    verbose: bool = False
    folder: Path | None = None
    certify: bool = False


@dataclass(frozen=True)
class Shard:
    """A unit of work: `examples` applicable instances of each of some claims about one strategy."""

    claims: tuple[str, ...]
    index: int
    examples: int

    @property
    def claim(self) -> str:
        """The claims in one string."""
        return ", ".join(self.claims)


@dataclass(frozen=True)
class Worked:
    """What came of a shard: a tally a claim, how long it took, and every instance where that was
    asked for.
    """

    tallies: dict[str, Tally]
    seconds: float
    examined: tuple[Examined, ...] = ()


def load_claims(sources: tuple[str, ...] = SOURCES) -> None:
    """Import every module of the packages named, sub-packages included, and the user's files, so
    that their claims are registered.

    Raises BrokenClaims naming the module that cannot be imported.
    """
    for source in sources:
        if claim_files.is_file(source):
            claim_files.load(source)
            continue
        _import_all(source)
    _set_apart()


@cache
def _set_apart() -> None:
    """Have the garbage collector pass over what is loaded, which stays: to look through it takes as
    long as 100 instances.
    """
    gc.freeze()


def run(plan: Plan) -> Iterator[Event]:
    """Check the claims of a plan, telling of it in events; interrupting it ends it cleanly with
    what was found.
    """
    # Needed to conclude: a first import that Ctrl-C cuts short cannot be made up for in the same
    # process.
    import scipy.special  # noqa: F401

    start = time.perf_counter()
    claims = {id: registered()[id] for id in plan.claims}
    shards = cut(claims.values(), plan.examples)
    tallies: dict[str, dict[int, Tally]] = {id: {} for id in claims}
    missing = Counter(id for shard in shards for id in shard.claims)
    done, total, stopped = 0, sum(shard.examples * len(shard.claims) for shard in shards), ""
    yield RunStarted(plan.claims, plan.examples, plan.seed, plan.workers, versions(), plan.shard)
    try:
        for shard, worked in _worked(plan, shards):
            done += shard.examples * len(shard.claims)
            for id, tally in worked.tallies.items():
                tallies[id][shard.index] = tally
                missing[id] -= 1
            yield from worked.examined
            yield Progress(done, total, shard.claim)
            for id in shard.claims:
                if not missing[id]:
                    yield ClaimFinished(_merged(claims[id], tallies[id]))
    except KeyboardInterrupt:
        stopped = "interrupted"
    except WorkerLost as lost:
        stopped = str(lost)
    results = tuple(
        _kept(plan, claim, tallies[id], stopped) for id, claim in claims.items() if tallies[id]
    )
    yield RunFinished(results, time.perf_counter() - start, stopped)


def check_claim(claim: Claim, examples: int, seed: int, data=None) -> ClaimResult:
    """Check one claim in this process, on data sets of the strategy `data` where given; the same
    result as in a run.
    """
    tallies = {
        shard.index: check_shard(shard, seed, data).tallies[claim.id]
        for shard in cut([claim], examples)
    }
    return _merged(claim, tallies)


def cut(claims: Iterable[Claim], examples: int) -> list[Shard]:
    """Shards of nearly equal size, at most SHARD, that make up `examples` instances of each claim,
    or a control's share of them.

    First shards come first.
    """
    together: dict[tuple[str, int], list[str]] = {}
    for claim in claims:
        wanted = -(-examples // CONTROL_SHARE) if claim.kind is Kind.CONTROL else examples
        together.setdefault((claim.stream, wanted), []).append(claim.id)
    shards = []
    for (_, wanted), ids in together.items():
        count = -(-wanted // SHARD)
        shards += [
            Shard(tuple(ids), i, wanted * (i + 1) // count - wanted * i // count)
            for i in range(count)
        ]
    return sorted(shards, key=lambda shard: shard.index)


def check_shard(
    shard: Shard,
    seed: int,
    data=None,
    verbose: bool = False,
    folder: Path | None = None,
    certify: bool = False,
) -> Worked:
    """Tallies of a shard: draws until every claim has its number of applicable instances, for at
    most ROUNDS rounds.

    The first shard of a claim replays its witnesses stored in `folder` before that.

    An exception of the strategy, a bug in it, is counted as unresolved: aloud, and ending the
    round.
    """
    from ncfcheck.strategies.draw import drawn

    claims, start = [registered()[id] for id in shard.claims], time.perf_counter()
    tallies, examined = {claim.id: Tally() for claim in claims}, []

    def wanting() -> list[Claim]:
        return [claim for claim in claims if tallies[claim.id].drawn < shard.examples]

    def visit(each):
        for claim in wanting():
            begun = time.perf_counter()
            found = examine(claim, each.instance, tallies[claim.id], claim.id not in proved, each)
            if certify and found[0] is Outcome.HOLDS:
                prove_conclusion(claim, each.instance, tallies[claim.id])
            examined.extend([_examined(claim, *found, each.instance)] if verbose else [])
            tallies[claim.id].seconds += time.perf_counter() - begun

    for claim in claims if folder and shard.index == 0 else ():
        replay_stored(claim, tallies[claim.id], folder)
    # What is replayed in the first shard proves the claim false: others need not look for a proof.
    proved = {
        claim.id for claim in claims if folder and shard.index and has_certificate(claim, folder)
    }
    with one_thread():
        for turn in range(ROUNDS):
            count, derived = (
                shard.examples * (OVERDRAW if turn else 1),
                derive(seed, claims[0].stream, shard.index, turn),
            )
            stream, error = (
                drawn(claims[0].strategy(data), count, derived, simplest=shard.index + turn == 0),
                None,
            )
            while wanting() and error is None:
                # As many as are certainly needed at a time: what draws and what judges keep each
                # other out of the caches.
                wanted = min(
                    BATCH, max(shard.examples - tallies[claim.id].drawn for claim in wanting())
                )
                batch, error = _batch(stream, wanted)
                for each in batch:
                    visit(each)
                if len(batch) < wanted:
                    break
            for claim in wanting() if error else ():
                tallies[claim.id].unresolved[f"error while drawing: {told_of(error, claim)}"] += 1
            if not wanting():
                break
    seconds = time.perf_counter() - start
    drawing = (seconds - sum(tally.seconds for tally in tallies.values())) / len(claims)
    for tally in tallies.values():
        tally.seconds += drawing
    return Worked(tallies, seconds, tuple(examined))


def _batch(stream: Iterator, size: int) -> tuple[list, Exception | None]:
    """The next of a stream, at most `size`, and what it raised after these."""
    found: list = []
    try:
        found.extend(islice(stream, size))
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


def derive(seed: int, *path) -> int:
    """A seed for the part of the work that `path` names; stable over processes and versions of
    Python.
    """
    return int.from_bytes(hashlib.sha256(repr((seed, *path)).encode()).digest()[:8])


_worker: tuple[
    Plan, object
]  # the plan and its strategy of data sets; set when a worker process starts


def _worked(plan: Plan, shards: list[Shard]) -> Iterator[tuple[Shard, Worked]]:
    """Shards with what came of them as they are done; in this process when one worker is enough."""
    workers = min(plan.workers, len(shards))
    if workers > 1:
        yield from spread(_work, shards, workers, _prepare, (plan,))
        return
    data = _data(plan)
    for shard in shards:
        yield shard, check_shard(shard, plan.seed, data, plan.verbose, plan.folder, plan.certify)


def _prepare(plan: Plan) -> None:
    global _worker
    load_claims(plan.sources)
    _worker = plan, _data(plan)


def _work(shard: Shard) -> Worked:
    plan, data = _worker
    return check_shard(shard, plan.seed, data, plan.verbose, plan.folder, plan.certify)


def _data(plan: Plan):
    """Strategy of data sets drawn from the plan's table, if it has one."""
    if plan.table is None:
        return None
    from ncfcheck.strategies.instances import from_table

    return from_table(plan.table)


def _merged(claim: Claim, tallies: dict[int, Tally]) -> ClaimResult:
    """Result of the shards done, added in the order of their index, whatever the order they were
    done in.
    """
    return conclude(claim, _total(tallies))


def _total(tallies: dict[int, Tally]) -> Tally:
    total = Tally()
    for index in sorted(tallies):
        total += tallies[index]
    return total


def _kept(plan: Plan, claim: Claim, tallies: dict[int, Tally], stopped: str) -> ClaimResult:
    """The result, once a counterexample found is stored in the plan's folder; failing to do so
    costs no result.
    """
    total = _total(tallies)
    result = conclude(claim, total)
    if plan.folder is None or stopped or not is_worth_keeping(claim, total):
        return result
    try:
        path = keep(claim, total.violation, plan.seed, plan.folder, _data(plan))
    except (OSError, Unwritable):
        path = None
    return replace(
        result, kept=witness.replay_command(path, witness.home_of(claim)) if path else ""
    )


def _import_all(name: str) -> None:
    """Import a module and, of a package, all within it, in the order of their names."""
    module = _import(name)
    for each in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        _import_all(each.name)


def _import(name: str):
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise BrokenClaims(f"cannot load the claims of {name}: {told(error)}") from error
