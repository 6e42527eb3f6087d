"""One measurement per row: a contender beside the engine on one case, with accuracy and the bar it is held to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import peers
from benchmarks.accuracy import Reference
from benchmarks.cases import Case
from benchmarks.pairing import Pairs, Spread, paired, spread

# Their whole flow over ours must be at least this.
RATIO_BARS = {"tiny": 40.0, "medium": 5.0, "large": 1.0}
# Seconds on the machine that theory §8 was measured on; ours may be ALLOWED times that, scaled by how numpy's gradient compares.
NUMPY_BASE = {"tiny": 22e-6, "medium": 34e-6, "large": 4479e-6}
GRADIENT_BASE = {"tiny": 1.5e-6, "medium": 10e-6, "large": 3.4e-3}
FLOW_BASE = {"tiny": 0.87e-3, "medium": 12.6e-3}
ALLOWED = 1.5


@dataclass(frozen=True)
class Bar:
    """What a figure is held to: at least (a ratio) or at most (seconds) `limit`."""

    what: str
    figure: float
    limit: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        """Whether the figure is on the right side of the limit."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


@dataclass(frozen=True)
class Row:
    """Both contenders' seconds, the ratio theirs / ours, and how accurate and how long (gradient calls) each was."""

    case: str
    what: str
    peer: str
    ours: Spread
    theirs: Spread
    ratio: Spread
    our_error: float | None = None
    their_error: float | None = None
    our_calls: int | None = None
    their_calls: int | None = None


def _row(case: Case, what: str, peer: str, pairs: Pairs, **more) -> Row:
    return Row(case.name, what, peer, spread(pairs.ours), spread(pairs.theirs), pairs.ratio, **more)


def gradients(case: Case) -> Iterator[Row]:
    """One gradient, called from Python."""
    for peer, prepare in peers.GRADIENTS.items():
        if peer != peers.ENGINE:
            pairs = paired(peers.GRADIENTS[peers.ENGINE](case), prepare(case), case.rounds)
            yield _row(case, "one gradient, called from Python", peer, pairs)


def flows(case: Case) -> Iterator[Row]:
    """The flow to the case's residual, at every tolerance; errors are the largest deviations from the reference."""
    reference = Reference(case)
    for tolerance in case.tolerances:
        ours = peers.FLOWS[peers.ENGINE](case, tolerance)
        for peer, prepare in peers.FLOWS.items():
            if peer != peers.ENGINE:
                theirs = prepare(case, tolerance)
                ends = ours(), theirs()
                errors = dict(zip(("our_error", "their_error"), map(reference.deviation, ends)))
                calls = dict(zip(("our_calls", "their_calls"), (end.calls for end in ends)))
                what = f"flow to sin∠ ≤ {case.residual:.0e}, tolerance {tolerance:.0e}"
                yield _row(case, what, peer, paired(ours, theirs, case.rounds), **errors, **calls)


def polished(case: Case) -> Iterator[Row]:
    """The flow at its loosest tolerance and the polish to the KKT point; errors are the residuals sin∠ there."""
    tolerance = max(case.tolerances)
    ours = peers.POLISHED[peers.ENGINE](case, tolerance)
    for peer, prepare in peers.POLISHED.items():
        if peer != peers.ENGINE:
            theirs = prepare(case, tolerance)
            errors = {"our_error": case.ncf.residual(ours()), "their_error": case.ncf.residual(theirs())}
            what = f"flow and polish, tolerance {tolerance:.0e}"
            yield _row(case, what, peer, paired(ours, theirs, case.rounds), **errors)


def measure(case: Case) -> list[Row]:
    """Every row of a case; only flows that end near a KKT point are polished."""
    rows = [*gradients(case), *flows(case)]
    return rows + (list(polished(case)) if case.residual <= 1e-3 else [])


def bars(rows: list[Row]) -> list[Bar]:
    """What the rows of one case are held to, with the medians."""
    case = rows[0].case
    slower = next(row for row in rows if row.peer == peers.NUMPY).theirs.median / NUMPY_BASE[case]
    loosest = next(row for row in rows if row.peer == peers.SCIPY)
    out = [
        Bar(f"{case}: whole flow, {peers.SCIPY} / engine", loosest.ratio.median, RATIO_BARS[case], True),
        Bar(f"{case}: engine seconds a gradient within the flow", *_inside(loosest, GRADIENT_BASE[case], slower), False),
    ]
    if case in FLOW_BASE:
        out.append(Bar(f"{case}: engine seconds of the flow", loosest.ours.median, ALLOWED * FLOW_BASE[case] * slower, False))
    return out


def _inside(row: Row, base: float, slower: float) -> tuple[float, float]:
    """Seconds of the flow per gradient call, steps included, and the most it may be."""
    return row.ours.median / row.our_calls, ALLOWED * base * slower
