"""General theorems on every family of models: `python -m benchmarks.models [EXAMPLES] [SEEDS]
[CLAIM …]`, of instances a claim, as a check draws them.

A row a claim, a column a family: instances, of these unresolved (u), violated (V) or at fault (E),
and processor time of one. Below are the reasons. With `--each` EXAMPLES are of every family.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from threadpoolctl import threadpool_limits

from ncfcheck.core.claims import THEOREM, Claim, Inapplicable, Outcome, registered
from ncfcheck.core.describing import one_line
from ncfcheck.core.loading import load_claims
from ncfcheck.core.needs import Need
from ncfcheck.core.seeds import derive
from ncfcheck.run.batches import cut
from ncfcheck.strategies.about import about
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.models import ANY, LAYERED, kinds
from ncfcheck.verdicts.judging import examine
from ncfcheck.verdicts.tallies import Tally

MARKS = {Outcome.UNRESOLVED: "u", Outcome.VIOLATES: "V", Outcome.ERROR: "E"}


@dataclass
class Cell:
    """What came of a claim on a family: outcomes, and seconds."""

    outcomes: Counter = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def applicable(self) -> int:
        """Instances that the claim says something of."""
        return self.outcomes.total() - self.outcomes[Outcome.INAPPLICABLE]

    def __str__(self) -> str:
        """In a cell."""
        if not self.outcomes:
            return "-"
        marked = "".join(f" {self.outcomes[each]}{mark}" for each, mark in MARKS.items())
        marked = " ".join(each for each in marked.split() if not each.startswith("0"))
        each = 1e3 * self.seconds / self.outcomes.total()
        return f"{self.applicable}{marked and ' '}{marked} {each:.0f}ms"


def general(ids: Iterable[str] = ()) -> list[Claim]:
    """The theorems that are not about layers alone, or those of these ids."""
    load_claims()
    ids = [*ids]
    return [
        each
        for each in registered().values()
        if each.kind is THEOREM and Need.LAYERED not in each.needs and (not ids or each.id in ids)
    ]


def examined(claims: list[Claim], examples: int, seed: int) -> Iterator[tuple]:
    """Claim, family, outcome, note and seconds of every instance, drawn as a check does."""
    by_id = {each.id: each for each in claims}
    for batch in cut(claims, examples):
        first = by_id[batch.claims[0]]
        tallies = {id: Tally() for id in batch.claims}
        derived = derive(seed, first.stream, batch.index, 0)
        for instance in draw(first.strategy(), batch.examples, derived, simplest=not batch.index):
            model = instance.network
            for id in batch.claims:
                start = time.process_time()
                outcome, margin = examine(by_id[id], instance, tallies[id])
                seconds = time.process_time() - start
                family = model.family.name if model.family else "layered"
                yield id, family, outcome, (margin.note or "within its error"), seconds, instance


def main() -> None:
    """Count, and print the table and the reasons."""
    words = [each for each in sys.argv[1:] if each != "--each"]
    examples, seeds = (int(each) for each in [*words[:2], *["200", "5"][len(words[:2]) :]])
    claims = general(words[2:])
    runs = [claims]
    if "--each" in sys.argv:
        runs = [[_on(each, claim) for claim in claims] for each in kinds((ANY,))]
        runs = [[claim for claim in each if claim] for each in runs]
    cells: dict = defaultdict(lambda: defaultdict(Cell))
    reasons: dict = defaultdict(Counter)
    with threadpool_limits(limits=1):
        for seed in range(seeds):
            for run in runs:
                for id, family, outcome, note, seconds, instance in examined(run, examples, seed):
                    cell = cells[id][family]
                    cell.outcomes[outcome] += 1
                    cell.seconds += seconds
                    if outcome in MARKS:
                        reasons[id, family][f"{outcome}: {one_line(note)[:100]}"] += 1
                    if outcome in (Outcome.VIOLATES, Outcome.ERROR):
                        print(f"{id}: {note}: {instance.describe()}", flush=True)
    print("\n".join(_lines(cells, reasons)))


def _on(kind, claim: Claim) -> Claim | None:
    """The claim on one family, None where it is not about that."""
    if kind == LAYERED:
        return replace(claim, given=claim.given.on_models((kind,)))
    try:
        return about(claim, (kind,))
    except Inapplicable:
        return None


def _lines(cells, reasons) -> Iterator[str]:
    """The table, sums over claims, and reasons, the commonest first."""
    families = list(dict.fromkeys(family for row in cells.values() for family in row))
    yield " | ".join(["claim", *families, "unresolved"])
    total: dict = defaultdict(Cell)
    for id, row in cells.items():
        for family, cell in row.items():
            total[family].outcomes += cell.outcomes
            total[family].seconds += cell.seconds
        yield _line(id, row, families)
    yield _line("all", total, families)
    for (id, family), found in sorted(reasons.items(), key=lambda each: -each[1].total()):
        for reason, count in found.most_common(4):
            yield f"{count:4} {id} {family}: {reason}"


def _line(name: str, row, families: list[str]) -> str:
    applicable = sum(cell.applicable for cell in row.values())
    unresolved = sum(cell.outcomes[Outcome.UNRESOLVED] for cell in row.values())
    share = f"{100 * unresolved / max(1, applicable):.1f} %"
    return " | ".join([name, *(str(row[each]) if each in row else "-" for each in families), share])


if __name__ == "__main__":
    main()
