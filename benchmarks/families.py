"""Gradients of the built-in families: `python -m benchmarks.families [SAMPLES] [FAMILY …]`.

A row a family and size, the largest sizes that claims draw and larger ones: multiplications a
sample, microseconds of a gradient in compiled code, the same of a chain with as many, the ratio by
multiplication, what JAX takes for the same function in a compiled loop of its own, as flows have
it, and both as calls from Python.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np
from numba import njit
from threadpoolctl import threadpool_limits

from benchmarks import jax_families
from benchmarks.pairing import Pairs, paired
from ncfcheck.model.architectures import BUILT_IN, Architecture
from ncfcheck.model.kernels.any_model import pull_back, workspace
from ncfcheck.model.losses import NCF_CODE
from ncfcheck.model.networks import Network, dense

ROUNDS, REPEATS, SAMPLES = 9, 200, 16
BENT = {"power": 2, "slope": 5}
PICTURE = {"height": 18, "width": 18, "kernel": 3, "filters": 4, "pool": 2, **BENT}
LARGE = {
    "attention": {"tokens": 8, "dim": 6, "heads": 2, "rank": 4, "summed": 0},
    "convolution": {**PICTURE, "layers": 2},
    "average_pooling": {**PICTURE, "layers": 2},
    "max_pooling": PICTURE,
    "gated": {"layers": 2, "hidden": 24, **BENT},
    "diagonal": {"layers": 3},
    "matrix_factorisation": {"rows": 10, "columns": 10, "rank": 8, "layers": 3},
    "sensing": {"dim": 10, "rank": 8},
    "tensor_factorisation": {"modes": 3, "dim": 8, "rank": 6},
    "residual": {"blocks": 2, "hidden": 24, **BENT},
    "depths": {"hidden": 24, **BENT},
}


def models(name: str) -> Iterator[tuple[str, Architecture]]:
    """The largest that claims draw, and a larger one, with what it is called."""
    family = BUILT_IN[name]
    most = {size: largest for size, (_, largest) in family.ranges.items()}
    tiny = most | {size: value for size, value in BENT.items() if size in most}
    for called, sizes, d, m in (("tiny", tiny, 4, 1), ("large", LARGE[name], 32, 4)):
        d, m = family.inputs_of(sizes) or d, family.width_of(sizes) or m
        yield called, family.build(d, m, sizes)


def chain(multiplications: int) -> Network:
    """A chain of three layers with about as many, d as wide as its layers."""
    width = max(1, round(np.sqrt(multiplications / 2)))
    return dense((width, width, width, 1), (2, 2), (0.5, 0.5))


def drawn(model, samples: int) -> list[np.ndarray]:
    """X (n, d), w (P,), r (n, m)."""
    rng = np.random.default_rng(0)
    shapes = (samples, model.inputs), (model.size,), (samples, model.width)
    return [rng.standard_normal(shape) for shape in shapes]


@njit
def _repeated(repeats, code, w, X, r, weights, work, gradient):
    for _ in range(repeats):
        pull_back(code, w, X, r, NCF_CODE, 0.0, 1.0, weights, work, gradient)


@njit
def _workspace(code, samples):
    return workspace(code, samples)


def loop(model, samples: int) -> Callable:
    """So many gradients within compiled code."""
    X, w, r = drawn(model, samples)
    on_data = model.on(X)
    if isinstance(model, Architecture):
        code, fixed = on_data.code, on_data.fixed
    else:
        code, fixed = model.layout, on_data.columns
    columns = on_data.rows_to_columns(r)
    scratch = np.empty(columns.shape), _workspace(code, samples), np.empty(model.size)
    return lambda: _repeated(REPEATS, code, w, fixed, columns, *scratch)


def beside_a_chain(model: Architecture, samples: int) -> tuple[Pairs, float]:
    """Times of both loops; how many times longer a multiplication of the family's takes."""
    counted = model.program.multiplications
    other = chain(counted)
    times = paired(loop(other, samples), loop(model, samples), ROUNDS)
    return times, times.ratio.median * other.size / counted


def in_loops_of_jax(model: Architecture, samples: int) -> Pairs:
    """So many gradients within compiled code each."""
    X, w, r = drawn(model, samples)
    return paired(loop(model, samples), jax_families.loop(model, X, w, r, REPEATS), ROUNDS)


def beside_jax(model: Architecture, samples: int) -> Pairs:
    """One call from Python each."""
    X, w, r = drawn(model, samples)
    on_data = model.on(X)
    r.flags.writeable = False
    ours, theirs = lambda: on_data.pull_back(w, r)[1], jax_families.gradient(model, X, w, r)
    return paired(ours, theirs, ROUNDS)


def main() -> None:
    """Print a row a family and size."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    print(f"{'':46} a product:   in compiled code        a call from Python")
    print(
        f"{'family':22} size  products    µs  chain's  ratio   JAX's µs  ratio     µs  JAX's  ratio"
    )
    with threadpool_limits(limits=1):
        for name in sys.argv[2:] or LARGE:
            for called, model in models(name):
                times, ratio = beside_a_chain(model, samples)
                chains, ours = (1e6 * min(each) / REPEATS for each in (times.ours, times.theirs))
                row = f"{name:22} {called:5} {model.program.multiplications:7} {ours:7.2f}"
                row += f" {chains:7.2f} {ratio:6.2f}"
                loops, calls = in_loops_of_jax(model, samples), beside_jax(model, samples)
                row += f" {1e6 * min(loops.theirs) / REPEATS:10.2f} {loops.ratio.median:6.1f}"
                mine, theirs = (1e6 * min(each) for each in (calls.ours, calls.theirs))
                print(f"{row} {mine:7.2f} {theirs:7.2f} {calls.ratio.median:6.1f}", flush=True)


if __name__ == "__main__":
    main()
