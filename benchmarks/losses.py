"""What claims say on every loss that they draw: `python -m benchmarks.losses [AREA …] [--count N]
[--seeds S]`.

Every theorem draws instances, N for each of its losses and S seeds together or more, and judges
them as a check does: violations are confirmed. A row for every claim and loss; the last line says
whether any is violated.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

import numpy as np

from ncfcheck.core.claims import THEOREM, Claim, Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.strategies.draw import draw
from ncfcheck.verdicts.judging import examine
from ncfcheck.verdicts.tallies import Tally

BATCH, MOST = 40, 60  # instances drawn at once, of one seed; batches of one claim and seed


def outcomes(claim: Claim, count: int, seeds: int) -> tuple[Counter, list[str]]:
    """(loss, outcome) → number, and what violates; until every loss that is drawn has `count`."""
    found: Counter = Counter()
    violations = []
    for seed in range(seeds):
        tally = Tally()
        for loss, outcome, instance in _judged(claim, seed, -(-count // seeds), tally):
            found[loss, outcome] += 1
            if outcome in (Outcome.VIOLATES, Outcome.ERROR):
                violations.append(f"{claim.id} seed {seed}: {outcome.value} {instance.describe()}")
    return found, violations


def _judged(claim: Claim, seed: int, count: int, tally: Tally) -> Iterator:
    """(loss, outcome, instance) of instances of a seed, for no loss many more than `count`."""
    drawn: Counter = Counter()
    for batch in range(MOST):
        for instance in draw(claim.strategy(), BATCH, 1000 * seed + batch, simplest=False):
            loss = str(instance.problem.loss)
            drawn[loss] += 1
            if drawn[loss] <= count:
                yield loss, examine(claim, instance, tally, certified=False)[0], instance
        if batch and min(drawn.values()) >= count:
            return


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("areas", nargs="*", help="claims, by the beginning of their id")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    wanted = parser.parse_args()
    load_claims()
    np.seterr(all="ignore")
    violations = []
    named = [each for each in Outcome if each is not Outcome.ERROR]
    print(f"{'claim':32} {'loss':12} {'instances':>9}", *(f"{each.value:>12}" for each in named))
    for claim in registered().values():
        if claim.kind is THEOREM and claim.id.startswith(tuple(wanted.areas) or ""):
            found, more = outcomes(claim, wanted.count, wanted.seeds)
            violations += more
            for loss in sorted({loss for loss, _ in found}):
                each = {outcome: found[loss, outcome] for outcome in Outcome}
                columns = (f"{each[outcome]:12}" for outcome in named)
                print(f"{claim.id:32} {loss:12} {sum(each.values()):9}", *columns, flush=True)
    print(*violations, sep="\n")
    print(f"{len(violations)} violations or errors")


if __name__ == "__main__":
    main()
