"""The cases that are timed: two-layer networks on Gaussian data, of three sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import dense


@dataclass(frozen=True, eq=False)
class Case:
    """An NCF, a start direction (P,) and how the flow from there is followed.

    The flow ends at sin∠ ≤ `residual`; it is timed at each of `tolerances`, `rounds` times, and
    held against a run of the peer at `reference`.
    """

    name: str
    ncf: Ncf
    start: np.ndarray
    residual: float
    tolerances: tuple[float, ...]
    reference: float
    rounds: int

    @property
    def shape(self) -> str:
        """d, n, width and number of weights in words."""
        d, width = self.ncf.network.widths[:2]
        return f"d {d}, n {len(self.ncf.X)}, width {width}, {self.start.size} weights"


def case(name: str, sizes: tuple[int, int, int], seed: int = 0, **followed) -> Case:
    """Case of sizes (d, n, width): widths d-width-1, p = 2, α = 1/2 (D = 3), standard normal data
    and labels.
    """
    d, samples, width = sizes
    rng = np.random.default_rng(seed)
    network = dense((d, width, 1), (2,), (0.5,))
    X, ybar = rng.standard_normal((samples, d)), rng.standard_normal((samples, 1))
    start = rng.standard_normal(network.size)
    return Case(name, Ncf(network, X, ybar), start / np.linalg.norm(start), **followed)


def batch(like: Case, count: int) -> list[Case]:
    """Cases of the shape of one, with other data and starts; the first is the case itself."""
    return [like, *(_redrawn(like, 1000 + number) for number in range(1, count))]


def _redrawn(like: Case, seed: int) -> Case:
    sizes = like.ncf.network.widths[0], len(like.ncf.X), like.ncf.network.widths[1]
    followed = {
        name: getattr(like, name) for name in ("residual", "tolerances", "reference", "rounds")
    }
    return case(like.name, sizes, seed, **followed)


def all_cases() -> tuple[Case, ...]:
    """Tiny, medium and large; the large flow, minutes long in full, is followed to sin∠
    ≤ 0.3 only.
    """
    full = {"residual": 1e-6, "tolerances": (1e-7, 1e-9), "reference": 1e-13}
    return (
        case("tiny", (3, 10, 5), rounds=15, **full),
        case("medium", (10, 50, 20), rounds=9, **full),
        case("large", (50, 500, 200), rounds=3, residual=0.3, tolerances=(1e-7,), reference=1e-9),
    )
