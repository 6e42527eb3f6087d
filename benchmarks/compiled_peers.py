"""The gradient in a loop of compiled code: the engine's kernel, one in C, and the products alone,
all on the same BLAS.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy.linalg.cython_blas
from numba import njit

from benchmarks.cases import Case
from benchmarks.contenders import ENGINE, loop
from ncfcheck.model.kernels.gradients import pull_back, workspace
from ncfcheck.model.losses import NCF_CODE

C_KERNEL, PRODUCTS = "C kernel, same BLAS", "the products alone, same BLAS"


@njit
def _repeated(repeats, layout, theta, X, ybar, weights, work, gradient):
    for _ in range(repeats):
        pull_back(layout, theta, X, ybar, NCF_CODE, 0.0, 1.0, weights, work, gradient)


@loop(ENGINE)
def engine_loop(case: Case, repeats: int):
    """The kernel as the stepper calls it."""
    ncf, gradient = case.ncf, np.empty(case.start.size)
    layout, X, ybar = ncf.network.layout, ncf.on_data.columns, ncf.on_data.rows_to_columns(ncf.ybar)
    scratch = np.empty(ybar.shape), workspace(layout, X.shape[1]), gradient

    def run() -> np.ndarray:
        _repeated(repeats, layout, case.start, X, ybar, *scratch)
        return gradient

    return run


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """gradient.c, compiled for this machine; raises ImportError where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise ImportError("no C compiler", name="cc")
    source = Path(__file__).with_name("gradient.c")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "gradient.so"
        subprocess.run(
            [compiler, "-O3", "-march=native", "-shared", "-fPIC", source, "-o", built], check=True
        )
        return ctypes.CDLL(str(built))


def _dgemm() -> ctypes.c_void_p:
    """scipy's dgemm, which is also what compiled code calls."""
    capsule = scipy.linalg.cython_blas.__pyx_capi__["dgemm"]
    name, pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.c_void_p(pointer(capsule, name(capsule)))


def _in_c(case: Case, repeats: int, bare: bool):
    ncf, k = case.ncf, case.ncf.network.widths[1]
    d, n = ncf.on_data.columns.shape
    work = [np.empty(k * n) for _ in range(3)] + [np.empty(n), np.empty(case.start.size)]
    arrays = [
        each.ctypes.data_as(ctypes.c_void_p)
        for each in (case.start, ncf.on_data.columns, ncf.on_data.rows_to_columns(ncf.ybar), *work)
    ]
    call, gemm, negative = (
        library().gradients,
        _dgemm(),
        ctypes.c_double(ncf.network.slopes[0] ** 2),
    )

    def run() -> np.ndarray:
        call(gemm, repeats, int(bare), d, n, k, negative, *arrays)
        return work[-1]

    return run


@loop(C_KERNEL)
def c_loop(case: Case, repeats: int):
    """The same algorithm in C, for two layers and p = 2 only."""
    return _in_c(case, repeats, bare=False)


@loop(PRODUCTS)
def products_loop(case: Case, repeats: int):
    """What no implementation on this BLAS can do without; the numbers that come
    out mean nothing.
    """
    return _in_c(case, repeats, bare=True)
