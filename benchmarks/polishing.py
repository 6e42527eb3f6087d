"""The polish in numbers: `python -m benchmarks.polishing [N]`, on N mixed instances with every p_l
≥ 2, ends of their flows.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from threadpoolctl import threadpool_limits

from ncfcheck.core.claims import Unresolved
from ncfcheck.core.tolerances import POLISHED, Numerics
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow
from ncfcheck.theory.kkt.points import polish

CALLS = 20_000  # a flow that takes more is left out: it is the flow that is hard there


def points(count: int, seed: int = 0) -> list:
    """(NCF, direction) where flows of `count` drawn instances hand over to the polish."""
    found: list = []
    for instance in draw(instances().strategy(), 20 * count, seed, simplest=False):
        if min(instance.network.powers) >= 2:
            flow = ncf_flow(instance.ncf, instance.start, Numerics(calls=CALLS))
            if flow.stop is Stop.CONVERGED:
                found.append((instance.ncf, flow.direction))
        if len(found) >= count:
            break
    return found


def polished(ncf, direction) -> tuple[float, float]:
    """sin∠ after the polish and processor seconds of it; infinite where it fails."""
    start = time.process_time()
    try:
        residual = polish(ncf, direction).residual
    except Unresolved:
        residual = np.inf
    return residual, time.process_time() - start


def main() -> None:
    """One line: share that is polished, median and 99th percentile of the time."""
    with threadpool_limits(limits=1):
        found = points(int((*sys.argv[1:], 1000)[0]))
        polished(*found[0])
        residuals, seconds = np.array([polished(*each) for each in found]).T
    share, (median, late) = np.mean(residuals <= POLISHED), np.percentile(seconds, (50, 99))
    print(
        f"{share:.1%} of {len(found)} reach sin∠ ≤ {POLISHED:g}; median {1e3 * median:.2f} ms, p99 "
        f"{1e3 * late:.1f} ms"
    )


if __name__ == "__main__":
    main()
