"""Factorisation of matrices and tensors, which a sample measures: one output."""

from __future__ import annotations

from ncfcheck.model.architectures.built_in import family
from ncfcheck.model.architectures.layers import chain, factors


def _one(sizes) -> int:
    return 1


def _entries(sizes) -> int:
    return sizes["rows"] * sizes["columns"]


@family(d=_entries, m=_one, rows=(1, 3), columns=(1, 3), rank=(1, 3), layers=(2, 4))
def matrix_factorisation(net, rows, columns, rank, layers):
    """⟨A, W_L … W_1⟩ for the matrix A of a sample."""
    below = chain(net, net.x.reshape(rows, columns).T, [rank] * (layers - 1))
    net.formula = f"H(A) = ⟨A, {factors(layers)}⟩"
    return net.apply("ik,ki->", net.weights(f"W_{layers}", rows, rank), below)


@family(d=lambda sizes: sizes["dim"] ** 2, m=_one, dim=(1, 3), rank=(1, 3))
def sensing(net, dim, rank):
    """⟨A, UᵀU⟩: both factors are the same weights."""
    U = net.weights("U", rank, dim)
    net.formula = "H(A) = ⟨A, UᵀU⟩"
    return net.apply("ri,ri->", U, net.apply("rj,ji->ri", U, net.x.reshape(dim, dim).T))


@family(
    d=lambda sizes: sizes["dim"] ** sizes["modes"],
    m=_one,
    modes=(2, 4),
    dim=(1, 2),
    rank=(1, 3),
)
def tensor_factorisation(net, modes, dim, rank):
    """⟨A, Σ_r u_r¹ ⊗ … ⊗ u_r^M⟩ for the tensor A of a sample."""
    units = net.apply("ri,ia->ra", net.weights("U_1", rank, dim), net.x.reshape(dim, -1))
    for mode in range(2, modes + 1):
        U = net.weights(f"U_{mode}", rank, dim)
        units = net.apply("ri,ria->ra", U, units.reshape(rank, dim, -1))
    net.formula = "H(A) = ⟨A, Σ_r " + " ⊗ ".join(f"U_{k}[r]" for k in range(1, modes + 1)) + "⟩"
    return net.sum(units, 0)
