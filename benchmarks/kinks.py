"""Flows through kinks in numbers: `python -m benchmarks.kinks [FLOWS]`, of each kind of network:
how they end, how often they branch, what they take beside a smooth flow of the same size and beside
steppers that ignore kinks.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import numpy as np
from scipy.integrate import solve_ivp
from threadpoolctl import threadpool_limits

from ncfcheck.core.tolerances import HANDOVER, Numerics
from ncfcheck.model.ncf import Ncf, norm, sine, unit
from ncfcheck.model.networks import dense
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow

DENSE = {"4-10-1, n = 50": (4, 10, 1), "10-20-1, n = 50": (10, 20, 1)}
KINDS = "two layers", "three layers", "leaky", "mixed"
OTHERWISE = 2000  # gradients that a stepper that ignores kinks may take, several times what ours do
SETTLED = Stop.CONVERGED, Stop.DEAD, Stop.BRANCHED


def drawn(kind: str, rng: np.random.Generator) -> tuple[Ncf, np.ndarray]:
    """Gaussian samples and start; widths up to 5 and n up to 10, or one of DENSE."""
    if kind in DENSE:
        widths, powers, slopes, n = DENSE[kind], [1], [0.0], 50
    else:
        hidden = 1 if kind == "two layers" else 2 if kind != "leaky" else int(rng.integers(1, 3))
        widths = int(rng.integers(1, 5)), *map(int, rng.integers(1, 6, hidden)), 1
        powers, slopes, n = [1] * hidden, [0.0] * hidden, int(rng.integers(1, 11))
        if kind == "leaky":
            slopes = [float(rng.choice([-0.5, -0.3, 0.1, 0.3, 0.5])) for _ in powers]
        if kind == "mixed":
            powers = [int(p) for p in rng.integers(1, 4, hidden)]
            powers[int(rng.integers(hidden))] = 1
            slopes = [float(rng.choice([0.0, 0.3, -0.3])) for _ in powers]
    X, y = rng.standard_normal((n, widths[0])), rng.standard_normal((n, 1))
    network = dense(widths, powers, slopes)
    return Ncf(network, X, y), unit(rng.standard_normal(network.size))


def smooth(ncf: Ncf) -> Ncf:
    """The same sizes without kinks: p = 2 in place of p = 1."""
    powers = [max(p, 2) for p in ncf.network.powers]
    return Ncf(dense(ncf.network.widths, powers, ncf.network.slopes), ncf.X, ncf.ybar)


def followed(ncf: Ncf, start: np.ndarray):
    """Processor milliseconds of a flow, and the flow."""
    begun = time.process_time()
    flow = ncf_flow(ncf, start, Numerics())
    return 1e3 * (time.process_time() - begun), flow


def ignoring(ncf: Ncf, start: np.ndarray) -> float:
    """sin∠ of the least-norm side that scipy's RK45 ends at, which knows of no kinks."""

    def rate(_, v):
        g = ncf.gradient(v / norm(v))
        return (g - (g @ v) * v) / max(norm(g), 1e-300)

    calls = iter(range(OTHERWISE))

    def limited(t, v):
        next(calls)
        return rate(t, v)

    ends = [start]

    def remember(_, v):
        ends.append(v.copy())
        return 1.0

    try:
        solve_ivp(limited, (0, 50), start, "RK45", rtol=1e-7, atol=1e-9, events=remember)
    except (StopIteration, RuntimeError):
        pass
    return sine(ncf.gradient(unit(ends[-1])), unit(ends[-1]))


def measured(kind: str, count: int) -> tuple:
    """A row of the table."""
    stops, ours, smooth_flows, events, per_event, reasons = Counter(), [], [], [], [], Counter()
    left = []
    for k in range(count):
        ncf, start = drawn(kind, np.random.default_rng((len(kind), k)))
        if not ncf.gradient(start).any():
            stops["dead"] += 1
            continue
        spent, flow = followed(ncf, start)
        stops[flow.stop.name] += 1
        if flow.stop not in SETTLED:
            reasons[flow.stop.name.lower()] += 1
        ours.append(spent)
        events.append(len(flow.turns.events))
        if k < count / 4:
            smooth_flows.append(followed(smooth(ncf), start)[0])
        if len(left) < 20 and flow.stop is Stop.CONVERGED and flow.turns.modes[-1].any():
            left.append(ignoring(ncf, start) > 10 * HANDOVER)
    live = sum(stops.values()) - stops["dead"]
    many = np.array(events) >= 3
    per_event = np.array(ours)[many] / np.maximum(np.array(events)[many], 1)
    return (
        kind,
        f"{100 * sum(reasons.values()) / live:.2f} %",
        ", ".join(f"{name} {number}" for name, number in reasons.most_common()) or "–",
        f"{100 * stops['BRANCHED'] / live:.1f} %",
        f"{np.median(ours):.2f}",
        f"{np.median(ours) / np.median(smooth_flows):.1f}",
        f"{np.median(events):.0f}",
        f"{1e3 * np.median(per_event):.0f}" if many.any() else "–",
        f"{max(ours) / 1e3:.2f}",
        f"{100 * np.mean(left):.0f} %" if left else "–",
    )


HEAD = (
    "network",
    "unresolved, not branching",
    "of these",
    "branch",
    "flow, ms",
    "of a smooth one",
    "events",
    "flow per event, µs",
    "longest, s",
    "RK45 that ignores kinks does not get there",
)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with threadpool_limits(1):
        ncf, start = drawn("two layers", np.random.default_rng(1))
        followed(ncf, start), followed(smooth(ncf), start)
        rows = [measured(kind, count) for kind in KINDS]
        rows += [measured(kind, max(count // 10, 3)) for kind in DENSE]
    for row in (HEAD, ["---"] * len(HEAD), *rows):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
