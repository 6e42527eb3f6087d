"""Hunts of many claims, one after another: the hardest theorems for a set time, or false claims up
to the first counterexample.

    python -m benchmarks.hunts [--budget 300s] [--workers N] [--claim CLAIM …] [--resume]
        [-o docs/hunts.md]
    python -m benchmarks.hunts --false [--budget 60s]
        every control, and the needles of `benchmarks.planted`

The table is printed as Markdown, and written to a file with -o. Exit code 1 if a theorem was
violated, or a false claim not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ncfcheck.app.hunt import Budget
from ncfcheck.core.claims import Claim, Kind, Verdict, registered
from ncfcheck.core.loading import SOURCES, load_claims
from ncfcheck.report.hunt import margin
from ncfcheck.run.hunting.events import Counterexample, HuntFinished
from ncfcheck.run.hunting.hunt import HuntPlan, hunt
from ncfcheck.run.workers import available

PLANTED = "benchmarks.planted"
# Those where long runs found mistakes of this program, and those where the most has to go right:
# flows followed to their limits
# on a ladder of δ, and every KKT point of two-layer networks taken apart.
HARDEST = (
    "kkt.one_sample",
    "rank_one.clarke",
    "rank_one.necessary",
    "rank_one.two_layer_iff",
    "flow.direction_converges",
    "early.alignment_before_escape",
    "early.collapse",
    "early.tracking_order",
)
HEADS = {
    False: (
        "theorem",
        "verdict",
        "instances",
        "unresolved",
        "inapplicable",
        "worst margin",
        "strata",
        "a second",
    ),
    True: ("false claim", "found after", "instances", "margin"),
}


def true_row(plan: HuntPlan) -> tuple[list[str], bool]:
    """A theorem's line, and whether it held out for the whole budget."""
    *_, finished = hunt(plan)
    result = finished.result
    counts = (result.tested, result.unresolved, result.inapplicable)
    rate = f"{result.tested / finished.seconds:.0f}"
    told = [
        f"`{result.id}`",
        str(result.verdict),
        *map(str, counts),
        margin(result.worst),
        str(result.strata),
        rate,
    ]
    return told, result.verdict is Verdict.NOT_REFUTED and not finished.stopped


def false_row(plan: HuntPlan) -> tuple[list[str], bool]:
    """A false claim's line, and whether a counterexample was found. The hunt ends with the first,
    which is not made smaller.
    """
    start = time.monotonic()
    events = hunt(plan)
    for event in events:
        if isinstance(event, Counterexample):
            tested = str(next(events).tested)
            events.close()
            return [
                f"`{plan.claim}`",
                f"{time.monotonic() - start:.1f} s",
                tested,
                margin(event.point),
            ], True
        if isinstance(event, HuntFinished):
            break
    return [
        f"`{plan.claim}`",
        "not found",
        str(event.result.tested),
        margin(event.result.worst),
    ], False


def rows(options, claims: list[Claim]) -> Iterator[tuple[list[str], bool]]:
    """A line for each claim, as its hunt ends."""
    instances, seconds = options.budget
    with tempfile.TemporaryDirectory() as folder:
        places = (
            {"ledger": Path(folder) / "ledger.sqlite", "folder": Path(folder)}
            if options.false
            else {}
        )
        for claim in claims:
            print(f"{claim.id} …", file=sys.stderr)
            more = {"resume": options.resume, "sources": (*SOURCES, PLANTED), **places}
            plan = HuntPlan(claim.id, options.seed, instances, seconds, options.workers, **more)
            yield (false_row if options.false else true_row)(plan)


def chosen(options) -> list[Claim]:
    """The claims named; or the hardest theorems, or all that is false."""
    if options.false:
        return [
            each
            for each in registered().values()
            if each.kind is Kind.CONTROL and each.id in (options.claim or [each.id])
        ]
    return [registered()[id] for id in options.claim or HARDEST]


def main() -> int:
    """Hunt, print the table, write it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hunts", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--budget",
        type=lambda text: Budget().convert(text, None, None),
        help="of one hunt: 300s, 10m or N",
    )
    parser.add_argument("--workers", type=int, default=available())
    parser.add_argument("--claim", action="append", help="only this one; may be repeated")
    parser.add_argument(
        "--false", action="store_true", help="false claims instead of the hardest theorems"
    )
    parser.add_argument("--resume", action="store_true", help="continue the last hunt of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE")
    options = parser.parse_args()
    options.budget = options.budget or (None, 60.0 if options.false else 300.0)
    load_claims((*SOURCES, PLANTED))
    lines, well = [_line(HEADS[options.false]), _line(["---"] * len(HEADS[options.false]))], True
    print("\n".join(lines))
    for told, is_well in rows(options, chosen(options)):
        lines, well = [*lines, _line(told)], well and is_well
        print(lines[-1], flush=True)
    if options.output:
        about = (
            f"`{' '.join(['python -m benchmarks.hunts', *sys.argv[1:]])}`, {options.workers} "
            f"workers, seed {options.seed}:\n\n"
        )
        title = f"# Hunts of {'false claims' if options.false else 'theorems'}\n\n"
        options.output.write_text(title + about + "\n".join(lines) + "\n", encoding="utf-8")
    return 0 if well else 1


def _line(cells) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
