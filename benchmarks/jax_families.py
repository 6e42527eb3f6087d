"""The built-in families as one writes them in JAX: functions of one sample and weights by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np


def gradient(model, X, w, r) -> Callable:
    """∇ Σ r ∘ H(X; w), (P,), under jit in float64, as a call from Python; raises ImportError where
    JAX is not installed.
    """
    jax, found = _gradient(model)
    compiled, given = jax.jit(found), [jax.numpy.asarray(each) for each in (w, X, r)]
    return lambda: np.asarray(compiled(*given))


def loop(model, X, w, r, repeats: int) -> Callable:
    """So many gradients within compiled code, each at weights moved a little by the one before."""
    jax, found = _gradient(model)

    @jax.jit
    def repeated(w, X, r):
        return jax.lax.fori_loop(0, repeats, lambda _, w: w + 1e-12 * found(w, X, r), w)

    given = [jax.numpy.asarray(each) for each in (w, X, r)]
    return lambda: np.asarray(repeated(*given))


def _gradient(model):
    """JAX, and the gradient as a function of w, X and r."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    formula, jnp = globals()[f"_{model.name}"], jax.numpy
    places = [(group.name, group.part, group.shape) for group in model.groups]

    def outputs(w, x):
        parts = {name: w[part].reshape(shape) for name, part, shape in places}
        return formula(jnp, x, parts, model.width, **model.sizes)

    def correlation(w, X, r):
        return (jax.vmap(outputs, (None, 0))(w, X) * r).sum()

    return jax, jax.grad(correlation)


def _sigma(jnp, z, power, slope):
    return z if power == 1 else jnp.where(z >= 0, z**power, (slope / 10) ** power * z**power)


def _gated(jnp, x, w, m, layers, hidden, power, slope):
    for l in range(1, layers + 1):
        x = (w[f"A_{l}"] @ x) * _sigma(jnp, w[f"B_{l}"] @ x, power, slope)
    return w["W"] @ x


def _diagonal(jnp, x, w, m, layers):
    return reduce(jnp.multiply, [w[f"u_{l}"] for l in range(1, layers + 1)]) @ x


def _residual(jnp, x, w, m, blocks, hidden, power, slope):
    for b in range(1, blocks + 1):
        bent = w[f"B_{b}"] @ _sigma(jnp, w[f"A_{b}"] @ x, power, slope)
        x = bent + w[f"E_{b}"] @ (w[f"C_{b}"] @ x) ** power
    return w["W"] @ x


def _depths(jnp, x, w, m, hidden, power, slope):
    deep = x
    for l in range(1, power + 2):
        deep = w[f"V_{l}"] @ deep
    return w["W_2"] @ _sigma(jnp, w["W_1"] @ x, power, slope) + deep


def _attention(jnp, x, w, m, tokens, dim, heads, rank, summed):
    X = x.reshape(tokens, dim)
    query = X.sum(0) if summed else X[-1]
    scores = jnp.einsum("hrd,td,hr->ht", w["K"], X, w["Q"] @ query, optimize=True)
    return jnp.einsum("ohd,hd->o", w["V"], scores @ X)


def _picture(jnp, x, kernels, height, width, power, slope):
    """σ(K ∗ …) for every kernel, circular, (filters, height, width)."""
    import jax

    picture = x.reshape(1, height, width)
    for K in kernels:
        size = K.shape[-1] - 1
        around = jnp.pad(picture, ((0, 0), (0, size), (0, size)), mode="wrap")
        found = jax.lax.conv_general_dilated(around[None], K, (1, 1), "VALID")[0]
        picture = _sigma(jnp, found, power, slope)
    return picture


def _pooled(picture, pool):
    """Windows along the axes 2 and 4; they divide the picture."""
    filters, height, width = picture.shape
    return picture.reshape(filters, height // pool, pool, width // pool, pool)


def _convolution(jnp, x, w, m, height, width, kernel, filters, pool, power, slope, layers):
    kernels = [w[f"K_{l}"] for l in range(1, layers + 1)]
    picture = _picture(jnp, x, kernels, height, width, power, slope)
    return w["W"] @ _pooled(picture, pool).sum((2, 4)).ravel()


def _average_pooling(jnp, x, w, m, **sizes):
    return _convolution(jnp, x, w, m, **sizes) / sizes["pool"] ** 2


def _max_pooling(jnp, x, w, m, height, width, kernel, filters, pool, power, slope):
    picture = _picture(jnp, x, [w["K"]], height, width, power, slope)
    return w["W"] @ _pooled(picture, pool).max((2, 4)).ravel()


def _matrix_factorisation(jnp, x, w, m, rows, columns, rank, layers):
    below = reduce(lambda below, l: w[f"W_{l}"] @ below, range(2, layers), w["W_1"])
    return (x.reshape(rows, columns) * (w[f"W_{layers}"] @ below)).sum()[None]


def _sensing(jnp, x, w, m, dim, rank):
    return (x.reshape(dim, dim) * (w["U"].T @ w["U"])).sum()[None]


def _tensor_factorisation(jnp, x, w, m, modes, dim, rank):
    below = jnp.broadcast_to(x.reshape([dim] * modes), (rank, *[dim] * modes))
    for k in range(1, modes + 1):
        below = jnp.einsum("ri,ri...->r...", w[f"U_{k}"], below)
    return below.sum()[None]
