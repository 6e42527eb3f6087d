"""What the rows are held to."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.compiled_peers import C_KERNEL, PRODUCTS
from benchmarks.jax_peers import DIFFRAX
from benchmarks.measure import Row
from benchmarks.peers import SCIPY, SCIPY_ROOT

# (case, beginning of what is measured, peer): the median ratio of their time to ours is at least
# this.
LEAST = {
    ("tiny", "flow and polish", SCIPY_ROOT): 60.0,
    ("medium", "flow and polish", SCIPY_ROOT): 7.0,
    ("large", "flow to", SCIPY): 1.5,
    ("tiny", "flow to", DIFFRAX): 10.0,
    ("medium", "flow to", DIFFRAX): 3.0,
    ("tiny", "one gradient, within", C_KERNEL): 1 / 1.3,
    ("medium", "one gradient, within", PRODUCTS): 0.5,
    ("large", "one gradient, within", PRODUCTS): 0.5,
}


@dataclass(frozen=True)
class Bar:
    """What a figure is held to: at least or at most `limit`."""

    what: str
    figure: float
    limit: float
    at_least: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the figure is on the right side of the limit."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


def bars(rows: list[Row]) -> list[Bar]:
    """The bars that the rows measured decide: with medians, at the loosest tolerance."""
    out = []
    for (case, what, peer), limit in LEAST.items():
        found = (
            row
            for row in rows
            if (row.case, row.peer) == (case, peer) and row.what.startswith(what) and row.ratio
        )
        row = next(found, None)
        if row is not None:
            out.append(Bar(f"{case}: {row.what}, {peer} / engine", row.ratio.median, limit))
    return out
