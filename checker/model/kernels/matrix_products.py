"""Products of matrices for compiled code: BLAS, or loops where a call of it would take longer.

The order of additions differs from BLAS's in the last bits, not in accuracy.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.compiling import bare, internal

# A call of dgemm takes a good 150 ns, as do the loops for about so many multiplications.
SMALL = 2048


@bare(fastmath={"reassoc", "contract", "nsz"})
def _inner(A, i, B, j):
    """⟨row i of A, row j of B⟩: the compiler may add in any order, and so use all lanes."""
    total = 0.0
    for k in range(A.shape[1]):
        total += A[i, k] * B[j, k]
    return total


@internal(_nrt=True)
def _blas(A, B, out):
    np.dot(A, B, out)


@bare(forceinline=True)
def product(A, B, out):
    """out = A B; A may be a transposed matrix, the others are C-contiguous."""
    rows, inner, columns = A.shape[0], A.shape[1], B.shape[1]
    if rows * inner * columns > SMALL:
        _blas(A, B, out)
        return
    for i in range(rows):
        for j in range(columns):
            out[i, j] = A[i, 0] * B[0, j]
        for k in range(1, inner):
            a = A[i, k]
            for j in range(columns):
                out[i, j] += a * B[k, j]


@bare(forceinline=True)
def product_with_transposed(A, B, out):
    """out = A Bᵀ, all C-contiguous."""
    rows, inner, columns = A.shape[0], A.shape[1], B.shape[0]
    if rows * inner * columns > SMALL:
        _blas(A, B.T, out)
        return
    for i in range(rows):
        for j in range(columns):
            out[i, j] = _inner(A, i, B, j)
