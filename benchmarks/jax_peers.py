"""JAX as contenders: gradients under jit, and diffrax flows: warm, with compiling for a new shape,
and as a batch.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np

from benchmarks.cases import Case, batch
from benchmarks.contenders import (
    BATCH,
    COLD,
    End,
    batched_flow,
    cold_flow,
    flow,
    gradient,
    ncf_with,
)

JAX, DIFFRAX = "jax, jit", "diffrax Dopri8, jit"
STEPS = 1024  # the most a flow may take


@lru_cache(maxsize=1)
def libraries():
    """jax, its numpy and diffrax, in float64 on one thread like all others; raises ImportError
    where they are not installed.
    """
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    )
    import diffrax
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return jax, jax.numpy, diffrax


def ncf_of(network):
    """N as a function of (θ, X, ȳ), for dense layers."""
    return ncf_with(network, libraries()[1].where)


@gradient(JAX)
def jax_gradient(case: Case):
    """Reverse mode, compiled for this shape beforehand."""
    jax, jnp, _ = libraries()
    compiled, X, ybar = (
        jax.jit(jax.grad(ncf_of(case.ncf.network))),
        jnp.asarray(case.ncf.X),
        jnp.asarray(case.ncf.ybar),
    )
    start = jnp.asarray(case.start)
    return lambda: np.asarray(compiled(start, X, ybar))


def solver(case: Case, tolerance: float):
    """The polar form of the flow as a function of (start, X, ȳ), not yet compiled; every step is
    kept, as the engine does.

    diffrax bounds the root mean square of the errors, as scipy does: see `peers.scipy_flow`.
    """
    jax, jnp, diffrax = libraries()
    order, ascent = case.ncf.network.order, jax.grad(ncf_of(case.ncf.network))
    tight = tolerance / np.sqrt(case.start.size + 2)

    def parts(state, data):
        v = state[:-2]
        g = ascent(v, *data)
        norm, radial = jnp.sqrt(g @ g), (g @ v) / (v @ v)
        return (g - radial * v) / norm, radial / norm, norm

    def field(_, state, data):
        tangential, radial, norm = parts(state, data)
        return jnp.concatenate(
            [tangential, jnp.stack([radial, jnp.exp(-(order - 2) * state[-2]) / norm])]
        )

    def arrived(t, state, data, **_):
        tangential, _, _ = parts(state, data)
        return jnp.sqrt(tangential @ tangential) <= case.residual

    def solve(start, X, ybar):
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Dopri8(),
            0.0,
            1e3,
            1e-2,
            jnp.concatenate([start, jnp.zeros(2)]),
            (X, ybar),
            saveat=diffrax.SaveAt(steps=True),
            stepsize_controller=diffrax.PIDController(rtol=tight, atol=tight),
            event=diffrax.Event(arrived),
            max_steps=STEPS,
        )
        return found.ts, found.ys, found.stats["num_accepted_steps"], found.stats["num_steps"]

    return solve


def _end(found) -> End:
    """What a flow left behind; a step costs 13 gradients, and the event another."""
    times, states, accepted, tried = map(np.asarray, found)
    rows = np.isfinite(times)
    return End(int(13 * tried + accepted), times[rows], states[rows][:, :-1])


def _arrays(case: Case):
    _, jnp, _ = libraries()
    return tuple(map(jnp.asarray, (case.start, case.ncf.X, case.ncf.ybar)))


@flow(DIFFRAX)
def diffrax_flow(case: Case, tolerance: float):
    """Compiled for this shape beforehand."""
    jax, _, _ = libraries()
    compiled, arrays = jax.jit(solver(case, tolerance)), _arrays(case)
    return lambda: _end(compiled(*arrays))


@cold_flow(f"{DIFFRAX}, {COLD}")
def diffrax_cold(case: Case, tolerance: float):
    """A network, n or d not seen before: traced and compiled, then run."""
    jax, _, _ = libraries()
    arrays = _arrays(case)

    def run() -> End:
        jax.clear_caches()
        return _end(jax.jit(solver(case, tolerance))(*arrays))

    return run


@batched_flow(f"{DIFFRAX} and vmap over {BATCH}")
def diffrax_batch(case: Case, tolerance: float):
    """Instances of one shape at once; the last direction of each, (BATCH, P)."""
    jax, jnp, _ = libraries()
    compiled = jax.jit(jax.vmap(solver(case, tolerance)))
    arrays = tuple(jnp.stack(each) for each in zip(*map(_arrays, batch(case, BATCH))))

    def run() -> np.ndarray:
        times, states, _, _ = map(np.asarray, compiled(*arrays))
        last = np.isfinite(times).sum(axis=1) - 1
        return states[np.arange(len(last)), last, :-2]

    return run
