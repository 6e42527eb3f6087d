"""Where the time of a check and of a hunt goes: `python -m benchmarks.shares [CLAIM ...]`, shares
of processor time.

Parts are timed by wrapping the functions that do them; a part within another counts as itself only.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from threadpoolctl import threadpool_limits

from ncfcheck.core.claims import registered
from ncfcheck.core.loading import load_claims
from ncfcheck.run import check
from ncfcheck.run.check import check_claim
from ncfcheck.run.hunting.hunt import HuntPlan, hunt
from ncfcheck.verdicts.report import Report

CLAIMS = (
    "flow.direction_converges",
    "early.direction_aligns",
    "early.tracking_constant",
    "rank_one.necessary",
)
EXAMPLES, OF_EACH = 400, 40  # of one claim; of each where all are checked
# What a part is called, and where it is looked up when it is called.
PARTS = {
    "judge": ("ncfcheck.core.claims:Claim.judge",),
    "flow": ("ncfcheck.theory.flow.trajectories:_run",),
    "polish": ("ncfcheck.theory.kkt.points:polish",),
    "confirm": ("ncfcheck.verdicts.judging:unconfirmed",),
    "certify": ("ncfcheck.verdicts.judging:_certify",),
    "report": ("ncfcheck.verdicts.tallies:Tally.record", "ncfcheck.run.hunting.tester:describe"),
    "ledger": (
        "ncfcheck.verdicts.ledger:Ledger.record",
        "ncfcheck.run.hunting.tester:Tester._record",
        "ncfcheck.run.hunting.tester:Tester.encode",
    ),
}


class Stopwatch:
    """Processor seconds by part, each without the parts within it; what is in none counts as
    `rest`.
    """

    def __init__(self, rest: str):
        self.spent, self.stack, self.last = Counter(), [rest], time.process_time()

    def _turn(self) -> None:
        now = time.process_time()
        self.spent[self.stack[-1]] += now - self.last
        self.last = now

    @contextmanager
    def part(self, name: str):
        """Time within the block counts for `name`."""
        self._turn()
        self.stack.append(name)
        try:
            yield
        finally:
            self._turn()
            self.stack.pop()

    def wrapped(self, name: str, function):
        """The function, timed."""

        def timed(*arguments, **named):
            with self.part(name):
                return function(*arguments, **named)

        return timed


@contextmanager
def watched(rest: str):
    """A stopwatch that all parts are wrapped in."""
    watch, patches = Stopwatch(rest), []
    for name, places in PARTS.items():
        for place in places:
            module, path = place.split(":")
            owner = importlib.import_module(module)
            *outer, last = path.split(".")
            for each in outer:
                owner = getattr(owner, each)
            patches.append(patch.object(owner, last, watch.wrapped(name, getattr(owner, last))))
    for each in patches:
        each.start()
    try:
        yield watch
        watch._turn()
    finally:
        for each in patches:
            each.stop()


def checked(claim: str) -> Counter:
    """Seconds by part of a check; what is in none is generation by Hypothesis."""
    with watched("draw") as watch:
        check_claim(registered()[claim], EXAMPLES, 0)
    return watch.spent


def everything() -> tuple[Counter, int]:
    """Seconds by part of a check of all claims, which share instances, and how many instances of
    claims they judged.
    """
    plan = check.CheckPlan(tuple(registered()), OF_EACH)
    list(check.run(plan))
    with watched("draw") as watch:
        *_, last = check.run(plan)
    assert isinstance(last, Report)
    return watch.spent, sum(result.instances for result in last.claims)


def hunted(claim: str) -> Counter:
    """Seconds by part of a hunt in this process; what is in none is generation, mutation and the
    search.
    """
    with tempfile.TemporaryDirectory() as folder, watched("draw") as watch:
        for _ in hunt(HuntPlan(claim, 0, EXAMPLES, None, 0, ledger=Path(folder) / "ledger.sqlite")):
            pass
    return watch.spent


def main() -> None:
    """A table with a line for every claim, checked and hunted, and one for a check of them all."""
    load_claims()
    names = ["draw", *PARTS]
    print("| what | ms an instance | " + " | ".join(names) + " |\n|" + " --- |" * (len(names) + 2))
    for claim in sys.argv[1:] or CLAIMS:
        for kind, run in (("check", checked), ("hunt", hunted)):
            check_claim(registered()[claim], 2, 1)
            with threadpool_limits(limits=1):
                spent = run(claim)
            print(_line(f"{kind} {claim}", spent, EXAMPLES, names), flush=True)
    if not sys.argv[1:]:
        print(_line("check, all claims", *everything(), names))


def _line(what: str, spent: Counter, instances: int, names: list[str]) -> str:
    shares = " | ".join(f"{spent[name] / spent.total():.1%}" for name in names)
    return f"| {what} | {1e3 * spent.total() / instances:.2f} | {shares} |"


if __name__ == "__main__":
    main()
