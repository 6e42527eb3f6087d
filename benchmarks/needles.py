"""How many instances guided search needs to find planted needles, against pure random draws.

    python -m benchmarks.needles [--most N] [--seeds N] [--needle NAME …]

Both run in this process on the claims of `benchmarks.planted`, without ledger, shrinking or
parallel work: what is counted is instances up to the first confirmed violation. The table is
printed as Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass

from ncfcheck.core.claims import Claim, Kind, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.run.hunting.search import LAG, LARGE, SHARDS, Search
from ncfcheck.run.hunting.shards import DRAWN, Shard
from ncfcheck.run.hunting.tactics import carried_out

SOURCE = "benchmarks.planted"


class Random(Search):
    """Nothing but fresh draws of the claim's own strategy."""

    def plan(self, generation: int) -> list[Shard]:
        """A generation of them."""
        return [self._shard(generation, index, DRAWN, LARGE) for index in range(SHARDS)]


@dataclass(frozen=True)
class Found:
    """Instances tested up to the first violation, or all if there was none, and seconds."""

    instances: int
    is_found: bool
    seconds: float


def looked(search: Search, claim: Claim, most: int) -> Found:
    """Carry out the generations of a search up to the first violation, or `most` instances."""
    start, tested, plans, reports = time.perf_counter(), 0, {}, {}
    generation = 0
    while tested < most:
        if generation >= LAG:
            search.learn(plans.pop(generation - LAG), reports.pop(generation - LAG))
        plans[generation], reports[generation] = search.plan(generation), []
        for shard in plans[generation]:
            report = carried_out(claim, shard)
            reports[generation].append(report)
            if report.found:
                first = next(
                    number for number, row in enumerate(report.rows, 1) if row.instance is not None
                )
                return Found(tested + first, True, time.perf_counter() - start)
            tested += len(report.rows)
        generation += 1
    return Found(tested, False, time.perf_counter() - start)


def row(claim: Claim, most: int, seeds: int) -> str:
    """A line of the table: medians over seeds; for random draws one seed, as most of them find
    nothing.
    """
    guided = [looked(Search(claim.id, seed), claim, most) for seed in range(seeds)]
    drawn = looked(Random(claim.id, 0), claim, most)
    count = statistics.median(each.instances for each in guided)
    told = (
        f"{count:.0f}"
        if all(each.is_found for each in guided)
        else f"{sum(each.is_found for each in guided)} of {seeds} seeds"
    )
    random = f"{drawn.instances}" if drawn.is_found else f"none in {drawn.instances}"
    seconds = statistics.median(each.seconds for each in guided)
    return (
        f"| `{claim.id}` | {claim.summary} | {told} | {seconds:.1f} s | {random} | "
        f"{drawn.seconds:.0f} s |"
    )


def main() -> None:
    """Measure every needle, or those named."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.needles", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--most", type=int, default=20_000, help="instances after which a search is given up"
    )
    parser.add_argument(
        "--seeds", type=int, default=3, help="guided searches per needle; the median counts"
    )
    parser.add_argument("--needle", action="append", help="only this one; may be repeated")
    options = parser.parse_args()
    load_claims((SOURCE,))
    print(
        "| needle | claim, false on a tiny set | guided: instances | time | random: instances | "
        "time |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for claim in registered().values():
        if claim.kind is Kind.CONTROL and (
            not options.needle or claim.id.split(".")[1] in options.needle
        ):
            print(f"{claim.id} …", file=sys.stderr)
            print(row(claim, options.most, options.seeds), flush=True)


if __name__ == "__main__":
    main()
