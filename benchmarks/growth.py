"""How cost grows with n, width, depth, D, δ and instances, and what one ledger takes: `python -m
benchmarks.growth`.

Seconds are processor time, the least of a few readings, BLAS on one thread. The exponent is the
slope of log cost over log size by least squares: 1 is linear, 0 flat.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.pairing import SHORTEST_READING
from ncfcheck.core.claims import registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import Ncf, Problem
from ncfcheck.model.networks import dense
from ncfcheck.run.check import check_claim
from ncfcheck.run.hunting.shards import stratum
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.flow.trajectories import loss_flow, norm_reaches
from ncfcheck.verdicts.ledger import Ledger

READINGS = 5
ROWS, SHARDS = 50, 400  # of the ledger that is filled
CLAIM = "homogeneity.euler"


def cost(call: Callable[[], object]) -> float:
    """Processor seconds of a call, the least of some readings."""
    call()
    start = time.process_time()
    call()
    count = max(1, round(SHORTEST_READING / max(time.process_time() - start, 1e-7)))
    readings = []
    for _ in range(READINGS if count > 1 else 2):
        start = time.process_time()
        for _ in range(count):
            call()
        readings.append((time.process_time() - start) / count)
    return min(readings)


def exponent(sizes, costs) -> float:
    """Slope of log cost over log size."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def problem(
    widths: tuple[int, ...], powers: tuple[int, ...], samples: int
) -> tuple[Problem, np.ndarray]:
    """A dense network with slopes ½, or 1 where p = 1, on Gaussian data, and a unit start with N >
    0.
    """
    rng = np.random.default_rng(0)
    network = dense(widths, powers, [0.5 if power > 1 else 1.0 for power in powers])
    X, y = rng.standard_normal((samples, widths[0])), rng.standard_normal((samples, 1))
    start = rng.standard_normal(network.size)
    start /= np.linalg.norm(start)
    return Problem(network, X, np.sign(Ncf(network, X, y).value(start)) * y), start


def gradient(*shape) -> float:
    """Seconds of one gradient."""
    each, start = problem(*shape)
    return cost(lambda: each.ncf.gradient(start))


def training(delta: float) -> float:
    """Seconds of the loss flow from δ to 2δ."""
    each, start = problem((10, 20, 1), (2,), 50)
    return cost(lambda: loss_flow(each, start, delta, Numerics(), norm_reaches(2.0)))


def checking(examples: int) -> float:
    """Seconds of a check of one claim."""
    start = time.process_time()
    check_claim(registered()[CLAIM], examples, 0)
    return time.process_time() - start


def sweeps() -> Iterator[tuple[str, list, list[float]]]:
    """(what, sizes, seconds) of every sweep."""
    n = [100, 300, 1000, 3000, 10_000]
    yield "one gradient, n (widths 10-20-1)", n, [gradient((10, 20, 1), (2,), each) for each in n]
    width = [30, 100, 300, 1000]
    yield (
        "one gradient, width k (10-k-1, n = 1000)",
        width,
        [gradient((10, each, 1), (2,), 1000) for each in width],
    )
    yield (
        "one gradient, width k (10-k-k-1: parameters grow as k²)",
        width,
        [gradient((10, k, k, 1), (2, 2), 200) for k in width],
    )
    depth = [2, 3, 4, 6, 8]
    deep = [((10, *[20] * (L - 1), 1), (1,) * (L - 1), 50) for L in depth]
    yield (
        "one gradient, depth L (width 20, linear, n = 50)",
        depth,
        [gradient(*each) for each in deep],
    )
    power = [2, 3, 4, 6]
    yield (
        "one gradient, D = p + 1 (10-20-1, n = 50)",
        [p + 1 for p in power],
        [gradient((10, 20, 1), (p,), 50) for p in power],
    )
    delta = [1e-1, 1e-2, 1e-4, 1e-6, 1e-8]
    yield (
        "loss flow to 2δ, 1/δ (10-20-1, n = 50)",
        [1 / each for each in delta],
        [training(each) for each in delta],
    )
    examples = [50, 100, 200, 400]
    yield f"check of {CLAIM}, instances", examples, [checking(each) for each in examples]


def ledger() -> tuple[float, float]:
    """Rows a second that one writer takes, in processor time, and bytes a row, with rows as hunts
    write them.
    """
    drawn = list(draw(instances().strategy(), ROWS, 0, simplest=True))
    rows = [
        (stratum(each.coverage()), each.describe(), 0.123456789, 1e-9, "holds", "", 0.01, None)
        for each in drawn
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        with Ledger(path) as written:
            hunt = written.begin(CLAIM, 0, {}, {})
            start = time.process_time()
            for shard in range(SHARDS):
                written.record(hunt, (0, shard), "fresh", {"seconds": 1.0}, rows, False)
            seconds = time.process_time() - start
        size = sum(each.stat().st_size for each in Path(folder).iterdir())
    count = SHARDS * len(rows)
    return count / seconds, size / count


def main() -> None:
    """Print both tables."""
    load_claims()
    print("| cost of | sizes | seconds | exponent |\n| --- | --- | --- | --- |")
    with threadpool_limits(limits=1):
        for what, sizes, costs in sweeps():
            told = (", ".join(f"{each:.3g}" for each in numbers) for numbers in (sizes, costs))
            print(
                "| " + " | ".join([what, *told, f"{exponent(sizes, costs):.2f}"]) + " |", flush=True
            )
    rate, size = ledger()
    print(
        f"\nOne ledger writer takes {rate:.0f} rows a second, {size:.0f} bytes a row: {size:.0f} "
        "GB for 10⁹ instances."
    )


if __name__ == "__main__":
    main()
