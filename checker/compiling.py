"""How the hot functions are compiled: cached on disk, and with as little code as a first run can do with."""

from __future__ import annotations

from functools import partial

from numba import njit

# Divisions need no check: a quotient that is not finite is found by whoever looks at the result.
compiled = partial(njit, cache=True, error_model="numpy", no_cfunc_wrapper=True)
# For what only compiled code calls. Every level of calls is optimised anew with all below it, so levels are few.
internal = partial(compiled, no_cpython_wrapper=True)
inlined = partial(internal, inline="always")
