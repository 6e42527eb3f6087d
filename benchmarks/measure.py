"""One measurement per row: a contender beside the engine on one case, with how
accurate both are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import (
    compiled_peers,  # noqa: F401
    contenders,
    descent_peers,
    jax_peers,
    manifold_peers,  # noqa: F401
    peers,
    torch_peers,
)
from benchmarks.accuracy import Reference
from benchmarks.cases import Case
from benchmarks.contenders import BATCH, ENGINE
from benchmarks.pairing import Spread, paired, spread

# Whom the tightest tolerance is tried on, too; the others are measured at the loosest.
PRECISE = (peers.SCIPY, jax_peers.DIFFRAX)
# On the large case eager torch takes minutes, and gradient descent hours.
SLOW = {"large": (torch_peers.TORCHDIFFEQ, descent_peers.DESCENT)}
# Calls of a loop of gradients, so that calling it is nothing beside it.
REPEATS = {"tiny": 1000, "medium": 200, "large": 5}
LONG, FEW = 0.5, 3  # seconds from which on a contender is timed in so many rounds only


@dataclass(frozen=True)
class Row:
    """Both contenders' seconds, the ratio theirs / ours, and how accurate and how long (gradient
    calls) each was.

    Where there is nothing to compare, `note` says why and the times are None.
    """

    case: str
    what: str
    peer: str
    ours: Spread | None = None
    theirs: Spread | None = None
    ratio: Spread | None = None
    our_error: float | None = None
    their_error: float | None = None
    our_calls: int | None = None
    their_calls: int | None = None
    note: str = ""


def _rows(
    case: Case,
    what: str,
    table: dict[str, Callable],
    *arguments,
    told=lambda ours, theirs: {},
    per=1,
) -> Iterator[Row]:
    """A row for every contender of the table; told(our result, their result) are more fields; times
    are divided by `per`.
    """
    ours = table[ENGINE](case, *arguments)
    for peer, prepare in table.items():
        if peer == ENGINE:
            continue
        if peer in SLOW.get(case.name, ()):
            yield Row(case.name, what, peer, note="not measured: takes minutes")
            continue
        try:
            theirs = prepare(case, *arguments)
        except ImportError as missing:
            yield Row(case.name, what, peer, note=f"not installed: {missing.name}")
            continue
        more = told(ours(), theirs())
        pairs = paired(ours, theirs, case.rounds, long=LONG, few=FEW)
        times = (spread([each / per for each in side]) for side in (pairs.ours, pairs.theirs))
        yield Row(case.name, what, peer, *times, pairs.ratio, **more)


def gradients(case: Case) -> Iterator[Row]:
    """One gradient, called from Python; and within compiled code."""
    yield from _rows(case, "one gradient, called from Python", contenders.GRADIENTS)
    repeats = REPEATS[case.name]
    yield from _rows(
        case, "one gradient, within compiled code", contenders.LOOPS, repeats, per=repeats
    )


def flows(case: Case) -> Iterator[Row]:
    """The flow to the case's residual; errors are the largest deviations from the reference."""
    reference = Reference(case)

    def told(*ends) -> dict:
        errors = dict(zip(("our_error", "their_error"), map(reference.deviation, ends)))
        return {**errors, **dict(zip(("our_calls", "their_calls"), (end.calls for end in ends)))}

    for tolerance in case.tolerances:
        what = f"flow to sin∠ ≤ {case.residual:.0e}, tolerance {tolerance:.0e}"
        loosest = tolerance == max(case.tolerances)
        table = {
            name: each
            for name, each in contenders.FLOWS.items()
            if loosest or name in (ENGINE, *PRECISE)
        }
        yield from _rows(case, what, table, tolerance, told=told)
        if loosest:
            yield from _rows(case, f"{what}, cold", contenders.COLD_FLOWS, tolerance, told=told)


def batches(case: Case) -> Iterator[Row]:
    """Flows of many instances of one shape; errors are the largest residuals where they end."""

    def told(*ends) -> dict:
        return dict(zip(("our_error", "their_error"), (_residual(case, end) for end in ends)))

    what = f"flow of {BATCH} instances of one shape, each"
    yield from _rows(case, what, contenders.BATCHES, max(case.tolerances), told=told, per=BATCH)


def _residual(case: Case, directions: np.ndarray) -> float:
    found = zip(peers.batch(case, BATCH), directions)
    return max(each.ncf.residual(v / np.linalg.norm(v)) for each, v in found)


def polished(case: Case) -> Iterator[Row]:
    """The flow at its loosest tolerance and the polish to the KKT point; errors are the residuals
    sin∠ there.
    """
    tolerance = max(case.tolerances)

    def told(*points) -> dict:
        return dict(zip(("our_error", "their_error"), map(case.ncf.residual, points)))

    yield from _rows(
        case,
        f"flow and polish, tolerance {tolerance:.0e}",
        contenders.POLISHED,
        tolerance,
        told=told,
    )


def descents(case: Case) -> Iterator[Row]:
    """Early training to twice the initial norm; errors are relative."""
    exact = descent_peers.precise(case)

    def told(*ends) -> dict:
        size = np.linalg.norm(exact)
        return dict(
            zip(
                ("our_error", "their_error"),
                (float(np.linalg.norm(end - exact) / size) for end in ends),
            )
        )

    what = f"loss flow from δ = {descent_peers.DELTA:g} to twice the norm"
    yield from _rows(case, what, contenders.DESCENTS, told=told)


def measure(case: Case) -> list[Row]:
    """Every row of a case; only flows that end near a KKT point are polished, followed in batches
    or trained.
    """
    rows = [*gradients(case), *flows(case)]
    return (
        [*rows, *batches(case), *polished(case), *descents(case)] if case.residual <= 1e-3 else rows
    )
