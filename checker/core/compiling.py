"""How hot functions are compiled: kept on disk, and with as little code as a first run needs.

The one adapter to what numba keeps to itself: its cache, which raises what a full disk or a torn
file does, although all that it holds can be made anew.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
import warnings
from functools import cache, partial
from typing import Any

from numba import config, njit, types
from numba.core import event
from numba.core.caching import FunctionCache
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from ncfcheck.core import time_limit
from ncfcheck.core.errors import CannotRun

KEPT = 2**18  # bytes that a compiled function takes, at most about: is there room for it?
_told: list[str] = []

SETTINGS: Any = config  # names of it are made when it is imported
if SETTINGS.DISABLE_JIT:
    raise CannotRun("NUMBA_DISABLE_JIT is set, and hot functions run compiled only: unset it")


def _compiled(function=None, **options):
    """numba's njit, with a cache that helps where it can and never fails."""
    if function is None:
        return partial(_compiled, **options)
    found = njit(function, **options)
    kept = _cache_of(function)
    if kept is not None:
        found._cache = kept
    return found


class _Forgiving(FunctionCache):
    """Compiled functions on disk: what cannot be read is compiled anew and replaced, what cannot be
    written is done without.
    """

    def load_overload(self, *wanted):
        try:
            return super().load_overload(*wanted)
        except Exception:  # whatever the unpickling of what is not a pickle raises
            self._forget()
            return None

    def save_overload(self, *compiled):
        try:
            super().save_overload(*compiled)
        except Exception:
            self._forget()  # an index that names what was not written would bring back older code

    def _forget(self) -> None:
        with contextlib.suppress(OSError):
            self.flush()


def _cache_of(function) -> _Forgiving | None:
    """The cache of a function; None where there is no folder for it, which is told once a run."""
    if not _is_home_known() and not any(map(_is_writable, (SETTINGS.CACHE_DIR, _beside(function)))):
        _warn("there is no home folder")
        return None
    try:
        found = _Forgiving(function)
    except Exception:
        _warn("no folder for it can be written")
        return None
    _try(found.cache_path)
    return found


def _is_home_known() -> bool:
    """Whether ~ means a folder: numba would make one of that name where it does not."""
    return os.path.isabs(os.path.expanduser("~"))


def _beside(function) -> str:
    return os.path.join(os.path.dirname(function.__code__.co_filename), "__pycache__")


@cache
def _is_writable(folder: str) -> bool:
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
    return os.access(folder, os.W_OK)


@cache
def _try(folder: str) -> None:
    """Warn where there is no room in the folder."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(KEPT))
    except OSError as error:
        _warn(f"{folder}: {error.strerror}")


def _warn(reason: str) -> None:
    """Tell it, once: of the processes of a run the first alone, which loads the same functions."""
    if multiprocessing.current_process().name == "MainProcess" and not _told:
        _told.append(reason)
        advice = "set NUMBA_CACHE_DIR to a folder that can be written"
        message = f"compiled functions cannot be kept ({reason}) and are compiled at every start"
        warnings.warn(f"{message}: {advice}", stacklevel=2)


# Divisions need no check: a quotient that is not finite is found by whoever looks at the result.
compiled = partial(_compiled, error_model="numpy", no_cfunc_wrapper=True)
# For what only compiled code calls. Each level is optimised anew with all below: levels are few.
internal = partial(compiled, no_cpython_wrapper=True)
inlined = partial(internal, inline="always")
# For what allocates nothing: counting references at every call takes as long as a tiny network.
bare = partial(internal, _nrt=False)


class _Compiling(event.Listener):
    """What is compiled at its first use costs no instance its time."""

    def on_start(self, _) -> None:
        time_limit.hold()

    def on_end(self, _) -> None:
        time_limit.release()


event.register("numba:compile", _Compiling())


@intrinsic
def matrix_view(typingctx, flat, start, rows, columns):
    """flat[start : start + rows · columns] as a matrix (rows, columns), for compiled code.

    It costs nothing where slicing and reshaping take as long as a small product; but it neither
    checks its bounds nor keeps `flat` alive, so it must not be returned to Python.
    """
    matrix = types.Array(flat.dtype, 2, "C", readonly=not flat.mutable)

    def generate(context, builder, signature, arguments):
        source = make_array(signature.args[0])(context, builder, arguments[0])
        view = make_array(matrix)(context, builder)
        item = context.get_constant(
            types.intp, context.get_abi_sizeof(context.get_data_type(flat.dtype))
        )
        populate_array(
            view,
            data=builder.gep(source.data, [arguments[1]]),
            shape=arguments[2:],
            strides=[builder.mul(arguments[3], item), item],
            itemsize=item,
            meminfo=None,
        )
        return view._getvalue()

    return matrix(flat, types.intp, types.intp, types.intp), generate
